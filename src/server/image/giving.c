/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giving -- see giving.h: who asks, who waits, and who is refused.
 *
 *     WAITING (for an image of a mark that was logged after the question)
 *         -> OPENING -> SENDING (as much as is asked for) -> ENDED (its file is being closed) -> free
 */
#include "server/image/giving.h"

#include "server/image/giving_internal.h"
#include "server/image/loading.h"

#define IDLE_US UINT64_C(30000000)
#define AGAIN_US UINT64_C(3000000)  /* another mark, if there is no image of the last one */
#define STUCK_US UINT64_C(15000000) /* in which no image is made: there will be none */

struct cc_giving *cc_giving_create(struct cc_group *group)
{
    struct cc_giving *giving = cc_memory_take(group->memory, sizeof *giving);

    giving->server = group->server;
    giving->group = group;
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        giving->backups[i].giving = giving;
    }
    return giving;
}

void cc_giving_free_if_over(struct cc_giving *giving)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        if (giving->backups[i].loading != NULL) {
            return;
        }
    }
    if (giving->group == NULL) {
        cc_memory_give(giving->server->memory, giving);
    }
}

void cc_giving_end_backup(struct cc_giving_backup *backup)
{
    backup->piece = (copycat_bytes){NULL, 0};
    if (backup->loading == NULL) {
        backup->phase = CC_GIVING_FREE;
    } else if (backup->phase != CC_GIVING_ENDED) {
        backup->phase = CC_GIVING_ENDED;
        cc_loading_abandon(backup->loading);
    }
}

void cc_giving_refuse(struct cc_giving_backup *backup, copycat_status status, const char *text)
{
    cc_server_refuse_guest(backup->giving->server, backup->token, status, text);
    cc_giving_end_backup(backup);
}

bool cc_giving_given(
    const struct cc_giving *giving,
    uint32_t number,
    struct cc_image_id *id_out,
    const struct cc_segment_list **segments_out)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        const struct cc_giving_backup *backup = &giving->backups[i];

        if (backup->loading != NULL && number-- == 0) {
            *id_out = backup->id;
            *segments_out = backup->segments;
            return true;
        }
    }
    return false;
}

void cc_giving_end(struct cc_giving *giving)
{
    giving->group = NULL;
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        cc_giving_end_backup(&giving->backups[i]);
    }
    cc_giving_free_if_over(giving);
}

/* ---- what is asked ----------------------------------------------------------------------------
 */

static struct cc_giving_backup *find(struct cc_giving *giving, uint64_t token)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        if (giving->backups[i].phase != CC_GIVING_FREE &&
            giving->backups[i].phase != CC_GIVING_ENDED && giving->backups[i].token == token) {
            return &giving->backups[i];
        }
    }
    return NULL;
}

static struct cc_giving_backup *find_free(struct cc_giving *giving)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        if (giving->backups[i].phase == CC_GIVING_FREE) {
            return &giving->backups[i];
        }
    }
    return NULL;
}

static void refuse_follower(const struct cc_group *group, uint64_t token)
{
    uint32_t leader = cc_raft_leader(group->core);
    char digits[21];

    cc_server_refuse_guest(
        group->server, token, COPYCAT_ERR_NO_LEADER,
        leader == 0 || leader == group->server_id
            ? "this server does not lead, and no leader is known to it"
            : cc_server_compose(
                  group->server, (const char *const[]){
                                     "this server does not lead; ask member ",
                                     cc_server_number(leader, digits), NULL}));
}

static struct cc_giving_backup *begin(struct cc_giving *giving, uint64_t token)
{
    struct cc_group *group = giving->group;
    struct cc_giving_backup *backup = find_free(giving);

    if (!group->is_leading) {
        refuse_follower(group, token);
        return NULL;
    }
    if (backup == NULL) {
        cc_server_refuse_guest(
            group->server, token, COPYCAT_ERR_BUSY,
            "as many backups are being made of this server as may be at once; try again when one "
            "is complete");
        return NULL;
    }
    *backup = (struct cc_giving_backup){
        .giving = giving,
        .phase = CC_GIVING_WAITING,
        .token = token,
        .term = cc_raft_term(group->core),
        .after = cc_raft_last(group->core),
        .moved_us = cc_env_now_us(group->env),
    };
    return backup;
}

bool cc_giving_asked(struct cc_giving *giving, uint64_t token, copycat_bytes body)
{
    struct cc_giving_backup *backup = find(giving, token);
    struct cc_backup_ask ask;

    if (!cc_backup_ask_decode(body, &ask)) {
        return false;
    }
    if (backup == NULL) {
        if (ask.received != 0) {
            return true; /* it crossed with the end */
        }
        backup = begin(giving, token);
        if (backup == NULL) {
            return true;
        }
    }
    if (ask.received < backup->received || ask.received > backup->sent) {
        cc_giving_end_backup(backup);
        return false;
    }
    backup->received = ask.received;
    backup->heard_us = cc_env_now_us(giving->server->env);
    if (backup->phase == CC_GIVING_SENDING) {
        cc_giving_give(backup);
    } else {
        (void)cc_giving_begin_frame(backup, CC_MESSAGE_BACKUP_WAIT);
        cc_giving_end_frame(backup);
    }
    cc_group_wake(giving->group);
    return true;
}

/* ---- as time goes on -------------------------------------------------------------------------- */

bool cc_giving_wants_mark(const struct cc_giving *giving)
{
    const struct cc_group *group = giving->group;
    uint64_t now = cc_env_now_us(group->env);

    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        const struct cc_giving_backup *backup = &giving->backups[i];

        if (backup->phase == CC_GIVING_WAITING && group->base.index <= backup->after &&
            now >= backup->again_us && cc_group_image_may_begin(group)) {
            return true;
        }
    }
    return false;
}

void cc_giving_marked(struct cc_giving *giving)
{
    uint64_t again_us = cc_env_now_us(giving->group->env) + AGAIN_US;

    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        giving->backups[i].again_us = again_us;
    }
}

static void go_on_waiting(struct cc_giving_backup *backup)
{
    const struct cc_group *group = backup->giving->group;
    uint64_t now = cc_env_now_us(group->env);

    if (group->taking != NULL || group->switch_mark != 0) {
        backup->moved_us = now;
    }
    if (!group->is_leading || cc_raft_term(group->core) != backup->term) {
        refuse_follower(group, backup->token);
        cc_giving_end_backup(backup);
    } else if (group->base.index > backup->after && group->base_trouble != COPYCAT_OK) {
        cc_giving_refuse(backup, COPYCAT_ERR_UNAVAILABLE, CC_GIVING_BAD_IMAGE);
    } else if (group->base.index > backup->after) {
        cc_giving_open(backup);
    } else if (now >= backup->moved_us + STUCK_US) {
        cc_giving_refuse(
            backup, COPYCAT_ERR_UNAVAILABLE,
            "this server could not make an image of its state; its log says why");
    }
}

void cc_giving_go_on(struct cc_giving *giving)
{
    uint64_t now = cc_env_now_us(giving->server->env);

    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        struct cc_giving_backup *backup = &giving->backups[i];

        if (backup->phase == CC_GIVING_FREE || backup->phase == CC_GIVING_ENDED) {
            continue;
        }
        if (!cc_giving_is_there(backup)) {
            cc_giving_end_backup(backup);
        } else if (now >= backup->heard_us + IDLE_US) {
            cc_giving_refuse(
                backup, COPYCAT_ERR_TIMEOUT, "nothing was asked for any more, so the backup ended");
        } else if (backup->phase == CC_GIVING_WAITING) {
            go_on_waiting(backup);
        }
    }
}

uint64_t cc_giving_due_us(const struct cc_giving *giving)
{
    uint64_t now = cc_env_now_us(giving->server->env);
    uint64_t due = COPYCAT_NONE;

    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        const struct cc_giving_backup *backup = &giving->backups[i];
        bool is_open = backup->phase != CC_GIVING_FREE && backup->phase != CC_GIVING_ENDED;
        uint64_t own = backup->phase == CC_GIVING_WAITING && backup->again_us > now
                           ? backup->again_us
                           : backup->heard_us + IDLE_US;

        due = is_open && own < due ? own : due;
    }
    return due;
}

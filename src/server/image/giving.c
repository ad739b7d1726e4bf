/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giving -- see giving.h.
 *
 *     WAITING (for an image of a mark that was logged after the question)
 *         -> OPENING -> GIVING (as much as is asked for) -> ENDED (its file is being closed) -> free
 */
#include "server/image/giving.h"

#include "base/assert.h"
#include "server/group/group.h"
#include "server/image/loading.h"
#include "server/image/segments.h"
#include "server/node/node.h"

#include <string.h>

#define IDLE_US UINT64_C(30000000)
#define AGAIN_US UINT64_C(3000000)  /* another mark, if there is no image of the last one */
#define STUCK_US UINT64_C(15000000) /* in which no image is made: there will be none */

#define BAD_IMAGE                                                                         \
    "the image on the disk of this server does not read; its log says more, and another " \
    "backup may be tried when it is mended"

enum phase {
    FREE,
    WAITING,
    OPENING,
    GIVING,
    ENDED,
};

struct backup {
    struct cc_giving *giving;
    enum phase phase;
    uint64_t token;    /* of the guest */
    uint64_t term;     /* that we led when it asked, */
    uint64_t after;    /* and our newest entry then */
    uint64_t heard_us; /* newest ask */
    uint64_t again_us; /* no other mark before then */
    uint64_t moved_us; /* an image was being made then, or it was asked for */
    uint64_t received; /* bytes, as the guest says */
    uint64_t sent;
    struct cc_loading *loading; /* NULL: its file is closed */
    struct cc_image_id id;
    struct cc_segment_list *segments; /* that it needs: they stay until then */
    bool is_asked;                    /* more records come */
    copycat_bytes piece;              /* what is left of those at hand */
};

struct cc_giving {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it has ended */
    struct backup backups[CC_BACKUPS_MAX];
};

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

static void free_if_over(struct cc_giving *giving)
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

/* Nothing is given any more; its place is free when the file is closed. */
static void end(struct backup *backup)
{
    backup->piece = (copycat_bytes){NULL, 0};
    if (backup->loading == NULL) {
        backup->phase = FREE;
    } else if (backup->phase != ENDED) {
        backup->phase = ENDED;
        cc_loading_abandon(backup->loading);
    }
}

static void refuse(struct backup *backup, copycat_status status, const char *text)
{
    cc_server_refuse_guest(backup->giving->server, backup->token, status, text);
    end(backup);
}

bool cc_giving_given(
    const struct cc_giving *giving,
    uint32_t number,
    struct cc_image_id *id_out,
    const struct cc_segment_list **segments_out)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        const struct backup *backup = &giving->backups[i];

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
        end(&giving->backups[i]);
    }
    free_if_over(giving);
}

/* ---- what is sent ----------------------------------------------------------------------------- */

static struct cc_writer *begin_frame(const struct backup *backup, uint16_t type)
{
    struct cc_guest *guest = cc_server_guest(backup->giving->server, backup->token);

    CC_ASSERT(guest != NULL); /* who sends has looked */
    return cc_channel_begin(&guest->channel, type, backup->giving->group->id);
}

static void end_frame(const struct backup *backup)
{
    cc_channel_end(&cc_server_guest(backup->giving->server, backup->token)->channel);
}

static void send_head(const struct backup *backup, uint64_t size)
{
    const struct cc_base *base = cc_journal_base(backup->giving->server->journal);
    struct cc_backup_head head = {
        .index = backup->id.index,
        .term = backup->id.term,
        .time_us = backup->id.time_us,
        .size = size,
    };

    memcpy(head.cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_backup_head_encode(begin_frame(backup, CC_MESSAGE_BACKUP_HEAD), &head);
    end_frame(backup);
}

/* B1 */
static void send_parts(struct backup *backup)
{
    while (backup->piece.size > 0 && backup->sent < backup->received + CC_BACKUP_WINDOW &&
           cc_server_guest(backup->giving->server, backup->token) != NULL) {
        uint64_t room = backup->received + CC_BACKUP_WINDOW - backup->sent;
        struct cc_backup_part part = {.offset = backup->sent, .bytes = backup->piece};

        room = room < CC_BACKUP_PART_SIZE_MAX ? room : CC_BACKUP_PART_SIZE_MAX;
        part.bytes.size = part.bytes.size < room ? part.bytes.size : (size_t)room;
        cc_backup_part_encode(begin_frame(backup, CC_MESSAGE_BACKUP_PART), &part);
        end_frame(backup);
        backup->sent += part.bytes.size;
        backup->piece.data = (const uint8_t *)backup->piece.data + part.bytes.size;
        backup->piece.size -= part.bytes.size;
    }
}

static void give(struct backup *backup)
{
    send_parts(backup);
    if (backup->piece.size == 0 && !backup->is_asked) {
        backup->is_asked = true;
        cc_loading_next(backup->loading);
    }
}

/* ---- the image -------------------------------------------------------------------------------- */

static bool is_there(const struct backup *backup)
{
    return cc_server_guest(backup->giving->server, backup->token) != NULL;
}

static void on_records(void *owner, copycat_bytes records, uint64_t size)
{
    struct backup *backup = owner;

    if (backup->phase == ENDED) {
        return;
    }
    if (!is_there(backup)) {
        end(backup);
        return;
    }
    backup->is_asked = false;
    backup->piece = records;
    if (backup->phase == OPENING) {
        backup->phase = GIVING;
        send_head(backup, size);
    }
    give(backup);
}

/* The file that this server stands on is bad: that is worth more than this backup. */
static void fail(struct backup *backup, copycat_status status, const char *text)
{
    struct cc_group *group = backup->giving->group;
    bool is_bad = status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_IO;

    refuse(
        backup, status == COPYCAT_ERR_BUSY ? status : COPYCAT_ERR_UNAVAILABLE,
        is_bad ? BAD_IMAGE : text);
    if (is_bad && cc_image_id_equals(&backup->id, &group->base)) {
        cc_group_base_failed(group, status, text);
    }
}

static void loaded(void *owner, const struct cc_loaded *loaded)
{
    struct backup *backup = owner;
    struct cc_giving *giving = backup->giving;

    backup->loading = NULL;
    cc_segment_list_release(backup->segments);
    backup->segments = NULL;
    if (backup->phase == ENDED || giving->group == NULL || !is_there(backup)) {
        end(backup);
    } else if (loaded->status == COPYCAT_OK) {
        cc_backup_end_encode(
            begin_frame(backup, CC_MESSAGE_BACKUP_END),
            &(struct cc_backup_end){.size = backup->sent});
        end_frame(backup);
        end(backup);
    } else {
        fail(backup, loaded->status, loaded->text);
    }
    free_if_over(giving);
}

static void open(struct backup *backup)
{
    struct cc_giving *giving = backup->giving;

    backup->id = giving->group->base;
    backup->segments = cc_segment_list_retain(giving->group->segments);
    backup->phase = OPENING;
    backup->is_asked = true;
    backup->loading = cc_loading_begin_reading(
        giving->server, &backup->id, backup->segments, on_records, loaded, backup);
    CC_ASSERT(backup->loading != NULL); /* the directory holds the journal, too */
}

/* ---- what is asked ----------------------------------------------------------------------------
 */

static struct backup *find(struct cc_giving *giving, uint64_t token)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        if (giving->backups[i].phase != FREE && giving->backups[i].phase != ENDED &&
            giving->backups[i].token == token) {
            return &giving->backups[i];
        }
    }
    return NULL;
}

static struct backup *find_free(struct cc_giving *giving)
{
    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        if (giving->backups[i].phase == FREE) {
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

static struct backup *begin(struct cc_giving *giving, uint64_t token)
{
    struct cc_group *group = giving->group;
    struct backup *backup = find_free(giving);

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
    *backup = (struct backup){
        .giving = giving,
        .phase = WAITING,
        .token = token,
        .term = cc_raft_term(group->core),
        .after = cc_raft_last(group->core),
        .moved_us = cc_env_now_us(group->env),
    };
    return backup;
}

bool cc_giving_asked(struct cc_giving *giving, uint64_t token, copycat_bytes body)
{
    struct backup *backup = find(giving, token);
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
        end(backup);
        return false;
    }
    backup->received = ask.received;
    backup->heard_us = cc_env_now_us(giving->server->env);
    if (backup->phase == GIVING) {
        give(backup);
    } else {
        (void)begin_frame(backup, CC_MESSAGE_BACKUP_WAIT);
        end_frame(backup);
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
        const struct backup *backup = &giving->backups[i];

        if (backup->phase == WAITING && group->base.index <= backup->after &&
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

static void go_on_waiting(struct backup *backup)
{
    const struct cc_group *group = backup->giving->group;
    uint64_t now = cc_env_now_us(group->env);

    if (group->taking != NULL || group->switch_mark != 0) {
        backup->moved_us = now;
    }
    if (!group->is_leading || cc_raft_term(group->core) != backup->term) {
        refuse_follower(group, backup->token);
        end(backup);
    } else if (group->base.index > backup->after && group->base_trouble != COPYCAT_OK) {
        refuse(backup, COPYCAT_ERR_UNAVAILABLE, BAD_IMAGE);
    } else if (group->base.index > backup->after) {
        open(backup);
    } else if (now >= backup->moved_us + STUCK_US) {
        refuse(
            backup, COPYCAT_ERR_UNAVAILABLE,
            "this server could not make an image of its state; its log says why");
    }
}

void cc_giving_go_on(struct cc_giving *giving)
{
    uint64_t now = cc_env_now_us(giving->server->env);

    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        struct backup *backup = &giving->backups[i];

        if (backup->phase == FREE || backup->phase == ENDED) {
            continue;
        }
        if (!is_there(backup)) {
            end(backup);
        } else if (now >= backup->heard_us + IDLE_US) {
            refuse(
                backup, COPYCAT_ERR_TIMEOUT, "nothing was asked for any more, so the backup ended");
        } else if (backup->phase == WAITING) {
            go_on_waiting(backup);
        }
    }
}

uint64_t cc_giving_due_us(const struct cc_giving *giving)
{
    uint64_t now = cc_env_now_us(giving->server->env);
    uint64_t due = COPYCAT_NONE;

    for (uint32_t i = 0; i < CC_BACKUPS_MAX; i++) {
        const struct backup *backup = &giving->backups[i];
        bool is_open = backup->phase != FREE && backup->phase != ENDED;
        uint64_t own = backup->phase == WAITING && backup->again_us > now
                           ? backup->again_us
                           : backup->heard_us + IDLE_US;

        due = is_open && own < due ? own : due;
    }
    return due;
}

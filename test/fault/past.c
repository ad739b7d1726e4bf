/* SPDX-License-Identifier: Apache-2.0 */
/*
 * past -- see past.h.
 */
#include "fault/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_PUTS 80u
#define LATE_PUTS 9u /* more than one image apart */
#define LATE_ROUNDS 3u
#define IMAGE_US UINT64_C(500000) /* enough to make one */
#define PATIENCE_US UINT64_C(20000000)
#define KEPT_BYTES (UINT64_C(1) << 20) /* all there is */
#define SEAL_US UINT64_C(2500000)
#define SELDOM_ENTRIES 80u /* from one image to the next: one falls into the early puts */
#define SELDOM_BYTES (UINT64_C(1) << 20)

void past_clear(struct past *past)
{
    record_clear(&past->record);
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        trio_disk_clear(&past->disks[i]);
    }
    memset(past, 0, sizeof *past);
}

/* There are images, and what server 3 lacks is where it was wanted. */
static bool is_as_wanted(const struct past *past, const struct trio *trio)
{
    bool is_good = true;

    for (uint32_t i = PAST_FIRST; i <= PAST_SECOND; i++) {
        const struct cc_group *group = trio->seats[i].server->group;
        bool is_logged = cc_log_first(group->log) <= past->seen_by_laggard + 1;
        bool is_imaged = group->base.index > past->seen_by_laggard;

        is_good = is_good && group->base.index > 0 && is_logged == (past->kind != PAST_FORGOTTEN) &&
                  is_imaged == (past->kind != PAST_LOGGED);
    }
    return is_good;
}

static bool is_settled(void *owner)
{
    return trio_is_settled(owner, TRIO_SERVERS);
}

void past_set(const struct past *past, struct trio *trio)
{
    trio->keep_bytes = past->kind == PAST_FORGOTTEN ? 1 : KEPT_BYTES;
    if (past->kind == PAST_LOGGED) {
        trio->image_entries = SELDOM_ENTRIES;
        trio->image_bytes = SELDOM_BYTES;
    }
}

/* The image that is being taken, if one is, is stood on before the server goes. */
static bool is_between_images(void *owner)
{
    const struct trio *trio = owner;
    const struct cc_group *group = trio->seats[PAST_LAGGARD].server->group;

    return group->taking == NULL && group->switch_mark == 0;
}

bool past_make(struct past *past, struct trio *trio, enum past_kind kind)
{
    static const struct trio_fault none = {.machine = TRIO_MACHINES};
    bool is_good;

    past->kind = kind;
    trio_create(trio, PAST_SEED, &none);
    past_set(past, trio);
    trio->applied = record_applied;
    trio->applied_owner = &past->record;
    caller_init(&past->caller, trio);
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        trio_start(trio, i);
    }
    is_good = trio_run(trio, PATIENCE_US, is_settled, trio) &&
              caller_put(&past->caller, EARLY_PUTS, PATIENCE_US) &&
              trio_run(trio, PATIENCE_US, is_settled, trio) &&
              trio_run(trio, PATIENCE_US, is_between_images, trio);
    if (is_good) {
        past->seen_by_laggard = cc_apply_index(trio->seats[PAST_LAGGARD].server->group->apply);
        trio_crash(trio, PAST_LAGGARD);
        is_good = true;
        for (uint32_t i = 0; i < LATE_ROUNDS; i++) {
            is_good = is_good && caller_put(&past->caller, LATE_PUTS, PATIENCE_US);
            if (kind == PAST_FORGOTTEN) { /* for who is silent so long nothing is kept */
                (void)trio_run(trio, IMAGE_US, NULL, NULL);
            }
        }
        is_good =
            is_good && caller_check(&past->caller, PATIENCE_US) && caller_close(&past->caller);
    }
    (void)trio_run(trio, SEAL_US, NULL, NULL);
    if (is_good && !is_as_wanted(past, trio)) {
        cc_judge_blame(trio->judge, "what server 3 lacks is not where it should be");
        is_good = false;
    }
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        if (cc_world_is_up(trio->world, i)) {
            trio_crash(trio, i);
        }
        trio_disk_take(trio, i, &past->disks[i]);
    }
    if (!is_good) {
        printf("FAILED before anything was changed: %s\n", trio_verdict(trio));
    }
    trio_destroy(trio);
    return is_good;
}

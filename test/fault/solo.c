/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solo -- see solo.h.
 */
#include "fault/solo.h"

#include <string.h>

#define PLACE 0u
#define PATIENCE_US UINT64_C(20000000)
#define ENTRIES_TO_AN_IMAGE 4u /* at least */

/* ---- the disk -------------------------------------------------------------------------------- */

static void carry_out_next(struct cc_task *task)
{
    struct solo *solo = task->owner;

    if (solo->at_point != NULL) {
        solo->at_point(solo->owner, solo);
    }
    solo->calls++;
    (void)memory_disk_step(solo->disk);
    if (solo->disk->request_count > 0) {
        cc_env_later(cc_world_env(solo->trio.world, PLACE), &solo->call);
    }
}

static void ask(void *owner, struct cc_env *env, struct cc_disk_request *request)
{
    struct solo *solo = owner;

    cc_env_disk(&solo->disk->env, request);
    cc_env_later(env, &solo->call);
}

/* ---- lives ----------------------------------------------------------------------------------- */

void solo_begin(struct solo *solo, struct memory_disk *disk, uint64_t seed)
{
    static const struct trio_fault none = {.machine = TRIO_MACHINES};

    memset(solo, 0, sizeof *solo);
    trio_create_alone(&solo->trio, seed, &none);
    solo->trio.image_entries = ENTRIES_TO_AN_IMAGE + seed % 4;
    solo->trio.disk = ask;
    solo->trio.disk_owner = solo;
    solo->disk = disk;
    solo->call = (struct cc_task){.run = carry_out_next, .owner = solo};
    caller_init(&solo->caller, &solo->trio);
}

void solo_end(struct solo *solo)
{
    solo_crash(solo);
    trio_destroy(&solo->trio);
}

static bool is_serving(void *owner)
{
    return trio_is_settled(owner, 1);
}

static bool is_decided(void *owner)
{
    const struct solo *solo = owner;

    return solo->trio.seats[PLACE].has_stopped || trio_is_settled(&solo->trio, 1);
}

bool solo_start(struct solo *solo)
{
    struct trio *trio = &solo->trio;
    struct trio_seat *seat = &trio->seats[PLACE];

    trio_start(trio, PLACE);
    if (!trio_run(trio, PATIENCE_US, is_decided, solo) || !is_serving(trio)) {
        cc_judge_blame(
            trio->judge, "the server does not serve: \"%s\", and says \"%s\"",
            copycat_status_text(seat->status), seat->notice);
    } else if (seat->spoke_of_damage || seat->has_lost_image) {
        cc_judge_blame(trio->judge, "there is no damage, and the server says \"%s\"", seat->notice);
    }
    return trio_verdict(trio) == NULL;
}

struct limit {
    struct solo *solo;
    uint64_t calls;
};

static bool is_at_limit(void *owner)
{
    struct limit *limit = owner;

    return limit->solo->calls >= limit->calls || is_decided(limit->solo);
}

bool solo_start_until(struct solo *solo, uint64_t calls)
{
    struct limit limit = {solo, solo->calls + calls};

    if (calls > 0) {
        trio_start(&solo->trio, PLACE);
        (void)trio_run(&solo->trio, PATIENCE_US, is_at_limit, &limit);
    }
    return !is_decided(solo);
}

void solo_crash(struct solo *solo)
{
    if (cc_world_is_up(solo->trio.world, PLACE)) {
        trio_crash(&solo->trio, PLACE);
    }
    memory_disk_crash(solo->disk, MEMORY_CRASH_NOTHING, 0);
    solo->call.queued = false;
}

uint64_t solo_applied(const struct solo *solo)
{
    const struct cc_server *server = solo->trio.seats[PLACE].server;

    return server == NULL || server->group == NULL || server->group->apply == NULL
               ? 0
               : cc_apply_index(server->group->apply);
}

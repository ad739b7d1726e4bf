/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio -- see trio.h: the servers and their lives.
 */
#include "fault/trio.h"

#include "base/assert.h"
#include "resource/map/map_machine.h"

#include <stdio.h>
#include <string.h>

#define CLOSE_US UINT64_C(5000000)
#define ELECTION_TIMEOUT_US UINT64_C(300000)
#define FILE_SIZE UINT64_C(65536)
#define IMAGE_ENTRIES 8u
#define SEGMENT_BYTES 512u
#define KEEP_ALL_EACH 3u /* of so many seeds, one keeps entries for who lags, as the product does */

static const copycat_machine_type *const machine_types[] = {&cc_map_machine_type, NULL};

static void tap(void *owner, uint32_t machine, const void *data, size_t size)
{
    struct trio *trio = owner;

    if (machine < TRIO_SERVERS) {
        cc_judge_sends(trio->judge, machine, data, size);
    }
}

static void create(
    struct trio *trio, uint32_t servers, uint64_t seed, const struct trio_fault *fault)
{
    memset(trio, 0, sizeof *trio);
    trio->fault = *fault;
    trio->seed = seed;
    trio->image_entries = IMAGE_ENTRIES;
    trio->keep_bytes = seed % KEEP_ALL_EACH == 0 ? 0 : 1;
    trio->world = cc_world_create(seed, TRIO_MACHINES);
    trio->judge = cc_judge_create(servers, servers);
    cc_world_set_tap(trio->world, tap, trio);
    for (uint32_t i = 0; i < servers; i++) {
        struct cc_member *member = &trio->members.at[trio->members.count++];
        struct trio_seat *seat = &trio->seats[i];

        member->id = i + 1;
        member->role = CC_ROLE_VOTER;
        snprintf(member->address, sizeof member->address, "s%u:7458", i + 1);
        snprintf(seat->directory, sizeof seat->directory, "/s%u", i + 1);
        seat->trio = trio;
        seat->place = i;
    }
    trio_intercept(trio);
}

void trio_create(struct trio *trio, uint64_t seed, const struct trio_fault *fault)
{
    create(trio, TRIO_SERVERS, seed, fault);
}

void trio_create_alone(struct trio *trio, uint64_t seed, const struct trio_fault *fault)
{
    create(trio, 1, seed, fault);
}

void trio_destroy(struct trio *trio)
{
    cc_judge_destroy(trio->judge);
    cc_world_destroy(trio->world);
    trio_release(trio);
}

const char *trio_verdict(const struct trio *trio)
{
    return cc_judge_verdict(trio->judge);
}

/* ---- what servers say ------------------------------------------------------------------------ */

static void on_notice(void *owner, const char *text)
{
    struct trio_seat *seat = owner;

    snprintf(seat->notice, sizeof seat->notice, "%s", text);
    seat->spoke_of_damage = seat->spoke_of_damage || strstr(text, "damaged") != NULL;
    if (strstr(text, "image that this server stands on") != NULL) {
        seat->has_lost_image = true;
        snprintf(seat->image_notice, sizeof seat->image_notice, "%s", text);
    }
}

static void on_changed(void *owner, enum cc_server_state state, copycat_status status)
{
    struct trio_seat *seat = owner;

    if (state == CC_SERVER_FAILED) {
        seat->has_stopped = true;
        seat->status = status;
        seat->trio->stops++;
        cc_judge_down(seat->trio->judge, seat->place);
    }
}

/* What led to the state that came with the disk: entries of which but the term is known, if that. */
static void take_as_given(struct trio_seat *seat)
{
    const struct cc_group *group = seat->server->group;
    struct cc_judge *judge = seat->trio->judge;
    struct trio_state given = seat->given;

    if (given.index == 0 || group == NULL) {
        return;
    }
    for (uint64_t at = 1; at <= given.index; at++) {
        struct cc_entry entry = {.index = at, .term = 1};

        if (at == group->base.index) {
            entry.term = group->base.term;
        } else if (at >= cc_log_first(group->log)) {
            entry.term = cc_log_term(group->log, at);
        }
        cc_judge_applied(judge, seat->place, entry.term, &entry, given.digest);
    }
    cc_judge_down(judge, seat->place);
    cc_judge_restored(judge, seat->place, given.index, given.time_us, given.digest);
    seat->given.index = 0;
}

static void on_applied(
    void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome, uint64_t digest)
{
    struct trio_seat *seat = owner;

    (void)outcome;
    take_as_given(seat);
    cc_judge_applied(
        seat->trio->judge, seat->place, cc_raft_term(seat->server->group->core), entry, digest);
    if (seat->trio->applied != NULL) {
        seat->trio->applied(seat->trio->applied_owner, entry, digest);
    }
}

static void on_restored(void *owner, uint64_t index, uint64_t time_us, uint64_t digest)
{
    struct trio_seat *seat = owner;

    if (seat->trio->is_past_unknown && seat->restored == 0) {
        seat->given = (struct trio_state){index, time_us, digest};
    } else {
        cc_judge_restored(seat->trio->judge, seat->place, index, time_us, digest);
    }
    seat->restored++;
}

/* ---- lives ----------------------------------------------------------------------------------- */

static struct trio_seat *end_life(struct trio *trio)
{
    struct trio_seat *seat = &trio->seats[trio->fault.machine];

    trio_crash(trio, seat->place);
    seat->has_stopped = true;
    trio->stops++;
    return seat;
}

/* The process is gone: it was refused memory that it cannot do without. */
static void lose_process(struct trio *trio)
{
    struct trio_seat *seat;

    trio->world->machines[trio->fault.machine].in_pass = false;
    seat = end_life(trio);
    seat->is_memory_gone = true;
    seat->status = COPYCAT_ERR_MEMORY;
}

/* Once all calls of the pass are made: which of them the disk keeps is the world's choice. */
static bool loses_power(struct trio *trio)
{
    if (!trio->fault.is_power_due) {
        return false;
    }
    trio->fault.is_power_due = false;
    end_life(trio)->is_power_gone = true;
    return true;
}

bool trio_guard(struct trio *trio, void (*run)(void *owner), void *owner)
{
    trio->passes++;
    switch (setjmp(trio->stop)) {
    case 0:
        run(owner);
        return !loses_power(trio);
    case 1:
        lose_process(trio);
        return false;
    default:
        return false; /* there is a verdict */
    }
}

static void open_server(void *owner)
{
    static const struct cc_server_callbacks callbacks = {
        .notice = on_notice, .changed = on_changed, .applied = on_applied, .restored = on_restored};
    struct trio_seat *seat = owner;
    struct cc_server_options options = {
        .id = seat->place + 1,
        .members = &seat->trio->members,
        .directory = seat->directory,
        .types = machine_types,
        .seed = seat->trio->seed * 100 + seat->place,
        .election_timeout_us = ELECTION_TIMEOUT_US,
        .file_size = FILE_SIZE,
        .image_entries = seat->trio->image_entries,
        .image_bytes = seat->trio->image_bytes,
        .segment_bytes = SEGMENT_BYTES,
        .keep_bytes = seat->trio->keep_bytes,
        .checks_images = true,
    };
    struct cc_env *env = cc_world_env(seat->trio->world, seat->place);
    copycat_status status = cc_server_open(&seat->server, env, &options, &callbacks, seat);

    if (status != COPYCAT_OK) {
        seat->server = NULL;
        seat->has_stopped = true;
        seat->status = status;
        seat->trio->stops++;
    }
}

void trio_crash(struct trio *trio, uint32_t place)
{
    struct trio_seat *seat = &trio->seats[place];

    cc_judge_down(trio->judge, place);
    cc_world_crash(trio->world, place);
    seat->server = NULL;
    if (trio->fault.machine == place) {
        trio->broken_request = NULL;
    }
}

void trio_start(struct trio *trio, uint32_t place)
{
    struct trio_seat *seat = &trio->seats[place];

    if (cc_world_is_up(trio->world, place)) {
        trio_crash(trio, place);
    }
    seat->has_stopped = false;
    seat->is_memory_gone = false;
    seat->is_power_gone = false;
    seat->notice[0] = '\0';
    (void)cc_world_boot(trio->world, place);
    (void)trio_guard(trio, open_server, seat);
}

static void closed(void *owner)
{
    struct trio_seat *seat = owner;

    seat->is_closed = true;
}

static bool is_closed(void *owner)
{
    const struct trio_seat *seat = owner;

    return seat->is_closed || !cc_world_is_up(seat->trio->world, seat->place);
}

static void close_server(void *owner)
{
    struct trio_seat *seat = owner;
    struct cc_server *server = seat->server;

    seat->server = NULL;
    cc_server_close(server, closed, seat);
}

bool trio_close(struct trio *trio, uint32_t place)
{
    struct trio_seat *seat = &trio->seats[place];

    if (seat->server == NULL) {
        return true;
    }
    cc_judge_down(trio->judge, place);
    seat->is_closed = false;
    if (trio_guard(trio, close_server, seat) && !trio_run(trio, CLOSE_US, is_closed, seat)) {
        cc_judge_blame(trio->judge, "server %u does not close", place + 1);
    }
    if (seat->is_closed && cc_world_memory(trio->world, place) != 0) {
        cc_judge_blame(trio->judge, "server %u has left memory behind", place + 1);
    }
    return trio_verdict(trio) == NULL;
}

/* ---- time ------------------------------------------------------------------------------------ */

struct passage {
    struct trio *trio;
    uint64_t until_us;
    bool is_over;
};

static void pass(void *owner)
{
    struct passage *passage = owner;
    struct trio *trio = passage->trio;
    uint32_t machine;

    passage->is_over = !cc_world_step(trio->world, passage->until_us, &machine);
    if (!passage->is_over && machine < TRIO_SERVERS && trio->seats[machine].server != NULL) {
        take_as_given(&trio->seats[machine]);
        cc_judge_step(trio->judge, machine, trio->seats[machine].server);
    }
}

bool trio_run(struct trio *trio, uint64_t within_us, bool (*condition)(void *owner), void *owner)
{
    struct passage passage = {trio, cc_world_now_us(trio->world) + within_us, false};

    while (!passage.is_over && trio_verdict(trio) == NULL) {
        if (condition != NULL && condition(owner)) {
            return true;
        }
        (void)trio_guard(trio, pass, &passage);
    }
    return condition != NULL && trio_verdict(trio) == NULL && condition(owner);
}

bool trio_is_settled(const struct trio *trio, uint32_t servers)
{
    struct cc_server_status first = {0};
    uint32_t leaders = 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        struct cc_server_status status;

        if (trio->seats[i].server == NULL || trio->seats[i].has_stopped) {
            continue;
        }
        cc_server_status(trio->seats[i].server, &status);
        first = count == 0 ? status : first;
        if (status.state != CC_SERVER_MEMBER || status.applied != status.last ||
            !trio->seats[i].server->group->has_state || status.applied != first.applied ||
            status.digest != first.digest) {
            return false;
        }
        leaders += status.is_leader;
        count++;
    }
    return count >= servers && leaders == 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster -- see cluster.h.
 */
#include "sim/cluster.h"

#include "base/assert.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "sim/alarm.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const copycat_machine_type *const machine_types[] = {
    &cc_map_machine_type, &cc_alarm_machine_type, NULL};

void cc_cluster_tell(struct cc_cluster *cluster, const char *who, const char *format, ...)
{
    va_list arguments;

    if (!cluster->options.tells_story) {
        return;
    }
    printf("%12.6f  %-8s ", (double)cc_world_now_us(cluster->world) / 1e6, who);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

static const char *name_of(uint32_t place)
{
    static const char *const names[] = {"s1", "s2",  "s3",  "s4",  "s5",  "s6",  "s7",  "s8",
                                        "s9", "s10", "s11", "s12", "s13", "s14", "s15", "s16"};

    return names[place];
}

static void tap(void *owner, uint32_t machine, const void *data, size_t size)
{
    struct cc_cluster *cluster = owner;

    if (machine < cluster->server_count) {
        cc_judge_sends(cluster->judge, machine, data, size);
    }
}

struct cc_cluster *cc_cluster_create(const struct cc_cluster_options *options)
{
    struct cc_cluster *cluster = calloc(1, sizeof *cluster);

    CC_ASSERT(cluster != NULL);
    cluster->options = *options;
    cluster->server_count = options->voter_count + options->learner_count;
    cluster->world = cc_world_create(options->seed, CC_MACHINES_MAX);
    CC_ASSERT(cluster->server_count <= CC_SERVERS_MAX);
    CC_ASSERT(options->client_count <= CC_CLIENTS_MAX);
    cluster->judge = cc_judge_create(cluster->server_count, options->voter_count);
    cluster->session_judge = cc_session_judge_create(cluster->judge);
    cc_judge_trusts_clocks(cluster->judge, !options->has_wild_clocks);
    cc_world_set_tap(cluster->world, tap, cluster);
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        struct cc_member *member = &cluster->members.at[cluster->members.count++];

        member->id = i + 1;
        member->role = i < options->voter_count ? CC_ROLE_VOTER : CC_ROLE_LEARNER;
        snprintf(member->address, sizeof member->address, "s%u:7458", i + 1);
        cluster->seats[i].cluster = cluster;
        cluster->seats[i].place = i;
        snprintf(cluster->seats[i].directory, sizeof cluster->seats[i].directory, "/s%u", i + 1);
        cc_cluster_clear_disk(cluster, i);
    }
    return cluster;
}

void cc_cluster_destroy(struct cc_cluster *cluster)
{
    cc_session_judge_destroy(cluster->session_judge);
    cc_judge_destroy(cluster->judge);
    cc_world_destroy(cluster->world);
    free(cluster);
}

static void on_notice(void *owner, const char *text)
{
    struct cc_seat *seat = owner;

    cc_cluster_tell(seat->cluster, name_of(seat->place), "says: %s", text);
    if (seat->server != NULL && seat->server->failed != COPYCAT_OK) {
        cc_judge_failing(seat->cluster->judge, seat->place, seat->server);
    }
    if (strstr(text, "the image that this server stands on") != NULL && !seat->is_damaged &&
        strstr(text, "could not be") == NULL) { /* read, as failing disks have it */
        cc_judge_blame(seat->cluster->judge, "images: server %u: %s", seat->place + 1, text);
    }
}

/* A head that has rotted may look like that of a newer version or of another server. */
static bool tells_of_damage(copycat_status status)
{
    return status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_NEWER ||
           status == COPYCAT_ERR_FOREIGN;
}

static void on_changed(void *owner, enum cc_server_state state, copycat_status status)
{
    static const char *const names[] = {"recovering", "founding", "member", "failed"};
    struct cc_seat *seat = owner;

    cc_cluster_tell(seat->cluster, name_of(seat->place), "is %s", names[state]);
    if (state == CC_SERVER_FAILED) {
        seat->has_failed = true;
        cc_judge_down(seat->cluster->judge, seat->place);
        seat->cluster->totals.failures++;
        seat->cluster->totals.refusals += seat->is_stranger && status == COPYCAT_ERR_FOREIGN;
        seat->cluster->totals.damaged += seat->is_damaged && tells_of_damage(status);
        seat->cluster->totals.diverged += seat->is_spoiled && status == COPYCAT_ERR_BROKEN;
        if (status != COPYCAT_ERR_IO && status != COPYCAT_ERR_DISK_FULL &&
            !(status == COPYCAT_ERR_BUSY && !seat->server->is_journal_open) &&
            !(seat->is_stranger && status == COPYCAT_ERR_FOREIGN) &&
            !(seat->is_spoiled && status == COPYCAT_ERR_BROKEN) &&
            !(seat->is_damaged && tells_of_damage(status))) {
            cc_judge_blame(
                seat->cluster->judge,
                status == COPYCAT_ERR_BROKEN
                    ? "digests: server %u stops, and its state is right: %s"
                    : "recovery: server %u cannot use its directory: %s",
                seat->place + 1, copycat_status_text(status));
        }
    }
}

/* The second mark says what the state should have been at the first. */
static void judge_spoiled(struct cc_seat *seat, const struct cc_entry *entry)
{
    if (!seat->is_spoiled || seat->server->failed != COPYCAT_OK) {
        return;
    }
    if (seat->spoiled_marks > 1) {
        cc_judge_blame(
            seat->cluster->judge, "digests: server %u goes on with another state than the others",
            seat->place + 1);
    }
    if (entry->kind == CC_ENTRY_MARK) {
        seat->spoiled_marks++;
        seat->spoiled_index = entry->index;
    }
}

static void on_applied(
    void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome, uint64_t digest)
{
    struct cc_seat *seat = owner;

    judge_spoiled(seat, entry);
    cc_judge_applied(
        seat->cluster->judge, seat->place, cc_raft_term(seat->server->group->core), entry, digest);
    cc_session_judge_applied(seat->cluster->session_judge, seat->server->group->apply, entry);
    if (seat->cluster->applied != NULL) {
        seat->cluster->applied(seat->cluster->applied_owner, entry, outcome);
    }
}

static void on_restored(void *owner, uint64_t index, uint64_t time_us, uint64_t digest)
{
    struct cc_seat *seat = owner;

    cc_cluster_tell(
        seat->cluster, name_of(seat->place), "stands on the image at %llu",
        (unsigned long long)index);
    cc_cluster_spoiled(seat->cluster, seat->place, false);
    cc_judge_restored(seat->cluster->judge, seat->place, index, time_us, digest);
}

static struct cc_env *boot(struct cc_cluster *cluster, uint32_t place)
{
    if (cluster->seats[place].is_closing) { /* too long for whoever wants it to start */
        cluster->seats[place].is_closing = false;
        cc_world_crash(cluster->world, place);
    }
    return cc_world_boot(cluster->world, place);
}

void cc_cluster_apply_options(const struct cc_memory *memory, struct cc_apply_options *options_out)
{
    *options_out = (struct cc_apply_options){
        .memory = memory, .types = machine_types, .catalog = &cc_catalog_machine_type};
}

static copycat_status open_server(
    struct cc_cluster *cluster,
    uint32_t place,
    uint32_t id,
    const struct cc_server_callbacks *callbacks,
    struct cc_server **server_out)
{
    const struct cc_cluster_options *of = &cluster->options;
    struct cc_seat *seat = &cluster->seats[place];
    struct cc_server_options options = {
        .id = id,
        .members = &cluster->members,
        .directory = seat->directory,
        .types = machine_types,
        .seed = cc_hash_words(of->seed, place),
        .election_timeout_us = of->election_timeout_us,
        .heartbeat_interval_us = of->heartbeat_interval_us,
        .file_size = of->file_size,
        .batch_size_max = of->batch_size_max,
        .append_bytes_max = of->append_bytes_max,
        .window_bytes = of->window_bytes,
        .uncommitted_max = of->uncommitted_max,
        .cache_bytes_max = of->cache_bytes_max,
        .waiting_max = of->waiting_max,
        .image_bytes = of->image_bytes,
        .image_entries = of->image_entries,
        .segment_bytes = of->segment_bytes,
        .keep_bytes = of->keep_bytes,
        .lend_bytes_per_second = of->lend_bytes_per_second,
        .state_quota = of->state_quota,
        .disk_quota = of->disk_quota,
        .scrub_interval_us = of->scrub_interval_us == 0 ? COPYCAT_NONE : of->scrub_interval_us,
        .checks_images = true,
    };

    return cc_server_open(
        server_out, cc_world_env(cluster->world, place), &options, callbacks, seat);
}

static void start(struct cc_cluster *cluster, uint32_t place, uint32_t id)
{
    static const struct cc_server_callbacks callbacks = {
        .notice = on_notice, .changed = on_changed, .applied = on_applied, .restored = on_restored};
    struct cc_seat *seat = &cluster->seats[place];
    copycat_status status;

    (void)boot(cluster, place);
    seat->has_failed = false;
    seat->is_stranger = id != place + 1;
    seat->told_role = CC_RAFT_FOLLOWER;
    cc_cluster_tell(cluster, name_of(place), "starts%s", seat->is_stranger ? " as another" : "");
    status = open_server(cluster, place, id, &callbacks, &seat->server);
    CC_ASSERT(status == COPYCAT_OK);
}

void cc_cluster_clear_disk(struct cc_cluster *cluster, uint32_t place)
{
    uint64_t size = cluster->options.disk_size;

    cc_world_disk_size(cluster->world, place, size == 0 ? COPYCAT_NONE : size);
}

void cc_cluster_start(struct cc_cluster *cluster, uint32_t place)
{
    start(cluster, place, place + 1);
}

bool cc_cluster_start_as(struct cc_cluster *cluster, uint32_t place, uint32_t id)
{
    if (!cc_cluster_is_up(cluster, place) || cluster->seats[place].server->group == NULL ||
        id == place + 1) {
        return false; /* only of a member is it known that its directory is somebody's */
    }
    cc_cluster_crash(cluster, place);
    start(cluster, place, id);
    return true;
}

/* ---- a second process --------------------------------------------------------------------------
 */

static void second_notice(void *owner, const char *text)
{
    struct cc_seat *seat = owner;

    cc_cluster_tell(seat->cluster, name_of(seat->place), "the second process says: %s", text);
}

static void second_closed(void *owner)
{
    struct cc_seat *seat = owner;

    seat->is_second_closing = false;
}

static void close_second(void *owner)
{
    struct cc_seat *seat = owner;

    if (seat->second != NULL) {
        seat->is_second_closing = true;
        cc_server_close(seat->second, second_closed, seat);
        seat->second = NULL;
    }
}

static void second_changed(void *owner, enum cc_server_state state, copycat_status status)
{
    struct cc_seat *seat = owner;
    struct cc_world *world = seat->cluster->world;

    if (state == CC_SERVER_FAILED) {
        seat->cluster->totals.refusals += status == COPYCAT_ERR_LOCKED;
        cc_world_call(world, cc_world_now_us(world), close_second, seat);
    } else if (state != CC_SERVER_RECOVERING) {
        cc_judge_blame(
            seat->cluster->judge, "recovery: two processes use the directory of server %u",
            seat->place + 1);
    }
}

bool cc_cluster_start_twice(struct cc_cluster *cluster, uint32_t place)
{
    static const struct cc_server_callbacks callbacks = {
        .notice = second_notice, .changed = second_changed};
    struct cc_seat *seat = &cluster->seats[place];

    if (seat->server == NULL || seat->server->group == NULL || seat->has_failed ||
        seat->second != NULL || seat->is_second_closing ||
        cc_world_is_paused(cluster->world, place)) {
        return false;
    }
    cc_cluster_tell(cluster, name_of(place), "is started a second time");
    return open_server(cluster, place, place + 1, &callbacks, &seat->second) == COPYCAT_OK;
}

/* ---- the end of a life -------------------------------------------------------------------------
 */

static void take_totals(struct cc_cluster *cluster, const struct cc_seat *seat)
{
    const struct cc_journal_counters *counters = cc_journal_counters(seat->server->journal);

    cluster->totals.writes += counters->writes;
    cluster->totals.torn_tails += counters->torn_tails;
    if (seat->server->group != NULL) {
        cluster->totals.salvaged += seat->server->group->salvage.used;
    }
}

static void end(struct cc_cluster *cluster, uint32_t place, const char *how)
{
    struct cc_seat *seat = &cluster->seats[place];

    CC_ASSERT(seat->server != NULL);
    take_totals(cluster, seat);
    cc_cluster_tell(cluster, name_of(place), "%s", how);
    cc_judge_down(cluster->judge, place);
    cc_cluster_spoiled(cluster, place, false);
    seat->server = NULL;
    seat->second = NULL;
    seat->is_second_closing = false;
    seat->is_hung = false;
    cluster->totals.crashes++;
}

void cc_cluster_crash(struct cc_cluster *cluster, uint32_t place)
{
    end(cluster, place, "crashes");
    cc_world_crash(cluster->world, place);
}

void cc_cluster_kill(struct cc_cluster *cluster, uint32_t place)
{
    end(cluster, place, "is killed");
    cc_world_kill(cluster->world, place);
}

static void switch_off(void *owner)
{
    struct cc_seat *seat = owner;

    if (!seat->is_closing) {
        return; /* it was started meanwhile */
    }
    seat->is_closing = false;
    if (cc_world_memory(seat->cluster->world, seat->place) != 0) {
        cc_judge_blame(
            seat->cluster->judge, "close: server %u has left memory behind", seat->place + 1);
    }
    cc_world_crash(seat->cluster->world, seat->place);
}

static void closed(void *owner)
{
    struct cc_seat *seat = owner;

    cc_world_call(seat->cluster->world, cc_world_now_us(seat->cluster->world), switch_off, seat);
}

void cc_cluster_stop(struct cc_cluster *cluster, uint32_t place)
{
    struct cc_seat *seat = &cluster->seats[place];
    struct cc_server *server = seat->server;

    CC_ASSERT(server != NULL);
    if (seat->second != NULL || seat->is_second_closing) { /* it would take over the directory */
        cc_cluster_crash(cluster, place);
        return;
    }
    take_totals(cluster, seat);
    cc_cluster_tell(cluster, name_of(place), "is asked to stop");
    cc_judge_down(cluster->judge, place);
    cc_cluster_spoiled(cluster, place, false);
    seat->server = NULL;
    seat->is_closing = true;
    cluster->totals.stops++;
    cc_server_close(server, closed, seat);
}

void cc_cluster_lose(struct cc_cluster *cluster, uint32_t place)
{
    cc_cluster_crash(cluster, place);
    cc_cluster_tell(cluster, name_of(place), "has lost its disk");
    cc_world_disk_wipe(cluster->world, place);
    cc_judge_lost(cluster->judge, place);
    cluster->seats[place].is_lost = true;
}

void cc_cluster_roll_back(struct cc_cluster *cluster, uint32_t place)
{
    cc_cluster_crash(cluster, place);
    if (cc_world_disk_roll_back(cluster->world, place)) {
        cc_cluster_tell(cluster, name_of(place), "has an old disk again");
        cc_judge_rolled_back(cluster->judge, place);
        cluster->seats[place].is_lost = true;
    }
}

void cc_cluster_damaged(struct cc_cluster *cluster, uint32_t place)
{
    cluster->seats[place].is_damaged = true;
    cc_judge_damaged(cluster->judge, place);
}

void cc_cluster_spoiled(struct cc_cluster *cluster, uint32_t place, bool is_spoiled)
{
    cluster->seats[place].is_spoiled = is_spoiled;
    cluster->seats[place].was_spoiled |= is_spoiled;
    cluster->seats[place].spoiled_marks = 0;
    cc_judge_spoiled(cluster->judge, place, is_spoiled);
}

bool cc_cluster_is_up(const struct cc_cluster *cluster, uint32_t place)
{
    return cluster->seats[place].server != NULL;
}

static bool status_of(
    const struct cc_cluster *cluster, uint32_t place, struct cc_server_status *status)
{
    const struct cc_seat *seat = &cluster->seats[place];

    if (seat->server == NULL || seat->has_failed) {
        return false;
    }
    cc_server_status(seat->server, status);
    return status->state == CC_SERVER_MEMBER;
}

uint32_t cc_cluster_leader(const struct cc_cluster *cluster)
{
    uint32_t leader = UINT32_MAX;
    uint64_t term = 0;

    for (uint32_t i = 0; i < cluster->server_count; i++) {
        struct cc_server_status status;

        if (status_of(cluster, i, &status) && status.is_leader && status.term > term) {
            leader = i;
            term = status.term;
        }
    }
    return leader;
}

/* Images that have been begun are done some day. */
static bool is_imaging(const struct cc_seat *seat)
{
    const struct cc_group *group = seat->server->group;

    return group->taking != NULL || group->fetching != NULL || group->switch_mark != 0;
}

bool cc_cluster_is_settled(const struct cc_cluster *cluster)
{
    struct cc_server_status first;
    struct cc_server_status status;
    uint32_t leader = cc_cluster_leader(cluster);

    if (leader == UINT32_MAX || !status_of(cluster, leader, &first)) {
        return false;
    }
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        const struct cc_seat *seat = &cluster->seats[i];

        /* What is damaged may be more than can be mended: then it says where, and stands still. */
        if (seat->is_lost || seat->is_out || (seat->is_damaged && seat->has_failed)) {
            continue;
        }
        if (!status_of(cluster, i, &status) || status.applied != first.applied ||
            status.applied != status.last || status.digest != first.digest || is_imaging(seat)) {
            return false;
        }
    }
    return true;
}

static void tell_role(struct cc_cluster *cluster, uint32_t place)
{
    static const char *const roles[] = {"follower", "pre-candidate", "candidate", "LEADER"};
    struct cc_server_status status;
    struct cc_seat *seat = &cluster->seats[place];
    const struct cc_group *group = seat->server->group;

    if (!cluster->options.tells_story || group == NULL ||
        cc_raft_role(group->core) == seat->told_role || !status_of(cluster, place, &status)) {
        return;
    }
    seat->told_role = cc_raft_role(group->core);
    cc_cluster_tell(
        cluster, name_of(place), "%-13s term %-4llu last %-6llu commit %-6llu applied %llu",
        roles[cc_raft_role(group->core)], (unsigned long long)status.term,
        (unsigned long long)status.last, (unsigned long long)status.commit,
        (unsigned long long)status.applied);
}

/* Whatever was asked of it: what it keeps is small here, and queues and caches have their bounds. */
static void judge_memory(struct cc_cluster *cluster, uint32_t place)
{
    uint64_t bytes = cc_world_memory(cluster->world, place);

    if (bytes > cluster->totals.memory_max) {
        cluster->totals.memory_max = bytes;
    }
    if (cluster->options.memory_max > 0 && bytes > cluster->options.memory_max) {
        cc_judge_blame(
            cluster->judge, "bounds: server %u holds %llu bytes of memory", place + 1,
            (unsigned long long)bytes);
    }
}

/* What only a stranger has said must have changed nothing. */
static void judge_pass(struct cc_cluster *cluster, uint32_t place)
{
    const struct cc_pass_sources *sources = &cluster->world->sources;
    const struct cc_seat *seat = &cluster->seats[place];
    uint64_t now_us = cc_world_now_us(cluster->world);
    bool may_be_heard = now_us <= seat->replayed_until_us ||
                        (now_us <= seat->replayed_life_until_us &&
                         cluster->world->machines[place].life != seat->replayed_life);

    if (sources->strangers > 0 && sources->others == 0 && !may_be_heard) {
        cc_judge_stranger(cluster->judge, place, seat->server);
    }
    cc_judge_step(cluster->judge, place, seat->server);
    judge_memory(cluster, place);
}

void cc_cluster_run(struct cc_cluster *cluster, uint64_t until_us)
{
    uint32_t machine;

    while (cc_judge_verdict(cluster->judge) == NULL &&
           cc_world_step(cluster->world, until_us, &machine)) {
        if (machine >= cluster->server_count || cluster->seats[machine].server == NULL) {
            continue;
        }
        judge_pass(cluster, machine);
        tell_role(cluster, machine);
    }
}

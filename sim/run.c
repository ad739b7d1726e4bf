/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run -- see run.h.
 */
#include "sim/run.h"

#include "apply/image.h"
#include "sim/alarm.h"
#include "sim/check/linear.h"
#include "sim/check/session.h"
#include "sim/rot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOUND_US UINT64_C(30000000)
#define ROUGH_US UINT64_C(3000000)
#define FAULTS_US UINT64_C(90000000)
#define HEAL_US UINT64_C(60000000)
#define ROOM_US UINT64_C(30000000)
#define LAST_CALLS 40u
#define SLICE_US UINT64_C(100000)
#define ACKNOWLEDGED_MIN 300u
#define KINDS_MIN 3u
#define MEMORY_MAX (8u << 20)

struct run {
    struct cc_cluster *cluster;
    struct cc_workload *workload;
    struct cc_nemesis *nemesis;
    struct cc_run_overrides overrides;
    bool is_founding_rough;
    bool is_quorum_enough; /* a minority stays broken for good */
    bool is_room_scarce;   /* at times, or by a quota */
};

/* ---- what each seed is like ---------------------------------------------------------------------
 */

static uint64_t pick(struct cc_decider *setup, const uint64_t *values, size_t count)
{
    return values[cc_decide_below(setup, count)];
}

#define PICK(setup, ...)                          \
    pick(                                         \
        (setup), (const uint64_t[]){__VA_ARGS__}, \
        sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void draw_cluster(
    struct cc_decider *setup, const struct cc_run_options *options, struct cc_cluster_options *out)
{
    memset(out, 0, sizeof *out);
    out->seed = options->seed;
    out->tells_story = options->tells_story;
    out->voter_count = (uint32_t)PICK(setup, 1, 2, 3, 3, 3, 3, 3, 4, 5, 5, 5, 6, 7);
    out->learner_count = (uint32_t)PICK(setup, 0, 0, 0, 0, 1, 2, 4);
    out->client_count = (uint32_t)PICK(setup, 2, 3, 4, 5, 5, 8);
    out->election_timeout_us = PICK(setup, 150000, 300000, 500000, 1000000);
    out->heartbeat_interval_us = out->election_timeout_us / PICK(setup, 3, 5, 5, 10);
    out->file_size = PICK(setup, 65536, 131072, 1048576);
    out->batch_size_max = (uint32_t)PICK(setup, 1, 4096, 65536, 1048576);
    out->append_bytes_max = (uint32_t)PICK(setup, 1, 512, 16384, 262144);
    out->window_bytes = (uint32_t)PICK(setup, 512, 8192, 1048576);
    out->uncommitted_max = (uint32_t)PICK(setup, 8, 64, 65536);
    out->cache_bytes_max = PICK(setup, 1, 4096, 1048576, 67108864);
    out->waiting_max = (uint32_t)PICK(setup, 4, 64, 65536);
    out->memory_max = MEMORY_MAX;
}

/* From every few entries to never. */
static void draw_images(uint64_t seed, struct cc_cluster_options *out)
{
    struct cc_decider images = cc_decider_make(seed, CC_STREAM_SETUP, 1);

    out->image_entries = PICK(&images, 10, 30, 100, 300, 1000000);
    out->image_bytes = PICK(&images, 2048, 65536, 1u << 30);
    out->segment_bytes = PICK(&images, 256, 1024, 4096, 65536);
    out->keep_bytes = PICK(&images, 1, 8192, 1u << 30);
    out->scrub_interval_us = PICK(&images, 0, 1000000, 10000000);
    out->lend_bytes_per_second = PICK(&images, 0, 65536, COPYCAT_NONE);
}

static bool has_restarts(const struct cc_fault_set *kinds)
{
    for (enum cc_fault fault = 0; fault < CC_FAULT_COUNT; fault++) {
        enum cc_fault_family family = cc_fault_family(fault);

        if (cc_fault_set_has(kinds, fault) &&
            (family == CC_FAULTS_OF_MACHINES || family == CC_FAULTS_OF_POWER)) {
            return true;
        }
    }
    return false;
}

/*
 * What a state and its journal need, in the end; on the way there images have to come sooner.  Each
 * start takes a file, until somebody leads long enough for a mark: storms of them need more.
 */
static void draw_quotas(
    uint64_t seed, const struct cc_fault_set *kinds, struct cc_cluster_options *out)
{
    struct cc_decider quotas = cc_decider_make(seed, CC_STREAM_SETUP, 3);

    out->state_quota = PICK(&quotas, 0, 0, 0, 65536, 262144);
    out->disk_quota = PICK(&quotas, 0, 0, 0, 6, 10) * out->file_size;
    out->disk_quota += out->disk_quota == 0 ? 0 : 262144;
    out->disk_size = PICK(&quotas, 0, 0, 0, 30, 60) * out->file_size;
    out->disk_size += out->disk_size == 0 ? 0 : 524288;
    out->disk_size += out->disk_size == 0 || !has_restarts(kinds) ? 0 : 400 * out->file_size;
}

static void draw_workload(struct cc_decider *setup, struct cc_workload_options *out)
{
    memset(out, 0, sizeof *out);
    out->operations_max = (uint32_t)cc_decide_range(setup, 500, 1000);
    out->window = (uint32_t)PICK(setup, 1, 2, 4, 8);
    out->keys = (uint32_t)cc_decide_range(setup, 3, 12);
    out->maps = (uint32_t)cc_decide_range(setup, 1, 3);
    out->think_us_max = (uint32_t)PICK(setup, 5000, 50000, 300000);
    out->session_timeout_us = PICK(setup, 800000, 2000000, 5000000);
    out->has_alarms = true;
    for (uint32_t kind = CC_HISTORY_PUT; kind <= CC_HISTORY_KEYS; kind++) {
        out->kinds |= (uint32_t)(cc_decide_below(setup, 4) != 0) << kind;
    }
    out->kinds |= 1u << CC_HISTORY_PUT | 1u << CC_HISTORY_GET;
}

/* In every fourth run somebody makes backups; they bring marks, and so images. */
static bool draw_backups(uint64_t seed)
{
    struct cc_decider backups = cc_decider_make(seed, CC_STREAM_SETUP, 2);

    return cc_decide_below(&backups, 4) == 0;
}

/* From what was drawn to what is run. */
static void override(
    const struct cc_run_overrides *overrides,
    struct cc_cluster_options *cluster,
    struct cc_workload_options *workload)
{
    if (overrides->voter_count != 0) {
        cluster->voter_count = overrides->voter_count;
    }
    if (overrides->client_count != 0) {
        cluster->client_count = overrides->client_count;
    }
    if (overrides->no_learners) {
        cluster->learner_count = 0;
    }
    if (overrides->operations_max != 0) {
        workload->operations_max = overrides->operations_max;
    }
    if (overrides->operation_kinds != 0) {
        workload->kinds &= overrides->operation_kinds;
        workload->kinds |= workload->kinds == 0 ? 1u << CC_HISTORY_PUT : 0;
    }
    workload->idle = overrides->idle_clients;
}

/* ---- phases ------------------------------------------------------------------------------------
 */

static bool has_verdict(const struct run *run)
{
    if (cc_alarm_verdict() != NULL) {
        cc_judge_blame(run->cluster->judge, "%s", cc_alarm_verdict());
    }
    return cc_judge_verdict(run->cluster->judge) != NULL;
}

/* Runs until the condition holds; false if it does not in time. */
static bool run_until(struct run *run, uint64_t within_us, bool (*condition)(struct run *run))
{
    uint64_t end = cc_world_now_us(run->cluster->world) + within_us;

    while (!has_verdict(run) && cc_world_now_us(run->cluster->world) < end) {
        if (condition(run)) {
            return true;
        }
        cc_cluster_run(run->cluster, cc_world_now_us(run->cluster->world) + SLICE_US);
    }
    return condition(run);
}

/* For the story: where each server stands when something does not go on. */
static void tell_standing(struct run *run)
{
    for (uint32_t i = 0; i < run->cluster->server_count; i++) {
        struct cc_server_status status = {0};
        char name[16];

        if (run->cluster->seats[i].server != NULL) {
            cc_server_status(run->cluster->seats[i].server, &status);
        }
        snprintf(name, sizeof name, "s%u", i + 1);
        cc_cluster_tell(
            run->cluster, name,
            "stands at term %llu last %llu commit %llu applied %llu digest %016llx, follows s%u",
            (unsigned long long)status.term, (unsigned long long)status.last,
            (unsigned long long)status.commit, (unsigned long long)status.applied,
            (unsigned long long)status.digest, status.leader);
    }
}

static void blame_progress(struct run *run, const char *what)
{
    if (!has_verdict(run)) {
        tell_standing(run);
        cc_judge_blame(run->cluster->judge, "progress: %s", what);
    }
}

static bool is_settled(struct run *run)
{
    return cc_cluster_is_settled(run->cluster);
}

static bool is_done(struct run *run)
{
    return cc_workload_is_done(run->workload);
}

/* Nobody sends anything any more, so what is left of the timers rings by ticks alone (S3.121). */
static bool have_rung(const struct run *run)
{
    uint32_t leader = cc_cluster_leader(run->cluster);

    return leader != UINT32_MAX &&
           cc_apply_next_deadline_us(run->cluster->seats[leader].server->group->apply) ==
               COPYCAT_NONE;
}

static bool is_quiet(struct run *run)
{
    return cc_workload_is_quiet(run->workload) && have_rung(run) &&
           cc_cluster_is_settled(run->cluster);
}

static bool is_never(struct run *run)
{
    (void)run;
    return false;
}

/* Half of the clusters are founded in bad weather: servers come late, crash, are cut off (T-098). */
static void found(struct run *run)
{
    for (uint32_t i = 0; i < run->cluster->server_count; i++) {
        cc_cluster_start(run->cluster, i);
    }
    if (run->is_founding_rough) {
        cc_nemesis_start(run->nemesis, CC_NEMESIS_FOUNDING);
        (void)run_until(run, ROUGH_US, is_never);
        cc_nemesis_heal(run->nemesis);
    }
    if (!run_until(run, FOUND_US, is_settled)) {
        blame_progress(run, "the cluster was not founded in time");
    }
}

static bool entry_at(void *owner, uint64_t index, struct cc_entry *entry_out)
{
    struct cc_block *block = cc_log_peek(owner, index);

    if (block == NULL) {
        return false;
    }
    *entry_out = cc_entry_of(block);
    return true;
}

/* The check that makes releasing trustworthy: what an image has gives the same state. */
static void check_restore(struct run *run)
{
    for (uint32_t i = 0; i < run->cluster->server_count; i++) {
        const struct cc_group *group =
            cc_cluster_is_up(run->cluster, i) ? run->cluster->seats[i].server->group : NULL;

        if (group != NULL && run->cluster->options.cache_bytes_max >= 67108864 &&
            cc_log_peek(group->log, 1) != NULL && cc_apply_image_index(group->apply) == 0 &&
            !cc_apply_restore_check(group->apply, entry_at, group->log)) {
            cc_judge_blame(
                run->cluster->judge, "release: an image of server %u does not give its state",
                i + 1);
        }
    }
}

static void suffer(struct run *run)
{
    cc_workload_start(run->workload);
    cc_nemesis_start(run->nemesis, CC_NEMESIS_WORK);
    (void)run_until(
        run, run->overrides.faults_us != 0 ? run->overrides.faults_us : FAULTS_US, is_done);
    check_restore(run); /* now timers are set and answers kept */
}

static void heal(struct run *run)
{
    if (run->is_quorum_enough) {
        cc_nemesis_heal_quorum(run->nemesis);
    } else {
        cc_nemesis_heal(run->nemesis);
        cc_workload_expect_life(run->workload);
    }
    cc_workload_stop(run->workload);
    if (!run_until(run, HEAL_US, is_quiet)) {
        blame_progress(
            run, !cc_workload_is_quiet(run->workload)
                     ? "a minute after the last fault a call has not been answered"
                 : !have_rung(run) ? "a minute after the last fault a timer has not rung"
                                   : "a minute after the last fault the servers do not agree");
    }
}

/* Where it can be expected that nothing stays damaged: it is there, and answers. */
static bool is_well(const struct run *run, uint32_t place)
{
    const struct cc_seat *seat = &run->cluster->seats[place];

    return seat->server != NULL && !seat->has_failed && !seat->is_out && !seat->is_hung &&
           !seat->is_lost;
}

static uint64_t rotten(const struct run *run, uint32_t *place_out)
{
    uint64_t index = 0;

    for (uint32_t i = 0; i < run->cluster->server_count && index == 0; i++) {
        if (is_well(run, i) && run->cluster->seats[i].is_damaged) {
            *place_out = i;
            index = cc_rot_left(run->cluster, i);
        }
    }
    return index;
}

static bool is_whole(struct run *run)
{
    uint32_t place;

    return rotten(run, &place) == 0;
}

/* T-052: what is read again from time to time is whole again, and nobody is restarted for it. */
static void scrub(struct run *run)
{
    struct cc_decider choices = cc_decider_make(run->cluster->options.seed, CC_STREAM_SETUP, 2);
    uint32_t count = run->cluster->server_count;
    uint32_t first = (uint32_t)cc_decide_below(&choices, count);
    uint32_t place = 0;
    uint64_t index = 0;

    if (run->cluster->options.scrub_interval_us == 0) {
        return;
    }
    for (uint32_t i = 0; i < count && index == 0; i++) {
        place = (first + i) % count;
        if (is_well(run, place) && cc_nemesis_may_damage(run->nemesis, place)) {
            index = cc_rot_strike(run->cluster, place, &choices);
        }
    }
    if (!run_until(run, HEAL_US, is_whole)) {
        index = rotten(run, &place);
        cc_judge_blame(
            run->cluster->judge,
            "rot: a minute after all is well server %u still has entry %llu in a batch that does "
            "not read",
            place + 1, (unsigned long long)index);
    }
}

/* T-056: what was refused for want of room is taken again, once there is some.  Nobody has called for
 * so long that the room has been looked at many times. */
static void ask_again(struct run *run)
{
    if (!run->is_room_scarce || !cc_workload_may_store(run->workload)) {
        return;
    }
    (void)run_until(run, ROOM_US, is_never);
    uint64_t begun_us = cc_world_now_us(run->cluster->world);

    cc_workload_go_on(run->workload, LAST_CALLS);
    if (!run_until(run, HEAL_US, is_done)) {
        blame_progress(run, "a minute after the last fault no new calls are taken");
    }
    cc_workload_rest(run->workload);
    if (!run_until(run, HEAL_US, is_quiet)) {
        blame_progress(run, "a minute after all has healed a call has not been answered");
    } else if (
        /* Calls of sessions that have ended meanwhile, or none that put, are no sign of that. */
        cc_workload_stored_us(run->workload) < begun_us &&
        cc_workload_refused_us(run->workload) >= begun_us) {
        blame_progress(run, "nothing is stored any more, long after all disks had room");
    }
}

/* Who stays broken may have something under way for ever. */
static void check_memory(struct run *run)
{
    for (uint32_t i = 0; i < run->cluster->server_count; i++) {
        const struct cc_seat *seat = &run->cluster->seats[i];

        if (seat->server != NULL && !seat->is_out && !seat->is_hung) {
            cc_judge_memory(run->cluster->judge, i, seat->server);
        }
    }
}

static void audit(struct run *run)
{
    check_restore(run);
    check_memory(run);
    cc_nemesis_heal(run->nemesis);
    for (uint32_t i = 0; i < run->cluster->server_count; i++) {
        if (cc_cluster_is_up(run->cluster, i)) {
            cc_cluster_crash(run->cluster, i);
        }
    }
    for (uint32_t i = 0; i < run->cluster->server_count; i++) {
        cc_cluster_start(run->cluster, i);
    }
    if (!run_until(run, HEAL_US, is_settled)) {
        blame_progress(run, "restarted from disk, the servers do not agree");
    }
}

static void judge_histories(struct run *run)
{
    struct cc_check_linear_options options = {.steps_max = 30000000, .whole_map_max = 14};
    struct cc_check_report report;
    size_t count;
    const struct cc_check_applied *applied = cc_workload_applied(run->workload, &count);

    cc_check_report_init(&report);
    cc_check_session(cc_workload_history(run->workload), applied, count, &report);
    options.places = cc_workload_places(run->workload);
    cc_check_linear(cc_workload_history(run->workload), &options, &report);
    if (report.verdict != CC_CHECK_OK) {
        cc_judge_blame(run->cluster->judge, "history: %.480s", report.text);
    }
}

/* ---- the sum -----------------------------------------------------------------------------------
 */

static void sum_up(struct run *run, struct cc_run_result *result)
{
    const char *verdict = cc_judge_verdict(run->cluster->judge);
    const uint64_t *fired = cc_nemesis_fired(run->nemesis);

    result->has_passed = verdict == NULL;
    snprintf(result->verdict, sizeof result->verdict, "%s", verdict == NULL ? "" : verdict);
    result->trace = cc_world_trace(run->cluster->world);
    result->simulated_us = cc_world_now_us(run->cluster->world);
    result->idle_us = cc_world_counters(run->cluster->world)->idle_us;
    result->commits = cc_judge_commits(run->cluster->judge);
    result->leader_changes = cc_judge_leader_changes(run->cluster->judge);
    result->workload = *cc_workload_totals(run->workload);
    result->cluster = run->cluster->totals;
    result->world = *cc_world_counters(run->cluster->world);
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        result->fired[i] = fired[i];
        result->kinds_fired += fired[i] > 0;
    }
    result->counts = result->workload.acknowledged >= ACKNOWLEDGED_MIN &&
                     result->kinds_fired >= KINDS_MIN && result->leader_changes >= 1;
}

static void create(struct run *run, const struct cc_run_options *options)
{
    struct cc_decider setup = cc_decider_make(options->seed, CC_STREAM_SETUP, 0);
    struct cc_cluster_options cluster;
    struct cc_workload_options workload;
    struct cc_nemesis_options nemesis = {
        .kinds = cc_nemesis_draw(options->seed, &run->overrides.asked),
        .without = run->overrides.without,
        .only = run->overrides.only,
        .only_count = run->overrides.only_count,
        .injected = options->injected,
        .heat = options->heat,
    };

    draw_cluster(&setup, options, &cluster);
    draw_images(options->seed, &cluster);
    draw_quotas(options->seed, &nemesis.kinds, &cluster);
    draw_workload(&setup, &workload);
    workload.makes_backups = draw_backups(options->seed);
    nemesis.pace_us = PICK(&setup, 100000, 400000, 1500000);
    nemesis.server_count = cluster.voter_count + cluster.learner_count;
    nemesis.client_count = cluster.client_count;
    run->is_founding_rough = cc_decide_below(&setup, 2) == 0;
    run->is_quorum_enough = cc_decide_below(&setup, 2) == 0 && !run->overrides.all_heal;
    cluster.has_wild_clocks = cc_fault_set_has(&nemesis.kinds, CC_FAULT_WILD_DRIFT);
    workload.distrusts_leases = cluster.has_wild_clocks;
    run->is_room_scarce = cc_fault_set_has(&nemesis.kinds, CC_FAULT_FULL_DISK) ||
                          cc_fault_set_has(&nemesis.kinds, CC_FAULT_TIGHT_DISK) ||
                          cluster.disk_size != 0 || cluster.disk_quota != 0 ||
                          cluster.state_quota != 0;
    override(&run->overrides, &cluster, &workload);
    run->cluster = cc_cluster_create(&cluster);
    run->workload = cc_workload_create(run->cluster, &workload);
    run->nemesis = cc_nemesis_create(run->cluster, run->workload, &nemesis);
}

void cc_run(const struct cc_run_options *options, struct cc_run_result *result)
{
    static const struct cc_run_overrides nothing;
    struct run run = {.overrides = options->overrides != NULL ? *options->overrides : nothing};

    memset(result, 0, sizeof *result);
    cc_alarm_reset();
    create(&run, options);
    found(&run);
    if (!has_verdict(&run)) {
        suffer(&run);
    }
    if (!has_verdict(&run)) {
        heal(&run);
    }
    if (!has_verdict(&run)) {
        ask_again(&run);
    }
    if (!has_verdict(&run) && run.overrides.idle_us != 0) {
        (void)run_until(&run, run.overrides.idle_us, is_never);
    }
    if (!has_verdict(&run)) {
        scrub(&run);
    }
    if (!has_verdict(&run)) {
        audit(&run);
    }
    if (!has_verdict(&run)) {
        judge_histories(&run);
    }
    sum_up(&run, result);
    cc_workload_destroy(run.workload);
    cc_nemesis_destroy(run.nemesis);
    cc_cluster_destroy(run.cluster);
}

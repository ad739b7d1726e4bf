/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload -- see workload.h: clients, and when they ask something.
 */
#include "base/assert.h"
#include "sim/workload_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLACE_US 500000u
#define RECOVERY_US 12000000u
#define HISTORY_BYTES_MAX (16u << 20)
#define WORK_PER_ALARM 6u
#define WORK_PER_QUESTION 12u
#define WORK_PER_BACKUP 60u

static bool may_call(const struct worker *worker)
{
    const struct cc_workload *workload = worker->workload;

    return !workload->is_stopped && workload->totals.invoked < workload->options.operations_max &&
           worker->client != NULL && worker->busy < workload->options.window &&
           !cc_world_is_paused(workload->cluster->world, worker->machine);
}

static void boot(struct worker *worker);

/* What is not in the history: alarms, and questions of an operator. */
static void work_aside(struct worker *worker)
{
    struct cc_cluster *cluster = worker->workload->cluster;

    if (worker->workload->options.has_alarms &&
        cc_decide_below(&worker->choices, WORK_PER_ALARM) == 0) {
        cc_alarm_call(&worker->alarm, &worker->choices);
    }
    if (cc_decide_below(&worker->choices, WORK_PER_QUESTION) == 0) {
        cc_observer_ask(
            &worker->observer, cc_world_env(cluster->world, worker->machine), &worker->choices);
    }
    if (worker->workload->options.makes_backups &&
        cc_decide_below(&worker->backup_choices, WORK_PER_BACKUP) == 0) {
        cc_backups_make(&worker->backups, &worker->backup_choices);
    }
}

static void work(void *owner)
{
    struct worker *worker = owner;
    uint64_t burst = cc_decide_range(&worker->choices, 1, worker->workload->options.window);

    worker->is_call_posted = false;
    if (worker->client == NULL) {
        boot(worker);
        return;
    }
    if (cc_client_state(worker->client) == CC_CLIENT_ENDED && worker->busy == 0) {
        worker->workload->totals.sessions_ended++;
        cc_workload_crash_client(worker->workload, worker->number);
        return;
    }
    for (uint32_t i = 0; i < worker->workload->options.window && burst > 0; i++) {
        if (!worker->errands[i].is_busy && may_call(worker)) {
            cc_worker_call(worker, &worker->errands[i]);
            burst--;
        }
    }
    if (worker->workload->is_stopped) {
        return;
    }
    if (!cc_world_is_paused(worker->workload->cluster->world, worker->machine)) {
        work_aside(worker);
    }
    cc_worker_go_on(worker);
}

void cc_worker_go_on(struct worker *worker)
{
    struct cc_world *world = worker->workload->cluster->world;

    if (!worker->is_call_posted) {
        worker->is_call_posted = true;
        cc_world_call(
            world,
            cc_world_now_us(world) +
                cc_decide_below(&worker->choices, worker->workload->options.think_us_max),
            work, worker);
    }
}

/* ---- clients ----------------------------------------------------------------------------------
 */

static void on_state(void *owner, enum cc_client_state state)
{
    struct worker *worker = owner;
    struct cc_workload *workload = worker->workload;
    uint64_t session = worker->client == NULL ? 0 : cc_client_session(worker->client);
    char name[16];

    if (worker->client != NULL) {
        cc_worker_note_session(worker);
    }

    static const char *const names[] = {"connecting", "open", "suspended", "ended", "closed"};

    snprintf(name, sizeof name, "c%u", worker->number + 1);
    cc_cluster_tell(
        workload->cluster, name, "session %llu is %s", (unsigned long long)session, names[state]);
}

static void boot(struct worker *worker)
{
    struct cc_workload *workload = worker->workload;
    struct cc_cluster *cluster = workload->cluster;
    const char *addresses[CC_MEMBERS_MAX];
    struct cc_client_options options = {
        .addresses = addresses,
        .address_count = cluster->server_count,
        .session_timeout_us = workload->options.session_timeout_us,
        .window_max = workload->options.window,
        .seed = cc_decide(&worker->choices),
    };
    copycat_status status;

    for (uint32_t i = 0; i < cluster->server_count; i++) {
        addresses[i] = cluster->members.at[i].address;
    }
    worker->generation++;
    worker->identity = ++workload->identities;
    worker->session = 0;
    status = cc_client_open(
        &worker->client, cc_world_boot(cluster->world, worker->machine), &options, on_state,
        worker);
    CC_ASSERT(status == COPYCAT_OK);
    for (uint32_t map = 0; map < workload->options.maps; map++) {
        char path[16];

        cc_workload_path(map, path, sizeof path);
        cc_client_resource_init(worker->client, &worker->maps[map], path, CC_MAP_TYPE_ID);
    }
    cc_alarm_caller_init(&worker->alarm, worker->client);
    cc_observer_init(&worker->observer, cluster);
    cc_backups_init(&worker->backups, cluster, cc_world_env(cluster->world, worker->machine));
    cc_worker_go_on(worker);
}

static void take_counters(struct cc_workload *workload, const struct worker *worker)
{
    const struct cc_client_counters *counters = cc_client_counters(worker->client);

    workload->totals.switches += counters->switches;
    workload->totals.resends += counters->resends;
}

void cc_workload_crash_client(struct cc_workload *workload, uint32_t number)
{
    struct worker *worker = &workload->workers[number];

    if (worker->client == NULL) {
        return;
    }
    take_counters(workload, worker);
    cc_worker_note_session(worker);
    for (uint32_t i = 0; i < WINDOW_MAX; i++) {
        struct errand *errand = &worker->errands[i];

        if (errand->is_busy && errand->call.sequence != 0) {
            cc_history_number(workload->history, errand->id, errand->call.sequence);
        }
        workload->totals.unknown += errand->is_busy;
        errand->is_busy = false;
    }
    worker->busy = 0;
    worker->alarm.is_busy = false;
    worker->client = NULL;
    cc_world_crash(workload->cluster->world, worker->machine);
    if (!worker->is_call_posted && !workload->is_stopped) {
        worker->is_call_posted = true;
        cc_world_call(
            workload->cluster->world,
            cc_world_now_us(workload->cluster->world) +
                cc_decide_below(&worker->choices, REPLACE_US),
            work, worker);
    }
}

struct cc_workload *cc_workload_create(
    struct cc_cluster *cluster, const struct cc_workload_options *options)
{
    struct cc_workload *workload = calloc(1, sizeof *workload);

    CC_ASSERT(workload != NULL);
    CC_ASSERT(options->window <= WINDOW_MAX && options->maps <= MAPS_MAX);
    workload->cluster = cluster;
    workload->options = *options;
    workload->worker_count = cluster->options.client_count;
    workload->history = cc_history_create(options->operations_max + 1024, HISTORY_BYTES_MAX);
    cluster->applied = cc_workload_on_applied;
    cluster->applied_owner = workload;
    for (uint32_t i = 0; i < workload->worker_count; i++) {
        struct worker *worker = &workload->workers[i];

        worker->workload = workload;
        worker->number = i;
        worker->machine = cc_cluster_client_machine(i);
        worker->choices = cc_decider_make(cluster->options.seed, CC_STREAM_CLIENT, i);
        worker->backup_choices = cc_decider_make(cluster->options.seed, CC_STREAM_BACKUP, i);
    }
    return workload;
}

void cc_workload_destroy(struct cc_workload *workload)
{
    cc_history_destroy(workload->history);
    free(workload->sessions);
    free(workload->applied);
    free(workload->places);
    free(workload);
}

void cc_workload_start(struct cc_workload *workload)
{
    for (uint32_t i = 0; i < workload->worker_count; i++) {
        if ((workload->options.idle >> i & 1) == 0) {
            boot(&workload->workers[i]);
        }
    }
}

uint32_t cc_workload_under_way(const struct cc_workload *workload)
{
    uint32_t kinds = 0;

    for (uint32_t i = 0; i < workload->worker_count; i++) {
        for (uint32_t j = 0; j < WINDOW_MAX; j++) {
            const struct errand *errand = &workload->workers[i].errands[j];

            kinds |= (uint32_t)errand->is_busy << cc_workload_kind(errand->operation.code);
        }
    }
    return kinds;
}

void cc_workload_expect_life(struct cc_workload *workload)
{
    workload->alive_from_us = cc_world_now_us(workload->cluster->world) + RECOVERY_US +
                              workload->options.session_timeout_us;
}

void cc_workload_stop(struct cc_workload *workload)
{
    workload->is_stopped = true;
    workload->stopped_us = cc_world_now_us(workload->cluster->world);
}

void cc_workload_go_on(struct cc_workload *workload, uint32_t operations)
{
    workload->is_stopped = false;
    workload->options.operations_max = (uint32_t)workload->totals.invoked + operations;
    for (uint32_t i = 0; i < workload->worker_count; i++) {
        if ((workload->options.idle >> i & 1) == 0) {
            cc_worker_go_on(&workload->workers[i]);
        }
    }
}

uint64_t cc_workload_stored_us(const struct cc_workload *workload)
{
    return workload->stored_us;
}

uint64_t cc_workload_refused_us(const struct cc_workload *workload)
{
    return workload->refused_us;
}

bool cc_workload_may_store(const struct cc_workload *workload)
{
    return (workload->options.kinds >> CC_HISTORY_PUT & 1) != 0;
}

void cc_workload_rest(struct cc_workload *workload)
{
    workload->is_stopped = true;
}

bool cc_workload_is_done(const struct cc_workload *workload)
{
    return workload->totals.invoked >= workload->options.operations_max;
}

bool cc_workload_is_quiet(const struct cc_workload *workload)
{
    for (uint32_t i = 0; i < workload->worker_count; i++) {
        if (workload->workers[i].busy > 0 || workload->workers[i].alarm.is_busy) {
            return false;
        }
    }
    return true;
}

const struct cc_workload_totals *cc_workload_totals(struct cc_workload *workload)
{
    return &workload->totals;
}

const struct cc_history *cc_workload_history(struct cc_workload *workload)
{
    return workload->history;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_log -- what the log has of the calls: in which order they took effect, and whose they are.
 */
#include "base/assert.h"
#include "proto/catalog_operation.h"
#include "sim/workload_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *block, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity) {
        return block;
    }
    *capacity = *capacity == 0 ? 256 : *capacity * 2;
    block = realloc(block, *capacity * size);
    CC_ASSERT(block != NULL);
    return block;
}

void cc_workload_path(uint32_t map, char *path, size_t size)
{
    snprintf(path, size, "/map%u", map);
}

static void note_open(
    struct cc_workload *workload,
    const struct cc_command *command,
    const struct cc_outcome *outcome)
{
    struct cc_catalog_operation operation;
    struct cc_catalog_place place;

    if (cc_catalog_operation_decode(command->operation, &operation) != COPYCAT_OK ||
        outcome->answer.status != COPYCAT_OK ||
        !cc_catalog_place_decode(outcome->answer.result, &place)) {
        return;
    }
    if (operation.path.size == strlen(CC_ALARM_PATH) &&
        memcmp(operation.path.data, CC_ALARM_PATH, operation.path.size) == 0) {
        workload->alarm_instance = place.instance;
    }
    for (uint32_t map = 0; map < workload->options.maps; map++) {
        char path[16];

        cc_workload_path(map, path, sizeof path);
        if (operation.path.size == strlen(path) &&
            memcmp(operation.path.data, path, operation.path.size) == 0) {
            workload->instances[map] = place.instance;
        }
    }
}

enum cc_history_kind cc_workload_kind(uint8_t code)
{
    static const enum cc_history_kind kinds[] = {
        0,
        CC_HISTORY_PUT,
        CC_HISTORY_GET,
        CC_HISTORY_REMOVE,
        CC_HISTORY_CONTAINS,
        CC_HISTORY_SIZE,
        CC_HISTORY_KEYS,
        CC_HISTORY_CLEAR,
        CC_HISTORY_PUT_IF_ABSENT,
        CC_HISTORY_REPLACE,
        CC_HISTORY_CAS};

    return kinds[code];
}

static uint64_t identity_of(const struct cc_workload *workload, uint64_t session)
{
    for (size_t i = 0; i < workload->session_count; i++) {
        if (workload->sessions[i].session == session) {
            return workload->sessions[i].identity;
        }
    }
    return 0;
}

static void note_command(
    struct cc_workload *workload,
    const struct cc_entry *entry,
    const struct cc_command *command,
    const struct cc_outcome *outcome)
{
    struct cc_map_operation operation;
    struct cc_history_invocation invocation = {0};
    struct cc_check_applied *applied;

    for (uint32_t map = 0; map < workload->options.maps; map++) {
        if (workload->instances[map] == command->instance) {
            invocation.map = map;
        }
    }
    if (cc_map_operation_decode(command->operation, &operation) != COPYCAT_OK) {
        cc_judge_blame(workload->cluster->judge, "workload: a command in the log is none of ours");
        return;
    }
    invocation.kind = cc_workload_kind(operation.code);
    invocation.key = (struct cc_history_bytes){operation.key.data, operation.key.size};
    invocation.value = (struct cc_history_bytes){operation.value.data, operation.value.size};
    invocation.expected =
        (struct cc_history_bytes){operation.expected.data, operation.expected.size};
    workload->applied = grown(
        workload->applied, &workload->applied_capacity, workload->applied_count,
        sizeof *workload->applied);
    applied = &workload->applied[workload->applied_count++];
    applied->index = entry->index;
    applied->client = command->session; /* replaced by its identity when all are known */
    applied->sequence = command->sequence;
    applied->fingerprint = cc_history_fingerprint(&invocation);
    applied->has_effect = outcome->answer.index == entry->index && !outcome->is_refused &&
                          outcome->answer.status == COPYCAT_OK;
}

/* T-074, T-085: a client that may count on its session is right, whatever is wrong elsewhere. */
static void judge_belief(const struct worker *worker)
{
    if (!worker->workload->options.distrusts_leases &&
        cc_session_judge_is_counted_on(worker->client)) {
        cc_judge_blame(
            worker->workload->cluster->judge,
            "belief: the session of client %u expired while the client might count on it",
            worker->number + 1);
    }
}

/* T-077, T-079: who is heard is alive, when nothing is wrong. */
static void note_expiry(struct cc_workload *workload, const struct cc_outcome *outcome)
{
    bool is_calm = workload->alive_from_us != 0 &&
                   cc_world_now_us(workload->cluster->world) >= workload->alive_from_us;

    if (!outcome->is_ended) {
        return;
    }
    for (uint32_t i = 0; i < workload->worker_count; i++) {
        const struct worker *worker = &workload->workers[i];

        if (worker->client == NULL || cc_client_session(worker->client) != outcome->session) {
            continue;
        }
        if (is_calm && cc_client_state(worker->client) == CC_CLIENT_OPEN) {
            cc_judge_blame(
                workload->cluster->judge,
                "patience: the session of client %u expired while nothing was wrong", i + 1);
        }
        judge_belief(worker);
    }
}

void cc_workload_on_applied(
    void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome)
{
    struct cc_workload *workload = owner;
    struct cc_command command;

    if (entry->index <= workload->applied_index) {
        return; /* another server was first; the judge compares */
    }
    workload->applied_index = entry->index;
    if (entry->kind == CC_ENTRY_SESSION_EXPIRE) {
        note_expiry(workload, outcome);
    }
    if (entry->kind != CC_ENTRY_COMMAND || !cc_command_decode(entry->payload, &command)) {
        return;
    }
    if (command.instance == CC_CATALOG_INSTANCE) {
        note_open(workload, &command, outcome);
    } else if (command.instance != workload->alarm_instance) {
        note_command(workload, entry, &command, outcome);
    }
}

void cc_worker_note_session(struct worker *worker)
{
    struct cc_workload *workload = worker->workload;
    uint64_t session = cc_client_session(worker->client);

    if (session == 0 || session == worker->session) {
        return;
    }
    worker->session = session;
    workload->sessions = grown(
        workload->sessions, &workload->session_capacity, workload->session_count,
        sizeof *workload->sessions);
    workload->sessions[workload->session_count++] =
        (struct known_session){session, worker->identity};
}

const struct cc_check_applied *cc_workload_applied(struct cc_workload *workload, size_t *count_out)
{
    for (uint32_t i = 0; i < workload->worker_count; i++) {
        if (workload->workers[i].client != NULL) {
            cc_worker_note_session(&workload->workers[i]);
        }
    }
    for (size_t i = 0; i < workload->applied_count; i++) {
        uint64_t identity = identity_of(workload, workload->applied[i].client);

        workload->applied[i].client = identity != 0 ? identity : workload->applied[i].client;
    }
    *count_out = workload->applied_count;
    return workload->applied;
}

static uint64_t place_of(
    const struct cc_workload *workload, const struct cc_history_operation *operation)
{
    if (operation->outcome == CC_HISTORY_OK) {
        return operation->index;
    }
    for (size_t i = 0; i < workload->applied_count && operation->sequence != 0; i++) {
        const struct cc_check_applied *applied = &workload->applied[i];

        if (applied->client == operation->client && applied->sequence == operation->sequence &&
            applied->has_effect) {
            return applied->index;
        }
    }
    return 0;
}

const uint64_t *cc_workload_places(struct cc_workload *workload)
{
    size_t count = cc_history_count(workload->history);

    workload->places = realloc(workload->places, (count + 1) * sizeof *workload->places);
    CC_ASSERT(workload->places != NULL);
    for (size_t i = 0; i < count; i++) {
        workload->places[i] = place_of(workload, cc_history_at(workload->history, i));
    }
    return workload->places;
}

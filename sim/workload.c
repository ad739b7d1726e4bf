/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload -- see workload.h.
 */
#include "sim/workload.h"

#include "base/assert.h"
#include "client/client.h"
#include "proto/catalog_operation.h"
#include "resource/map/map_operation.h"
#include "sim/alarm.h"
#include "sim/backups.h"
#include "sim/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX 16u
#define MAPS_MAX 4u
#define REPLACE_US 500000u
#define RECOVERY_US 12000000u
#define KEYS_PER_PAGE 1000u
#define HISTORY_BYTES_MAX (16u << 20)
#define OPERATION_ROOM 8192u
#define KEYS_SEEN_MAX 256u
#define CALL_US 60000000u
#define SERVED_US 25000000u /* after the last fault every call is served within so long */
#define WORK_PER_ALARM 6u
#define WORK_PER_QUESTION 12u
#define WORK_PER_BACKUP 60u

struct worker;

/* One call under way.  Its memory is ours and not the machine's: it survives the machine's crash.
 */
struct errand {
    struct worker *worker;
    struct cc_call call;
    struct cc_map_operation operation;
    size_t id; /* in the history */
    uint64_t begun_us;
    bool is_busy;
    uint32_t map;
    char key[16];
    char value[64];
    char expected[64];
    uint8_t encoded[OPERATION_ROOM];
};

struct worker {
    struct cc_workload *workload;
    uint32_t number;
    uint32_t machine;
    uint32_t generation;
    struct cc_client *client; /* NULL: down */
    uint64_t identity;        /* in the history: one for each session */
    uint64_t session;
    struct cc_client_resource maps[MAPS_MAX];
    struct errand errands[WINDOW_MAX];
    struct cc_alarm_caller alarm;
    struct cc_observer observer;
    struct cc_backups backups;
    uint32_t busy;
    uint64_t values;
    struct cc_decider choices;
    struct cc_decider backup_choices;
    bool is_call_posted;
};

struct known_session {
    uint64_t session;
    uint64_t identity;
};

struct cc_workload {
    struct cc_cluster *cluster;
    struct cc_workload_options options;
    struct cc_workload_totals totals;
    struct worker workers[CC_MACHINES_MAX];
    uint32_t worker_count;
    uint64_t identities;
    bool is_stopped;
    struct cc_history *history;
    struct known_session *sessions;
    size_t session_count;
    size_t session_capacity;
    struct cc_check_applied *applied;
    size_t applied_count;
    size_t applied_capacity;
    uint64_t applied_index; /* newest that was noted */
    uint64_t *places;
    uint64_t instances[MAPS_MAX];
    uint64_t alarm_instance;
    uint64_t alive_from_us; /* 0: sessions may expire */
    uint64_t stored_us;
    uint64_t refused_us;
    uint64_t stopped_us; /* 0: there are faults, and calls may run out of time */
};

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

/* ---- what the log has -------------------------------------------------------------------------
 */

static void path_of(uint32_t map, char *path, size_t size)
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

        path_of(map, path, sizeof path);
        if (operation.path.size == strlen(path) &&
            memcmp(operation.path.data, path, operation.path.size) == 0) {
            workload->instances[map] = place.instance;
        }
    }
}

static enum cc_history_kind kind_of(uint8_t code)
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
    invocation.kind = kind_of(operation.code);
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

static void on_applied(void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome)
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

/* Whose session it is.  Asked whenever something happens, also at the end: a client may send
 * commands in a session before it dares to call itself open. */
static void note_session(struct worker *worker)
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
            note_session(&workload->workers[i]);
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

/* ---- results ----------------------------------------------------------------------------------
 */

static struct cc_history_bytes history_bytes(copycat_bytes bytes)
{
    static const char empty[] = "";

    return (struct cc_history_bytes){
        bytes.size == 0 && bytes.data != NULL ? empty : bytes.data, bytes.size};
}

static bool read_keys(
    copycat_bytes result, struct cc_history_bytes *keys, struct cc_history_answer *answer)
{
    struct cc_reader reader;
    copycat_bytes key;
    bool is_more;

    if (!cc_map_page_decode(result, &reader, &is_more) || is_more) {
        return false;
    }
    while (answer->key_count < KEYS_SEEN_MAX && cc_map_page_next(&reader, &key)) {
        keys[answer->key_count++] = history_bytes(key);
    }
    answer->keys = keys;
    return true;
}

static bool read_result(
    uint8_t code,
    copycat_bytes result,
    struct cc_history_bytes *keys,
    struct cc_history_answer *answer)
{
    copycat_bytes value;

    switch (code) {
    case CC_MAP_CONTAINS:
    case CC_MAP_CAS:
        return cc_map_flag_decode(result, &answer->flag);
    case CC_MAP_SIZE:
        return cc_map_number_decode(result, &answer->count);
    case CC_MAP_KEYS:
        return read_keys(result, keys, answer);
    case CC_MAP_CLEAR:
        return result.size == 0;
    default:
        if (!cc_map_value_decode(result, &value)) {
            return false;
        }
        if (value.data != NULL) {
            answer->value = history_bytes(value);
        }
        return true;
    }
}

static void write_down(struct errand *errand)
{
    struct cc_workload *workload = errand->worker->workload;
    struct cc_history_bytes keys[KEYS_SEEN_MAX];
    struct cc_history_answer answer = {.at = cc_world_now_us(workload->cluster->world)};
    const struct cc_call *call = &errand->call;

    if (call->sequence != 0) {
        cc_history_number(workload->history, errand->id, call->sequence);
    }
    if (call->status == COPYCAT_OK) {
        if (!read_result(errand->operation.code, call->result, keys, &answer)) {
            cc_judge_blame(workload->cluster->judge, "workload: a result makes no sense");
            return;
        }
        answer.outcome = CC_HISTORY_OK;
        answer.index = call->index;
        workload->totals.acknowledged++;
    } else if (
        copycat_status_class(call->status) == COPYCAT_CLASS_UNKNOWN ||
        (call->status == COPYCAT_ERR_CLOSED && call->sequence != 0)) {
        answer.outcome = CC_HISTORY_UNKNOWN; /* the caller has given up waiting */
        workload->totals.unknown++;
    } else {
        answer.outcome = CC_HISTORY_FAILED;
        workload->totals.failed++;
    }
    cc_history_complete(workload->history, errand->id, &answer);
}

static void work_later(struct worker *worker);

/* What leaves no more behind than there was is never refused for want of room. */
static void judge_quota(const struct errand *errand)
{
    uint8_t code = errand->operation.code;
    bool is_store = code == CC_MAP_PUT || code == CC_MAP_PUT_IF_ABSENT || code == CC_MAP_REPLACE ||
                    code == CC_MAP_CAS;

    if (errand->call.status == COPYCAT_ERR_QUOTA && !is_store && errand->call.sequence != 0) {
        cc_judge_blame(
            errand->worker->workload->cluster->judge,
            "quota: client %u was refused what needs no room", errand->worker->number + 1);
    }
}

/* T-086: a quorum is well, and a client finds it; that its patience ends is no answer. */
static void judge_service(const struct errand *errand)
{
    const struct cc_workload *workload = errand->worker->workload;
    uint64_t now_us = cc_world_now_us(workload->cluster->world);

    if (errand->call.status == COPYCAT_ERR_QUOTA && workload->stopped_us != 0 &&
        !cc_cluster_has_quotas(workload->cluster) &&
        errand->begun_us > workload->stopped_us + SERVED_US) {
        cc_judge_blame(
            workload->cluster->judge,
            "quota: a call of client %u was refused, long after all disks had room",
            errand->worker->number + 1);
    }
    if (errand->call.status != COPYCAT_OK && errand->call.timeout_us == CALL_US &&
        now_us - errand->begun_us > CALL_US / 4 * 3 && workload->stopped_us != 0 &&
        now_us > workload->stopped_us + SERVED_US) {
        cc_judge_blame(
            workload->cluster->judge,
            "progress: a call of client %u was not served for %llu us, long after the last fault: "
            "%s",
            errand->worker->number + 1, (unsigned long long)(now_us - errand->begun_us),
            copycat_status_text(errand->call.status));
    }
}

static void done(struct cc_call *call)
{
    struct errand *errand = call->owner;

    judge_service(errand);
    judge_quota(errand);
    if (errand->call.status == COPYCAT_ERR_QUOTA) {
        errand->worker->workload->refused_us = errand->begun_us;
    }
    if (errand->call.status == COPYCAT_OK && errand->operation.code == CC_MAP_PUT) {
        errand->worker->workload->stored_us = errand->begun_us;
    }
    errand->is_busy = false;
    errand->worker->busy--;
    write_down(errand);
    work_later(errand->worker);
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static uint8_t choose_code(struct worker *worker)
{
    static const uint8_t codes[] = {
        CC_MAP_PUT,    CC_MAP_PUT,      CC_MAP_PUT,           CC_MAP_PUT,           CC_MAP_GET,
        CC_MAP_GET,    CC_MAP_GET,      CC_MAP_GET,           CC_MAP_GET,           CC_MAP_GET,
        CC_MAP_REMOVE, CC_MAP_CONTAINS, CC_MAP_PUT_IF_ABSENT, CC_MAP_PUT_IF_ABSENT, CC_MAP_REPLACE,
        CC_MAP_CAS,    CC_MAP_CAS,      CC_MAP_SIZE,          CC_MAP_KEYS,          CC_MAP_CLEAR};
    uint8_t code;

    do {
        code = codes[cc_decide_below(&worker->choices, sizeof codes)];
        if (code == CC_MAP_CLEAR && cc_decide_below(&worker->choices, 4) != 0) {
            code = CC_MAP_PUT;
        }
    } while ((worker->workload->options.kinds & 1u << kind_of(code)) == 0);
    return code;
}

static void choose_value(struct worker *worker, char *value, size_t size)
{
    snprintf(
        value, size, "c%u.%u.%llu", worker->number, worker->generation,
        (unsigned long long)++worker->values);
}

/* A value that was likely put a moment ago, so that some of them succeed.  Each draw is a statement
 * of its own: in which order arguments are evaluated is the compiler's affair. */
static void choose_expected(struct worker *worker, struct errand *errand)
{
    uint64_t age = cc_decide_below(&worker->choices, worker->values < 20 ? worker->values : 20);
    uint64_t client = cc_decide_below(&worker->choices, worker->workload->worker_count);

    snprintf(
        errand->expected, sizeof errand->expected, "c%u.%u.%llu", (unsigned)client,
        worker->generation, (unsigned long long)(worker->values - age));
}

static void choose_operation(struct worker *worker, struct errand *errand)
{
    struct cc_workload *workload = worker->workload;
    struct cc_map_operation *operation = &errand->operation;

    *operation = (struct cc_map_operation){.code = choose_code(worker), .limit = KEYS_PER_PAGE};
    errand->map = (uint32_t)cc_decide_below(&worker->choices, workload->options.maps);
    snprintf(
        errand->key, sizeof errand->key, "k%llu",
        (unsigned long long)cc_decide_below(&worker->choices, workload->options.keys));
    choose_value(worker, errand->value, sizeof errand->value);
    if (operation->code == CC_MAP_CAS) {
        choose_expected(worker, errand);
        operation->expected = (copycat_bytes){errand->expected, strlen(errand->expected)};
    }
    if (operation->code != CC_MAP_SIZE && operation->code != CC_MAP_KEYS &&
        operation->code != CC_MAP_CLEAR) {
        operation->key = (copycat_bytes){errand->key, strlen(errand->key)};
    }
    if (operation->code == CC_MAP_PUT || operation->code == CC_MAP_PUT_IF_ABSENT ||
        operation->code == CC_MAP_REPLACE || operation->code == CC_MAP_CAS) {
        operation->value = (copycat_bytes){errand->value, strlen(errand->value)};
    }
}

static void invoke(struct worker *worker, struct errand *errand)
{
    struct cc_workload *workload = worker->workload;
    const struct cc_map_operation *operation = &errand->operation;
    struct cc_history_invocation invocation = {
        .client = worker->identity,
        .stream = errand->map,
        .at = cc_world_now_us(workload->cluster->world),
        .kind = kind_of(operation->code),
        .map = errand->map,
        .key = {operation->key.data, operation->key.size},
        .value = {operation->value.data, operation->value.size},
        .expected = {operation->expected.data, operation->expected.size},
    };

    if (errand->call.kind == CC_CALL_QUERY) {
        invocation.level = (enum cc_history_level)(errand->call.level - CC_READ_LINEARIZABLE);
        if (invocation.level == CC_HISTORY_LEASE && workload->options.distrusts_leases) {
            invocation.level = CC_HISTORY_SEQUENTIAL;
        }
    }
    errand->id = cc_history_invoke(workload->history, &invocation);
    workload->totals.invoked++;
}

static void make_call(struct worker *worker, struct errand *errand)
{
    struct cc_writer writer;

    choose_operation(worker, errand);
    cc_writer_init_fixed(&writer, errand->encoded, sizeof errand->encoded);
    cc_map_operation_encode(&writer, &errand->operation);
    CC_ASSERT(!writer.failed);
    errand->worker = worker;
    errand->call = (struct cc_call){
        .kind = cc_map_operation_is_query(errand->operation.code) ? CC_CALL_QUERY : CC_CALL_COMMAND,
        .timeout_us = CALL_US,
        .operation = {writer.data, writer.size},
        .done = done,
        .owner = errand,
    };
    errand->call.level =
        (uint8_t)cc_decide_range(&worker->choices, CC_READ_LINEARIZABLE, CC_READ_EVENTUAL);
    if (cc_decide_below(&worker->choices, 10) == 0) {
        errand->call.timeout_us = cc_decide_range(&worker->choices, 1000, 400000);
    }
    errand->is_busy = true;
    errand->begun_us = cc_world_now_us(worker->workload->cluster->world);
    worker->busy++;
    invoke(worker, errand);
    cc_client_call(worker->client, &worker->maps[errand->map], &errand->call);
}

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
            make_call(worker, &worker->errands[i]);
            burst--;
        }
    }
    if (worker->workload->is_stopped) {
        return;
    }
    if (!cc_world_is_paused(worker->workload->cluster->world, worker->machine)) {
        work_aside(worker);
    }
    work_later(worker);
}

/* The next calls come from outside of any pass, after a while. */
static void work_later(struct worker *worker)
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
        note_session(worker);
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

        path_of(map, path, sizeof path);
        cc_client_resource_init(worker->client, &worker->maps[map], path, CC_MAP_TYPE_ID);
    }
    cc_alarm_caller_init(&worker->alarm, worker->client);
    cc_observer_init(&worker->observer, cluster);
    cc_backups_init(&worker->backups, cluster, cc_world_env(cluster->world, worker->machine));
    work_later(worker);
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
    note_session(worker);
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
    cluster->applied = on_applied;
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

            kinds |= (uint32_t)errand->is_busy << kind_of(errand->operation.code);
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
            work_later(&workload->workers[i]);
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

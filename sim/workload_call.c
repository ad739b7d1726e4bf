/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_call -- what a client asks next.
 */
#include "base/assert.h"
#include "sim/workload_internal.h"

#include <stdio.h>
#include <string.h>

#define KEYS_PER_PAGE 1000u

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
    } while ((worker->workload->options.kinds & 1u << cc_workload_kind(code)) == 0);
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
        .kind = cc_workload_kind(operation->code),
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

void cc_worker_call(struct worker *worker, struct errand *errand)
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
        .done = cc_errand_done,
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

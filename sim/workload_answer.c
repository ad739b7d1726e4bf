/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_answer -- what a client was told: written down, and judged by itself.
 */
#include "sim/workload_internal.h"

#define KEYS_SEEN_MAX 256u
#define SERVED_US 25000000u /* after the last fault every call is served within so long */

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

void cc_errand_done(struct cc_call *call)
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
    cc_worker_go_on(errand->worker);
}

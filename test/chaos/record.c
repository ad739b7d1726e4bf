/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record -- see record.h.
 */
#include "record.h"

#include "basics.h"

#define EPOCH_US 3000000u
#define EPOCH_UNKNOWN_MAX 12u
#define OPERATIONS_PER_SECOND_MAX 20000u
#define BYTES_PER_OPERATION 64u

void chaos_record_init(struct chaos_record *record, uint64_t seconds)
{
    /* What comes before and after the time counts too. */
    uint64_t operations = (seconds + 30) * OPERATIONS_PER_SECOND_MAX;
    uint64_t now_us = chaos_now_us();

    *record = (struct chaos_record){
        .history = cc_history_create(operations, operations * BYTES_PER_OPERATION),
        .begun_us = now_us,
        .epoch_begun_us = now_us,
        .epoch = 1,
    };
    if (record->history == NULL || pthread_mutex_init(&record->lock, NULL) != 0) {
        chaos_give_up("a history");
    }
}

void chaos_record_deinit(struct chaos_record *record)
{
    cc_history_destroy(record->history);
    (void)pthread_mutex_destroy(&record->lock);
}

uint32_t chaos_record_epoch(struct chaos_record *record)
{
    uint32_t epoch;

    (void)pthread_mutex_lock(&record->lock);

    uint64_t now_us = chaos_now_us();

    if (now_us - record->epoch_begun_us > EPOCH_US || record->epoch_unknown > EPOCH_UNKNOWN_MAX) {
        record->epoch++;
        record->epoch_begun_us = now_us;
        record->epoch_unknown = 0;
    }
    epoch = record->epoch;
    (void)pthread_mutex_unlock(&record->lock);
    return epoch;
}

static void note_pause(struct chaos_record *record, uint64_t now_us)
{
    uint64_t pause_us = now_us - record->acknowledged_us;

    if (record->acknowledged_us != 0 && pause_us > record->pause_us) {
        record->pause_us = pause_us;
    }
    record->acknowledged_us = now_us;
}

void chaos_record_settle(struct chaos_record *record)
{
    (void)pthread_mutex_lock(&record->lock);
    if (record->acknowledged_us != 0) {
        note_pause(record, chaos_now_us());
        record->acknowledged_us = 0;
    }
    (void)pthread_mutex_unlock(&record->lock);
}

size_t chaos_record_invoke(
    struct chaos_record *record, const struct cc_history_invocation *invocation)
{
    struct cc_history_invocation timed = *invocation;
    size_t id;

    (void)pthread_mutex_lock(&record->lock);
    timed.at = chaos_now_us() - record->begun_us;
    id = cc_history_invoke(record->history, &timed);
    (void)pthread_mutex_unlock(&record->lock);
    return id;
}

void chaos_record_complete(
    struct chaos_record *record, size_t id, const struct cc_history_answer *answer)
{
    struct cc_history_answer timed = *answer;

    (void)pthread_mutex_lock(&record->lock);

    uint64_t now_us = chaos_now_us();
    const struct cc_history_operation *operation =
        id == CC_HISTORY_NONE ? NULL : cc_history_at(record->history, id);

    timed.at = now_us - record->begun_us;
    cc_history_complete(record->history, id, &timed);
    record->acknowledged += answer->outcome == CC_HISTORY_OK;
    record->failed += answer->outcome == CC_HISTORY_FAILED;
    if (answer->outcome == CC_HISTORY_UNKNOWN) {
        record->unknown++;
        record->epoch_unknown += operation != NULL && operation->map == record->epoch;
    }
    if (answer->outcome == CC_HISTORY_OK && operation != NULL &&
        !cc_history_is_query(operation->kind)) {
        note_pause(record, now_us);
    }
    (void)pthread_mutex_unlock(&record->lock);
}

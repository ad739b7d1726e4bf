/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge -- see judge.h.
 */
#include "judge.h"

#include "basics.h"
#include "sim/check/linear.h"
#include "sim/check/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MIN 4000000u
#define STEPS_PER_OPERATION 32u
#define BYTES_PER_OPERATION 64u
#define LINE_SIZE 512u
#define MASK_KEY "masked"

struct work {
    const struct cc_history *source;
    struct cc_history *target;
    bool *is_masked;                             /* by symbol of a map's key; see mask_of */
    bool *is_map_masked;                         /* by map: some key of it is */
    const struct cc_history_operation **invoked; /* by order of the event */
    const struct cc_history_operation **completed;
    size_t *ids; /* in the target, by id in the source */
    struct cc_check_applied *applied;
    size_t applied_count;
    uint64_t *sequences; /* by id in the source */
    uint32_t map_max;
    uint32_t key_max;
};

static void *reserved(size_t count, size_t size)
{
    void *block = calloc(count + 1, size);

    if (block == NULL) {
        chaos_give_up("memory for judging");
    }
    return block;
}

static bool *mask_of(struct work *work, const struct cc_history_operation *operation)
{
    return &work->is_masked[(size_t)operation->map * (work->key_max + 1) + operation->key];
}

static void find_masked(struct work *work)
{
    size_t count = cc_history_count(work->source);

    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = cc_history_at(work->source, i);

        work->map_max = operation->map > work->map_max ? operation->map : work->map_max;
        work->key_max = operation->key > work->key_max ? operation->key : work->key_max;
    }
    work->is_masked =
        reserved(((size_t)work->map_max + 1) * (work->key_max + 1), sizeof *work->is_masked);
    work->is_map_masked = reserved((size_t)work->map_max + 1, sizeof *work->is_map_masked);
    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = cc_history_at(work->source, i);

        if (operation->outcome == CC_HISTORY_UNKNOWN && !cc_history_is_query(operation->kind)) {
            *mask_of(work, operation) = true;
            work->is_map_masked[operation->map] = true;
        }
    }
}

/* Sequences as the library gives them: in the order of the calls of a session. */
static void find_sequences(struct work *work)
{
    size_t count = cc_history_count(work->source);

    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = cc_history_at(work->source, i);

        work->invoked[operation->invoked_order] = operation;
        if (operation->completed_order != CC_HISTORY_PENDING) {
            work->completed[operation->completed_order] = operation;
        }
        if (!cc_history_is_query(operation->kind) && operation->outcome != CC_HISTORY_FAILED) {
            work->sequences[i] = i + 1;
        }
    }
}

static bool is_hidden(struct work *work, const struct cc_history_operation *operation)
{
    return cc_history_has_key(operation->kind) ? *mask_of(work, operation)
                                               : work->is_map_masked[operation->map];
}

static struct cc_history_bytes bytes_of(const struct work *work, uint32_t symbol)
{
    return cc_history_symbol(work->source, symbol);
}

/* A masked query reads, and a masked command removes, a key that never exists. */
static void copy_invocation(struct work *work, const struct cc_history_operation *operation)
{
    struct cc_history_invocation invocation = {
        .client = operation->client,
        .stream = operation->stream,
        .at = operation->invoked_at,
        .kind = operation->kind,
        .level = operation->level,
        .map = operation->map,
        .key = bytes_of(work, operation->key),
        .value = bytes_of(work, operation->value),
        .expected = bytes_of(work, operation->expected),
    };

    if (is_hidden(work, operation)) {
        bool is_query = cc_history_is_query(operation->kind);

        invocation.kind = is_query ? CC_HISTORY_GET : CC_HISTORY_REMOVE;
        invocation.key = (struct cc_history_bytes){MASK_KEY, strlen(MASK_KEY)};
        invocation.value = (struct cc_history_bytes){0};
        invocation.expected = (struct cc_history_bytes){0};
    }

    size_t id = cc_history_invoke(work->target, &invocation);

    work->ids[operation->id] = id;
    if (work->sequences[operation->id] != 0) {
        cc_history_number(work->target, id, work->sequences[operation->id]);
    }
    if (work->sequences[operation->id] != 0 && operation->outcome == CC_HISTORY_OK) {
        work->applied[work->applied_count++] = (struct cc_check_applied){
            .index = operation->index,
            .client = operation->client,
            .sequence = work->sequences[operation->id],
            .fingerprint = cc_history_fingerprint(&invocation),
            .has_effect = true,
        };
    }
}

static void copy_answer(struct work *work, const struct cc_history_operation *operation)
{
    struct cc_history_answer answer = {
        .at = operation->completed_at,
        .outcome = operation->outcome,
        .index = operation->index,
    };

    if (!is_hidden(work, operation)) {
        answer.value = bytes_of(work, operation->result);
        answer.count = operation->count;
        answer.flag = operation->flag;
    }
    cc_history_complete(work->target, work->ids[operation->id], &answer);
}

static void judge_sessions(const struct cc_history *history, struct cc_check_report *report)
{
    size_t count = cc_history_count(history);
    struct work work = {.source = history};

    work.target = cc_history_create(count + 1, (count + 1) * BYTES_PER_OPERATION);
    work.ids = reserved(count, sizeof *work.ids);
    work.invoked = reserved(2 * count, sizeof *work.invoked);
    work.completed = reserved(2 * count, sizeof *work.completed);
    work.applied = reserved(count, sizeof *work.applied);
    work.sequences = reserved(count, sizeof *work.sequences);
    find_masked(&work);
    find_sequences(&work);
    for (size_t order = 0; order <= 2 * count; order++) {
        if (work.invoked[order] != NULL) {
            copy_invocation(&work, work.invoked[order]);
        }
        if (work.completed[order] != NULL) {
            copy_answer(&work, work.completed[order]);
        }
    }
    cc_check_session(work.target, work.applied, work.applied_count, report);
    cc_history_destroy(work.target);
    free(work.is_masked);
    free(work.is_map_masked);
    free(work.ids);
    free(work.invoked);
    free(work.completed);
    free(work.applied);
    free(work.sequences);
}

void chaos_judge(const struct cc_history *history, struct cc_check_report *report)
{
    struct cc_check_linear_options options = {
        .steps_max = STEPS_MIN + STEPS_PER_OPERATION * cc_history_count(history),
    };

    cc_check_linear(history, &options, report);
    if (report->verdict == CC_CHECK_OK) {
        judge_sessions(history, report);
    }
}

bool chaos_judge_write(const struct cc_history *history, const char *path)
{
    FILE *file = fopen(path, "w");
    char line[LINE_SIZE];

    if (file == NULL) {
        return false;
    }
    for (size_t i = 0; i < cc_history_count(history); i++) {
        cc_history_describe(history, cc_history_at(history, i), line, sizeof line);
        fprintf(file, "%s\n", line);
    }
    return fclose(file) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session -- see session.h.  Puts everything in order, then asks one promise after the other and
 * stops at the first that is broken: what follows is mostly its consequence.
 */
#include "sim/check/session.h"

#include "sim/check/session_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void *reserved(size_t count, size_t size)
{
    void *block = calloc(count == 0 ? 1 : count, size);

    if (block == NULL) {
        abort();
    }
    return block;
}

static int by_index(const void *left, const void *right)
{
    const struct cc_check_applied *a = left;
    const struct cc_check_applied *b = right;

    return a->index < b->index ? -1 : a->index > b->index;
}

static int by_sequence(const void *left, const void *right)
{
    const struct cc_history_operation *a = *(const struct cc_history_operation *const *)left;
    const struct cc_history_operation *b = *(const struct cc_history_operation *const *)right;

    if (a->client != b->client) {
        return a->client < b->client ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : a->sequence > b->sequence;
}

static int by_stream(const void *left, const void *right)
{
    const struct cc_history_operation *a = *(const struct cc_history_operation *const *)left;
    const struct cc_history_operation *b = *(const struct cc_history_operation *const *)right;

    if (a->client != b->client) {
        return a->client < b->client ? -1 : 1;
    }
    if (a->stream != b->stream) {
        return a->stream < b->stream ? -1 : 1;
    }
    return a->id < b->id ? -1 : a->id > b->id;
}

static bool is_same(const struct cc_check_applied *a, const struct cc_check_applied *b)
{
    return a->client == b->client && a->sequence == b->sequence &&
           a->fingerprint == b->fingerprint && a->has_effect == b->has_effect;
}

/* Several servers tell of the same index: they have to tell the same. */
static bool merge_applied(struct cc_check_session_work *work)
{
    size_t kept = 0;

    qsort(work->applied, work->applied_count, sizeof *work->applied, by_index);
    for (size_t i = 0; i < work->applied_count; i++) {
        const struct cc_check_applied *applied = &work->applied[i];

        if (kept == 0 || work->applied[kept - 1].index != applied->index) {
            work->applied[kept++] = *applied;
        } else if (!is_same(&work->applied[kept - 1], applied)) {
            cc_check_blame(
                work->report, CC_CHECK_BROKEN,
                "once: two different commands were applied at index %" PRIu64, applied->index);
            return false;
        }
    }
    work->applied_count = kept;
    return true;
}

static bool collect_operations(struct cc_check_session_work *work)
{
    size_t count = cc_history_count(work->history);

    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = cc_history_at(work->history, i);

        work->streams[i] = operation;
        if (operation->sequence != 0) {
            work->commands[work->command_count++] = operation;
        } else if (operation->outcome == CC_HISTORY_OK && !cc_history_is_query(operation->kind)) {
            cc_check_blame(
                work->report, CC_CHECK_UNKNOWN,
                "history: a command was answered whose sequence is not known");
            cc_check_show(work->report, work->history, operation);
            return false;
        }
    }
    qsort(work->streams, count, sizeof *work->streams, by_stream);
    qsort(work->commands, work->command_count, sizeof *work->commands, by_sequence);
    return true;
}

void cc_check_session(
    const struct cc_history *history,
    const struct cc_check_applied *applied,
    size_t applied_count,
    struct cc_check_report *report)
{
    size_t count = cc_history_count(history);
    struct cc_check_session_work work = {
        .history = history,
        .report = report,
        .applied_count = applied_count,
    };

    if (!cc_check_accepts(report, history)) {
        return;
    }
    work.applied = reserved(applied_count, sizeof *work.applied);
    work.commands = reserved(count, sizeof *work.commands);
    work.streams = reserved(count, sizeof *work.streams);
    work.effects = reserved(count, sizeof *work.effects);
    if (applied_count != 0) {
        memcpy(work.applied, applied, applied_count * sizeof *applied);
    }
    if (merge_applied(&work) && collect_operations(&work) && cc_check_session_effects(&work) &&
        cc_check_session_order(&work)) {
        (void)cc_check_session_replay(&work);
    }
    free(work.applied);
    free(work.commands);
    free(work.streams);
    free(work.effects);
}

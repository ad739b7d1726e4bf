/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_replay -- the log against what clients were told: once, lost, model.
 *
 * Where it sits:   session -> [session_replay] -> model.
 * Memory:          by malloc, freed before the return.
 */
#include "sim/check/model.h"
#include "sim/check/session_internal.h"

#include <inttypes.h>
#include <stdlib.h>

#define SHOWN_MAX 6u

static const struct cc_history_operation *command_of(
    const struct cc_check_session_work *work, const struct cc_check_applied *applied)
{
    size_t first = 0;
    size_t end = work->command_count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        const struct cc_history_operation *command = work->commands[middle];

        if (command->client < applied->client ||
            (command->client == applied->client && command->sequence < applied->sequence)) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    if (first < work->command_count && work->commands[first]->client == applied->client &&
        work->commands[first]->sequence == applied->sequence) {
        return work->commands[first];
    }
    return NULL;
}

/* ---- once ---------------------------------------------------------------------------------------
 */

static bool take_effect(struct cc_check_session_work *work, const struct cc_check_applied *applied)
{
    const struct cc_history_operation *command = command_of(work, applied);
    const char *complaint = NULL;

    if (command == NULL) {
        cc_check_blame(
            work->report, CC_CHECK_BROKEN,
            "once: index %" PRIu64 " has sequence %" PRIu64 " of client %" PRIu64
            ", which it never gave to a command",
            applied->index, applied->sequence, applied->client);
        return false;
    }
    if (!applied->has_effect) {
        return true;
    }
    if (work->effects[command->id] != 0) {
        complaint = "took effect before, and again";
    } else if (command->outcome == CC_HISTORY_FAILED) {
        complaint = "failed, and yet took effect";
    } else if (command->fingerprint != applied->fingerprint) {
        complaint = "is not what was applied";
    }
    if (complaint != NULL) {
        cc_check_blame(
            work->report, CC_CHECK_BROKEN,
            "once: this command %s at index %" PRIu64 " (before: %" PRIu64 ")", complaint,
            applied->index, work->effects[command->id]);
        cc_check_show(work->report, work->history, command);
        return false;
    }
    work->effects[command->id] = applied->index;
    return true;
}

/* Within a session: no sequence twice, and a later one later in the log. */
static bool check_sequences(struct cc_check_session_work *work)
{
    const struct cc_history_operation *before = NULL;

    for (size_t i = 0; i < work->command_count; i++) {
        const struct cc_history_operation *command = work->commands[i];
        const char *complaint = NULL;

        if (i > 0 && work->commands[i - 1]->client == command->client &&
            work->commands[i - 1]->sequence == command->sequence) {
            before = work->commands[i - 1];
            complaint = "two commands have one sequence";
        } else if (
            before != NULL && before->client == command->client &&
            work->effects[command->id] != 0 &&
            work->effects[command->id] < work->effects[before->id]) {
            complaint = "the second took effect before the first";
        }
        if (complaint != NULL) {
            cc_check_blame(work->report, CC_CHECK_BROKEN, "once: %s", complaint);
            cc_check_show(work->report, work->history, before);
            cc_check_show(work->report, work->history, command);
            return false;
        }
        if (work->effects[command->id] != 0) {
            before = command;
        }
    }
    return true;
}

/* ---- lost ---------------------------------------------------------------------------------------
 */

static bool check_lost(struct cc_check_session_work *work)
{
    for (size_t i = 0; i < work->command_count; i++) {
        const struct cc_history_operation *command = work->commands[i];
        uint64_t effect = work->effects[command->id];

        if (command->outcome != CC_HISTORY_OK) {
            continue;
        }
        if (effect == 0 || (command->index != 0 && command->index != effect)) {
            cc_check_blame(
                work->report, CC_CHECK_BROKEN,
                effect == 0 ? "lost: this command was answered and never took effect"
                            : "lost: this command took effect at another index than it was told");
            cc_check_show(work->report, work->history, command);
            return false;
        }
    }
    return true;
}

bool cc_check_session_effects(struct cc_check_session_work *work)
{
    for (size_t i = 0; i < work->applied_count; i++) {
        if (!take_effect(work, &work->applied[i])) {
            return false;
        }
    }
    return check_sequences(work) && check_lost(work);
}

/* ---- model --------------------------------------------------------------------------------------
 */

/* One thing to do while the log is replayed: a command that takes effect, or a look. */
struct act {
    uint64_t index;
    const struct cc_history_operation *operation;
};

/* By index; what is read at an index is read after its command. */
static int by_index(const void *left, const void *right)
{
    const struct act *a = left;
    const struct act *b = right;
    bool a_looks = cc_history_is_query(a->operation->kind);
    bool b_looks = cc_history_is_query(b->operation->kind);

    if (a->index != b->index) {
        return a->index < b->index ? -1 : 1;
    }
    if (a_looks != b_looks) {
        return a_looks ? 1 : -1;
    }
    return a->operation->id < b->operation->id ? -1 : a->operation->id > b->operation->id;
}

static size_t collect_acts(struct cc_check_session_work *work, struct act *acts)
{
    size_t count = 0;

    for (size_t i = 0; i < cc_history_count(work->history); i++) {
        const struct cc_history_operation *operation = cc_history_at(work->history, i);

        if (!cc_history_is_query(operation->kind)) {
            if (work->effects[i] != 0) {
                acts[count++] = (struct act){work->effects[i], operation};
            }
        } else if (operation->outcome == CC_HISTORY_OK) {
            /* The state before the first entry is a state too, but 0 says "unknown" here. */
            if (operation->index != 0) {
                acts[count++] = (struct act){operation->index, operation};
            } else {
                work->report->skipped++;
            }
        }
    }
    qsort(acts, count, sizeof *acts, by_index);
    return count;
}

/* The newest commands before act `end` that have to do with its answer, newest first. */
static void show_causes(struct cc_check_session_work *work, const struct act *acts, size_t end)
{
    const struct cc_history_operation *asked = acts[end].operation;
    size_t shown = 0;

    for (size_t i = end; i > 0 && shown < SHOWN_MAX; i--) {
        const struct cc_history_operation *cause = acts[i - 1].operation;
        bool touches = cause->key == asked->key || !cc_history_has_key(cause->kind) ||
                       !cc_history_has_key(asked->kind);

        if (cause->map == asked->map && touches && !cc_history_is_query(cause->kind)) {
            cc_check_show(work->report, work->history, cause);
            shown++;
        }
    }
}

static bool replay(
    struct cc_check_session_work *work,
    const struct act *acts,
    size_t count,
    struct cc_check_model *model)
{
    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = acts[i].operation;
        bool agrees = cc_check_model_apply(model, work->history, operation);

        if (operation->outcome != CC_HISTORY_OK) {
            continue;
        }
        work->report->judged++;
        if (!agrees) {
            cc_check_blame(
                work->report, CC_CHECK_BROKEN,
                "model: the first has a wrong answer for index %" PRIu64
                "; before it, newest first, took effect",
                acts[i].index);
            cc_check_show(work->report, work->history, operation);
            show_causes(work, acts, i);
            return false;
        }
    }
    return true;
}

bool cc_check_session_replay(struct cc_check_session_work *work)
{
    struct cc_check_model model = {0};
    struct act *acts = calloc(cc_history_count(work->history) + 1, sizeof *acts);
    bool is_right;

    if (acts == NULL) {
        abort();
    }
    is_right = replay(work, acts, collect_acts(work, acts), &model);
    cc_check_model_deinit(&model);
    free(acts);
    return is_right;
}

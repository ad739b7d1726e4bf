/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear -- see linear.h.
 */
#include "sim/check/linear.h"

#include "sim/check/linear_search.h"
#include "sim/check/linear_witness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS_MAX_DEFAULT UINT64_C(4000000)
#define WHOLE_MAP_MAX_DEFAULT 64u
#define SHOWN_MAX 16u

/* One operation of a map; those that have no key are found under key 0, which sorts first. */
struct entry {
    uint32_t map;
    uint32_t key;
    const struct cc_history_operation *operation;
};

struct work {
    const struct cc_history *history;
    struct cc_check_report *report;
    uint64_t steps_max;
    uint64_t steps;
    size_t whole_map_max;
    const uint64_t *places; /* may be NULL */
    struct entry *entries;  /* by map, key and order of invocation */
    size_t entry_count;
    const struct cc_history_operation **chosen; /* of the question being asked */
    uint32_t *keys;
};

static void *reserved(size_t count, size_t size)
{
    void *block = calloc(count == 0 ? 1 : count, size);

    if (block == NULL) {
        abort();
    }
    return block;
}

static bool is_judged(const struct cc_history_operation *operation)
{
    return operation->outcome != CC_HISTORY_FAILED && operation->level <= CC_HISTORY_LEASE;
}

static int by_key(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;

    if (a->map != b->map) {
        return a->map < b->map ? -1 : 1;
    }
    if (a->key != b->key) {
        return a->key < b->key ? -1 : 1;
    }
    return a->operation->id < b->operation->id ? -1 : a->operation->id > b->operation->id;
}

static int by_id(const void *left, const void *right)
{
    const struct cc_history_operation *const *a = left;
    const struct cc_history_operation *const *b = right;

    return (*a)->id < (*b)->id ? -1 : (*a)->id > (*b)->id;
}

static uint64_t steps_left(const struct work *work)
{
    return work->steps_max - work->steps;
}

/* ---- explaining ---------------------------------------------------------------------------------
 */

static int by_completion(const void *left, const void *right)
{
    const struct cc_history_operation *const *a = left;
    const struct cc_history_operation *const *b = right;

    return (*a)->completed_order < (*b)->completed_order
               ? -1
               : (*a)->completed_order > (*b)->completed_order;
}

/*
 * The first answer for which there is no order any more.  What had an order keeps it when later
 * answers are taken away, so the place can be found by halving.  A search that is given up counts
 * as an order found: the prefix is then not the smallest, but still one that has no order.
 */
static const struct cc_history_operation *first_impossible(
    const struct work *work, struct cc_check_question question)
{
    const struct cc_history_operation **answered =
        reserved(question.operation_count, sizeof *answered);
    size_t count = 0;
    size_t first = 0;

    for (size_t i = 0; i < question.operation_count; i++) {
        if (question.operations[i]->outcome == CC_HISTORY_OK) {
            answered[count++] = question.operations[i];
        }
    }
    qsort(answered, count, sizeof *answered, by_completion);

    size_t final = count - 1;

    question.steps_max = work->steps_max;
    while (first < final) {
        size_t middle = first + (final - first) / 2;
        uint64_t steps = 0;

        question.until = answered[middle]->completed_order;
        if (cc_check_search(&question, &steps) == CC_CHECK_SEARCH_IMPOSSIBLE) {
            final = middle;
        } else {
            first = middle + 1;
        }
    }

    const struct cc_history_operation *found = answered[final];

    free(answered);
    return found;
}

/* Shows the newest operations that were invoked before the answer that cannot be. */
static void explain(const struct work *work, const struct cc_check_question *question)
{
    const struct cc_history_operation *found = first_impossible(work, *question);
    size_t end = 0;

    while (end < question->operation_count &&
           question->operations[end]->invoked_order < found->completed_order) {
        end++;
    }

    size_t begin = end > SHOWN_MAX ? end - SHOWN_MAX : 0;

    cc_check_blame(
        work->report, CC_CHECK_BROKEN,
        "no order of these %zu operations explains their answers up to that of #%zu; "
        "the newest %zu are",
        end, found->id, end - begin);
    for (size_t i = begin; i < end; i++) {
        cc_check_show(work->report, work->history, question->operations[i]);
    }
}

/* ---- asking -------------------------------------------------------------------------------------
 */

static void describe_target(
    const struct work *work, const struct entry *entry, bool is_whole, char *text, size_t text_size)
{
    struct cc_history_bytes key = cc_history_symbol(work->history, entry->key);

    if (is_whole) {
        snprintf(text, text_size, "map %" PRIu32 " as a whole", entry->map);
    } else {
        snprintf(
            text, text_size, "map %" PRIu32 ", key \"%.*s\"", entry->map,
            (int)(key.size > 64 ? 64 : key.size), (const char *)key.data);
    }
}

/* Each answer counts once: with its key, or with the whole map if it has none. */
static void count_judged(const struct work *work, size_t count, bool is_whole)
{
    for (size_t i = 0; i < count; i++) {
        bool is_here = is_whole != cc_history_has_key(work->chosen[i]->kind);

        work->report->judged += is_here && work->chosen[i]->outcome == CC_HISTORY_OK;
    }
}

static void ask(struct work *work, const struct entry *entry, size_t count, size_t key_count)
{
    struct cc_check_question question = {
        .history = work->history,
        .operations = work->chosen,
        .operation_count = count,
        .keys = work->keys,
        .key_count = key_count,
        .until = CC_HISTORY_PENDING - 1,
        .steps_max = steps_left(work),
    };
    bool is_whole = entry->key == 0;
    char target[128];

    describe_target(work, entry, is_whole, target, sizeof target);
    qsort(work->chosen, count, sizeof *work->chosen, by_id);
    if (work->places != NULL && cc_check_witness(&question, work->places)) {
        count_judged(work, count, is_whole);
        return;
    }
    if (is_whole && count > work->whole_map_max) { /* the log is no order of them */
        cc_check_blame(
            work->report, CC_CHECK_UNKNOWN,
            "linear: %s: %zu operations are not as the log has them", target, count);
        return;
    }
    switch (cc_check_search(&question, &work->steps)) {
    case CC_CHECK_SEARCH_FOUND:
        count_judged(work, count, is_whole);
        break;
    case CC_CHECK_SEARCH_IMPOSSIBLE:
        cc_check_blame(work->report, CC_CHECK_BROKEN, "linear: %s", target);
        explain(work, &question);
        break;
    case CC_CHECK_SEARCH_EXHAUSTED:
        cc_check_blame(
            work->report, CC_CHECK_UNKNOWN,
            "linear: %s: %zu operations, given up after %" PRIu64 " steps", target, count,
            work->steps);
        break;
    }
}

/* One key: [begin, end) are its entries, [whole, whole_end) those of its map that have no key. */
static void ask_key(struct work *work, size_t begin, size_t end, size_t whole, size_t whole_end)
{
    size_t count = 0;

    for (size_t i = whole; i < whole_end; i++) {
        if (work->entries[i].operation->kind == CC_HISTORY_CLEAR) {
            work->chosen[count++] = work->entries[i].operation;
        }
    }
    for (size_t i = begin; i < end; i++) {
        work->chosen[count++] = work->entries[i].operation;
    }
    work->keys[0] = work->entries[begin].key;
    ask(work, &work->entries[begin], count, 1);
}

/* A whole map, [begin, end), of which [begin, whole_end) has no key. */
static void ask_whole(struct work *work, size_t begin, size_t whole_end, size_t end)
{
    size_t key_count = 0;

    if (begin == whole_end) {
        return;
    }
    if (work->places == NULL && end - begin > work->whole_map_max) {
        for (size_t i = begin; i < whole_end; i++) {
            work->report->skipped += work->entries[i].operation->outcome == CC_HISTORY_OK;
        }
        return;
    }
    for (size_t i = begin; i < end; i++) {
        uint32_t key = work->entries[i].key;

        work->chosen[i - begin] = work->entries[i].operation;
        if (key != 0 && (key_count == 0 || work->keys[key_count - 1] != key)) {
            work->keys[key_count++] = key;
        }
    }
    ask(work, &work->entries[begin], end - begin, key_count);
}

static void ask_map(struct work *work, size_t begin, size_t end)
{
    size_t whole_end = begin;

    while (whole_end < end && work->entries[whole_end].key == 0) {
        whole_end++;
    }
    for (size_t i = whole_end; i < end && work->report->verdict != CC_CHECK_BROKEN;) {
        size_t key_begin = i;

        while (i < end && work->entries[i].key == work->entries[key_begin].key) {
            i++;
        }
        ask_key(work, key_begin, i, begin, whole_end);
    }
    if (work->report->verdict != CC_CHECK_BROKEN) {
        ask_whole(work, begin, whole_end, end);
    }
}

void cc_check_linear(
    const struct cc_history *history,
    const struct cc_check_linear_options *options,
    struct cc_check_report *report)
{
    size_t count = cc_history_count(history);
    struct work work = {.history = history, .report = report, .steps_max = STEPS_MAX_DEFAULT};

    if (!cc_check_accepts(report, history)) {
        return;
    }
    if (options != NULL && options->steps_max != 0) {
        work.steps_max = options->steps_max;
    }
    work.whole_map_max = options != NULL && options->whole_map_max != 0 ? options->whole_map_max
                                                                        : WHOLE_MAP_MAX_DEFAULT;
    work.places = options != NULL ? options->places : NULL;
    work.entries = reserved(count, sizeof *work.entries);
    work.chosen = reserved(count, sizeof *work.chosen);
    work.keys = reserved(count, sizeof *work.keys);
    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = cc_history_at(history, i);

        if (is_judged(operation)) {
            work.entries[work.entry_count++] =
                (struct entry){operation->map, operation->key, operation};
        }
    }
    qsort(work.entries, work.entry_count, sizeof *work.entries, by_key);
    for (size_t i = 0; i < work.entry_count && report->verdict != CC_CHECK_BROKEN;) {
        size_t begin = i;

        while (i < work.entry_count && work.entries[i].map == work.entries[begin].map) {
            i++;
        }
        ask_map(&work, begin, i);
    }
    report->steps += work.steps;
    free(work.entries);
    free(work.chosen);
    free(work.keys);
}

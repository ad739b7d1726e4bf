/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_witness -- see linear_witness.h.
 */
#include "sim/check/linear_witness.h"

#include "sim/check/linear_state.h"

#include <stdlib.h>

struct step {
    uint64_t place;
    const struct cc_history_operation *operation;
};

/* A query sees what its index has left.  Queries of one index: as they were over. */
static int by_place(const void *left, const void *right)
{
    const struct step *a = left;
    const struct step *b = right;
    bool a_reads = cc_history_is_query(a->operation->kind);
    bool b_reads = cc_history_is_query(b->operation->kind);

    if (a->place != b->place) {
        return a->place < b->place ? -1 : 1;
    }
    if (a_reads != b_reads) {
        return a_reads ? 1 : -1;
    }
    return a->operation->completed_order < b->operation->completed_order
               ? -1
               : a->operation->completed_order > b->operation->completed_order;
}

/* False if something that has to be in the order has no place. */
static bool collect(
    const struct cc_check_question *question,
    const uint64_t *places,
    struct step *steps,
    size_t *count_out)
{
    *count_out = 0;
    for (size_t i = 0; i < question->operation_count; i++) {
        const struct cc_history_operation *operation = question->operations[i];
        bool is_certain = cc_check_is_certain(question, operation);

        if (places[operation->id] != 0 && (is_certain || !cc_history_is_query(operation->kind))) {
            steps[(*count_out)++] = (struct step){places[operation->id], operation};
        } else if (is_certain) {
            return false;
        }
    }
    return true;
}

static bool walk(
    const struct cc_check_question *question,
    const struct step *steps,
    size_t count,
    uint32_t *state)
{
    uint64_t begun = 0; /* the latest beginning of what stands before */

    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = steps[i].operation;
        bool is_certain = cc_check_is_certain(question, operation);
        uint32_t slot = cc_check_slot_of(question, operation->key);

        if ((is_certain && operation->completed_order < begun) ||
            !cc_check_carry_out(question, operation, slot, is_certain, state)) {
            return false;
        }
        begun = operation->invoked_order > begun ? operation->invoked_order : begun;
    }
    return true;
}

bool cc_check_witness(const struct cc_check_question *question, const uint64_t *places)
{
    struct step *steps = calloc(question->operation_count + 1, sizeof *steps);
    uint32_t *state = calloc(question->key_count + 1, sizeof *state);
    size_t count;
    bool is_one = false;

    if (steps == NULL || state == NULL) {
        abort();
    }
    if (collect(question, places, steps, &count)) {
        qsort(steps, count, sizeof *steps, by_place);
        is_one = walk(question, steps, count, state);
    }
    free(steps);
    free(state);
    return is_one;
}

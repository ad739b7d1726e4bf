/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_state -- see linear_state.h.
 */
#include "sim/check/linear_state.h"

#include "sim/check/model.h"

bool cc_check_is_certain(
    const struct cc_check_question *question, const struct cc_history_operation *operation)
{
    return operation->outcome == CC_HISTORY_OK && operation->completed_order <= question->until;
}

uint32_t cc_check_slot_of(const struct cc_check_question *question, uint32_t key)
{
    uint32_t slot = 0;

    while (slot < question->key_count && question->keys[slot] != key) {
        slot++;
    }
    return slot;
}

static bool keys_agree(
    const struct cc_check_question *question,
    const struct cc_history_operation *operation,
    const uint32_t *state,
    size_t size)
{
    const uint32_t *keys = cc_history_keys(question->history, operation);

    for (size_t i = 0; i < operation->key_count; i++) {
        uint32_t slot = cc_check_slot_of(question, keys[i]);

        if (slot == question->key_count || state[slot] == 0) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (keys[i] == keys[j]) {
                return false;
            }
        }
    }
    return operation->key_count == size;
}

/* The answer of an operation on the whole map. */
static bool whole_agrees(
    const struct cc_check_question *question,
    const struct cc_history_operation *operation,
    const uint32_t *state)
{
    size_t size = 0;

    for (size_t i = 0; i < question->key_count; i++) {
        size += state[i] != 0;
    }
    if (operation->kind == CC_HISTORY_SIZE) {
        return operation->count == size;
    }
    return operation->kind == CC_HISTORY_CLEAR || keys_agree(question, operation, state, size);
}

bool cc_check_carry_out(
    const struct cc_check_question *question,
    const struct cc_history_operation *operation,
    uint32_t slot,
    bool is_answered,
    uint32_t *state)
{
    bool has_key = cc_history_has_key(operation->kind);
    size_t begin = has_key ? slot : 0;
    size_t end = has_key ? (size_t)slot + 1 : question->key_count;

    if (is_answered && !has_key && !whole_agrees(question, operation, state)) {
        return false;
    }
    if (!has_key && operation->kind != CC_HISTORY_CLEAR) {
        return true;
    }
    for (size_t i = begin; i < end; i++) {
        struct cc_check_change change = cc_check_change_of(operation, state[i]);

        if (is_answered && has_key && !cc_check_change_agrees(change, operation)) {
            return false;
        }
        state[i] = change.after;
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model -- maps as they should be: one array of records, searched from end to end.
 *
 * Where it sits:   [model] -> linear, session.
 * Memory:          grows by malloc with the number of records.
 *
 * Slow on purpose: it is to be right at a glance.
 */
#ifndef CC_SIM_CHECK_MODEL_H
#define CC_SIM_CHECK_MODEL_H

#include "sim/check/history.h"

/* What an operation does to the record of one key, and what it answers.  0 means absent. */
struct cc_check_change {
    uint32_t after;
    uint32_t result;
    bool flag;
};

/* The operation has a key, or is CLEAR. */
struct cc_check_change cc_check_change_of(
    const struct cc_history_operation *operation, uint32_t before);

/* The operation has a key.  True if its answer is what this change says. */
bool cc_check_change_agrees(
    struct cc_check_change change, const struct cc_history_operation *operation);

struct cc_check_record {
    uint32_t map;
    uint32_t key;
    uint32_t value;
};

struct cc_check_model {
    struct cc_check_record *records;
    size_t count;
    size_t capacity;
};

/* Zero is an empty model.  Partner of the first change: cc_check_model_deinit. */
void cc_check_model_deinit(struct cc_check_model *model);

/* 0: absent. */
uint32_t cc_check_model_get(const struct cc_check_model *model, uint32_t map, uint32_t key);
uint64_t cc_check_model_size(const struct cc_check_model *model, uint32_t map);

/* Carries the operation out.  True if its answer is right; its outcome is not looked at. */
bool cc_check_model_apply(
    struct cc_check_model *model,
    const struct cc_history *history,
    const struct cc_history_operation *operation);

#endif /* CC_SIM_CHECK_MODEL_H */

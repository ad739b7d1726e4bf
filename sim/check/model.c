/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model -- see model.h.
 */
#include "sim/check/model.h"

#include <stdlib.h>

struct cc_check_change cc_check_change_of(
    const struct cc_history_operation *operation, uint32_t before)
{
    struct cc_check_change change = {.after = before, .result = before, .flag = before != 0};

    switch (operation->kind) {
    case CC_HISTORY_PUT:
        change.after = operation->value;
        break;
    case CC_HISTORY_REMOVE:
    case CC_HISTORY_CLEAR:
        change.after = 0;
        break;
    case CC_HISTORY_PUT_IF_ABSENT:
        change.after = before == 0 ? operation->value : before;
        break;
    case CC_HISTORY_REPLACE:
        change.after = before == 0 ? 0 : operation->value;
        break;
    case CC_HISTORY_CAS:
        change.flag = before != 0 && before == operation->expected;
        change.after = change.flag ? operation->value : before;
        break;
    case CC_HISTORY_GET:
    case CC_HISTORY_CONTAINS:
    case CC_HISTORY_SIZE:
    case CC_HISTORY_KEYS:
        break;
    }
    return change;
}

bool cc_check_change_agrees(
    struct cc_check_change change, const struct cc_history_operation *operation)
{
    if (operation->kind == CC_HISTORY_CONTAINS || operation->kind == CC_HISTORY_CAS) {
        return operation->flag == change.flag;
    }
    return operation->result == change.result;
}

void cc_check_model_deinit(struct cc_check_model *model)
{
    free(model->records);
    *model = (struct cc_check_model){0};
}

static struct cc_check_record *find(const struct cc_check_model *model, uint32_t map, uint32_t key)
{
    for (size_t i = 0; i < model->count; i++) {
        if (model->records[i].map == map && model->records[i].key == key) {
            return &model->records[i];
        }
    }
    return NULL;
}

uint32_t cc_check_model_get(const struct cc_check_model *model, uint32_t map, uint32_t key)
{
    const struct cc_check_record *record = find(model, map, key);

    return record == NULL ? 0 : record->value;
}

uint64_t cc_check_model_size(const struct cc_check_model *model, uint32_t map)
{
    uint64_t size = 0;

    for (size_t i = 0; i < model->count; i++) {
        size += model->records[i].map == map;
    }
    return size;
}

static void set(struct cc_check_model *model, uint32_t map, uint32_t key, uint32_t value)
{
    struct cc_check_record *record = find(model, map, key);

    if (record != NULL && value != 0) {
        record->value = value;
    } else if (record != NULL) {
        *record = model->records[--model->count];
    } else if (value != 0) {
        if (model->count == model->capacity) {
            model->capacity = model->capacity == 0 ? 64 : model->capacity * 2;
            model->records = realloc(model->records, model->capacity * sizeof *model->records);
            if (model->records == NULL) {
                abort();
            }
        }
        model->records[model->count++] = (struct cc_check_record){map, key, value};
    }
}

static void clear(struct cc_check_model *model, uint32_t map)
{
    for (size_t i = model->count; i > 0; i--) {
        if (model->records[i - 1].map == map) {
            model->records[i - 1] = model->records[--model->count];
        }
    }
}

/* Each key is there, none twice, and there are no others. */
static bool keys_agree(
    const struct cc_check_model *model,
    const struct cc_history *history,
    const struct cc_history_operation *operation)
{
    const uint32_t *keys = cc_history_keys(history, operation);

    for (size_t i = 0; i < operation->key_count; i++) {
        if (find(model, operation->map, keys[i]) == NULL) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (keys[i] == keys[j]) {
                return false;
            }
        }
    }
    return operation->key_count == cc_check_model_size(model, operation->map);
}

bool cc_check_model_apply(
    struct cc_check_model *model,
    const struct cc_history *history,
    const struct cc_history_operation *operation)
{
    if (operation->kind == CC_HISTORY_SIZE) {
        return operation->count == cc_check_model_size(model, operation->map);
    }
    if (operation->kind == CC_HISTORY_KEYS) {
        return keys_agree(model, history, operation);
    }
    if (operation->kind == CC_HISTORY_CLEAR) {
        clear(model, operation->map);
        return true;
    }

    uint32_t before = cc_check_model_get(model, operation->map, operation->key);
    struct cc_check_change change = cc_check_change_of(operation, before);

    set(model, operation->map, operation->key, change.after);
    return cc_check_change_agrees(change, operation);
}

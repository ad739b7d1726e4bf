/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_history -- see apply_history.h.
 */
#include "support/apply_history.h"

#include "base/assert.h"
#include "proto/catalog_operation.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 16u /* keeps what follows aligned */

static void *moved(struct counted_memory *counted, uint8_t *old, size_t size)
{
    uint8_t *block = malloc(size + HEADER_SIZE);
    size_t old_size = 0;

    CC_ASSERT(block != NULL);
    memset(block, counted->fill, size + HEADER_SIZE);
    memcpy(block, &size, sizeof size);
    if (old != NULL) {
        memcpy(&old_size, old - HEADER_SIZE, sizeof old_size);
        memcpy(block + HEADER_SIZE, old, old_size < size ? old_size : size);
        free(old - HEADER_SIZE);
    }
    return block + HEADER_SIZE;
}

static void *resize(void *context, void *block, size_t size)
{
    struct counted_memory *counted = context;
    uint8_t *old = block;

    if (size == 0) {
        CC_ASSERT(old != NULL);
        counted->blocks--;
        free(old - HEADER_SIZE);
        return NULL;
    }
    counted->blocks += old == NULL;
    return moved(counted, old, size);
}

void counted_memory_init(struct counted_memory *counted, uint8_t fill)
{
    *counted = (struct counted_memory){.memory = {resize, counted}, .fill = fill};
}

void history_init(struct history *history, const struct cc_apply_options *options)
{
    struct cc_apply_options own = *options;

    *history = (struct history){.now_us = 1000};
    counted_memory_init(&history->counted, 0xa5);
    own.memory = &history->counted.memory;
    history->apply = cc_apply_create(&own);
}

void history_deinit(struct history *history)
{
    cc_apply_destroy(history->apply);
    for (uint64_t i = 0; i < history->count; i++) {
        cc_block_release(history->entries[i].block);
    }
    free(history->entries);
    CC_ASSERT(history->counted.blocks == 0);
}

bool history_entry_at(void *owner, uint64_t index, struct cc_entry *entry_out)
{
    const struct history *history = owner;

    if (index == 0 || index > history->count) {
        return false;
    }

    const struct history_entry *entry = &history->entries[index - 1];

    *entry_out = cc_entry_of(entry->block);
    entry_out->kind = entry->kind;
    entry_out->time_us = entry->time_us;
    return true;
}

uint64_t history_add(struct history *history, uint8_t kind, copycat_bytes payload)
{
    struct cc_entry entry;

    if (history->count == history->capacity) {
        history->capacity = history->capacity == 0 ? 64 : history->capacity * 2;
        history->entries = realloc(history->entries, history->capacity * sizeof *history->entries);
        CC_ASSERT(history->entries != NULL);
    }

    struct history_entry *added = &history->entries[history->count++];

    *added = (struct history_entry){
        kind, history->now_us,
        cc_entry_create(&history->counted.memory, CC_ENTRY_COMMAND, payload)};
    cc_entry_stamp(added->block, 1, history->count, 1, history->now_us);
    (void)history_entry_at(history, history->count, &entry);
    cc_apply_entry(history->apply, &entry, &history->outcome);
    return history->count;
}

static void add_written(struct history *history, uint8_t kind, struct cc_writer *writer)
{
    CC_ASSERT(!writer->failed);
    (void)history_add(history, kind, (copycat_bytes){writer->data, writer->size});
    cc_writer_deinit(writer);
}

uint64_t history_open(struct history *history, uint8_t nonce)
{
    struct cc_writer writer;
    struct cc_session_open open = {.timeout_us = 5000000};

    memset(open.nonce, nonce, sizeof open.nonce);
    cc_writer_init(&writer, &history->counted.memory, 256);
    cc_session_open_encode(&writer, &open);
    add_written(history, CC_ENTRY_SESSION_OPEN, &writer);
    return history->outcome.session;
}

void history_close(struct history *history, uint64_t session)
{
    struct cc_writer writer;

    cc_writer_init(&writer, &history->counted.memory, 256);
    cc_session_close_encode(&writer, &(struct cc_session_close){.session = session});
    add_written(history, CC_ENTRY_SESSION_CLOSE, &writer);
}

void history_expire(struct history *history, uint64_t session, uint64_t touched)
{
    struct cc_writer writer;

    cc_writer_init(&writer, &history->counted.memory, 256);
    cc_session_expire_encode(
        &writer, &(struct cc_session_expire){.session = session, .touched = touched});
    add_written(history, CC_ENTRY_SESSION_EXPIRE, &writer);
}

struct cc_answer history_command(struct history *history, const struct cc_command *command)
{
    struct cc_writer writer;

    cc_writer_init(&writer, &history->counted.memory, CC_ENTRY_PAYLOAD_SIZE_MAX);
    cc_command_encode(&writer, command);
    add_written(history, CC_ENTRY_COMMAND, &writer);
    return history->outcome.answer;
}

copycat_status history_create(
    struct history *history,
    uint64_t session,
    uint64_t sequence,
    const char *path,
    uint32_t type,
    uint64_t *instance_out)
{
    struct cc_writer writer;
    struct cc_catalog_place place;

    cc_writer_init(&writer, &history->counted.memory, 4096);
    cc_catalog_operation_encode(
        &writer, &(struct cc_catalog_operation){
                     .code = CC_CATALOG_OPEN, .type = type, .path = {path, strlen(path)}});

    struct cc_answer answer = history_command(
        history, &(struct cc_command){
                     .session = session,
                     .sequence = sequence,
                     .answered = sequence - 1,
                     .operation = {writer.data, writer.size}});

    cc_writer_deinit(&writer);
    if (answer.status == COPYCAT_OK) {
        CC_ASSERT(cc_catalog_place_decode(answer.result, &place));
        CC_ASSERT(place.type == type);
        *instance_out = place.instance;
    }
    return answer.status;
}

bool history_can_be_restored(struct history *history)
{
    return cc_apply_restore_check(history->apply, history_entry_at, history);
}

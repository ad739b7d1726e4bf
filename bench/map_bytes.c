/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_bytes -- what a map takes of a server's memory for each key of 16 bytes with a value of 16:
 * the bytes asked for by all that is replicated, before and after so many puts.
 *
 *     map_bytes KEYS
 */
#include "apply/apply.h"
#include "base/assert.h"
#include "catalog/catalog_machine.h"
#include "proto/catalog_operation.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 16u

static const copycat_machine_type *const machine_types[] = {&cc_map_machine_type, NULL};

static uint64_t bytes; /* asked for and not yet given back */
static struct cc_apply *apply;
static uint64_t session;
static uint64_t sequence;

/* Each block has its size in front of it. */
static void *resize(void *context, void *block, size_t size)
{
    unsigned char *old = block == NULL ? NULL : (unsigned char *)block - HEADER_SIZE;
    unsigned char *made = NULL;
    size_t old_size = 0;

    (void)context;
    if (old != NULL) {
        memcpy(&old_size, old, sizeof old_size);
    }
    if (size > 0) {
        made = realloc(old, size + HEADER_SIZE);
        CC_ASSERT(made != NULL);
        memcpy(made, &size, sizeof size);
        bytes += size;
    } else {
        free(old);
    }
    bytes -= old_size;
    return made == NULL ? NULL : made + HEADER_SIZE;
}

static const struct cc_memory memory = {resize, NULL};

static struct cc_outcome run(uint8_t kind, const struct cc_writer *payload)
{
    struct cc_outcome outcome;
    struct cc_entry entry = {
        .index = cc_apply_index(apply) + 1,
        .term = 1,
        .time_us = 1000 * (cc_apply_index(apply) + 1),
        .kind = kind,
        .payload = {payload->data, payload->size},
    };

    cc_apply_entry(apply, &entry, &outcome);
    return outcome;
}

static struct cc_answer command(uint64_t instance, const struct cc_writer *operation)
{
    uint8_t payload[256];
    struct cc_writer writer;
    struct cc_outcome outcome;

    sequence++;
    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_command_encode(
        &writer, &(struct cc_command){
                     .session = session,
                     .sequence = sequence,
                     .answered = sequence - 1,
                     .stream = 1,
                     .instance = instance,
                     .operation = {operation->data, operation->size}});
    outcome = run(CC_ENTRY_COMMAND, &writer);
    CC_ASSERT(outcome.answer.status == COPYCAT_OK);
    return outcome.answer;
}

static void open_session(void)
{
    uint8_t payload[64];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, payload, sizeof payload);
    cc_session_open_encode(&writer, &(struct cc_session_open){.nonce = {1}, .timeout_us = 5000000});
    session = run(CC_ENTRY_SESSION_OPEN, &writer).session;
}

static uint64_t open_map(void)
{
    uint8_t operation[64];
    struct cc_writer writer;
    struct cc_catalog_place place;

    cc_writer_init_fixed(&writer, operation, sizeof operation);
    cc_catalog_operation_encode(
        &writer, &(struct cc_catalog_operation){
                     .code = CC_CATALOG_OPEN, .type = CC_MAP_TYPE_ID, .path = {"/map", 4}});
    CC_ASSERT(cc_catalog_place_decode(command(0, &writer).result, &place));
    return place.instance;
}

static void put(uint64_t instance, uint64_t number)
{
    uint8_t operation[128];
    char key[24];
    struct cc_writer writer;

    snprintf(key, sizeof key, "%16llu", (unsigned long long)number);
    cc_writer_init_fixed(&writer, operation, sizeof operation);
    cc_map_operation_encode(
        &writer,
        &(struct cc_map_operation){.code = CC_MAP_PUT, .key = {key, 16}, .value = {key, 16}});
    (void)command(instance, &writer);
}

int main(int count, char **words)
{
    struct cc_apply_options options = {
        .memory = &memory, .types = machine_types, .catalog = &cc_catalog_machine_type};
    uint64_t keys = count == 2 ? strtoull(words[1], NULL, 10) : 0;
    uint64_t instance;
    uint64_t before;

    if (keys == 0) {
        fprintf(stderr, "usage: map_bytes KEYS\n");
        return 2;
    }
    apply = cc_apply_create(&options);
    open_session();
    instance = open_map();
    before = bytes;
    for (uint64_t i = 0; i < keys; i++) {
        put(instance, i);
    }
    printf("%.1f\n", (double)(bytes - before) / (double)keys);
    cc_apply_destroy(apply);
    CC_ASSERT(bytes == 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_image -- an image from anywhere: it is refused, or it makes a state that goes on: entries are
 * applied to it, and its own image makes it once more.
 *
 * The input is an image.  What is random never has the digest that its end speaks of, so the end is
 * written anew once the records before it have been taken.
 */
#include "apply/restore_internal.h"
#include "base/assert.h"
#include "catalog/catalog_machine.h"
#include "proto/catalog_operation.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/limited_memory.h"
#include "support/mend.h"
#include "support/probe_machine.h"

#include <stdlib.h>
#include <string.h>

#define INSTANCES_MAX 6u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

static const copycat_machine_type *const types[] = {
    &cc_map_machine_type, &probe_machine_type, NULL};

static struct limited_memory limited;

static struct cc_apply_options options_of(void)
{
    return (struct cc_apply_options){
        .memory = &limited.memory,
        .types = types,
        .catalog = &cc_catalog_machine_type,
        .sessions_max = 4,
        .answers_max = 6,
        .answer_bytes_max = 200};
}

/* ---- the image ------------------------------------------------------------------------------- */

static uint64_t count_live(const struct cc_apply *apply, copycat_bytes records)
{
    struct cc_image_record record;
    uint64_t count = 0;

    while (cc_image_record_next(&records, &record)) {
        uint64_t index = cc_image_record_index(&record);

        count += index != 0 && cc_live_has(&apply->live, index);
    }
    return count;
}

/* The end that fits what was taken; its digest is set when all is. */
static void take_end(struct cc_restoring *restoring, copycat_bytes commits)
{
    uint8_t bytes[200];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);

    size_t start = cc_image_record_begin(&writer, CC_IMAGE_END);

    for (int type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_BLOB; type++) {
        cc_write_varint(&writer, restoring->counts[type]);
    }
    cc_write_varint(&writer, restoring->counts[CC_IMAGE_LIVE]);
    cc_write_varint(&writer, count_live(restoring->apply, commits));
    cc_write_u64(&writer, 0);
    cc_image_record_end(&writer, start);
    (void)cc_restore_take(restoring, (copycat_bytes){writer.data, writer.size});
}

/* NULL if it is refused. */
static struct cc_apply *restore(copycat_bytes image)
{
    struct cc_apply_options options = options_of();
    struct cc_restoring *restoring = cc_restore_begin(&options);
    struct cc_image_record record;
    struct cc_apply *apply = NULL;
    copycat_bytes left = image;
    copycat_bytes before = left;
    bool is_ended = false;

    while (cc_image_record_next(&left, &record)) {
        if (!is_ended && (record.type == CC_IMAGE_END || record.type == CC_IMAGE_COMMIT)) {
            take_end(restoring, before);
            is_ended = true;
        }
        if (record.type != CC_IMAGE_END) {
            (void)cc_restore_take(restoring, record.whole);
        }
        before = left;
    }
    if (!is_ended) {
        take_end(restoring, before);
    }
    while (cc_restore_step(restoring)) {
    }
    if (restoring->status == COPYCAT_OK) {
        for (uint32_t i = 0; i < restoring->apply->instances.count; i++) {
            cc_instance_settle(restoring->apply, restoring->apply->instances.at[i]);
        }
        restoring->digest = cc_apply_digest(restoring->apply);
    }

    copycat_status status = cc_restore_end(restoring, &apply);

    CC_ASSERT((status == COPYCAT_OK) == (apply != NULL));
    CC_ASSERT((status == COPYCAT_OK) == (cc_restore_text(restoring)[0] == 0));
    cc_restore_destroy(restoring);
    return apply;
}

/* As it came, at once; what is accepted then is what it says. */
static void try_as_it_is(copycat_bytes image)
{
    struct cc_apply_options options = options_of();
    struct cc_restoring *restoring = cc_restore_begin(&options);
    struct cc_apply *apply = NULL;

    (void)cc_restore_take(restoring, image);
    if (cc_restore_end(restoring, &apply) == COPYCAT_OK) {
        CC_ASSERT(cc_apply_digest(apply) == restoring->digest);
    }
    cc_apply_destroy(apply);
    cc_restore_destroy(restoring);
}

/* Its own image, with the live commits of the one it came from, is taken and makes it again. */
static void check_again(struct cc_apply *apply, copycat_bytes image)
{
    struct cc_writer writer;
    struct cc_writer commits;
    struct cc_image_record record;
    copycat_bytes left = image;
    bool is_begun = cc_apply_image_begin(apply);

    CC_ASSERT(is_begun);
    cc_writer_init(&writer, &limited.memory, 256u << 20);
    cc_writer_init(&commits, &limited.memory, 256u << 20);
    CC_ASSERT(!cc_apply_image_step(apply, &writer, 128u << 20));
    while (cc_image_record_next(&left, &record)) {
        uint64_t index = cc_image_record_index(&record);

        if (index != 0) {
            CC_ASSERT(
                cc_apply_image_commit_again(apply, &commits, &record) ==
                cc_apply_image_has_commit(apply, index));
        }
    }
    CC_ASSERT(cc_apply_image_finish(apply, &writer));
    cc_apply_image_end(apply);
    cc_write_raw(&writer, commits.data, commits.size);
    cc_writer_deinit(&commits);

    struct cc_apply *again = restore((copycat_bytes){writer.data, writer.size});

    CC_ASSERT(again != NULL && cc_apply_digest(again) == cc_apply_digest(apply));
    cc_apply_destroy(again);
    cc_writer_deinit(&writer);
}

/* ---- its future ------------------------------------------------------------------------------ */

static void apply_next(
    struct cc_apply *apply, uint8_t kind, uint64_t time_us, struct cc_writer *payload)
{
    struct cc_outcome outcome;
    struct cc_entry entry = {
        .index = cc_apply_index(apply) + 1,
        .term = 1,
        .time_us = time_us,
        .kind = kind,
        .payload = {payload->data, payload->size}};

    CC_ASSERT(!payload->failed);
    cc_apply_entry(apply, &entry, &outcome);
    cc_writer_clear(payload);
}

static void apply_command(
    struct cc_apply *apply, uint64_t session, uint64_t instance, struct cc_writer *operation)
{
    uint8_t bytes[256];
    struct cc_writer payload;
    struct cc_session_view view;

    cc_writer_init_fixed(&payload, bytes, sizeof bytes);
    if (cc_apply_session(apply, session, &view)) {
        cc_command_encode(
            &payload, &(struct cc_command){
                          .session = session,
                          .sequence = view.last_sequence + 1,
                          .answered = view.last_sequence,
                          .instance = instance,
                          .operation = {operation->data, operation->size}});
        apply_next(apply, CC_ENTRY_COMMAND, cc_apply_time_us(apply) + 1, &payload);
    }
    cc_writer_clear(operation);
}

/* What lives by each commit is put over, looked at and let go. */
static void use_instance(struct cc_apply *apply, uint64_t session, uint64_t instance)
{
    static const uint8_t codes[] = {CC_MAP_PUT, CC_MAP_GET, CC_MAP_REMOVE, CC_MAP_CLEAR};
    uint8_t bytes[64];
    struct cc_writer operation;

    cc_writer_init_fixed(&operation, bytes, sizeof bytes);
    for (uint32_t i = 0; i < 4; i++) {
        bool is_whole = codes[i] == CC_MAP_CLEAR;

        cc_map_operation_encode(
            &operation, &(struct cc_map_operation){
                            .code = codes[i], .key = {"a", is_whole ? 0 : 1}, .value = {"v", 1}});
        apply_command(apply, session, instance, &operation);
    }
    cc_write_raw(&operation, probe_operation('t', 1, cc_apply_time_us(apply) + 5).data, 17);
    apply_command(apply, session, instance, &operation);
    cc_catalog_operation_encode(
        &operation, &(struct cc_catalog_operation){
                        .code = CC_CATALOG_OPEN, .type = CC_MAP_TYPE_ID, .path = {"/new", 4}});
    apply_command(apply, session, instance, &operation);
}

static void go_on(struct cc_apply *apply)
{
    uint8_t bytes[64];
    struct cc_writer payload;

    cc_writer_init_fixed(&payload, bytes, sizeof bytes);
    cc_session_open_encode(
        &payload, &(struct cc_session_open){.nonce = {0}, .timeout_us = 1000000});
    apply_next(apply, CC_ENTRY_SESSION_OPEN, cc_apply_time_us(apply), &payload);
    for (uint32_t i = 0; i < apply->instances.count && i < INSTANCES_MAX; i++) {
        use_instance(apply, cc_apply_session_after(apply, 0), apply->instances.at[i]->id);
    }
    apply_next(apply, CC_ENTRY_TICK, cc_apply_time_us(apply) + 1000000, &payload);
    apply_next(apply, CC_ENTRY_TICK, CC_TIME_US_MAX, &payload);
    for (uint64_t id = cc_apply_session_after(apply, 0); id != 0;
         id = cc_apply_session_after(apply, id)) {
        cc_session_close_encode(&payload, &(struct cc_session_close){.session = id});
        apply_next(apply, CC_ENTRY_SESSION_CLOSE, CC_TIME_US_MAX, &payload);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size + 1);

    CC_ASSERT(exact != NULL);
    if (size > 0) {
        memcpy(exact + 1, data, size); /* up to the end of the memory */
    }
    probe_reset();
    limited_memory_init(&limited);
    limited.bytes_max = (256u << 10) + 1200u * size; /* what is asked for follows from the bytes */
    try_as_it_is((copycat_bytes){exact + 1, size});

    struct cc_apply *apply = restore((copycat_bytes){exact + 1, size});

    if (apply != NULL) {
        limited.bytes_max = SIZE_MAX;
        check_again(apply, (copycat_bytes){exact + 1, size});
        go_on(apply);
        cc_apply_destroy(apply);
    }
    free(exact);
    CC_ASSERT(limited.blocks == 0);
    return 0;
}

/* ---- mutation: checksums of entries are right afterwards, and most sizes of records ----------- */

/* How far it is from `at` to what looks like the next record; to the end if nothing does. */
static size_t payload_size(const uint8_t *bytes, size_t size, size_t at, unsigned seed)
{
    size_t left = size - at - CC_IMAGE_RECORD_HEADER_SIZE;
    size_t said = cc_load_u32(bytes + at);

    return said <= left || seed % 4 == 0 ? said : left;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    size_t at = 0;

    size = LLVMFuzzerMutate(data, size, size_max);
    while (size - at >= CC_IMAGE_RECORD_HEADER_SIZE) {
        size_t payload = payload_size(data, size, at, seed);
        size_t left = size - at - CC_IMAGE_RECORD_HEADER_SIZE;

        if (payload > left) {
            break;
        }
        cc_store_u32(data + at, (uint32_t)payload);
        if (data[at + 4] == CC_IMAGE_COMMIT) {
            mend_entry(data + at + CC_IMAGE_RECORD_HEADER_SIZE, payload);
        }
        at += CC_IMAGE_RECORD_HEADER_SIZE + payload;
    }
    return size;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_message -- whatever body of whatever kind is accepted is coded again to the same bytes.
 *
 * The first byte says which kind.  Mutation makes the checksums of entries right, without which
 * nothing random would come past them, and fills messages that carry some with such.
 */
#include "base/assert.h"
#include "base/prng.h"
#include "support/limited_memory.h"
#include "support/mend.h"
#include "support/message_again.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

/* What a receiver does with the entries of an append or a repair; each is canonical. */
static void read_entries(copycat_bytes entries, uint32_t count, const struct cc_memory *memory)
{
    for (uint32_t i = 0; i < count; i++) {
        struct cc_entry entry;
        uint32_t size;
        struct cc_block *block;

        if (cc_entry_decode(entries, &entry, &size) != COPYCAT_OK) {
            return;
        }
        CC_ASSERT(size <= entries.size);
        block = cc_entry_create(memory, entry.kind, entry.payload);
        cc_entry_stamp(block, entry.group, entry.index, entry.term, entry.time_us);
        CC_ASSERT(block->size == size && memcmp(block->data, entries.data, size) == 0);
        cc_block_release(block);
        entries = (copycat_bytes){(const uint8_t *)entries.data + size, entries.size - size};
    }
}

static void read_carried(uint16_t kind, copycat_bytes body, const struct cc_memory *memory)
{
    struct cc_append append;
    struct cc_repair repair;

    if (kind == CC_MESSAGE_APPEND && cc_append_decode(body, &append)) {
        read_entries(append.entries, append.entry_count, memory);
    } else if (kind == CC_MESSAGE_REPAIR && cc_repair_decode(body, &repair)) {
        read_entries(repair.entries, repair.entry_count, memory);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limited_memory limited;
    struct cc_writer writer;

    if (size == 0) {
        return 0;
    }

    uint16_t kind = again_kinds[data[0] % AGAIN_KINDS];
    uint8_t *bytes = malloc(size);

    CC_ASSERT(bytes != NULL);
    size--;
    memcpy(bytes + 1, data + 1, size); /* up to the end of the memory */
    limited_memory_init(&limited);
    read_carried(kind, (copycat_bytes){bytes + 1, size}, &limited.memory);
    cc_writer_init(&writer, &limited.memory, SIZE_MAX);
    if (message_again(kind, (copycat_bytes){bytes + 1, size}, &writer)) {
        CC_ASSERT(!writer.failed);
        CC_ASSERT(writer.size == size);
        CC_ASSERT(size == 0 || memcmp(writer.data, bytes + 1, size) == 0);
    }
    cc_writer_deinit(&writer);
    CC_ASSERT(limited.blocks == 0);
    free(bytes);
    return 0;
}

/* ---- mutation --------------------------------------------------------------------------------- */

static void mend_carried(uint8_t *body, size_t size, copycat_bytes entries, uint32_t count)
{
    uint8_t *at = body + (size - entries.size);
    size_t left = entries.size;

    for (uint32_t i = 0; i < count && left >= CC_ENTRY_HEADER_SIZE; i++) {
        size_t taken;

        mend_entry(at, left);
        taken = CC_ENTRY_HEADER_SIZE + (((size_t)cc_load_u32(at + 4) + 7) & ~(size_t)7);
        if (taken > left) {
            return;
        }
        at += taken;
        left -= taken;
    }
}

static void mend(uint8_t *data, size_t size)
{
    uint16_t kind = again_kinds[data[0] % AGAIN_KINDS];
    copycat_bytes body = {data + 1, size - 1};
    struct cc_append append;
    struct cc_repair repair;

    if (kind == AGAIN_ENTRY) {
        mend_entry(data + 1, size - 1);
    } else if (kind == CC_MESSAGE_APPEND && cc_append_decode(body, &append)) {
        mend_carried(data + 1, size - 1, append.entries, append.entry_count);
    } else if (kind == CC_MESSAGE_REPAIR && cc_repair_decode(body, &repair)) {
        mend_carried(data + 1, size - 1, repair.entries, repair.entry_count);
    }
}

/* A message as it begins with entries in it, for what is too much to be guessed. */
static size_t make_carrier(uint8_t *data, size_t size_max, struct cc_prng *prng)
{
    bool is_append = cc_prng_below(prng, 2) == 0;
    uint32_t count = 1 + (uint32_t)cc_prng_below(prng, 3);
    struct cc_writer writer;

    data[0] = 0;
    while (again_kinds[data[0]] != (is_append ? CC_MESSAGE_APPEND : CC_MESSAGE_REPAIR)) {
        data[0]++;
    }
    cc_writer_init_fixed(&writer, data + 1, size_max - 1);
    if (is_append) {
        struct cc_append append = {
            .term = 2,
            .prev_index = 1,
            .prev_term = 1,
            .entry_count = count,
            .commit = 1,
            .floor = 1};

        cc_append_encode_head(&writer, &append);
    } else {
        struct cc_repair repair = {.first = 2, .outcome = CC_REPAIR_ENTRIES, .entry_count = count};

        cc_repair_encode_head(&writer, &repair);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint8_t entry[CC_ENTRY_HEADER_SIZE + 8] = {[4] = 3, [8] = 2, [16] = 2, [22] = 1};

        entry[8] = (uint8_t)(2 + i);
        entry[22] = (uint8_t)(1 + cc_prng_below(prng, 6));
        mend_entry(entry, sizeof entry);
        cc_write_raw(&writer, entry, sizeof entry);
    }
    return writer.failed ? 1 : 1 + writer.size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    struct cc_prng prng = {seed};

    if (size < 2 || cc_prng_below(&prng, 200) == 0) {
        return make_carrier(data, size_max, &prng);
    }
    if (cc_prng_below(&prng, 12) == 0) {
        data[0] = (uint8_t)cc_prng_below(&prng, AGAIN_KINDS);
    } else {
        size = 1 + LLVMFuzzerMutate(data + 1, size - 1, size_max - 1);
    }
    if (cc_prng_below(&prng, 8) != 0) {
        mend(data, size);
    }
    return size;
}

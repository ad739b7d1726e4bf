/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_journal -- recovery of a directory that somebody has changed: it never fails, takes no more
 * memory than the files have, and never gives an entry that was not written.
 *
 * The input is a series of changes to the files of a small journal: each has a file, an offset,
 * what is done there, and bytes.  Damage is told from the original by checksums and stamps; a
 * forgery is sealed again with right ones, so that what lies behind them is reached too.  Of what
 * was forged only sanity is asked for: a journal that is refused, or entries one after the other.
 */
#include "base/assert.h"
#include "log/format.h"
#include "support/mend.h"
#include "unit/log/journal_stand.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RECORDS 60u
#define MEMORY_BLOCKS_MAX 512u

static struct stand_script script;
static struct memory_disk original;
static struct memory_disk disk;
static struct stand stand;

static void make_original(void)
{
    static const struct cc_base base = {
        .cluster_id = {1, 2, 3},
        .feature_level = 1,
        .members = {
            .count = 2,
            .at = {{1, CC_ROLE_VOTER, {1}, "one:7458"}, {3, CC_ROLE_LEARNER, {3}, "three:7458"}}}};
    uint32_t at = 0;

    memory_disk_init(&original);
    stand.options = (struct cc_journal_options){.batch_size_max = 8192, .file_size = 32768};
    stand_script_draw(&script, 5, RECORDS, 3000);
    while (at < RECORDS) {
        stand_open(&stand, &original, UINT64_MAX);
        CC_ASSERT(stand.is_open);
        if (at == 0) {
            cc_journal_found(stand.journal, &base);
            stand.added++;
        }
        for (uint32_t i = 0; i < RECORDS / 2; i++) {
            stand_add(&stand, &script.records[at++]);
            if (i % 5 == 4) {
                stand_flush(&stand);
                stand_settle(&stand);
            }
        }
        stand_flush(&stand);
        stand_settle(&stand);
        stand_close(&stand);
    }
}

static struct memory_file *file_at(uint8_t number)
{
    uint32_t count = 0;

    while (memory_disk_file(&disk, count) != NULL) {
        count++;
    }
    return count == 0 ? NULL : memory_disk_file(&disk, number % count);
}

/* A batch that reads, by its place in the file from 0; false if there are not so many. */
static bool find_batch(
    struct memory_file *file, uint32_t place, uint8_t **batch_out, struct cc_batch_header *header)
{
    uint64_t at = 0;

    while (file->size - at >= CC_DISK_BLOCK &&
           cc_batch_read_header(file->seen + at, header) == CC_HEADER_VALID &&
           header->blocks <= (file->size - at) / CC_DISK_BLOCK) {
        if (place-- == 0) {
            *batch_out = file->seen + at;
            return true;
        }
        at += (uint64_t)header->blocks * CC_DISK_BLOCK;
    }
    return false;
}

static void mend_entries(uint8_t *records, size_t size)
{
    struct cc_record record;
    size_t start = 0;
    size_t at = 0;

    while (cc_record_next((copycat_bytes){records, size}, &at, &record)) {
        if (record.type == CC_RECORD_ENTRY) {
            mend_entry(records + start + CC_RECORD_HEADER_SIZE, record.payload.size);
        }
        start = at;
    }
}

/* Another number in the header of a batch. */
static void forge_header(struct cc_batch_header *header, uint8_t which, uint32_t by)
{
    switch (which % 8) {
    case 0:
        header->life += by;
        break;
    case 1:
        header->number += by;
        break;
    case 2:
        header->tag ^= by;
        break;
    case 3:
        header->durable_life += by;
        break;
    case 4:
        header->durable_number += by;
        break;
    case 5:
        header->last_index += by;
        break;
    case 6:
        header->last_term += by;
        break;
    default:
        header->records_size -= by % (header->records_size + 1);
        break;
    }
}

/* Changes a batch and seals it, as somebody would who knows the format; false if there is none. */
static bool forge(struct memory_file *file, struct cc_reader *input)
{
    struct cc_batch_header header;
    uint8_t *batch;
    uint8_t which = cc_read_u8(input);
    uint8_t byte = cc_read_u8(input);

    if (!find_batch(file, cc_read_u8(input) % 16u, &batch, &header) || input->failed) {
        return false;
    }
    (void)cc_batch_restore(batch, &header);
    if (which % 2 == 0 || header.records_size == 0) {
        forge_header(&header, which / 2, byte < 128 ? byte : byte - 256u);
    } else {
        uint8_t *records = batch + cc_batch_records_at(header.blocks);

        records[cc_read_u16(input) % header.records_size] ^= byte;
        mend_entries(records, header.records_size);
    }
    cc_batch_seal(batch, &header);
    return true;
}

/* One block of the file comes to lie where another was. */
static void copy_block(struct memory_file *file, uint64_t from, uint64_t to)
{
    uint64_t blocks = file->size / CC_DISK_BLOCK;

    if (to < blocks) {
        memmove(
            file->seen + to * CC_DISK_BLOCK, file->seen + from % blocks * CC_DISK_BLOCK,
            CC_DISK_BLOCK);
    }
}

/* One change; true if it is a forgery. */
static bool change(struct cc_reader *input)
{
    struct memory_file *file = file_at(cc_read_u8(input));
    uint8_t what = cc_read_u8(input);
    uint64_t offset = cc_read_u32(input);
    uint8_t byte = cc_read_u8(input);

    if (input->failed || file == NULL || file->size == 0) {
        return false;
    }
    offset %= file->size;
    switch (what % 8) {
    case 0:
        file->seen[offset] ^= byte;
        return false;
    case 1:
        memset(file->seen + offset - offset % CC_DISK_SECTOR, byte & 1 ? 0 : byte, CC_DISK_SECTOR);
        return false;
    case 2:
        file->size = offset;
        return false;
    case 3:
        file->is_named = false;
        return false;
    case 4:
        copy_block(file, byte, offset / CC_DISK_BLOCK);
        return false;
    default:
        return forge(file, input);
    }
}

/* What was found is the state after some number of records: none is invented, none skipped. */
static void check_found(void)
{
    static struct stand_state expected;

    for (uint32_t count = 0; count <= RECORDS; count++) {
        stand_script_state(&script, count, &expected);
        if (stand_states_match(&expected, &stand.found)) {
            return;
        }
    }
    CC_ASSERT(false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cc_reader input;
    bool is_forged = false;

    if (original.env.table == NULL) {
        make_original();
    }
    memory_disk_clone(&disk, &original);
    cc_reader_init(&input, data, size);
    while (cc_reader_left(&input) > 0 && !input.failed) {
        is_forged = change(&input) || is_forged;
    }
    stand_open(&stand, &disk, UINT64_MAX);
    CC_ASSERT(stand.opens == 1);
    CC_ASSERT(disk.blocks_out < MEMORY_BLOCKS_MAX);
    if (stand.is_open && !is_forged) {
        check_found();
    }
    stand_settle(&stand);
    stand_close(&stand);
    CC_ASSERT(disk.blocks_out == 0);
    memory_disk_deinit(&disk);
    return 0;
}

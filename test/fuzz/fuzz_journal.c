/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_journal -- recovery of a directory that somebody has changed: it never fails, takes no more
 * memory than the files have, and never gives an entry that was not written.
 *
 * The input is a series of changes to the files of a small journal: each has a file, an offset,
 * what is done there, and bytes.  Some changes are followed by mending the checksum of the header
 * they hit, so that what lies behind a checksum is reached too; then only sanity is asked for.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "log/format.h"
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
    uint32_t at = 0;

    memory_disk_init(&original);
    stand.options = (struct cc_journal_options){.batch_size_max = 8192, .file_size = 32768};
    stand_script_draw(&script, 5, RECORDS, 3000);
    while (at < RECORDS) {
        stand_open(&stand, &original, UINT64_MAX);
        CC_ASSERT(stand.is_open);
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

/* Gives the batch that begins at `block` the checksums of what it holds now. */
static void mend(struct memory_file *file, uint64_t block)
{
    uint8_t *batch = file->seen + block * CC_DISK_BLOCK;
    uint32_t blocks = cc_load_u32(batch + 20);
    uint32_t records_size = cc_load_u32(batch + 24);

    if (blocks == 1 && cc_batch_records_at(1) + records_size < CC_DISK_SECTOR - CC_STAMP_SIZE) {
        cc_store_u32(batch + 28, cc_crc32c(0, batch + cc_batch_records_at(1), records_size));
    }
    cc_store_u32(batch + 8, cc_crc32c(0, batch + 12, CC_BATCH_HEADER_SIZE - 12));
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

/* One change; true if it made a checksum right that was not. */
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
    switch (what % 6) {
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
        file->seen[offset] ^= byte;
        if (file->size - offset + offset % CC_DISK_BLOCK < CC_DISK_BLOCK) {
            return false;
        }
        mend(file, offset / CC_DISK_BLOCK);
        return true;
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
    bool is_mended = false;

    if (original.env.table == NULL) {
        make_original();
    }
    memory_disk_clone(&disk, &original);
    cc_reader_init(&input, data, size);
    while (cc_reader_left(&input) > 0 && !input.failed) {
        is_mended = change(&input) || is_mended;
    }
    stand_open(&stand, &disk, UINT64_MAX);
    CC_ASSERT(stand.opens == 1);
    CC_ASSERT(disk.blocks_out < MEMORY_BLOCKS_MAX);
    if (stand.is_open && !is_mended) {
        check_found();
    }
    stand_settle(&stand);
    stand_close(&stand);
    CC_ASSERT(disk.blocks_out == 0);
    memory_disk_deinit(&disk);
    return 0;
}

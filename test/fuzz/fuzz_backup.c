/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_backup -- the file of a backup that somebody has changed.
 *
 * The first byte chooses a backup and how it is changed; then come rows of four bytes: where (in
 * units that reach all of it), and what is put there.  Whatever they are:
 *
 *   - the reader ends, accepts or refuses, and gives back all memory;
 *   - a backup that is as it was written is accepted, with its records;
 *   - one that changed by accident is refused;
 *   - of a forged one, whose checksums were made right again, whole records alone are handed on.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "log/image_format.h"
#include "unit/backup/backup_script.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KINDS 4u
#define FORGED 0x80u
#define ROW_SIZE 4u
#define ROWS_MAX 64u

static const struct {
    size_t sizes[4];
    size_t count;
} scripts[KINDS] = {
    {{0}, 0},
    {{100, 3000}, 2},
    {{5000, 9, 4000}, 3},
    {{CC_BACKUP_PIECE_SIZE, 3, 70000}, 3},
};

static struct memory_file originals[KINDS];
static struct cc_writer records[KINDS];

static void make_originals(void)
{
    for (uint32_t i = 0; i < KINDS; i++) {
        cc_writer_init(&records[i], &script_memory, 4u << 20);
        script_records(&records[i], scripts[i].sizes, scripts[i].count);
        CC_ASSERT(script_write(
            &originals[i], (copycat_bytes){records[i].data, records[i].size}, SIZE_MAX));
    }
}

static void change(struct memory_file *file, const uint8_t *data, size_t size)
{
    for (size_t row = 0; row < ROWS_MAX && size >= ROW_SIZE; row++) {
        size_t at = (((size_t)data[0] << 16) | ((size_t)data[1] << 8) | data[2]) % file->size;

        /* Headers are where most is decided. */
        at = data[0] < 128 ? at / CC_DISK_BLOCK * CC_DISK_BLOCK + at % 64 : at;
        file->data[at] = data[3];
        data += ROW_SIZE;
        size -= ROW_SIZE;
    }
}

static void seal(uint8_t *block, size_t size)
{
    cc_store_u32(block + 4, cc_crc32c(0, block + 8, size - 8));
}

/* Every checksum is made right, as far as sizes let parts be found. */
static void forge(struct memory_file *file)
{
    size_t end = file->size - CC_DISK_BLOCK;
    uint64_t checksum;

    seal(file->data, CC_DISK_BLOCK);
    checksum = cc_image_checksum(0, file->data, CC_DISK_BLOCK);
    for (size_t at = CC_DISK_BLOCK; at < end;) {
        struct cc_image_piece piece;
        size_t size = CC_DISK_BLOCK;

        if (cc_image_piece_decode(file->data + at, &piece) &&
            cc_image_piece_size(piece.stored_size) <= end - at) {
            size = cc_image_piece_size(piece.stored_size);
        }
        cc_store_u64(file->data + at + 32, checksum);
        seal(file->data + at, size);
        checksum = cc_image_checksum(checksum, file->data + at, size);
        at += size;
    }
    cc_store_u64(file->data + end + 32, checksum);
    seal(file->data + end, CC_DISK_BLOCK);
}

static void check(struct memory_file *file, uint32_t kind, bool is_changed, bool is_forged)
{
    struct cc_backup_reader reader;
    struct cc_writer found;
    int64_t blocks = script_blocks;
    copycat_status status;

    cc_writer_init(&found, &script_memory, 64u << 20);
    status = script_read(file, &found, &reader);
    if (!is_changed) {
        CC_ASSERT(status == COPYCAT_OK && found.size == records[kind].size);
        CC_ASSERT(memcmp(found.data, records[kind].data, found.size) == 0);
    }
    CC_ASSERT(!is_changed || is_forged || status != COPYCAT_OK);
    CC_ASSERT(status == COPYCAT_OK || reader.trouble[0] != '\0');

    copycat_bytes bytes = {found.data, found.size};
    struct cc_image_record record;

    while (cc_image_record_next(&bytes, &record)) {
    }
    CC_ASSERT(bytes.size == 0);
    cc_writer_deinit(&found);
    CC_ASSERT(script_blocks == blocks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_file file = {0};
    uint32_t kind;
    bool is_changed;
    bool is_forged;

    if (originals[0].data == NULL) {
        make_originals();
    }
    if (size == 0) {
        return 0;
    }
    kind = data[0] % KINDS;
    is_forged = (data[0] & FORGED) != 0;
    CC_ASSERT(memory_file_put(&file, originals[kind].data, originals[kind].size));
    change(&file, data + 1, size - 1);
    is_changed = memcmp(file.data, originals[kind].data, file.size) != 0;
    if (is_forged) {
        forge(&file);
    }
    check(&file, kind, is_changed, is_forged);
    memory_file_free(&file);
    return 0;
}

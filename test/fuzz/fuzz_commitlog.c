/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_commitlog -- opening a commit log that somebody has changed.
 *
 * The input is rows of eight bytes, each a change to one file of a directory with all kinds of segments:
 * accidents, and forgeries, after which the checksums are made right again.  Whatever they are:
 *
 *   - opening ends, and takes no more memory than the files are worth;
 *   - what has opened can be read, checked, cleaned, appended to, truncated and closed;
 *   - what was flushed then is there when it is opened again;
 *   - after accidents alone no entry is read that was not written.
 *
 *     offset  size  row
 *          0     1  kind, modulo CHANGE_KINDS
 *          1     1  file
 *          2     2  where, or which record
 *          4     4  a number
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "commitlog/commitlog_format.h"
#include "unit/commitlog/log_stand.h"
#include "wire/bytes.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROW_SIZE 8u
#define ROWS_MAX 16u
#define MEMORY_MAX (4u << 20)

enum change_kind {
    CHANGE_BYTE,
    CHANGE_SECTOR,
    CHANGE_SIZE,
    CHANGE_GONE,
    /* Forgeries. */
    CHANGE_HEAD,
    CHANGE_RECORD,
    CHANGE_BODY,
    CHANGE_FOOTER,
    CHANGE_KINDS,
};

static struct log_stand stand;
static struct crash_files good;
static struct stand_model written;

/* ---- the directory --------------------------------------------------------------------------- */

static void append_some(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        CC_ASSERT(log_stand_append(&stand, i % 9 == 8 ? 3 : 0) == COPYCAT_OK);
        CC_ASSERT(i % 4 != 3 || log_stand_flush(&stand) == COPYCAT_OK);
    }
}

static void make_good(void)
{
    bool is_more;

    log_stand_init(&stand);
    CC_ASSERT(log_stand_open(&stand) == COPYCAT_OK);
    append_some(80);
    for (uint64_t i = 1; i < 50; i++) {
        (void)log_stand_clean(&stand, i);
    }
    CC_ASSERT(cc_commitlog_clean_some(stand.log, UINT64_MAX, &is_more) == COPYCAT_OK);
    CC_ASSERT(log_stand_truncate(&stand, stand.now.last - 10) == COPYCAT_OK);
    append_some(33);
    for (uint64_t i = 60; i < 90; i += 3) {
        (void)log_stand_clean(&stand, i);
    }
    CC_ASSERT(log_stand_close(&stand) == COPYCAT_OK);
    crash_files_clone(&good, &stand.disk);
    written = stand.now;
}

/* ---- forging --------------------------------------------------------------------------------- */

static uint32_t place_crc(uint64_t generation, uint64_t offset)
{
    uint8_t place[16];

    cc_store_u64(place, generation);
    cc_store_u64(place + 8, offset);
    return cc_crc32c(0, place, sizeof place);
}

static uint64_t generation_of(const struct crash_file *file)
{
    uint64_t first;
    uint64_t generation = 0;

    CC_ASSERT(cc_commitlog_name_decode(file->name, &first, &generation));
    return generation;
}

static void change_head(struct crash_file *file, uint32_t where, uint32_t number)
{
    if (file->size >= CC_COMMITLOG_HEAD_SIZE) {
        cc_store_u32(file->seen + 8 + where % 56 / 4 * 4, number);
        cc_store_u32(file->seen + 4, cc_crc32c(0, file->seen + 8, CC_COMMITLOG_HEAD_SIZE - 8));
    }
}

static void change_record(struct crash_file *file, uint32_t where, uint32_t number, bool is_body)
{
    struct cc_commitlog_record record;
    uint64_t generation = generation_of(file);
    uint64_t offset = CC_COMMITLOG_HEAD_SIZE;
    uint8_t *at = file->seen + offset;
    uint32_t skipped = where >> 5;

    for (; offset + CC_COMMITLOG_RECORD_SIZE <= file->size; skipped--) {
        uint64_t whole;

        at = file->seen + offset;
        if (!cc_commitlog_record_decode(at, generation, offset, &record)) {
            return;
        }
        whole = cc_commitlog_record_size(&record);
        if (offset + whole > file->size) {
            return;
        }
        if (skipped == 0) {
            break;
        }
        offset += whole;
    }
    if (offset + CC_COMMITLOG_RECORD_SIZE > file->size) {
        return;
    }
    if (is_body && record.size >= 8) {
        cc_store_u32(at + CC_COMMITLOG_RECORD_SIZE + where % 2 * 4, number);
        cc_store_u32(
            at + 20,
            cc_crc32c(0, at + CC_COMMITLOG_RECORD_SIZE, (size_t)record.key_size + record.size));
    } else {
        at[8 + where % 32] = (uint8_t)number;
    }
    cc_store_u32(
        at + 4, cc_crc32c(place_crc(generation, offset), at + 8, CC_COMMITLOG_RECORD_SIZE - 8));
}

static void change_footer(struct crash_file *file, uint32_t where, uint32_t number)
{
    uint64_t generation = generation_of(file);
    uint64_t end = file->size - CC_COMMITLOG_END_SIZE;
    uint64_t footer;
    uint32_t crc;
    uint8_t *at;

    if (file->size < CC_COMMITLOG_HEAD_SIZE + cc_commitlog_footer_size(0, 0)) {
        return;
    }
    at = file->seen + end;
    if (!cc_commitlog_end_decode(at, generation, end, &footer, &crc)) {
        return;
    }
    cc_store_u32(file->seen + footer + where % (end - footer) / 4 * 4, number);
    cc_store_u32(at + 16, cc_crc32c(0, file->seen + footer, end - footer));
    cc_store_u32(at + 4, cc_crc32c(place_crc(generation, end), at + 8, CC_COMMITLOG_END_SIZE - 8));
}

/* True: it was an accident. */
static bool change(const uint8_t *row)
{
    enum change_kind kind = (enum change_kind)(row[0] % CHANGE_KINDS);
    uint32_t count = 0;
    struct crash_file *file;
    uint32_t where = cc_load_u16(row + 2);
    uint32_t number = cc_load_u32(row + 4);

    while (crash_files_at(&stand.disk, count) != NULL) {
        count++;
    }
    file = count == 0 ? NULL : crash_files_at(&stand.disk, row[1] % count);
    if (file == NULL || file->size == 0) {
        return true;
    }
    switch (kind) {
    case CHANGE_BYTE:
        file->seen[where % file->size] ^= (uint8_t)number;
        break;
    case CHANGE_SECTOR:
        for (uint64_t i = where / 512 * 512; i < where / 512 * 512 + 512 && i < file->size; i++) {
            file->seen[i] = (uint8_t)number;
        }
        break;
    case CHANGE_SIZE:
        file->size = where % file->size;
        break;
    case CHANGE_GONE:
        file->is_named = false;
        break;
    case CHANGE_HEAD:
        change_head(file, where, number);
        break;
    case CHANGE_RECORD:
    case CHANGE_BODY:
        change_record(file, where, number, kind == CHANGE_BODY);
        break;
    case CHANGE_FOOTER:
        change_footer(file, where, number);
        break;
    case CHANGE_KINDS:
        break;
    }
    return kind < CHANGE_HEAD;
}

/* ---- what is then ---------------------------------------------------------------------------- */

static void check_entry(const copycat_log_entry *entry)
{
    copycat_log_entry wanted;

    CC_ASSERT(entry->index <= STAND_INDEX_MAX);
    CC_ASSERT(written.entries[entry->index].state != STAND_NONE);
    wanted = log_stand_entry(written.entries[entry->index].seed);
    CC_ASSERT(entry->type == wanted.type && entry->bytes.size == wanted.bytes.size);
    CC_ASSERT(memcmp(entry->bytes.data, wanted.bytes.data, wanted.bytes.size) == 0);
}

static void read_all(bool is_accident)
{
    copycat_log_entry entry;
    uint64_t index = cc_commitlog_next(stand.log, 0);

    for (uint32_t i = 0; index != 0 && i < 1000; i++) {
        if (cc_commitlog_read(stand.log, index, &entry) == COPYCAT_OK && is_accident) {
            check_entry(&entry);
        }
        index = index == UINT64_MAX ? 0 : cc_commitlog_next(stand.log, index + 1);
    }
}

static void go_on(void)
{
    copycat_log_entry entry = {.bytes = {"more", 4}};
    uint64_t index = 0;
    uint64_t last;
    bool is_more;

    (void)cc_commitlog_clean(stand.log, cc_commitlog_next(stand.log, 0));
    (void)cc_commitlog_clean_some(stand.log, 100000, &is_more);
    (void)cc_commitlog_truncate(stand.log, cc_commitlog_last(stand.log) - 1);
    (void)cc_commitlog_append(stand.log, &entry, &index);
    last = cc_commitlog_last(stand.log);
    if (cc_commitlog_flush(stand.log) != COPYCAT_OK || index == 0) {
        (void)cc_commitlog_close(stand.log);
        stand.log = NULL;
        return;
    }
    CC_ASSERT(cc_commitlog_close(stand.log) == COPYCAT_OK);
    stand.log = NULL;
    CC_ASSERT(log_stand_open(&stand) == COPYCAT_OK);
    CC_ASSERT(cc_commitlog_last(stand.log) == last);
    CC_ASSERT(cc_commitlog_read(stand.log, index, &entry) == COPYCAT_OK);
    CC_ASSERT(entry.bytes.size == 4);
    (void)cc_commitlog_close(stand.log);
    stand.log = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_accident = true;

    if (good.files[0].name[0] == '\0') {
        make_good();
    }
    crash_files_deinit(&stand.disk);
    crash_files_clone(&stand.disk, &good);
    for (size_t i = 0; i + ROW_SIZE <= size && i < ROWS_MAX * ROW_SIZE; i += ROW_SIZE) {
        is_accident = change(data + i) && is_accident;
    }
    stand.memory.bytes_max = MEMORY_MAX;
    if (log_stand_open(&stand) == COPYCAT_OK) {
        read_all(is_accident);
        (void)cc_commitlog_verify(stand.log);
        go_on();
    } else {
        CC_ASSERT(stand.message.text[0] != '\0');
    }
    CC_ASSERT(stand.memory.blocks == 0 && stand.disk.open_count == 0);
    return 0;
}

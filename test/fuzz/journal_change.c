/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_change -- see journal_change.h.
 */
#include "journal_change.h"

#include "base/assert.h"
#include "log/format.h"
#include "support/mend.h"
#include "unit/log/journal_stand.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MAX (64u << 10)                /* of one batch */
#define LAST_MAX (STAND_ENTRIES_MAX - 100u) /* the stand counts no further */

/* A batch that was taken apart. */
struct opened {
    uint8_t *batch; /* in its file */
    struct cc_batch_header header;
    uint8_t *records;
    uint32_t room; /* for records */
};

static struct memory_file *file_at(struct memory_disk *disk, uint8_t number)
{
    uint32_t count = 0;

    while (count < MEMORY_DISK_FILES_MAX && disk->files[count].name[0] != '\0') {
        count++;
    }
    return count == 0 ? NULL : &disk->files[number % count];
}

/* A batch by its place in the file; the place counts modulo those that there are. */
static bool find_batch(struct memory_file *file, uint8_t place, struct opened *found)
{
    uint64_t at = 0;
    uint8_t *batches[MEMORY_DISK_FILES_MAX];
    uint32_t count = 0;
    struct cc_batch_header header;

    while (file->size - at >= CC_DISK_BLOCK && count < MEMORY_DISK_FILES_MAX &&
           cc_batch_read_header(file->seen + at, &header) == CC_HEADER_VALID &&
           header.blocks <= (file->size - at) / CC_DISK_BLOCK) {
        batches[count++] = file->seen + at;
        at += (uint64_t)header.blocks * CC_DISK_BLOCK;
    }
    if (count == 0) {
        return false;
    }
    found->batch = batches[place % count];
    return cc_batch_read_header(found->batch, &found->header) == CC_HEADER_VALID;
}

static bool open_batch(struct memory_file *file, uint8_t place, struct opened *opened)
{
    if (!find_batch(file, place, opened)) {
        return false;
    }
    (void)cc_batch_restore(opened->batch, &opened->header);
    opened->records = opened->batch + cc_batch_records_at(opened->header.blocks);
    opened->room =
        opened->header.blocks * CC_DISK_BLOCK - cc_batch_records_at(opened->header.blocks);
    return opened->room <= ROOM_MAX;
}

/* Right stamps and checksums for what it has become. */
static void close_batch(struct opened *opened)
{
    memset(
        opened->records + opened->header.records_size, 0,
        opened->room - opened->header.records_size);
    cc_batch_seal(opened->batch, &opened->header);
}

/* ---- records --------------------------------------------------------------------------------- */

/* Where the n-th record begins and how long it is; the number counts modulo those there are. */
static bool find_record(
    const struct opened *opened, uint8_t number, size_t *at_out, size_t *size_out)
{
    copycat_bytes records = {opened->records, opened->header.records_size};
    struct cc_record record;
    size_t starts[ROOM_MAX / CC_RECORD_HEADER_SIZE];
    uint32_t count = 0;
    size_t at = 0;
    size_t start = 0;

    while (cc_record_next(records, &at, &record) && at <= records.size) {
        starts[count++] = start;
        start = at;
    }
    if (count == 0) {
        return false;
    }
    *at_out = starts[number % count];
    *size_out = (number % count + 1 < count ? starts[number % count + 1] : start) - *at_out;
    return true;
}

static void drop_record(struct opened *opened, uint8_t number)
{
    size_t at;
    size_t size;

    if (find_record(opened, number, &at, &size)) {
        memmove(
            opened->records + at, opened->records + at + size,
            opened->header.records_size - at - size);
        opened->header.records_size -= (uint32_t)size;
    }
}

/* Makes room for a record of so many bytes; NULL if the batch has none. */
static uint8_t *insert(struct opened *opened, size_t at, size_t size)
{
    if (opened->header.records_size + size > opened->room) {
        return NULL;
    }
    memmove(opened->records + at + size, opened->records + at, opened->header.records_size - at);
    opened->header.records_size += (uint32_t)size;
    return opened->records + at;
}

static void double_record(struct opened *opened, uint8_t number, uint32_t where)
{
    static uint8_t copy[ROOM_MAX];
    size_t at;
    size_t size;
    size_t to;
    size_t unused;
    uint8_t *target;

    if (find_record(opened, number, &at, &size) &&
        find_record(opened, (uint8_t)where, &to, &unused)) {
        memcpy(copy, opened->records + at, size);
        target = insert(opened, to, size);
        if (target != NULL) {
            memcpy(target, copy, size);
        }
    }
}

/* The entry of a batch of the same file, to be said again as a repair of itself. */
static size_t take_entry(struct memory_file *file, uint32_t where, uint8_t *copy)
{
    struct opened from;
    size_t at;
    size_t size = 0;

    if (!open_batch(file, (uint8_t)where, &from)) {
        return 0;
    }
    if (find_record(&from, (uint8_t)(where >> 8), &at, &size)) {
        memcpy(copy, from.records + at, size);
    }
    cc_batch_seal(from.batch, &from.header);
    return size;
}

static size_t make_record(uint8_t which, uint32_t number, uint32_t other, uint8_t *copy)
{
    uint8_t payload[64];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, payload, sizeof payload);
    if (which % 8 == 6) {
        struct cc_switch_record record = {
            .image = stand_image(1 + number % 64u, 1 + other % 5u), .keep_tail = number >> 31};

        cc_switch_record_encode(&writer, &record);
        return cc_record_write(copy, CC_RECORD_SWITCH, (copycat_bytes){payload, writer.size});
    }
    if (which % 2 == 0) {
        cc_truncate_record_encode(&writer, &(struct cc_truncate_record){0, number % 64u});
        return cc_record_write(copy, CC_RECORD_TRUNCATE, (copycat_bytes){payload, writer.size});
    }
    cc_state_record_encode(&writer, &(struct cc_state_record){0, number % 64u, other % 5u});
    return cc_record_write(copy, CC_RECORD_STATE, (copycat_bytes){payload, writer.size});
}

static void add_record(
    struct opened *opened, size_t size, const uint8_t *copy, uint8_t number, uint8_t type)
{
    size_t at = 0;
    size_t unused;
    uint8_t *target;

    (void)find_record(opened, number, &at, &unused);
    target = size == 0 ? NULL : insert(opened, at, size);
    if (target != NULL) {
        memcpy(target, copy, size);
        target[0] = type != 0 ? type : target[0];
    }
}

/* Record and entry say the same, and it is not so. */
static void lie_about_lengths(
    struct opened *opened, uint8_t number, uint32_t record, uint32_t entry)
{
    size_t at;
    size_t size;

    if (!find_record(opened, number, &at, &size)) {
        return;
    }

    uint8_t *bytes = opened->records + at;

    cc_store_u32(bytes + 4, cc_load_u32(bytes + 4) + record);
    if (size >= CC_RECORD_HEADER_SIZE + 40) {
        cc_store_u32(
            bytes + CC_RECORD_HEADER_SIZE + 4,
            cc_load_u32(bytes + CC_RECORD_HEADER_SIZE + 4) + entry);
        mend_entry(bytes + CC_RECORD_HEADER_SIZE, size - CC_RECORD_HEADER_SIZE);
    }
}

static void mend_entries(struct opened *opened)
{
    copycat_bytes records = {opened->records, opened->header.records_size};
    struct cc_record record;
    size_t start = 0;
    size_t at = 0;

    while (cc_record_next(records, &at, &record) && at <= records.size) {
        if (record.type == CC_RECORD_ENTRY || record.type == CC_RECORD_REPAIR) {
            size_t left = records.size - start - CC_RECORD_HEADER_SIZE;

            mend_entry(
                opened->records + start + CC_RECORD_HEADER_SIZE,
                record.payload.size < left ? record.payload.size : left);
        }
        start = at;
    }
}

/* ---- headers --------------------------------------------------------------------------------- */

static void forge_header(struct cc_batch_header *header, uint8_t which, uint32_t by)
{
    switch (which % 5) {
    case 0:
        header->tag ^= by;
        break;
    case 1:
        header->durable_life += by;
        break;
    case 2:
        header->durable_number += by;
        break;
    case 3:
        header->previous_blocks += by;
        break;
    default:
        header->records_size -= by % (header->records_size + 1);
        break;
    }
}

static void forge_summary(struct cc_batch_summary *summary, uint8_t which, uint32_t by)
{
    struct cc_raft_run *run = &summary->runs[by % CC_SUMMARY_RUNS_MAX];

    switch (which % 10) {
    case 0:
        summary->group += by;
        break;
    case 1:
        summary->vote += by;
        break;
    case 2:
        summary->term += by;
        break;
    case 3:
        summary->touched += by;
        break;
    case 4:
        summary->last += by;
        summary->last = summary->last < LAST_MAX ? summary->last : LAST_MAX;
        break;
    case 5:
        summary->run_count = by % 6 == 5 ? CC_SUMMARY_RUNS_UNKNOWN : (uint8_t)(by % 5);
        break;
    case 6:
        summary->has_base = !summary->has_base;
        break;
    case 7:
        summary->has_group = !summary->has_group;
        break;
    case 8:
        run->first += by >> 2;
        break;
    default:
        run->term += by >> 2;
        break;
    }
}

/* ---- a change -------------------------------------------------------------------------------- */

static void copy_block(struct memory_file *file, uint64_t from, uint64_t to)
{
    uint64_t blocks = file->size / CC_DISK_BLOCK;

    if (blocks > 0) {
        memmove(
            file->seen + to % blocks * CC_DISK_BLOCK, file->seen + from % blocks * CC_DISK_BLOCK,
            CC_DISK_BLOCK);
    }
}

/* As a write that was cut off leaves it: the sectors of a batch from one on, or all but some. */
static void unwrite(struct memory_file *file, const uint8_t row[CHANGE_SIZE])
{
    struct opened found;

    if (!find_batch(file, row[2], &found)) {
        return;
    }

    uint32_t sectors = found.header.blocks * (CC_DISK_BLOCK / CC_DISK_SECTOR);
    uint32_t kept =
        row[3] % 2 == 0 ? cc_load_u32(row + 4) : (1u << cc_load_u32(row + 4) % sectors) - 1;

    for (uint32_t sector = 0; sector < sectors; sector++) {
        if ((kept >> sector % 32 & 1) == 0) {
            memset(found.batch + (size_t)sector * CC_DISK_SECTOR, 0, CC_DISK_SECTOR);
        }
    }
}

static void rot(struct memory_file *file, const uint8_t row[CHANGE_SIZE])
{
    struct opened found;

    if (find_batch(file, row[2], &found)) {
        found.batch[cc_load_u32(row + 4) % (found.header.blocks * CC_DISK_BLOCK)] ^= row[3];
    }
}

static void have_accident(struct memory_file *file, const uint8_t row[CHANGE_SIZE])
{
    uint64_t offset = cc_load_u32(row + 4) % file->size;

    switch (row[0] % CHANGE_KINDS) {
    case CHANGE_BYTE:
        file->seen[offset] ^= row[3];
        break;
    case CHANGE_SECTOR:
        offset -= offset % CC_DISK_SECTOR;
        memset(
            file->seen + offset, row[3] % 2 == 0 ? 0 : row[3],
            file->size - offset < CC_DISK_SECTOR ? file->size - offset : CC_DISK_SECTOR);
        break;
    case CHANGE_SIZE_OF_FILE:
        file->size = offset;
        break;
    case CHANGE_NAME:
        file->is_named = false;
        break;
    case CHANGE_COPY:
        copy_block(file, cc_load_u32(row + 8), cc_load_u32(row + 4));
        break;
    case CHANGE_UNREAD:
        file->scar = offset + 1;
        break;
    case CHANGE_BEHIND:
        unwrite(file, row);
        break;
    default:
        rot(file, row);
        break;
    }
}

static void forge(struct memory_file *file, struct opened *opened, const uint8_t row[CHANGE_SIZE])
{
    static uint8_t copy[ROOM_MAX];
    uint32_t number = cc_load_u32(row + 4);
    uint32_t other = cc_load_u32(row + 8);
    size_t at;
    size_t size;

    switch (row[0] % CHANGE_KINDS) {
    case CHANGE_HEADER:
        forge_header(&opened->header, row[3], number);
        break;
    case CHANGE_SUMMARY:
        forge_summary(
            row[3] % 2 == 0 ? &opened->header.summary : &opened->header.previous, row[3] / 2,
            number);
        break;
    case CHANGE_IDENTITY:
        opened->header.life = opened->header.life + number == 0 ? 1 : opened->header.life + number;
        opened->header.number += other;
        break;
    case CHANGE_DROP:
        drop_record(opened, row[3]);
        break;
    case CHANGE_DOUBLE:
        double_record(opened, row[3], number);
        break;
    case CHANGE_TYPE:
        if (find_record(opened, row[3], &at, &size)) {
            opened->records[at] = (uint8_t)number;
        }
        break;
    case CHANGE_ADD:
        if (other % 4 == 0) {
            cc_batch_seal(opened->batch, &opened->header);
            size = take_entry(file, number, copy);
            (void)open_batch(file, row[2], opened);
            add_record(opened, size, copy, row[3], CC_RECORD_REPAIR);
        } else {
            add_record(
                opened, make_record((uint8_t)other, number, other / 4, copy), copy, row[3], 0);
        }
        break;
    case CHANGE_RECORD:
        if (opened->header.records_size > 0) {
            opened->records[number % opened->header.records_size] ^= row[3];
            mend_entries(opened);
        }
        break;
    default:
        lie_about_lengths(opened, row[3], number, other);
        break;
    }
}

enum change_depth change_make(struct memory_disk *disk, const uint8_t row[CHANGE_SIZE])
{
    struct memory_file *file = file_at(disk, row[1]);
    uint8_t kind = row[0] % CHANGE_KINDS;
    struct opened opened;

    if (file == NULL || file->size == 0) {
        return CHANGED_BY_ACCIDENT;
    }
    if (kind < CHANGE_HEADER) {
        have_accident(file, row);
        return CHANGED_BY_ACCIDENT;
    }
    if (!open_batch(file, row[2], &opened)) {
        return CHANGED_BY_ACCIDENT;
    }
    forge(file, &opened, row);
    close_batch(&opened);
    return kind < CHANGE_RECORD ? CHANGED_HEADERS : CHANGED_ENTRIES;
}

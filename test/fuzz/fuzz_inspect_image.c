/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_inspect_image -- a look into a directory whose image and segments hold other records than they
 * should, or are not there; their checksums are right, and so is the journal that stands on them.
 *
 * An input is rows of changes to the records of an image and of two segments, and to what its table says
 * of these.  Whatever they are:
 *
 *   - each look ends, changes nothing, and gives back its memory;
 *   - what is not used as it should be is told by the list of files and by the findings alike;
 *   - a table that says something else of a segment than its records is never taken for right;
 *   - where nothing was changed, all is sound.
 */
#include "base/assert.h"
#include "unit/inspect/image_files.h"
#include "unit/inspect/memory_view.h"
#include "unit/log/journal_stand.h"
#include "wire/bytes.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IMAGE_INDEX UINT64_C(40)
#define SEGMENTS 2u
#define IMAGE SEGMENTS /* behind the segments, in what is changed */
#define ROW_SIZE 6u
#define ROWS_MAX 12u
#define BYTES_MAX 4096u
#define MAP UINT64_C(3)

static struct memory_disk disk;
static struct stand stand;
static struct memory_view view;
static struct image_records records[SEGMENTS + 1];
static struct cc_image_segment segments[SEGMENTS];
static struct cc_image_segment truths[SEGMENTS]; /* what its records are, as they were made */
static bool is_rewritten[SEGMENTS + 1];          /* other records than that */
static bool is_hidden[SEGMENTS];                 /* its file is not there */
static bool is_changed;

/* ---- as it should be ------------------------------------------------------------------------- */

static void make_records(void)
{
    char key[16];

    for (uint32_t i = 0; i < SEGMENTS; i++) {
        image_records_begin(&records[i], &disk);
        for (uint64_t index = 10 * i + 4; index < 10 * i + 9; index++) {
            snprintf(key, sizeof key, "key %u", (unsigned)index);
            image_records_commit(&records[i], index, MAP, key);
        }
        truths[i] = records[i].segment;
        is_hidden[i] = false;
        is_rewritten[i] = false;
    }
    image_records_begin(&records[IMAGE], &disk);
    image_records_head(&records[IMAGE], IMAGE_INDEX);
    image_records_instance(&records[IMAGE], MAP, 1);
    image_records_blob(&records[IMAGE], MAP, 100);
    image_records_live(&records[IMAGE], 3, 4);
    image_records_live(&records[IMAGE], 14, 2);
    image_records_end(&records[IMAGE], 5);
    is_changed = false;
}

/* ---- changes --------------------------------------------------------------------------------- */

/* Bytes come in or go out. */
static void shift(struct cc_writer *writer, size_t at, uint16_t value)
{
    size_t count = value % 32 + 1u;

    if (value % 2 == 0 && writer->size + count <= BYTES_MAX) {
        memmove(writer->data + at + count, writer->data + at, writer->size - at);
        memset(writer->data + at, value >> 8, count);
        writer->size += count;
    } else if (count < writer->size - at) {
        memmove(writer->data + at, writer->data + at + count, writer->size - at - count);
        writer->size -= count;
    }
}

static void change(const uint8_t *row)
{
    struct image_records *chosen = &records[row[0] % (SEGMENTS + 1)];
    struct cc_writer *writer = &chosen->writer;
    size_t at = cc_load_u16(row + 2) % writer->size;
    uint16_t value = cc_load_u16(row + 4);
    uint64_t *numbers = &chosen->segment.first;

    is_changed = true;
    is_rewritten[row[0] % (SEGMENTS + 1)] = is_rewritten[row[0] % (SEGMENTS + 1)] || row[1] % 6 < 4;
    switch (row[1] % 6) {
    case 0:
        writer->data[at] ^= (uint8_t)value;
        break;
    case 1:
        shift(writer, at, value);
        break;
    case 2:
        writer->size = at + 1;
        break;
    case 3: /* a piece of it comes twice */
        if (writer->size + value % 128 <= BYTES_MAX && at + value % 128 <= writer->size) {
            memmove(writer->data + writer->size, writer->data + at, value % 128);
            writer->size += value % 128;
        }
        break;
    case 4: /* first, last, count or bytes in the table */
        numbers[at % 4] += (uint64_t)(int64_t)(int8_t)value;
        break;
    default:
        is_hidden[row[0] % SEGMENTS] = true;
        break;
    }
}

/* ---- the directory --------------------------------------------------------------------------- */

static bool may_name(void)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < SEGMENTS; i++) {
        if (segments[i].first <= last || segments[i].last < segments[i].first ||
            segments[i].last > IMAGE_INDEX) {
            return false;
        }
        last = segments[i].last;
    }
    return true;
}

/* False: no server writes such a table. */
static bool write_files(struct cc_image_id *id_out)
{
    const struct cc_image_head head = {.index = IMAGE_INDEX, .term = 1, .time_us = 77};
    struct cc_image_id id;
    char name[CC_INSPECT_NAME_SIZE];

    for (uint32_t i = 0; i < SEGMENTS; i++) {
        if (records[i].segment.first == 0 || records[i].segment.first > IMAGE_INDEX) {
            return false; /* it is in the name of the file */
        }
        segments[i] = image_records_write_segment(&records[i]);
        id = cc_image_segment_id(0, &segments[i]);
        cc_inspect_write_name(&id, name);
        image_file_named(&disk, name)->is_named = !is_hidden[i];
    }
    if (!may_name()) {
        return false;
    }
    *id_out = image_records_write_image(&records[IMAGE], &head, segments, SEGMENTS);
    return true;
}

/* A journal that stands on it. */
static bool make_directory(void)
{
    struct cc_image_id id = {.size = 0};
    bool is_made;

    stand.options = (struct cc_journal_options){.batch_size_max = 8192, .file_size = 16384};
    stand_open(&stand, &disk, UINT64_MAX);
    CC_ASSERT(stand.is_open);
    is_made = write_files(&id);
    if (is_made) {
        cc_journal_switch(
            stand.journal, 0,
            &(struct cc_journal_base){id.index, id.term, id.time_us, id.size, id.checksum}, false);
        stand_flush(&stand);
        stand_settle(&stand);
    }
    stand_close(&stand);
    return is_made;
}

/* ---- looking --------------------------------------------------------------------------------- */

static bool is_told(const char *name)
{
    for (uint32_t i = 0; i < view.finding_count && i < MEMORY_VIEW_FINDINGS_MAX; i++) {
        if (strcmp(view.files[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void check(void)
{
    bool is_image_sound = true;

    CC_ASSERT(view.status == COPYCAT_OK);
    for (uint32_t i = 0; i < view.file_count; i++) {
        const copycat_inspect_file *file = &view.parts[i];

        if (file->kind == COPYCAT_FILE_IMAGE) {
            is_image_sound = file->state == COPYCAT_FILE_USED;
            CC_ASSERT(is_image_sound == !is_told(file->name));
        }
    }
    for (uint32_t i = 0; i < view.file_count && is_image_sound; i++) {
        const copycat_inspect_file *file = &view.parts[i];

        if (file->kind == COPYCAT_FILE_SEGMENT) {
            CC_ASSERT((file->state == COPYCAT_FILE_USED) == !is_told(file->name));
            CC_ASSERT(file->live_count <= file->entry_count);
        }
    }
    for (uint32_t i = 0; i < SEGMENTS; i++) {
        bool is_lie =
            !is_rewritten[i] &&
            (segments[i].first != truths[i].first || segments[i].last != truths[i].last ||
             segments[i].count != truths[i].count || segments[i].bytes != truths[i].bytes);

        CC_ASSERT(!is_lie || view.summary.is_sound == 0);
    }
    CC_ASSERT(is_changed || (view.summary.is_sound != 0 && view.finding_count == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    memory_disk_init(&disk);
    make_records();
    for (size_t at = 0; at + ROW_SIZE <= size && at < ROWS_MAX * ROW_SIZE; at += ROW_SIZE) {
        change(data + at);
    }
    if (make_directory()) {
        memory_view_look(&view, &disk);
        check();
    }
    CC_ASSERT(disk.blocks_out == 0);
    memory_disk_deinit(&disk);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_image -- see journal_image.h.
 */
#include "journal_image.h"

#include "base/assert.h"
#include "log/format.h"

#include <stdlib.h>
#include <string.h>

#define LIFE_RECORDS (IMAGE_RECORDS / 2)
#define FLUSH_EVERY 5u
#define SWITCHED_SEED 12u /* it leaves several batches, and switches among them */

/* What directories were told to remember, as far as they came; and the states that led to. */
struct telling {
    struct stand_script script;
    struct stand_state states[IMAGE_RECORDS + 1];
};

const struct cc_journal_options image_options = {.batch_size_max = 8192, .file_size = 16384};

static struct image images[IMAGE_KINDS];
static struct telling plain;
static struct telling switched;
static struct telling *told = &plain; /* to the one at hand */
static struct stand maker;

/* ---- making ---------------------------------------------------------------------------------- */

static void open_and_found(struct memory_disk *disk, bool is_first)
{
    static const struct cc_base base = {
        .cluster_id = {1, 2, 3},
        .feature_level = 1,
        .members = {
            .count = 2,
            .at = {{1, CC_ROLE_VOTER, {1}, "one:7458"}, {3, CC_ROLE_LEARNER, {3}, "three:7458"}}}};

    stand_open(&maker, disk, UINT64_MAX);
    CC_ASSERT(maker.is_open);
    if (is_first) {
        cc_journal_found(maker.journal, &base);
        maker.added++;
    }
}

/* Adds records of the script; the last few are on their way only, if they are not to be settled. */
static void add_records(uint32_t from, uint32_t to, bool is_settled)
{
    for (uint32_t at = from; at < to; at++) {
        stand_add(&maker, &told->script.records[at]);
        if ((at + 1 - from) % FLUSH_EVERY == 0 && at + 1 < to) {
            stand_flush(&maker);
            stand_settle(&maker);
        }
    }
    stand_flush(&maker);
    if (is_settled) {
        stand_settle(&maker);
    }
}

static struct memory_file *file_of_life(struct memory_disk *disk, uint32_t life)
{
    struct memory_file *file;
    struct cc_batch_header header;

    for (uint32_t i = 0; (file = memory_disk_file(disk, i)) != NULL; i++) {
        if (file->platter_size >= CC_DISK_BLOCK &&
            cc_batch_read_header(file->platter, &header) == CC_HEADER_VALID &&
            header.life == life) {
            return file;
        }
    }
    return NULL;
}

/* One byte in the third batch turns over; the second has the founding base. */
static void damage(struct memory_disk *disk)
{
    struct memory_file *file = file_of_life(disk, 1);
    struct cc_batch_header header;
    uint8_t *batch;

    CC_ASSERT(file != NULL);
    batch = file->platter;
    for (uint32_t number = 0; number < 2; number++) {
        CC_ASSERT(cc_batch_read_header(batch, &header) == CC_HEADER_VALID);
        batch += (size_t)header.blocks * CC_DISK_BLOCK;
    }
    CC_ASSERT(cc_batch_read_header(batch, &header) == CC_HEADER_VALID && header.number == 2);
    batch[cc_batch_records_at(header.blocks) + 30] ^= 1;
    memcpy(file->seen, file->platter, file->size);
}

static void repair_all(void)
{
    for (uint64_t index = 1; index <= maker.found.last; index++) {
        uint64_t term = maker.found.terms[index];

        if (maker.found.damaged[index]) {
            stand_repair(&maker, index, term, image_entry_size(index, term));
        }
    }
    stand_flush(&maker);
    stand_settle(&maker);
}

static void idle(struct memory_disk *disk)
{
    for (int step = 0; step < 20; step++) {
        (void)memory_disk_step_time(disk);
    }
}

/* The first life ends in the middle of a write; the second goes on behind what was whole. */
static void make_torn(struct memory_disk *disk)
{
    open_and_found(disk, true);
    add_records(0, LIFE_RECORDS - 2, true);
    add_records(LIFE_RECORDS - 2, LIFE_RECORDS, false);
    stand_crash(&maker, MEMORY_CRASH_PREFIX, 3);
    open_and_found(disk, false);
    add_records(LIFE_RECORDS - 2, IMAGE_RECORDS - 2, true);
    add_records(IMAGE_RECORDS - 2, IMAGE_RECORDS, false);
    stand_crash(&maker, MEMORY_CRASH_PREFIX, 3);
}

static void make(struct image *image, enum image_kind kind)
{
    maker.options = image_options;
    memory_disk_init(&image->disk);
    if (kind == IMAGE_TORN) {
        make_torn(&image->disk);
        return;
    }
    open_and_found(&image->disk, true);
    add_records(0, LIFE_RECORDS, true);
    stand_close(&maker);
    if (kind == IMAGE_REPAIRED) {
        damage(&image->disk);
    }
    open_and_found(&image->disk, false);
    if (kind == IMAGE_REPAIRED) {
        CC_ASSERT(maker.found.damages == 1);
        repair_all();
    }
    add_records(LIFE_RECORDS, IMAGE_RECORDS, true);
    if (kind == IMAGE_SEALED || kind >= IMAGE_SWITCHED) {
        idle(&image->disk);
    }
    stand_close(&maker);
    if (kind == IMAGE_BEGUN || kind == IMAGE_SWITCHED_BEGUN) {
        open_and_found(&image->disk, false);
        stand_crash(&maker, MEMORY_CRASH_ALL, 1);
    }
}

/* ---- what is known --------------------------------------------------------------------------- */

/* Puts back what the stamps replaced, whether or not the records read; false: it is torn. */
static bool restore(uint8_t *batch, const struct cc_batch_header *header)
{
    for (size_t at = 0; at < (size_t)header->blocks * CC_DISK_BLOCK; at += CC_DISK_SECTOR) {
        if (!cc_batch_stamps_sector(batch + at, header->life, header->number)) {
            return false;
        }
    }
    (void)cc_batch_restore(batch, header);
    return true;
}

static uint32_t count_records(const uint8_t *batch, const struct cc_batch_header *header)
{
    copycat_bytes records = {batch + cc_batch_records_at(header->blocks), header->records_size};
    struct cc_record record;
    uint32_t count = 0;
    size_t at = 0;

    while (cc_record_next(records, &at, &record)) {
        count += record.type == CC_RECORD_ENTRY || record.type == CC_RECORD_TRUNCATE ||
                 record.type == CC_RECORD_STATE || record.type == CC_RECORD_SWITCH;
    }
    return count;
}

/* The batches of one file; returns the records through them. */
static uint32_t note_file(struct image *image, uint32_t place, uint32_t life, uint32_t through)
{
    struct memory_file *file = memory_disk_file(&image->disk, place);
    struct cc_batch_header header;
    uint64_t at = 0;
    uint32_t number = 0;

    while (file->size - at >= CC_DISK_BLOCK &&
           cc_batch_read_header(file->platter + at, &header) == CC_HEADER_VALID &&
           header.life == life && header.number == number++) {
        size_t size = (size_t)header.blocks * CC_DISK_BLOCK;
        uint8_t *batch = malloc(size);

        CC_ASSERT(batch != NULL && image->batch_count < IMAGE_BATCHES_MAX);
        memcpy(batch, file->platter + at, size);
        image->batches[image->batch_count++] =
            (struct image_batch){place, at, header.blocks, through};
        through += restore(batch, &header) ? count_records(batch, &header) : 0;
        free(batch);
        at += size;
    }
    return through;
}

static uint32_t oldest_life(struct memory_disk *disk)
{
    uint32_t life = 1;

    while (file_of_life(disk, life) == NULL) {
        life++;
    }
    return life;
}

/* Records that lie in files which were given up come before all that is left. */
static void count_lost(struct image *image, uint32_t through)
{
    uint32_t lost = IMAGE_RECORDS - through;

    CC_ASSERT(through < IMAGE_RECORDS);
    for (uint32_t i = 0; i < image->batch_count; i++) {
        image->batches[i].before += lost;
    }
}

static void note_batches(struct image *image)
{
    uint32_t oldest = oldest_life(&image->disk);
    uint32_t through = 0;
    struct memory_file *file;

    for (uint32_t life = oldest; (file = file_of_life(&image->disk, life)) != NULL; life++) {
        uint32_t place = 0;

        while (memory_disk_file(&image->disk, place) != file) {
            place++;
        }
        through = note_file(image, place, life, through);
    }
    if (oldest > 1) {
        count_lost(image, through);
        through = IMAGE_RECORDS;
    }
    CC_ASSERT(image->batch_count >= 8 && through >= IMAGE_RECORDS - 2);
}

static void make_tellings(void)
{
    stand_script_draw(&plain.script, 5, IMAGE_RECORDS, 3000);
    stand_script_draw_switches(&switched.script, SWITCHED_SEED, IMAGE_RECORDS, 3000);
    for (uint32_t count = 0; count <= IMAGE_RECORDS; count++) {
        stand_script_state(&plain.script, count, &plain.states[count]);
        stand_script_state(&switched.script, count, &switched.states[count]);
    }
}

const struct image *image_of(enum image_kind kind)
{
    struct image *image = &images[kind];

    if (plain.script.count == 0) {
        make_tellings();
    }
    told = kind >= IMAGE_SWITCHED ? &switched : &plain;
    if (image->batch_count == 0) {
        make(image, kind);
        note_batches(image);
    }
    return image;
}

/* True if a sector that was written is as it was; what is left of a cut block nobody reads. */
static bool is_kept(const struct memory_file *now, const struct memory_file *then, uint64_t at)
{
    const uint64_t block = at - at % CC_DISK_BLOCK;

    return block + CC_DISK_BLOCK <= now->size && at + CC_DISK_SECTOR <= then->platter_size &&
           (now->scar <= block || now->scar > block + CC_DISK_BLOCK) &&
           !cc_batch_is_zero(then->platter + at, CC_DISK_SECTOR) &&
           memcmp(now->seen + at, then->platter + at, CC_DISK_SECTOR) == 0;
}

uint32_t image_floor(const struct image *image, struct memory_disk *disk)
{
    uint32_t floor = 0;

    for (uint32_t i = 0; i < image->batch_count; i++) {
        const struct image_batch *batch = &image->batches[i];
        const struct memory_file *now = &disk->files[batch->file];
        const struct memory_file *then = &image->disk.files[batch->file];
        uint64_t end = batch->offset + (uint64_t)batch->blocks * CC_DISK_BLOCK;

        /* The end of the file before may have been torn when this one's head was, and a head that
         * cannot be read does not say whether it was. */
        if (batch->offset == 0 && !is_kept(now, then, 0)) {
            continue;
        }
        for (uint64_t at = batch->offset; now->is_named && at < end; at += CC_DISK_SECTOR) {
            floor = is_kept(now, then, at) && batch->before > floor ? batch->before : floor;
        }
    }
    return floor;
}

const struct stand_state *image_state(uint32_t count)
{
    return &told->states[count];
}

bool image_has_entry(uint64_t index, uint64_t term, uint64_t hash)
{
    for (uint32_t count = 0; index < STAND_ENTRIES_MAX && count <= IMAGE_RECORDS; count++) {
        const struct stand_state *state = &told->states[count];

        if (index > state->base.index && index <= state->last && state->terms[index] == term) {
            return state->hashes[index] == hash;
        }
    }
    return false;
}

uint32_t image_entry_size(uint64_t index, uint64_t term)
{
    for (uint32_t i = 0; i < IMAGE_RECORDS; i++) {
        const struct stand_record *record = &told->script.records[i];

        if (record->type == STAND_ENTRY && record->index == index && record->term == term) {
            return record->size;
        }
    }
    CC_ASSERT(false);
    return 0;
}

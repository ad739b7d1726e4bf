/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story_repair -- the fourth life of a story: one batch is damaged, recovery passes it over, and
 * its entries are given back.
 */
#include "base/assert.h"
#include "fault/story.h"
#include "wire/bytes.h"

#include <string.h>

#define LIFE_AT 12u /* in the header of a batch */

/* ---- the damage ------------------------------------------------------------------------------ */

static struct memory_file *file_of_life(struct memory_disk *disk, uint32_t life)
{
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = memory_disk_file(disk, i);

        if (file != NULL && file->platter_size > CC_DISK_BLOCK &&
            cc_load_u32(file->platter + LIFE_AT) == life) {
            return file;
        }
    }
    return NULL;
}

/* Of odd stories the header is hit, so that only the next batch says what was there. */
static void damage(struct story *story, struct memory_disk *disk, uint64_t index)
{
    const struct cc_journal_place *place = &story->stand.places[index];
    struct memory_file *file = file_of_life(disk, place->file);
    size_t offset = (size_t)place->batch_block * CC_DISK_BLOCK +
                    (story->seed % 2 == 1 ? LIFE_AT + 8 : place->offset + 3);

    CC_ASSERT(file != NULL && offset < file->platter_size);
    file->platter[offset] ^= 0x10;
    file->seen[offset] ^= 0x10;
}

/* Not every batch can be passed over: the first of a file, or one of many terms, is not. */
static bool is_passed_over(struct story *story, uint64_t index)
{
    static struct memory_disk disk;
    static struct stand stand;
    bool is_good;

    memory_disk_clone(&disk, &story->disk);
    damage(story, &disk, index);
    stand.options = story->options;
    stand_open(&stand, &disk, UINT64_MAX);
    is_good = stand.is_open && stand.found.damages > 0;
    stand_close(&stand);
    memory_disk_deinit(&disk);
    return is_good;
}

/* What the last image covers is of no interest, and may be in no file any more. */
static uint64_t covered(const struct story *story)
{
    uint64_t index = 0;

    for (uint32_t i = 0; i < story->script.count; i++) {
        const struct stand_record *record = &story->script.records[i];

        index = record->type == STAND_SWITCH ? record->index : index;
    }
    return index;
}

static bool damage_one(struct story *story)
{
    uint64_t base = covered(story);
    uint64_t index = base == 0 ? story->stand.found.last * 3 / 4 : story->stand.placed_last;

    while (index > base && !is_passed_over(story, index)) {
        index--;
    }
    if (index > base) {
        damage(story, &story->disk, index);
    }
    return index > base;
}

/* ---- the life -------------------------------------------------------------------------------- */

static void note_damaged(struct story *story)
{
    const struct stand_state *found = &story->stand.found;

    story->damaged_count = 0;
    for (uint64_t index = 1; index <= found->last; index++) {
        if (found->damaged[index]) {
            CC_ASSERT(story->damaged_count < STORY_RECORDS_MAX);
            story->damaged[story->damaged_count++] = index;
        }
    }
}

static void give_back(struct story *story, uint64_t index)
{
    uint64_t term = story->stand.found.terms[index];
    const struct stand_record *record = story_entry(story, index, term);

    CC_ASSERT(record != NULL);
    stand_repair(&story->stand, index, term, record->size);
    stand_flush(&story->stand);
}

const char *story_repair(struct story *story)
{
    const char *trouble;

    if (!damage_one(story)) {
        return NULL;
    }
    story->origin = story->at; /* all of the script is durable */
    trouble = story_open(story);
    if (trouble != NULL) {
        return trouble;
    }
    note_damaged(story);
    for (uint32_t i = 0; i < story->damaged_count; i++) {
        give_back(story, story->damaged[i]);
        (void)story_step(story, false);
    }
    while (story->stand.failures == 0 && story_step(story, true)) {
    }
    if (story->stand.durable != story->damaged_count || story->damaged_count == 0) {
        return "not all that was given back became durable";
    }
    return story_close(story);
}

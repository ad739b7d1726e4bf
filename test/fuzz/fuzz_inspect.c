/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_inspect -- a look into a directory that somebody has changed.
 *
 * Inputs are those of fuzz_journal: a directory, then rows of changes to its files.  Whatever they are:
 *
 *   - each look ends, changes nothing, and gives back its memory;
 *   - a look says that a server starts if and only if recovery accepts the directory, with the same
 *     last entry, and as many that are missing;
 *   - what recovery refuses is never called sound, and something is said of it.
 */
#include "base/assert.h"
#include "journal_change.h"
#include "journal_image.h"
#include "unit/inspect/memory_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROWS_MAX 24u

static struct memory_disk disk;
static struct stand stand;
static struct memory_view view;

static void check_agreement(void)
{
    uint64_t missing = 0;

    CC_ASSERT((view.summary.does_start != 0) == stand.is_open);
    if (!stand.is_open) {
        CC_ASSERT(view.summary.is_sound == 0 && view.finding_count > 0);
        return;
    }
    for (uint64_t index = 1; index <= stand.found.last; index++) {
        missing += stand.found.damaged[index];
    }
    CC_ASSERT(view.summary.last_index == stand.found.last);
    CC_ASSERT(view.summary.missing_count == missing);
    CC_ASSERT(view.summary.is_sound == 0 || stand.found.damages == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct image *image =
        image_of((enum image_kind)(size == 0 ? 0 : data[0] % IMAGE_SWITCHED));

    memory_disk_clone(&disk, &image->disk);
    for (size_t at = 1; at + CHANGE_SIZE <= size && at < ROWS_MAX * CHANGE_SIZE;
         at += CHANGE_SIZE) {
        (void)change_make(&disk, data + at);
    }
    memory_view_look(&view, &disk);
    if (view.status == COPYCAT_OK && view.summary.server == STAND_SERVER) {
        stand.options = image_options;
        stand_open(&stand, &disk, UINT64_MAX);
        check_agreement();
        stand_settle(&stand);
        stand_close(&stand);
    }
    CC_ASSERT(disk.blocks_out == 0);
    memory_disk_deinit(&disk);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_view -- an inspection of what lies on a memory_disk.
 */
#ifndef CC_TEST_MEMORY_VIEW_H
#define CC_TEST_MEMORY_VIEW_H

#include "inspect/inspect.h"
#include "unit/log/memory_disk.h"

#define MEMORY_VIEW_FINDINGS_MAX 64u

/* What an inspection told of a disk. */
struct memory_view {
    copycat_status status;
    copycat_message message;
    copycat_inspect_summary summary;
    uint32_t finding_count; /* also of those for which there was no room */
    copycat_inspect_finding findings[MEMORY_VIEW_FINDINGS_MAX];
    char files[MEMORY_VIEW_FINDINGS_MAX][64];
    char whats[MEMORY_VIEW_FINDINGS_MAX][512];
    uint32_t file_count;
    copycat_inspect_file parts[MEMORY_DISK_FILES_MAX];
    char texts[MEMORY_DISK_FILES_MAX][256];
    uint64_t entries;  /* records of entries that were told */
    uint64_t gaps;     /* stretches that do not read, */
    uint64_t gap_size; /* of so many bytes */
    uint64_t senseless;
};

/* Partner: memory_view_close. */
copycat_status memory_view_open(
    copycat_inspection **inspection_out, struct memory_disk *disk, copycat_message *message);

/* Opens, lists, dumps and verifies, and closes.  Asserts that the disk is as it was. */
void memory_view_look(struct memory_view *view, struct memory_disk *disk);

/* The first finding of a kind; NULL: there is none. */
const copycat_inspect_finding *memory_view_find(const struct memory_view *view, uint32_t kind);

#endif /* CC_TEST_MEMORY_VIEW_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_view -- see memory_view.h.
 */
#include "memory_view.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static copycat_status list(
    void *context, void (*on_name)(void *owner, const char *name), void *owner)
{
    struct memory_disk *disk = context;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk->files[i].is_named) {
            on_name(owner, disk->files[i].name);
        }
    }
    return COPYCAT_OK;
}

static copycat_status open_file(
    void *context, const char *name, void **handle_out, uint64_t *size_out)
{
    struct memory_disk *disk = context;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk->files[i].is_named && strcmp(disk->files[i].name, name) == 0) {
            *handle_out = &disk->files[i];
            *size_out = disk->files[i].size;
            return COPYCAT_OK;
        }
    }
    return COPYCAT_ERR_INVALID;
}

static copycat_status read_file(
    void *context, void *handle, uint64_t offset, void *data, size_t size)
{
    const struct memory_file *file = handle;

    (void)context;
    if (offset > file->size || size > file->size - offset ||
        (file->scar > offset && file->scar <= offset + size)) {
        return COPYCAT_ERR_IO;
    }
    memcpy(data, file->seen + offset, size);
    return COPYCAT_OK;
}

static void close_file(void *context, void *handle)
{
    (void)context;
    (void)handle;
}

static const struct cc_view_files files = {list, open_file, read_file, close_file};

copycat_status memory_view_open(
    copycat_inspection **inspection_out, struct memory_disk *disk, copycat_message *message)
{
    return cc_inspect_create(inspection_out, &disk->memory, &files, disk, "/data/server", message);
}

/* All that is in the directory, one file behind the other; whoever asks frees it.  A copy, for to
 * compare with it takes a tenth of the time of a checksum. */
static uint8_t *copy_of(const struct memory_disk *disk, size_t *size_out)
{
    uint8_t *bytes;
    size_t size = 0;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        size += disk->files[i].is_named ? sizeof disk->files[i].name + disk->files[i].size : 0;
    }
    bytes = malloc(size + 1);
    CC_ASSERT(bytes != NULL);
    *size_out = 0;
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *file = &disk->files[i];

        if (file->is_named) {
            memcpy(bytes + *size_out, file->name, sizeof file->name);
            *size_out += sizeof file->name;
            if (file->size > 0) {
                memcpy(bytes + *size_out, file->seen, file->size);
                *size_out += file->size;
            }
        }
    }
    return bytes;
}

static int on_file(const copycat_inspect_file *file, void *user)
{
    struct memory_view *view = user;

    uint32_t at = view->file_count++;

    CC_ASSERT(at < MEMORY_DISK_FILES_MAX);
    view->parts[at] = *file;
    snprintf(view->texts[at], sizeof view->texts[at], "%s", file->text);
    view->parts[at].text = view->texts[at];
    return 0;
}

static int on_record(const copycat_inspect_record *record, void *user)
{
    struct memory_view *view = user;

    view->entries += record->type == COPYCAT_RECORD_ENTRY;
    view->gaps += record->type == COPYCAT_RECORD_GAP;
    view->gap_size += record->type == COPYCAT_RECORD_GAP ? record->size : 0;
    view->senseless += record->type != COPYCAT_RECORD_GAP && record->text[0] != '\0' &&
                       record->operation[0] == '\0';
    return 0;
}

static int on_finding(const copycat_inspect_finding *finding, void *user)
{
    struct memory_view *view = user;
    uint32_t at = view->finding_count++;

    CC_ASSERT(finding->what[0] != '\0' && finding->advice[0] != '\0');
    if (at < MEMORY_VIEW_FINDINGS_MAX) {
        view->findings[at] = *finding;
        snprintf(view->files[at], sizeof view->files[at], "%s", finding->file);
        snprintf(view->whats[at], sizeof view->whats[at], "%s", finding->what);
        view->findings[at].file = view->files[at];
        view->findings[at].what = view->whats[at];
    }
    return 0;
}

void memory_view_look(struct memory_view *view, struct memory_disk *disk)
{
    copycat_inspection *inspection;
    size_t size;
    size_t size_after;
    uint8_t *before = copy_of(disk, &size);
    uint8_t *after;
    uint64_t blocks = disk->blocks_out;

    *view = (struct memory_view){.summary.size = sizeof view->summary};
    view->status = memory_view_open(&inspection, disk, &view->message);
    if (view->status == COPYCAT_OK) {
        view->status = copycat_inspect_files(inspection, on_file, view, &view->message);
        CC_ASSERT(view->status == COPYCAT_OK);
        view->status = copycat_inspect_records(inspection, NULL, on_record, view, &view->message);
        CC_ASSERT(view->status == COPYCAT_OK);
        view->status = copycat_inspect_verify(
            inspection, on_finding, NULL, view, &view->summary, &view->message);
        cc_inspect_destroy(inspection);
    }
    CC_ASSERT(disk->blocks_out == blocks);
    after = copy_of(disk, &size_after);
    CC_ASSERT(size == size_after && memcmp(before, after, size) == 0);
    free(before);
    free(after);
}

const copycat_inspect_finding *memory_view_find(const struct memory_view *view, uint32_t kind)
{
    for (uint32_t i = 0; i < view->finding_count && i < MEMORY_VIEW_FINDINGS_MAX; i++) {
        if (view->findings[i].kind == kind) {
            return &view->findings[i];
        }
    }
    return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_view -- see memory_view.h.
 */
#include "memory_view.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <stdio.h>
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

/* Of all that is in the directory. */
static uint32_t checksum_of(const struct memory_disk *disk)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *file = &disk->files[i];

        if (file->is_named) {
            sum = cc_crc32c(sum, file->name, strlen(file->name));
            sum = cc_crc32c(sum, file->seen, file->size);
        }
    }
    return sum;
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
    uint32_t before = checksum_of(disk);
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
    CC_ASSERT(checksum_of(disk) == before);
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

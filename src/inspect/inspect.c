/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect -- see inspect.h: open and close.
 */
#include "inspect/inspect.h"

#include "inspect/view_directory.h"
#include "log/image_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_PREFIX "journal-"
#define DIGITS 8u

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory heap = {.resize = resize};

copycat_status cc_inspect_fail(
    copycat_message *message, copycat_status status, const char *format, ...)
{
    va_list values;

    if (message != NULL) {
        va_start(values, format);
        vsnprintf(message->text, sizeof message->text, format, values);
        va_end(values);
    }
    return status;
}

copycat_status cc_inspect_fail_reading(
    const copycat_inspection *inspection,
    const struct cc_inspect_part *part,
    copycat_status status,
    copycat_message *message)
{
    return status == COPYCAT_ERR_MEMORY
               ? cc_inspect_fail(
                     message, status, "%s/%s: out of memory", inspection->path, part->name)
               : cc_inspect_fail(
                     message, status, "%s/%s cannot be read", inspection->path, part->name);
}

void cc_inspect_advance(void *owner, uint64_t size)
{
    copycat_inspection *inspection = owner;

    inspection->done += size;
    if (inspection->on_progress != NULL) {
        /* Some is read twice: nobody is told of more than there is. */
        uint64_t total = inspection->size * 2;

        inspection->on_progress(
            inspection->done < total ? inspection->done : total, total, inspection->user);
    }
}

/* ---- the directory --------------------------------------------------------------------------- */

/* "journal-" and eight digits. */
static bool is_journal(const char *name, uint32_t *slot_out)
{
    const char *at = name + sizeof NAME_PREFIX - 1;
    uint32_t slot = 0;

    if (strncmp(name, NAME_PREFIX, sizeof NAME_PREFIX - 1) != 0 || strlen(at) != DIGITS) {
        return false;
    }
    for (; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        slot = slot * 10 + (uint32_t)(*at - '0');
    }
    *slot_out = slot;
    return true;
}

static void on_name(void *owner, const char *name)
{
    copycat_inspection *inspection = owner;
    struct cc_inspect_part part = {0};
    uint32_t size = inspection->part_capacity;

    if (is_journal(name, &part.slot)) {
        part.kind = COPYCAT_FILE_JOURNAL;
    } else if (cc_image_name_decode(name, &part.image)) {
        part.kind = part.image.is_segment ? COPYCAT_FILE_SEGMENT : (uint32_t)COPYCAT_FILE_IMAGE;
    } else {
        return;
    }
    snprintf(part.name, sizeof part.name, "%s", name);
    if (inspection->part_count == size) {
        size = size == 0 ? 16 : size * 2;
        inspection->parts =
            cc_memory_grow(inspection->memory, inspection->parts, size * sizeof *inspection->parts);
        inspection->part_capacity = size;
    }
    inspection->parts[inspection->part_count++] = part;
}

static copycat_status list(copycat_inspection *inspection, copycat_message *message)
{
    const struct cc_view *view = &inspection->view;
    copycat_status status = view->files->list(view->context, on_name, inspection);

    if (status != COPYCAT_OK) {
        return cc_inspect_fail(message, status, "%s cannot be listed", inspection->path);
    }
    if (inspection->part_count == 0) {
        return cc_inspect_fail(
            message, COPYCAT_ERR_INVALID,
            "%s holds no file of a server (journal-00000001 and so on): name the directory that is "
            "its data_dir",
            inspection->path);
    }
    return cc_inspect_read_heads(inspection, message);
}

copycat_status cc_inspect_create(
    copycat_inspection **inspection_out,
    const struct cc_memory *memory,
    const struct cc_view_files *files,
    void *directory,
    const char *path,
    copycat_message *message)
{
    size_t size = strlen(path);
    copycat_inspection *inspection;
    copycat_status status;

    if (size == 0 || size >= CC_INSPECT_PATH_SIZE) {
        return cc_inspect_fail(
            message, COPYCAT_ERR_INVALID, "the name of the directory has to have 1 to %u bytes",
            CC_INSPECT_PATH_SIZE - 1);
    }
    inspection = cc_memory_try(memory, sizeof *inspection);
    if (inspection == NULL) {
        return cc_inspect_fail(message, COPYCAT_ERR_MEMORY, "out of memory");
    }
    inspection->memory = memory;
    inspection->directory = directory;
    memcpy(inspection->path, path, size + 1);
    while (size > 1 && inspection->path[size - 1] == '/') {
        inspection->path[--size] = '\0';
    }
    cc_view_init(&inspection->view, memory, files, directory);
    inspection->view.on_read = cc_inspect_advance;
    inspection->view.owner = inspection;
    status = list(inspection, message);
    if (status != COPYCAT_OK) {
        cc_inspect_destroy(inspection);
        return status;
    }
    *inspection_out = inspection;
    return COPYCAT_OK;
}

void cc_inspect_destroy(copycat_inspection *inspection)
{
    cc_memory_give(inspection->memory, inspection->opened);
    cc_memory_give(inspection->memory, inspection->parts);
    cc_memory_give(inspection->memory, inspection);
}

/* ---- the library ----------------------------------------------------------------------------- */

copycat_status copycat_inspect_open(
    copycat_inspection **inspection_out, const char *directory, copycat_message *message_out)
{
    copycat_message message = {""};
    struct cc_view_directory *place = malloc(sizeof *place);
    copycat_status status;

    if (place == NULL) {
        return cc_inspect_fail(message_out, COPYCAT_ERR_MEMORY, "out of memory");
    }
    status = cc_view_directory_open(place, directory, &message);
    if (status == COPYCAT_OK) {
        status = cc_inspect_create(
            inspection_out, &heap, &cc_view_directory_files, place, directory, &message);
        if (status != COPYCAT_OK) {
            cc_view_directory_close(place);
        }
    }
    if (status != COPYCAT_OK) {
        free(place);
        return cc_inspect_fail(message_out, status, "%s", message.text);
    }
    return COPYCAT_OK;
}

void copycat_inspect_close(copycat_inspection *inspection)
{
    if (inspection != NULL) {
        struct cc_view_directory *place = inspection->directory;

        cc_inspect_destroy(inspection);
        cc_view_directory_close(place);
        free(place);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_check -- see backup_check.h.
 */
#include "api/backup_check.h"

#include "api/address.h"
#include "api/api_memory.h"
#include "apply/restore.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checking {
    struct cc_backup_file *file;
    struct cc_backup_reader reader;
    struct cc_restoring *restoring; /* NULL: nothing is built */
    copycat_status built;           /* OK, or why it is not */
};

void cc_backup_print_id(const uint8_t id[CC_CLUSTER_ID_SIZE], char text_out[33])
{
    for (size_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        (void)snprintf(text_out + 2 * i, 3, "%02x", id[i]);
    }
}

void cc_backup_describe(const struct cc_backup_reader *reader, copycat_backup_info *info_out)
{
    if (info_out == NULL) {
        return;
    }
    cc_backup_print_id(reader->head.cluster_id, info_out->cluster);
    info_out->index = reader->head.index;
    info_out->term = reader->head.term;
    info_out->log_time_us = reader->head.time_us;
    info_out->made_us = reader->head.made_us;
    info_out->file_size = reader->end.size;
    info_out->records_size = reader->end.raw_size;
    info_out->checksum = reader->end.checksum;
    info_out->digest = reader->end.digest;
    info_out->resources = reader->records.counts[CC_IMAGE_INSTANCE];
    info_out->resources -= info_out->resources > 0; /* the catalogue is none */
    info_out->sessions = reader->records.counts[CC_IMAGE_SESSION];
}

void cc_backup_explain(
    const struct cc_backup_reader *reader, copycat_status status, struct cc_backup_file *file)
{
    char where[48] = "";
    const char *remedy = status == COPYCAT_ERR_DAMAGED ? ": take another backup"
                         : status == COPYCAT_ERR_NEWER ? ": use the version that made it"
                         : status == COPYCAT_ERR_INVALID
                             ? ": name a file that `copycat backup` made"
                             : "";

    if (reader->trouble_at != COPYCAT_NONE) {
        (void)snprintf(where, sizeof where, " (offset %" PRIu64 ")", reader->trouble_at);
    }
    (void)snprintf(
        file->reason, sizeof file->reason, "%.300s: %.120s%s%s", file->path, reader->trouble, where,
        remedy);
}

static copycat_status read_file(void *owner, uint64_t offset, void *data, size_t size)
{
    struct checking *checking = owner;

    return cc_backup_file_read(checking->file, offset, data, size);
}

static void on_records(void *owner, copycat_bytes records)
{
    struct checking *checking = owner;

    if (checking->restoring != NULL && checking->built == COPYCAT_OK) {
        checking->built = cc_restore_take(checking->restoring, records);
    }
}

static void begin_building(struct checking *checking)
{
    static const copycat_machine_type *const types[] = {&cc_map_machine_type, NULL};
    const struct cc_apply_options options = {
        .memory = &cc_api_memory, .types = types, .catalog = &cc_catalog_machine_type};

    checking->restoring = cc_restore_begin(&options);
}

/* A type that is not known here is no fault of the file. */
static copycat_status end_building(struct checking *checking, copycat_backup_info *info_out)
{
    struct cc_apply *apply = NULL;
    struct cc_backup_file *file = checking->file;

    if (checking->built == COPYCAT_OK) {
        checking->built = cc_restore_end(checking->restoring, &apply);
    }
    cc_apply_destroy(apply);
    if (checking->built == COPYCAT_OK && info_out != NULL) {
        info_out->is_built = 1;
    }
    if (checking->built != COPYCAT_OK && checking->built != COPYCAT_ERR_INVALID) {
        (void)snprintf(
            file->reason, sizeof file->reason,
            "%.200s: the state cannot be built: %.200s: take another "
            "backup",
            file->path, cc_restore_text(checking->restoring));
        return checking->built;
    }
    return COPYCAT_OK;
}

static copycat_status run(
    struct checking *checking,
    copycat_backup_progress *progress,
    void *user,
    copycat_backup_info *info_out)
{
    struct cc_backup_reader *reader = &checking->reader;
    bool is_over = false;
    copycat_status status = cc_backup_read_begin(
        reader, &cc_api_memory, checking->file->size, read_file, on_records, checking);

    while (status == COPYCAT_OK && !is_over) {
        if (progress != NULL) {
            progress(COPYCAT_BACKUP_CHECKING, reader->at, reader->size, user);
        }
        status = cc_backup_read_next(reader, &is_over);
    }
    if (status != COPYCAT_OK) {
        cc_backup_explain(reader, status, checking->file);
        return status;
    }
    if (progress != NULL) {
        progress(COPYCAT_BACKUP_CHECKING, reader->size, reader->size, user);
    }
    cc_backup_describe(reader, info_out);
    return checking->restoring == NULL ? COPYCAT_OK : end_building(checking, info_out);
}

copycat_status cc_backup_check(
    struct cc_backup_file *file,
    bool builds_state,
    copycat_backup_progress *progress,
    void *user,
    copycat_backup_info *info_out)
{
    struct checking *checking = calloc(1, sizeof *checking);
    copycat_status status;

    if (checking == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    checking->file = file;
    if (builds_state) {
        begin_building(checking);
    }
    status = run(checking, progress, user, info_out);
    cc_restore_destroy(checking->restoring);
    cc_backup_read_end(&checking->reader);
    free(checking);
    return status;
}

copycat_status copycat_backup_verify(
    const char *path,
    copycat_backup_progress *progress,
    void *user,
    copycat_backup_info *info_out,
    copycat_message *message_out)
{
    struct cc_backup_file *file = calloc(1, sizeof *file);
    copycat_status status;

    if (file == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    if (info_out != NULL && info_out->size < sizeof *info_out) {
        free(file);
        return cc_fail(message_out, COPYCAT_ERR_INVALID, "the size of the info is not set");
    }
    status = cc_backup_file_open(file, path);
    if (status == COPYCAT_OK) {
        status = cc_backup_check(file, true, progress, user, info_out);
    }
    cc_backup_file_close(file);
    status = status == COPYCAT_OK
                 ? status
                 : cc_fail(message_out, status, file->reason[0] == '\0' ? NULL : file->reason);
    free(file);
    return status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore -- the directory of a server is made of a backup; see copycat/backup.h.
 *
 * It is made beside its place, as "<data_dir>.restoring", and renamed when it is whole and durable:
 * a crash leaves what no server is ever started with.
 */
#include "api/address.h"
#include "api/api_memory.h"
#include "api/backup_check.h"
#include "backup/backup_restore.h"
#include "base/options.h"
#include "env/uv/env_uv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DATA_DIR_SIZE_MAX 400u
#define DIRECTORY_MODE 0700

struct restoring {
    copycat_restore_options options;
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    char target[DATA_DIR_SIZE_MAX + 1];
    char part[DATA_DIR_SIZE_MAX + 16]; /* empty: it is not there */
    struct cc_env *env;
    struct cc_backup_file file;
    struct cc_backup_reader reader;
    copycat_bytes records; /* of the piece at hand */
    struct cc_backup_restore restore;
    copycat_message message;
};

__attribute__((format(printf, 3, 4))) static copycat_status fail(
    struct restoring *restoring, copycat_status status, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    (void)vsnprintf(restoring->message.text, sizeof restoring->message.text, format, values);
    va_end(values);
    return status;
}

/* ---- what was asked for ----------------------------------------------------------------------- */

static int digit_of(char letter)
{
    return letter >= '0' && letter <= '9'   ? letter - '0'
           : letter >= 'a' && letter <= 'f' ? letter - 'a' + 10
           : letter >= 'A' && letter <= 'F' ? letter - 'A' + 10
                                            : -1;
}

/* Not zero, which stands for none. */
static bool read_id(const char *text, uint8_t id_out[CC_CLUSTER_ID_SIZE])
{
    bool is_zero = true;

    if (strlen(text) != 2 * CC_CLUSTER_ID_SIZE) {
        return false;
    }
    for (size_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        id_out[i] = (uint8_t)(high * 16 + low);
        is_zero = is_zero && id_out[i] == 0;
    }
    return !is_zero;
}

static copycat_status read_options(
    struct restoring *restoring, const copycat_restore_options *options)
{
    copycat_restore_options *taken = &restoring->options;
    copycat_status status = cc_options_read(taken, sizeof *taken, options);
    size_t size;

    if (status != COPYCAT_OK) {
        return fail(
            restoring, status, "the options of the restore are not ones this library knows");
    }
    if (taken->data_dir == NULL || taken->data_dir[0] == '\0' || taken->id == 0 ||
        taken->id > UINT32_MAX) {
        return fail(
            restoring, COPYCAT_ERR_INVALID,
            "name the directory and the id (1 to 4294967295) of the server that is restored");
    }
    size = strlen(taken->data_dir);
    while (size > 1 && taken->data_dir[size - 1] == '/') {
        size--;
    }
    if (size > DATA_DIR_SIZE_MAX) {
        return fail(restoring, COPYCAT_ERR_INVALID, "the directory's name has more than 400 bytes");
    }
    memcpy(restoring->target, taken->data_dir, size);
    if (taken->cluster != NULL && !read_id(taken->cluster, restoring->cluster_id)) {
        return fail(
            restoring, COPYCAT_ERR_INVALID,
            "the id of a cluster has 32 hexadecimal digits, which are not all 0: give the one that "
            "the first restore printed");
    }
    return COPYCAT_OK;
}

/* ---- the directory ---------------------------------------------------------------------------- */

static bool is_empty(DIR *stream)
{
    const struct dirent *entry;

    while ((entry = readdir(stream)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            return false;
        }
    }
    return true;
}

/* Not there, or empty and nobody's. */
static copycat_status check_target(struct restoring *restoring)
{
    const char *path = restoring->target;
    DIR *stream = opendir(path);
    bool is_used;
    bool is_locked;

    if (stream == NULL && errno == ENOENT) {
        return COPYCAT_OK;
    }
    if (stream == NULL) {
        return fail(
            restoring, COPYCAT_ERR_INVALID, "%s cannot be used: %s", path,
            errno == ENOTDIR ? "it is no directory" : strerror(errno));
    }
    is_used = !is_empty(stream);
    is_locked = flock(dirfd(stream), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    closedir(stream);
    if (is_locked) {
        return fail(
            restoring, COPYCAT_ERR_LOCKED,
            "%s is in use by a running server: restore into another directory", path);
    }
    return is_used ? fail(
                         restoring, COPYCAT_ERR_INVALID,
                         "%s is not empty: a backup is restored into a new directory; what is "
                         "there is left as it is",
                         path)
                   : COPYCAT_OK;
}

/* What was made in vain: only files of ours are in it. */
static void remove_part(struct restoring *restoring)
{
    DIR *stream = restoring->part[0] == '\0' ? NULL : opendir(restoring->part);
    const struct dirent *entry;

    if (stream == NULL) {
        return;
    }
    while ((entry = readdir(stream)) != NULL) {
        if (strncmp(entry->d_name, "journal-", 8) == 0 ||
            strncmp(entry->d_name, "image-", 6) == 0 ||
            strncmp(entry->d_name, "segment-", 8) == 0) {
            (void)unlinkat(dirfd(stream), entry->d_name, 0);
        }
    }
    closedir(stream);
    (void)rmdir(restoring->part);
}

/* What is there already may be that of a restore at work, which would give its name to ours. */
static copycat_status make_part(struct restoring *restoring)
{
    (void)snprintf(restoring->part, sizeof restoring->part, "%s.restoring", restoring->target);
    if (mkdir(restoring->part, DIRECTORY_MODE) != 0) {
        int error = errno;
        copycat_status status = fail(
            restoring, error == ENOSPC ? COPYCAT_ERR_DISK_FULL : COPYCAT_ERR_INVALID,
            "%s cannot be made: %s%s", restoring->part, strerror(error),
            error == ENOENT   ? ": make the directory above it first"
            : error == EEXIST ? ": another restore is at work, or was cut off; remove it if none is"
                              : "");

        restoring->part[0] = '\0';
        return status;
    }
    return COPYCAT_OK;
}

static copycat_status rename_part(struct restoring *restoring)
{
    int descriptor = open(restoring->part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = descriptor >= 0 && fsync(descriptor) == 0;

    if (descriptor >= 0) {
        close(descriptor);
    }
    if (!is_synced) {
        return fail(restoring, COPYCAT_ERR_IO, "%s cannot be synced", restoring->part);
    }
    if (rename(restoring->part, restoring->target) != 0) {
        return fail(
            restoring, COPYCAT_ERR_INVALID, "%s cannot get its name: %s%s", restoring->target,
            strerror(errno),
            errno == EBUSY || errno == EXDEV ? ": it is a mount point; name a directory in it"
                                             : "");
    }
    restoring->part[0] = '\0';
    if (cc_backup_sync_parent(restoring->target) != COPYCAT_OK) {
        return fail(
            restoring, COPYCAT_ERR_IO,
            "%s is complete, but the directory above could not be synced: its name may be lost if "
            "the power fails now",
            restoring->target);
    }
    return COPYCAT_OK;
}

/* ---- what is in it ---------------------------------------------------------------------------- */

static copycat_status read_file(void *owner, uint64_t offset, void *data, size_t size)
{
    struct restoring *restoring = owner;

    return cc_backup_file_read(&restoring->file, offset, data, size);
}

static void on_records(void *owner, copycat_bytes records)
{
    struct restoring *restoring = owner;

    restoring->records = records;
}

static copycat_status pull(void *owner, copycat_bytes *records_out, bool *is_over)
{
    struct restoring *restoring = owner;
    copycat_status status;

    restoring->records = (copycat_bytes){NULL, 0};
    if (restoring->options.progress != NULL) {
        restoring->options.progress(
            COPYCAT_BACKUP_WRITING, restoring->reader.at, restoring->reader.size,
            restoring->options.user);
    }
    status = cc_backup_read_next(&restoring->reader, is_over);
    *records_out = restoring->records;
    return status;
}

static void done(struct cc_backup_restore *restore)
{
    struct restoring *restoring = restore->owner;

    cc_env_uv_stop(restoring->env);
}

static copycat_status write_directory(struct restoring *restoring)
{
    struct cc_backup_restore_options options = {
        .directory = restoring->part,
        .server = (uint32_t)restoring->options.id,
        .head = &restoring->reader.head,
    };
    copycat_status status;

    if (restoring->options.cluster == NULL) {
        cc_env_entropy(restoring->env, restoring->cluster_id, CC_CLUSTER_ID_SIZE);
    }
    memcpy(options.cluster_id, restoring->cluster_id, CC_CLUSTER_ID_SIZE);
    status = cc_backup_restore_begin(
        &restoring->restore, restoring->env, &options, pull, done, restoring);
    if (status != COPYCAT_OK) {
        return fail(restoring, status, "the directory's name is too long");
    }
    cc_env_uv_run(restoring->env);
    status = restoring->restore.status;
    if (status != COPYCAT_OK && restoring->restore.text[0] == '\0') {
        cc_backup_explain(&restoring->reader, status, &restoring->file);
        return fail(restoring, status, "%s", restoring->file.reason);
    }
    return status == COPYCAT_OK ? status
                                : fail(restoring, status, "%.500s", restoring->restore.text);
}

static copycat_status fill(struct restoring *restoring)
{
    copycat_status status = make_part(restoring);

    if (status != COPYCAT_OK) {
        return status;
    }
    if (cc_env_uv_open(&restoring->env, &cc_api_memory, NULL) != COPYCAT_OK) {
        return fail(
            restoring, COPYCAT_ERR_MEMORY, "no memory, or no descriptor is left, to write with");
    }
    status = write_directory(restoring);
    cc_env_uv_close(restoring->env);
    return status == COPYCAT_OK ? rename_part(restoring) : status;
}

static copycat_status restore(
    struct restoring *restoring, const char *path, copycat_backup_info *info_out)
{
    copycat_status status = check_target(restoring);

    if (status != COPYCAT_OK) {
        return status;
    }
    status = cc_backup_file_open(&restoring->file, path);
    if (status != COPYCAT_OK) {
        return fail(restoring, status, "%s", restoring->file.reason);
    }
    status = cc_backup_read_begin(
        &restoring->reader, &cc_api_memory, restoring->file.size, read_file, on_records, restoring);
    if (status != COPYCAT_OK) {
        cc_backup_explain(&restoring->reader, status, &restoring->file);
        return fail(restoring, status, "%s", restoring->file.reason);
    }
    status = fill(restoring);
    cc_backup_describe(&restoring->reader, info_out);
    return status;
}

copycat_status copycat_backup_restore(
    const char *path,
    const copycat_restore_options *options,
    char *cluster_out,
    copycat_backup_info *info_out,
    copycat_message *message_out)
{
    struct restoring *restoring;
    copycat_status status;

    if (info_out != NULL && info_out->size < sizeof *info_out) {
        return cc_fail(message_out, COPYCAT_ERR_INVALID, "the size of the info is not set");
    }
    restoring = calloc(1, sizeof *restoring);
    if (restoring == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    restoring->file.descriptor = -1;
    status = read_options(restoring, options);
    if (status == COPYCAT_OK) {
        status = restore(restoring, path, info_out);
        cc_backup_read_end(&restoring->reader);
    }
    remove_part(restoring);
    cc_backup_file_close(&restoring->file);
    cc_backup_print_id(restoring->cluster_id, cluster_out);
    if (status != COPYCAT_OK) {
        (void)cc_fail(
            message_out, status,
            restoring->message.text[0] == '\0' ? NULL : restoring->message.text);
    }
    free(restoring);
    return status;
}

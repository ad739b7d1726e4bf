/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_file -- see backup_file.h.
 */
#include "api/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_TRIALS 3u
#define FILE_MODE 0600 /* all data of the cluster is in it */

static copycat_status status_of(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return COPYCAT_ERR_DISK_FULL;
    case EMFILE:
    case ENFILE:
        return COPYCAT_ERR_BUSY;
    case EIO:
        return COPYCAT_ERR_IO;
    default:
        return COPYCAT_ERR_INVALID;
    }
}

__attribute__((format(printf, 3, 4))) static copycat_status fail(
    struct cc_backup_file *file, copycat_status status, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    (void)vsnprintf(file->reason, sizeof file->reason, format, values);
    va_end(values);
    return status;
}

/* As the system puts it. */
static copycat_status fail_with(
    struct cc_backup_file *file, const char *path, const char *what, int error)
{
    char words[128];
    const char *text = strerror_r(error, words, sizeof words);

    return fail(file, status_of(error), "%s cannot be %s: %s", path, what, text);
}

/* After which the file is not to be trusted, whatever the system calls it. */
static copycat_status fail_writing(struct cc_backup_file *file, const char *what, int error)
{
    copycat_status status = fail_with(file, file->part, what, error);

    return status == COPYCAT_ERR_DISK_FULL ? status : COPYCAT_ERR_IO;
}

static bool set_path(struct cc_backup_file *file, const char *path)
{
    *file = (struct cc_backup_file){.descriptor = -1};
    return snprintf(file->path, sizeof file->path, "%s", path) < (int)sizeof file->path - 8;
}

static copycat_status refuse_existing(struct cc_backup_file *file)
{
    return fail(
        file, COPYCAT_ERR_INVALID, "%s is there already: name another file, or use --force",
        file->path);
}

/* Whoever had it before us has closed it by now.  If it got its name meanwhile, or a crash kept it from
 * losing this one, it is a whole backup, and not ours to write over: this name of it goes. */
static bool is_new(const struct cc_backup_file *file)
{
    struct stat opened;
    struct stat named;
    bool is_named = fstat(file->descriptor, &opened) == 0 && lstat(file->part, &named) == 0 &&
                    named.st_ino == opened.st_ino;

    if (is_named && opened.st_nlink > 1) {
        (void)unlink(file->part);
    }
    return is_named && opened.st_nlink == 1;
}

static copycat_status open_part(struct cc_backup_file *file)
{
    for (unsigned i = 0; i < OPEN_TRIALS; i++) {
        file->descriptor = open(file->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
        if (file->descriptor < 0) {
            return errno == ENOENT
                       ? fail(
                             file, COPYCAT_ERR_INVALID,
                             "%s cannot be made: make the directory it is to lie in first",
                             file->path)
                       : fail_with(file, file->path, "made", errno);
        }
        if (flock(file->descriptor, LOCK_EX | LOCK_NB) != 0) {
            break;
        }
        if (is_new(file)) {
            return COPYCAT_OK;
        }
        close(file->descriptor);
        file->descriptor = -1;
    }
    return fail(
        file, COPYCAT_ERR_LOCKED, "another backup is being written to %s: wait for it", file->path);
}

copycat_status cc_backup_file_create(struct cc_backup_file *file, const char *path, bool replaces)
{
    copycat_status opened;
    struct stat status;

    if (!set_path(file, path) || path[0] == '\0') {
        return fail(file, COPYCAT_ERR_INVALID, "the name of the file is empty or too long");
    }
    file->replaces = replaces;
    if (lstat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            return fail(file, COPYCAT_ERR_INVALID, "%s is a directory: name a file", path);
        }
        if (!replaces) {
            return refuse_existing(file);
        }
        if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode)) {
            /* Such as /dev/null: a file that takes its name would be seen by all the machine. */
            return fail(
                file, COPYCAT_ERR_INVALID, "%s is no file, and is not replaced: name another",
                path);
        }
    }
    (void)snprintf(file->part, sizeof file->part, "%.*s.part", (int)sizeof file->path - 8, path);
    opened = open_part(file);
    if (opened != COPYCAT_OK) {
        file->part[0] = '\0'; /* it is somebody else's */
        return opened;
    }
    return cc_backup_file_clear(file);
}

copycat_status cc_backup_file_open(struct cc_backup_file *file, const char *path)
{
    struct stat status;

    if (!set_path(file, path)) {
        return fail(file, COPYCAT_ERR_INVALID, "the name of the file is too long");
    }
    file->descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (file->descriptor < 0) {
        return fail_with(file, path, "read", errno);
    }
    if (fstat(file->descriptor, &status) != 0) {
        return fail_with(file, path, "read", errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return fail(file, COPYCAT_ERR_INVALID, "%s is no file: name a backup", path);
    }
    file->size = (uint64_t)status.st_size;
    return COPYCAT_OK;
}

copycat_status cc_backup_file_clear(struct cc_backup_file *file)
{
    file->size = 0;
    return ftruncate(file->descriptor, 0) == 0 ? COPYCAT_OK : fail_writing(file, "emptied", errno);
}

copycat_status cc_backup_file_write(struct cc_backup_file *file, const void *data, size_t size)
{
    const char *source = data;

    for (size_t done = 0; done < size;) {
        ssize_t count = pwrite(
            file->descriptor, source + done, size - done, (off_t)(file->size + (uint64_t)done));

        if (count < 0 && errno != EINTR) {
            return fail_writing(file, "written", errno);
        }
        done += count < 0 ? 0 : (size_t)count;
    }
    file->size += size;
    return COPYCAT_OK;
}

copycat_status cc_backup_file_sync(struct cc_backup_file *file)
{
    return fsync(file->descriptor) == 0 ? COPYCAT_OK : fail_writing(file, "synced", errno);
}

copycat_status cc_backup_file_read(
    struct cc_backup_file *file, uint64_t offset, void *data, size_t size)
{
    char *target = data;

    for (size_t done = 0; done < size;) {
        ssize_t count = pread(file->descriptor, target + done, size - done, (off_t)(offset + done));

        if (count == 0 || (count < 0 && errno != EINTR)) {
            return COPYCAT_ERR_IO;
        }
        done += count < 0 ? 0 : (size_t)count;
    }
    return COPYCAT_OK;
}

copycat_status cc_backup_sync_parent(const char *path)
{
    char parent[PATH_MAX];
    char *slash;
    int descriptor;
    int error;

    (void)snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        (void)snprintf(parent, sizeof parent, ".");
    } else {
        slash[slash == parent ? 1 : 0] = '\0';
    }
    descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return COPYCAT_ERR_IO;
    }
    error = fsync(descriptor);
    close(descriptor);
    return error == 0 ? COPYCAT_OK : COPYCAT_ERR_IO;
}

/* Where no file may be replaced, one that came meanwhile is not, either. */
copycat_status cc_backup_file_name(struct cc_backup_file *file)
{
    int error = file->replaces ? rename(file->part, file->path) : link(file->part, file->path);

    if (error != 0 && errno == EEXIST) {
        return refuse_existing(file);
    }
    if (error != 0 && !file->replaces && (errno == EPERM || errno == ENOTSUP || errno == ENOSYS)) {
        /* A file system without links. */
        if (access(file->path, F_OK) == 0) {
            return refuse_existing(file);
        }
        error = rename(file->part, file->path);
    }
    if (error != 0) {
        return fail_with(file, file->path, "given its name", errno);
    }
    (void)unlink(file->part);
    file->part[0] = '\0';
    if (cc_backup_sync_parent(file->path) != COPYCAT_OK) {
        return fail(
            file, COPYCAT_ERR_IO,
            "%s is complete, but its directory could not be synced: its name may be lost if the "
            "power fails now",
            file->path);
    }
    return COPYCAT_OK;
}

void cc_backup_file_close(struct cc_backup_file *file)
{
    if (file->part[0] != '\0') {
        (void)unlink(file->part);
    }
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    file->descriptor = -1;
}

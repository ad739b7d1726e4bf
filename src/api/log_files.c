/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_files -- see log_files.h.  Calls that block, on the caller's thread.
 *
 * No error is tried again: after a failed sync the system may have forgotten what it could not write,
 * and the next one would say that all is well (T-053).
 */
#include "api/log_files.h"

#include "base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define DIRECTORY_MODE 0700

struct cc_files_file {
    int descriptor;
};

struct cc_log_files {
    int directory; /* locked as long as it is open */
    char path[PATH_MAX];
    char reason[PATH_MAX + 256];
};

/* What was tried, and why not. */
static copycat_status explain(struct cc_log_files *files, const char *what, int error)
{
    char words[128];
    const char *text = strerror_r(error, words, sizeof words);

    (void)snprintf(files->reason, sizeof files->reason, "cannot %s: %s", what, text);
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return COPYCAT_ERR_DISK_FULL;
    case EMFILE:
    case ENFILE:
        return COPYCAT_ERR_BUSY;
    case ENOMEM:
        return COPYCAT_ERR_MEMORY;
    default:
        return COPYCAT_ERR_IO;
    }
}

/* ---- the directory --------------------------------------------------------------------------- */

/* Makes `path`, and its name durable; 0 or an errno. */
static int make_one(const char *path)
{
    char parent[PATH_MAX];
    char *slash;
    int descriptor;
    int error = 0;

    if (mkdir(path, DIRECTORY_MODE) != 0) {
        return errno == EEXIST ? 0 : errno;
    }
    (void)snprintf(parent, sizeof parent, "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        (void)snprintf(parent, sizeof parent, ".");
    } else {
        slash[slash == parent ? 1 : 0] = '\0';
    }
    descriptor = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno == EACCES ? 0 : errno; /* may be entered but not read */
    }
    if (fsync(descriptor) != 0) {
        error = errno;
    }
    close(descriptor);
    return error;
}

static int make_directories(const char *path)
{
    char part[PATH_MAX];
    int error = 0;

    (void)snprintf(part, sizeof part, "%s", path);
    for (size_t i = 1; part[i] != '\0'; i++) {
        if (part[i] == '/' && part[i + 1] != '\0') {
            part[i] = '\0';
            (void)make_one(part); /* what is above may refuse and still be there */
            part[i] = '/';
        }
    }
    while (strlen(part) > 1 && part[strlen(part) - 1] == '/') {
        part[strlen(part) - 1] = '\0';
    }
    error = make_one(part);
    return error;
}

static copycat_status lock(void *context)
{
    struct cc_log_files *files = context;
    int error = make_directories(files->path);

    if (error == 0) {
        files->directory = open(files->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        error = files->directory < 0 ? errno : 0;
    }
    if (error != 0) {
        return explain(files, "make or open the directory", error);
    }
    if (flock(files->directory, LOCK_EX | LOCK_NB) != 0) {
        error = errno;
        close(files->directory);
        files->directory = -1;
        if (error == EWOULDBLOCK) {
            (void)snprintf(
                files->reason, sizeof files->reason, "%s: another log uses the directory",
                files->path);
            return COPYCAT_ERR_LOCKED;
        }
        return explain(files, "lock the directory", error);
    }
    return COPYCAT_OK;
}

static void unlock(void *context)
{
    struct cc_log_files *files = context;

    if (files->directory >= 0) {
        close(files->directory);
        files->directory = -1;
    }
}

static copycat_status list(
    void *context, void (*on_name)(void *owner, const char *name), void *owner)
{
    struct cc_log_files *files = context;
    const struct dirent *entry;
    DIR *stream = opendir(files->path);
    int error;

    if (stream == NULL) {
        return explain(files, "list the directory", errno);
    }
    do {
        errno = 0;
        entry = readdir(stream);
        error = errno;
        if (entry != NULL && entry->d_type != DT_DIR) {
            on_name(owner, entry->d_name);
        }
    } while (entry != NULL);
    closedir(stream);
    return error == 0 ? COPYCAT_OK : explain(files, "list the directory", error);
}

static copycat_status sync_directory(void *context)
{
    struct cc_log_files *files = context;

    return fsync(files->directory) == 0 ? COPYCAT_OK : explain(files, "sync the directory", errno);
}

static copycat_status remove_file(void *context, const char *name)
{
    struct cc_log_files *files = context;

    if (unlinkat(files->directory, name, 0) == 0) {
        return COPYCAT_OK;
    }
    return errno == ENOENT ? COPYCAT_ERR_INVALID : explain(files, "remove the file", errno);
}

/* ---- files ----------------------------------------------------------------------------------- */

static copycat_status open_file(
    void *context,
    const char *name,
    bool is_new,
    struct cc_files_file **file_out,
    uint64_t *size_out)
{
    struct cc_log_files *files = context;
    struct cc_files_file *file = calloc(1, sizeof *file);
    struct stat status;
    int error;

    if (file == NULL) {
        return explain(files, "open the file", ENOMEM);
    }
    file->descriptor = openat(
        files->directory, name, O_RDWR | O_CLOEXEC | (is_new ? O_CREAT | O_EXCL : 0), FILE_MODE);
    if (file->descriptor >= 0 && fstat(file->descriptor, &status) == 0) {
        *file_out = file;
        *size_out = (uint64_t)status.st_size;
        return COPYCAT_OK;
    }
    error = errno;
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    free(file);
    return error == (is_new ? EEXIST : ENOENT) ? COPYCAT_ERR_INVALID
                                               : explain(files, "open the file", error);
}

static void close_file(void *context, struct cc_files_file *file)
{
    (void)context;
    close(file->descriptor);
    free(file);
}

static copycat_status read_file(
    void *context, struct cc_files_file *file, uint64_t offset, void *data, size_t size)
{
    char *bytes = data;

    for (size_t done = 0; done < size;) {
        ssize_t count = pread(file->descriptor, bytes + done, size - done, (off_t)(offset + done));

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return explain(
                context, count < 0 ? "read" : "read all: the file is too short",
                count < 0 ? errno : EIO);
        }
        done += (size_t)count;
    }
    return COPYCAT_OK;
}

static copycat_status write_file(
    void *context, struct cc_files_file *file, uint64_t offset, const void *data, size_t size)
{
    const char *bytes = data;

    for (size_t done = 0; done < size;) {
        ssize_t count = pwrite(file->descriptor, bytes + done, size - done, (off_t)(offset + done));

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return explain(context, "write", count < 0 ? errno : EIO);
        }
        done += (size_t)count;
    }
    return COPYCAT_OK;
}

static copycat_status resize_file(void *context, struct cc_files_file *file, uint64_t size)
{
    return ftruncate(file->descriptor, (off_t)size) == 0 ? COPYCAT_OK
                                                         : explain(context, "resize", errno);
}

static copycat_status sync_file(void *context, struct cc_files_file *file)
{
    return fdatasync(file->descriptor) == 0 ? COPYCAT_OK : explain(context, "sync", errno);
}

static const char *reason(void *context)
{
    return ((struct cc_log_files *)context)->reason;
}

static const struct cc_files_table table = {
    .lock = lock,
    .unlock = unlock,
    .list = list,
    .open = open_file,
    .close = close_file,
    .read = read_file,
    .write = write_file,
    .resize = resize_file,
    .sync = sync_file,
    .sync_directory = sync_directory,
    .remove = remove_file,
    .reason = reason,
};

copycat_status cc_log_files_create(struct cc_log_files **files_out, const char *directory)
{
    struct cc_log_files *files;

    if (directory[0] == '\0' || strlen(directory) >= PATH_MAX) {
        return COPYCAT_ERR_INVALID;
    }
    files = calloc(1, sizeof *files);
    if (files == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    files->directory = -1;
    memcpy(files->path, directory, strlen(directory) + 1);
    *files_out = files;
    return COPYCAT_OK;
}

void cc_log_files_destroy(struct cc_log_files *files)
{
    unlock(files);
    free(files);
}

struct cc_files cc_log_files_of(struct cc_log_files *files)
{
    return (struct cc_files){.table = &table, .context = files};
}

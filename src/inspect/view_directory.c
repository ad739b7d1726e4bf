/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_directory -- see view_directory.h.
 */
#include "inspect/view_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A handle is a descriptor and one, so that none is NULL. */
static void *handle_of(int descriptor)
{
    return (void *)((intptr_t)descriptor + 1);
}

static int descriptor_of(void *handle)
{
    return (int)((intptr_t)handle - 1);
}

static copycat_status list(
    void *context, void (*on_name)(void *owner, const char *name), void *owner)
{
    const struct cc_view_directory *directory = context;
    int descriptor = openat(directory->descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = descriptor < 0 ? NULL : fdopendir(descriptor);
    const struct dirent *entry;

    if (stream == NULL) {
        if (descriptor >= 0) {
            close(descriptor);
        }
        return COPYCAT_ERR_IO;
    }
    errno = 0;
    while ((entry = readdir(stream)) != NULL) {
        if (entry->d_type != DT_DIR) {
            on_name(owner, entry->d_name);
        }
        errno = 0;
    }

    copycat_status status = errno == 0 ? COPYCAT_OK : COPYCAT_ERR_IO;

    closedir(stream);
    return status;
}

/* Not blocking, for what has the name of a file may be a pipe that nobody writes to. */
static copycat_status open_file(
    void *context, const char *name, void **handle_out, uint64_t *size_out)
{
    const struct cc_view_directory *directory = context;
    int descriptor = openat(directory->descriptor, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;

    if (descriptor < 0) {
        return errno == ENOENT                      ? COPYCAT_ERR_INVALID
               : errno == EMFILE || errno == ENFILE ? COPYCAT_ERR_BUSY
                                                    : COPYCAT_ERR_IO;
    }
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        return COPYCAT_ERR_IO;
    }
    *handle_out = handle_of(descriptor);
    *size_out = (uint64_t)status.st_size;
    return COPYCAT_OK;
}

static copycat_status read_file(
    void *context, void *handle, uint64_t offset, void *data, size_t size)
{
    char *target = data;

    (void)context;
    for (size_t done = 0; done < size;) {
        ssize_t count =
            pread(descriptor_of(handle), target + done, size - done, (off_t)(offset + done));

        if (count == 0 || (count < 0 && errno != EINTR)) {
            return COPYCAT_ERR_IO;
        }
        done += count < 0 ? 0 : (size_t)count;
    }
    return COPYCAT_OK;
}

static void close_file(void *context, void *handle)
{
    (void)context;
    close(descriptor_of(handle));
}

const struct cc_view_files cc_view_directory_files = {
    .list = list,
    .open = open_file,
    .read = read_file,
    .close = close_file,
};

static copycat_status refuse(const char *path, copycat_message *message)
{
    switch (errno) {
    case ENOENT:
        snprintf(message->text, sizeof message->text, "%s: there is no such directory", path);
        return COPYCAT_ERR_INVALID;
    case ENOTDIR:
        snprintf(
            message->text, sizeof message->text,
            "%s is no directory: name the one that the server keeps its data in", path);
        return COPYCAT_ERR_INVALID;
    case EACCES:
        snprintf(
            message->text, sizeof message->text,
            "%s may not be read by this user: try as the one that runs the server", path);
        return COPYCAT_ERR_INVALID;
    default:
        snprintf(
            message->text, sizeof message->text, "%s cannot be opened: %s", path, strerror(errno));
        return COPYCAT_ERR_IO;
    }
}

struct access {
    const struct cc_view_directory *directory;
    char denied[64]; /* a file that this user may not read; empty: there is none */
};

static void try_access(void *owner, const char *name)
{
    static const char *const kinds[] = {"journal-", "image-", "segment-"};
    struct access *access = owner;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (access->denied[0] == '\0' && strncmp(name, kinds[i], strlen(kinds[i])) == 0 &&
            faccessat(access->directory->descriptor, name, R_OK, AT_EACCESS) != 0 &&
            errno == EACCES) {
            snprintf(access->denied, sizeof access->denied, "%s", name);
        }
    }
}

/* Else a sound directory would be told to be on a disk that fails. */
static copycat_status check_access(
    const struct cc_view_directory *directory, const char *path, copycat_message *message)
{
    struct access access = {.directory = directory};
    copycat_status status = list((void *)(uintptr_t)directory, try_access, &access);

    if (status == COPYCAT_OK && access.denied[0] != '\0') {
        status = COPYCAT_ERR_INVALID;
        snprintf(
            message->text, sizeof message->text,
            "%s/%s may not be read by this user: try as the one that runs the server", path,
            access.denied);
    } else if (status != COPYCAT_OK) {
        snprintf(message->text, sizeof message->text, "%s cannot be listed", path);
    }
    return status;
}

/* A server locks the directory for itself alone: the two exclude one another. */
copycat_status cc_view_directory_open(
    struct cc_view_directory *directory, const char *path, copycat_message *message)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    copycat_status status;

    if (descriptor < 0) {
        return refuse(path, message);
    }
    if (flock(descriptor, LOCK_SH | LOCK_NB) != 0) {
        bool is_locked = errno == EWOULDBLOCK;

        snprintf(
            message->text, sizeof message->text,
            is_locked ? "%s is in use by a running server: stop that first, or look at a copy"
                      : "%s cannot be locked against a server that starts",
            path);
        close(descriptor);
        return is_locked ? COPYCAT_ERR_LOCKED : COPYCAT_ERR_IO;
    }
    directory->descriptor = descriptor;
    status = check_access(directory, path, message);
    if (status != COPYCAT_OK) {
        close(descriptor);
    }
    return status;
}

void cc_view_directory_close(struct cc_view_directory *directory)
{
    close(directory->descriptor);
}

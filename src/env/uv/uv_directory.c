/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_directory -- what blocks, of directories: they are made, locked, listed and made durable.
 *
 * Memory:  none of ours; a directory's stream is libc's.
 */
#include "env/uv/uv_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_MODE 0700

bool cc_uv_parent_of(const char *path, char parent_out[PATH_MAX])
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    if (length >= PATH_MAX) {
        return false;
    }
    memcpy(parent_out, path, length);
    parent_out[length] = '\0';
    if (length == 0) {
        memcpy(parent_out, ".", 2);
    }
    return true;
}

int cc_uv_directory_sync(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = 0;

    if (descriptor < 0) {
        return errno;
    }
    if (fsync(descriptor) != 0) {
        error = errno;
    }
    close(descriptor);
    return error;
}

/* Makes `path` if it is not there, and its name durable; 0 or an errno. */
static int make_directory(const char *path)
{
    char parent[PATH_MAX];
    int error;

    if (!cc_uv_parent_of(path, parent)) {
        return ENAMETOOLONG;
    }
    if (mkdir(path, DIRECTORY_MODE) != 0) {
        return errno == EEXIST ? 0 : errno;
    }
    error = cc_uv_directory_sync(parent);
    return error == EACCES ? 0 : error; /* may be entered but not read: nothing to be done */
}

/* Each directory on the way to `path`, then `path` itself; 0 or an errno. */
static int make_directories(const char *path)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    int error = 0;
    int first = 0;

    if (length == 0 || length >= sizeof part) {
        return length == 0 ? ENOENT : ENAMETOOLONG;
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (part[i] == '/' || part[i] == '\0') {
            part[i] = '\0';
            error = make_directory(part);
            first = first == 0 ? error : first;
            part[i] = i == length ? '\0' : '/';
        }
    }
    /* The last one's, for a directory above may exist and still refuse; but where that is only that
     * there is none above it, the reason is the first. */
    return error == ENOENT ? first : error;
}

void cc_uv_directory_lock(struct cc_uv_disk_job *job)
{
    struct cc_uv_lock *taken = job->lock;

    job->job.error = make_directories(taken->path);
    if (job->job.error != 0) {
        return;
    }
    taken->descriptor = open(taken->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (taken->descriptor < 0 || flock(taken->descriptor, LOCK_EX | LOCK_NB) != 0) {
        job->job.error = errno;
        if (taken->descriptor >= 0) {
            close(taken->descriptor);
        }
    }
}

void cc_uv_directory_unlock(struct cc_uv_disk_job *job)
{
    if (job->lock != NULL) {
        close(job->lock->descriptor);
    }
}

static bool is_listed(int directory, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN) {
        return entry->d_type != DT_DIR;
    }
    return fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           !S_ISDIR(status.st_mode);
}

/* The next name that is listed, NULL at the end or with errno at an error. */
static const char *next_name(DIR *directory)
{
    const struct dirent *entry;

    do {
        errno = 0;
        entry = readdir(directory);
    } while (entry != NULL && !is_listed(dirfd(directory), entry));
    return entry == NULL ? NULL : entry->d_name;
}

void cc_uv_directory_list(struct cc_uv_disk_job *job)
{
    const char *name;

    if (job->directory == NULL) {
        job->directory = opendir(job->request->name);
    }
    if (job->directory == NULL) {
        job->job.error = errno;
        return;
    }
    job->names_size = 0;
    while (job->names_size + NAME_MAX + 1 <= CC_UV_NAMES_SIZE) {
        name = next_name(job->directory);
        if (name == NULL) {
            job->job.error = errno;
            closedir(job->directory);
            job->directory = NULL;
            return;
        }
        memcpy(job->names + job->names_size, name, strlen(name) + 1);
        job->names_size += strlen(name) + 1;
    }
}

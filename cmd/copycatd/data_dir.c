/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE

#include "copycatd/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

bool copycatd_data_dir_is_fresh(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    bool is_fresh = true;

    if (directory == NULL) {
        return errno == ENOENT;
    }
    while (is_fresh && (entry = readdir(directory)) != NULL) {
        is_fresh = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    closedir(directory);
    return is_fresh;
}

/* Cuts the last name off; false if there is none left. */
static bool ascend(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL) {
        bool was_here = strcmp(path, ".") == 0;

        strcpy(path, ".");
        return !was_here;
    }
    if (slash == path) {
        bool was_root = path[1] == '\0';

        path[1] = '\0';
        return !was_root;
    }
    *slash = '\0';
    return true;
}

bool copycatd_data_dir_check(const char *path, char *wrong_out, size_t wrong_size)
{
    char above[PATH_MAX];
    struct stat status;
    int error = 0;

    if (snprintf(above, sizeof above, "%s", path) >= (int)sizeof above) {
        snprintf(wrong_out, wrong_size, "%s", strerror(ENAMETOOLONG));
        return false;
    }
    /* What is not there is made, in the first directory above that is. */
    while (stat(above, &status) != 0) {
        error = errno;
        if (error != ENOENT || !ascend(above)) {
            snprintf(wrong_out, wrong_size, "%s: %s", above, strerror(error));
            return false;
        }
    }
    if (!S_ISDIR(status.st_mode)) {
        error = ENOTDIR;
    } else if (access(above, W_OK | X_OK) != 0) {
        error = errno;
    } else {
        return true;
    }
    snprintf(wrong_out, wrong_size, "%s: %s", above, strerror(error));
    return false;
}

pid_t copycatd_data_dir_holder(const char *path)
{
    FILE *locks = fopen("/proc/locks", "r");
    struct stat status;
    char line[256];
    pid_t holder = 0;

    if (locks == NULL) {
        return 0;
    }
    while (stat(path, &status) == 0 && holder == 0 && fgets(line, sizeof line, locks) != NULL) {
        unsigned major_number;
        unsigned minor_number;
        unsigned long long inode;
        int pid;

        /* "7: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF" */
        if (sscanf(
                line, "%*d: FLOCK ADVISORY WRITE %d %x:%x:%llu", &pid, &major_number, &minor_number,
                &inode) == 4 &&
            inode == status.st_ino && major_number == major(status.st_dev) &&
            minor_number == minor(status.st_dev)) {
            holder = (pid_t)pid;
        }
    }
    fclose(locks);
    return holder;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_floor -- see disk_floor.h.
 */
#include "disk_floor.h"

#include "base/crc32c.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_SIZE ((size_t)1 << 20)
#define ALIGNMENT 4096u

struct pass {
    uint8_t *piece;
    int target; /* -1: only read */
    uint32_t crc;
    uint64_t size;
    uint64_t size_max; /* no more is begun then */
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

bool disk_floor_is_image(const char *name)
{
    return name[0] != '.' && strcmp(name, "lock") != 0 && strncmp(name, "journal", 7) != 0;
}

bool disk_floor_is_any(const char *name)
{
    return name[0] != '.' && strcmp(name, "lock") != 0;
}

static void put(const struct pass *pass, size_t size)
{
    size_t done = 0;

    while (pass->target >= 0 && done < size) {
        ssize_t now = write(pass->target, pass->piece + done, size - done);

        if (now <= 0) {
            fail("write");
        }
        done += (size_t)now;
    }
}

/* Past the page cache where the file system has that: servers write so, and it is faster. */
static int open_to_read(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);

    return file >= 0 || errno != EINVAL ? file : open(path, O_RDONLY | O_CLOEXEC);
}

/* A file that is gone again was an image that another took the place of. */
static void take_file(struct pass *pass, const char *path)
{
    int source = open_to_read(path);
    ssize_t size = 0;

    if (source < 0) {
        return;
    }
    while (pass->size < pass->size_max && (size = read(source, pass->piece, PIECE_SIZE)) > 0) {
        pass->crc = cc_crc32c(pass->crc, pass->piece, (size_t)size);
        pass->size += (uint64_t)size;
        put(pass, (size_t)size);
        if ((size_t)size < PIECE_SIZE) {
            break; /* the end, which need not lie where a block ends */
        }
    }
    if (size < 0) {
        fail(path);
    }
    close(source);
}

static void take_all(struct pass *pass, const char *directory, bool (*is_meant)(const char *name))
{
    char path[DISK_FLOOR_PATH_SIZE];
    DIR *names = opendir(directory);
    const struct dirent *entry;

    pass->piece = aligned_alloc(ALIGNMENT, PIECE_SIZE);
    if (names == NULL || pass->piece == NULL) {
        fail(directory);
    }
    while ((entry = readdir(names)) != NULL) {
        if (is_meant(entry->d_name)) {
            snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
            take_file(pass, path);
        }
    }
    closedir(names);
    free(pass->piece);
}

uint64_t disk_floor_read(
    const char *directory, bool (*is_meant)(const char *name), uint32_t *crc_out)
{
    struct pass pass = {.target = -1, .size_max = UINT64_MAX};

    take_all(&pass, directory, is_meant);
    *crc_out = pass.crc;
    return pass.size;
}

uint64_t disk_floor_copy(
    const char *directory,
    bool (*is_meant)(const char *name),
    const char *target,
    uint64_t size_max)
{
    struct pass pass = {
        .target = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
        .size_max = size_max};

    if (pass.target < 0) {
        fail(target);
    }
    take_all(&pass, directory, is_meant);
    if (fsync(pass.target) != 0 || close(pass.target) != 0 || unlink(target) != 0) {
        fail(target);
    }
    return pass.size;
}

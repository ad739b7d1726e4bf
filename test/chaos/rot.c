/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rot -- see rot.h.
 */
#include "rot.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIALS 400u
#define PREFIX "journal-"

static int open_file(const struct chaos_rot *rot)
{
    char path[192];

    (void)snprintf(path, sizeof path, "%s/%s", rot->directory, rot->name);
    return open(path, O_RDWR | O_CLOEXEC);
}

/* Any of the journal's files, each as probable as the other. */
static bool choose_file(struct chaos_rot *rot, struct chaos_random *random)
{
    DIR *directory = opendir(rot->directory);
    const struct dirent *entry;
    uint32_t count = 0;

    rot->name[0] = '\0';
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 &&
            chaos_random_below(random, ++count) == 0) {
            (void)snprintf(rot->name, sizeof rot->name, "%.63s", entry->d_name);
        }
    }
    if (directory != NULL) {
        (void)closedir(directory);
    }
    return rot->name[0] != '\0';
}

/* Mostly where there is something: most of a file may be zeros that nobody has written over yet. */
static bool change_byte(struct chaos_rot *rot, int file, struct chaos_random *random)
{
    struct stat status;
    unsigned char byte = 0;
    uint64_t offset = 0;
    bool may_be_zero = chaos_random_below(random, 8) == 0;

    if (fstat(file, &status) != 0 || status.st_size == 0) {
        return false;
    }
    for (unsigned i = 0; i < TRIALS; i++) {
        offset = chaos_random_below(random, (uint32_t)status.st_size);
        if (pread(file, &byte, 1, (off_t)offset) == 1 && (byte != 0 || may_be_zero)) {
            unsigned char changed = (unsigned char)(byte ^ 1u << chaos_random_below(random, 8));

            rot->offsets[rot->count] = offset;
            rot->bytes[rot->count++] = byte;
            return pwrite(file, &changed, 1, (off_t)offset) == 1;
        }
    }
    return false;
}

bool chaos_rot_begin(struct chaos_rot *rot, const char *directory, struct chaos_random *random)
{
    unsigned wanted = 1 + chaos_random_below(random, CHAOS_ROT_MAX);

    *rot = (struct chaos_rot){.count = 0};
    (void)snprintf(rot->directory, sizeof rot->directory, "%s", directory);
    for (unsigned i = 0; i < TRIALS && rot->count == 0; i++) {
        int file = choose_file(rot, random) ? open_file(rot) : -1;

        while (file >= 0 && rot->count < wanted && change_byte(rot, file, random)) {
        }
        if (file >= 0) {
            (void)fsync(file);
            (void)close(file);
        }
    }
    return rot->count > 0;
}

/* The other way round, for a byte may have changed twice. */
void chaos_rot_undo(const struct chaos_rot *rot)
{
    int file = open_file(rot);

    for (unsigned i = rot->count; i > 0; i--) {
        if (file < 0 || pwrite(file, &rot->bytes[i - 1], 1, (off_t)rot->offsets[i - 1]) != 1) {
            chaos_say("a changed byte stays changed");
        }
    }
    if (file >= 0) {
        (void)fsync(file);
        (void)close(file);
    }
}

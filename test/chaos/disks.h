/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disks -- a file system of its own for each server, each of another kind, that can be filled, freed
 * and cut off from its power.
 *
 * Where it sits:   [disks] -> servers (whose data lie there), faults.
 * Memory:          fixed.
 *
 * Files, sparse and big, are mounted by loop devices that end with their mount, in a mount namespace
 * of this process: nothing is left behind however the test ends.  Where loop devices are not allowed,
 * three small tmpfs; where no mount is, three directories, which can be neither filled nor cut off.
 */
#ifndef CC_TEST_CHAOS_DISKS_H
#define CC_TEST_CHAOS_DISKS_H

#include "basics.h"

#include <stddef.h>

struct chaos_disk {
    const char *kind; /* of its file system; NULL: a directory */
    char path[80];    /* where it is mounted */
    char image[80];   /* the file behind it; empty: tmpfs or directory */
    bool can_lose_power;
};

struct chaos_disks {
    struct chaos_disk disks[CHAOS_SERVER_COUNT];
    bool has_room;      /* a mount namespace of our own */
    bool has_mounts;    /* in it, something is mounted for each server */
    char obstacle[160]; /* what could not be had, and why; empty: nothing */
};

/* Before any thread is started; makes what it needs in `root`, which exists.  `seconds`: how long the
 * journals will grow.  Cannot fail: what is not allowed here is told in `obstacle`. */
void chaos_disks_open(struct chaos_disks *disks, const char *root, uint64_t seconds, uint64_t seed);

/* Nobody uses them any more. */
void chaos_disks_close(struct chaos_disks *disks);

/* "ext4, xfs, btrfs" */
void chaos_disks_names(const struct chaos_disks *disks, char *text, size_t text_size);

/* Nothing is left, or all of that is given back. */
void chaos_disks_fill(const struct chaos_disks *disks, unsigned server);
void chaos_disks_free(const struct chaos_disks *disks, unsigned server);

/* From now on nothing reaches it, and what has not is lost.  False: it cannot be done after all. */
bool chaos_disks_power_off(const struct chaos_disks *disks, unsigned server);

/* Its server has ended.  False: it cannot be mounted again. */
bool chaos_disks_power_on(const struct chaos_disks *disks, unsigned server);

#endif /* CC_TEST_CHAOS_DISKS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_disk -- an environment of one process and one disk, for tests that count disk calls.
 *
 * Nothing happens by itself: memory_disk_step() completes the oldest request, or fires the earliest
 * timer if there is none.  What is not synced is in doubt; memory_disk_crash() decides, sector by
 * sector, what of it stays, and of the durable write under way.
 */
#ifndef CC_TEST_MEMORY_DISK_H
#define CC_TEST_MEMORY_DISK_H

#include "base/prng.h"
#include "env/env.h"

#define MEMORY_DISK_FILES_MAX 64u
#define MEMORY_DISK_REQUESTS_MAX 16u

struct memory_doubt {
    uint64_t offset;
    size_t size;
    uint8_t *data;
};

struct memory_file {
    char name[64]; /* without the directory; empty: there is none */
    bool is_named;
    bool is_name_durable;
    uint8_t *seen;
    size_t size;
    uint8_t *platter;
    size_t platter_size;
    struct memory_doubt *doubts;
    uint32_t doubt_count;
    uint64_t scar; /* a byte that cannot be read, counted from 1; 0: none */
};

/* What a crash does to what is in doubt. */
enum memory_crash {
    MEMORY_CRASH_NOTHING, /* none of it stays */
    MEMORY_CRASH_ALL,     /* all of it stays */
    MEMORY_CRASH_PREFIX,  /* of each write, sectors up to some point */
    MEMORY_CRASH_SUBSET,  /* of each write, any sectors */
};

struct memory_disk {
    struct cc_env env;
    struct cc_memory memory;
    struct cc_list blocks; /* given out, so that a crash can take them all */
    uint64_t blocks_out;   /* given out and not yet given back */
    size_t block_largest;
    size_t bytes_out;  /* likewise, */
    size_t bytes_most; /* and the most of them there were */
    uint64_t now_us;
    uint64_t entropy; /* seed of the next draw */
    struct cc_list tasks;
    struct cc_timer *timer; /* the next, and the one after: two are enough for a journal */
    struct cc_timer *timer_after;
    struct cc_disk_request *requests[MEMORY_DISK_REQUESTS_MAX];
    uint32_t request_count;
    bool is_locked;
    uint64_t calls;           /* requests completed */
    uint64_t fail_at;         /* the request completed as this one fails; 0: none */
    copycat_status fail_with; /* how; 0: IO */
    uint64_t durable_writes;
    uint64_t syncs_of_directory;
    struct memory_file files[MEMORY_DISK_FILES_MAX];
};

void memory_disk_init(struct memory_disk *disk);
void memory_disk_deinit(struct memory_disk *disk);

/* Completes one request, then runs the tasks of that pass.  False if there was nothing to do. */
bool memory_disk_step(struct memory_disk *disk);

/* As memory_disk_step, and fires a timer where no request waits. */
bool memory_disk_step_time(struct memory_disk *disk);

/* Power is lost: who used the disk is gone, with all its requests, timers and memory. */
void memory_disk_crash(struct memory_disk *disk, enum memory_crash crash, uint64_t seed);

/* A fresh disk that holds what is on the other's platter. */
void memory_disk_clone(struct memory_disk *target, const struct memory_disk *source);

/* The file that an open one, as requests under way name it, is. */
struct memory_file *memory_disk_file_of(const struct cc_file *file);

/* A file by its place; NULL beyond the last. */
struct memory_file *memory_disk_file(struct memory_disk *disk, uint32_t number);

/* Puts bytes on the platter as they are. */
void memory_disk_put(struct memory_disk *disk, const char *name, const void *data, size_t size);

#endif /* CC_TEST_MEMORY_DISK_H */

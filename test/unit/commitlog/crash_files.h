/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_files -- a directory in memory that stops at a given call, and then has lost any of what was
 * not synced: by sectors, and by names.
 */
#ifndef CC_TEST_CRASH_FILES_H
#define CC_TEST_CRASH_FILES_H

#include "base/prng.h"
#include "commitlog/files.h"

#define CRASH_FILES_MAX 256u

/* A write or a resize that no sync has followed yet. */
struct crash_change {
    bool is_resize;
    uint64_t offset; /* or the new size */
    size_t size;
    uint8_t *data;
};

struct crash_file {
    char name[CC_FILES_NAME_MAX + 1];
    bool is_named; /* as the process sees it */
    bool is_name_durable;
    uint8_t *seen;
    uint64_t size;
    uint8_t *platter;
    uint64_t platter_size;
    struct crash_change *changes;
    uint32_t change_count;
};

/* What stays of what was in doubt. */
enum crash_mode {
    CRASH_NOTHING,
    CRASH_ALL,
    CRASH_PREFIX, /* changes and names up to some time */
    CRASH_SUBSET, /* each sector and name by itself */
    CRASH_MODES,
};

struct crash_files {
    struct crash_file files[CRASH_FILES_MAX];
    uint64_t calls;
    uint64_t crash_at; /* from this call on nothing is done; 0: never */
    uint64_t fail_at;  /* this one alone fails; 0: none */
    copycat_status fail_with;
    bool has_failed;
    bool is_locked;
    uint32_t open_count;
};

struct cc_files crash_files_of(struct crash_files *files);
void crash_files_deinit(struct crash_files *files);

/* Power goes, and comes back. */
void crash_files_crash(struct crash_files *files, enum crash_mode mode, uint64_t seed);

/* A copy of what there is, all of it durable. */
void crash_files_clone(struct crash_files *target, const struct crash_files *source);

/* One more file, durable. */
void crash_files_put(struct crash_files *files, const char *name, const void *data, size_t size);

/* NULL: there is no such file, or not so many. */
struct crash_file *crash_files_at(struct crash_files *files, uint32_t number);
uint64_t crash_files_bytes(const struct crash_files *files);

#endif /* CC_TEST_CRASH_FILES_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_stand -- a commit log beside an array that says what must be in it.
 */
#ifndef CC_TEST_LOG_STAND_H
#define CC_TEST_LOG_STAND_H

#include "../../support/limited_memory.h"
#include "commitlog/commitlog.h"
#include "commitlog/files_memory.h"
#include "crash_files.h"

#define STAND_INDEX_MAX 4000u

enum stand_state {
    STAND_NONE,
    STAND_LIVE,
    STAND_CLEANED,
};

struct stand_entry {
    enum stand_state state;
    uint32_t seed; /* what is in it follows from that */
};

struct stand_model {
    struct stand_entry entries[STAND_INDEX_MAX + 1];
    uint64_t last;
    uint64_t floor;
};

struct log_stand {
    struct crash_files disk;
    struct limited_memory memory;
    struct cc_files files;
    copycat_log_options options;
    struct cc_commitlog *log; /* NULL: not open */
    copycat_message message;
    struct stand_model now;
    struct stand_model durable;
    bool is_truncating;
    uint64_t truncated; /* to which index, meanwhile */
    uint32_t seeds;
};

void log_stand_init(struct log_stand *stand);
void log_stand_deinit(struct log_stand *stand);

copycat_status log_stand_open(struct log_stand *stand);
copycat_status log_stand_close(struct log_stand *stand);

/* The handle goes, whatever it says, and then what was not durable, maybe. */
void log_stand_crash(struct log_stand *stand, enum crash_mode mode, uint64_t seed);

/* The process is killed; the machine goes on, and nothing is lost but the handle. */
void log_stand_kill(struct log_stand *stand);

/* Each does it to the log and, if it is OK, to the model. */
copycat_status log_stand_append(struct log_stand *stand, uint64_t gap);
copycat_status log_stand_clean(struct log_stand *stand, uint64_t index);

/* Cleans those up to `index` whose seed is a multiple. */
copycat_status log_stand_clean_where(struct log_stand *stand, uint64_t index, uint32_t multiple);

/* Also sees that as much is forgotten as the model says. */
copycat_status log_stand_retain_to(
    struct log_stand *stand, uint64_t index, uint64_t time_us, uint64_t bytes_max);
copycat_status log_stand_flush(struct log_stand *stand);
copycat_status log_stand_truncate(struct log_stand *stand, uint64_t index);
copycat_status log_stand_forget(struct log_stand *stand, uint64_t index);

/* What the entry with this seed is; borrowed until the next one is asked for. */
copycat_log_entry log_stand_entry(uint32_t seed);

/* Is the open log what the model says, exactly? */
bool log_stand_is_equal(struct log_stand *stand);

/* Is it what a crash may leave: everything durable, nothing that is half, nothing that was not there?
 * Then the model is what was found. */
bool log_stand_is_survivor(struct log_stand *stand);

#endif /* CC_TEST_LOG_STAND_H */

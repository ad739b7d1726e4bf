/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_stand -- see log_stand.h.
 */
#include "log_stand.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX 3000u

void log_stand_init(struct log_stand *stand)
{
    memset(stand, 0, sizeof *stand);
    limited_memory_init(&stand->memory);
    stand->files = crash_files_of(&stand->disk);
    stand->options = (copycat_log_options){
        .size = sizeof stand->options,
        .clean_rule = COPYCAT_LOG_CLEAN_HALVING,
        /* the one that rewrites most */ .segment_size = 4096,
        .entry_size_max = BODY_MAX};
    stand->now.floor = 1;
    stand->durable.floor = 1;
}

void log_stand_deinit(struct log_stand *stand)
{
    if (stand->log != NULL) {
        (void)cc_commitlog_close(stand->log);
    }
    CC_ASSERT(stand->memory.blocks == 0);
    CC_ASSERT(stand->disk.open_count == 0);
    crash_files_deinit(&stand->disk);
}

copycat_status log_stand_open(struct log_stand *stand)
{
    CC_ASSERT(stand->log == NULL);
    return cc_commitlog_open(
        &stand->log, &stand->memory.memory, &stand->files, &stand->options, &stand->message);
}

copycat_status log_stand_close(struct log_stand *stand)
{
    copycat_status status = cc_commitlog_close(stand->log);

    stand->log = NULL;
    if (status == COPYCAT_OK) {
        stand->durable = stand->now;
    }
    return status;
}

void log_stand_crash(struct log_stand *stand, enum crash_mode mode, uint64_t seed)
{
    if (stand->log != NULL) {
        /* A process that is killed does nothing any more. */
        stand->disk.crash_at = stand->disk.crash_at == 0 ? 1 : stand->disk.crash_at;
        (void)cc_commitlog_close(stand->log);
        stand->log = NULL;
    }
    CC_ASSERT(stand->memory.blocks == 0);
    crash_files_crash(&stand->disk, mode, seed);
}

void log_stand_kill(struct log_stand *stand)
{
    if (stand->log != NULL) {
        stand->disk.crash_at = stand->disk.crash_at == 0 ? 1 : stand->disk.crash_at;
        (void)cc_commitlog_close(stand->log);
        stand->log = NULL;
    }
    CC_ASSERT(stand->memory.blocks == 0 && stand->disk.open_count == 0);
    stand->disk.crash_at = 0;
    stand->disk.has_failed = false;
    stand->disk.is_locked = false;
}

/* Sizes of all kinds; some are zeros, some other bytes that are all the same, some have a key. */
copycat_log_entry log_stand_entry(uint32_t seed)
{
    static uint8_t body[BODY_MAX];
    struct cc_prng prng = {seed * 7919u + 1};
    size_t size = (size_t)cc_prng_below(&prng, cc_prng_below(&prng, 20) == 0 ? BODY_MAX - 20 : 120);
    uint64_t kind = cc_prng_below(&prng, 6);
    size_t key_size = cc_prng_below(&prng, 3) == 0 ? (size_t)cc_prng_below(&prng, 20) : 0;

    if (kind == 0 && seed % 2 == 0) {
        size = 1200; /* whole sectors of zeros, as the host sees it */
    }
    for (size_t i = 0; i < key_size + size; i++) {
        body[i] = kind == 0 ? 0 : kind == 1 ? (uint8_t)seed : (uint8_t)cc_prng_next(&prng);
    }
    return (copycat_log_entry){
        .time_us = seed * 10u,
        .key = {body, key_size},
        .bytes = {body + key_size, size},
        .type = seed};
}

/* ---- doing ----------------------------------------------------------------------------------- */

copycat_status log_stand_append(struct log_stand *stand, uint64_t gap)
{
    uint32_t seed = ++stand->seeds;
    copycat_log_entry entry = log_stand_entry(seed);
    uint64_t index = 0;
    copycat_status status;

    entry.index = gap == 0 ? 0 : stand->now.last + 1 + gap;
    status = cc_commitlog_append(stand->log, &entry, &index);
    if (status == COPYCAT_OK) {
        CC_ASSERT(index == stand->now.last + 1 + gap && index <= STAND_INDEX_MAX);
        stand->now.entries[index] = (struct stand_entry){STAND_LIVE, seed};
        stand->now.last = index;
    }
    return status;
}

copycat_status log_stand_clean(struct log_stand *stand, uint64_t index)
{
    copycat_status status = cc_commitlog_clean(stand->log, index);

    if (status == COPYCAT_OK) {
        CC_ASSERT(stand->now.entries[index].state == STAND_LIVE);
        stand->now.entries[index].state = STAND_CLEANED;
    }
    return status;
}

struct multiples {
    struct log_stand *stand;
    uint64_t before; /* the index that was asked for last */
    uint32_t multiple;
};

static int is_multiple(const copycat_log_entry *entry, void *user)
{
    struct multiples *multiples = user;
    struct stand_entry *mine = &multiples->stand->now.entries[entry->index];

    CC_ASSERT(entry->index > multiples->before && entry->type == mine->seed);
    multiples->before = entry->index;
    if (entry->type % multiples->multiple != 0) {
        return 0;
    }
    CC_ASSERT(mine->state == STAND_LIVE);
    mine->state = STAND_CLEANED;
    return 1;
}

copycat_status log_stand_clean_where(struct log_stand *stand, uint64_t index, uint32_t multiple)
{
    struct multiples multiples = {.stand = stand, .multiple = multiple};
    uint64_t cleaned = 0;
    uint64_t expected = 0;
    copycat_status status;

    for (uint64_t i = stand->now.floor; i <= index && i <= STAND_INDEX_MAX; i++) {
        expected +=
            stand->now.entries[i].state == STAND_LIVE && stand->now.entries[i].seed % multiple == 0;
    }
    status = cc_commitlog_clean_where(stand->log, index, is_multiple, &multiples, &cleaned);
    CC_ASSERT(status != COPYCAT_OK || cleaned == expected);
    return status;
}

static uint64_t stored_size(uint32_t seed)
{
    copycat_log_entry entry = log_stand_entry(seed);

    return 40 + (entry.key.size + entry.bytes.size + 7) / 8 * 8;
}

copycat_status log_stand_retain_to(
    struct log_stand *stand, uint64_t index, uint64_t time_us, uint64_t bytes_max)
{
    const struct stand_entry *entries = stand->now.entries;
    uint64_t first = index + 1;
    uint64_t bytes = 0;
    uint64_t kept = 0;
    copycat_status status;

    for (uint64_t i = index; i >= 1 && i >= stand->now.floor; i--) {
        if (entries[i].state != STAND_LIVE) {
            continue;
        }
        bytes += stored_size(entries[i].seed);
        if (bytes_max != 0 && bytes > bytes_max) {
            break;
        }
        first = i;
    }
    while (time_us != 0 && first <= index &&
           (entries[first].state != STAND_LIVE || entries[first].seed * 10u < time_us)) {
        first++;
    }
    status = cc_commitlog_retain_to(stand->log, index, time_us, bytes_max, &kept);
    if (status == COPYCAT_OK) {
        CC_ASSERT(kept == first);
        stand->now.floor = first > stand->now.floor ? first : stand->now.floor;
    }
    return status;
}

copycat_status log_stand_flush(struct log_stand *stand)
{
    copycat_status status = cc_commitlog_flush(stand->log);

    if (status == COPYCAT_OK) {
        stand->durable = stand->now;
    }
    return status;
}

static void cut(struct stand_model *model, uint64_t index)
{
    for (uint64_t i = index + 1; i <= model->last; i++) {
        model->entries[i].state = STAND_NONE;
    }
    model->last = index;
}

copycat_status log_stand_truncate(struct log_stand *stand, uint64_t index)
{
    copycat_status status;

    stand->is_truncating = true;
    stand->truncated = index;
    status = cc_commitlog_truncate(stand->log, index);
    if (status == COPYCAT_OK) {
        cut(&stand->now, index);
        stand->durable = stand->now;
    }
    if (status == COPYCAT_OK || status == COPYCAT_ERR_INVALID) {
        stand->is_truncating = false;
    }
    return status;
}

copycat_status log_stand_forget(struct log_stand *stand, uint64_t index)
{
    copycat_status status = cc_commitlog_forget(stand->log, index);

    if (status == COPYCAT_OK && index > stand->now.floor) {
        stand->now.floor = index;
    }
    return status;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool has_content(struct log_stand *stand, uint64_t index, uint32_t seed)
{
    copycat_log_entry found;
    copycat_status status = cc_commitlog_read(stand->log, index, &found);
    copycat_log_entry wanted = log_stand_entry(seed);

    return status == COPYCAT_OK && found.index == index && found.type == wanted.type &&
           found.time_us == wanted.time_us && found.key.size == wanted.key.size &&
           found.bytes.size == wanted.bytes.size &&
           memcmp(found.key.data, wanted.key.data, wanted.key.size) == 0 &&
           memcmp(found.bytes.data, wanted.bytes.data, wanted.bytes.size) == 0;
}

bool log_stand_is_equal(struct log_stand *stand)
{
    copycat_log_status status = {.size = sizeof status};
    uint64_t count = 0;
    uint64_t next = 0;

    for (uint64_t i = 1; i <= STAND_INDEX_MAX; i++) {
        const struct stand_entry *entry = &stand->now.entries[i];
        bool is_there = entry->state == STAND_LIVE && i >= stand->now.floor;

        if (cc_commitlog_contains(stand->log, i) != is_there ||
            (is_there && !has_content(stand, i, entry->seed))) {
            fprintf(stderr, "index %u differs\n", (unsigned)i);
            return false;
        }
        if (is_there) {
            next = cc_commitlog_next(stand->log, next + 1);
            count++;
            if (next != i) {
                fprintf(stderr, "after it comes %u, not %u\n", (unsigned)next, (unsigned)i);
                return false;
            }
        }
    }
    cc_commitlog_status_of(stand->log, &status);
    return status.count == count && status.last == stand->now.last &&
           cc_commitlog_next(stand->log, next + 1) == 0;
}

/* What is wrong with what is found of this index, if a crash came after `durable` and all was to be as
 * `now`; NULL: nothing. */
static const char *find_fault(
    struct log_stand *stand,
    const struct stand_model *durable,
    const struct stand_model *now,
    uint64_t index)
{
    const struct stand_entry *entry = &now->entries[index];
    const struct stand_entry *before = &durable->entries[index];
    bool is_found = cc_commitlog_contains(stand->log, index);
    bool is_durable = before->state != STAND_NONE && before->seed == entry->seed;

    if (is_found && entry->state == STAND_NONE) {
        return "nobody appended it";
    }
    if (is_found && (index < durable->floor || (is_durable && before->state == STAND_CLEANED))) {
        return "it was cleaned or forgotten, durably";
    }
    if (!is_found && entry->state == STAND_LIVE && index >= now->floor && is_durable) {
        return "it was durable";
    }
    if (!is_found && entry->state == STAND_LIVE && index >= now->floor &&
        index <= cc_commitlog_last(stand->log)) {
        return "what was appended later is there";
    }
    return is_found && !has_content(stand, index, entry->seed) ? "it is another" : NULL;
}

static bool is_between(
    struct log_stand *stand,
    const struct stand_model *durable,
    const struct stand_model *now,
    bool is_told)
{
    for (uint64_t i = 1; i <= STAND_INDEX_MAX; i++) {
        const char *fault = find_fault(stand, durable, now, i);

        if (fault != NULL && is_told) {
            fprintf(stderr, "index %u: %s\n", (unsigned)i, fault);
        }
        if (fault != NULL) {
            return false;
        }
    }
    return cc_commitlog_last(stand->log) <= now->last;
}

static void take_found(struct log_stand *stand)
{
    stand->now.last = cc_commitlog_last(stand->log);
    stand->now.floor = stand->durable.floor; /* or above: then what is below it is not found */
    for (uint64_t i = 1; i <= STAND_INDEX_MAX; i++) {
        struct stand_entry *entry = &stand->now.entries[i];

        if (i > stand->now.last) {
            entry->state = STAND_NONE;
        } else if (entry->state != STAND_NONE) {
            entry->state = cc_commitlog_contains(stand->log, i) ? STAND_LIVE : STAND_CLEANED;
        }
    }
    stand->durable = stand->now;
    stand->is_truncating = false;
}

bool log_stand_is_survivor(struct log_stand *stand)
{
    static struct stand_model truncated;
    bool is_right = is_between(stand, &stand->durable, &stand->now, !stand->is_truncating);

    if (!is_right && stand->is_truncating) {
        truncated = stand->now;
        cut(&truncated, stand->truncated);
        is_right = is_between(stand, &truncated, &truncated, true);
        if (is_right) {
            stand->now = truncated;
        }
    }
    if (is_right) {
        take_found(stand);
    }
    return is_right;
}

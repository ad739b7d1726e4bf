/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_history -- a log made by hand, applied as it grows; for tests of all that is replicated.
 *
 * The allocator counts, and fills what it gives with a byte of the test's choice: state that
 * depends on memory nobody wrote shows as two digests that differ.
 */
#ifndef CC_TEST_APPLY_HISTORY_H
#define CC_TEST_APPLY_HISTORY_H

#include "apply/apply.h"

struct counted_memory {
    struct cc_memory memory;
    uint8_t fill;
    int64_t blocks; /* given out and not yet given back */
};

void counted_memory_init(struct counted_memory *counted, uint8_t fill);

struct history_entry {
    uint8_t kind; /* also of those that no entry has */
    uint64_t time_us;
    struct cc_block *block; /* encoded, as a command */
};

struct history {
    struct counted_memory counted;
    struct cc_apply *apply;
    struct history_entry *entries; /* index i at i - 1 */
    uint64_t count;
    uint64_t capacity;
    uint64_t now_us;           /* stamped on the next entry */
    struct cc_outcome outcome; /* of the last */
};

/* `options->memory` is ignored. */
void history_init(struct history *history, const struct cc_apply_options *options);

/* Checks that nothing is left of what was taken. */
void history_deinit(struct history *history);

/* Adds an entry and applies it; returns its index, the outcome is in `history->outcome`. */
uint64_t history_add(struct history *history, uint8_t kind, copycat_bytes payload);

/* The nonce is `nonce` repeated.  Returns the session. */
uint64_t history_open(struct history *history, uint8_t nonce);
void history_close(struct history *history, uint64_t session);
void history_expire(struct history *history, uint64_t session, uint64_t touched);

/* Returns the answer, borrowed until the next entry. */
struct cc_answer history_command(struct history *history, const struct cc_command *command);

/* Opens `path` in the catalogue by the session's command `sequence`; gives the answer's status. */
copycat_status history_create(
    struct history *history,
    uint64_t session,
    uint64_t sequence,
    const char *path,
    uint32_t type,
    uint64_t *instance_out);

/* As cc_apply_restore_check asks for it. */
bool history_entry_at(void *owner, uint64_t index, struct cc_entry *entry_out);

bool history_can_be_restored(struct history *history);

#endif /* CC_TEST_APPLY_HISTORY_H */

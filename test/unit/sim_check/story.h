/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- histories in few words, for the tests of the checkers.
 *
 * Each call is one event, one microsecond after the one before.
 */
#ifndef CC_TEST_SIM_CHECK_STORY_H
#define CC_TEST_SIM_CHECK_STORY_H

#include "sim/check/history.h"

#define STORY_MAP 1u

struct story {
    struct cc_history *history;
    uint64_t now;
};

void story_begin(struct story *story);
void story_end(struct story *story);

struct cc_history_bytes text(const char *string);

/* `value`: to store; NULL for operations without one. */
size_t asks(
    struct story *story,
    uint64_t client,
    enum cc_history_kind kind,
    const char *key,
    const char *value);
size_t asks_at_level(
    struct story *story,
    uint64_t client,
    enum cc_history_kind kind,
    enum cc_history_level level,
    const char *key);
size_t asks_cas(
    struct story *story, uint64_t client, const char *key, const char *expected, const char *value);

/* A value; NULL: absent. */
void told(struct story *story, size_t id, const char *value);
void told_flag(struct story *story, size_t id, bool flag);
void told_count(struct story *story, size_t id, uint64_t count);
void told_keys(struct story *story, size_t id, const char *const *keys, size_t count);
void told_failed(struct story *story, size_t id);
void told_unknown(struct story *story, size_t id);

/* A value read from, or a command applied at, an index. */
void told_at(struct story *story, size_t id, const char *value, uint64_t index);

#endif /* CC_TEST_SIM_CHECK_STORY_H */

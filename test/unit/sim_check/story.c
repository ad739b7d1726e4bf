/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- see story.h.
 */
#include "test/unit/sim_check/story.h"

#include <string.h>

void story_begin(struct story *story)
{
    *story = (struct story){.history = cc_history_create(1000, 100000)};
}

void story_end(struct story *story)
{
    cc_history_destroy(story->history);
}

struct cc_history_bytes text(const char *string)
{
    return (struct cc_history_bytes){string, string == NULL ? 0 : strlen(string)};
}

static size_t invoke(struct story *story, struct cc_history_invocation invocation)
{
    invocation.at = ++story->now;
    invocation.map = STORY_MAP;
    return cc_history_invoke(story->history, &invocation);
}

size_t asks(
    struct story *story,
    uint64_t client,
    enum cc_history_kind kind,
    const char *key,
    const char *value)
{
    return invoke(
        story, (struct cc_history_invocation){
                   .client = client, .kind = kind, .key = text(key), .value = text(value)});
}

size_t asks_at_level(
    struct story *story,
    uint64_t client,
    enum cc_history_kind kind,
    enum cc_history_level level,
    const char *key)
{
    return invoke(
        story, (struct cc_history_invocation){
                   .client = client, .kind = kind, .level = level, .key = text(key)});
}

size_t asks_cas(
    struct story *story, uint64_t client, const char *key, const char *expected, const char *value)
{
    return invoke(
        story, (struct cc_history_invocation){
                   .client = client,
                   .kind = CC_HISTORY_CAS,
                   .key = text(key),
                   .value = text(value),
                   .expected = text(expected)});
}

static void complete(struct story *story, size_t id, struct cc_history_answer answer)
{
    answer.at = ++story->now;
    cc_history_complete(story->history, id, &answer);
}

void told(struct story *story, size_t id, const char *value)
{
    told_at(story, id, value, 0);
}

void told_flag(struct story *story, size_t id, bool flag)
{
    complete(story, id, (struct cc_history_answer){.outcome = CC_HISTORY_OK, .flag = flag});
}

void told_count(struct story *story, size_t id, uint64_t count)
{
    complete(story, id, (struct cc_history_answer){.outcome = CC_HISTORY_OK, .count = count});
}

void told_keys(struct story *story, size_t id, const char *const *keys, size_t count)
{
    struct cc_history_bytes bytes[8];

    for (size_t i = 0; i < count; i++) {
        bytes[i] = text(keys[i]);
    }
    complete(
        story, id,
        (struct cc_history_answer){.outcome = CC_HISTORY_OK, .keys = bytes, .key_count = count});
}

void told_failed(struct story *story, size_t id)
{
    complete(story, id, (struct cc_history_answer){.outcome = CC_HISTORY_FAILED});
}

void told_unknown(struct story *story, size_t id)
{
    complete(story, id, (struct cc_history_answer){.outcome = CC_HISTORY_UNKNOWN});
}

void told_at(struct story *story, size_t id, const char *value, uint64_t index)
{
    complete(
        story, id,
        (struct cc_history_answer){.outcome = CC_HISTORY_OK, .value = text(value), .index = index});
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_replies -- see session_replies.h.
 */
#include "session/session_replies.h"

#include "base/assert.h"
#include "base/hash.h"

#include <string.h>

#define CAPACITY_MIN 4u
#define ROOM_STEP 32u

static struct cc_reply_slot *slot_of(const struct cc_session_replies *replies, uint64_t sequence)
{
    CC_ASSERT(replies->capacity > 0);
    return &replies->slots[sequence & (replies->capacity - 1)];
}

static void verify(const struct cc_session_replies *replies)
{
    CC_ASSERT(replies->acked <= replies->applied);                     /* R1 */
    CC_ASSERT(replies->applied - replies->acked <= replies->capacity); /* R3: each has a slot */
}

void cc_session_replies_init(struct cc_session_replies *replies)
{
    *replies = (struct cc_session_replies){0};
}

void cc_session_replies_deinit(struct cc_session_replies *replies, const struct cc_memory *memory)
{
    bool is_known = cc_session_replies_acknowledge(replies, memory, replies->applied);

    CC_ASSERT(is_known);
    CC_ASSERT(replies->bytes == 0 && replies->digest == 0); /* R4 */
    for (uint32_t i = 0; i < replies->capacity; i++) {
        cc_memory_give(memory, replies->slots[i].result);
    }
    cc_memory_give(memory, replies->slots);
    *replies = (struct cc_session_replies){0};
}

void cc_session_replies_resume(struct cc_session_replies *replies, uint64_t acked)
{
    CC_ASSERT(replies->applied == 0 && replies->acked == 0);
    replies->applied = acked;
    replies->acked = acked;
}

enum cc_reply_verdict cc_session_replies_classify(
    const struct cc_session_replies *replies,
    const struct cc_reply_limits *limits,
    uint64_t sequence)
{
    verify(replies);
    if (sequence <= replies->acked) {
        return CC_REPLY_GONE;
    }
    if (sequence <= replies->applied) {
        return CC_REPLY_REPEATED;
    }
    if (sequence > replies->applied + 1) {
        return CC_REPLY_EARLY;
    }

    /*
     * The window could grow here.  It does not: a client that never acknowledges would then own our
     * memory, and because the window is replicated it would own every member's at once.  How large
     * the answer will be is not known before the command runs, so the bytes may pass their limit by
     * one result.
     */
    if (replies->applied - replies->acked >= limits->answers_max ||
        replies->bytes >= limits->bytes_max) {
        return CC_REPLY_FULL;
    }
    return CC_REPLY_FRESH;
}

const struct cc_reply_slot *cc_session_replies_find(
    const struct cc_session_replies *replies, uint64_t sequence)
{
    if (sequence <= replies->acked || sequence > replies->applied) {
        return NULL;
    }

    const struct cc_reply_slot *slot = slot_of(replies, sequence);

    CC_ASSERT(slot->sequence == sequence); /* R3 */
    return slot;
}

copycat_bytes cc_reply_result(const struct cc_reply_slot *slot)
{
    return (copycat_bytes){slot->result, slot->size};
}

static uint64_t digest_of(const struct cc_reply_slot *slot)
{
    copycat_bytes result = cc_reply_result(slot);
    uint64_t digest = cc_hash_words(slot->sequence, slot->index);

    return cc_hash_bytes(
        result.data, result.size, cc_hash_words(digest, (uint64_t)(int64_t)slot->status));
}

/* Where a sequence lives depends on the capacity, so each stored answer moves.  The ring is full, so
 * no slot has anything else. */
static void grow(struct cc_session_replies *replies, const struct cc_memory *memory)
{
    struct cc_session_replies old = *replies;

    replies->capacity = old.capacity == 0 ? CAPACITY_MIN : old.capacity * 2;
    replies->slots = cc_memory_take(memory, replies->capacity * sizeof *replies->slots);
    for (uint64_t sequence = old.acked + 1; sequence <= old.applied; sequence++) {
        *slot_of(replies, sequence) = *slot_of(&old, sequence);
    }
    cc_memory_give(memory, old.slots);
}

void cc_session_replies_record(
    struct cc_session_replies *replies,
    const struct cc_memory *memory,
    uint64_t index,
    copycat_status status,
    copycat_bytes result)
{
    CC_ASSERT(result.size <= UINT32_MAX);
    if (replies->applied - replies->acked == replies->capacity) {
        grow(replies, memory);
    }
    replies->applied++;

    struct cc_reply_slot *slot = slot_of(replies, replies->applied);

    slot->sequence = replies->applied;
    slot->index = index;
    slot->status = status;
    slot->size = (uint32_t)result.size;
    if (slot->size > slot->room) {
        slot->room = (slot->size + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
        slot->result = cc_memory_grow(memory, slot->result, slot->room);
    }
    if (slot->size > 0) {
        memcpy(slot->result, result.data, slot->size);
    }
    slot->digest = digest_of(slot);
    replies->bytes += slot->size;
    replies->digest += slot->digest;
    verify(replies);
}

static void forget(
    struct cc_session_replies *replies, const struct cc_memory *memory, struct cc_reply_slot *slot)
{
    CC_ASSERT(slot->sequence == replies->acked + 1); /* R3 */
    replies->bytes -= slot->size;
    replies->digest -= slot->digest;
    if (slot->room > CC_REPLY_KEPT_MAX) {
        cc_memory_give(memory, slot->result);
        slot->result = NULL;
        slot->room = 0;
    }
    replies->acked++;
}

bool cc_session_replies_acknowledge(
    struct cc_session_replies *replies, const struct cc_memory *memory, uint64_t sequence)
{
    /*
     * This number was written by a client, so it is checked and not asserted: assertions are for
     * promises we made to ourselves.  Refusing is deterministic, hence safe while applying the log.
     */
    if (sequence > replies->applied) {
        return false;
    }

    /* Acknowledgements ride on later requests and may be overtaken; an old one is normal. */
    while (replies->acked < sequence) {
        forget(replies, memory, slot_of(replies, replies->acked + 1));
    }
    verify(replies);
    return true;
}

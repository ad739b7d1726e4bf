/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_again -- see message_again.h.
 */
#include "message_again.h"

#include "base/assert.h"
#include "proto/catalog_operation.h"

#include <string.h>

/* X(kind, name): decoded by cc_<name>_decode(body, &x), coded by cc_<name>_encode(writer, &x). */
#define BODIES(X)                                \
    X(CC_MESSAGE_HELLO, hello)                   \
    X(CC_MESSAGE_REFUSE, refuse)                 \
    X(CC_MESSAGE_BASE, base)                     \
    X(CC_MESSAGE_SESSION_OPEN, session_open)     \
    X(CC_MESSAGE_SESSION_CLOSE, session_close)   \
    X(CC_MESSAGE_KEEP_ALIVE, keep_alive)         \
    X(CC_MESSAGE_COMMAND, command)               \
    X(CC_MESSAGE_QUERY, query)                   \
    X(CC_MESSAGE_SESSION_OPENED, session_opened) \
    X(CC_MESSAGE_SESSION_ENDED, session_ended)   \
    X(CC_MESSAGE_KEPT_ALIVE, kept_alive)         \
    X(CC_MESSAGE_ANSWER, answer)                 \
    X(CC_MESSAGE_RESULT, answer)                 \
    X(CC_MESSAGE_RESEND, resend)                 \
    X(CC_MESSAGE_VOTE, vote)                     \
    X(CC_MESSAGE_VOTE_REPLY, vote_reply)         \
    X(CC_MESSAGE_APPEND_REPLY, append_reply)     \
    X(CC_MESSAGE_TIMEOUT_NOW, timeout_now)       \
    X(CC_MESSAGE_REPAIR_ASK, repair_ask)         \
    X(CC_MESSAGE_IMAGE_OFFER, image_offer)       \
    X(CC_MESSAGE_IMAGE_WANTED, image_wanted)     \
    X(CC_MESSAGE_IMAGE_FETCHING, image_fetching) \
    X(CC_MESSAGE_ROOM, room_told)                \
    X(CC_MESSAGE_IMAGE_ASK, image_ask)           \
    X(CC_MESSAGE_IMAGE_PART, image_part)         \
    X(CC_MESSAGE_MARKED, marked)                 \
    X(CC_MESSAGE_FORWARD, forward)               \
    X(CC_MESSAGE_FORWARD_REPLY, forward)         \
    X(CC_MESSAGE_REPORT, report)                 \
    X(AGAIN_SESSION_EXPIRE, session_expire)      \
    X(AGAIN_MARK, mark)                          \
    X(AGAIN_CATALOG_PLACE, catalog_place)        \
    X(CC_MESSAGE_BACKUP_ASK, backup_ask)         \
    X(CC_MESSAGE_BACKUP_HEAD, backup_head)       \
    X(CC_MESSAGE_BACKUP_PART, backup_part)       \
    X(CC_MESSAGE_BACKUP_END, backup_end)

const uint16_t again_kinds[AGAIN_KINDS] = {
#define KIND(kind, name) kind,
    BODIES(KIND)
#undef KIND
        CC_MESSAGE_APPEND,
    CC_MESSAGE_REPAIR, AGAIN_CATALOG_OPERATION, AGAIN_ENTRY};

static bool append_again(copycat_bytes body, struct cc_writer *writer)
{
    struct cc_append append;

    if (!cc_append_decode(body, &append)) {
        return false;
    }
    cc_append_encode_head(writer, &append);
    cc_write_raw(writer, append.entries.data, append.entries.size);
    return true;
}

static bool repair_again(copycat_bytes body, struct cc_writer *writer)
{
    struct cc_repair repair;

    if (!cc_repair_decode(body, &repair)) {
        return false;
    }
    cc_repair_encode_head(writer, &repair);
    cc_write_raw(writer, repair.entries.data, repair.entries.size);
    return true;
}

static bool catalog_operation_again(copycat_bytes body, struct cc_writer *writer)
{
    struct cc_catalog_operation operation;

    if (cc_catalog_operation_decode(body, &operation) != COPYCAT_OK) {
        return false;
    }
    cc_catalog_operation_encode(writer, &operation);
    return true;
}

/* Made from its fields alone, not copied. */
static bool entry_again(copycat_bytes body, struct cc_writer *writer)
{
    struct cc_entry entry;
    uint32_t size;

    if (cc_entry_decode(body, &entry, &size) != COPYCAT_OK || size != body.size) {
        return false;
    }

    struct cc_block *block = cc_entry_create(writer->memory, entry.kind, entry.payload);

    cc_entry_stamp(block, entry.group, entry.index, entry.term, entry.time_us);
    cc_write_raw(writer, block->data, block->size);
    cc_block_release(block);
    return true;
}

bool message_again(uint16_t kind, copycat_bytes body, struct cc_writer *writer)
{
    switch (kind) {
#define AGAIN(type, name)                                                          \
    case type: {                                                                   \
        struct cc_##name decoded;                                                  \
                                                                                   \
        memset(&decoded, 0x5a, sizeof decoded); /* every field has to be filled */ \
        if (!cc_##name##_decode(body, &decoded)) {                                 \
            return false;                                                          \
        }                                                                          \
        cc_##name##_encode(writer, &decoded);                                      \
        return true;                                                               \
    }
        BODIES(AGAIN)
#undef AGAIN
    case CC_MESSAGE_APPEND:
        return append_again(body, writer);
    case CC_MESSAGE_REPAIR:
        return repair_again(body, writer);
    case AGAIN_CATALOG_OPERATION:
        return catalog_operation_again(body, writer);
    case AGAIN_ENTRY:
        return entry_again(body, writer);
    default:
        return false;
    }
}

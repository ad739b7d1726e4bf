/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_again -- decodes whatever kind of body and codes it again; for tests and fuzzing of what
 * is accepted being canonical.
 */
#ifndef CC_TEST_MESSAGE_AGAIN_H
#define CC_TEST_MESSAGE_AGAIN_H

#include "proto/message.h"

/* Kinds of bodies that are no frame of their own stand beside enum cc_message_type. */
enum {
    AGAIN_SESSION_EXPIRE = 0x1000, /* payload of an entry; the other payloads are messages too */
    AGAIN_MARK,
    AGAIN_CATALOG_OPERATION,
    AGAIN_CATALOG_PLACE,
    AGAIN_ENTRY, /* the stamped entry itself */
};

/* Every kind there is; AGAIN_KINDS of them. */
#define AGAIN_KINDS 40u
extern const uint16_t again_kinds[AGAIN_KINDS];

/* False if `body` is refused, or `kind` is not known; else what it decodes to is written. */
bool message_again(uint16_t kind, copycat_bytes body, struct cc_writer *writer);

#endif /* CC_TEST_MESSAGE_AGAIN_H */

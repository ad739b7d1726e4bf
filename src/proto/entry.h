/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry -- one entry of a group's log, coded the same on the wire and on disk.
 *
 *     offset  size  field (little-endian)
 *          0     4  CRC-32C of bytes 4..39
 *          4     4  size of the payload
 *          8     8  index
 *         16     6  term
 *         22     1  kind
 *         23     1  zero
 *         24     8  log time, microseconds
 *         32     4  CRC-32C of the payload
 *         36     4  group
 *         40     -  payload, zero-padded to a multiple of 8
 *
 * Two checksums, so that a leader stamps index, term and time without touching the payload.
 */
#ifndef CC_PROTO_ENTRY_H
#define CC_PROTO_ENTRY_H

#include "wire/block.h"
#include "wire/bytes.h"

#define CC_ENTRY_HEADER_SIZE 40u

enum cc_entry_kind {
    CC_ENTRY_NOOP = 1,           /* opens a term */
    CC_ENTRY_TICK = 2,           /* lets log time pass because a timer is due */
    CC_ENTRY_SESSION_OPEN = 3,   /* struct cc_session_open */
    CC_ENTRY_SESSION_CLOSE = 4,  /* struct cc_session_close: its client ends it */
    CC_ENTRY_SESSION_EXPIRE = 5, /* struct cc_session_expire: the leader ends it, conditionally */
    CC_ENTRY_COMMAND = 6,        /* struct cc_command */
    CC_ENTRY_MARK = 7,           /* struct cc_mark: an image may be taken here */
    CC_ENTRY_REFUSAL = 8,        /* struct cc_command, without operation: its answer is QUOTA */
};

/* A view; `block` owns the bytes: the encoded entry is the whole of `block->data`. */
struct cc_entry {
    uint64_t index;
    uint64_t term;
    uint64_t time_us;
    uint32_t group;
    uint8_t kind;
    copycat_bytes payload;  /* inside the block */
    struct cc_block *block; /* borrowed unless said otherwise */
};

/* Header, payload and padding. */
uint32_t cc_entry_size(uint32_t payload_size);

/* A new block that holds an entry with this payload, not yet stamped.  One reference, the caller's.
 */
struct cc_block *cc_entry_create(
    const struct cc_memory *memory, uint8_t kind, copycat_bytes payload);

/* Fills in what the leader decides, and the header's checksum.  Time stops at CC_TIME_US_MAX: it
 * goes on from what another leader may have written. */
void cc_entry_stamp(
    struct cc_block *block, uint32_t group, uint64_t index, uint64_t term, uint64_t time_us);

/* The view of a stamped block. */
struct cc_entry cc_entry_of(struct cc_block *block);

/*
 * Reads one encoded entry from the front of `bytes`: checks both checksums, all bounds and that
 * padding is zero.  `size_out` is what it takes up.  The view borrows `bytes` and has no block.
 */
copycat_status cc_entry_decode(copycat_bytes bytes, struct cc_entry *entry_out, uint32_t *size_out);

/* The index that the encoded entry at the front of `bytes` says it has, for who has it checked by
 * others; 0 if there is none. */
uint64_t cc_entry_index_said(copycat_bytes bytes);

/* The same bytes in a block of their own. */
struct cc_block *cc_entry_copy(const struct cc_memory *memory, const struct cc_entry *entry);

/* ---- payloads -------------------------------------------------------------------------------- */

#define CC_NONCE_SIZE 16u

struct cc_session_open {
    uint8_t
        nonce[CC_NONCE_SIZE]; /* drawn once by the client, so that a repeated open is one (T-084) */
    uint64_t timeout_us;
};

struct cc_session_close {
    uint64_t session;
};

/* Takes effect only if nothing of the session was applied after `touched` (T-073, T-074). */
struct cc_session_expire {
    uint64_t session;
    uint64_t touched; /* index of the newest entry of the session that the leader knew */
};

/* Also the body of a COMMAND message: the leader logs the bytes as they came. */
struct cc_command {
    uint64_t session;
    uint64_t sequence; /* from 1, without gaps */
    uint64_t answered; /* all answers through this sequence have been received */
    uint64_t events;   /* all events through this index have been received; 0: none */
    uint64_t stream;   /* handle of the client whose order this belongs to */
    uint64_t instance; /* resource, by the index of the entry that created it; 0: the catalogue */
    copycat_bytes operation;
};

/* The state that every member had at the mark before: who had another has diverged. */
#define CC_MARK_SIZE_MAX 18u

struct cc_mark {
    uint64_t index;  /* of the entry of that mark; 0: the leader knows of none */
    uint64_t digest; /* that a majority of the voters had once that was applied */
};

void cc_session_open_encode(struct cc_writer *writer, const struct cc_session_open *open);
void cc_session_close_encode(struct cc_writer *writer, const struct cc_session_close *close);
void cc_session_expire_encode(struct cc_writer *writer, const struct cc_session_expire *expire);
void cc_mark_encode(struct cc_writer *writer, const struct cc_mark *mark);
void cc_command_encode(struct cc_writer *writer, const struct cc_command *command);

/* False if the bytes are not exactly one such payload within its limits. */
bool cc_session_open_decode(copycat_bytes bytes, struct cc_session_open *open_out);
bool cc_session_close_decode(copycat_bytes bytes, struct cc_session_close *close_out);
bool cc_session_expire_decode(copycat_bytes bytes, struct cc_session_expire *expire_out);
bool cc_mark_decode(copycat_bytes bytes, struct cc_mark *mark_out);
bool cc_command_decode(copycat_bytes bytes, struct cc_command *command_out);

#endif /* CC_PROTO_ENTRY_H */

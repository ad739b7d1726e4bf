/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format -- the journal's bytes: batches, their sector stamps, and records.  docs/disk-format.md is
 * normative.
 *
 *     offset  size  batch header (little-endian)
 *          0     4  magic "CCJB"
 *          4     2  format version
 *          6     2  zero
 *          8     4  CRC-32C of bytes 12..263
 *         12     4  life of the file, from 1
 *         16     4  number of the batch in the file, from 0
 *         20     4  size of the batch in blocks of 4096 bytes
 *         24     4  size of the records in bytes
 *         28     4  CRC-32C of the records
 *         32     8  tag: the first bytes of the server's incarnation
 *         40     8  durable through: life, number of the newest batch known durable; 0, 0: none
 *         48     4  size of the batch before in blocks; 0: there is none
 *         52     4  zero
 *         56   104  summary of this batch
 *        160   104  summary of the batch before
 *        264   8*s  the bytes that the stamps of the s sectors replace
 *          -     -  records, then zeros
 *
 * The last eight bytes of each 512-byte sector are a stamp (life, number), masked so that no single
 * change makes a written sector all zero.  A sector is written whole or not at all, and files are
 * zeroed before they get a life, so after a crash each tells whether it is of this batch: a sector
 * that is all zero was not written, and any other stamp is not what a crash leaves behind.  The
 * slot of a sector's bytes lies in an earlier sector (or the same, the first), so stamping goes
 * from the last sector to the first and restoring from the first to the last.
 *
 * A summary says what a batch did to the log, should it not read one day: so that is told outside
 * of it as well, by the batch behind it.
 *
 *     offset  size  summary
 *          0     4  group
 *          4     4  vote at the end of the batch
 *          8     8  term at the end of the batch
 *         16     8  touched: the lowest index that it dropped or wrote; 0: none
 *         24     8  last: of the group's log at the end of the batch
 *         32     1  count of runs; 255: too many to say
 *         33     1  flags: 1 a founding base is in it, 2 the group has state, 4 it is a switch to
 *                   an image, 8 which keeps the tail, 16 a boot began with it
 *         34     6  zeros
 *         40  4*16  runs of terms over [touched, last]: first index, term; in a switch the
 *                   image's index, term, log time, size and checksum
 */
#ifndef CC_LOG_FORMAT_H
#define CC_LOG_FORMAT_H

#include "env/env.h"
#include "log/journal.h"
#include "proto/run.h"

#define CC_BATCH_MAGIC 0x424a4343u /* "CCJB" */
#define CC_JOURNAL_VERSION 1u
#define CC_BATCH_HEADER_SIZE 264u
#define CC_STAMP_SIZE 8u
#define CC_RECORD_HEADER_SIZE 8u

enum cc_record_type {
    CC_RECORD_TABLE = 1,    /* first in each file: struct cc_journal_table */
    CC_RECORD_ENTRY = 2,    /* an encoded entry */
    CC_RECORD_TRUNCATE = 3, /* group, first index that is dropped */
    CC_RECORD_STATE = 4,    /* group, term, vote */
    CC_RECORD_BASE = 5,     /* group, index H, its term, image, keep-tail, founding base */
    CC_RECORD_REPAIR = 6,   /* an encoded entry that could not be read where it was written */
    CC_RECORD_SWITCH = 7,   /* group, an image's identity, keep-tail; alone in its batch */
    CC_RECORD_BOOT = 8,     /* a start goes on in this file: its boot counter; alone in its batch */
};

#define CC_BOOT_RECORD_SIZE 8u /* of the payload */
#define CC_BOOT_MAX (UINT64_C(1) << 62)
#define CC_SUMMARY_RUNS_MAX 4u
#define CC_SUMMARY_RUNS_UNKNOWN UINT8_MAX

struct cc_batch_summary {
    uint32_t group;
    uint32_t vote;
    uint64_t term;
    uint64_t touched;
    uint64_t last;
    uint8_t run_count;
    bool has_base;
    bool has_group;
    bool is_switch; /* then it has no runs, and `image` and `keep_tail` say all of it */
    bool keep_tail;
    bool is_boot; /* then it has neither, and says no more than that the counter grew by one */
    struct cc_raft_run runs[CC_SUMMARY_RUNS_MAX];
    struct cc_journal_base image;
};

struct cc_batch_header {
    uint32_t life;
    uint32_t number;
    uint32_t blocks;
    uint32_t records_size;
    uint32_t records_crc;
    uint64_t tag;
    uint32_t durable_life;
    uint32_t durable_number;
    uint32_t previous_blocks;
    struct cc_batch_summary summary;
    struct cc_batch_summary previous;
};

/* Blocks that a batch with so many bytes of records takes. */
uint32_t cc_batch_blocks(uint32_t records_size);

/* Where the records of a batch begin. */
uint32_t cc_batch_records_at(uint32_t blocks);

/* Writes the header and the stamps around the records, which are in place already. */
void cc_batch_seal(uint8_t *batch, struct cc_batch_header *header);

enum cc_header_verdict {
    CC_HEADER_VALID,
    CC_HEADER_NEWER, /* of a later format */
    CC_HEADER_BAD,
};

/* Reads a header from the first sector of a batch. */
enum cc_header_verdict cc_batch_read_header(
    const uint8_t *batch, struct cc_batch_header *header_out);

/* What one more entry, or dropping those from an index on, means for the summary of a batch. */
void cc_summary_append(struct cc_batch_summary *summary, uint64_t index, uint64_t term);
void cc_summary_truncate(struct cc_batch_summary *summary, uint64_t from);
void cc_summary_switch(
    struct cc_batch_summary *summary, const struct cc_journal_base *image, bool keep_tail);

/* True if it can take the place of its batch behind a log that ends with `last`. */
bool cc_summary_follows(const struct cc_batch_summary *summary, uint64_t last);

/* Its bytes in a header, which are zero before. */
void cc_summary_store(uint8_t *bytes, const struct cc_batch_summary *summary);
void cc_summary_load(const uint8_t *bytes, struct cc_batch_summary *summary_out);

/* False: there is no such image. */
bool cc_journal_base_is_possible(const struct cc_journal_base *image);

/* Puts back what the stamps replaced and checks the records; false: not the bytes that were
 * written. */
bool cc_batch_restore(uint8_t *batch, const struct cc_batch_header *header);

/* True if this sector was written as part of that batch. */
bool cc_batch_stamps_sector(const uint8_t *sector, uint32_t life, uint32_t number);

bool cc_batch_is_zero(const uint8_t *bytes, size_t size);

/* What lies where a batch does not read. */
enum cc_remains {
    CC_REMAINS_NONE,       /* nothing was written here */
    CC_REMAINS_INCOMPLETE, /* a batch of which some sectors were not written */
    CC_REMAINS_WRONG,      /* whatever it is, no crash left it */
};

/*
 * Judges what lies from where batch `number` of `life` would begin to the end of the file, piece by
 * piece.  `header` is that batch's, NULL if it does not read.  A life of 0 stands for that of the
 * first sector that was written.
 */
struct cc_remains_judge {
    uint32_t life;
    uint32_t number;
    bool has_header;
    bool is_wrong;
    uint32_t common;    /* the life of most of the sectors, ... */
    uint64_t lead;      /* ... if these are more than the rest by more than half of them all */
    uint64_t written;   /* sectors that hold something */
    uint64_t size;      /* bytes to come in all */
    uint64_t at;        /* bytes so far */
    uint64_t extent;    /* of the batch: from its header, or through the last sector that is its */
    uint64_t holes;     /* sectors of the extent that were not written */
    uint64_t unknown;   /* such sectors since the last that was */
    uint64_t rot_block; /* counted from 1: the last with zeros that have changed; 0: none */
    uint64_t written_block; /* the last with a sector that was written */
};

void cc_remains_begin(
    struct cc_remains_judge *judge,
    uint64_t size,
    uint32_t life,
    uint32_t number,
    const struct cc_batch_header *header);

/* The next whole sectors. */
void cc_remains_take(struct cc_remains_judge *judge, const uint8_t *bytes, size_t size);

enum cc_remains cc_remains_verdict(const struct cc_remains_judge *judge);

/* The life that nearly all of it is of, though single sectors may have changed since; 0: none. */
uint32_t cc_remains_life(const struct cc_remains_judge *judge);

/* ---- records ------------------------------------------------------------------------------------
 */

struct cc_record {
    uint8_t type;
    copycat_bytes payload;
};

/* Bytes that a record takes, header and padding included. */
uint32_t cc_record_size(uint32_t payload_size);

/* Writes one at `target`, zero-padded; returns its size. */
uint32_t cc_record_write(uint8_t *target, uint8_t type, copycat_bytes payload);

/* The record at `*at`, and moves on; false at the end or where it makes no sense. */
bool cc_record_next(copycat_bytes records, size_t *at, struct cc_record *record_out);

struct cc_journal_table {
    uint32_t server;
    uint64_t boot;
    uint8_t incarnation[CC_INCARNATION_SIZE];
    uint32_t prev_life;    /* 0: this is the first file */
    uint32_t prev_batches; /* the predecessor is valid through so many batches */
    uint32_t blocks;       /* of this file, when it was begun */
    bool has_base;
    struct cc_base base;
    uint32_t group_count;
    struct cc_journal_group groups[1]; /* so far */
};

#define CC_JOURNAL_GROUPS_MAX 1u

void cc_table_record_encode(struct cc_writer *writer, const struct cc_journal_table *table);
bool cc_table_record_decode(copycat_bytes payload, struct cc_journal_table *table_out);

struct cc_truncate_record {
    uint32_t group;
    uint64_t from;
};

struct cc_state_record {
    uint32_t group;
    uint64_t term;
    uint32_t vote;
};

struct cc_switch_record {
    uint32_t group;
    struct cc_journal_base image;
    bool keep_tail;
};

void cc_switch_record_encode(struct cc_writer *writer, const struct cc_switch_record *record);
bool cc_switch_record_decode(copycat_bytes payload, struct cc_switch_record *record_out);
void cc_truncate_record_encode(struct cc_writer *writer, const struct cc_truncate_record *record);
bool cc_truncate_record_decode(copycat_bytes payload, struct cc_truncate_record *record_out);
void cc_state_record_encode(struct cc_writer *writer, const struct cc_state_record *record);
bool cc_state_record_decode(copycat_bytes payload, struct cc_state_record *record_out);
void cc_boot_record_encode(struct cc_writer *writer, uint64_t boot);
bool cc_boot_record_decode(copycat_bytes payload, uint64_t *boot_out);
void cc_base_record_encode(struct cc_writer *writer, const struct cc_base *base);
bool cc_base_record_decode(copycat_bytes payload, struct cc_base *base_out);

#endif /* CC_LOG_FORMAT_H */

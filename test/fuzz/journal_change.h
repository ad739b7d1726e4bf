/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_change -- what may befall the files of a journal, coded in rows of twelve bytes: accidents,
 * which checksums and stamps have to tell, and forgeries, which are sealed again with right ones so
 * that what lies behind them is reached.
 *
 *     offset  size  field
 *          0     1  kind, modulo CHANGE_KINDS
 *          1     1  file
 *          2     1  batch of that file, where the kind is about one
 *          3     1  which of several
 *          4     4  a number
 *          8     4  another
 */
#ifndef CC_TEST_JOURNAL_CHANGE_H
#define CC_TEST_JOURNAL_CHANGE_H

#include "unit/log/memory_disk.h"

#define CHANGE_SIZE 12u

enum change_kind {
    /* Accidents. */
    CHANGE_BYTE,   /* another value */
    CHANGE_SECTOR, /* zeros, or all of one value */
    CHANGE_SIZE_OF_FILE,
    CHANGE_NAME,   /* it is gone */
    CHANGE_COPY,   /* a block comes to lie where another was */
    CHANGE_UNREAD, /* the disk cannot read a block any more */
    CHANGE_BEHIND, /* sectors of a batch were never written, from one on */
    CHANGE_ROT,    /* a byte of a batch */
    /* Forgeries of what the header says; the entries stay what they are. */
    CHANGE_HEADER,
    CHANGE_SUMMARY,  /* of the batch, or of the one before */
    CHANGE_IDENTITY, /* it says it is another batch, and is stamped so */
    /* Forgeries of records, in their order; the entries stay what they are. */
    CHANGE_DROP,   /* one is left out */
    CHANGE_DOUBLE, /* one comes twice */
    CHANGE_TYPE,   /* an entry becomes a repair, and so on */
    CHANGE_ADD,    /* a truncation, a state, a switch, or a repair with an entry of another batch */
    /* Forgeries of bytes. */
    CHANGE_RECORD,  /* any byte of the records */
    CHANGE_LENGTHS, /* a record and the entry in it are longer than they are */
    CHANGE_KINDS
};

/* How far a series of changes went. */
enum change_depth {
    CHANGED_BY_ACCIDENT,
    CHANGED_HEADERS, /* or records, but no entry */
    CHANGED_ENTRIES,
};

/* Makes one change, if it makes sense there; returns how deep it went. */
enum change_depth change_make(struct memory_disk *disk, const uint8_t row[CHANGE_SIZE]);

#endif /* CC_TEST_JOURNAL_CHANGE_H */

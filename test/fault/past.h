/* SPDX-License-Identifier: Apache-2.0 */
/*
 * past -- what three servers and their client have done before something happens to a disk: they
 * have images and have used files of their journals again, and power is lost everywhere.
 *
 *     server 1, server 2   have everything that was acknowledged
 *     server 3             has not seen the last writes
 */
#ifndef CC_TEST_FAULT_PAST_H
#define CC_TEST_FAULT_PAST_H

#include "fault/caller.h"
#include "fault/record.h"
#include "fault/trio.h"

#define PAST_FIRST 0u
#define PAST_SECOND 1u
#define PAST_LAGGARD 2u
#define PAST_SEED 3u

/* Where servers 1 and 2 have what server 3 lacks. */
enum past_kind {
    PAST_FORGOTTEN, /* in an image alone, which it will need */
    PAST_KEPT,      /* in an image, and in the log that is kept for it */
    PAST_LOGGED,    /* in the log alone: the image before is older */
    PAST_KINDS,
};

struct past {
    enum past_kind kind;
    struct trio_disk disks[TRIO_SERVERS];
    struct caller caller; /* what must be read */
    struct record record; /* of what was applied */
    uint64_t seen_by_laggard;
};

/* Partner: past_clear.  Uses the trio, which is gone again when this returns.  False, after it was
 * printed, if it did not come to that. */
bool past_make(struct past *past, struct trio *trio, enum past_kind kind);
void past_clear(struct past *past);

/* How servers that begin with those disks are to be set, before the first starts. */
void past_set(const struct past *past, struct trio *trio);

#endif /* CC_TEST_FAULT_PAST_H */

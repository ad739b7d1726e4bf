/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller -- the client of a trio: it puts values, one after the other, and knows what each key must
 * hold.  A put whose outcome is unknown may have happened or may yet, so its value may be read from
 * then on as well.  Some values are large, so that journals change their files.
 */
#ifndef CC_TEST_FAULT_CALLER_H
#define CC_TEST_FAULT_CALLER_H

#include "client/client.h"
#include "fault/trio.h"

#define CALLER_KEYS 8u
#define CALLER_DOUBTS_MAX 64u

struct caller {
    struct trio *trio;
    struct cc_client *client; /* NULL: none */
    bool is_closed;
    struct cc_client_resource map;
    struct cc_call call;
    bool is_done;
    uint8_t operation[16384];
    char value[12000];
    copycat_status status;          /* of the last call */
    uint32_t read;                  /* what it read; 0: nothing */
    bool is_read_broken;            /* what came is nothing that was put */
    uint32_t values;                /* put so far: 1, 2, 3 ... */
    uint32_t expected[CALLER_KEYS]; /* 0: nothing */
    uint32_t doubts[CALLER_DOUBTS_MAX];
    uint32_t doubt_count;
};

/* A client that is not connected yet. */
void caller_init(struct caller *caller, struct trio *trio);

/* Puts so many further values; false, with a verdict, if not all are acknowledged in time. */
bool caller_put(struct caller *caller, uint32_t count, uint64_t within_us);

/* Reads every key, linearizably; false, with a verdict, if it is not answered or wrongly. */
bool caller_check(struct caller *caller, uint64_t within_us);

/* False, with a verdict, if it does not close or leaves memory. */
bool caller_close(struct caller *caller);

#endif /* CC_TEST_FAULT_CALLER_H */

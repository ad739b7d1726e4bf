/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls_stand -- a client on a fake_cluster, and calls that are each known to end once.
 */
#ifndef CC_TEST_CALLS_STAND_H
#define CC_TEST_CALLS_STAND_H

#include "client/client.h"
#include "fake_cluster.h"

#define CALLS_MAX 1200u

struct test_call {
    struct cc_call call;
    char operation[8];
    uint32_t done_count;
    uint32_t done_at; /* which one it was */
    copycat_status status;
    char result[8];
    bool closes;
};

extern struct fake_cluster fake;
extern struct cc_client *client;
extern struct cc_client_resource map;
extern struct cc_client_resource other;
extern struct test_call calls[CALLS_MAX]; /* in the order in which they were made */
extern uint32_t call_count;
extern uint32_t closed_count; /* of clients */

/* A client that is connected; and the end of it, and of all its calls. */
int calls_set_up(void **state);
int calls_tear_down(void **state);

/* Another one in its place, with such bounds; 0: the usual ones. */
void calls_reopen(uint32_t window_max, uint32_t waiting_max);

/* One more call, by calls_done; the operation is the one letter. */
struct test_call *calls_make(
    struct cc_client_resource *resource,
    enum cc_call_kind kind,
    uint8_t level,
    char letter,
    uint64_t timeout_us);
struct test_call *calls_put(char letter);
struct test_call *calls_get(uint8_t level);

/* The path is known, and "x" has run. */
void calls_warm_up(void);

/* What a call and a client end with. */
void calls_done(struct cc_call *call);
void calls_closed(void *owner);

#endif /* CC_TEST_CALLS_STAND_H */

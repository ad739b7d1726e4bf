/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_stand -- a simulated cluster that a test looks into, and callers that put.  What the judge finds
 * fails the test.
 */
#ifndef CC_TEST_CLUSTER_STAND_H
#define CC_TEST_CLUSTER_STAND_H

#include "sim/workload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

struct cc_sim_file;

extern struct cc_cluster *cluster;
extern struct cc_workload *workload; /* NULL: nobody calls */

/* So many puts of each client's `window`, to keys of one map. */
struct cc_workload_options stand_puts(uint32_t operations, uint32_t window, uint32_t keys);

/* Members and learners started, and 3 s gone by; `work` waits to be started, or is NULL.  0, or -1 if the
 * cluster has not settled. */
int stand_begin(const struct cc_cluster_options *options, const struct cc_workload_options *work);

/* For cmocka, too. */
int stand_end(void **state);

void run_for(uint64_t time_us);

struct cc_server *server_at(uint32_t place); /* NULL: it is down */
struct cc_group *group_at(uint32_t place);   /* NULL: it has not read its journal yet */

/* The newest whose path has `name` in it, for one that was removed may be there still. */
struct cc_sim_file *file_of(uint32_t place, const char *name);

#endif /* CC_TEST_CLUSTER_STAND_H */

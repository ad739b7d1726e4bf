/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load -- clients in threads of their own that ask maps for this and that, and note everything.
 *
 * Where it sits:   libcopycat -> [load] -> record.
 * Memory:          by malloc, one block for each call under way.
 * Threads:         one for each client, and the library's.
 *
 * A client of the library that ended or was killed is followed by another in the same thread: a new
 * session, and in the history another client.
 */
#ifndef CC_TEST_CHAOS_LOAD_H
#define CC_TEST_CHAOS_LOAD_H

#include "basics.h"
#include "record.h"

#define CHAOS_LOADER_COUNT 8u

struct chaos_load;

/* Starts them against `servers`, a list as the library takes it.  Both pointers are borrowed. */
struct chaos_load *chaos_load_start(
    struct chaos_record *record, const char *servers, uint64_t seed);

/* Closes the client of one thread with all its calls under way; another one is opened. */
void chaos_load_kill(struct chaos_load *load, unsigned loader);

/* No call is begun any more; returns when all are answered or given up, and all is freed. */
void chaos_load_stop(struct chaos_load *load);

/* Reads each key of each epoch once, linearizably; false if one of them was not answered. */
bool chaos_load_read_all(struct chaos_record *record, const char *servers);

#endif /* CC_TEST_CHAOS_LOAD_H */

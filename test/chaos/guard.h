/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- a child that outlives the test for a moment and removes what no end of a process does:
 * directories.
 *
 * Where it sits:   beside everything; told by chaos and cpu.
 * Memory:          fixed.
 *
 * Processes end with the thread that began them, namespaces, mounts and loop devices with their last
 * user.  So after any end of the test, also by SIGKILL, nothing is left.
 */
#ifndef CC_TEST_CHAOS_GUARD_H
#define CC_TEST_CHAOS_GUARD_H

#include <stdbool.h>

struct chaos_guard {
    int line; /* to the child, which waits for its end */
};

/* Before any thread is started, and before there is anything to be removed. */
void chaos_guard_open(struct chaos_guard *guard);

/* `path` is a directory, to be removed with all that is in it when this process has ended. */
void chaos_guard_add(struct chaos_guard *guard, const char *path);

/* The first that was added stays: somebody wants to look into it. */
void chaos_guard_keep_first(struct chaos_guard *guard);

#endif /* CC_TEST_CHAOS_GUARD_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rot -- bytes of a stopped server's journal that change by themselves.
 *
 * Where it sits:   [rot] -> fault_disk.
 * Memory:          the caller's.
 */
#ifndef CC_TEST_CHAOS_ROT_H
#define CC_TEST_CHAOS_ROT_H

#include "basics.h"

#include <stddef.h>

#define CHAOS_ROT_MAX 4u

/* What has changed, and what it was. */
struct chaos_rot {
    char directory[96];
    char name[64]; /* of the file; empty: nothing has changed */
    uint64_t offsets[CHAOS_ROT_MAX];
    unsigned char bytes[CHAOS_ROT_MAX];
    unsigned count;
};

/* A bit of one to CHAOS_ROT_MAX bytes of one of the directory's journal files is another then.  False
 * if there is none that holds anything. */
bool chaos_rot_begin(struct chaos_rot *rot, const char *directory, struct chaos_random *random);

/* They are again what they were. */
void chaos_rot_undo(const struct chaos_rot *rot);

#endif /* CC_TEST_CHAOS_ROT_H */

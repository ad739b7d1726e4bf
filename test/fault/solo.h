/* SPDX-License-Identifier: Apache-2.0 */
/*
 * solo -- one server of the product that is its own cluster, and a client, with the server's files
 * on a memory_disk: each of its disk calls can be stopped at, and a picture taken of what a loss of
 * power would leave there.
 *
 * A call is carried out in a pass of its own, in the order in which they were asked for.
 */
#ifndef CC_TEST_FAULT_SOLO_H
#define CC_TEST_FAULT_SOLO_H

#include "fault/caller.h"
#include "fault/trio.h"
#include "unit/log/memory_disk.h"

struct solo {
    struct trio trio;
    struct caller caller;
    struct memory_disk *disk; /* borrowed */
    struct cc_task call;      /* carries out the next one */
    uint64_t calls;           /* carried out, in all lives */
    /* Before each disk call; may be NULL. */
    void (*at_point)(void *owner, struct solo *solo);
    void *owner;
};

/* A world without a server yet, on a disk that outlives it.  Partner: solo_end. */
void solo_begin(struct solo *solo, struct memory_disk *disk, uint64_t seed);
void solo_end(struct solo *solo);

/* Starts the server, and waits until it serves; false, with a verdict, if it does not. */
bool solo_start(struct solo *solo);

/* Starts the server and lets it make so many disk calls; false: it served before that. */
bool solo_start_until(struct solo *solo, uint64_t calls);

/* Power is lost; what was not synced is gone. */
void solo_crash(struct solo *solo);

/* Entries that the server has applied, and so answers for; 0: it is down. */
uint64_t solo_applied(const struct solo *solo);

#endif /* CC_TEST_FAULT_SOLO_H */

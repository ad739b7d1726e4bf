/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio -- three servers and a client of the product in the simulated world, with the
 * simulator's judge at their side; and what is done to one of the four machines.
 *
 * Every disk call and every allocation of a machine passes here and is counted over all its lives,
 * so that the n-th can be made to fail.  A failing write leaves a part of itself behind; other
 * failing calls do nothing.  A server that panics in the pass in which it was refused memory is
 * what it would be on a real machine: a process that is gone (T-025).  Any other panic is a
 * failure.
 */
#ifndef CC_TEST_FAULT_TRIO_H
#define CC_TEST_FAULT_TRIO_H

#include "server/node/node.h"
#include "sim/judge.h"
#include "sim/world.h"

#include <setjmp.h>

#define TRIO_SERVERS 3u
#define TRIO_CLIENT 3u /* its machine */
#define TRIO_MACHINES 4u
#define TRIO_CALLS_MAX 4096u
#define TRIO_FILES_MAX 32u
#define TRIO_NAME_SIZE_MAX 80u /* of a file, with its directory */

/* What is done, and what there is to do it to. */
struct trio_fault {
    uint32_t machine;
    uint64_t disk_at;           /* the disk call that fails, from 1; 0: none */
    copycat_status disk_status; /* with this; OK: it is made, and then power is lost */
    bool is_rot;                /* instead: it writes something else, and says that it went well */
    uint64_t memory_at;         /* the allocation that fails, likewise */
    uint64_t disk_calls;
    uint64_t allocations;
    bool has_fired;
    bool is_power_due;                  /* at the end of this pass */
    uint64_t fired_in;                  /* this pass */
    uint8_t operations[TRIO_CALLS_MAX]; /* of each call, from 1: enum cc_disk_operation ... */
    bool may_grow[TRIO_CALLS_MAX];      /* ... and whether it may need space */
    bool is_of_image[TRIO_CALLS_MAX];   /* ... and whether it writes to a file of an image */
};

struct trio_state {
    uint64_t index;
    uint64_t time_us;
    uint64_t digest;
};

struct trio_seat {
    struct trio *trio;
    uint32_t place;
    struct cc_server *server; /* NULL: down */
    char directory[8];
    bool has_stopped;    /* by itself or by the fault, and was not started again yet */
    bool is_memory_gone; /* because it was refused memory */
    bool is_power_gone;  /* because that was the fault */
    bool is_closed;
    copycat_status status; /* why it stopped last */
    char notice[512];      /* the last thing it said */
    bool spoke_of_damage;
    bool has_lost_image;     /* the one that it stood on could not be read at a start ... */
    char image_notice[512];  /* ... and what it said of that */
    struct trio_state given; /* came with the disk, and the judge was not told yet; index 0: none */
    uint32_t restored;       /* states that it began from an image, in all lives */
};

struct trio {
    struct trio *outer; /* the one that was at hand when this one was created; may be NULL */
    struct cc_world *world;
    struct cc_judge *judge;
    struct cc_members members; /* the servers that there are: the first ones */
    struct trio_seat seats[TRIO_SERVERS];
    struct trio_fault fault;
    struct cc_task broken; /* completes the disk call that fails */
    struct cc_disk_request *broken_request;
    void (*broken_done)(struct cc_disk_request *request);
    size_t broken_size;
    uint32_t stops; /* of servers by themselves */
    uint64_t seed;
    uint64_t passes; /* of all machines */
    jmp_buf stop;
    uint64_t image_entries; /* from one image to the next; may be set before the first start ... */
    uint64_t image_bytes;   /* ... as may these; 0: as the product ... */
    uint64_t keep_bytes;    /* ... as may what is kept for followers that lag; 0: as the product */
    bool is_past_unknown;   /* the judge takes the first state that an image gives as it is */
    /* Instead of the world's: the disk of the first server; may be NULL. */
    void (*disk)(void *owner, struct cc_env *env, struct cc_disk_request *request);
    void *disk_owner;
    /* Told of every entry that a server applies, and of the state's digest then; may be NULL. */
    void (*applied)(void *owner, const struct cc_entry *entry, uint64_t digest);
    void *applied_owner;
};

/* Partner: trio_destroy.  All are down at first.  A trio may be created while
 * another one is in a pass; then it is destroyed before that goes on. */
void trio_create(struct trio *trio, uint64_t seed, const struct trio_fault *fault);

/* With the first server alone, which is its own cluster. */
void trio_create_alone(struct trio *trio, uint64_t seed, const struct trio_fault *fault);
void trio_destroy(struct trio *trio);

/* Starts a server; one that is up, or has stopped, loses power first. */
void trio_start(struct trio *trio, uint32_t place);
void trio_crash(struct trio *trio, uint32_t place);

/* Closes a server in good order, also one that has stopped; false, with a verdict, if it does not
 * end or leaves memory behind. */
bool trio_close(struct trio *trio, uint32_t place);

/* Lets things happen until the condition holds, at most so long; false: it does not. */
bool trio_run(struct trio *trio, uint64_t within_us, bool (*condition)(void *owner), void *owner);

/* Runs something that uses the memory of a machine; false if that machine stopped in it. */
bool trio_guard(struct trio *trio, void (*run)(void *owner), void *owner);

/* True if those that are up are members, have their state and agree, and at least `servers` are. */
bool trio_is_settled(const struct trio *trio, uint32_t servers);

/* NULL as long as nothing is wrong. */
const char *trio_verdict(const struct trio *trio);

/* ---- trio_disk.c: what is on the disk of a machine that is down ------------------------------ */

struct trio_file {
    char name[TRIO_NAME_SIZE_MAX];
    uint8_t *data;
    size_t size;
};

struct trio_disk {
    struct trio_file files[TRIO_FILES_MAX];
    uint32_t file_count;
};

/* Partner: trio_disk_clear. */
void trio_disk_take(struct trio *trio, uint32_t place, struct trio_disk *disk);
void trio_disk_clear(struct trio_disk *disk);

/* Onto an empty disk. */
void trio_disk_put(struct trio *trio, uint32_t place, const struct trio_disk *disk);

/* ---- trio_fault.c: what stands between a machine and its world ------------------------------- */

void trio_intercept(struct trio *trio);
void trio_release(struct trio *trio);

#endif /* CC_TEST_FAULT_TRIO_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis_internal -- between the files of the nemesis: one for each family of faults.
 */
#ifndef CC_SIM_NEMESIS_INTERNAL_H
#define CC_SIM_NEMESIS_INTERNAL_H

#include "sim/nemesis.h"
#include "sim/stranger.h"

/* Streams of decisions of a seed as a whole begin here: no ordinal is so large. */
#define CC_NEMESIS_SEED_STREAM 0x80000000u

/* One fault, as drawn.  Not all of it concerns each kind. */
struct cc_strike {
    enum cc_fault kind;
    uint32_t ordinal;
    struct cc_decider choices; /* its own */
    uint32_t server;
    uint32_t other; /* another server, or a client's machine */
    uint32_t client;
    uint32_t side;   /* bit mask of servers */
    uint32_t leader; /* UINT32_MAX: none */
    uint32_t target; /* the machine that is hit: what the record says */
};

/* Something that ends a fault later. */
struct cc_undo {
    struct cc_list node;
    struct cc_nemesis *nemesis;
    uint32_t machine;
    uint32_t other;
    uint32_t count;
    struct cc_decider choices;
    uint32_t cuts[CC_MACHINES_MAX]; /* links cut by this fault: from -> bit mask of to */
};

struct cc_nemesis {
    struct cc_cluster *cluster;
    struct cc_workload *workload;
    struct cc_nemesis_options options;
    struct cc_fault_set active;
    enum cc_nemesis_phase phase;
    uint32_t ordinal;
    bool is_over;
    bool is_act_posted;
    bool is_attend_posted;
    struct cc_list undos; /* under way */
    struct cc_stranger *stranger;
    uint64_t fired[CC_FAULT_COUNT];
    uint8_t cuts[CC_MACHINES_MAX][CC_MACHINES_MAX]; /* faults that hold this link cut */
    uint8_t clogs[CC_MACHINES_MAX][CC_MACHINES_MAX];
};

/* True if it came to be.  Sets the target. */
bool cc_nemesis_hit_machine(struct cc_nemesis *nemesis, struct cc_strike *strike);
bool cc_nemesis_hit_power(struct cc_nemesis *nemesis, struct cc_strike *strike);
bool cc_nemesis_hit_link(struct cc_nemesis *nemesis, struct cc_strike *strike);
bool cc_nemesis_hit_disk(struct cc_nemesis *nemesis, struct cc_strike *strike);
bool cc_nemesis_hit_clock(struct cc_nemesis *nemesis, struct cc_strike *strike);
bool cc_nemesis_hit_client(struct cc_nemesis *nemesis, struct cc_strike *strike);
bool cc_nemesis_hit_bytes(struct cc_nemesis *nemesis, struct cc_strike *strike);

/* For a while a disk takes so many times as long. */
void cc_nemesis_slow_disk(
    struct cc_nemesis *nemesis, uint32_t server, uint32_t factor, uint64_t time_us);

/* For a while nothing that is asked of a disk completes. */
void cc_nemesis_hang_disk(struct cc_nemesis *nemesis, uint32_t server, uint64_t time_us);

/* ---- nemesis.c --------------------------------------------------------------------------------
 */

struct cc_world *cc_nemesis_world(struct cc_nemesis *nemesis);

/* For a call that comes sooner or later, or never; the call forgets its undo. */
struct cc_undo *cc_nemesis_undo(struct cc_nemesis *nemesis, uint32_t machine);

/* Calls after a while. */
struct cc_undo *cc_nemesis_later(
    struct cc_nemesis *nemesis, uint64_t wait_us, void (*call)(void *owner), uint32_t machine);
void cc_nemesis_forget(struct cc_undo *undo);

/* The leader every so often, so that it is hit more than its share. */
uint32_t cc_nemesis_choose(struct cc_strike *strike, uint32_t of);

/* ---- nemesis_machine.c ------------------------------------------------------------------------
 */

/* Crashes and is started again after a while. */
bool cc_nemesis_crash(struct cc_nemesis *nemesis, struct cc_decider *choices, uint32_t server);

/* Starts a server that is down, unless the nemesis is over meanwhile. */
void cc_nemesis_restart(void *owner);
bool cc_nemesis_pause(struct cc_nemesis *nemesis, uint32_t machine, uint64_t time_us);

/* ---- nemesis_defect.c -------------------------------------------------------------------------
 */

bool cc_nemesis_defect(struct cc_nemesis *nemesis, struct cc_strike *strike);

/* ---- nemesis_memory.c -------------------------------------------------------------------------
 */

bool cc_nemesis_spoil_memory(struct cc_nemesis *nemesis, struct cc_strike *strike);

/* ---- nemesis_link.c ---------------------------------------------------------------------------
 */

void cc_nemesis_heal_links(struct cc_nemesis *nemesis);

/* For a while what is sent that way comes up to so much later. */
void cc_nemesis_delay(
    struct cc_nemesis *nemesis, uint32_t from, uint32_t to, uint32_t jitter_us, uint64_t time_us);

/* ---- nemesis_partition.c ----------------------------------------------------------------------
 */

bool cc_nemesis_partition(struct cc_nemesis *nemesis, struct cc_strike *strike);

/* For good: cuts a server off from all others, in one direction or both. */
void cc_nemesis_isolate(struct cc_nemesis *nemesis, uint32_t server, bool hears, bool speaks);

#endif /* CC_SIM_NEMESIS_INTERNAL_H */

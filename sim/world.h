/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world -- simulated time and machines behind src/env/env.h.
 *
 * One process, one thread, one seed.  Events lie in a heap by (true time, a drawn tie-break); the
 * gaps between them cost nothing.  A step takes the next event, delivers it and what else is ready
 * for the same machine, and runs that machine's tasks: one pass of its loop.
 *
 * A machine has lives.  A crash ends a life: its memory is given back in one go, nothing of it is
 * called any more, and what was under way for it is dropped when it comes up.
 */
#ifndef CC_SIM_WORLD_H
#define CC_SIM_WORLD_H

#include "env/env.h"
#include "sim/decide.h"

#define CC_MACHINES_MAX 32u

struct cc_world;
struct cc_sim_disk;
struct cc_sim_conn;

enum cc_event_kind {
    CC_EVENT_TIMER,
    CC_EVENT_DISK,
    CC_EVENT_NET_ACCEPT,
    CC_EVENT_NET_OPEN,
    CC_EVENT_NET_DATA,
    CC_EVENT_NET_SENT,
    CC_EVENT_NET_CLOSED,
    CC_EVENT_NET_RESET,
    CC_EVENT_TASKS,
    CC_EVENT_WAKE,
    CC_EVENT_CALL,
};

/* What a loss of power leaves of what was not synced. */
enum cc_loss {
    CC_LOSS_ANY,    /* drawn for each write */
    CC_LOSS_PREFIX, /* all that was written before some byte */
    CC_LOSS_SUBSET, /* any of the writes, each whole */
    CC_LOSS_TORN,   /* any of the sectors */
    CC_LOSS_NAMES,  /* all writes, but no name in doubt */
    CC_LOSS_SIZE,   /* no write, but files are as long as they would be */
};

/* What befalls one request. */
enum cc_disk_fault {
    CC_DISK_FAULT_ANY, /* whatever it asks for fails */
    CC_DISK_FAULT_READ_ERROR,
    CC_DISK_FAULT_WRITE_ERROR,
    CC_DISK_FAULT_SYNC_OLD,   /* a sync, or a durable write, fails: readers see what was before */
    CC_DISK_FAULT_SYNC_NEW,   /* ... readers see the new, which no platter has nor will have */
    CC_DISK_FAULT_SYNC_MIXED, /* ... some sectors of each */
    CC_DISK_FAULT_HANG,       /* never completes in this life */
    CC_DISK_FAULT_LOST_WRITE, /* says it was written */
    CC_DISK_FAULT_MISDIRECTED_WRITE,
    CC_DISK_FAULT_MISDIRECTED_READ,
    CC_DISK_FAULT_COUNT
};

struct cc_event {
    uint64_t time_us;
    uint64_t tie;
    uint64_t serial;
    enum cc_event_kind kind;
    uint32_t machine;
    uint32_t life; /* of the machine; an event of another life is dropped */
    bool is_void;
    void *subject; /* timer, request, connection */
    void *bytes;
    size_t size;
    void (*call)(void *owner);
    struct cc_event *next; /* in a list of events that are held back */
};

struct cc_held {
    struct cc_event *first;
    struct cc_event **end;
};

/* A machine's own view: an environment, memory, clock, disk. */
struct cc_machine {
    struct cc_world *world;
    uint32_t number;
    uint32_t life;
    bool is_up;
    bool is_paused;
    bool is_working;       /* a slow processor is still at the last pass */
    uint32_t pass_cost_us; /* how long a pass takes at most; 0: no time */
    struct cc_env env;
    struct cc_memory memory;
    struct cc_list blocks; /* every allocation of this life */
    uint64_t memory_bytes;
    struct cc_list tasks;
    bool is_task_event_queued;
    bool in_pass;
    int32_t drift_ppm;
    uint64_t clock_local_us; /* local time ... */
    uint64_t clock_true_us;  /* ... at this true time */
    int64_t wall_offset_us;
    struct cc_held held; /* events that wait for the end of a pause */
    struct cc_decider entropy;
    struct cc_decider choices;
    struct cc_sim_disk *disk;
};

struct cc_world_counters {
    uint64_t events;
    uint64_t passes;
    uint64_t idle_us; /* simulated time in gaps of more than 10 ms between events */
    uint64_t torn_writes;
    uint64_t lost_writes;
    uint64_t lost_names;
    uint64_t late_writes;
    uint64_t disk_errors;
    uint64_t resets;
    uint64_t connects;
    uint64_t splits;
    uint64_t prefixes;   /* writes cut behind a prefix by a loss of power */
    uint64_t bare_sizes; /* files that grew without their data */
    uint64_t denied_opens;
    uint64_t holes;   /* connections that went dead unnoticed */
    uint64_t doubled; /* requests that arrived twice */
    uint64_t swallowed;
    uint64_t disk_faults[CC_DISK_FAULT_COUNT];
};

/* Where the events of a pass came from. */
struct cc_pass_sources {
    uint32_t strangers; /* bytes and connections from the stranger's machine */
    uint32_t others;
};

/* Sees the bytes a machine writes to a connection. */
typedef void (*cc_world_tap)(void *owner, uint32_t machine, const void *data, size_t size);

struct cc_world *cc_world_create(uint64_t seed, uint32_t machine_count);
void cc_world_destroy(struct cc_world *world);

/* Begins a life of a machine that is down; its environment is valid until it crashes. */
struct cc_env *cc_world_boot(struct cc_world *world, uint32_t machine);
struct cc_env *cc_world_env(struct cc_world *world, uint32_t machine);

/* Power is lost: unsynced data is kept, lost or torn, connections break, memory is gone. */
void cc_world_crash(struct cc_world *world, uint32_t machine);

/* The process dies, the machine goes on: what was written stays written, synced or not. */
void cc_world_kill(struct cc_world *world, uint32_t machine);

bool cc_world_is_up(const struct cc_world *world, uint32_t machine);

/* Each pass takes up to so long from now on. */
void cc_world_set_cpu(struct cc_world *world, uint32_t machine, uint32_t pass_cost_us);
void cc_world_pause(struct cc_world *world, uint32_t machine);
void cc_world_resume(struct cc_world *world, uint32_t machine);
bool cc_world_is_paused(const struct cc_world *world, uint32_t machine);

/* The machine's clocks, from now on: rate in parts per million off, wall clock off the truth. */
void cc_world_set_drift(struct cc_world *world, uint32_t machine, int32_t ppm);
void cc_world_set_wall(struct cc_world *world, uint32_t machine, int64_t offset_us);

/* One pass of one machine, or one call.  False if nothing is left to happen before `until_us`.
 * `machine_out` says whose pass it was; UINT32_MAX for a call. */
bool cc_world_step(struct cc_world *world, uint64_t until_us, uint32_t *machine_out);

uint64_t cc_world_now_us(const struct cc_world *world);
uint64_t cc_world_trace(const struct cc_world *world); /* hash of all that has happened */
const struct cc_world_counters *cc_world_counters(const struct cc_world *world);
uint64_t cc_world_memory(const struct cc_world *world, uint32_t machine);

/* Something for the harness to do at a time; not bound to a machine's life. */
void cc_world_call(
    struct cc_world *world, uint64_t time_us, void (*call)(void *owner), void *owner);

void cc_world_set_tap(struct cc_world *world, cc_world_tap tap, void *owner);

/* ---- network (sim_net.c, sim_net_fault.c) -----------------------------------------------------
 */

/* One way.  Bytes stall; after a while a connection that uses the link breaks. */
void cc_world_cut(struct cc_world *world, uint32_t from, uint32_t to, bool is_cut);

/* One way.  Bytes stall, and nothing breaks. */
void cc_world_clog(struct cc_world *world, uint32_t from, uint32_t to, bool is_clogged);

/* How a link is: times the latency, up to so much on top of it, so many bytes a millisecond. */
struct cc_link_quality {
    uint32_t slow; /* 1: as usual */
    uint32_t jitter_us;
    uint32_t bytes_per_ms; /* shared by the connections that use it; 0: any */
    bool splits;           /* everything arrives in small pieces */
    bool doubles;          /* frames arrive twice */
};

struct cc_link_quality *cc_world_link(struct cc_world *world, uint32_t from, uint32_t to);
void cc_world_slow(struct cc_world *world, uint32_t from, uint32_t to, uint32_t factor);

/* Breaks every connection between two machines. */
void cc_world_reset(struct cc_world *world, uint32_t left, uint32_t right);

/* Connections between two machines go dead; each end notices after a while of its own. */
bool cc_world_half_open(struct cc_world *world, uint32_t left, uint32_t right);

/* The next bytes of such a link are lost, and their connection breaks. */
void cc_world_swallow(struct cc_world *world, uint32_t from, uint32_t to);

/* Nobody is let in any more; who is in stays. */
void cc_world_refuse(struct cc_world *world, uint32_t machine, bool is_refusing);
void cc_world_heal_network(struct cc_world *world);

/* Keeps what is said at the beginning of connections between machines below `count`.  A record is
 * that of the newest connection which is over; false if there is none. */
void cc_world_record(struct cc_world *world, uint32_t count);
bool cc_world_recorded(
    struct cc_world *world, uint32_t from, uint32_t to, const void **data_out, size_t *size_out);

/* ---- disk (sim_disk.c, sim_disk_fault.c) ------------------------------------------------------
 */

void cc_world_disk_stick(struct cc_world *world, uint32_t machine, bool is_stuck);
void cc_world_disk_slow(struct cc_world *world, uint32_t machine, uint32_t factor);

/* Nothing new fits: no file is made or grows.  What is there can be written over. */
void cc_world_disk_full(struct cc_world *world, uint32_t machine, bool is_full);

/* So many bytes more fit, from now on; or so many fit in all.  COPYCAT_NONE: as many as anybody likes. */
void cc_world_disk_bound(struct cc_world *world, uint32_t machine, uint64_t room);
void cc_world_disk_size(struct cc_world *world, uint32_t machine, uint64_t size_max);

/* No file can be opened: the process has too many. */
void cc_world_disk_deny(struct cc_world *world, uint32_t machine, bool is_denied);

/* Befalls the n-th request from now that it can befall; 0: none. */
void cc_world_disk_strike(
    struct cc_world *world, uint32_t machine, enum cc_disk_fault fault, uint32_t nth);

/* Nothing that was to come comes. */
void cc_world_disk_calm(struct cc_world *world, uint32_t machine);

/* Calls while the n-th request of a kind from now is under way; at most one such call is waited for. */
void cc_world_disk_alarm(
    struct cc_world *world,
    uint32_t machine,
    enum cc_disk_operation operation,
    uint32_t nth,
    void (*call)(void *owner),
    void *owner);

/* How the next loss of power treats what was not synced. */
void cc_world_disk_loss(struct cc_world *world, uint32_t machine, enum cc_loss loss);

/* A bit turns over, or a sector cannot be read any more; `where` says in which file. */
bool cc_world_disk_rot(
    struct cc_world *world, uint32_t machine, bool is_latent, char *where, size_t where_size);

/* Keeps an image of what is on the platter, and goes back to it while the machine is down. */
void cc_world_disk_keep(struct cc_world *world, uint32_t machine);
bool cc_world_disk_roll_back(struct cc_world *world, uint32_t machine);

/* Loses everything the disk ever held. */
void cc_world_disk_wipe(struct cc_world *world, uint32_t machine);

/* ---- between the files of the world -----------------------------------------------------------
 */

struct cc_world {
    uint64_t seed;
    uint64_t now_us;
    uint64_t busy_us; /* of the newest event */
    uint64_t serial;
    uint64_t trace;
    struct cc_event **heap;
    size_t heap_count;
    size_t heap_capacity;
    struct cc_event *spare;
    struct cc_decider schedule;
    uint32_t machine_count;
    struct cc_machine machines[CC_MACHINES_MAX];
    struct cc_world_counters counters;
    cc_world_tap tap;
    void *tap_owner;
    struct cc_net_world *net;
    uint32_t stranger; /* machine of somebody who does not belong here; UINT32_MAX: none */
    struct cc_pass_sources sources; /* of the last pass */
};

struct cc_event *cc_world_event(
    struct cc_world *world, enum cc_event_kind kind, struct cc_machine *machine, void *subject);
void cc_world_post(struct cc_world *world, struct cc_event *event, uint64_t time_us);
void cc_world_free_event(struct cc_world *world, struct cc_event *event);
void cc_held_add(struct cc_held *held, struct cc_event *event);
void cc_held_release(struct cc_world *world, struct cc_held *held);

/* disk */
struct cc_sim_disk *cc_sim_disk_create(struct cc_machine *machine);
void cc_sim_disk_destroy(struct cc_sim_disk *disk);
void cc_sim_disk_crash(struct cc_sim_disk *disk);
void cc_sim_disk_kill(struct cc_sim_disk *disk);
void cc_sim_disk_request(struct cc_env *env, struct cc_disk_request *request);
/* False if the completion is held back. */
bool cc_sim_disk_deliver(struct cc_sim_disk *disk, struct cc_event *event);

/* network */
struct cc_net_world *cc_sim_net_create(struct cc_world *world);
void cc_sim_net_destroy(struct cc_net_world *net);
void cc_sim_net_crash(struct cc_machine *machine);
/* The machine at the other end of an event's connection; UINT32_MAX: none any more. */
uint32_t cc_sim_net_source(const struct cc_event *event);
/* False if the event is held back. */
bool cc_sim_net_deliver(struct cc_world *world, struct cc_event *event);
/* An event of a connection is dropped unseen. */
void cc_sim_net_drop(struct cc_world *world, struct cc_event *event);
copycat_status cc_sim_net_listen(
    struct cc_env *env, struct cc_listener *listener, const char *address);
void cc_sim_net_unlisten(struct cc_env *env, struct cc_listener *listener);
void cc_sim_net_connect(struct cc_env *env, struct cc_conn *conn, const char *address);
void cc_sim_net_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size);
void cc_sim_net_close(struct cc_env *env, struct cc_conn *conn);

#endif /* CC_SIM_WORLD_H */

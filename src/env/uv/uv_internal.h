/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_internal -- what the files of env/uv share.  Who may touch what: everything belongs to the
 * thread that runs the loop, but for the inbox and `is_stopping` (any thread), a lane's queue
 * (under its lock) and a job between its start and its post (one of the lane's threads alone).
 */
#ifndef CC_ENV_UV_UV_INTERNAL_H
#define CC_ENV_UV_UV_INTERNAL_H

#include "base/heap.h"
#include "env/uv/env_uv.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <uv.h>

#define CC_UV_READ_SIZE (64u << 10)
#define CC_UV_ERROR_SIZE 512u

struct cc_env_uv;
struct cc_uv_ring;

/* ---- jobs on helper threads ------------------------------------------------------------------ */

/* `work` runs on a lane's thread, then `finish` on the loop's, which frees the job; in an
 * environment that is closing it does no more than that. */
struct cc_uv_job {
    void (*work)(struct cc_uv_job *job);
    void (*finish)(struct cc_uv_job *job);
    struct cc_env_uv *uv;
    int error; /* an errno, 0: none */
    struct cc_post post;
    struct cc_uv_job *next; /* in its lane */
    struct cc_list node;    /* of all jobs */
};

#define CC_UV_LANE_THREADS_MAX 4u

/*
 * A queue and the threads that empty it, each started when a job comes and none is free.  A sync of
 * many megabytes must not hold up the write the cluster waits for, nor may a name server hold up
 * either: hence more than one lane.
 */
struct cc_uv_lane {
    uv_mutex_t mutex;
    uv_cond_t filled;
    struct cc_uv_job *first;
    struct cc_uv_job **last;
    uint32_t waiting; /* jobs in the queue, */
    uint32_t free;    /* and threads that wait for one: under the lock, as all above */
    bool is_ending;   /* likewise */
    uv_thread_t threads[CC_UV_LANE_THREADS_MAX];
    uint32_t thread_count;
};

enum cc_uv_lane_name {
    CC_UV_LANE_DURABLE, /* durable writes and reads, where there is no ring */
    CC_UV_LANE_SLOW,    /* every other disk operation */
    CC_UV_LANE_NAMES,   /* host names */
    CC_UV_LANE_WORK,    /* reads with work behind them, in any order; the others keep theirs */
    CC_UV_LANES,
};

copycat_status cc_uv_lanes_init(struct cc_env_uv *uv);
void cc_uv_lanes_end(struct cc_env_uv *uv); /* once all their jobs have run */
void cc_uv_lanes_deinit(struct cc_env_uv *uv);

/* `job_take`: initialised, `work` and `finish` set; it finishes later even if there is no thread.
 */
void cc_uv_job_init(struct cc_env_uv *uv, struct cc_uv_job *job);
void cc_uv_job_start(struct cc_uv_job *job_take, enum cc_uv_lane_name lane);

/* A thread in which all signals are blocked. */
bool cc_uv_thread_create(uv_thread_t *thread, void (*main)(void *owner), void *owner);

/* ---- descriptors ----------------------------------------------------------------------------- */

/* One descriptor in the loop.  It outlives its closing by one pass, `owner` being NULL. */
struct cc_uv_watch {
    uv_poll_t poll;
    struct cc_env_uv *uv;
    int descriptor;
    int events;
    void (*ready)(void *owner, int events); /* 0: broken, and no longer watched */
    void *owner;
};

/* NULL if there is no memory, or if the descriptor cannot be watched. */
struct cc_uv_watch *cc_uv_watch_open(
    struct cc_env_uv *uv, int descriptor, void (*ready)(void *owner, int events), void *owner);
void cc_uv_watch_set(struct cc_uv_watch *watch, int events);

/* Gives the descriptor, which the caller closes. */
int cc_uv_watch_close(struct cc_uv_watch *watch);

/* How a directory is written durably, as found out there. */
struct cc_uv_way {
    bool is_known;
    bool is_direct;
    bool has_dsync;
    dev_t device;
    ino_t inode;
};

#define CC_UV_WAYS 8u

/* ---- the environment ------------------------------------------------------------------------- */

struct cc_env_uv {
    struct cc_env env;
    struct cc_memory counting;      /* the environment's memory: lender's, counted */
    const struct cc_memory *lender; /* what the environment was opened with */
    uv_loop_t loop;
    uv_async_t async; /* behind the inbox, and behind what is asked outside a pass */
    _Atomic(struct cc_post *) inbox;
    atomic_bool is_stopping;
    atomic_bool is_awake; /* in a pass, and yet to look into the inbox: nobody need ring */
    bool in_pass;
    bool is_woken;
    bool is_closing;     /* no pass will come again */
    bool is_abandoned;   /* and the last one did not come to its end */
    uint64_t happenings; /* callbacks so far; a pass that adds none has left nothing to do */
    struct cc_list tasks;

    struct cc_heap timers;
    struct cc_uv_watch *alarm;
    uint64_t alarm_us; /* when it goes off; UINT64_MAX: not set */
    uint64_t fired_us; /* every timer up to here has fired */

    struct cc_list conns;
    struct cc_uv_conn *spare; /* for who connects while there is no memory */
    bool is_spare_used;
    struct cc_list ready_conns; /* something is to be told to their users */
    struct cc_list listeners;
    unsigned char *read_buffer;

    struct cc_uv_lane lanes[CC_UV_LANES];
    struct cc_list jobs;
    struct cc_list files;
    struct cc_list locks;
    struct cc_list refused;            /* disk requests for which there was no memory */
    struct cc_uv_way ways[CC_UV_WAYS]; /* the slow lane's */
    uint32_t way_next;
    struct cc_uv_ring *ring;

    char error[CC_UV_ERROR_SIZE];
};

static inline struct cc_env_uv *cc_uv_of(struct cc_env *env)
{
    return env->backend;
}

/* So that what is asked outside a pass is seen: a host's descriptor becomes readable. */
void cc_uv_wake(struct cc_env_uv *uv);

/* Keeps the sentence; `error` is an errno whose text is put behind it, or 0. */
void cc_uv_say(struct cc_env_uv *uv, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Runs what was posted, on the loop's thread. */
void cc_uv_inbox_empty(struct cc_env_uv *uv);

/* ---- timers ---------------------------------------------------------------------------------- */

copycat_status cc_uv_timers_open(struct cc_env_uv *uv);
void cc_uv_timers_close(struct cc_env_uv *uv);
void cc_uv_timers_fire(struct cc_env_uv *uv);
void cc_uv_timers_set(struct cc_env_uv *uv);
uint64_t cc_uv_now_us(struct cc_env *env);
void cc_uv_timer_arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us);
void cc_uv_timer_disarm(struct cc_env *env, struct cc_timer *timer);

/* ---- network --------------------------------------------------------------------------------- */

#define CC_UV_ADDRESS_SIZE 300u
#define CC_UV_ADDRESSES_MAX 8u

/* What an address stands for: several, tried one after the other. */
struct cc_uv_address {
    struct sockaddr_storage socket;
    socklen_t size;
};

struct cc_uv_conn;

struct cc_uv_lookup {
    struct cc_uv_job job;
    struct cc_uv_conn *conn; /* NULL: given up meanwhile */
    char text[CC_UV_ADDRESS_SIZE];
    char host[CC_UV_ADDRESS_SIZE];
    char port[8];
    struct cc_uv_address found[CC_UV_ADDRESSES_MAX];
    uint32_t count;
    uint32_t next;
    bool is_waiting; /* the job is under way */
};

/* False if the text is no address, or for want of memory; `text`, `host` and `port` are set. */
bool cc_uv_lookup_parse(struct cc_uv_lookup *lookup, const char *text);

/* Fills `found`; unix sockets and numbers need no name server.  `may_ask`: one may be asked. */
void cc_uv_lookup_find(struct cc_uv_lookup *lookup, bool may_ask);
bool cc_uv_address_is_local(const struct cc_uv_address *address);
bool cc_uv_peer_is_self(int descriptor); /* of a unix socket: this process, not a child of it */
void cc_uv_address_print(const struct cc_uv_address *address, char *text_out, size_t size);

void cc_uv_connect(struct cc_env *env, struct cc_conn *conn, const char *address);
void cc_uv_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size);
void cc_uv_close(struct cc_env *env, struct cc_conn *conn);
void cc_uv_conns_deliver(struct cc_env_uv *uv);
/* The spare one; false: no memory. */
bool cc_uv_conns_open(struct cc_env_uv *uv);
void cc_uv_conns_close(struct cc_env_uv *uv);

/* Room for a newcomer, NULL if there is none; then either join or discard.  Takes `descriptor`. */
struct cc_uv_conn *cc_uv_conn_accept(struct cc_env_uv *uv, int descriptor, int family);
void cc_uv_conn_join(struct cc_uv_conn *conn, struct cc_conn *user);
void cc_uv_conn_discard(struct cc_uv_conn *conn);

copycat_status cc_uv_listen(struct cc_env *env, struct cc_listener *listener, const char *address);
void cc_uv_unlisten(struct cc_env *env, struct cc_listener *listener);
void cc_uv_listeners_close(struct cc_env_uv *uv);

/* ---- disk ------------------------------------------------------------------------------------ */

/* Two descriptors for one file: what is whole aligned blocks may go past the page cache. */
struct cc_file {
    struct cc_list node;
    int descriptor;
    int direct;     /* -1: none */
    bool has_dsync; /* RWF_DSYNC works here; else each durable write is followed by fdatasync */
    char path[];
};

struct cc_uv_lock {
    struct cc_list node;
    int descriptor;
    char path[];
};

#define CC_UV_NAMES_SIZE (16u << 10)

struct cc_uv_disk_job {
    struct cc_uv_job job;
    struct cc_disk_request *request;
    struct cc_file *file;
    struct cc_uv_lock *lock;
    size_t done; /* bytes read or written */
    bool is_syncing;
    bool is_short; /* the file ends before the read does */
    void *directory;
    char *names; /* each with its zero */
    size_t names_size;
    uint64_t file_size;
    uint64_t room;         /* free bytes of a file system */
    struct cc_list flight; /* in the ring */
};

/* Of this process or of the whole machine: what was to be opened has nothing to do with it. */
static inline bool cc_uv_is_out_of_descriptors(int error)
{
    return error == EMFILE || error == ENFILE;
}

void cc_uv_disk(struct cc_env *env, struct cc_disk_request *request);
void cc_uv_disk_refused(struct cc_env_uv *uv);
void cc_uv_disk_close(struct cc_env_uv *uv); /* once nothing is under way */

/* Frees the job and tells the request, or starts the next part of a long answer. */
void cc_uv_disk_finish(struct cc_uv_job *job);

/* Carries the request out, blocking; on a lane's thread. */
void cc_uv_file_work(struct cc_uv_job *job);

/* The descriptor for what is left of a read or write. */
int cc_uv_file_descriptor(const struct cc_uv_disk_job *job);

/* The next bytes of it; no more than 32 bits can count. */
struct iovec cc_uv_file_piece(const struct cc_uv_disk_job *job);

/* Takes the outcome of a part: what was transferred, or a negated errno.  True: the job is done. */
bool cc_uv_file_advance(struct cc_uv_disk_job *job, long outcome);
void cc_uv_file_shut(struct cc_file *file);

/* The directory part of `path`; false if it is too long. */
bool cc_uv_parent_of(const char *path, char parent_out[PATH_MAX]);

/* 0 or an errno. */
int cc_uv_directory_sync(const char *path);
void cc_uv_directory_lock(struct cc_uv_disk_job *job);
void cc_uv_directory_unlock(struct cc_uv_disk_job *job);

/* As many names as have room; the rest when the loop has told these. */
void cc_uv_directory_list(struct cc_uv_disk_job *job);

/* ---- the ring -------------------------------------------------------------------------------- */

/* NULL if a trial shows that io_uring does not work here. */
struct cc_uv_ring *cc_uv_ring_open(struct cc_env_uv *uv);
void cc_uv_ring_put(struct cc_uv_ring *ring, struct cc_uv_disk_job *job);
void cc_uv_ring_submit(struct cc_uv_ring *ring); /* at the end of a pass */

/* Waits for what is under way, and tells nobody. */
void cc_uv_ring_close(struct cc_uv_ring *ring);

#endif /* CC_ENV_UV_UV_INTERNAL_H */

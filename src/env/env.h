/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env -- THE SEAM: clock, entropy, timers, disk and network.  Whatever touches the outside world
 * goes through here, so that the simulator runs the same server, client and log as a machine does.
 *
 * Where it sits:   below log, client and server; implemented by sim/ and by env/uv.
 * Form:            small tables of functions over caller-owned request structs.  Each request
 *                  completes exactly once, on the loop thread, and never inside the call that
 *                  made it.  A request and what it points to stay valid until it has completed.
 * Passes:          the loop works in passes: what is ready is delivered, then every task given to
 *                  `later` runs once, in the order given.  Batches and flushes hang on that.
 *
 * Invariants
 *   E1  now_us never goes back within one process life; it counts while the machine sleeps.
 *   E2  a completed durable write survives power loss; a failed request left any mixture behind.
 *   E3  bytes of one connection arrive in order, at most once, split anywhere, or not at all.
 *   E4  after conn_close returns, no callback of that connection runs any more.
 */
#ifndef CC_ENV_ENV_H
#define CC_ENV_ENV_H

#include "base/list.h"
#include "base/memory.h"

#include <copycat/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cc_env;

/* ---- timers and tasks ------------------------------------------------------------------------ */

/* Zero-initialise, then set `fire` and `owner`. */
struct cc_timer {
    void (*fire)(struct cc_timer *timer);
    void *owner;
    uint64_t deadline_us;
    bool armed;
    void *backend; /* the environment's own */
};

/* Runs once at the end of the pass it was given in; giving it twice in a pass is one run. */
struct cc_task {
    void (*run)(struct cc_task *task);
    void *owner;
    struct cc_list node;
    bool queued;
};

/* ---- disk ------------------------------------------------------------------------------------ */

struct cc_file; /* an open file; the environment's own */

enum cc_disk_operation {
    CC_DISK_LOCK,     /* makes the directory `name` if absent and locks it for this process */
    CC_DISK_UNLOCK,   /* releases that lock; also implied by the end of the process */
    CC_DISK_LIST,     /* calls on_name for each file in directory `name`, then completes */
    CC_DISK_OPEN,     /* opens file `name`; `create` makes it if absent; gives `file` and `size` */
    CC_DISK_READ,     /* reads exactly `size` bytes at `offset` into `data`; past the end is -IO */
    CC_DISK_WRITE,    /* writes all of `data`; durable when complete if `durable` */
    CC_DISK_SYNC,     /* makes all completed writes of `file` and its length durable */
    CC_DISK_SYNC_DIR, /* makes the names in directory `name` durable */
    CC_DISK_CLOSE,    /* closes `file`; the pointer is dead at once */
    CC_DISK_REMOVE,   /* removes the name `name` */
    CC_DISK_ROOM,     /* how many bytes are free where the directory `name` is, into `offset` */
};

/* Alignment of data, offset and size of reads and writes of whole blocks. */
#define CC_DISK_BLOCK 4096u
#define CC_DISK_SECTOR 512u

/*
 * The caller fills operation and its fields, `done` and `owner`; the rest is the environment's.
 * `status` is COPYCAT_OK, COPYCAT_ERR_IO, COPYCAT_ERR_DISK_FULL, COPYCAT_ERR_LOCKED (LOCK) or
 * COPYCAT_ERR_INVALID (OPEN of a name that does not exist without `create`, REMOVE of one), or
 * COPYCAT_ERR_BUSY (LOCK, LIST, OPEN, SYNC_DIR: no descriptor is left; nothing that was promised is
 * touched, and the same may be asked again).
 *
 * An OPEN that is `exclusive` waits for those who had the file so and are gone: a process may end
 * with writes under way, the system carries them out behind it, and one that came late would be over
 * what its successor has written there.  Of the same process nobody else may have the file so.
 *
 * `work` is for what takes long with bytes that were just read: checksums, unpacking.  It runs once,
 * after all of them were read and before `done`, and not at all where they were not; on another
 * thread, it may be, beside the loop and beside the work of other requests.  So it touches the bytes
 * and what the owner has lent this one request until `done`: no environment, no allocator, nothing
 * that anybody else may touch meanwhile.
 */
struct cc_disk_request {
    enum cc_disk_operation operation;
    bool durable;
    bool create;
    bool exclusive;   /* of an OPEN; see below */
    const char *name; /* path, borrowed until done */
    struct cc_file *file;
    void *data;
    uint64_t offset;
    size_t size;
    void (*on_name)(struct cc_disk_request *request, const char *name);
    void (*work)(struct cc_disk_request *request); /* of a READ, or NULL; see below */
    void (*done)(struct cc_disk_request *request);
    void *owner;
    copycat_status status;
    struct cc_list node; /* the environment's own while under way */
    void *backend;       /* likewise */
};

/* For environments, when the status of a request is known: its work, if it has any. */
static inline void cc_disk_request_work(struct cc_disk_request *request)
{
    if (request->operation == CC_DISK_READ && request->status == COPYCAT_OK &&
        request->work != NULL) {
        request->work(request);
    }
}

/* ---- network --------------------------------------------------------------------------------- */

/*
 * One connection; caller-owned memory.  Zero-initialise and set the callbacks.  `on_open` comes
 * once for a connection that was asked for with conn_connect; `on_closed` at most once, when the
 * other side or the network ended it.  `on_sent` says that the bytes of the one write under way
 * have been taken and the buffer is free again.
 */
struct cc_conn {
    void (*on_open)(struct cc_conn *conn);
    void (*on_data)(struct cc_conn *conn, const void *data, size_t size);
    void (*on_sent)(struct cc_conn *conn);
    void (*on_closed)(struct cc_conn *conn);
    void *owner;
    void *backend;
};

/*
 * `on_accept` returns the connection to use for a newcomer, callbacks set, or NULL to refuse it.
 * `on_short` comes before it where nearly all descriptors are in use and the rest are kept for
 * files: true if a connection of this listener was closed in favour of the newcomer, who else is
 * turned away for the reason in `text`, a sentence for people.  NULL: always turned away.
 */
struct cc_listener {
    struct cc_conn *(*on_accept)(struct cc_listener *listener);
    bool (*on_short)(struct cc_listener *listener, const char *text);
    void *owner;
    void *backend;
};

/* ---- counters -------------------------------------------------------------------------------- */

/* Totals since the environment was made, for reports and for tests; nothing is decided by them.  The
 * channels count frames; the rest is the backend's, and zero where it does not count. */
struct cc_env_counters {
    uint64_t waits;  /* times the loop asked the system what is ready */
    uint64_t passes; /* a wait may be followed by several */
    uint64_t reads;  /* from sockets: calls and bytes */
    uint64_t read_bytes;
    uint64_t writes;
    uint64_t written_bytes;
    uint64_t accepted;
    uint64_t frames_sent;
    uint64_t frames_received;
    uint64_t disk_reads;
    uint64_t disk_writes; /* requests; durable ones among them */
    uint64_t disk_durable_writes;
    uint64_t disk_written_bytes;
    uint64_t disk_syncs;
    uint64_t allocations; /* blocks taken from the environment's memory or made larger */
};

/* ---- the table ------------------------------------------------------------------------------- */

struct cc_env {
    const struct cc_env_table *table;
    const struct cc_memory *memory;
    void *backend;
    struct cc_env_counters counters;
};

struct cc_env_table {
    uint64_t (*now_us)(struct cc_env *env);  /* monotonic, counts sleep (CLOCK_BOOTTIME) */
    uint64_t (*wall_us)(struct cc_env *env); /* Unix time; may jump; only for a first log time */
    void (*entropy)(struct cc_env *env, void *data, size_t size);
    void (*timer_arm)(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us);
    void (*timer_disarm)(struct cc_env *env, struct cc_timer *timer);
    void (*later)(struct cc_env *env, struct cc_task *task);
    void (*task_cancel)(struct cc_env *env, struct cc_task *task);
    void (*disk)(struct cc_env *env, struct cc_disk_request *request);
    copycat_status (*listen)(struct cc_env *env, struct cc_listener *listener, const char *address);
    void (*unlisten)(struct cc_env *env, struct cc_listener *listener);
    void (*conn_connect)(struct cc_env *env, struct cc_conn *conn, const char *address);
    void (*conn_write)(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size);
    void (*conn_close)(struct cc_env *env, struct cc_conn *conn);
};

static inline uint64_t cc_env_now_us(struct cc_env *env)
{
    return env->table->now_us(env);
}

static inline uint64_t cc_env_wall_us(struct cc_env *env)
{
    return env->table->wall_us(env);
}

static inline void cc_env_entropy(struct cc_env *env, void *data, size_t size)
{
    env->table->entropy(env, data, size);
}

/* Re-arming an armed timer moves it.  A deadline in the past fires in the next pass. */
static inline void cc_env_timer_arm(
    struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    env->table->timer_arm(env, timer, deadline_us);
}

static inline void cc_env_timer_disarm(struct cc_env *env, struct cc_timer *timer)
{
    env->table->timer_disarm(env, timer);
}

static inline void cc_env_later(struct cc_env *env, struct cc_task *task)
{
    env->table->later(env, task);
}

static inline void cc_env_task_cancel(struct cc_env *env, struct cc_task *task)
{
    env->table->task_cancel(env, task);
}

static inline void cc_env_disk(struct cc_env *env, struct cc_disk_request *request)
{
    env->table->disk(env, request);
}

static inline copycat_status cc_env_listen(
    struct cc_env *env, struct cc_listener *listener, const char *address)
{
    return env->table->listen(env, listener, address);
}

static inline void cc_env_unlisten(struct cc_env *env, struct cc_listener *listener)
{
    env->table->unlisten(env, listener);
}

static inline void cc_env_conn_connect(
    struct cc_env *env, struct cc_conn *conn, const char *address)
{
    env->table->conn_connect(env, conn, address);
}

/* One write may be under way per connection; `data` is borrowed until on_sent, on_closed or close.
 */
static inline void cc_env_conn_write(
    struct cc_env *env, struct cc_conn *conn, const void *data, size_t size)
{
    env->table->conn_write(env, conn, data, size);
}

static inline void cc_env_conn_close(struct cc_env *env, struct cc_conn *conn)
{
    env->table->conn_close(env, conn);
}

#endif /* CC_ENV_ENV_H */

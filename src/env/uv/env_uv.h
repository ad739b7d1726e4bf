/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_uv -- the seam on a real machine: a libuv loop of its own, sockets, files, io_uring.
 *
 * Where it sits:   implements src/env/env.h; made by whoever embeds a server or a client.
 * Threads:         one thread at a time runs the loop, and everything but cc_env_uv_post and
 *                  cc_env_uv_stop belongs to it.  Helper threads, made when first needed, block all
 *                  signals and touch only the request at hand.
 * A guest:         no signal handler, no SIGPIPE, nothing of libuv's global thread pool or default
 *                  loop, no printing.
 * Memory:          from `memory`, on the loop's thread only; libuv and libc take their own.
 * Addresses:       "host:port", "[v6]:port", "unix:/path", "local:name" (within this process);
 *                  port 0: any, see cc_env_uv_address.  A connection's name is looked for on a helper thread; a listener's at once.
 *
 * A pass: wait until something is ready · deliver it: bytes (a bounded number for each connection),
 * completions, posts · timers that are due · tasks, until none is left · hand the disk what was
 * asked for · set the one timer of the system to the earliest deadline.
 */
#ifndef CC_ENV_UV_ENV_UV_H
#define CC_ENV_UV_ENV_UV_H

#include "env/env.h"

enum cc_env_uv_disk {
    CC_ENV_UV_DISK_AUTO,   /* io_uring where a trial shows that it works, else threads */
    CC_ENV_UV_DISK_RING,   /* io_uring, or opening fails with COPYCAT_ERR_UNSUPPORTED */
    CC_ENV_UV_DISK_THREAD, /* never io_uring */
};

struct cc_env_uv_options {
    enum cc_env_uv_disk disk;
};

/*
 * What another thread wants to be run on the loop's thread.  Caller-owned: set `run` and `owner`;
 * valid, and not posted again, until it runs.
 */
struct cc_post {
    void (*run)(struct cc_post *post);
    void *owner;
    struct cc_post *next; /* the environment's own */
};

/* Partner: cc_env_uv_close.  `options` may be NULL.  COPYCAT_ERR_IO: the system refuses a loop, a
 * descriptor or memory. */
copycat_status cc_env_uv_open(
    struct cc_env **env_out,
    const struct cc_memory *memory,
    const struct cc_env_uv_options *options);

/*
 * Ends everything without another callback: connections and listeners are closed, disk requests
 * that are under way are waited for, open files closed, locks released.  Then whatever was lent is
 * free.  Not from within a pass; accepts NULL.
 */
void cc_env_uv_close(struct cc_env *env);

/*
 * The same from within a pass that nobody will go on with, for a promise has been broken in it:
 * nothing runs any more and nothing is watched.  What is left, to be closed by cc_env_uv_close, is
 * the loop itself and its descriptor, which is not readable again.
 */
void cc_env_uv_abandon(struct cc_env *env);

/*
 * Passes until cc_env_uv_stop; at once if that came before.  Another thread may run the loop later,
 * but not while disk requests are under way: the system gives up those of a thread that ends.
 */
void cc_env_uv_run(struct cc_env *env);

/* The run under way, or else the next, ends with the pass at hand.  From any thread. */
void cc_env_uv_stop(struct cc_env *env);

/* In a host's loop: everything that is ready; never waits.  What is left after some passes makes
 * the descriptor readable again. */
void cc_env_uv_process(struct cc_env *env);

/* Readable means: call cc_env_uv_process.  Timers and posts are behind it too. */
int cc_env_uv_fd(const struct cc_env *env);

/* Runs `post` on the loop's thread, in the order of posting.  From any thread; the only call, with
 * cc_env_uv_stop, that is. */
void cc_env_uv_post(struct cc_env *env, struct cc_post *post);

/* A sentence for people about the last call or request that failed, "" if none has; borrowed until
 * the next one. */
const char *cc_env_uv_last_error(const struct cc_env *env);

/* Where `listener` listens, as an address to connect to; the port that was drawn if 0 was asked. */
copycat_status cc_env_uv_address(
    const struct cc_env *env, const struct cc_listener *listener, char *text_out, size_t size);

/* What a disk call that ended with this error of the system, not 0, comes to at the seam. */
copycat_status cc_env_uv_disk_status(enum cc_disk_operation operation, int error);

/* "io_uring" or "thread". */
const char *cc_env_uv_disk_name(const struct cc_env *env);

/* ---- a thread for the loop ------------------------------------------------------------------- */

struct cc_env_uv_thread;

/* A thread, all signals blocked in it, for `main`, which calls cc_env_uv_run; or NULL: it is all the
 * thread does.  NULL if there can be none.  Partner: cc_env_uv_thread_join, which waits until `main`
 * is through. */
struct cc_env_uv_thread *cc_env_uv_thread_start(
    struct cc_env *env, void (*main)(void *owner), void *owner);
void cc_env_uv_thread_join(struct cc_env_uv_thread *thread);

/* Instead of being joined, called on that thread: `ended` is the last thing the thread does, after
 * `main`.  It may close the environment. */
void cc_env_uv_thread_leave(
    struct cc_env_uv_thread *thread, void (*ended)(void *owner), void *owner);

#endif /* CC_ENV_UV_ENV_UV_H */

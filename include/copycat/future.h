/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/future.h -- what an operation will have come to, and the three ways to take it: wait for
 * it, be called, or find it in a queue.
 *
 * A future is taken exactly once, by copycat_await, copycat_future_then, copycat_future_into or
 * copycat_future_drop, and is gone after that.  Closing its client completes it, with
 * COPYCAT_ERR_CLOSED if nothing else has come, but does not take it: that may be done later.
 *
 * Two times can run out.  That of the call (copycat_call_options, 30 s) ends the call, however it is
 * taken; that of copycat_await ends the waiting, and with it the call.  Both come to TIMEOUT if nothing
 * was sent or the call is a query: it did not happen.  They come to OUTCOME for a command that was
 * sent, which may happen or not.
 *
 * Threads: [any] from every thread; [outside] from every thread but the one that runs callbacks.
 * After fork, in the child, all that the parent has opened is dead: calls come to
 * COPYCAT_ERR_CLOSED, closing does nothing.
 */
#ifndef COPYCAT_FUTURE_H
#define COPYCAT_FUTURE_H

#include <copycat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_future copycat_future;
typedef struct copycat_value copycat_value;
typedef struct copycat_queue copycat_queue;

/* ---- values ----------------------------------------------------------------------------------- */

/* All getters accept NULL, which is a value with nothing in it.  What they return is borrowed from
 * the value. [any] */

/* True if there is nothing: the key is absent, or the operation has no result. */
COPYCAT_API int copycat_value_is_absent(const copycat_value *value);

/* The bytes; {NULL, 0} if there are none.  Behind them stands a zero that `size` does not count. */
COPYCAT_API copycat_bytes copycat_value_bytes(const copycat_value *value);

/* An answer of yes or no: 1 or 0. */
COPYCAT_API int copycat_value_bool(const copycat_value *value);

/* A number; 0 if there is none. */
COPYCAT_API uint64_t copycat_value_uint64(const copycat_value *value);

/* The log index of the command, or that of the state which a query has read. */
COPYCAT_API uint64_t copycat_value_index(const copycat_value *value);

/* A list: how many, the place-th of them, and whether more would follow its last. */
COPYCAT_API uint32_t copycat_value_count(const copycat_value *value);
COPYCAT_API copycat_bytes copycat_value_at(const copycat_value *value, uint32_t place);
COPYCAT_API int copycat_value_is_more(const copycat_value *value);

/* Accepts NULL. */
COPYCAT_API void copycat_value_free(copycat_value *value);

/* ---- futures ---------------------------------------------------------------------------------- */

/*
 * Waits at most `timeout_ms`, COPYCAT_NONE: for as long as it takes.  The caller frees `*value_out`,
 * which is NULL unless COPYCAT_OK is returned; `value_out` may be NULL. [outside]
 *
 * Then a command that was not sent is taken back, COPYCAT_ERR_TIMEOUT; one that was sent comes to
 * COPYCAT_ERR_OUTCOME, as does one of which nobody can say at once, for it waits for an earlier call of
 * its resource or the loop is busy: that takes up to 250 ms more.  COPYCAT_ERR_INVALID: called where
 * callbacks run, it would wait for itself.
 */
COPYCAT_API copycat_status
copycat_await(copycat_future *future, uint64_t timeout_ms, copycat_value **value_out);

/* `value` is the callback's to free with copycat_value_free, and NULL unless `status` is OK. */
typedef void (*copycat_then)(copycat_status status, copycat_value *value, void *user);

/*
 * Calls `then` once, later, where the client's callbacks run; never inside this call. [any]
 *
 * Unless there is no place for that: once the client's close has been reported, if it has come to
 * COPYCAT_ERR_BROKEN, and where there was no memory for the future itself, `then` is called before this returns.
 */
COPYCAT_API void copycat_future_then(copycat_future *future, copycat_then then, void *user);

/* Delivers into `queue`, under `tag`.  MEMORY, or CLOSED after fork: the call was not made, and
 * nothing will come. [any] */
COPYCAT_API copycat_status
copycat_future_into(copycat_future *future, copycat_queue *queue, uint64_t tag);

/* Whatever comes of it is not wanted. [any] */
COPYCAT_API void copycat_future_drop(copycat_future *future);

/* ---- completion queues ------------------------------------------------------------------------ */

/* What has come; frozen. */
typedef struct copycat_completion {
    uint64_t tag;
    copycat_value *value; /* the caller frees it; NULL unless `status` is OK */
    copycat_status status;
    uint32_t reserved;
} copycat_completion;

/* Partner: copycat_queue_close.  COPYCAT_ERR_MEMORY, or no descriptor is left. [any] */
COPYCAT_API copycat_status copycat_queue_open(copycat_queue **queue_out);

/* Frees what has not been taken.  No future may be on its way into it.  Accepts NULL. */
COPYCAT_API void copycat_queue_close(copycat_queue *queue);

/* Readable while something is in the queue: for poll and its kind.  Only look at it. */
COPYCAT_API int copycat_queue_fd(const copycat_queue *queue);

/* The next completion; COPYCAT_ERR_TIMEOUT if none comes in time (0: at once). [any] */
COPYCAT_API copycat_status
copycat_queue_next(copycat_queue *queue, uint64_t timeout_ms, copycat_completion *completion_out);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_FUTURE_H */

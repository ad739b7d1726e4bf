/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/client.h -- connect to a cluster and hold a session there.
 *
 * Threads: a client has a loop thread of its own, on which all its callbacks run, one at a time;
 * with `host_loop` it has none and lives in the thread that opened it.  [any] may be called from
 * every thread, [outside] from every thread but that one, [loop] only from it.
 *
 * A fault inside a client ends that client, not your process: it is ENDED, and all its calls, also
 * those under way, come to COPYCAT_ERR_BROKEN.  It has no loop any more: callbacks are called on the
 * thread that asks for them, `closed` within copycat_client_close if there is `host_loop`.  Some of
 * its memory is not given back.  (What the host breaks, such as taking a future twice, aborts.)
 */
#ifndef COPYCAT_CLIENT_H
#define COPYCAT_CLIENT_H

#include <copycat/future.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_client copycat_client;

enum {
    COPYCAT_CLIENT_CONNECTING = 0, /* no session yet */
    COPYCAT_CLIENT_OPEN = 1,       /* connected, and the session lives */
    COPYCAT_CLIENT_SUSPENDED = 2,  /* no server that serves the session; it may live or not */
    COPYCAT_CLIENT_ENDED = 3, /* the session has ended, or the client is broken; open another */
    COPYCAT_CLIENT_CLOSED = 4
};

/* Zero means default, so fields can be added at the end; no padding, or an old caller's garbage
 * would be read.  What it points to is copied, and so is itself. */
typedef struct copycat_client_options {
    size_t size;                                 /* set by COPYCAT_CLIENT_OPTIONS_INIT */
    void (*changed)(uint32_t state, void *user); /* told of each new COPYCAT_CLIENT_*; or NULL */
    void *user;                                  /* of changed */
    uint32_t session_timeout_ms; /* 100 to 3600000, 0: 5000; the cluster may grant another */
    uint32_t window;             /* calls sent and not answered, 0: 256; above 1024: 1024 */
    uint32_t waiting;            /* calls beyond those, 0: 4096, at most 1048576; then BUSY */
    uint32_t host_loop;          /* 1: no thread; see copycat_client_fd */
} copycat_client_options;

#define COPYCAT_CLIENT_OPTIONS_INIT                            \
    {                                                          \
        sizeof(copycat_client_options), NULL, NULL, 0, 0, 0, 0 \
    }

/* For who cannot use the macro.  `size` is that of the caller's struct. */
COPYCAT_API void copycat_client_options_init(copycat_client_options *options, size_t size);

/*
 * Starts a client of the cluster at `servers`: "host:port", "unix:/path" or, of a server in this
 * process, "local:name"; or lists of members as servers are given them ("1=host:port"); separated by
 * commas.  Any of the cluster's servers will do.  Does not wait until one is reached: calls do, and
 * copycat_client_trouble says why none is.  `options` may be NULL.  `message_out`, which may be NULL,
 * gets a sentence on failure: INVALID, UNSUPPORTED, or MEMORY, also if no descriptor is left.
 * Partner: copycat_client_close. [any]
 */
COPYCAT_API copycat_status copycat_client_open(
    copycat_client **client_out,
    const char *servers,
    const copycat_client_options *options,
    copycat_message *message_out);

/*
 * Ends the session, completes everything that is outstanding with COPYCAT_ERR_CLOSED, then calls
 * `closed`, if there is one, where the callbacks run, as the last of them.  The handle is dead at
 * once; maps and futures may live on, and no call of theirs is made any more.  Accepts NULL. [any]
 *
 * Returns when all that is done.  From a callback it returns at once, and the rest comes later; so
 * it does with `host_loop`: go on processing until `closed` was called, and not after that.
 */
COPYCAT_API void copycat_client_close(
    copycat_client *client, void (*closed)(void *user), void *user);

/* COPYCAT_CLIENT_*; the session's id, 0 if there is none yet. [any] */
COPYCAT_API uint32_t copycat_client_state(const copycat_client *client);
COPYCAT_API uint64_t copycat_client_session(const copycat_client *client);

/*
 * Why no server gets the client on: of each that was tried in vain what was last wrong, as in
 * "127.0.0.1:7458: connection refused", separated by semicolons as far as they have room; for people
 * and logs.  Written into the caller's `message_out`.  0, and an empty text: there is no trouble, or
 * none yet. [any]
 */
COPYCAT_API int copycat_client_trouble(copycat_client *client, copycat_message *message_out);

/* ---- in a host's loop ------------------------------------------------------------------------- */

/* Readable means: call copycat_client_process.  Timers are behind it too.  -1 without host_loop. */
COPYCAT_API int copycat_client_fd(const copycat_client *client);

/* Does what is ready and runs callbacks; never waits.  Nothing from within a callback. [loop] */
COPYCAT_API void copycat_client_process(copycat_client *client);

/* ---- calls ------------------------------------------------------------------------------------ */

/* How fresh a read is; everything else is linearizable. */
enum {
    COPYCAT_LINEARIZABLE = 1, /* as if there were one copy: a round among the servers */
    COPYCAT_LEASE = 2,        /* the same, as long as clocks run at about the same rate: no round */
    COPYCAT_SEQUENTIAL = 3,   /* any server: never back in time, sees one's own writes */
    COPYCAT_EVENTUAL = 4      /* any server, whatever it has */
};

typedef struct copycat_call_options {
    size_t size;
    uint64_t timeout_ms;  /* of the call, 0: 30000; COPYCAT_NONE: none; see copycat/future.h */
    uint32_t consistency; /* of a read, 0: COPYCAT_LINEARIZABLE */
    uint32_t reserved;
} copycat_call_options;

#define COPYCAT_CALL_OPTIONS_INIT             \
    {                                         \
        sizeof(copycat_call_options), 0, 0, 0 \
    }

COPYCAT_API void copycat_call_options_init(copycat_call_options *options, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_CLIENT_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client -- picks a server, holds a session, numbers requests, retries, delivers answers in order.
 *
 * Where it sits:   [client] -> session -> raft -> log -> apply -> resource -> session -> [client]
 * Memory:          calls are the caller's; the client keeps a window of them, bounded by its
 *                  options, and fewer where their answers are many bytes.
 * Threads:         one loop; callbacks never run inside the call that caused them.
 *
 * Invariants
 *   C1  a sequence that was sent is never skipped and never given to another command
 *   C2  each call is done exactly once, also when the client closes
 *   C3  calls of one stream are done in the order they were made
 *   C4  the newest index seen never decreases, each read but an EVENTUAL one asks for at least
 *       that, and in a stream no such read is delivered from before what was delivered already
 *   C5  a command is never sent again in another session (T-079)
 */
#ifndef CC_CLIENT_CLIENT_H
#define CC_CLIENT_CLIENT_H

#include "env/env.h"
#include "proto/message.h"

struct cc_client;

struct cc_client_options {
    const char *const *addresses; /* of servers, at least one; copied */
    uint32_t address_count;
    uint64_t session_timeout_us; /* 0: 5 s */
    uint32_t window_max;         /* calls sent and not yet answered, 0: 256; at most 1024 */
    uint32_t waiting_max;        /* calls made and not yet sent, 0: 1024; beyond it: BUSY */
    uint64_t progress_us;        /* no answer for so long: another server (T-086), 0: 1 s */
    uint64_t seed;               /* of the order of servers and the jitter of retries */

    /*
     * Told why a server is left; of OK once a server gets us on again.  May be NULL.  UNAVAILABLE: no
     * connection; CLOSED: it has hung up; TIMEOUT: it says nothing; NO_LEADER: it is there and does
     * not get us on; MALFORMED, CLUSTER; or what it has refused us with, and its words for that.
     */
    void (*troubled)(void *owner, uint32_t server, copycat_status status, copycat_bytes said);
};

enum cc_client_state {
    CC_CLIENT_CONNECTING, /* no session yet */
    CC_CLIENT_OPEN,       /* connected, session alive */
    CC_CLIENT_SUSPENDED,  /* session, as far as known, but no server that serves it */
    CC_CLIENT_ENDED,      /* the session has ended; calls are refused with SESSION */
    CC_CLIENT_CLOSED,
};

/* A resource by its path; resolved by the first call that needs it.  Owned by the caller, zeroed
 * before cc_client_resource_init; must outlive its calls. */
struct cc_client_resource {
    char path[CC_PATH_SIZE_MAX + 1];
    uint32_t type;
    uint64_t stream;          /* distinct for each resource of a client */
    uint64_t instance;        /* 0: not resolved yet */
    copycat_status status;    /* why resolving failed, sticky for refusals */
    struct cc_list calls;     /* of this stream, in order; the client's own */
    bool resolving;           /* likewise */
    uint64_t delivered_index; /* likewise: newest index delivered in this stream (C4) */
};

enum cc_call_kind {
    CC_CALL_COMMAND,
    CC_CALL_QUERY,
};

/*
 * One operation under way.  The caller fills the first part, keeps `operation` valid and leaves all
 * alone until `done`.  In `done`, `status`, `index` and `result` say what came; `result` is
 * borrowed until it returns, and the call may be used again or freed.
 */
struct cc_call {
    enum cc_call_kind kind;
    uint8_t level;       /* QUERY: enum cc_read_level */
    uint64_t timeout_us; /* from now; 0: none.  A command already sent ends with OUTCOME */
    copycat_bytes operation;
    void (*done)(struct cc_call *call);
    void *owner;

    copycat_status status;
    uint64_t index;
    copycat_bytes result;

    /* the client's own */
    struct cc_client_resource *resource;
    struct cc_list stream_node;
    struct cc_list window_node;
    uint64_t sequence; /* of a command that was sent; may be read after done */
    uint64_t deadline_us;
    uint32_t phase;
    uint8_t *held; /* a result that waits for its turn */
    uint32_t held_size;
};

/*
 * Partner: cc_client_close.  Starts connecting.  `changed` is told of each new state; may be NULL.
 * INVALID without an address or with a session timeout beyond the limits, MEMORY.
 */
copycat_status cc_client_open(
    struct cc_client **client_out,
    struct cc_env *env,
    const struct cc_client_options *options,
    void (*changed)(void *owner, enum cc_client_state state),
    void *owner);

/* Ends the session if a server can be told within a moment, completes every call, then `closed`. */
void cc_client_close(struct cc_client *client, void (*closed)(void *owner), void *owner);

enum cc_client_state cc_client_state(const struct cc_client *client);
uint64_t cc_client_session(const struct cc_client *client);   /* 0: none yet */
const char *cc_client_server(const struct cc_client *client); /* address it talks to; NULL: none */

void cc_client_resource_init(
    struct cc_client *client, struct cc_client_resource *resource, const char *path, uint32_t type);

/* Makes the call.  Every outcome, also a refusal, comes through call->done, later. */
void cc_client_call(
    struct cc_client *client, struct cc_client_resource *resource, struct cc_call *call);

/* Its deadline is now, whatever it was: TIMEOUT if it was not sent or is a query, else OUTCOME.  Of a
 * call that was made and is not done. */
void cc_client_expire(struct cc_client *client, struct cc_call *call);

struct cc_client_counters {
    uint64_t connects;
    uint64_t switches; /* to another server because of no progress or a lost connection */
    uint64_t resends;  /* commands sent again */
    uint64_t answers;
    uint64_t repeats; /* answers that came twice and were dropped */
};

const struct cc_client_counters *cc_client_counters(const struct cc_client *client);

#endif /* CC_CLIENT_CLIENT_H */

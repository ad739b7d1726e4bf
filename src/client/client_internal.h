/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client_internal -- the client's state, and what its files say to each other.
 *
 *     client.c          open, close, state, the one timer
 *     client_connect.c  which server; hello
 *     client_session.c  opening, keeping alive, the end
 *     client_send.c     numbers, window, sending again
 *     client_calls.c    calls made, answered, past their deadline
 *     client_done.c     results in the order of their streams
 *     client_resource.c paths
 */
#ifndef CC_CLIENT_CLIENT_INTERNAL_H
#define CC_CLIENT_CLIENT_INTERNAL_H

#include "base/assert.h"
#include "base/bug.h"
#include "base/prng.h"
#include "client/client.h"
#include "env/channel.h"

/* Bytes that may gather before what comes after them has to wait; one frame always fits. */
#define CC_CLIENT_OUTPUT_GATHER (4u << 20)
#define CC_CLIENT_OUTPUT_MAX (CC_CLIENT_OUTPUT_GATHER + CC_FRAME_BODY_CLIENT_MAX + 65536u)

/* How long sending waits for memory or room, and at least for what has to go again. */
#define CC_CLIENT_PAUSE_US UINT64_C(20000)
#define CC_CLIENT_RESEND_US_MIN UINT64_C(50000)

enum cc_call_phase {
    CC_CALL_IDLE,
    CC_CALL_WAITING, /* not sent yet */
    CC_CALL_SENT,
    CC_CALL_FINISHED, /* its result waits for its turn */
};

/* What was sent and not answered.  It outlives its call when that gave up waiting (C1). */
struct cc_slot {
    struct cc_list node;
    bool is_query;
    struct cc_call *call;                 /* NULL: given up, or a path being resolved */
    struct cc_client_resource *resolving; /* the path that this command opens */
    uint64_t sequence;                    /* of a query, its number; 0: to be asked anew */
    uint64_t after_sequence;
    uint64_t after_index; /* a query's, when it was last asked */
    uint64_t instance;
    uint64_t stream;
    uint64_t sent_us; /* a command: the first time (T-085); a query: the first on this connection */
    uint64_t share;   /* of a command under way, in client->shares */
    uint8_t level;
    copycat_bytes operation; /* the call's, or `own` */
    uint8_t *own;
};

struct cc_client {
    struct cc_env *env;
    const struct cc_memory *memory;
    struct cc_client_options options;
    char **addresses;
    uint32_t *order; /* of the addresses, drawn anew for each round */
    uint32_t order_at;
    void (*changed)(void *owner, enum cc_client_state state);
    void *owner;
    enum cc_client_state state;
    struct cc_prng prng;
    struct cc_client_counters counters;

    struct cc_channel channel;
    bool is_dialled;
    bool is_reached;  /* connected */
    bool is_ready;    /* hello is done */
    bool is_troubled; /* a server was left since one got us on */
    uint32_t server;  /* place of its address */
    uint64_t dial_us; /* when to dial next, if not dialled */
    uint64_t
        good_us; /* newest sign that this server gets us on, or when we began to wait for one */
    uint64_t round_backoff_us;
    bool is_cluster_known;
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];

    uint8_t nonce[CC_NONCE_SIZE];
    uint64_t session;
    uint64_t timeout_us;
    uint64_t open_us;          /* when to ask for a session again */
    uint64_t opening_us;       /* when it was first asked for; 0: not yet */
    copycat_status end_status; /* of calls once the session is no more */
    bool is_opening;
    uint64_t keep_due_us;
    uint64_t keep_sent_us; /* of the keep-alive under way; 0: none */
    uint64_t confirmed_us; /* the session was alive when this was sent */

    uint64_t sequence;       /* newest number given */
    uint64_t number;         /* newest query's */
    uint64_t index_seen;     /* C4 */
    struct cc_list commands; /* cc_slot, ascending */
    struct cc_list queries;
    uint32_t sent_count;
    uint64_t shares;        /* bytes that answers to commands under way are taken to have */
    uint32_t answer_size;   /* of the newest answer to a command */
    struct cc_list waiting; /* cc_call by window_node */
    uint32_t waiting_count;
    uint64_t deadline_us;   /* no call that waits or was sent has an earlier one */
    uint64_t pause_us;      /* no memory or no room: sending goes on then; 0: no need */
    uint64_t transmit_next; /* commands from this number on have to go out, again or at last */
    uint64_t resend_us;     /* what was refused goes again then; 0: no need */
    uint64_t backoff_us;
    uint64_t command_us;     /* newest time a command was sent or answered */
    uint64_t resend_last;    /* the newest RESEND ... */
    uint64_t resend_last_us; /* ... and when it was heard */
    bool is_resend_due;      /* it was said again since, which is heard later */
    bool is_ask_due;         /* some queries have to be asked anew */

    struct cc_list finished; /* cc_call by window_node: delivered by the task */
    uint64_t stream_next;
    struct cc_timer alarm; /* the one timer: at the earliest of all that is due */
    uint64_t alarm_us;     /* COPYCAT_NONE: not set */
    struct cc_task task;
    bool is_closing;
    uint64_t close_us;
    void (*closed)(void *owner);
    void *closed_owner;
};

/*
 * Each of the watch functions does what is due and may be called at any time; its due function says
 * when it has to be called next, or a little earlier; COPYCAT_NONE: not before something comes.
 */

/* client.c */
static inline uint64_t cc_client_earlier(uint64_t one, uint64_t other)
{
    return one < other ? one : other;
}

void cc_client_set_state(struct cc_client *client, enum cc_client_state state);
void cc_client_wake(struct cc_client *client);
uint64_t cc_client_now(const struct cc_client *client);

/* client_connect.c */
void cc_client_dial(struct cc_client *client);
void cc_client_switch(struct cc_client *client, copycat_status status, copycat_bytes said);
void cc_client_hang_up(struct cc_client *client);
void cc_client_shuffle(struct cc_client *client);
void cc_client_expect(struct cc_client *client);
void cc_client_watch_connection(struct cc_client *client);
uint64_t cc_client_connection_due_us(const struct cc_client *client);

/* client_session.c */
void cc_client_confirm(struct cc_client *client, uint64_t sent_us);
void cc_client_begin_session(struct cc_client *client);
void cc_client_watch_session(struct cc_client *client);
uint64_t cc_client_session_due_us(const struct cc_client *client);
void cc_client_send_close(struct cc_client *client);
void cc_client_take_opened(struct cc_client *client, copycat_bytes body);
void cc_client_take_kept(struct cc_client *client, copycat_bytes body);
void cc_client_take_ended(struct cc_client *client, copycat_bytes body);
void cc_client_end_session(struct cc_client *client, copycat_status status);

/* client_send.c */
void cc_client_pump(struct cc_client *client);
void cc_client_resend(struct cc_client *client, uint64_t last);
void cc_client_watch_resend(struct cc_client *client);
uint64_t cc_client_resend_due_us(const struct cc_client *client);
void cc_client_resend_later(struct cc_client *client, bool backs_off);
uint64_t cc_client_oldest_query_us(const struct cc_client *client); /* NONE: none */
uint64_t cc_client_answered(const struct cc_client *client);
struct cc_slot *cc_client_slot(struct cc_client *client, struct cc_call *call, bool is_query);
void cc_client_slot_end(struct cc_client *client, struct cc_slot *slot);

/* client_calls.c */
void cc_client_take_answer(struct cc_client *client, copycat_bytes body);
void cc_client_take_result(struct cc_client *client, copycat_bytes body);
void cc_client_take_resend(struct cc_client *client, copycat_bytes body);
void cc_client_check_deadlines(struct cc_client *client);
bool cc_client_ask_again(struct cc_client *client, struct cc_call *call);
void cc_client_end_calls(
    struct cc_client *client, copycat_status sent_status, copycat_status unsent_status);

/* client_done.c */
bool cc_client_hold(struct cc_client *client, struct cc_call *call, copycat_bytes result);
void cc_client_finish(struct cc_client *client, struct cc_call *call, copycat_status status);
void cc_client_deliver(struct cc_client *client);

/* client_resource.c */
bool cc_client_resolve(struct cc_client *client, struct cc_client_resource *resource);
void cc_client_resolved(
    struct cc_client *client, struct cc_client_resource *resource, const struct cc_answer *answer);
void cc_client_forget(struct cc_client *client, struct cc_client_resource *resource);

#endif /* CC_CLIENT_CLIENT_INTERNAL_H */

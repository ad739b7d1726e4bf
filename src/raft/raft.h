/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft -- the decision: who leads, and what is committed.  Events in, effects out.
 *
 * Where it sits:   client -> session -> [raft] -> log -> apply -> resource -> session -> client
 *                  stepped by server/group, which turns effects into I/O and I/O into events.
 * Pure:            no clock, no randomness of its own (a seed comes in), no I/O, no callbacks.
 * Memory:          all taken in cc_raft_create; a step allocates nothing.
 * Source:          Ongaro's dissertation, chapters 3 and 6; pre-vote 9.6; transfer 3.10;
 *                  leases 6.4.1.
 *
 * The core never sees a payload.  It knows the log as a table of runs (first index, term) and
 * speaks in ranges.  Entries belong to the driver throughout:
 *
 *   event / effect        who holds the bytes
 *   PROPOSE count         the driver keeps them; effect `append` says which indexes they became
 *   RECEIVE append        the driver keeps the decoded message; effect `append` with source
 *                         RECEIVED names the range of its entries to store; the rest is dropped
 *   effect send APPEND    names (prev, max]; the driver reads the entries from its log, sends as
 *                         many as fit in bytes_max (at least one, if any), and says SENT.  One
 *                         that waits while its entries are forgotten (prev + 1 < cc_raft_first)
 *                         is dropped
 *   event FORGOTTEN       the driver's log has let go of raw entries: an image stands for them
 *   event INSTALL         the driver has a whole image, read and verified; effect `install` says
 *                         that the state is to be taken from it, and what becomes of the log
 *
 * Order is data.  A step's durable effects are carried out in the order store, truncate, install,
 * append, and together bear one ticket.  The driver says STORED(ticket) when they are durable; that
 * is cumulative. A send with `after` != 0 leaves when that ticket is durable, and is dropped if by
 * then cc_raft_term() differs from its `core_term`.
 *
 * Invariants
 *   R1  commit <= last; stable <= last; applied order is the driver's business
 *   R2  a vote is given at most once a term, and never before (term, vote) is durable
 *   R3  entries at or below commit are never truncated
 *   R4  a leader appends only, and commits only through an entry of its own term (figure 3.8)
 *   R5  match[p] < next[p] for each peer p
 *   R6  runs ascend in index and term and cover (first_known - 1, last]
 *   R7  entries from `damaged_from` on are in the log for votes and matching, but are neither
 *       acknowledged nor counted, and a member that has any does not lead (T-051)
 *   R8  first <= commit + 1: only what is committed is forgotten
 *   R9  no append begins below first, and none leans on an entry before first - 1
 */
#ifndef CC_RAFT_RAFT_H
#define CC_RAFT_RAFT_H

#include "base/memory.h"
#include "proto/limits.h"
#include "proto/run.h"

#include <copycat/base.h>

#include <stdbool.h>
#include <stdint.h>

struct cc_raft;

struct cc_raft_peer_options {
    uint32_t id;
    bool is_voter; /* else a learner: gets the log, is never counted */
};

struct cc_raft_options {
    uint32_t id;
    uint32_t member_count; /* self included */
    struct cc_raft_peer_options members[CC_MEMBERS_MAX];
    uint64_t seed;
    uint64_t election_timeout_us;   /* T; a follower waits uniformly in [T, 2T) */
    uint64_t heartbeat_interval_us; /* at most T / 3 */
    uint64_t promise_us;            /* what an acknowledgement promises; at most T */
    uint64_t promise_us_max;        /* longest promise legal in this cluster; waited out at start */
    uint32_t drift_ppm_max;         /* clocks of two members differ in rate by at most this */
    uint32_t window_bytes;          /* per peer, of appends not yet acknowledged */
    uint32_t window_messages;       /* likewise, at most CC_RAFT_INFLIGHT_MAX */
    uint32_t append_bytes_max;      /* encoded entries in one append; one entry may exceed it */
    uint32_t uncommitted_max;       /* entries; beyond it PROPOSE is BUSY */
    uint64_t keep_us_max;           /* for so long a silent member holds the floor; 0: 10 T */
    uint32_t run_capacity;          /* of the run table; 0: 1024 */
};

#define CC_RAFT_INFLIGHT_MAX 64u

/* What recovery found. */
struct cc_raft_start {
    uint64_t term;
    uint32_t vote; /* 0: none */
    uint64_t last_index;
    const struct cc_raft_run *runs; /* of [1, last_index] or its newest part; borrowed */
    uint32_t run_count;

    /* The first entry that cannot be read on this disk; 0: none.  Behind base_index: where one at
     * or below that cannot be read, first_index lies behind it, for the image has it. */
    uint64_t damaged_from;
    uint64_t first_index; /* the oldest raw entry, last_index + 1 if there is none; 0: 1 */
    uint64_t base_index;  /* of the image the state was restored from: committed; 0: none */
};

enum cc_raft_role {
    CC_RAFT_FOLLOWER,
    CC_RAFT_PRECANDIDATE,
    CC_RAFT_CANDIDATE,
    CC_RAFT_LEADER,
};

enum cc_raft_message_kind {
    CC_RAFT_VOTE,
    CC_RAFT_VOTE_REPLY,
    CC_RAFT_APPEND,
    CC_RAFT_APPEND_REPLY,
    CC_RAFT_TIMEOUT_NOW,
};

/* The union of what Raft's messages say; proto/message.h documents each field. */
struct cc_raft_message {
    enum cc_raft_message_kind kind;
    uint32_t from;
    uint32_t to;
    uint64_t term;
    uint64_t last_index; /* VOTE */
    uint64_t last_term;
    bool is_prevote;
    bool is_transfer;
    bool is_granted;     /* VOTE_REPLY */
    uint64_t prev_index; /* APPEND */
    uint64_t prev_term;  /* in a send: 0 with prev_index > 0 means the driver reads it in its log */
    uint64_t commit;
    uint64_t floor;
    uint64_t round;
    uint64_t sent_at_us;
    uint32_t entry_count; /* received APPEND: entries (prev_index, prev_index + entry_count] ... */
    uint32_t run_count; /* ... whose terms are these runs; the first run starts at prev_index + 1 */
    struct cc_raft_run runs[CC_RUNS_PER_APPEND_MAX];
    bool is_accepted; /* APPEND_REPLY */
    uint64_t match;
    uint64_t hint_index;
    uint64_t hint_term;
    uint64_t promise_us;
};

struct cc_raft_send {
    struct cc_raft_message message;
    uint64_t after;     /* leaves when this ticket is durable; 0: at once */
    uint64_t core_term; /* dropped if the core's term differs when it may leave */
    uint64_t max_index; /* APPEND: entries up to here may be sent; == prev_index: a heartbeat */
    uint32_t bytes_max; /* APPEND: encoded bytes that may be sent; one entry always may */
};

enum cc_raft_event_kind {
    CC_RAFT_EVENT_START,     /* once, first */
    CC_RAFT_EVENT_RECEIVE,   /* a message has arrived */
    CC_RAFT_EVENT_STORED,    /* everything up to this ticket is durable */
    CC_RAFT_EVENT_SENT,      /* the driver has sent an APPEND with entries, through `index` */
    CC_RAFT_EVENT_PROPOSE,   /* the leader is to append `count` entries */
    CC_RAFT_EVENT_READ,      /* the leader is to confirm that it still leads, from now */
    CC_RAFT_EVENT_TIMEOUT,   /* wake_at has come, or nothing in particular */
    CC_RAFT_EVENT_TRANSFER,  /* hand leadership to `peer`; 0: to the most advanced voter */
    CC_RAFT_EVENT_STALLED,   /* the disk has not completed a write for too long */
    CC_RAFT_EVENT_UNSTALLED, /* it has again */
    CC_RAFT_EVENT_DAMAGED,   /* `index`, of the log, cannot be read any more; a leader gives way */
    CC_RAFT_EVENT_REPAIRED,  /* entries below `index` are readable and durable again; 0: all are */
    CC_RAFT_EVENT_PEER_UP,   /* a fresh connection to `peer`: nothing sent before counts */
    CC_RAFT_EVENT_PEER_DOWN, /* the connection to `peer` is gone */

    /* Raw entries through `index`, which is committed, cannot be had from the log any more.  Where
     * one of them was damaged, REPAIRED has said before that it is of no interest. */
    CC_RAFT_EVENT_FORGOTTEN,

    /* Here is an image at `index`, an entry of `term`, which a leader of this core's term, or of an
     * earlier one, has known to be committed: the driver takes no offer of a leader of another
     * term. OK without an install where the image brings nothing; BUSY at a leader.  A candidate
     * gives up its campaign. */
    CC_RAFT_EVENT_INSTALL,

    /* `peer` is getting an image at `index`: the entries behind it are within the floor until it
     * has that much, or this leader leads no more.  0: it gets none. */
    CC_RAFT_EVENT_FETCHING,
};

struct cc_raft_event {
    enum cc_raft_event_kind kind;
    uint64_t now_us;
    const struct cc_raft_message *message; /* RECEIVE; borrowed for the step */
    uint64_t ticket;                       /* STORED */
    uint32_t peer;                         /* SENT, TRANSFER, PEER_*, FETCHING */
    uint64_t index; /* SENT: last index that was sent; DAMAGED, REPAIRED, FORGOTTEN, INSTALL,
                     * FETCHING */
    uint64_t term;  /* INSTALL */
    uint32_t bytes; /* SENT: encoded bytes of its entries */
    uint32_t count; /* PROPOSE */
};

enum cc_raft_append_source {
    CC_RAFT_APPEND_NOTHING,
    CC_RAFT_APPEND_PROPOSED, /* the entries of the PROPOSE event */
    CC_RAFT_APPEND_RECEIVED, /* entries of the received message; those before `first` are dropped */
    CC_RAFT_APPEND_NOOP,     /* one NOOP entry that opens the term */
};

/* One APPEND and one other message to each peer at most. */
#define CC_RAFT_SENDS_MAX (2u * CC_MEMBERS_MAX)

struct cc_raft_effects {
    uint64_t ticket;        /* of store, truncate, install and append; 0: nothing to make durable */
    bool store;             /* make cc_raft_term() and cc_raft_vote() durable */
    uint64_t truncate_from; /* drop entries from this index on; 0: none */
    uint64_t install_index; /* from here on, and before what `commit` says, the state is that of the
                             * image at this index; 0: none */
    uint64_t install_term;
    bool keep_tail; /* ... and keeps its log; else that is dropped, and goes on behind the image */
    enum cc_raft_append_source append_source;
    uint64_t append_first;
    uint64_t append_last;
    uint64_t append_term;
    uint64_t commit;      /* new commit index; 0: unchanged */
    bool became;          /* role, term or known leader has changed: ask the accessors */
    uint64_t read_round;  /* READ: confirmed when cc_raft_round_confirmed() reaches this */
    uint64_t read_index;  /* READ: apply at least this far before reading */
    bool round_confirmed; /* cc_raft_round_confirmed() has advanced */
    bool transfer_ended;  /* a transfer is over, done or not */
    uint64_t wake_at_us;  /* feed TIMEOUT at this time; always set */
    uint32_t send_count;
    struct cc_raft_send sends[CC_RAFT_SENDS_MAX];
};

/* Partner: cc_raft_destroy.  INVALID if the options make no sense. */
copycat_status cc_raft_create(
    struct cc_raft **core_out,
    const struct cc_memory *memory,
    const struct cc_raft_options *options,
    const struct cc_raft_start *start);

void cc_raft_destroy(struct cc_raft *core);

/*
 * The one entrance.  `effects` is overwritten.  OK except: PROPOSE, READ and TRANSFER give
 * NO_LEADER where this member does not lead (for READ also where no entry of its term is committed
 * yet: then BUSY), BUSY where a limit or a transfer forbids it; RECEIVE gives MALFORMED for a
 * message that no correct member sends, which changes nothing.  Such are, besides what contradicts
 * itself: a vote or an append from a learner, an append of a second leader of one term, and one
 * that contradicts what is committed.  In any case wake_at_us is set.
 */
copycat_status cc_raft_step(
    struct cc_raft *core, const struct cc_raft_event *event, struct cc_raft_effects *effects);

enum cc_raft_role cc_raft_role(const struct cc_raft *core);
uint64_t cc_raft_term(const struct cc_raft *core);
uint32_t cc_raft_vote(const struct cc_raft *core);
uint32_t cc_raft_leader(const struct cc_raft *core); /* 0: unknown */
uint64_t cc_raft_commit(const struct cc_raft *core);
uint64_t cc_raft_last(const struct cc_raft *core);
uint64_t cc_raft_stable(const struct cc_raft *core); /* durable and readable through this index */
uint64_t cc_raft_round_confirmed(const struct cc_raft *core);

/* Until when a lease read may be answered, on this member's clock; 0: not at all (T-063..T-068). */
uint64_t cc_raft_lease_until(const struct cc_raft *core);

/* The oldest raw entry that may be asked of the log; last + 1: there is none. */
uint64_t cc_raft_first(const struct cc_raft *core);

/* At the leader: the peer has said that it lacks entries which are forgotten here, so that only an
 * image brings it further.  It hears heartbeats, and no entries, until it acknowledges enough. */
bool cc_raft_needs_image(const struct cc_raft *core, uint32_t peer);

/* An image at this index would bring this member something, so an offer of it is worth taking: more
 * than is committed here, or an entry that cannot be read here. */
bool cc_raft_wants_image(const struct cc_raft *core, uint64_t index);

/*
 * Through here every member that counts has the log, so that none of them needs an image if that
 * much is forgotten; at most the commit index, 0 if it is not known.  At the leader those count
 * that need no image and were heard within keep_us_max (a new leader gives everybody that time),
 * and those that get an image, with its index; another member goes by what the leader of its term
 * has said last.
 */
uint64_t cc_raft_floor(const struct cc_raft *core);

/* The term of an entry; 0 if it is unknown here. */
uint64_t cc_raft_term_at(const struct cc_raft *core, uint64_t index);

/* Progress of a peer at the leader; 0 elsewhere. */
uint64_t cc_raft_match(const struct cc_raft *core, uint32_t peer);

#endif /* CC_RAFT_RAFT_H */

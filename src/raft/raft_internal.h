/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_internal -- the core's state, and what its files call in each other.
 *
 * Where it sits:   included by raft_*.c and by their unit tests only.
 *
 *     raft.c              the entrance, the accessors, the order of work within one step
 *     raft_message.c      which messages no correct member sends
 *     raft_log.c          runs of terms, tickets, what is durable
 *     raft_election.c     roles, votes, promises
 *     raft_follower.c     a leader's append, and the answer to it
 *     raft_replication.c  a leader's view of its peers: progress, windows, what to send
 *     raft_commit.c       what a quorum has
 *     raft_read.c         rounds and leases
 *     raft_transfer.c     handing leadership over
 *
 * The roles, and what moves between them (raft_election.c):
 *
 *     FOLLOWER ---- timeout ----> PRECANDIDATE -- quorum would vote --> CANDIDATE -- quorum -->
 * LEADER |  ^                       |                                   |  ^                     |
 *        |  +---- leader, or term --+-----------------------------------+  |                     |
 *        |  +-- higher term, no quorum heard for T, disk stalled ----------|---------------------+
 *        +------------------------- TIMEOUT_NOW ---------------------------+
 */
#ifndef CC_RAFT_RAFT_INTERNAL_H
#define CC_RAFT_RAFT_INTERNAL_H

#include "base/prng.h"
#include "raft/raft.h"

/* Writes of the driver that are told apart; beyond it the newest ones become durable together. */
#define CC_RAFT_TICKETS_MAX 256u

#define CC_RAFT_RUN_CAPACITY_DEFAULT 1024u
#define CC_RAFT_RUN_CAPACITY_MIN (2u * CC_RUNS_PER_APPEND_MAX)

/* When everything through `ticket` is durable, the log is so through `last`. */
struct cc_raft_ticket {
    uint64_t ticket;
    uint64_t last;
};

struct cc_raft_log {
    struct cc_raft_run *runs; /* R6; older runs than fit are forgotten */
    uint32_t run_count;
    uint32_t run_capacity;
    uint64_t last;
    uint64_t stable;
    uint64_t ticket;                                    /* newest given out */
    uint64_t ticket_durable;                            /* newest that is durable */
    struct cc_raft_ticket tickets[CC_RAFT_TICKETS_MAX]; /* ring, oldest at tickets_head */
    uint32_t tickets_head;
    uint32_t tickets_count;
};

enum cc_raft_progress {
    CC_RAFT_PROBE,  /* where the logs part is not known: one append at a time */
    CC_RAFT_STREAM, /* it is: appends follow one another without waiting */
};

/* One append that has left and is not acknowledged. */
struct cc_raft_inflight {
    uint64_t last;
    uint64_t sent_at_us;
    uint32_t bytes;
};

/* What is known of a member; the slot of the member itself has id and is_voter only. */
struct cc_raft_peer {
    uint32_t id;
    bool is_voter;
    bool is_down; /* its connection is gone: entries would be lost */

    /* A leader's view, fresh in each term. */
    enum cc_raft_progress progress;
    uint64_t match;       /* durable there, and equal to ours */
    uint64_t next;        /* first entry to send; R5 */
    uint64_t commit_told; /* commit index it was sent last */
    uint64_t heard_us;    /* newest reply */
    uint64_t round;       /* newest round it has echoed */
    uint64_t lease_us;    /* its promise holds until then, on our clock */
    uint64_t progress_us; /* in-flight appends were last seen to move */
    uint64_t emitted_us;  /* the append that waits for SENT was asked for */
    bool is_emitted;      /* an append with entries waits for SENT */
    bool is_probed;       /* PROBE: one has left and is not answered */
    bool is_heartbeat_due;
    uint32_t inflight_head;
    uint32_t inflight_count;
    uint32_t inflight_bytes;
    struct cc_raft_inflight inflight[CC_RAFT_INFLIGHT_MAX]; /* ring, oldest at inflight_head */
};

struct cc_raft {
    const struct cc_memory *memory;
    struct cc_raft_options options;
    struct cc_prng prng;
    struct cc_raft_effects *effects; /* of the step at hand; NULL outside */
    uint64_t now_us;
    bool is_started;
    bool is_stalled;

    uint64_t term;
    uint32_t vote;
    uint32_t leader;
    enum cc_raft_role role;
    uint64_t commit;
    uint64_t store_ticket; /* of the newest (term, vote) */
    struct cc_raft_log log;

    /* Elections. */
    uint64_t deadline_us;  /* the next campaign, or the next try of one */
    bool has_contact;      /* a leader was heard in this life ... */
    uint64_t contact_us;   /* ... at this time ... */
    uint64_t promise_term; /* ... in this term; 0: not known */
    uint64_t promise_us;   /* neither votes nor campaigns before */
    uint32_t granted;      /* bit for each member that has granted the current (term, kind) */
    uint32_t refused;
    bool is_asked_to_lead; /* this campaign is the former leader's wish */
    bool is_waiting_out;   /* an earlier life may have promised something */
    uint32_t vote_count;   /* only looked at by the planted bug T003 */

    /* A follower's. */
    uint64_t verified;     /* equal to the log of this term's leader through here */
    uint64_t acknowledged; /* newest match that it was told */
    uint64_t echo_round;   /* newest round and time in this term's appends */
    uint64_t echo_sent_at_us;
    uint64_t echoed_round; /* newest round that has been echoed */

    /* A leader's. */
    uint64_t term_first; /* its no-op */
    uint64_t heartbeat_us;
    uint64_t round;
    uint64_t round_confirmed;
    uint32_t transfer_target; /* 0: none under way */
    uint64_t transfer_deadline_us;
    bool is_transfer_asked; /* TIMEOUT_NOW has been sent */
    bool is_lease_given_up; /* a transfer was begun in this term */

    uint32_t self; /* slot of this member */
    uint32_t peer_count;
    uint32_t voter_count;
    struct cc_raft_peer peers[CC_MEMBERS_MAX];
};

/* ---- raft.c ---------------------------------------------------------------------------------- */

/* a + b, or the largest number. */
uint64_t cc_raft_later(uint64_t a, uint64_t b);

/* NULL if there is no such member. */
struct cc_raft_peer *cc_raft_peer(struct cc_raft *core, uint32_t id);

/* A blank message of this term to `to` among the step's effects. */
struct cc_raft_send *cc_raft_send(
    struct cc_raft *core, enum cc_raft_message_kind kind, uint32_t to);

/* Claims the step's ticket for something that has to become durable. */
void cc_raft_durable(struct cc_raft *core);

/* The value that a quorum of the `count` voters reaches; sorts `values`. */
uint64_t cc_raft_quorum(uint64_t *values, uint32_t count);

static inline bool cc_raft_self_votes(const struct cc_raft *core)
{
    return core->peers[core->self].is_voter;
}

static inline uint64_t cc_raft_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t cc_raft_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- raft_message.c ---------------------------------------------------------------------------
 */

/* False: no correct member sends this, or not to us, or not now. */
bool cc_raft_message_is_sound(struct cc_raft *core, const struct cc_raft_message *message);

/* The term of an entry of a sound append that has entries. */
uint64_t cc_raft_message_term_at(const struct cc_raft_message *message, uint64_t index);

/* The first index in [from, through] where the message's entry is another than ours, or
 * through + 1.  Entries whose term is forgotten here are passed over. */
uint64_t cc_raft_message_conflict(
    const struct cc_raft_log *log,
    const struct cc_raft_message *message,
    uint64_t from,
    uint64_t through);

/* ---- raft_log.c -------------------------------------------------------------------------------
 */

/* `runs` is borrowed for good and holds `capacity`; `start` is sound. */
void cc_raft_log_init(
    struct cc_raft_log *log,
    struct cc_raft_run *runs,
    uint32_t capacity,
    const struct cc_raft_start *start);

/* 0 for index 0, for an index past the end, and for one that is forgotten. */
uint64_t cc_raft_log_term_at(const struct cc_raft_log *log, uint64_t index);

/* The last index of the run that `index`, whose term is known, belongs to. */
uint64_t cc_raft_log_run_end(const struct cc_raft_log *log, uint64_t index);

/* The newest index <= `index` whose term is <= `term`, or not known (index 0, or forgotten). */
uint64_t cc_raft_log_find(const struct cc_raft_log *log, uint64_t index, uint64_t term);

void cc_raft_log_append(struct cc_raft_log *log, uint64_t count, uint64_t term);

/* Drops entries from `from` on; what was on its way to the disk of them is void. */
void cc_raft_log_truncate(struct cc_raft_log *log, uint64_t from);

/* What this step wrote (the newest ticket) makes the log durable through its present end. */
void cc_raft_log_promise(struct cc_raft_log *log);

void cc_raft_log_stored(struct cc_raft_log *log, uint64_t ticket);

void cc_raft_log_verify(const struct cc_raft_log *log);

/* ---- raft_election.c --------------------------------------------------------------------------
 */

void cc_raft_election_start(struct cc_raft *core, const struct cc_raft_start *start);
void cc_raft_election_begin(struct cc_raft *core);
void cc_raft_election_tick(struct cc_raft *core);
void cc_raft_election_stored(struct cc_raft *core);
void cc_raft_election_peer_up(struct cc_raft *core, struct cc_raft_peer *peer);
void cc_raft_election_stalled(struct cc_raft *core, bool is_stalled);

/* Waits anew, uniformly in [T, 2T). */
void cc_raft_election_rest(struct cc_raft *core);

/* To follower of `leader` (0: unknown) in `term`, which is not below ours. */
void cc_raft_follow(struct cc_raft *core, uint64_t term, uint32_t leader);

/* To candidate of the next term, by the leader's own wish. */
void cc_raft_campaign_transfer(struct cc_raft *core);

void cc_raft_receive_vote(struct cc_raft *core, const struct cc_raft_message *message);
void cc_raft_receive_vote_reply(struct cc_raft *core, const struct cc_raft_message *message);

/* ---- raft_follower.c --------------------------------------------------------------------------
 */

void cc_raft_receive_append(struct cc_raft *core, const struct cc_raft_message *message);
void cc_raft_follower_stored(struct cc_raft *core);

/* ---- raft_replication.c -----------------------------------------------------------------------
 */

/* A new leader knows nothing of its peers. */
void cc_raft_replication_lead(struct cc_raft *core);
void cc_raft_replication_tick(struct cc_raft *core);
void cc_raft_replication_sent(struct cc_raft *core, const struct cc_raft_event *event);
void cc_raft_replication_peer(struct cc_raft *core, struct cc_raft_peer *peer, bool is_up);
copycat_status cc_raft_replication_propose(struct cc_raft *core, uint32_t count);

/* Asks for a heartbeat to all; it leaves at the end of the step, with entries if there are any. */
void cc_raft_replication_heartbeat(struct cc_raft *core);

/* The last thing a leader's step does: at most one append to each peer. */
void cc_raft_replication_pump(struct cc_raft *core);

void cc_raft_receive_append_reply(struct cc_raft *core, const struct cc_raft_message *message);

/* ---- raft_commit.c ----------------------------------------------------------------------------
 */

/* A leader's: moves the commit index to what a quorum has. */
void cc_raft_commit_advance(struct cc_raft *core);

/* An entry of this leader's own term is committed. */
bool cc_raft_commit_is_own(const struct cc_raft *core);

/* ---- raft_read.c ------------------------------------------------------------------------------
 */

copycat_status cc_raft_read_begin(struct cc_raft *core);

/* A voter's reply in our term: its echo of a round, and its promise. */
void cc_raft_read_heard(
    struct cc_raft *core, struct cc_raft_peer *peer, const struct cc_raft_message *message);

/* The time at which a leader that heard nothing more would have to step down. */
uint64_t cc_raft_quorum_deadline(const struct cc_raft *core);

/* ---- raft_transfer.c --------------------------------------------------------------------------
 */

copycat_status cc_raft_transfer_begin(struct cc_raft *core, uint32_t target);

/* Asks the target to campaign once it has everything. */
void cc_raft_transfer_advance(struct cc_raft *core);
void cc_raft_transfer_tick(struct cc_raft *core);
void cc_raft_transfer_end(struct cc_raft *core);
void cc_raft_receive_timeout_now(struct cc_raft *core, const struct cc_raft_message *message);

#endif /* CC_RAFT_RAFT_INTERNAL_H */

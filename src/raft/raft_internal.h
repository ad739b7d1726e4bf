/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_internal -- the core's state, and what its files say to each other.
 *
 *     raft.c              create, the one entrance, accessors, verification
 *     raft_log.c          the table of runs, and tickets
 *     raft_election.c     terms, votes, who may campaign
 *     raft_replication.c  appends at the leader: progress, window, heartbeats
 *     raft_follower.c     appends at the follower: match, conflict, commit, acknowledgement
 *     raft_read.c         commit index, leadership rounds, leases: whatever a quorum decides
 *     raft_transfer.c     handing leadership over
 *     raft_image.c        what is forgotten, who therefore needs an image, and taking one over
 */
#ifndef CC_RAFT_RAFT_INTERNAL_H
#define CC_RAFT_RAFT_INTERNAL_H

#include "base/assert.h"
#include "base/bug.h"
#include "base/prng.h"
#include "raft/raft.h"

#define CC_RAFT_TICKETS_MAX 64u

enum cc_raft_mode {
    CC_RAFT_PROBE,  /* where its log matches is not known: one append at a time */
    CC_RAFT_STREAM, /* it matches through next - 1 as far as sent: appends in a window */
};

struct cc_raft_flight {
    uint64_t last; /* of one append under way */
    uint32_t bytes;
};

/* A member as this one sees it.  The leader's view of its log, its votes, what it promised. */
struct cc_raft_peer {
    uint32_t id;
    bool is_voter;
    bool is_up;
    bool has_answered; /* in the campaign at hand */
    bool has_granted;
    enum cc_raft_mode mode;
    bool is_sending;   /* an append is with the driver, who will say SENT */
    bool is_probing;   /* PROBE: an append is under way */
    bool lacks_first;  /* its newest reply left `next` below our first entry */
    uint64_t fetching; /* index of the image that it gets; 0: none */
    uint64_t match;
    uint64_t next;
    uint64_t heard_us;    /* its newest reply in this term */
    uint64_t progress_us; /* its newest progress, or the newest send when nothing was under way */
    uint64_t round;       /* newest round it has acknowledged */
    uint64_t lease_us;    /* until when its promise counts, on our clock */
    uint64_t told_commit; /* newest commit index sent to it */
    struct cc_raft_flight flights[CC_RAFT_INFLIGHT_MAX];
    uint32_t flight_head;
    uint32_t flight_count;
    uint64_t flight_bytes;
};

/* Durable when the driver says so: then the log is stable through `index`, if that bears `term`. */
struct cc_raft_ticket {
    uint64_t ticket;
    uint64_t index;
    uint64_t term;
};

struct cc_raft {
    const struct cc_memory *memory;
    struct cc_raft_options options;
    struct cc_prng prng;
    uint64_t now_us; /* of the step at hand */
    struct cc_raft_effects *effects;

    uint64_t term;
    uint32_t vote;
    uint32_t leader;
    uint32_t term_leader; /* who has been heard to lead this term; 0: nobody yet */
    enum cc_raft_role role;
    bool is_voter;
    bool is_stalled;
    uint32_t quorum;
    struct cc_raft_peer peers[CC_MEMBERS_MAX]; /* all members but this one */
    uint32_t peer_count;

    struct cc_raft_run *runs;
    uint32_t run_count;
    uint32_t run_capacity;
    uint64_t first; /* the oldest raw entry; last + 1: there is none */
    uint64_t last;
    uint64_t stored;       /* durable through here */
    uint64_t stable;       /* and readable: what counts */
    uint64_t damaged_from; /* 0: nothing is */
    uint64_t commit;
    struct cc_raft_ticket tickets[CC_RAFT_TICKETS_MAX];
    uint32_t ticket_count;
    uint64_t ticket_newest;
    uint64_t ticket_durable;
    uint64_t ticket_store; /* of the newest term or vote */

    uint64_t election_due_us;
    uint64_t contact_us;       /* newest word of the leader of this term */
    uint64_t promise_until_us; /* neither vote nor campaign before */
    uint64_t promise_term;     /* of the leader it was given to */
    uint64_t quiet_until_us;   /* after a start: promises of the former life may still hold */
    bool is_transfer;          /* this campaign was asked for by the leader */

    uint64_t verified;     /* follower: matches the leader of this term through here */
    uint64_t acknowledged; /* newest match that was sent to it */
    uint64_t heard_round;  /* newest round and send time heard from it */
    uint64_t heard_sent_us;
    uint64_t told_round;
    uint64_t floor; /* newest that the leader of this term has said */

    uint64_t term_first; /* leader: index of the no-op that opened its term */
    uint64_t heartbeat_due_us;
    bool wants_heartbeat; /* every peer gets an append in this step */
    uint64_t round;
    uint64_t round_confirmed;

    uint32_t transfer_target; /* 0: none */
    uint64_t transfer_until_us;
    bool is_timeout_sent;
    bool is_lease_given_up; /* for the rest of the term */
};

/* raft_log.c */
void cc_raft_log_init(struct cc_raft *core, const struct cc_raft_start *start);
uint64_t cc_raft_log_term(const struct cc_raft *core, uint64_t index);
/* The last index of the run that `index` is in. */
uint64_t cc_raft_log_run_end(const struct cc_raft *core, uint64_t index);
/* The newest index <= `index` whose term is <= `term`; 0 if none is. */
uint64_t cc_raft_log_find(const struct cc_raft *core, uint64_t index, uint64_t term);
bool cc_raft_log_has_room(struct cc_raft *core);
void cc_raft_log_extend(struct cc_raft *core, uint64_t last, uint64_t term);
void cc_raft_log_truncate(struct cc_raft *core, uint64_t from);
void cc_raft_log_forget(struct cc_raft *core, uint64_t index);
/* Nothing but the entry at `index` is known, and that it is there when the step's ticket is. */
void cc_raft_log_reset(struct cc_raft *core, uint64_t index, uint64_t term);
void cc_raft_log_repaired(struct cc_raft *core, uint64_t damaged_from);
/* The step's ticket, made when first asked for. */
uint64_t cc_raft_log_ticket(struct cc_raft *core);
void cc_raft_log_note_append(struct cc_raft *core);
void cc_raft_log_stored(struct cc_raft *core, uint64_t ticket);

/* raft_election.c */
void cc_raft_store(struct cc_raft *core, uint64_t term, uint32_t vote);
void cc_raft_follow(struct cc_raft *core, uint64_t term, uint32_t leader);
void cc_raft_delay_election(struct cc_raft *core);
void cc_raft_campaign_if_due(struct cc_raft *core);
void cc_raft_campaign(struct cc_raft *core, bool is_transfer);
void cc_raft_check_won(struct cc_raft *core);
void cc_raft_receive_vote(struct cc_raft *core, const struct cc_raft_message *message);
void cc_raft_receive_vote_reply(struct cc_raft *core, const struct cc_raft_message *message);
void cc_raft_ask_for_vote(struct cc_raft *core, const struct cc_raft_peer *peer);

/* raft_replication.c */
void cc_raft_peer_reset(struct cc_raft_peer *peer);
void cc_raft_replicate(struct cc_raft *core);
void cc_raft_receive_append_reply(struct cc_raft *core, const struct cc_raft_message *message);
void cc_raft_sent(struct cc_raft *core, const struct cc_raft_event *event);
void cc_raft_lead_on(struct cc_raft *core);

/* raft_follower.c */
copycat_status cc_raft_receive_append(struct cc_raft *core, const struct cc_raft_message *message);
void cc_raft_acknowledge_stored(struct cc_raft *core);

/* raft_read.c */
void cc_raft_advance_commit(struct cc_raft *core);
copycat_status cc_raft_begin_round(struct cc_raft *core);
void cc_raft_confirm_rounds(struct cc_raft *core);

/* raft_transfer.c */
copycat_status cc_raft_begin_transfer(struct cc_raft *core, uint32_t target);
void cc_raft_go_on_with_transfer(struct cc_raft *core);
void cc_raft_end_transfer(struct cc_raft *core);
void cc_raft_receive_timeout_now(struct cc_raft *core, const struct cc_raft_message *message);

/* raft_image.c */
void cc_raft_forgotten(struct cc_raft *core, uint64_t index);
void cc_raft_fetching(struct cc_raft *core, uint32_t id, uint64_t index);
copycat_status cc_raft_install(struct cc_raft *core, uint64_t index, uint64_t term);

/* raft.c */
struct cc_raft_peer *cc_raft_peer_of(struct cc_raft *core, uint32_t id);
struct cc_raft_send *cc_raft_send(
    struct cc_raft *core, enum cc_raft_message_kind kind, uint32_t to, uint64_t term);

#endif /* CC_RAFT_RAFT_INTERNAL_H */

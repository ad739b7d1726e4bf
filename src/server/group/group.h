/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group -- one Raft group of this server: its core, its log, its state, and who waits for it.
 *
 * Where it sits:   server/node hands it events (frames of peers, requests of guests, durable marks)
 *                  and the end of each pass; it hands node frames to send.
 * Memory:          everything that waits is counted against a bound of the options (S4).
 *
 * Invariants
 *   G1  steps do not nest: an effect that leads to another event queues it
 *   G2  a reply to a request goes by what an entry says (session, sequence), never by its index
 *       alone (T-022)
 *   G3  `live` exists only while this server leads and has applied an entry of its own term
 */
#ifndef CC_SERVER_GROUP_GROUP_H
#define CC_SERVER_GROUP_GROUP_H

#include "apply/apply.h"
#include "base/table.h"
#include "log/image.h"
#include "log/log.h"
#include "proto/message.h"
#include "raft/raft.h"
#include "server/group/group_backlog.h"
#include "server/image/salvage.h"
#include "server/server.h"

/* Encoded bytes of entries not yet applied, or not yet durable here; beyond it commands are refused
 * with BUSY. */
#define CC_GROUP_UNAPPLIED_BYTES_MAX (UINT64_C(64) << 20)

/* Clocks of two members may differ in rate by so much, or leases are not safe. */
#define CC_GROUP_DRIFT_PPM_MAX 1000u

/* Where a request came from, and so where its reply goes. */
struct cc_origin {
    uint32_t server; /* that has the client's connection */
    uint64_t token;  /* names the connection there */
};

/* What the leader knows of a session beyond the replicated state; lost with leadership. */
struct cc_live {
    uint64_t session;
    uint64_t appended;    /* newest sequence in the log */
    uint64_t deadline_us; /* expires if not heard of until then */
    bool is_expiring;     /* an EXPIRE is under way */
    struct cc_origin origin;
};

/* A session that is being opened. */
struct cc_opening {
    struct cc_list node;
    uint8_t nonce[CC_NONCE_SIZE];
    struct cc_origin origin;
};

enum cc_waiting_kind {
    CC_WAITING_KEEP_ALIVE, /* for a round that confirms that the session may live */
    CC_WAITING_ABSENT,     /* a command of a session that seems not to exist: is that so? */
    CC_WAITING_QUERY,
};

/* A request that waits for a leadership round, or for apply to come far enough. */
struct cc_waiting {
    struct cc_list node;
    enum cc_waiting_kind kind;
    struct cc_origin origin;
    uint64_t session;
    uint64_t number;         /* sequence of the command, number of the query */
    uint64_t after_sequence; /* QUERY: commands of the session to be applied first */
    uint64_t instance;
    uint64_t index; /* applied must reach this */
    uint64_t round; /* and this round be confirmed; 0: none needed */
    uint64_t arrived_us;
    uint64_t deadline_us;
    uint8_t level;
    size_t operation_size;
    uint8_t operation[];
};

/* A ticket of the core and the mark of the journal that makes it durable. */
struct cc_ticket_mark {
    uint64_t ticket;
    uint64_t mark;
};

/* An append that waits for entries to come back from disk; one for each peer at most. */
struct cc_sender {
    struct cc_group *group;
    struct cc_raft_send send;
    struct cc_log_load load;
    bool is_loading;
    bool is_stale; /* the core has moved on: drop what was loaded */
};

/* A growing array that is emptied at the end of each pass and so stays small. */
struct cc_entry_list {
    struct cc_entry *at;
    uint32_t count;
    uint32_t capacity;
};

struct cc_block_list {
    struct cc_block **at;
    uint32_t count;
    uint32_t capacity;
};

/* Damaged entries on their way back: asked for, or written and not yet durable. */
struct cc_repairing {
    uint64_t first;                   /* what the answers below are about; 0: all is well */
    uint32_t next;                    /* place of the member to ask next */
    uint64_t again_us;                /* when to ask on; COPYCAT_NONE: nothing is damaged */
    uint64_t patience_us;             /* until when a leader may still come and decide */
    uint64_t mark;                    /* of the journal, for what was written; 0: nothing is */
    uint64_t held;                    /* the first of what counts at that mark; 0: all does */
    uint64_t image_us;                /* no image is asked for in its place before then */
    bool is_told;                     /* that nobody who answers has it */
    uint8_t outcomes[CC_MEMBERS_MAX]; /* of each member, by place; 0: has not answered */
};

/* A neighbour's repair that waits for our entries to come back from disk; one at a time. */
struct cc_repair_help {
    uint32_t peer;
    struct cc_repair_ask ask;
    struct cc_log_load load;
    bool is_loading;
};

/* What reading everything again has found, since the start (image/scrubbing.c). */
struct cc_scrubbed {
    uint64_t rounds;   /* over all that is stood on */
    uint64_t ended_us; /* when the last of them was over */
    uint64_t bytes;    /* read */
    uint64_t found;    /* images and batches that did not read */
    uint64_t repaired; /* of them */
};

/* The newest mark of the log (group_mark.c, group_agree.c). */
struct cc_marks {
    uint64_t index;      /* that was applied here; 0: none */
    uint64_t digest;     /* of the state then */
    uint64_t agreed;     /* the newest at which a majority of the voters had our digest */
    uint64_t image_size; /* of the newest image, in bytes; 0: there is none */
    bool is_under_way;   /* this leader has proposed one that is not applied yet */
    uint64_t again_us;   /* the last one was refused: not before then */
};

struct cc_room; /* on this server's disk, and on those of the others (group_room.c) */

/* Images that nobody stands on are being removed. */
struct cc_sweeping {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it is gone */
    struct cc_image_sweep *sweep;
    bool is_again; /* once more when it is over */
};

struct cc_sent {
    uint32_t peer;
    uint64_t index;
    uint32_t bytes;
};

#define CC_GROUP_AHEAD_MAX 4u

/* A batch that is read before its turn. */
struct cc_group_ahead {
    struct cc_group *group; /* NULL: none is */
    struct cc_log_load load;
    struct cc_journal_place place;
};

struct cc_group {
    struct cc_server *server;
    struct cc_env *env;
    const struct cc_memory *memory;
    uint32_t id;
    uint32_t server_id;
    struct cc_raft *core;
    struct cc_log *log;
    struct cc_journal *journal;
    struct cc_apply *apply;

    struct cc_raft_effects effects; /* of the step at hand */
    bool is_stepping;               /* G1 */
    uint64_t effects_round;         /* of the newest READ ... */
    uint64_t effects_index;         /* ... and the index to read at */
    struct cc_sent sent[CC_MEMBERS_MAX];
    uint32_t sent_count;
    struct cc_entry_list received; /* entries of the append at hand; borrow its frame */
    struct cc_block_list proposed; /* not yet proposed */
    uint64_t proposed_bytes;

    struct cc_ticket_mark *tickets; /* not yet durable, ascending */
    uint32_t ticket_count;
    uint32_t ticket_capacity;
    struct cc_raft_send *delayed; /* sends that wait for a ticket, in order */
    uint32_t delayed_count;
    uint32_t delayed_capacity;
    struct cc_sender senders[CC_MEMBERS_MAX];
    uint32_t sender_count;

    struct cc_log_load apply_load;
    bool is_apply_loading;
    struct cc_group_ahead aheads[CC_GROUP_AHEAD_MAX]; /* of what is applied after that, */
    uint64_t ahead; /* from here on; 0: it is in memory, or not to be had */
    struct cc_marks marks;
    struct cc_backlog backlog;
    struct cc_mark told[CC_MEMBERS_MAX]; /* the newest mark of each member, by place */
    uint64_t ask_us;                     /* when to ask those whose digest is lacking */
    struct cc_image_id base;             /* the image that this group stands on; index 0: none */
    struct cc_segment_list *segments;    /* that it needs; NULL: there are none, or nobody knows */
    uint64_t base_bytes;                 /* of all these files, as far as that is known, */
    uint64_t live_bytes;                 /* and without what is dead in them */
    struct cc_image_id next_base;        /* and the one after it, ... */
    struct cc_segment_list *next_segments;
    uint64_t switch_mark;     /* ... when this mark of the journal is durable; 0: there is none */
    uint64_t kept;            /* the journal knows that entries through here are not needed */
    struct cc_taking *taking; /* NULL: no image is being taken, ... */
    struct cc_sweeping *sweeping; /* ... or removed, ... */
    struct cc_fetching *fetching; /* ... or fetched */
    struct cc_salvage salvage;    /* what is left of one that broke off */
    struct cc_apply *installing;  /* what was fetched, while the core decides on it */
    struct cc_offering *offering;
    struct cc_lending *lending;
    struct cc_giving *giving; /* backups */
    struct cc_scrubbing *scrubbing;
    struct cc_room *room;
    uint64_t wanted; /* an image of this index at least, from whoever has it; 0: none */
    bool has_state;  /* else the base could not be read: nothing is applied, read or led */
    copycat_status base_trouble; /* OK; DAMAGED: the base's file is bad; IO: it could not be read */
    uint32_t spared;             /* how often a segment of the base was refused, and left alone */
    uint64_t needed;    /* by a member: an image of this index at least, which none has here, ... */
    uint64_t needed_us; /* ... and when the next is taken for such a one */
    uint32_t want_next; /* place of the member to ask next for an image that is lacking, ... */
    uint64_t want_us;   /* ... and when */
    struct cc_repairing repairing;
    struct cc_repair_help help;
    struct cc_scrubbed scrubbed;
    uint64_t batches_lost; /* found damaged, and not yet whole again */

    bool is_leading;        /* G3 */
    uint64_t term_first;    /* index of the no-op that opened our term */
    uint64_t term_led;      /* the newest that we led */
    uint64_t clock_base_us; /* log time ... */
    uint64_t clock_from_us; /* ... at this time of our own clock */
    uint32_t leader_told;   /* the leader that our guests' clients were told to resend to */
    uint64_t told_term;     /* the term of the leader that the operator was told of */
    struct cc_table live;   /* struct cc_live by session */
    struct cc_list openings;
    struct cc_table promised;  /* T-022: struct cc_live by index; empty unless that is planted */
    struct cc_list fresh;      /* cc_waiting without a round yet */
    struct cc_list confirming; /* with a round, in order of rounds */
    struct cc_list lagging;    /* waiting for apply */
    uint32_t waiting_count;    /* of places: one for each that waits, and for each KiB of it */
    bool is_stalled;

    uint64_t expire_us;        /* no live session expires earlier */
    uint64_t tick_again_us;    /* the last tick was refused: not before then */
    uint64_t waiting_until_us; /* nothing that waits has an earlier deadline */

    struct cc_timer wake;  /* the core's */
    struct cc_timer alarm; /* expiry, deadlines, stalls, ticks: at the earliest of them */
    uint64_t alarm_us;     /* COPYCAT_NONE: not set */
    struct cc_task pass;   /* end of pass */
    uint64_t election_timeout_us;
};

/* Partner: cc_group_destroy.  `log` has been recovered and belongs to the group from here on, as does
 * `apply`, the state of the image that `state` speaks of; NULL: there is no such image, or it cannot
 * be read. */
struct cc_group *cc_group_create(
    struct cc_server *server,
    uint32_t id,
    const struct cc_base *base,
    struct cc_log *log,
    const struct cc_journal_group *state,
    struct cc_apply *apply);
void cc_group_destroy(struct cc_group *group);

/* ---- from node ----------------------------------------------------------------------------------
 */

void cc_group_peer_changed(struct cc_group *group, uint32_t peer, bool is_up);

/* A Raft message; false if it makes no sense, so that its connection should end. */
bool cc_group_receive(struct cc_group *group, uint32_t peer, const struct cc_frame *frame);

/* A client's message, from a guest of ours or passed on by a peer; false if it makes no sense. */
bool cc_group_request(
    struct cc_group *group, struct cc_origin origin, uint16_t type, copycat_bytes body);

void cc_group_durable(struct cc_group *group, uint64_t mark);

/* The journal's files have no entries before `first` any more. */
void cc_group_forgotten(struct cc_group *group, uint64_t first);

/* A write has ended, or space has come or gone: does the disk hang, or is it full? */
void cc_group_watch_disk(struct cc_group *group);

/* Asks for the end-of-pass work. */
void cc_group_wake(struct cc_group *group);

copycat_status cc_group_transfer(struct cc_group *group, uint32_t target);
void cc_group_status(const struct cc_group *group, struct cc_server_status *status_out);

/* ---- between the files of this folder ---------------------------------------------------------
 */

/* When to try again what found no room. */
uint64_t cc_group_retry_us(const struct cc_group *group);

/* Steps the core and carries the effects out, and those of what follows from them. */
copycat_status cc_group_step(struct cc_group *group, struct cc_raft_event *event);

/* group_send.c */
void cc_group_transmit(struct cc_group *group, const struct cc_raft_send *send);
void cc_group_release_sends(struct cc_group *group, uint64_t ticket);
void cc_group_senders_reset(struct cc_group *group);

/* group_propose.c */
bool cc_group_may_gather(const struct cc_group *group, size_t payload_size); /* in memory */
bool cc_group_has_room(const struct cc_group *group, size_t payload_size);   /* also on the disk */
void cc_group_propose(struct cc_group *group, uint8_t kind, copycat_bytes payload);
void cc_group_propose_first(struct cc_group *group, uint8_t kind, copycat_bytes payload);
void cc_group_flush_proposals(struct cc_group *group);
void cc_group_clock_start(struct cc_group *group);
uint64_t cc_group_log_now_us(struct cc_group *group);
void cc_group_tick(struct cc_group *group);
uint64_t cc_group_tick_due_us(struct cc_group *group);

/* group_apply.c */
void cc_group_apply(struct cc_group *group);

/* group_mark.c */
void cc_group_mark(struct cc_group *group); /* if it is due */
void cc_group_marked(struct cc_group *group, const struct cc_entry *entry);

/* So many bytes of the log make one due; how many times half of that were logged since the last. */
uint64_t cc_group_mark_bytes_due(const struct cc_group *group);
uint32_t cc_group_mark_halves(const struct cc_group *group);

/* group_agree.c */

/* A mark was applied just now: the others are told, and may have told already. */
void cc_group_tell_mark(struct cc_group *group);

/* Asks whoever has not said what he had at the newest mark, if it is time. */
void cc_group_ask_marks(struct cc_group *group);
uint64_t cc_group_ask_due_us(const struct cc_group *group);
bool cc_group_receive_marked(struct cc_group *group, uint32_t peer, copycat_bytes body);

/* A majority of the voters had the digest that this member had at the mark `index`. */
void cc_group_agree(struct cc_group *group, uint64_t index);
bool cc_group_has_agreed(const struct cc_group *group, uint64_t index);

/* Stops this server: at the mark `index` a majority had another digest. */
void cc_group_disagree(struct cc_group *group, uint64_t index);

/* group_image.c */
void cc_group_image_begin(struct cc_group *group);
void cc_group_image_end(struct cc_group *group);
void cc_group_image_marked(struct cc_group *group); /* a mark was applied just now */
void cc_group_image_agreed(struct cc_group *group); /* what it was taken of is known to be right */
void cc_group_image_durable(struct cc_group *group, uint64_t mark);

/* Stands on this image from the journal's next durable mark on. */
void cc_group_switch(
    struct cc_group *group,
    const struct cc_image_id *id,
    struct cc_segment_list *segments,
    bool keep_tail);
/* What the base needs; NULL: nothing, or nobody knows. */
void cc_group_set_segments(struct cc_group *group, struct cc_segment_list *segments_take);

void cc_group_forget(struct cc_group *group); /* what is needed no more */
bool cc_group_image_may_begin(const struct cc_group *group);

/* Removes every image but the one that is stood on, and the one that will be; and every segment but
 * those that these need, or one that is lent. */
void cc_group_image_sweep(struct cc_group *group);

/* group_room.c, group_quota.c */
void cc_group_room_begin(struct cc_group *group);
void cc_group_room_end(struct cc_group *group);
void cc_group_room_judge(struct cc_group *group); /* once in each pass */
bool cc_group_room_is_short(const struct cc_group *group);

/* OK: the command may be logged; BUSY: it should come again; QUOTA: it is to be refused. */
copycat_status cc_group_room_for(struct cc_group *group, const struct cc_command *command);

/* The journal can make no other file, and has less than so many quarters of one left. */
bool cc_group_room_is_waiting(const struct cc_group *group, uint32_t quarters);

/* What is left of the journal is for terms, votes and marks: for what would give room again. */
bool cc_group_room_is_used_up(const struct cc_group *group);

/* It has no room for these entries and what comes after them, such as a switch to an image. */
bool cc_group_room_is_at_end(const struct cc_group *group, uint64_t entry_count, uint64_t size);

/* Though it is: who leads could bring a mark about, and that room. */
bool cc_group_room_is_worth_leading(const struct cc_group *group);

/* A mark should come sooner than it is due, for an image would give room. */
bool cc_group_room_wants_mark(struct cc_group *group);
void cc_group_room_marked(struct cc_group *group); /* one was applied */
void cc_group_room_applied(struct cc_group *group, const struct cc_entry *entry);
void cc_group_room_image_begun(struct cc_group *group);
void cc_group_room_image_failed(struct cc_group *group); /* for want of room */
bool cc_group_receive_room(struct cc_group *group, uint32_t peer, copycat_bytes body);

/* group_install.c */
bool cc_group_receive_image_offer(struct cc_group *group, uint32_t peer, copycat_bytes body);
bool cc_group_receive_image_fetching(struct cc_group *group, uint32_t peer, copycat_bytes body);
bool cc_group_receive_image_ask(struct cc_group *group, uint32_t peer, copycat_bytes body);
bool cc_group_receive_image_wanted(struct cc_group *group, uint32_t peer, copycat_bytes body);

/* `peer` has an image of this index or a later one, which is needed here. */
void cc_group_want_image(struct cc_group *group, uint32_t peer, uint64_t index);

/* A member asks for an image that is newer than what there is here: the state that it has lost, say,
 * was that of the newest of all.  It is taken at a mark, which comes for it; such marks have a pause
 * between them. */
bool cc_group_need_wants_mark(const struct cc_group *group);
void cc_group_need_marked(struct cc_group *group);

/* The core has decided to install what was fetched. */
void cc_group_install(struct cc_group *group, bool keep_tail);

/* group_mend.c */
bool cc_group_is_alone(const struct cc_group *group);

/* The base's file does not read, DAMAGED or IO, as `text` says. */
void cc_group_base_failed(struct cc_group *group, copycat_status status, const char *text);
void cc_group_base_mended(struct cc_group *group);

/* Without a state, or on a bad base: asks for an image, if it is time. */
void cc_group_seek_image(struct cc_group *group);
uint64_t cc_group_seek_due_us(const struct cc_group *group);

/* An image that the living state is ahead of may take the place of a base that went bad. */
/* The segment could not be read: is it to be left alone for now, and not written over?  True a few
 * times in a row. */
bool cc_group_spares(struct cc_group *group, const struct cc_image_segment *segment);

bool cc_group_may_mend(const struct cc_group *group, const struct cc_image_id *id);
void cc_group_mend(
    struct cc_group *group, const struct cc_image_id *id, struct cc_segment_list *segments);

/* group_damage.c */

/* The batch of this place does not read any more.  What of it is in memory is written again, the
 * rest is damaged as if a start had found it, and comes back in the same way. */
void cc_group_lose(
    struct cc_group *group, const struct cc_journal_place *batch, copycat_status status);

/* The entry, and what lies with it, could not be read back.  False: nobody else has it, and it is
 * not in the state: nothing goes on. */
bool cc_group_lose_entry(struct cc_group *group, uint64_t index, copycat_status status);

/* Nothing is damaged any more, and all that came back is durable. */
void cc_group_whole(struct cc_group *group);

/* What an image covers is of no interest any more, if it is damaged: the log begins behind it. */
void cc_group_leave_damage(struct cc_group *group);

/* Nobody else has what is damaged, but what it did is in the state: an image should be taken. */
bool cc_group_damage_needs_image(const struct cc_group *group);
void cc_group_damage_image_asked(struct cc_group *group);

/* group_repair.c */
void cc_group_repair_begin(struct cc_group *group);
void cc_group_repair_found(struct cc_group *group); /* while it runs: some of its log is damaged */
void cc_group_repair_written(struct cc_group *group); /* something was, that is to be durable */
void cc_group_repair(struct cc_group *group);         /* if it is due */
void cc_group_repair_durable(struct cc_group *group, uint64_t mark);
void cc_group_repair_forgotten(struct cc_group *group); /* some damage is of no interest any more */
void cc_group_repair_received(struct cc_group *group);
void cc_group_repair_peer_up(struct cc_group *group, uint32_t peer);
bool cc_group_receive_repair_ask(struct cc_group *group, uint32_t peer, copycat_bytes body);
bool cc_group_receive_repair(struct cc_group *group, uint32_t peer, copycat_bytes body);

/* Entries could not be read back: stops this server, and says where they are. */
void cc_group_fail_reading(struct cc_group *group, copycat_status status);

/* group_sessions.c */
void cc_group_lead(struct cc_group *group);   /* has applied an entry of its own term */
void cc_group_unlead(struct cc_group *group); /* does not lead any more */
bool cc_group_request_command(struct cc_group *group, struct cc_origin origin, copycat_bytes body);
bool cc_group_request_open(struct cc_group *group, struct cc_origin origin, copycat_bytes body);
bool cc_group_request_close(struct cc_group *group, struct cc_origin origin, copycat_bytes body);
void cc_group_outcome(struct cc_group *group, const struct cc_outcome *outcome);
void cc_group_expire(struct cc_group *group);
void cc_group_expect(struct cc_group *group, const struct cc_live *live);
struct cc_live *cc_group_live(struct cc_group *group, uint64_t session);
void cc_group_refuse_proposal(
    struct cc_group *group, struct cc_block *block, copycat_status status);

/* Trap T-022, only where it is planted: answers by index, whatever entry that has become. */
void cc_group_promise_by_index(struct cc_group *group, struct cc_block *block);
void cc_group_answer_by_index(struct cc_group *group, uint64_t index);

/* group_reads.c */
bool cc_group_request_query(struct cc_group *group, struct cc_origin origin, copycat_bytes body);
bool cc_group_request_keep_alive(
    struct cc_group *group, struct cc_origin origin, copycat_bytes body);
void cc_group_wait_absent(
    struct cc_group *group, struct cc_origin origin, uint64_t session, uint64_t sequence);
void cc_group_begin_round(struct cc_group *group);
void cc_group_serve_waiting(struct cc_group *group);
void cc_group_bounce_waiting(struct cc_group *group, copycat_status status);
void cc_group_expire_waiting(struct cc_group *group);

/* group_reply.c */
void cc_group_reply_answer(
    struct cc_group *group, struct cc_origin origin, uint16_t type, const struct cc_answer *answer);
void cc_group_reply_status(
    struct cc_group *group,
    struct cc_origin origin,
    uint16_t type,
    uint64_t session,
    uint64_t number,
    copycat_status status);
void cc_group_reply_opened(
    struct cc_group *group,
    struct cc_origin origin,
    const uint8_t nonce[CC_NONCE_SIZE],
    copycat_status status,
    uint64_t session,
    uint64_t timeout_us);
void cc_group_reply_kept(
    struct cc_group *group, struct cc_origin origin, uint64_t session, copycat_status status);
void cc_group_reply_ended(
    struct cc_group *group, struct cc_origin origin, uint64_t session, copycat_status status);
void cc_group_reply_resend(
    struct cc_group *group, struct cc_origin origin, uint64_t session, uint64_t last);

#endif /* CC_SERVER_GROUP_GROUP_H */

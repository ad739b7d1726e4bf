/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message -- every message between client and server and between servers, its struct and its
 * coding.  A message is the body of one frame; the frame's type says which.
 *
 * Each decode returns false unless the bytes are exactly one such message within its limits; what
 * is in `_out` then means nothing.  What is accepted is coded again to the same bytes.
 * Borrowed bytes inside a decoded message point into the frame's body.
 */
#ifndef CC_PROTO_MESSAGE_H
#define CC_PROTO_MESSAGE_H

#include "proto/entry.h"
#include "proto/member.h"
#include "wire/frame.h"

#define CC_PROTOCOL_VERSION 1u
#define CC_FEATURE_LEVEL 1u

enum cc_message_type {
    /* both ways, first on every connection */
    CC_MESSAGE_HELLO = 1,  /* struct cc_hello */
    CC_MESSAGE_REFUSE = 2, /* struct cc_refuse; the connection ends */
    CC_MESSAGE_BASE = 3,   /* struct cc_base, to a listed member that has none yet */

    /* client to server */
    CC_MESSAGE_SESSION_OPEN = 16,  /* struct cc_session_open */
    CC_MESSAGE_SESSION_CLOSE = 17, /* struct cc_session_close */
    CC_MESSAGE_KEEP_ALIVE = 18,    /* struct cc_keep_alive */
    CC_MESSAGE_COMMAND = 19,       /* struct cc_command */
    CC_MESSAGE_QUERY = 20,         /* struct cc_query */

    /* server to client */
    CC_MESSAGE_SESSION_OPENED = 32, /* struct cc_session_opened */
    CC_MESSAGE_SESSION_ENDED = 33,  /* struct cc_session_ended */
    CC_MESSAGE_KEPT_ALIVE = 34,     /* struct cc_kept_alive */
    CC_MESSAGE_ANSWER = 35,         /* struct cc_answer: of a command */
    CC_MESSAGE_RESULT = 36,         /* struct cc_answer: of a query, `sequence` is its number */
    CC_MESSAGE_RESEND = 37,         /* struct cc_resend */

    /* server to server: Raft */
    CC_MESSAGE_VOTE = 48,           /* struct cc_vote */
    CC_MESSAGE_VOTE_REPLY = 49,     /* struct cc_vote_reply */
    CC_MESSAGE_APPEND = 50,         /* struct cc_append */
    CC_MESSAGE_APPEND_REPLY = 51,   /* struct cc_append_reply */
    CC_MESSAGE_TIMEOUT_NOW = 52,    /* struct cc_timeout_now */
    CC_MESSAGE_REPAIR_ASK = 53,     /* struct cc_repair_ask: damaged entries are asked for */
    CC_MESSAGE_REPAIR = 54,         /* struct cc_repair */
    CC_MESSAGE_IMAGE_OFFER = 55,    /* struct cc_image_offer: the log alone will not do any more */
    CC_MESSAGE_IMAGE_ASK = 56,      /* struct cc_image_ask: a part of it */
    CC_MESSAGE_IMAGE_PART = 57,     /* struct cc_image_part */
    CC_MESSAGE_IMAGE_WANTED = 58,   /* struct cc_image_wanted: an offer is asked for */
    CC_MESSAGE_MARKED = 59,         /* struct cc_marked: what the state was at a mark */
    CC_MESSAGE_ROOM = 60,           /* struct cc_room_told: how the disk of a member stands */
    CC_MESSAGE_IMAGE_FETCHING = 61, /* struct cc_image_fetching: how far an offer has got */

    /* server to server: a client's message passed on to the leader, and what comes back */
    CC_MESSAGE_FORWARD = 64,       /* struct cc_forward */
    CC_MESSAGE_FORWARD_REPLY = 65, /* struct cc_forward */

    /* between an observer and a server */
    CC_MESSAGE_ASK_REPORT = 80, /* empty */
    CC_MESSAGE_REPORT = 81,     /* struct cc_report */

    /* an observer makes a backup; REFUSE ends it, too */
    CC_MESSAGE_BACKUP_ASK = 82,  /* struct cc_backup_ask */
    CC_MESSAGE_BACKUP_WAIT = 83, /* empty: what is asked for is being made */
    CC_MESSAGE_BACKUP_HEAD = 84, /* struct cc_backup_head: now it begins */
    CC_MESSAGE_BACKUP_PART = 85, /* struct cc_backup_part */
    CC_MESSAGE_BACKUP_END = 86,  /* struct cc_backup_end */
};

enum cc_hello_kind {
    CC_HELLO_CLIENT = 1,
    CC_HELLO_PEER = 2,
    CC_HELLO_OBSERVER = 3, /* asks where the server stands, in whatever state; or for a backup */
    CC_HELLO_LANE = 4,     /* a server that asks for parts of an image, and for nothing else */
};

struct cc_hello {
    uint32_t version_min; /* protocol versions this side can speak */
    uint32_t version_max;
    uint32_t feature_level;
    uint8_t kind;
    bool
        is_restored; /* PEER: from a backup, and not founded yet; `cluster_id` is what it will be */
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE]; /* zero: none yet, or (client) any */
    uint32_t server;                        /* the speaker's id; 0 from a client */
    uint8_t incarnation[CC_INCARNATION_SIZE];
    uint64_t boot;             /* counts the starts of this incarnation (T-015) */
    struct cc_members members; /* as configured; empty from a client */
};

struct cc_refuse {
    copycat_status status;
    copycat_bytes text; /* a sentence for a person: what is wrong and what to do */
};

/* What a server has done since it was opened; for tools that divide. */
struct cc_report_counters {
    uint64_t journal_writes; /* durable ones */
    uint64_t journal_bytes;
    uint64_t disk_syncs;         /* beside the journal's writes: of new files, of names */
    uint64_t disk_written_bytes; /* of whatever purpose */
    uint64_t waits;              /* for something to be ready */
    uint64_t socket_writes;
    uint64_t socket_written_bytes;
    uint64_t socket_reads;
    uint64_t socket_read_bytes;
    uint64_t frames_sent;
    uint64_t frames_received;
    uint64_t allocations;
};

/* Reading again all that is stood on, as a server does from time to time; since it was opened. */
struct cc_report_scrub {
    uint64_t rounds;
    uint64_t age_us; /* since the last of them was over; 0 if none was */
    uint64_t bytes;
    uint64_t found;    /* images, and batches of the journal, that did not read */
    uint64_t repaired; /* of them */
};

/* Where a server stands; about others as far as it knows. */
struct cc_report {
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE]; /* zero: none yet */
    uint32_t server;
    uint32_t leader; /* 0: unknown */
    uint8_t state;   /* enum cc_server_state */
    uint8_t role;    /* enum cc_raft_role */
    uint64_t term;
    uint64_t commit;
    uint64_t applied;
    uint64_t last;
    uint64_t digest; /* of the state at `applied` */
    uint64_t log_time_us;
    uint64_t sessions;
    uint64_t connections;
    uint64_t image_index; /* of the image that it stands on; 0: none */
    uint64_t disk_bytes;  /* of the journal's files and that image */
    struct cc_members members;

    struct {
        bool is_up;              /* connected from here */
        uint64_t match;          /* the leader's: its log is known to be there up to this index */
    } standings[CC_MEMBERS_MAX]; /* of members, by place */

    copycat_bytes notice; /* the last sentence for the operator */
    struct cc_report_counters counters;
    struct cc_report_scrub scrub;
};

struct cc_keep_alive {
    uint64_t session;
    uint64_t answered; /* as in cc_command */
    uint64_t events;
};

struct cc_kept_alive {
    uint64_t session;
    copycat_status status; /* OK: alive from when the keep-alive was sent; SESSION: it has ended */
};

struct cc_session_opened {
    uint8_t nonce[CC_NONCE_SIZE];
    copycat_status status;
    uint64_t session;
    uint64_t timeout_us; /* as granted */
};

struct cc_session_ended {
    uint64_t session;
    copycat_status status;
};

enum cc_read_level {
    CC_READ_LINEARIZABLE = 1,
    CC_READ_LINEARIZABLE_LEASE = 2,
    CC_READ_SEQUENTIAL = 3,
    CC_READ_EVENTUAL = 4,
};

struct cc_query {
    uint64_t number; /* the client's own, unique within the connection */
    uint64_t session;
    uint64_t after_sequence; /* commands of the session that must have been applied */
    uint64_t after_index;    /* newest index the session has seen */
    uint64_t stream;
    uint64_t instance;
    uint8_t level; /* enum cc_read_level */
    copycat_bytes operation;
};

struct cc_answer {
    uint64_t session;
    uint64_t sequence;
    uint64_t index; /* command: of its entry; query: last applied when it was read */
    uint64_t event; /* newest event published to the session before this; 0: none */
    copycat_status status;
    copycat_bytes result;
};

/* The leader, or a server that has lost it, asks for everything after `last` again. */
struct cc_resend {
    uint64_t session;
    uint64_t last; /* newest sequence the leader has appended */
};

struct cc_vote {
    uint64_t term; /* pre-vote: the term it would campaign in */
    uint64_t last_index;
    uint64_t last_term;
    bool is_prevote;
    bool is_transfer; /* the leader of term - 1 asked for this campaign */
};

struct cc_vote_reply {
    uint64_t term; /* pre-vote granted: the proposed term; refused: the voter's own (T-006) */
    bool is_prevote;
    bool is_granted;
};

/* Entries follow one another in `entries`, each as proto/entry.h codes it. */
struct cc_append {
    uint64_t term;
    uint64_t prev_index;
    uint64_t prev_term;
    uint64_t commit;
    uint64_t floor;      /* every member that counts has this much; at most `commit`; 0: unknown */
    uint64_t round;      /* number of the newest leadership round begun before this was sent */
    uint64_t sent_at_us; /* the leader's own clock; comes back untouched */
    uint32_t entry_count;
    copycat_bytes entries;
};

struct cc_append_reply {
    uint64_t term;
    bool is_accepted;
    uint64_t match;      /* accepted: durable and verified through this index */
    uint64_t hint_index; /* refused: newest index that may match ... */
    uint64_t hint_term;  /* ... and its term */
    uint64_t round;
    uint64_t sent_at_us;
    uint64_t promise_us; /* from its arrival the voter neither votes nor campaigns for so long */
};

struct cc_timeout_now {
    uint64_t term;
};

/* Damaged entries [first, last], all of one term.  An index and a term name one entry, whoever has
 * it. */
struct cc_repair_ask {
    uint64_t first;
    uint64_t last;
    uint64_t term;
};

enum cc_repair_outcome {
    CC_REPAIR_ENTRIES = 1, /* here are the first of them, one at least */
    CC_REPAIR_MISSING = 2, /* the first is not in this log */
    CC_REPAIR_DAMAGED = 3, /* the first is damaged here too */
    CC_REPAIR_IMAGED = 4,  /* the first is forgotten here: an image stands for it */
};

struct cc_repair {
    uint64_t first;  /* as it was asked for */
    uint8_t outcome; /* enum cc_repair_outcome */
    uint32_t entry_count;
    copycat_bytes entries; /* as in cc_append */
};

/* Which image: the same bytes, whoever has them. */
struct cc_image_name {
    uint64_t index;    /* H: the state after this entry ... */
    uint64_t term;     /* ... which has this term ... */
    uint64_t time_us;  /* ... and this log time */
    uint64_t size;     /* of the file, in bytes */
    uint64_t checksum; /* of the file */
};

/* From a leader of `term`, to a member that needs entries which the leader's log has no more; or from
 * anybody, in answer to IMAGE_WANTED. */
struct cc_image_offer {
    uint64_t term;
    struct cc_image_name image;
};

/* By a member that cannot read what it stands on, or an entry that others have forgotten. */
struct cc_image_wanted {
    uint64_t index; /* the image has to be of this index at least */
};

/* To the leader: docs/decisions/0011. */
struct cc_room_told {
    bool is_short;   /* of room for the next image and the journal */
    bool wants_mark; /* for an image would give it some */
};

/* To whoever offers an image, while this one or another is fetched. */
struct cc_image_fetching {
    uint64_t index;    /* of what is fetched */
    uint64_t progress; /* grows as long as it gets on */
};

struct cc_image_ask {
    struct cc_image_name image;
    uint32_t file; /* 0: the image itself, else which of its segments, from 1 */
    uint64_t offset;
    uint32_t size; /* bytes, at most CC_IMAGE_PART_SIZE_MAX, none behind the file's end */
};

struct cc_image_part {
    uint64_t index;
    uint64_t checksum;
    uint32_t file;
    uint64_t offset;
    copycat_bytes bytes; /* none: this server does not have that image */
};

/* By each member to all others, once it has applied a mark, and to whoever asks. */
struct cc_marked {
    struct cc_mark mark; /* the newest, and the digest that the sender's state had there */
    bool asks;           /* the sender lacks the receiver's */
};

/* The first begins a backup; each lets the server go on to CC_BACKUP_WINDOW behind what was received. */
struct cc_backup_ask {
    uint64_t received; /* bytes */
};

/* What the backup is of: the state after entry `index`. */
struct cc_backup_head {
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    uint64_t index;
    uint64_t term;
    uint64_t time_us; /* log time */
    uint64_t size;    /* bytes that come */
};

/* Records of an image; where a part ends has nothing to do with where a record does. */
struct cc_backup_part {
    uint64_t offset;
    copycat_bytes bytes; /* 1 to CC_BACKUP_PART_SIZE_MAX */
};

struct cc_backup_end {
    uint64_t size; /* bytes that came */
};

/* `token` names the client's connection at the server that passes on. */
struct cc_forward {
    uint64_t token;
    uint16_t type;
    copycat_bytes body;
};

void cc_hello_encode(struct cc_writer *writer, const struct cc_hello *hello);
bool cc_hello_decode(copycat_bytes body, struct cc_hello *hello_out);
void cc_refuse_encode(struct cc_writer *writer, const struct cc_refuse *refuse);
void cc_report_encode(struct cc_writer *writer, const struct cc_report *report);
bool cc_report_decode(copycat_bytes body, struct cc_report *report_out);
bool cc_refuse_decode(copycat_bytes body, struct cc_refuse *refuse_out);
void cc_keep_alive_encode(struct cc_writer *writer, const struct cc_keep_alive *keep_alive);
bool cc_keep_alive_decode(copycat_bytes body, struct cc_keep_alive *keep_alive_out);
void cc_kept_alive_encode(struct cc_writer *writer, const struct cc_kept_alive *kept);
bool cc_kept_alive_decode(copycat_bytes body, struct cc_kept_alive *kept_out);
void cc_session_opened_encode(struct cc_writer *writer, const struct cc_session_opened *opened);
bool cc_session_opened_decode(copycat_bytes body, struct cc_session_opened *opened_out);
void cc_session_ended_encode(struct cc_writer *writer, const struct cc_session_ended *ended);
bool cc_session_ended_decode(copycat_bytes body, struct cc_session_ended *ended_out);
void cc_query_encode(struct cc_writer *writer, const struct cc_query *query);
bool cc_query_decode(copycat_bytes body, struct cc_query *query_out);
void cc_answer_encode(struct cc_writer *writer, const struct cc_answer *answer);
bool cc_answer_decode(copycat_bytes body, struct cc_answer *answer_out);
void cc_resend_encode(struct cc_writer *writer, const struct cc_resend *resend);
bool cc_resend_decode(copycat_bytes body, struct cc_resend *resend_out);
void cc_vote_encode(struct cc_writer *writer, const struct cc_vote *vote);
bool cc_vote_decode(copycat_bytes body, struct cc_vote *vote_out);
void cc_vote_reply_encode(struct cc_writer *writer, const struct cc_vote_reply *reply);
bool cc_vote_reply_decode(copycat_bytes body, struct cc_vote_reply *reply_out);
/* The fields before the entries; the caller then writes `entry_count` encoded entries raw. */
void cc_append_encode_head(struct cc_writer *writer, const struct cc_append *append);
/* Checks the head only; entries are decoded one by one with cc_entry_decode. */
bool cc_append_decode(copycat_bytes body, struct cc_append *append_out);
void cc_append_reply_encode(struct cc_writer *writer, const struct cc_append_reply *reply);
bool cc_append_reply_decode(copycat_bytes body, struct cc_append_reply *reply_out);
void cc_repair_ask_encode(struct cc_writer *writer, const struct cc_repair_ask *ask);
bool cc_repair_ask_decode(copycat_bytes body, struct cc_repair_ask *ask_out);
/* Everything but the entries, which the caller writes behind it. */
void cc_repair_encode_head(struct cc_writer *writer, const struct cc_repair *repair);
bool cc_repair_decode(copycat_bytes body, struct cc_repair *repair_out);
void cc_image_offer_encode(struct cc_writer *writer, const struct cc_image_offer *offer);
bool cc_image_offer_decode(copycat_bytes body, struct cc_image_offer *offer_out);
void cc_image_wanted_encode(struct cc_writer *writer, const struct cc_image_wanted *wanted);
bool cc_image_wanted_decode(copycat_bytes body, struct cc_image_wanted *wanted_out);
void cc_room_told_encode(struct cc_writer *writer, const struct cc_room_told *told);
bool cc_room_told_decode(copycat_bytes body, struct cc_room_told *told_out);
void cc_image_fetching_encode(struct cc_writer *writer, const struct cc_image_fetching *fetching);
bool cc_image_fetching_decode(copycat_bytes body, struct cc_image_fetching *fetching_out);
void cc_image_ask_encode(struct cc_writer *writer, const struct cc_image_ask *ask);
bool cc_image_ask_decode(copycat_bytes body, struct cc_image_ask *ask_out);
void cc_image_part_encode(struct cc_writer *writer, const struct cc_image_part *part);
bool cc_image_part_decode(copycat_bytes body, struct cc_image_part *part_out);
void cc_marked_encode(struct cc_writer *writer, const struct cc_marked *marked);
bool cc_marked_decode(copycat_bytes body, struct cc_marked *marked_out);
void cc_backup_ask_encode(struct cc_writer *writer, const struct cc_backup_ask *ask);
bool cc_backup_ask_decode(copycat_bytes body, struct cc_backup_ask *ask_out);
void cc_backup_head_encode(struct cc_writer *writer, const struct cc_backup_head *head);
bool cc_backup_head_decode(copycat_bytes body, struct cc_backup_head *head_out);
void cc_backup_part_encode(struct cc_writer *writer, const struct cc_backup_part *part);
bool cc_backup_part_decode(copycat_bytes body, struct cc_backup_part *part_out);
void cc_backup_end_encode(struct cc_writer *writer, const struct cc_backup_end *end);
bool cc_backup_end_decode(copycat_bytes body, struct cc_backup_end *end_out);
void cc_timeout_now_encode(struct cc_writer *writer, const struct cc_timeout_now *timeout);
bool cc_timeout_now_decode(copycat_bytes body, struct cc_timeout_now *timeout_out);
void cc_forward_encode(struct cc_writer *writer, const struct cc_forward *forward);
bool cc_forward_decode(copycat_bytes body, struct cc_forward *forward_out);

#endif /* CC_PROTO_MESSAGE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node -- the process: one journal, one door, its neighbours, and its groups (so far one: group 0).
 *
 * Where it sits:   everything that reaches this server passes here and is handed to a group; what a
 *                  group says leaves through here.
 *
 * Invariants
 *   N1  a failed server sends nothing: begin gives a buffer that end throws away (S3)
 *   N2  callbacks of channels do not step a group while it is stepping: what they change is noted
 *       and handed over in a task
 */
#ifndef CC_SERVER_NODE_NODE_H
#define CC_SERVER_NODE_NODE_H

#include "base/prng.h"
#include "base/table.h"
#include "env/channel.h"
#include "log/log.h"
#include "server/group/group.h"
#include "server/peer/peer.h"
#include "server/server.h"

/* Bytes that may wait for a guest that does not read before it is shown out (T-110). */
#define CC_GUEST_OUTPUT_MAX (16u << 20)

/* With so much waiting, results larger than a small one are put off. */
#define CC_GUEST_OUTPUT_FULL (4u << 20)
#define CC_GUEST_RESULT_SMALL 1024u

/* What a notice is about, so that it goes when that is over. */
enum cc_topic {
    CC_TOPIC_NONE, /* never over */
    CC_TOPIC_SPACE,
    CC_TOPIC_LEADER,
    CC_TOPIC_DOOR,
    CC_TOPIC_DAMAGE,
    CC_TOPIC_BASE,
    CC_TOPIC_IMAGE,
    CC_TOPIC_ROOM,
    CC_TOPIC_PEER, /* and its id above this */
};

/* An accepted connection. */
struct cc_guest {
    struct cc_list node;
    struct cc_list stranger; /* among those who have not said hello */
    struct cc_server *server;
    struct cc_channel channel;
    uint8_t kind;    /* enum cc_hello_kind; 0: has not said */
    bool is_gone;    /* freed by the next reaping */
    bool is_refused; /* nothing of it is heard any more */
    uint64_t token;
    uint32_t peer;     /* PEER, LANE: its id */
    uint64_t boot;     /* PEER */
    uint64_t session;  /* CLIENT: the session it speaks for; 0: none yet */
    uint64_t heard_us; /* LANE: when it asked last */
    uint64_t hello_deadline_us;
};

/* What a listed member has said of itself while no base exists. */
struct cc_candidate {
    bool is_heard;
    uint8_t incarnation[CC_INCARNATION_SIZE];
};

/* How far what takes long has come (node_progress.c). */
struct cc_progress {
    struct cc_timer timer;
    uint64_t from_us; /* when the server was opened */
    bool is_told;     /* something was said of it since */
    uint64_t fetching_us;
};

struct cc_server {
    struct cc_env *env;
    const struct cc_memory *memory;
    struct cc_server_options options;
    struct cc_members members; /* as configured */
    char *directory;
    struct cc_server_callbacks callbacks;
    void *owner;
    enum cc_server_state state;
    struct cc_prng prng;

    struct cc_journal *journal;
    bool is_journal_open;
    struct cc_log *log; /* until the group takes it over */
    struct cc_journal_group recovered;
    uint64_t founding_mark; /* of the base that is being stored; 0: none */
    struct cc_base founding;
    struct cc_group *group;                 /* NULL until the base is known */
    bool is_restored;                       /* from a backup, and not founded yet: */
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE]; /* it will be this cluster, */
    struct cc_apply *founding_state;        /* and begin with this state */

    struct cc_listener listener;
    bool is_listening;
    bool is_making_room; /* for the journal: nobody is let in */
    struct cc_list guests;
    struct cc_list strangers; /* of them; the longest silent first */
    struct cc_table guests_by_token;
    uint32_t guest_count;
    uint64_t turned_away_us; /* before that, nothing more is said of newcomers who were */
    uint64_t token_next;
    struct cc_peer *peers[CC_MEMBERS_MAX];
    uint32_t peer_count;
    struct cc_candidate candidates[CC_MEMBERS_MAX]; /* by place in members */
    uint64_t boots[CC_MEMBERS_MAX];                 /* newest boot seen of each member */
    uint64_t lanes[CC_MEMBERS_MAX];                 /* token of its lane; 0: it never had one */

    struct cc_writer reply;                    /* the reply at hand */
    struct cc_task housework;                  /* reaping, peers that went up or down, failing */
    struct cc_timer watch;                     /* deadlines of strangers */
    copycat_status failed;                     /* OK, or why the server stopped */
    copycat_status shortage;                   /* OK, or what the journal waits for */
    char last_notice[CC_REFUSE_TEXT_SIZE_MAX]; /* empty: what it was about is over */
    uint64_t last_topic;                       /* what it is about, enum cc_topic and more */
    uint64_t awaited;          /* a bit for each place in members that the founding waits for */
    uint64_t founding_told_us; /* when that was last looked at; 0: never */
    uint64_t leaderless_us;    /* since then no leader is known, as far as was seen; 0: one is */
    uint64_t babble_us;        /* before that, nothing more is said of strangers' nonsense */
    char words[CC_REFUSE_TEXT_SIZE_MAX]; /* the sentence at hand */
    struct cc_loading *loading;          /* of the state, at a start; NULL: none is under way */
    struct cc_segment_list *segments;    /* of the image of the state, until there is a group */
    struct cc_timer load_again;
    struct cc_progress progress;
    uint32_t load_errors;   /* of the disk, in reading the image at the start */
    uint32_t image_writers; /* files of images that are being made, or are given up */
    uint32_t holds;         /* images that are written, read, ... */
    bool is_journal_closed; /* so nothing but them is waited for */
    bool is_closing;
    void (*closed)(void *owner);
    void *closed_owner;
};

/* ---- for groups ---------------------------------------------------------------------------------
 */

const struct cc_server_options *cc_server_options(const struct cc_server *server);
struct cc_env *cc_server_env(struct cc_server *server);
struct cc_journal *cc_server_journal(struct cc_server *server);

/* What apply is made with. */
void cc_server_apply_options(const struct cc_server *server, struct cc_apply_options *options_out);

/* Something is under way that will call back, with the server to be there: closing waits for it. */
void cc_server_hold(struct cc_server *server);
void cc_server_let_go(struct cc_server *server);

/* Stops this server for good: nothing leaves it any more. */
void cc_server_fail(struct cc_server *server, copycat_status status, const char *text);

/* A leader is known that was not: another one, or the same in a new term. */
void cc_server_led(struct cc_server *server, uint32_t leader, uint64_t term);

/* The leader is another one: clients are told to send again what is unanswered. */
void cc_server_leader_changed(struct cc_server *server);

void cc_server_applied(
    struct cc_server *server,
    const struct cc_entry *entry,
    const struct cc_outcome *outcome,
    const struct cc_apply *apply);

/* The state is that of an image now. */
void cc_server_restored(struct cc_server *server, const struct cc_apply *apply);

bool cc_server_peer_is_up(const struct cc_server *server, uint32_t peer);
struct cc_writer *cc_server_peer_begin(
    struct cc_server *server, uint32_t peer, uint16_t type, uint32_t group);
void cc_server_peer_end(struct cc_server *server, uint32_t peer);

/* On the lane that a member has dialled to fetch an image, if it is up. */
bool cc_server_lane_is_up(const struct cc_server *server, uint32_t peer);
size_t cc_server_lane_queued(const struct cc_server *server, uint32_t peer); /* bytes */
struct cc_writer *cc_server_lane_begin(
    struct cc_server *server, uint32_t peer, uint16_t type, uint32_t group);
void cc_server_lane_end(struct cc_server *server, uint32_t peer);

/* A body is written, then sent to where the request came from. */
struct cc_writer *cc_server_reply_begin(struct cc_server *server);
void cc_server_reply_end(
    struct cc_server *server, struct cc_origin origin, uint16_t type, uint32_t group);

/* ---- between the files of node/ and peer/ ---------------------------------------------------- */

void cc_server_set_state(struct cc_server *server, enum cc_server_state state);

/* Nothing of it calls back any more: the server goes when nobody holds it. */
void cc_server_journal_closed(struct cc_server *server);

/* node_options.c */
copycat_status cc_server_check_options(const struct cc_server_options *options);
void cc_server_fill_options(struct cc_server_options *options);

/* node_journal.c: fails only at once; what comes later is told by cc_server_fail */
copycat_status cc_server_open_journal(struct cc_server *server);

/* node_words.c: what the operator is told */

/* A notice about what is never over. */
void cc_server_notice(struct cc_server *server, const char *text);
void cc_server_notice_about(struct cc_server *server, uint64_t topic, const char *text);

/* It is over: a notice about it does not stand any longer. */
void cc_server_settle(struct cc_server *server, uint64_t topic);

/* Worth a line of the log, and no cause for worry. */
void cc_server_news(struct cc_server *server, const char *text);

/* The parts, up to a NULL, as one sentence; good until the next one. */
const char *cc_server_compose(struct cc_server *server, const char *const *parts);

/* `number` in decimal digits. */
const char *cc_server_number(uint64_t number, char text_out[21]);

/* Once a second: neighbours that came or went, who is missing, what is over. */
void cc_server_tell(struct cc_server *server);

/* node_progress.c: from the server's opening to its appearance; `stop` ends it without a word */
void cc_server_progress_begin(struct cc_server *server);
void cc_server_progress_stop(struct cc_server *server);
void cc_server_progress_end(struct cc_server *server);
void cc_server_tell_fetching(struct cc_server *server);

/* Asks for the housework task. */
void cc_server_wake(struct cc_server *server);

/* What can be done for a server that is not the member it was; the end of a sentence. */
#define CC_LOST_DIRECTORY                                                                      \
    "a server that has lost its directory is a new server, and membership cannot change yet: " \
    "keep the majority running, back it up, restore that as a new cluster"

#define CC_RESTORED_APART                                                                       \
    "the servers were not restored as one cluster: restore each of them from the same backup, " \
    "with the --cluster-id that the first one was given"

/* node_hello.c */
void cc_server_print_members(const struct cc_members *members, char *text_out, size_t text_size);
void cc_server_fill_hello(const struct cc_server *server, struct cc_hello *hello_out);
/* OK, or why the speaker is refused, with a sentence for a person in `text`. */
copycat_status cc_server_check_hello(
    struct cc_server *server, const struct cc_hello *hello, const char **text_out);

/* node_found.c */
void cc_server_heard(struct cc_server *server, const struct cc_hello *hello);
void cc_server_found_if_unanimous(struct cc_server *server);
bool cc_server_take_base(struct cc_server *server, copycat_bytes body);

/* NULL, or why this server may not be started with the base it has on disk. */
const char *cc_server_misfit(struct cc_server *server, const struct cc_base *base);
void cc_server_start_group(struct cc_server *server, struct cc_apply *apply);

/* node_state.c: the state as it was; then cc_server_appear */
void cc_server_restore_state(struct cc_server *server);

/* Recovery is over, up to this state; NULL: an empty one.  The others see this server from now on. */
void cc_server_appear(struct cc_server *server, struct cc_apply *apply);

/* node_door.c */
copycat_status cc_server_open_door(struct cc_server *server);
void cc_server_close_door(struct cc_server *server);
void cc_server_reap_guests(struct cc_server *server);
void cc_server_watch_guests(struct cc_server *server);
void cc_server_dismiss_peers(struct cc_server *server);
void cc_server_dismiss(struct cc_guest *guest);

/* Shows some guests out, for the descriptors they hold, and lets nobody in until the next try. */
void cc_server_make_room(struct cc_server *server);
struct cc_guest *cc_server_guest(const struct cc_server *server, uint64_t token);

/* node_lane.c */
void cc_server_lane_opened(struct cc_guest *guest);
bool cc_server_lane_take(struct cc_guest *guest, const struct cc_frame *frame);
void cc_server_watch_lanes(struct cc_server *server); /* for those that are idle */

/* Tells a guest that has said hello why it is shown out; nothing if it is gone. */
void cc_server_refuse_guest(
    struct cc_server *server, uint64_t token, copycat_status status, const char *text);

/* node_report.c: where this server stands, for an observer */
void cc_server_report(struct cc_server *server, struct cc_channel *channel);

/* node_route.c */
bool cc_server_route_request(
    struct cc_server *server, struct cc_guest *guest, const struct cc_frame *frame);
bool cc_server_route_forwarded(
    struct cc_server *server, uint32_t peer, const struct cc_frame *frame);
bool cc_server_route_forward_reply(struct cc_server *server, const struct cc_frame *frame);

/* Place of a member in the configured list; UINT32_MAX if it is not there. */
uint32_t cc_server_member_place(const struct cc_server *server, uint32_t id);

#endif /* CC_SERVER_NODE_NODE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_cluster -- one to eight cores with a disk each and a network between them, all in memory and
 * all in the hands of a test: nothing is delivered, stored or timed out unless it is asked for.
 *
 * Where it sits:   below the scenario runner and below the random test of the core.
 * What it drives:  src/raft/raft.h and nothing behind it; it does what raft.h asks of a driver.
 *
 * The log of a member is what it has in memory; its disk lags by the writes that are not stored.
 * A crash leaves the disk and breaks every connection.
 *
 * The state that a member's image holds is modelled by the entries it stands for: those below
 * `first` are no log any more, are never sent, and are compared all the same.
 */
#ifndef CC_TEST_RAFT_CLUSTER_H
#define CC_TEST_RAFT_CLUSTER_H

#include "raft/raft.h"

#define RAFT_CLUSTER_MEMBERS_MAX 8u
#define RAFT_CLUSTER_ENTRIES_MAX 4096u
#define RAFT_CLUSTER_PACKET_ENTRIES_MAX 64u
#define RAFT_CLUSTER_ENTRY_BYTES 100u

struct raft_entry {
    uint64_t term;
    uint64_t value; /* unique among all entries that were ever made */
};

struct raft_state {
    uint64_t term;
    uint32_t vote;
    uint64_t first; /* of the log */
    uint64_t last;
    uint64_t base;    /* of the image; 0: none */
    uint64_t damaged; /* an entry behind it that cannot be read; 0: none */
    struct raft_entry entries[RAFT_CLUSTER_ENTRIES_MAX + 1]; /* by index, from 1 */
};

/* What one ticket stands for. */
struct raft_write {
    uint64_t ticket;
    uint64_t install_index; /* 0: none */
    bool keep_tail;
    struct raft_entry *image; /* 1..install_index at [1] and behind */
    bool store;
    uint64_t term;
    uint32_t vote;
    uint64_t truncate_from; /* 0: none */
    uint64_t first;
    uint64_t last; /* first - 1: nothing */
    struct raft_entry *entries;
};

struct raft_packet {
    struct cc_raft_message message;
    uint64_t values[RAFT_CLUSTER_PACKET_ENTRIES_MAX];
};

struct raft_link {
    struct raft_packet *packets; /* oldest first */
    uint32_t count;
    uint32_t capacity;
    bool is_cut;          /* swallows what is sent, and says nothing */
    bool is_disconnected; /* the sender knows that it is */
};

struct raft_member {
    uint32_t id;
    bool is_voter;
    bool is_up;
    struct cc_raft *core;
    uint64_t wake_at_us;
    struct raft_state memory;
    struct raft_state disk;
    struct raft_write *writes; /* not yet stored, oldest first */
    uint32_t write_count;
    uint32_t write_capacity;
    struct cc_raft_send *delayed;
    uint32_t delayed_count;
    uint32_t delayed_capacity;
};

/* One step of one core, when its effects on log and disk queue have been carried out. */
struct raft_step {
    struct raft_member *member;
    const struct cc_raft_event *event;
    const struct cc_raft_effects *effects;
    copycat_status status;
};

struct raft_cluster {
    struct cc_raft_options options; /* of every member, but for the id and the seed */
    uint32_t member_count;
    uint32_t voter_count;
    uint64_t now_us;
    uint64_t value_newest;
    struct raft_member members[RAFT_CLUSTER_MEMBERS_MAX];                       /* id - 1 */
    struct raft_link links[RAFT_CLUSTER_MEMBERS_MAX][RAFT_CLUSTER_MEMBERS_MAX]; /* from, to */
    void (*observe)(void *context, const struct raft_step *step);
    void (*observe_send)(void *context, const struct raft_packet *packet, bool is_lost);
    void *context;
    const struct raft_entry *image; /* of the INSTALL event at hand; by index */
};

/* Voters have the ids from 1, learners follow.  Partner: raft_cluster_destroy. */
struct raft_cluster *raft_cluster_create(uint32_t voter_count, uint32_t learner_count);
void raft_cluster_destroy(struct raft_cluster *cluster);

struct raft_member *raft_cluster_member(struct raft_cluster *cluster, uint32_t id);
struct raft_link *raft_cluster_link(struct raft_cluster *cluster, uint32_t from, uint32_t to);

/* A disk to begin with: entries with these terms. */
void raft_cluster_disk(
    struct raft_cluster *cluster,
    uint32_t id,
    uint64_t term,
    uint32_t vote,
    const uint64_t *terms,
    uint32_t term_count);

/* From the disk; connects it with everybody who is up. */
void raft_cluster_start(struct raft_cluster *cluster, uint32_t id);
void raft_cluster_crash(struct raft_cluster *cluster, uint32_t id);

/* One event, whatever its kind needs being set; `now_us` is filled in. */
copycat_status raft_cluster_step(
    struct raft_cluster *cluster, uint32_t id, struct cc_raft_event event);

/* The packet at `position` of a link leaves it and arrives.  A member that is down loses it. */
copycat_status raft_cluster_deliver(
    struct raft_cluster *cluster, uint32_t from, uint32_t to, uint32_t position);

void raft_cluster_drop(struct raft_cluster *cluster, uint32_t from, uint32_t to, uint32_t position);

/* Puts a packet that was never sent at the end of a link; a copy of an old one, say. */
void raft_cluster_insert(struct raft_cluster *cluster, const struct raft_packet *packet);

/* The oldest `count` writes reach the disk, at most; false if there was none. */
bool raft_cluster_store(struct raft_cluster *cluster, uint32_t id, uint32_t count);

/* Both directions; the senders are told. */
void raft_cluster_connect(struct raft_cluster *cluster, uint32_t a, uint32_t b, bool is_connected);

/* Delivers and stores until nothing is left to. */
void raft_cluster_settle(struct raft_cluster *cluster);

/* An image of what is committed through `index`, durable at once; false if there can be none. */
bool raft_cluster_image(struct raft_cluster *cluster, uint32_t id, uint64_t index);

/* The log forgets what is at or below `index`, as far as the image on the disk has it. */
void raft_cluster_forget(struct raft_cluster *cluster, uint32_t id, uint64_t index);

/* An entry on the disk of a member that is down becomes unreadable, if one may: it is one that no
 * image has.  What is compared is still there: it counts as had. */
void raft_cluster_damage(struct raft_cluster *cluster, uint32_t id, uint64_t index);

/* It can be read again. */
void raft_cluster_repair(struct raft_cluster *cluster, uint32_t id);

/* INSTALL with an image of these entries, by index, the last of them at `index`. */
copycat_status raft_cluster_install(
    struct raft_cluster *cluster, uint32_t id, uint64_t index, const struct raft_entry *entries);

/* What the effect of an INSTALL does to the state in memory, and to the disk. */
void raft_cluster_switch(
    struct raft_state *state, uint64_t index, bool keep_tail, const struct raft_entry *entries);

/* Time passes: whatever is sent arrives, whatever is written is stored, at once. */
void raft_cluster_run(struct raft_cluster *cluster, uint64_t us);

#endif /* CC_TEST_RAFT_CLUSTER_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster -- the product's servers on machines of the simulated world, with the judge at their
 * side.
 *
 * Servers live on machines 0 .. server_count - 1.  Clients have machines of fixed numbers, so that
 * a cluster of another size changes nothing for them.
 */
#ifndef CC_SIM_CLUSTER_H
#define CC_SIM_CLUSTER_H

#include "server/node/node.h"
#include "sim/judge.h"
#include "sim/judge_sessions.h"
#include "sim/world.h"

#define CC_SERVERS_MAX 11u
#define CC_CLIENTS_MAX 16u
#define CC_CLIENT_MACHINES_FIRST 12u
#define CC_STRANGER_MACHINE 31u

struct cc_cluster_options {
    uint64_t seed;
    uint32_t voter_count; /* 1 to 7 */
    uint32_t learner_count;
    uint32_t client_count;
    uint64_t election_timeout_us;
    uint64_t heartbeat_interval_us; /* 0: as the product has it */
    uint64_t file_size;
    uint32_t batch_size_max;
    uint32_t append_bytes_max;
    uint32_t window_bytes;
    uint32_t uncommitted_max;
    uint64_t cache_bytes_max;
    uint64_t image_bytes; /* 0: as the product has it; likewise */
    uint64_t image_entries;
    uint64_t segment_bytes;
    uint64_t keep_bytes;
    uint64_t lend_bytes_per_second;
    uint64_t scrub_interval_us; /* 0: never */
    uint64_t state_quota;       /* 0: none; likewise */
    uint64_t disk_quota;
    uint64_t disk_size;   /* of each server's machine, 0: as large as it need be */
    uint32_t waiting_max; /* 0: as the product has it */
    uint64_t memory_max;  /* a server may hold, by the judge; 0: any */
    bool has_wild_clocks; /* drift beyond what leases allow for */
    bool tells_story;
};

struct cc_cluster;

struct cc_seat {
    struct cc_cluster *cluster;
    uint32_t place;
    struct cc_server *server; /* NULL: down */
    char directory[16];
    bool has_failed;          /* stopped for good by itself: to be restarted */
    bool is_closing;          /* was asked to stop; its machine is still up */
    bool is_lost;             /* its disk was: it is a stranger from then on */
    bool is_damaged;          /* something on its disk may be */
    bool is_spoiled;          /* its memory is: another state than it should have */
    bool was_spoiled;         /* ever: what it has said may still be on its way */
    uint32_t spoiled_marks;   /* that it has applied since */
    uint64_t spoiled_index;   /* the newest mark at which its state was wrong; 0: none */
    bool is_stranger;         /* started with the directory of another */
    bool is_hung;             /* a request of it may never complete */
    bool is_out;              /* broken for good: the others must do without */
    struct cc_server *second; /* a second process with the same directory; NULL: none */
    bool is_second_closing;
    uint64_t replayed_until_us;      /* somebody repeats what may be taken for a member's words */
    uint64_t replayed_life_until_us; /* likewise, in any later life than this one: */
    uint32_t replayed_life;
    enum cc_raft_role told_role; /* in the story */
};

struct cc_cluster_totals {
    uint64_t crashes;
    uint64_t stops; /* in good order */
    uint64_t restarts;
    uint64_t torn_tails; /* batches cut by recoveries */
    uint64_t failures;   /* servers that stopped after an I/O error */
    uint64_t reports;    /* that observers were given */
    uint64_t backups;    /* complete ones */
    uint64_t writes;     /* durable writes of journals */
    uint64_t refusals;   /* starts that were refused, as they must be */
    uint64_t damaged;    /* recoveries that stopped at damage */
    uint64_t diverged;   /* servers that stopped, for they had another state */
    uint64_t memory_max; /* of a server at any time */
    uint64_t
        salvaged; /* segments that a fetching had received before it broke off, and again not */
};

struct cc_cluster {
    struct cc_cluster_options options;
    struct cc_world *world;
    struct cc_judge *judge;
    struct cc_session_judge *session_judge;
    struct cc_members members;
    uint32_t server_count;
    struct cc_seat seats[CC_MACHINES_MAX];
    struct cc_cluster_totals totals;
    /* Told of every entry that any server applies; may be NULL. */
    void (*applied)(void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome);
    void *applied_owner;
};

/* All servers are down at first. */
struct cc_cluster *cc_cluster_create(const struct cc_cluster_options *options);
void cc_cluster_destroy(struct cc_cluster *cluster);

void cc_cluster_start(struct cc_cluster *cluster, uint32_t place);
void cc_cluster_crash(struct cc_cluster *cluster, uint32_t place);

/* The process dies; what the kernel was given of its writes stays. */
void cc_cluster_kill(struct cc_cluster *cluster, uint32_t place);

/* Asks the server to close; its machine goes down when it has.  Starting it again does not wait. */
void cc_cluster_stop(struct cc_cluster *cluster, uint32_t place);

/* So that refusals for want of room may come at any time. */
static inline bool cc_cluster_has_quotas(const struct cc_cluster *cluster)
{
    return cluster->options.disk_quota != 0 || cluster->options.disk_size != 0 ||
           cluster->options.state_quota != 0;
}

/* Nobody else uses any of its disk. */
void cc_cluster_clear_disk(struct cc_cluster *cluster, uint32_t place);

/* Crashes it, and its disk is gone for ever. */
void cc_cluster_lose(struct cc_cluster *cluster, uint32_t place);

/* Crashes it, and its disk is what it was at cc_world_disk_keep. */
void cc_cluster_roll_back(struct cc_cluster *cluster, uint32_t place);

/* Something on its disk is not what was written there. */
void cc_cluster_damaged(struct cc_cluster *cluster, uint32_t place);

/* Its state is not what it should be, until it takes one from its disk or from another server. */
void cc_cluster_spoiled(struct cc_cluster *cluster, uint32_t place, bool is_spoiled);

/* Starts a process with a directory that is in use, or a server that is down as another one: both
 * must be refused.  False if that cannot be done now. */
bool cc_cluster_start_twice(struct cc_cluster *cluster, uint32_t place);
bool cc_cluster_start_as(struct cc_cluster *cluster, uint32_t place, uint32_t id);

bool cc_cluster_is_up(const struct cc_cluster *cluster, uint32_t place);

/* What states are made with here, of any memory. */
void cc_cluster_apply_options(const struct cc_memory *memory, struct cc_apply_options *options_out);

/* The server that leads the newest term; UINT32_MAX if none does. */
uint32_t cc_cluster_leader(const struct cc_cluster *cluster);

static inline uint32_t cc_cluster_client_machine(uint32_t client)
{
    return CC_CLIENT_MACHINES_FIRST + client;
}

/* True if all servers, but those that are lost or out, are members at the same applied index, with one leader. */
bool cc_cluster_is_settled(const struct cc_cluster *cluster);

/* Lets things happen until a time, or until something is wrong. */
void cc_cluster_run(struct cc_cluster *cluster, uint64_t until_us);

/* One line of the story, with the fixed columns: time, who, what. */
void cc_cluster_tell(struct cc_cluster *cluster, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* CC_SIM_CLUSTER_H */

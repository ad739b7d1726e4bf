/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server -- the conductor: effects into I/O, I/O into events.  One member of a cluster.
 *
 * Where it sits:   between the network and every station of the road; it decides nothing itself.
 * Parts:           node/ (the process: identity, founding, doors), group/ (one Raft group),
 *                  peer/ (one neighbour).
 * Threads:         one loop; callbacks never run inside the call that caused them.
 *
 * Invariants
 *   S1  no vote, acknowledgement or answer leaves before what it promises is durable
 *   S2  no base, no vote: Raft starts only once the founding base is durable here
 *   S3  after a failed write nothing leaves this server any more
 *   S4  every queue has a bound; at the bound the newcomer is refused, the server goes on
 */
#ifndef CC_SERVER_SERVER_H
#define CC_SERVER_SERVER_H

#include "env/env.h"
#include "proto/entry.h"
#include "proto/member.h"

#include <copycat/machine.h>

struct cc_outcome;
struct cc_server;

struct cc_server_options {
    uint32_t id;
    const struct cc_members *members;         /* as configured; incarnations are ignored; copied */
    const char *directory;                    /* of the journal; copied */
    const copycat_machine_type *const *types; /* NULL-terminated; borrowed for life */
    uint64_t seed;                            /* of election timeouts */
    uint64_t election_timeout_us;             /* 0: 1 s */
    uint64_t heartbeat_interval_us;           /* 0: a fifth of the election timeout */
    uint64_t file_size;                       /* of a journal file at most, 0: 64 MiB */
    uint32_t batch_size_max;                  /* of a journal batch, 0: 1 MiB */
    uint32_t append_bytes_max;                /* of one append, 0: 256 KiB */
    uint32_t window_bytes;                    /* unacknowledged appends to a peer, 0: 4 MiB */
    uint32_t uncommitted_max;                 /* entries not applied or not durable, 0: 65536 */
    uint64_t cache_bytes_max;                 /* entries kept in memory, 0: 64 MiB */
    uint64_t image_bytes;   /* of entries that make an image due; 0: by the size of the state */
    uint64_t image_entries; /* and their number, 0: 1048576 */
    uint64_t segment_bytes; /* of commits in one segment of an image, 0: 4 MiB */
    uint64_t keep_bytes;    /* entries an image covers, kept for followers that lag; 0: file_size */
    uint64_t state_quota;   /* bytes of the state, as an image would have it; 0: no limit */
    uint64_t disk_quota;    /* bytes of the directory; 0: what the file system has room for */
    uint64_t lend_bytes_per_second; /* of images, to all who fetch; 0: 64 MiB; NONE: any */
    uint64_t scrub_interval_us;     /* all that is stood on is read again; 0: a week; NONE: never */
    bool checks_images;             /* each is restored beside the living state, and compared */
    uint32_t guests_max;            /* accepted connections, 0: 10000 */
    uint32_t waiting_max;           /* reads that wait, and KiB of them, 0: 65536 */
};

enum cc_server_state {
    CC_SERVER_RECOVERING, /* reading the journal */
    CC_SERVER_FOUNDING,   /* no base yet: the listed members look for each other */
    CC_SERVER_MEMBER,     /* takes part */
    CC_SERVER_FAILED,     /* stopped for good; see the notice */
};

struct cc_server_callbacks {
    /* A sentence for the operator's log: of trouble, or of what comes and goes (may be NULL). */
    void (*notice)(void *owner, const char *text);
    void (*news)(void *owner, const char *text);
    void (*changed)(void *owner, enum cc_server_state state, copycat_status status);
    /* A leader is known that was not: another one, or the same in a new term; may be NULL. */
    void (*led)(void *owner, uint32_t leader, uint64_t term);
    /* Every entry that was applied, what came of it, and the digest after it; may be NULL. */
    void (*applied)(
        void *owner,
        const struct cc_entry *entry,
        const struct cc_outcome *outcome,
        uint64_t digest);
    /* The state is that of an image at `index` now, of an entry with that log time; may be NULL. */
    void (*restored)(void *owner, uint64_t index, uint64_t time_us, uint64_t digest);
};

struct cc_server_status {
    enum cc_server_state state;
    uint32_t leader; /* 0: unknown */
    bool is_leader;
    uint64_t term;
    uint64_t commit;
    uint64_t applied;
    uint64_t last;
    uint64_t digest; /* of the state at `applied` */
};

/* Partner: cc_server_close.  Listens at this member's address once recovery is done. */
copycat_status cc_server_open(
    struct cc_server **server_out,
    struct cc_env *env,
    const struct cc_server_options *options,
    const struct cc_server_callbacks *callbacks,
    void *owner);

/* Stops at once; `closed` comes when the disk is let go, then everything is freed. */
void cc_server_close(struct cc_server *server, void (*closed)(void *owner), void *owner);

void cc_server_status(const struct cc_server *server, struct cc_server_status *status_out);

/* Hands leadership to `target`, 0: to the most advanced voter.  NO_LEADER if this one does not
 * lead. */
copycat_status cc_server_transfer(struct cc_server *server, uint32_t target);

/* A neighbour with a vote is connected. */
bool cc_server_has_successor(const struct cc_server *server);

#endif /* CC_SERVER_SERVER_H */

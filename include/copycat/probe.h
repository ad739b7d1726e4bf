/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/probe.h -- where a server stands, asked from outside: for tools, without a session.
 */
#ifndef COPYCAT_PROBE_H
#define COPYCAT_PROBE_H

#include <copycat/server.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    COPYCAT_ROLE_FOLLOWER = 0,
    COPYCAT_ROLE_PRE_CANDIDATE = 1,
    COPYCAT_ROLE_CANDIDATE = 2,
    COPYCAT_ROLE_LEADER = 3
};

#define COPYCAT_PROBE_MEMBERS_MAX 16

/* One member, as the server that was asked sees it; frozen. */
typedef struct copycat_probe_member {
    char address[264];
    uint64_t match; /* asked of the leader: its log is known to be there up to this index */
    uint32_t id;
    uint32_t is_learner;
    uint32_t is_up; /* connected */
    uint32_t reserved;
} copycat_probe_member;

/* What the server has done since it was opened.  Ask twice and subtract; frozen. */
typedef struct copycat_probe_counters {
    uint64_t journal_writes; /* durable writes of the log */
    uint64_t journal_bytes;
    uint64_t disk_syncs;         /* beside those: of new files, of names */
    uint64_t disk_written_bytes; /* of whatever purpose */
    uint64_t waits;              /* times its loop asked the system what is ready */
    uint64_t socket_writes;      /* system calls */
    uint64_t socket_written_bytes;
    uint64_t socket_reads;
    uint64_t socket_read_bytes;
    uint64_t frames_sent; /* messages; many share one system call */
    uint64_t frames_received;
    uint64_t allocations; /* of memory by its loop */
} copycat_probe_counters;

/* A server reads again all that it stands on, from time to time: since it was opened; frozen. */
typedef struct copycat_probe_scrub {
    uint64_t rounds;
    uint64_t age_ms; /* since the last of them was over; 0 if none was */
    uint64_t bytes;
    uint64_t found;    /* images, and batches of the journal, that did not read */
    uint64_t repaired; /* of them */
} copycat_probe_scrub;

typedef struct copycat_probe {
    size_t size;      /* set by the caller */
    char cluster[40]; /* in hexadecimal; empty: not founded yet */
    char notice[256]; /* the last sentence for the operator; empty: none */
    uint64_t term;
    uint64_t commit;
    uint64_t applied;
    uint64_t last;
    uint64_t digest;
    uint64_t log_time_us; /* since 1970, as the log counts it */
    uint64_t sessions;
    uint64_t connections;
    uint64_t image_index; /* entries through here are covered by an image of the state; 0: none */
    uint64_t disk_bytes;  /* of the journal's files and that image */
    uint32_t id;
    uint32_t leader; /* 0: unknown */
    uint32_t state;  /* COPYCAT_SERVER_* */
    uint32_t role;   /* COPYCAT_ROLE_* */
    uint32_t member_count;
    uint32_t reserved;
    copycat_probe_member members[COPYCAT_PROBE_MEMBERS_MAX];
    copycat_probe_counters counters;
    copycat_probe_scrub scrub;
} copycat_probe;

/*
 * Asks the server at `address` and waits for at most `timeout_ms`.  UNAVAILABLE: nobody answered.
 * `message_out`, which may be NULL, gets a sentence on failure.
 */
COPYCAT_API copycat_status copycat_probe_server(
    const char *address,
    uint64_t timeout_ms,
    copycat_probe *probe_out,
    copycat_message *message_out);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_PROBE_H */

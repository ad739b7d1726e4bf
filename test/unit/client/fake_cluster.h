/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_cluster -- an environment without a world, and servers that do as the test says.
 *
 * The servers share one session and what it has run, as a cluster does.  By default they answer
 * everything at once: a command with its own operation, a read with the word "read".  The knobs
 * make them lose, refuse, hold back, fall silent or die.
 */
#ifndef CC_TEST_UNIT_CLIENT_FAKE_CLUSTER_H
#define CC_TEST_UNIT_CLIENT_FAKE_CLUSTER_H

#include "client/client.h"
#include "env/env.h"

#define FAKE_SERVERS 3u
#define FAKE_RUNS_MAX 4096u
#define FAKE_TIMERS_MAX 8u
#define FAKE_SESSION UINT64_C(7)

/* What became of a frame that a client sent. */
struct fake_seen {
    uint32_t server;
    uint16_t type;
    uint64_t number; /* sequence of a command, number of a query */
    uint64_t answered;
    uint64_t instance;
    uint64_t after_index;
    uint64_t after_sequence;
    uint8_t nonce[CC_NONCE_SIZE];
};

struct fake_link {
    struct cc_conn *conn;
    uint32_t server;
    bool is_opening;
    bool is_sent;    /* on_sent is due */
    bool is_refused; /* on_closed is due */
    struct cc_frame_decoder decoder;
    struct cc_writer back; /* bytes for the client */
};

struct fake_cluster {
    struct cc_env env;
    struct cc_memory memory;
    uint64_t now_us;
    uint64_t blocks; /* allocated and not freed */
    bool is_out_of_memory;
    struct cc_timer *timers[FAKE_TIMERS_MAX];
    struct cc_list tasks;
    struct fake_link link; /* a client has one connection at a time */

    /* knobs */
    bool is_dead[FAKE_SERVERS];       /* refuses connections */
    bool is_silent[FAKE_SERVERS];     /* takes everything, says nothing */
    bool is_mute[FAKE_SERVERS];       /* says hello, nothing more */
    bool is_leaderless[FAKE_SERVERS]; /* answers NO_LEADER */
    bool is_behind[FAKE_SERVERS];     /* puts reads off, does all else */
    uint8_t cluster_of[FAKE_SERVERS]; /* first byte of its cluster id */
    copycat_status open_status;       /* of SESSION_OPENED */
    copycat_status catalog_status;    /* of opening a path */
    copycat_status command_status;    /* refuses commands without running them */
    bool holds_answers;               /* runs commands, keeps the answers back */
    bool holds_results;               /* likewise for reads */
    bool confuses_nonces;             /* tells of a session that somebody else has opened */
    bool keeps_no_one_alive;          /* does not answer keep-alives */
    uint32_t commands_to_lose;        /* the next ones never arrive */
    uint64_t result_index;            /* of reads; 0: that of the newest command */

    /* what the cluster knows */
    uint64_t last_sequence;
    uint64_t index;
    uint32_t run_count;
    char runs[FAKE_RUNS_MAX]; /* first byte of each operation that ran, in order */
    size_t largest_write;     /* bytes that the client wrote at once */
    uint32_t seen_count;
    struct fake_seen seen[FAKE_RUNS_MAX];
};

extern const char *const fake_addresses[FAKE_SERVERS];

void fake_init(struct fake_cluster *fake);
void fake_deinit(struct fake_cluster *fake);

/* Everything that can happen now, happens. */
void fake_settle(struct fake_cluster *fake);

/* Lets time pass, stopping at each timer. */
void fake_pass(struct fake_cluster *fake, uint64_t span_us);

/* The network ends the connection. */
void fake_reset(struct fake_cluster *fake);

/* What a server says of its own accord. */
void fake_answer(
    struct fake_cluster *fake, uint64_t sequence, copycat_status status, const char *result);
void fake_result(struct fake_cluster *fake, uint64_t number, uint64_t index, const char *result);
void fake_resend(struct fake_cluster *fake, uint64_t last);
void fake_end_session(struct fake_cluster *fake);

/* The newest frame of this type that was seen; fails the test if there is none. */
const struct fake_seen *fake_newest(const struct fake_cluster *fake, uint16_t type);
uint32_t fake_count(const struct fake_cluster *fake, uint16_t type);

#endif /* CC_TEST_UNIT_CLIENT_FAKE_CLUSTER_H */

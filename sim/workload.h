/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload -- clients that use maps and write down what they asked and were told.
 *
 * Each client is the product's client on a machine of its own.  What it does is drawn from the
 * client's stream of decisions; values are unique, so that a checker can tell writes apart.
 */
#ifndef CC_SIM_WORKLOAD_H
#define CC_SIM_WORKLOAD_H

#include "sim/check/history.h"
#include "sim/check/session.h"
#include "sim/cluster.h"

struct cc_workload;

struct cc_workload_options {
    uint32_t operations_max; /* of all clients together */
    uint32_t window;         /* calls a client has under way at most */
    uint32_t keys;
    uint32_t maps;
    uint32_t value_size_max;
    uint32_t think_us_max; /* between calls */
    uint32_t kinds;        /* bit mask over enum cc_history_kind: the operations that occur */
    uint64_t session_timeout_us;
    bool has_alarms;       /* besides, clients set alarms (alarm.h) */
    bool makes_backups;    /* and make backups (backups.h) */
    bool distrusts_leases; /* clocks are wild: reads by lease are judged as sequential ones */
    uint32_t idle;         /* bit mask of clients that do nothing */
};

struct cc_workload_totals {
    uint64_t invoked;
    uint64_t acknowledged;
    uint64_t unknown;
    uint64_t failed;
    uint64_t sessions_ended;
    uint64_t switches;
    uint64_t resends;
};

struct cc_workload *cc_workload_create(
    struct cc_cluster *cluster, const struct cc_workload_options *options);
void cc_workload_destroy(struct cc_workload *workload);

/* Boots every client and lets it work. */
void cc_workload_start(struct cc_workload *workload);

/* No new calls from here on. */
void cc_workload_stop(struct cc_workload *workload);

/* Some more calls after all, with nothing wrong any more; then no new ones again. */
void cc_workload_go_on(struct cc_workload *workload, uint32_t operations);
void cc_workload_rest(struct cc_workload *workload);

/* When the newest call began that has stored something for sure; 0: none has. */
uint64_t cc_workload_stored_us(const struct cc_workload *workload);

/* When the newest call was made that was refused for want of room. */
uint64_t cc_workload_refused_us(const struct cc_workload *workload);

/* False if it was told to make no calls that do. */
bool cc_workload_may_store(const struct cc_workload *workload);

/* A client's machine loses power; another client takes its place after a while. */
void cc_workload_crash_client(struct cc_workload *workload, uint32_t client);

/* Bit mask over enum cc_history_kind of what is under way at this moment. */
uint32_t cc_workload_under_way(const struct cc_workload *workload);

/* From now on nothing is wrong with anybody: sessions of clients that live may not expire, once
 * there was time to keep them alive again. */
void cc_workload_expect_life(struct cc_workload *workload);

/* True if all calls that were to be made have been made. */
bool cc_workload_is_done(const struct cc_workload *workload);

/* True if nothing is under way. */
bool cc_workload_is_quiet(const struct cc_workload *workload);

const struct cc_workload_totals *cc_workload_totals(struct cc_workload *workload);
const struct cc_history *cc_workload_history(struct cc_workload *workload);

/* Where the log has each operation of the history, by id; 0: nowhere. */
const uint64_t *cc_workload_places(struct cc_workload *workload);
const struct cc_check_applied *cc_workload_applied(struct cc_workload *workload, size_t *count_out);

#endif /* CC_SIM_WORKLOAD_H */

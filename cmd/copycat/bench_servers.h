/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_servers -- what the servers have done: asked of each member before and after, and subtracted.
 */
#ifndef CLI_BENCH_SERVERS_H
#define CLI_BENCH_SERVERS_H

#include <copycat/probe.h>

#include <stdbool.h>

struct bench_servers {
    uint32_t member_count;
    uint32_t answer_count; /* counters are of those; the rest was silent */
    uint32_t leader;       /* id; 0: unknown */
    copycat_probe_counters counters[COPYCAT_PROBE_MEMBERS_MAX]; /* by place among the members */
    bool has_answered[COPYCAT_PROBE_MEMBERS_MAX];
    uint32_t ids[COPYCAT_PROBE_MEMBERS_MAX];
};

/* Asks one server of the list who the members are, and then each of them.  False: nobody answered,
 * and `message_out` says why. */
bool bench_servers_ask(
    struct bench_servers *servers_out, const char *list, copycat_message *message_out);

/* What all of them did, and their leader alone, between the two.  False: not everybody answered both
 * times, the leader changed, or a server was started anew. */
bool bench_servers_subtract(
    const struct bench_servers *before,
    const struct bench_servers *after,
    copycat_probe_counters *all_out,
    copycat_probe_counters *leader_out);

#endif /* CLI_BENCH_SERVERS_H */

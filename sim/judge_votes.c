/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_votes -- what a vote may not be given for: a log without what the voter has acknowledged,
 * or a leader's end while that leader counts on the voter's promise.
 */
#include "raft/raft_internal.h"
#include "sim/judge_internal.h"

/* 3.6.1, and T-051: also if the voter itself cannot read any more what it acknowledged. */
static void check_log(
    struct cc_judge *judge, uint32_t place, const struct watched *candidate, uint64_t term)
{
    const struct watched *voter = &judge->servers[place];
    uint64_t kept = voter->told_match;
    uint64_t kept_term = kept == 0 ? 0 : voter->terms[kept];

    if (candidate->asked_term == term && !voter->is_rolled_back &&
        (candidate->asked_last_term < kept_term ||
         (candidate->asked_last_term == kept_term && candidate->asked_last < kept))) {
        cc_judge_blame(
            judge,
            "votes: server %u has acknowledged %llu of term %llu, and votes in term %llu for who "
            "ends at %llu of term %llu",
            place + 1, (unsigned long long)kept, (unsigned long long)kept_term,
            (unsigned long long)term, (unsigned long long)candidate->asked_last,
            (unsigned long long)candidate->asked_last_term);
    }
}

static bool has_been_handed_over(const struct cc_judge *judge, uint64_t term)
{
    for (uint32_t i = 0; i < judge->voter_count; i++) {
        if (judge->servers[i].handed_term == term) {
            return true;
        }
    }
    return false;
}

/*
 * 6.4.1: a lease is made of promises, and each of them has to be kept, also after a restart.
 *
 * But in term T the candidate that a leader hands over to may have a vote that was promised to the
 * leader of a term before T-1.  There was a leader of T-1, or nobody had handed over.  A majority
 * voted for it when each of them had no promise left to older leaders that have not given up their
 * lease, as was judged here then; and since, they have promised those nothing.  So of these leaders
 * none has the promises of a majority, and what one voter more had promised makes no lease.
 */
static void check_promise(
    struct cc_judge *judge,
    uint32_t place,
    uint32_t leader_place,
    const struct watched *candidate,
    uint64_t term)
{
    const struct cc_server *server = judge->servers[leader_place].server;
    bool is_handed_over = candidate->asked_term == term && candidate->asked_as_told &&
                          has_been_handed_over(judge, term - 1);

    if (server == NULL || server->group == NULL || server->failed != COPYCAT_OK) {
        return;
    }

    const struct cc_raft *leader = server->group->core;

    if (leader->role != CC_RAFT_LEADER || leader->term >= term || leader->is_lease_given_up ||
        (is_handed_over && leader->term + 1 < term)) {
        return;
    }
    for (uint32_t i = 0; i < leader->peer_count; i++) {
        if (leader->peers[i].id == place + 1 &&
            leader->peers[i].lease_us > cc_env_now_us(server->env)) {
            cc_judge_blame(
                judge,
                "promises: server %u votes in term %llu while server %u counts on it in %llu",
                place + 1, (unsigned long long)term, leader_place + 1,
                (unsigned long long)leader->term);
        }
    }
}

void cc_judge_votes(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    const struct watched *server = &judge->servers[place];
    uint64_t term = cc_raft_term(group->core);
    uint32_t vote = cc_raft_vote(group->core);
    bool is_old = !server->is_up || (server->term == term && server->vote == vote);

    if (is_old || vote == 0 || vote == place + 1) {
        return;
    }
    check_log(judge, place, &judge->servers[vote - 1], term);
    for (uint32_t i = 0; i < judge->voter_count && judge->trusts_clocks; i++) {
        if (i != place && i != vote - 1) {
            check_promise(judge, place, i, &judge->servers[vote - 1], term);
        }
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_platters -- what is durable: what was promised is there after a crash, and what is committed cannot
 * be lost any more.
 */
#include "sim/judge_internal.h"

void cc_judge_check_promises(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    const struct watched *server = &judge->servers[place];
    uint64_t term = cc_raft_term(group->core);

    if (server->is_damaged || server->is_rolled_back) {
        return; /* it cannot know; the others must do without what it has lost */
    }

    uint64_t kept = server->stable > server->told_match ? server->stable : server->told_match;

    if (term < server->told_term) {
        cc_judge_blame(
            judge, "kept promises: server %u said term %llu and came back with %llu", place + 1,
            (unsigned long long)server->told_term, (unsigned long long)term);
    }
    if (server->told_vote_term != 0 && term == server->told_vote_term &&
        cc_raft_vote(group->core) != server->told_vote) {
        cc_judge_blame(
            judge, "kept promises: server %u gave its vote of term %llu to %u and forgot",
            place + 1, (unsigned long long)term, server->told_vote);
    }
    for (uint64_t index = 1; index <= kept; index++) {
        if (cc_judge_term(judge, group->core, index) != server->terms[index]) {
            cc_judge_blame(
                judge, "kept promises: server %u lost the durable entry %llu of term %llu",
                place + 1, (unsigned long long)index, (unsigned long long)server->terms[index]);
            return;
        }
    }
}

static uint64_t last_of(const struct watched *server)
{
    return server->is_up ? server->last : server->stable;
}

static uint64_t last_term_of(const struct watched *server)
{
    return server->terms == NULL ? 0 : server->terms[last_of(server)];
}

/* Would `voter` find the log of `candidate` up to date? */
static bool would_vote(const struct watched *voter, const struct watched *candidate)
{
    uint64_t mine = last_term_of(voter);
    uint64_t theirs = last_term_of(candidate);

    return theirs > mine || (theirs == mine && last_of(candidate) >= last_of(voter));
}

uint32_t cc_judge_find_usurper(const struct cc_judge *judge, uint64_t index, uint64_t term)
{
    for (uint32_t i = 0; i < judge->voter_count; i++) {
        const struct watched *candidate = &judge->servers[i];
        uint32_t votes = 0;

        if (candidate->is_lost ||
            (last_of(candidate) >= index && candidate->terms[index] == term)) {
            continue;
        }
        for (uint32_t j = 0; j < judge->voter_count; j++) {
            votes += !judge->servers[j].is_lost && would_vote(&judge->servers[j], candidate);
        }
        if (votes >= judge->quorum) {
            return i;
        }
    }
    return UINT32_MAX;
}

static void check_safety(struct cc_judge *judge, uint64_t index, uint64_t term)
{
    uint32_t usurper = cc_judge_find_usurper(judge, index, term);

    if (usurper != UINT32_MAX) {
        cc_judge_blame(
            judge,
            "safe commit: entry %llu of term %llu is committed, yet server %u could lead "
            "without it",
            (unsigned long long)index, (unsigned long long)term, usurper + 1);
    }
}

/* A new commit index: is it on the platters of a quorum? */
void cc_judge_check_commit(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    uint64_t commit = cc_raft_commit(group->core);
    uint32_t holders = 0;

    if (commit <= judge->commit) {
        return;
    }

    uint64_t term = judge->servers[place].terms[commit];

    for (uint32_t i = 0; i < judge->voter_count; i++) {
        const struct watched *server = &judge->servers[i];

        /* What is damaged was there when it was acknowledged. */
        holders +=
            server->is_damaged || (server->stable >= commit && server->terms[commit] == term);
    }
    if (holders < judge->quorum) {
        cc_judge_blame(
            judge,
            "durable commit: server %u committed %llu, which is on %u platters of the %u it needs",
            place + 1, (unsigned long long)commit, holders, judge->quorum);
    }
    check_safety(judge, commit, term);
    judge->commit = commit;
    judge->commit_term = term;
}

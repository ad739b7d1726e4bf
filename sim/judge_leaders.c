/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_leaders -- terms and who leads them, leases, and rounds of leadership.
 */
#include "raft/raft_internal.h"
#include "sim/judge_internal.h"

void cc_judge_check_vote(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *server = &judge->servers[place];
    uint64_t term = cc_raft_term(group->core);
    uint32_t vote = cc_raft_vote(group->core);

    if (server->is_up && term < server->term) {
        cc_judge_blame(
            judge, "monotony: the term of server %u went from %llu to %llu", place + 1,
            (unsigned long long)server->term, (unsigned long long)term);
    }
    if (server->is_up && term == server->term && server->vote != 0 && vote != server->vote) {
        cc_judge_blame(
            judge, "one vote: server %u voted for %u and then %u in term %llu", place + 1,
            server->vote, vote, (unsigned long long)term);
    }
}

static void check_completeness(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    uint64_t index = judge->applied_count;

    /* A leader that was elected long ago and hears of it only now owes nothing to later terms. */
    while (index > 0 && judge->applied[index].applied_term >= cc_raft_term(group->core)) {
        index--;
    }
    if (index != 0 && cc_judge_term(judge, group->core, index) != judge->applied[index].term) {
        cc_judge_blame(
            judge, "leader completeness: server %u leads term %llu without the applied entry %llu",
            place + 1, (unsigned long long)cc_raft_term(group->core), (unsigned long long)index);
    }
}

/* 6.4.1: while a lease holds, nobody else is elected; the voters have promised. */
static void check_leases(struct cc_judge *judge, uint32_t place, uint64_t term)
{
    for (uint32_t i = 0; i < judge->voter_count; i++) {
        const struct cc_server *other = judge->servers[i].server;

        if (i != place && judge->trusts_clocks && other != NULL && other->group != NULL &&
            other->failed == COPYCAT_OK && cc_raft_term(other->group->core) < term &&
            cc_raft_lease_until(other->group->core) > cc_env_now_us(other->env)) {
            cc_judge_blame(
                judge, "leases: server %u leads term %llu while server %u holds a lease", place + 1,
                (unsigned long long)term, i + 1);
        }
    }
}

/* Nor is a lease ever made longer once a newer term is led, or kept by who has told another to
 * campaign at once: nobody's promise stands in the way of that one (T-066). */
void cc_judge_check_lease(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    const struct cc_raft *core = server->group->core;

    if (judge->trusts_clocks && cc_raft_role(core) == CC_RAFT_LEADER &&
        cc_raft_term(core) < judge->leader_term &&
        cc_raft_lease_until(core) > cc_env_now_us(server->env)) {
        cc_judge_blame(
            judge, "leases: server %u holds a lease of term %llu while term %llu is led", place + 1,
            (unsigned long long)cc_raft_term(core), (unsigned long long)judge->leader_term);
    } else if (
        cc_raft_role(core) == CC_RAFT_LEADER &&
        judge->servers[place].handed_term == cc_raft_term(core) &&
        cc_raft_lease_until(core) > cc_env_now_us(server->env)) {
        cc_judge_blame(
            judge, "leases: server %u holds a lease of term %llu, which it has handed over",
            place + 1, (unsigned long long)cc_raft_term(core));
    }
}

void cc_judge_check_role(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *server = &judge->servers[place];
    enum cc_raft_role role = cc_raft_role(group->core);
    uint64_t term = cc_raft_term(group->core);

    if (role == CC_RAFT_LEADER && (server->role != role || server->term != term)) {
        judge->leaders = cc_judge_grow(
            judge->leaders, &judge->leader_capacity, term + 1, sizeof *judge->leaders);
        if (judge->leaders[term] != 0 && judge->leaders[term] != place + 1) {
            cc_judge_blame(
                judge, "election safety: servers %u and %u both lead term %llu",
                (unsigned)judge->leaders[term], place + 1, (unsigned long long)term);
        }
        judge->leaders[term] = place + 1;
        if (term > judge->leader_term) {
            judge->leader_changes += judge->leader_term != 0;
            judge->leader_term = term;
        }
        check_completeness(judge, place, group);
        check_leases(judge, place, term);
    }
    server->role = role;
}

/* 6.4: a round that began when somebody else led a newer term must never be confirmed. */
void cc_judge_check_rounds(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *server = &judge->servers[place];
    uint64_t confirmed = cc_raft_round_confirmed(group->core);

    if (group->effects_round > server->round) {
        server->round = group->effects_round;
        server->round_terms = cc_judge_grow(
            server->round_terms, &server->round_capacity, server->round + 1,
            sizeof *server->round_terms);
        server->round_terms[server->round] = judge->leader_term;
    }
    for (; server->confirmed < confirmed; server->confirmed++) {
        uint64_t round = server->confirmed + 1;

        if (round <= server->round && server->round_terms[round] > cc_raft_term(group->core)) {
            cc_judge_blame(
                judge,
                "rounds: server %u of term %llu confirmed its leadership from when term %llu was "
                "led",
                place + 1, (unsigned long long)cc_raft_term(group->core),
                (unsigned long long)server->round_terms[round]);
        }
    }
}

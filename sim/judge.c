/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge -- see judge.h.
 */
#include "sim/judge.h"

#include "base/hash.h"
#include "raft/raft_internal.h"
#include "sim/judge_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *grown(void *block, size_t *capacity, size_t needed, size_t size)
{
    size_t old = *capacity;

    if (needed <= old) {
        return block;
    }
    while (*capacity < needed) {
        *capacity = *capacity == 0 ? 1024 : *capacity * 2;
    }
    block = realloc(block, *capacity * size);
    if (block == NULL) {
        abort();
    }
    memset((char *)block + old * size, 0, (*capacity - old) * size);
    return block;
}

struct cc_judge *cc_judge_create(uint32_t server_count, uint32_t voter_count)
{
    struct cc_judge *judge = calloc(1, sizeof *judge);

    if (judge == NULL) {
        abort();
    }
    judge->server_count = server_count;
    judge->voter_count = voter_count;
    judge->quorum = voter_count / 2 + 1;
    judge->trusts_clocks = true;
    return judge;
}

void cc_judge_destroy(struct cc_judge *judge)
{
    if (judge == NULL) {
        return;
    }
    for (uint32_t i = 0; i < judge->server_count; i++) {
        free(judge->servers[i].terms);
        free(judge->servers[i].round_terms);
    }
    free(judge->seen);
    free(judge->applied);
    free(judge->leaders);
    free(judge);
}

void cc_judge_blame(struct cc_judge *judge, const char *format, ...)
{
    va_list arguments;

    if (judge->verdict[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    vsnprintf(judge->verdict, sizeof judge->verdict, format, arguments);
    va_end(arguments);
}

const char *cc_judge_verdict(const struct cc_judge *judge)
{
    return judge->verdict[0] == '\0' ? NULL : judge->verdict;
}

uint64_t cc_judge_leader_changes(const struct cc_judge *judge)
{
    return judge->leader_changes;
}

uint64_t cc_judge_commits(const struct cc_judge *judge)
{
    return judge->applied_count;
}

bool cc_judge_entry(const struct cc_judge *judge, uint64_t index, struct cc_judged_entry *entry_out)
{
    if (index == 0 || index > judge->applied_count) {
        return false;
    }
    *entry_out = judge->applied[index];
    return true;
}

static uint64_t hash_of(const struct cc_entry *entry)
{
    uint64_t hash = cc_hash_bytes(entry->payload.data, entry->payload.size, entry->kind);

    return cc_hash_words(hash, entry->time_us);
}

/* ---- patience ----------------------------------------------------------------------------------
 */

/* The first to apply an entry of kind EXPIRE: has its leader waited for the session long enough? */
static void check_patience(struct cc_judge *judge, const struct cc_entry *entry)
{
    struct cc_session_expire expire;

    if (entry->term > judge->opened_term) {
        judge->opened_term = entry->term;
        judge->opened_us = entry->time_us;
    }
    if (entry->kind != CC_ENTRY_SESSION_EXPIRE ||
        !cc_session_expire_decode(entry->payload, &expire) || expire.session > entry->index) {
        return;
    }
    if (entry->time_us - judge->opened_us < judge->applied[expire.session].timeout_us) {
        cc_judge_blame(
            judge, "patience: session %llu was expired %llu us after the first entry of term %llu",
            (unsigned long long)expire.session,
            (unsigned long long)(entry->time_us - judge->opened_us),
            (unsigned long long)entry->term);
    }
}

/* ---- same state --------------------------------------------------------------------------------
 */

void cc_judge_applied(
    struct cc_judge *judge,
    uint32_t place,
    uint64_t term,
    const struct cc_entry *entry,
    uint64_t digest)
{
    struct watched *server = &judge->servers[place];
    struct cc_judged_entry mine = {entry->term,         term, hash_of(entry), digest,
                                   !server->is_spoiled, 0};
    struct cc_session_open open;

    if (entry->index != server->applied + 1) {
        cc_judge_blame(
            judge, "same state: server %u applied %llu after %llu", place + 1,
            (unsigned long long)entry->index, (unsigned long long)server->applied);
        return;
    }
    server->applied = entry->index;
    if (entry->time_us < server->time_us) {
        cc_judge_blame(
            judge, "monotony: log time went back at index %llu on server %u",
            (unsigned long long)entry->index, place + 1);
    }
    server->time_us = entry->time_us;
    if (entry->index > judge->applied_count) {
        judge->applied = grown(
            judge->applied, &judge->applied_capacity, entry->index + 1, sizeof *judge->applied);
        if (entry->kind == CC_ENTRY_SESSION_OPEN && cc_session_open_decode(entry->payload, &open)) {
            mine.timeout_us = open.timeout_us;
        }
        judge->applied[entry->index] = mine;
        judge->applied_count = entry->index;
        check_patience(judge, entry);
        return;
    }

    struct cc_judged_entry *other = &judge->applied[entry->index];

    if (other->term != mine.term || other->hash != mine.hash) {
        cc_judge_blame(
            judge, "same state: server %u applied another entry at index %llu", place + 1,
            (unsigned long long)entry->index);
    } else if (mine.has_digest && !other->has_digest) {
        other->digest = mine.digest;
        other->has_digest = true;
    } else if (mine.has_digest && other->digest != mine.digest) {
        cc_judge_blame(
            judge, "same state: server %u has another digest after index %llu", place + 1,
            (unsigned long long)entry->index);
    }
}

/* ---- log matching ------------------------------------------------------------------------------
 */

static struct seen_entry *seen_slot(struct cc_judge *judge, uint64_t key)
{
    size_t at = key & (judge->seen_capacity - 1);

    while (judge->seen[at].key != 0 && judge->seen[at].key != key) {
        at = (at + 1) & (judge->seen_capacity - 1);
    }
    return &judge->seen[at];
}

static void grow_seen(struct cc_judge *judge)
{
    struct seen_entry *old = judge->seen;
    size_t old_capacity = judge->seen_capacity;

    judge->seen_capacity = old_capacity == 0 ? 4096 : old_capacity * 2;
    judge->seen = calloc(judge->seen_capacity, sizeof *judge->seen);
    if (judge->seen == NULL) {
        abort();
    }
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i].key != 0) {
            *seen_slot(judge, old[i].key) = old[i];
        }
    }
    free(old);
}

/* The entry, and the term of the one before: so equal ends mean equal logs. */
static void check_matching(
    struct cc_judge *judge, uint32_t place, const struct cc_entry *entry, uint64_t term_before)
{
    uint64_t key = cc_hash_words(entry->index, entry->term) | 1;
    uint64_t hash = cc_hash_words(hash_of(entry), term_before);

    if (judge->seen_count * 2 >= judge->seen_capacity) {
        grow_seen(judge);
    }

    struct seen_entry *slot = seen_slot(judge, key);

    if (slot->key == 0) {
        *slot = (struct seen_entry){key, hash};
        judge->seen_count++;
    } else if (slot->hash != hash) {
        cc_judge_blame(
            judge, "log matching: server %u has another entry at index %llu of term %llu",
            place + 1, (unsigned long long)entry->index, (unsigned long long)entry->term);
    }
}

/* Takes over what a server's log has become, from the first index that may differ. */
static void follow_log(
    struct cc_judge *judge, uint32_t place, const struct cc_group *group, uint64_t last)
{
    struct watched *server = &judge->servers[place];
    uint64_t from = (server->last < last ? server->last : last) + 1;

    /* A truncation and new entries in one step: walk back to where both agree. */
    while (from > 1 && server->terms != NULL &&
           cc_judge_term(judge, group->core, from - 1) != server->terms[from - 1]) {
        from--;
    }
    if (server->is_up && server->role == CC_RAFT_LEADER && from <= server->last &&
        cc_raft_role(group->core) == CC_RAFT_LEADER && cc_raft_term(group->core) == server->term) {
        cc_judge_blame(
            judge, "leader append-only: server %u, which leads term %llu, changed its entry %llu",
            place + 1, (unsigned long long)server->term, (unsigned long long)from);
    }
    server->terms = grown(server->terms, &server->term_capacity, last + 2, sizeof *server->terms);
    for (uint64_t index = from; index <= last; index++) {
        struct cc_block *block = cc_log_peek(group->log, index);

        server->terms[index] = cc_judge_term(judge, group->core, index);
        if (block != NULL) {
            struct cc_entry entry = cc_entry_of(block);

            check_matching(
                judge, place, &entry, index > 1 ? cc_judge_term(judge, group->core, index - 1) : 0);
        }
    }
    if (from <= server->told_match) {
        server->told_match = from - 1;
    }
    if (from <= server->stable) {
        server->stable = from - 1; /* what a leader has overruled was promised for no longer */
    }
    server->last = last;
}

/* ---- elections ---------------------------------------------------------------------------------
 */

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
static void check_own_lease(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
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

static void check_role(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *server = &judge->servers[place];
    enum cc_raft_role role = cc_raft_role(group->core);
    uint64_t term = cc_raft_term(group->core);

    if (role == CC_RAFT_LEADER && (server->role != role || server->term != term)) {
        judge->leaders =
            grown(judge->leaders, &judge->leader_capacity, term + 1, sizeof *judge->leaders);
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

static void check_vote(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
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

/* ---- platters ----------------------------------------------------------------------------------
 */

/* At the first look into a life: what was promised before must be there. */
static void check_promises(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
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

/* Figure 3.8 of the dissertation: could anybody still be elected who does not have the entry?
 * Returns who; UINT32_MAX: nobody. */
static uint32_t find_usurper(const struct cc_judge *judge, uint64_t index, uint64_t term)
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
    uint32_t usurper = find_usurper(judge, index, term);

    if (usurper != UINT32_MAX) {
        cc_judge_blame(
            judge,
            "safe commit: entry %llu of term %llu is committed, yet server %u could lead "
            "without it",
            (unsigned long long)index, (unsigned long long)term, usurper + 1);
    }
}

/* A new commit index: is it on the platters of a quorum? */
static void check_commit(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
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

/* 6.4: a round that began when somebody else led a newer term must never be confirmed. */
static void check_rounds(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *server = &judge->servers[place];
    uint64_t confirmed = cc_raft_round_confirmed(group->core);

    if (group->effects_round > server->round) {
        server->round = group->effects_round;
        server->round_terms = grown(
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

static void over(struct cc_judge *judge, uint32_t place, const char *queue, uint64_t count)
{
    cc_judge_blame(
        judge, "bounds: server %u has %llu %s", place + 1, (unsigned long long)count, queue);
}

/* T-104: the window is full before the newest append is sent, or it is not sent. */
static void check_windows(struct cc_judge *judge, uint32_t place, const struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->peer_count && core->role == CC_RAFT_LEADER; i++) {
        const struct cc_raft_peer *peer = &core->peers[i];
        uint32_t newest = peer->flight_head + peer->flight_count - 1;

        if (peer->flight_count > 0 &&
            peer->flight_bytes - peer->flights[newest % CC_RAFT_INFLIGHT_MAX].bytes >=
                core->options.window_bytes) {
            over(judge, place, "bytes under way to a peer", peer->flight_bytes);
        }
    }
}

static void check_bounds(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    const struct cc_server_options *options = cc_server_options(server);
    const struct cc_group *group = server->group;
    uint64_t tail = cc_raft_last(group->core) - cc_raft_commit(group->core);

    if (group->waiting_count > options->waiting_max) {
        over(judge, place, "requests waiting", group->waiting_count);
    }
    if (server->guest_count > options->guests_max) {
        over(judge, place, "guests", server->guest_count);
    }
    if (group->delayed_count > CC_MEMBERS_MAX * CC_RAFT_INFLIGHT_MAX) {
        over(judge, place, "messages waiting for the disk", group->delayed_count);
    }
    if (group->is_leading &&
        tail > options->uncommitted_max + judge->leader_changes + 1) { /* each opens its term */
        over(judge, place, "entries not committed", tail);
    }
    check_windows(judge, place, group->core);
    cc_list_each(node, &server->guests) {
        const struct cc_guest *guest = cc_container_of(node, const struct cc_guest, node);

        if (!guest->is_gone &&
            cc_channel_queued(&guest->channel) > CC_GUEST_OUTPUT_MAX + CC_FRAME_BODY_CLIENT_MAX) {
            over(judge, place, "bytes for a guest", cc_channel_queued(&guest->channel));
        }
    }
    for (uint32_t i = 0; i < server->peer_count; i++) {
        const struct cc_peer *peer = server->peers[i];

        if (peer->is_up && cc_channel_queued(&peer->channel) > CC_PEER_OUTPUT_MAX) {
            over(judge, place, "bytes for a peer", cc_channel_queued(&peer->channel));
        }
    }
}

/* ---- founding ----------------------------------------------------------------------------------
 */

static void check_base(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    uint8_t bytes[4096];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_base_encode(&writer, cc_journal_base(server->journal));

    uint64_t hash = cc_hash_bytes(writer.data, writer.size, 0) | 1;

    if (writer.failed || (judge->base != 0 && judge->base != hash)) {
        cc_judge_blame(judge, "one founding: server %u has another base", place + 1);
    }
    if (judge->servers[place].is_lost && !judge->servers[place].is_rolled_back) {
        cc_judge_blame(
            judge, "one founding: server %u lost its disk and takes part again", place + 1);
    }
    judge->base = hash;
}

static void look_at_log(struct cc_judge *judge, uint32_t place, const struct cc_group *group)
{
    struct watched *watched = &judge->servers[place];

    if (cc_raft_last(group->core) != watched->last || !watched->is_up ||
        cc_judge_term(judge, group->core, watched->last) !=
            (watched->terms == NULL ? 0 : watched->terms[watched->last])) {
        follow_log(judge, place, group, cc_raft_last(group->core));
    }
    /* Where a disk refused once to read something, it does not count until it has come back and is
     * durable anew, and it is there all the same. */
    if (group->core->damaged_from == 0 || cc_raft_stable(group->core) > watched->stable) {
        watched->stable = cc_raft_stable(group->core);
    }
}

void cc_judge_step(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    struct watched *watched = &judge->servers[place];
    const struct cc_group *group = server->group;

    if (group == NULL || server->failed != COPYCAT_OK) {
        return;
    }
    if (!watched->is_up) {
        check_base(judge, place, server);
        check_promises(judge, place, group);
        watched->role = CC_RAFT_FOLLOWER;
    }
    check_vote(judge, place, group);
    look_at_log(judge, place, group);
    cc_judge_votes(judge, place, group);
    if (watched->is_up && cc_raft_commit(group->core) < watched->commit) {
        cc_judge_blame(judge, "monotony: the commit index of server %u went back", place + 1);
    }
    check_commit(judge, place, group);
    watched->commit = cc_raft_commit(group->core);
    check_role(judge, place, group);
    check_own_lease(judge, place, server);
    check_rounds(judge, place, group);
    watched->term = cc_raft_term(group->core);
    watched->vote = cc_raft_vote(group->core);
    watched->is_up = true;
    watched->server = server;
    cc_judge_images(judge, place, group);
    check_bounds(judge, place, server);
}

void cc_judge_failing(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    struct watched *watched = &judge->servers[place];

    if (watched->is_up && server->group != NULL && !server->group->is_stepping) {
        look_at_log(judge, place, server->group); /* or what it dropped just now would be missed */
    } else if (
        watched->is_up && server->group != NULL &&
        cc_raft_stable(server->group->core) <= watched->last) {
        watched->stable = cc_raft_stable(server->group->core);
    }
}

void cc_judge_down(struct cc_judge *judge, uint32_t place)
{
    struct watched *server = &judge->servers[place];

    server->is_up = false;
    server->round = 0;
    server->confirmed = 0;
    server->server = NULL;
    server->applied = 0;
    server->time_us = 0;
    server->commit = 0;
}

void cc_judge_lost(struct cc_judge *judge, uint32_t place)
{
    judge->servers[place].is_lost = true;
}

void cc_judge_rolled_back(struct cc_judge *judge, uint32_t place)
{
    judge->servers[place].is_lost = true;
    judge->servers[place].is_rolled_back = true;
}

void cc_judge_damaged(struct cc_judge *judge, uint32_t place)
{
    judge->servers[place].is_damaged = true;
}

void cc_judge_spoiled(struct cc_judge *judge, uint32_t place, bool is_spoiled)
{
    judge->servers[place].is_spoiled = is_spoiled;
}

void cc_judge_committed(struct cc_judge *judge, uint64_t index)
{
    judge->commit = index;
}

void cc_judge_trusts_clocks(struct cc_judge *judge, bool does)
{
    judge->trusts_clocks = does;
}

bool cc_judge_can_lose(struct cc_judge *judge, uint32_t place)
{
    bool was_lost = judge->servers[place].is_lost;
    bool can;

    judge->servers[place].is_lost = true;
    can =
        judge->commit == 0 || find_usurper(judge, judge->commit, judge->commit_term) == UINT32_MAX;
    judge->servers[place].is_lost = was_lost;
    return can;
}

void cc_judge_stranger(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    const struct watched *watched = &judge->servers[place];
    const struct cc_group *group = server->group;

    if (group == NULL || server->failed != COPYCAT_OK || !watched->is_up) {
        return;
    }
    if (cc_raft_term(group->core) != watched->term || cc_raft_vote(group->core) != watched->vote ||
        cc_raft_last(group->core) != watched->last ||
        cc_raft_commit(group->core) != watched->commit ||
        cc_raft_role(group->core) != watched->role) {
        cc_judge_blame(
            judge, "strangers: server %u was moved by somebody who does not belong here",
            place + 1);
    }
}

/* ---- what is revealed -------------------------------------------------------------------------
 */

static void hears(struct cc_judge *judge, uint32_t place, const struct cc_frame *frame)
{
    struct watched *server = &judge->servers[place];

    if (server->is_rolled_back &&
        (frame->type == CC_MESSAGE_VOTE_REPLY || frame->type == CC_MESSAGE_APPEND_REPLY)) {
        cc_judge_blame(
            judge, "old disks: server %u takes part with an old image of its disk", place + 1);
    }

    struct cc_vote vote;
    struct cc_vote_reply vote_reply;
    struct cc_append append;
    struct cc_append_reply reply;
    struct cc_timeout_now timeout_now;
    uint64_t term = 0;

    if (frame->type == CC_MESSAGE_TIMEOUT_NOW && cc_timeout_now_decode(frame->body, &timeout_now)) {
        server->handed_term = timeout_now.term;
    } else if (
        frame->type == CC_MESSAGE_VOTE && cc_vote_decode(frame->body, &vote) && !vote.is_prevote) {
        term = vote.term;
        server->asked_term = term;
        server->asked_last = vote.last_index;
        server->asked_last_term = vote.last_term;
        server->asked_as_told = vote.is_transfer;
        server->told_vote = place + 1;
        server->told_vote_term = term;
    } else if (
        frame->type == CC_MESSAGE_VOTE_REPLY && cc_vote_reply_decode(frame->body, &vote_reply) &&
        !vote_reply.is_prevote) {
        term = vote_reply.term;
        if (vote_reply.is_granted && server->term == term) {
            server->told_vote = server->vote;
            server->told_vote_term = term;
        }
    } else if (frame->type == CC_MESSAGE_APPEND && cc_append_decode(frame->body, &append)) {
        term = append.term;
    } else if (
        frame->type == CC_MESSAGE_APPEND_REPLY && cc_append_reply_decode(frame->body, &reply)) {
        term = reply.term;
        if (reply.is_accepted && reply.match > server->told_match && reply.match <= server->last) {
            server->told_match = reply.match;
        }
    }
    if (term > server->told_term) {
        server->told_term = term;
    }
}

void cc_judge_sends(struct cc_judge *judge, uint32_t place, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    const struct cc_server *server = judge->servers[place].server;

    /* It may have failed, and what it says now was true before that all the same. */
    if (judge->servers[place].is_up && server != NULL && server->group != NULL) {
        look_at_log(judge, place, server->group);
    }
    while (size >= CC_FRAME_HEADER_SIZE) {
        size_t body_size = cc_load_u32(bytes);
        struct cc_frame frame = {
            .type = cc_load_u16(bytes + 8),
            .group = cc_load_u32(bytes + 12),
            .body = {bytes + CC_FRAME_HEADER_SIZE, body_size},
        };

        if (body_size > size - CC_FRAME_HEADER_SIZE) {
            cc_judge_blame(judge, "kept promises: server %u wrote half a frame", place + 1);
            return;
        }
        hears(judge, place, &frame);
        bytes += CC_FRAME_HEADER_SIZE + body_size;
        size -= CC_FRAME_HEADER_SIZE + body_size;
    }
}

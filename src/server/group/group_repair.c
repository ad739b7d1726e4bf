/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_repair -- entries that this server can no longer read come back from any neighbour that has
 * them (docs/decisions/0007).  An index and a term name one entry: no leader is needed, and nothing
 * has to be committed.  A leader's append may bring them too.
 *
 *     asks -> ENTRIES  -> checked, written -> durable -> the core counts them; the next are asked for
 *          -> MISSING, DAMAGED, silence    -> the next neighbour is asked
 *          -> no, from all, and no quorum is whole -> the server stops, and says where
 *
 * What was written counts at its mark and not before, and there is one mark at a time.
 */
#include "base/assert.h"
#include "server/group/group.h"
#include "server/node/node.h"

#include <string.h>

#define PATIENCE_ELECTION_TIMEOUTS 10u

void cc_group_fail_reading(struct cc_group *group, copycat_status status)
{
    const char *trouble = cc_journal_trouble(group->journal);

    cc_server_fail(
        group->server, status,
        trouble[0] != '\0' ? trouble : "an entry could not be read back from the journal");
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Another range, or another part of it: what was answered before says nothing about that. */
static void look_at(struct cc_group *group, const struct cc_log_damage *damage)
{
    struct cc_repairing *repairing = &group->repairing;

    if (repairing->first != damage->first) {
        repairing->first = damage->first;
        repairing->is_told = false;
        memset(repairing->outcomes, 0, sizeof repairing->outcomes);
    }
}

/* A log with a newer term may still win the votes of damaged members. */
static bool may_be_decided(const struct cc_group *group)
{
    return cc_raft_leader(group->core) != 0 ||
           cc_env_now_us(group->env) < group->repairing.patience_us;
}

/* What it did is in the state, so service goes on without it; an image will stand for it. */
static bool is_applied(const struct cc_group *group, const struct cc_log_damage *damage)
{
    return group->has_state && damage->first <= cc_apply_index(group->apply);
}

/* What the disk refused is not known to be wrong: the next start asks the disk again. */
static void stop_without(struct cc_group *group, const struct cc_log_damage *damage)
{
    cc_server_fail(
        group->server, damage->is_refused ? COPYCAT_ERR_IO : COPYCAT_ERR_DAMAGED,
        cc_journal_where(
            group->journal, damage->file, damage->offset, damage->first,
            damage->is_refused
                ? "was refused by the disk, and no other server has it: start again when the "
                  "disk reads, or restore a backup"
                : "cannot be read, and no other server has it: bring back a disk that does, or "
                  "restore a backup"));
}

/*
 * All have answered, and none has it.  A quorum that is whole may still elect a leader whose log
 * overrules ours.  Without one the entry may have been acknowledged, and nothing can go on.
 */
static void judge_answers(struct cc_group *group, const struct cc_log_damage *damage)
{
    const struct cc_members *members = cc_server_options(group->server)->members;
    struct cc_repairing *repairing = &group->repairing;
    uint32_t voters = 0;
    uint32_t whole = 0;
    bool is_imaged = false;

    for (uint32_t place = 0; place < members->count; place++) {
        const struct cc_member *member = &members->at[place];
        bool is_voter = member->role == CC_ROLE_VOTER;

        if (member->id != group->server_id && repairing->outcomes[place] == 0) {
            return;
        }
        is_imaged = is_imaged || repairing->outcomes[place] == CC_REPAIR_IMAGED;
        voters += is_voter;
        whole += is_voter && repairing->outcomes[place] == CC_REPAIR_MISSING;
    }
    if (is_imaged) {
        return; /* it comes back as part of a state */
    }
    if (whole < voters / 2 + 1 && !is_applied(group, damage)) {
        if (members->count > 1 && may_be_decided(group)) {
            return;
        }
        stop_without(group, damage);
    } else if (!repairing->is_told) {
        repairing->is_told = true;
        cc_server_notice_about(
            group->server, CC_TOPIC_DAMAGE,
            cc_journal_where(
                group->journal, damage->file, damage->offset, damage->first,
                is_applied(group, damage)
                    ? "cannot be read, and no other server has it; its outcome is in the state, "
                      "and the next image stands for it"
                    : "cannot be read, and no other server has it: a leader will decide"));
    }
}

/* One run of terms at a time. */
static void ask(struct cc_group *group, uint32_t peer, const struct cc_log_damage *damage)
{
    struct cc_repair_ask ask = {
        .first = damage->first,
        .last = damage->first,
        .term = cc_log_term(group->log, damage->first),
    };

    while (ask.last < damage->last && cc_log_term(group->log, ask.last + 1) == ask.term) {
        ask.last++;
    }
    cc_repair_ask_encode(
        cc_server_peer_begin(group->server, peer, CC_MESSAGE_REPAIR_ASK, group->id), &ask);
    cc_server_peer_end(group->server, peer);
}

/* The next neighbour that can be reached; after all of them, a pause. */
static void ask_next(struct cc_group *group, const struct cc_log_damage *damage)
{
    const struct cc_members *members = cc_server_options(group->server)->members;
    struct cc_repairing *repairing = &group->repairing;

    repairing->again_us = cc_group_retry_us(group);
    for (uint32_t i = 0; i < members->count; i++) {
        uint32_t place = repairing->next;
        uint32_t peer = members->at[place].id;

        repairing->next = (place + 1) % members->count;
        if (peer != group->server_id && cc_server_peer_is_up(group->server, peer)) {
            ask(group, peer, damage);
            return;
        }
    }
}

void cc_group_repair(struct cc_group *group)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    struct cc_repairing *repairing = &group->repairing;

    if (damage == NULL) {
        repairing->again_us = COPYCAT_NONE;
    } else if (repairing->mark == 0 && cc_env_now_us(group->env) >= repairing->again_us) {
        look_at(group, damage);
        judge_answers(group, damage); /* patience may have ended without a further answer */
        ask_next(group, damage);
    }
}

void cc_group_repair_begin(struct cc_group *group)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    uint64_t now = cc_env_now_us(group->env);

    group->repairing.again_us = damage == NULL ? COPYCAT_NONE : now;
    group->repairing.patience_us = now + PATIENCE_ELECTION_TIMEOUTS * group->election_timeout_us;
    if (damage != NULL) {
        look_at(group, damage);
        judge_answers(group, damage);
    }
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* True if it is one of those that are missing; what is not damaged any more is passed over. */
static bool take_entry(struct cc_group *group, const struct cc_entry *entry)
{
    struct cc_block *block;

    if (entry->group != group->id || (cc_log_is_damaged(group->log, entry->index) &&
                                      cc_log_term(group->log, entry->index) != entry->term)) {
        return false;
    }
    if (cc_log_is_damaged(group->log, entry->index)) {
        block = cc_entry_copy(group->memory, entry);
        cc_log_repair(group->log, block);
        cc_block_release(block);
    }
    return true;
}

static bool take_entries(struct cc_group *group, const struct cc_repair *repair)
{
    copycat_bytes left = repair->entries;

    for (uint32_t i = 0; i < repair->entry_count; i++) {
        struct cc_entry entry;
        uint32_t size;

        if (cc_entry_decode(left, &entry, &size) != COPYCAT_OK ||
            entry.index != repair->first + i || !take_entry(group, &entry)) {
            return false;
        }
        left.data = (const uint8_t *)left.data + size;
        left.size -= size;
    }
    return left.size == 0;
}

void cc_group_repair_written(struct cc_group *group)
{
    group->repairing.mark = cc_journal_mark(group->journal);
    cc_group_wake(group);
}

/* Entries that are taken back count from their mark on, and so does nothing behind them before. */
static void hold(struct cc_group *group, uint64_t from)
{
    struct cc_repairing *repairing = &group->repairing;

    repairing->held = repairing->held == 0 || from < repairing->held ? from : repairing->held;
    cc_group_repair_written(group);
}

/* Whoever sends it, and however late: what it is says its index and its term. */
bool cc_group_receive_repair(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    struct cc_repairing *repairing = &group->repairing;
    struct cc_repair repair;

    if (!cc_repair_decode(body, &repair)) {
        return false;
    }
    if (damage == NULL || repair.first != damage->first || repairing->mark != 0) {
        return true;
    }
    if (repair.outcome == CC_REPAIR_ENTRIES) {
        uint64_t from = damage->first;
        bool is_sound = take_entries(group, &repair);

        hold(group, from);
        return is_sound;
    }
    look_at(group, damage);
    repairing->outcomes[cc_server_member_place(group->server, peer)] = repair.outcome;
    if (repair.outcome == CC_REPAIR_IMAGED) {
        cc_group_want_image(group, peer, damage->first);
    }
    judge_answers(group, damage);
    return true;
}

/* The core knows already that these entries match ours; it has no use for their bytes, and we have. */
void cc_group_repair_received(struct cc_group *group)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    uint64_t from = damage == NULL ? 0 : damage->first;
    bool is_taken = false;

    if (damage == NULL || group->repairing.mark != 0) {
        return;
    }
    for (uint32_t i = 0; i < group->received.count; i++) {
        const struct cc_entry *entry = &group->received.at[i];

        if (cc_log_is_damaged(group->log, entry->index) &&
            cc_log_term(group->log, entry->index) == entry->term) {
            is_taken = take_entry(group, entry);
        }
    }
    if (is_taken) {
        hold(group, from);
    }
}

/* A fresh connection: behind it may be another life with another disk. */
void cc_group_repair_peer_up(struct cc_group *group, uint32_t peer)
{
    group->repairing.outcomes[cc_server_member_place(group->server, peer)] = 0;
}

/* ---- what counts ----------------------------------------------------------------------------- */

/* The first entry that does not count: damaged, or taken back and not durable; 0: there is none. */
static uint64_t lacking_from(const struct cc_group *group)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    uint64_t held = group->repairing.held;

    if (held > cc_log_last(group->log)) {
        held = 0; /* a leader has overruled it since */
    }
    if (damage == NULL) {
        return held;
    }
    return held != 0 && held < damage->first ? held : damage->first;
}

static void tell_core(struct cc_group *group)
{
    struct cc_repairing *repairing = &group->repairing;
    bool is_damaged = cc_log_damage(group->log) != NULL;
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_REPAIRED, .index = lacking_from(group)};

    repairing->again_us =
        is_damaged && !cc_group_is_alone(group) ? cc_env_now_us(group->env) : COPYCAT_NONE;
    if (!cc_group_is_alone(group)) {
        (void)cc_group_step(group, &event);
    }
    if (!is_damaged && repairing->mark == 0) {
        repairing->first = 0;
        cc_group_whole(group);
    }
}

void cc_group_repair_found(struct cc_group *group)
{
    struct cc_raft_event event = {
        .kind = CC_RAFT_EVENT_DAMAGED, .index = cc_log_damage(group->log)->first};
    uint64_t now = cc_env_now_us(group->env);

    look_at(group, cc_log_damage(group->log));
    group->repairing.again_us = now;
    group->repairing.patience_us = now + PATIENCE_ELECTION_TIMEOUTS * group->election_timeout_us;
    (void)cc_group_step(group, &event);
    cc_group_repair(group);
}

/* What has come back counts now, and only now. */
void cc_group_repair_durable(struct cc_group *group, uint64_t mark)
{
    if (group->repairing.mark != 0 && mark >= group->repairing.mark) {
        group->repairing.mark = 0;
        group->repairing.held = 0;
        tell_core(group);
    }
}

void cc_group_repair_forgotten(struct cc_group *group)
{
    struct cc_repairing *repairing = &group->repairing;
    uint64_t first = cc_log_first(group->log);

    if (repairing->first == 0) {
        return;
    }
    if (repairing->held != 0 && repairing->held < first) {
        repairing->held = first <= cc_log_last(group->log) ? first : 0;
    }
    tell_core(group);
}

/* ---- helping --------------------------------------------------------------------------------- */

static void help(struct cc_group *group, uint32_t peer, const struct cc_repair_ask *ask);
static void answer(struct cc_group *group, uint32_t peer, const struct cc_repair *repair);

/* Damage of our own that only now shows is no reason to leave: it is not us who needs the entry. */
static void loaded(struct cc_log_load *load)
{
    struct cc_group *group = load->owner;
    struct cc_repair_help *need = &group->help;
    struct cc_repair repair = {.first = need->ask.first, .outcome = CC_REPAIR_DAMAGED};

    need->is_loading = false;
    if (load->status == COPYCAT_ERR_CLOSED || !cc_server_peer_is_up(group->server, need->peer)) {
        return;
    }
    if (load->status == COPYCAT_OK) {
        help(group, need->peer, &need->ask);
    } else {
        answer(group, need->peer, &repair);
    }
}

/* One at a time: who is not served now asks again. */
static void load(struct cc_group *group, uint32_t peer, const struct cc_repair_ask *ask)
{
    if (group->help.is_loading) {
        return;
    }
    group->help = (struct cc_repair_help){
        .peer = peer,
        .ask = *ask,
        .load = {.index = ask->first, .done = loaded, .owner = group, .is_optional = true},
        .is_loading = true,
    };
    cc_log_load(group->log, &group->help.load);
}

static void answer(struct cc_group *group, uint32_t peer, const struct cc_repair *repair)
{
    struct cc_writer *writer =
        cc_server_peer_begin(group->server, peer, CC_MESSAGE_REPAIR, group->id);

    cc_repair_encode_head(writer, repair);
    for (uint64_t index = repair->first; index < repair->first + repair->entry_count; index++) {
        const struct cc_block *block = cc_log_peek(group->log, index);

        cc_write_raw(writer, block->data, block->size);
    }
    cc_server_peer_end(group->server, peer);
}

/* As many entries as are in memory and fit, one at least. */
static uint32_t count_entries(struct cc_group *group, const struct cc_repair_ask *ask)
{
    uint64_t bytes_max = cc_server_options(group->server)->append_bytes_max;
    uint64_t bytes = 0;
    uint32_t count = 0;

    for (uint64_t index = ask->first; index <= ask->last; index++, count++) {
        const struct cc_block *block = cc_log_peek(group->log, index);

        if (block == NULL || cc_log_term(group->log, index) != ask->term ||
            (count > 0 && bytes + block->size > bytes_max)) {
            break;
        }
        bytes += block->size;
    }
    return count;
}

static void help(struct cc_group *group, uint32_t peer, const struct cc_repair_ask *ask)
{
    struct cc_repair repair = {.first = ask->first};

    if (ask->first < cc_log_first(group->log) && ask->first <= group->base.index) {
        repair.outcome = CC_REPAIR_IMAGED;
    } else if (
        ask->first < cc_log_first(group->log) || cc_log_term(group->log, ask->first) != ask->term) {
        repair.outcome = CC_REPAIR_MISSING;
    } else if (cc_log_is_damaged(group->log, ask->first)) {
        repair.outcome = CC_REPAIR_DAMAGED;
    } else if (cc_log_peek(group->log, ask->first) == NULL) {
        load(group, peer, ask);
        return;
    } else {
        repair.outcome = CC_REPAIR_ENTRIES;
        repair.entry_count = count_entries(group, ask);
    }
    answer(group, peer, &repair);
}

/* Who asks for what we lack ourselves has answered us before we ask. */
static void note_need(struct cc_group *group, uint32_t peer, const struct cc_repair_ask *ask)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);

    if (damage == NULL || damage->first < ask->first || damage->first > ask->last ||
        cc_log_term(group->log, damage->first) != ask->term) {
        return;
    }
    look_at(group, damage);
    group->repairing.outcomes[cc_server_member_place(group->server, peer)] = CC_REPAIR_DAMAGED;
    judge_answers(group, damage);
}

bool cc_group_receive_repair_ask(struct cc_group *group, uint32_t peer, copycat_bytes body)
{
    struct cc_repair_ask ask;

    if (!cc_repair_ask_decode(body, &ask)) {
        return false;
    }
    if (cc_server_peer_is_up(group->server, peer)) {
        help(group, peer, &ask);
    }
    note_need(group, peer, &ask);
    return true;
}

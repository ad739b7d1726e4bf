/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_apply -- committed entries into state, a bounded number in each pass, so that a backlog
 * does not keep heartbeats waiting.
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/node/node.h"

#define APPLY_PER_PASS_MAX 2048u
#define AHEAD_BYTES_MAX (UINT64_C(4) << 20)

/* ---- what is not in memory -------------------------------------------------------------------- */

/* A read under way brings it: all of a batch comes at once. */
static bool is_coming(const struct cc_group *group, const struct cc_journal_place *place)
{
    for (uint32_t i = 0; i < CC_GROUP_AHEAD_MAX; i++) {
        const struct cc_group_ahead *ahead = &group->aheads[i];

        if (ahead->group != NULL && ahead->place.file == place->file &&
            ahead->place.batch_block == place->batch_block) {
            return true;
        }
    }
    return false;
}

static struct cc_group_ahead *idle(struct cc_group *group)
{
    for (uint32_t i = 0; i < CC_GROUP_AHEAD_MAX; i++) {
        if (group->aheads[i].group == NULL) {
            return &group->aheads[i];
        }
    }
    return NULL;
}

/* What went wrong shows again when the entry's turn comes. */
static void ahead_loaded(struct cc_log_load *load)
{
    struct cc_group_ahead *ahead = load->owner;
    struct cc_group *group = ahead->group;

    ahead->group = NULL;
    if (load->status != COPYCAT_OK) {
        group->ahead = 0;
    }
    if (load->status != COPYCAT_ERR_CLOSED) {
        cc_group_apply(group);
    }
}

/* The first committed entry from `ahead` on that is not in memory, nor on its way; 0: there is none,
 * or it cannot be read. */
static uint64_t find_ahead(const struct cc_group *group, struct cc_journal_place *place_out)
{
    uint64_t applied = cc_apply_index(group->apply);
    uint64_t commit = cc_raft_commit(group->core);
    uint64_t index = group->ahead > applied ? group->ahead : applied + 1;

    for (; index <= commit; index++) {
        if (cc_log_peek(group->log, index) != NULL) {
            continue;
        }
        if (index < cc_log_first(group->log) || cc_log_is_damaged(group->log, index) ||
            !cc_log_place(group->log, index, place_out)) {
            return 0;
        }
        if (!is_coming(group, place_out)) {
            return index;
        }
    }
    return 0;
}

/* While entries come from the disk, the next of them are read before their turn, some at once. */
static void read_ahead(struct cc_group *group)
{
    uint64_t applied = cc_apply_index(group->apply);
    struct cc_group_ahead *ahead = group->is_apply_loading ? NULL : idle(group);

    while (ahead != NULL && group->ahead != 0) {
        group->ahead = find_ahead(group, &ahead->place);
        if (group->ahead <= applied + 1 ||
            cc_log_bytes_above(group->log, applied) - cc_log_bytes_above(group->log, group->ahead) >
                AHEAD_BYTES_MAX) {
            return;
        }
        ahead->group = group;
        ahead->load = (struct cc_log_load){
            .index = group->ahead, .done = ahead_loaded, .owner = ahead, .is_optional = true};
        cc_log_load(group->log, &ahead->load);
        ahead = idle(group);
    }
}

static void loaded(struct cc_log_load *load)
{
    struct cc_group *group = load->owner;

    group->is_apply_loading = false;
    if (load->status == COPYCAT_ERR_CLOSED) {
        return;
    }
    if (load->status != COPYCAT_OK && !cc_group_lose_entry(group, load->index, load->status)) {
        cc_group_fail_reading(group, load->status);
        return;
    }
    group->ahead = load->index + 1;
    cc_group_apply(group); /* what was loaded is in memory until the next pass */
}

static void load(struct cc_group *group, uint64_t index)
{
    struct cc_journal_place place;

    if (group->is_apply_loading ||
        (cc_log_place(group->log, index, &place) && is_coming(group, &place))) {
        return;
    }
    group->is_apply_loading = true;
    group->apply_load = (struct cc_log_load){
        .index = index, .done = loaded, .owner = group, .is_optional = !cc_group_is_alone(group)};
    cc_log_load(group->log, &group->apply_load);
}

/* ---- applying --------------------------------------------------------------------------------- */

static void apply_one(struct cc_group *group, struct cc_block *block)
{
    struct cc_entry entry = cc_entry_of(block);
    struct cc_outcome outcome;

    cc_apply_entry(group->apply, &entry, &outcome);
    cc_server_applied(group->server, &entry, &outcome, group->apply);
    cc_group_room_applied(group, &entry);
    if (entry.kind == CC_ENTRY_MARK) {
        cc_group_marked(group, &entry);
    }
    if (CC_BUG(T022) && group->promised.count > 0) {
        cc_group_answer_by_index(group, entry.index);
    }
    if (!CC_BUG(T022) || entry.kind != CC_ENTRY_COMMAND) {
        cc_group_outcome(group, &outcome);
    }
}

/* Has this leader applied an entry of its own term?  Only then does it know all that is committed.
 */
static void check_leading(struct cc_group *group)
{
    if (!group->is_leading && cc_raft_role(group->core) == CC_RAFT_LEADER &&
        group->term_first != 0 && cc_apply_index(group->apply) >= group->term_first) {
        cc_group_lead(group);
    }
}

void cc_group_apply(struct cc_group *group)
{
    uint64_t commit = cc_raft_commit(group->core);
    uint32_t budget = APPLY_PER_PASS_MAX;
    uint64_t before = cc_apply_index(group->apply);

    read_ahead(group); /* first, so that it goes on meanwhile */
    while (group->has_state && cc_apply_index(group->apply) < commit && budget > 0) {
        uint64_t index = cc_apply_index(group->apply) + 1;
        struct cc_block *block = cc_log_peek(group->log, index);

        if (block == NULL) {
            if (!cc_log_is_damaged(group->log, index)) {
                load(group, index);
            }
            break;
        }
        apply_one(group, block);
        budget--;
    }
    check_leading(group);
    if (cc_apply_index(group->apply) != before) {
        cc_log_keep(group->log, cc_apply_index(group->apply));
        cc_group_wake(group);
    }
}

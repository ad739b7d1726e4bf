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

/* What went wrong shows again when the entry's turn comes. */
static void ahead_loaded(struct cc_log_load *load)
{
    struct cc_group *group = load->owner;

    group->is_ahead_loading = false;
    if (load->status != COPYCAT_OK) {
        group->ahead = 0;
    }
    if (load->status != COPYCAT_ERR_CLOSED) {
        cc_group_apply(group);
    }
}

/* The first committed entry from `ahead` on that is not in memory; 0: there is none, or it cannot be
 * read. */
static uint64_t find_ahead(const struct cc_group *group)
{
    uint64_t applied = cc_apply_index(group->apply);
    uint64_t commit = cc_raft_commit(group->core);
    uint64_t index = group->ahead > applied ? group->ahead : applied + 1;
    struct cc_journal_place place;

    while (index <= commit && cc_log_peek(group->log, index) != NULL) {
        index++;
    }
    return index >= cc_log_first(group->log) && index <= commit &&
                   !cc_log_is_damaged(group->log, index) && cc_log_place(group->log, index, &place)
               ? index
               : 0;
}

/* While entries come from the disk, the next of them are read before their turn. */
static void read_ahead(struct cc_group *group)
{
    uint64_t applied = cc_apply_index(group->apply);

    if (group->ahead == 0 || group->is_ahead_loading || group->is_apply_loading) {
        return;
    }
    group->ahead = find_ahead(group);
    if (group->ahead <= applied + 1 ||
        cc_log_bytes_above(group->log, applied) - cc_log_bytes_above(group->log, group->ahead) >
            AHEAD_BYTES_MAX) {
        return;
    }
    group->is_ahead_loading = true;
    group->ahead_load = (struct cc_log_load){
        .index = group->ahead, .done = ahead_loaded, .owner = group, .is_optional = true};
    cc_log_load(group->log, &group->ahead_load);
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
    if (group->is_apply_loading || (group->is_ahead_loading && group->ahead_load.index == index)) {
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_damage -- a batch of the journal does not read any more while the server runs, as reading
 * everything again from time to time finds out (docs/decisions/0007).
 *
 *     lost -> in memory, and whole  -> written again   \
 *          -> covered by the image  -> forgotten         -> durable: nothing is damaged any more
 *          -> else                  -> group_repair.c   /
 *
 * What is in memory is written again without a word to the core: whatever counts from now on is
 * behind it in the journal, and so durable no sooner.  With entries that are gone from memory the
 * server votes and follows as if a start had found that, but for one that is alone.  Nobody can take
 * its place, and what its entries did is in its state: it takes an image instead.
 */
#include "base/assert.h"
#include "server/group/group.h"
#include "server/node/node.h"

/* From one image that was to stand for what is damaged to the next, if that came to nothing. */
#define IMAGE_PAUSE_US UINT64_C(10000000)

static void tell(
    struct cc_group *group, const struct cc_journal_place *batch, const struct cc_log_loss *loss)
{
    const char *what = "does not read any more; it is in memory, and is written again";

    if (loss->lost > 0) {
        what = cc_group_is_alone(group)
                   ? "and others beside it cannot be read back; service goes on, and an image of "
                     "the state is taken in their place"
                   : "and others beside it cannot be read back; they are fetched from the others";
    }
    cc_server_notice_about(
        group->server, CC_TOPIC_DAMAGE,
        cc_journal_where(
            group->journal, batch->file, (uint64_t)batch->batch_block * CC_DISK_BLOCK, loss->first,
            what));
}

void cc_group_leave_damage(struct cc_group *group)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);
    uint64_t first = 0;

    while (damage != NULL && damage->first <= group->base.index) {
        first = (damage->last < group->base.index ? damage->last : group->base.index) + 1;
        cc_log_forget(group->log, first - 1);
        damage = cc_log_damage(group->log);
    }
    if (first > 0) {
        cc_group_forgotten(group, first);
    } else {
        cc_group_repair_forgotten(group);
    }
    if (damage == NULL && group->repairing.mark == 0 && group->batches_lost > 0) {
        cc_group_whole(group);
    }
}

void cc_group_lose(
    struct cc_group *group, const struct cc_journal_place *batch, copycat_status status)
{
    struct cc_log_loss loss = cc_log_lose(group->log, batch, status);
    const struct cc_log_damage *damage;

    if (loss.first == 0) {
        return; /* it was found before, or truncated or forgotten since */
    }
    group->scrubbed.found++;
    group->batches_lost++;
    tell(group, batch, &loss);
    if (loss.rewritten > 0) {
        cc_group_repair_written(group);
    }
    damage = cc_log_damage(group->log);
    if (damage != NULL && damage->first <= group->base.index) {
        cc_group_leave_damage(group);
        damage = cc_log_damage(group->log);
    }
    if (damage != NULL && !cc_group_is_alone(group)) {
        cc_group_repair_found(group);
    }
    cc_group_wake(group);
}

bool cc_group_lose_entry(struct cc_group *group, uint64_t index, copycat_status status)
{
    struct cc_journal_place batch;

    if (index >= cc_log_first(group->log) && index <= cc_log_last(group->log) &&
        cc_log_place(group->log, index, &batch)) {
        cc_group_lose(group, &batch, status);
    }
    return !cc_group_is_alone(group) || index <= cc_apply_index(group->apply);
}

void cc_group_whole(struct cc_group *group)
{
    cc_server_news(
        group->server, "nothing of the journal is damaged any more: what was is written again");
    group->scrubbed.repaired += group->batches_lost;
    group->batches_lost = 0;
    cc_server_settle(group->server, CC_TOPIC_DAMAGE);
}

bool cc_group_damage_needs_image(const struct cc_group *group)
{
    const struct cc_log_damage *damage = cc_log_damage(group->log);

    return damage != NULL && cc_group_is_alone(group) &&
           damage->last <= cc_apply_index(group->apply) && cc_group_image_may_begin(group) &&
           cc_env_now_us(group->env) >= group->repairing.image_us;
}

void cc_group_damage_image_asked(struct cc_group *group)
{
    group->repairing.image_us = cc_env_now_us(group->env) + IMAGE_PAUSE_US;
}

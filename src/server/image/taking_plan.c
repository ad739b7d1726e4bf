/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking_plan -- which segments of the image before are kept as they are, and which are written anew
 * without what is dead in them (docs/decisions/0010).
 *
 * Budget:  what the log has brought since, or one segment.  It is exceeded only while more would be
 *          dead than half of what lives: so the disk is bounded, whatever is released.
 */
#include "base/cleaning.h"
#include "server/image/taking_internal.h"
#include "server/node/node.h"

#define CLEAN_PERCENT 50u
#define COUNT_MAX 65536u /* commits in a segment */

static void describe(const void *owner, uint32_t position, struct cc_cleaning_part *part_out)
{
    const struct cc_taking *taking = owner;
    const struct cc_image_segment *name = &taking->former->at[position]->name;
    const struct cc_taking_part *part = &taking->parts[position];

    *part_out = (struct cc_cleaning_part){
        .first = name->first,
        .last = name->last,
        .stored_count = name->count,
        .live_count = part->live_count,
        .live_bytes = part->live_bytes,
        .dead_bytes = name->bytes - part->live_bytes,
        .is_small = name->bytes <= cc_server_options(taking->server)->segment_bytes / 2,
        .is_taken = part->is_rewritten || part->live_count == 0};
}

/* Bytes that are dead and stay, and those that live; what no commit lives of goes for nothing. */
static void add_up(const struct cc_taking *taking, uint64_t *dead_out, uint64_t *live_out)
{
    *dead_out = 0;
    *live_out = 0;
    for (size_t i = 0; i < taking->former->count; i++) {
        const struct cc_taking_part *part = &taking->parts[i];

        if (!part->is_rewritten && part->live_count > 0) {
            *dead_out += taking->former->at[i]->name.bytes - part->live_bytes;
        }
        *live_out += part->live_bytes;
    }
}

/* The worst of those that stay: what keeps the bound when no rule asks for anything. */
static size_t find_worst(const struct cc_taking *taking)
{
    size_t worst = taking->former->count;
    uint64_t most = 0;

    for (size_t i = 0; i < taking->former->count; i++) {
        const struct cc_taking_part *part = &taking->parts[i];
        uint64_t dead = taking->former->at[i]->name.bytes - part->live_bytes;

        if (!part->is_rewritten && part->live_count > 0 && dead > most) {
            most = dead;
            worst = i;
        }
    }
    return worst;
}

static uint64_t rewrite(struct cc_taking *taking, size_t begin, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = begin; i < begin + count; i++) {
        taking->parts[i].is_rewritten = true;
        bytes += taking->parts[i].live_bytes;
    }
    return bytes;
}

/* By the rule, as far as the budget goes. */
static void clean(struct cc_taking *taking, uint64_t budget)
{
    const struct cc_cleaning cleaning = {
        .rule = CC_CLEANING_BENEFIT,
        .percent = CLEAN_PERCENT,
        .newest = taking->head.index,
        .part_bytes_max = cc_server_options(taking->server)->segment_bytes,
        .part_count_max = COUNT_MAX,
        .slack_bytes = CC_DISK_BLOCK,
        .part_count = (uint32_t)taking->former->count,
        .part = describe,
        .owner = taking};
    uint64_t spent = 0;
    uint32_t begin;
    uint32_t count;

    while (spent < budget && cc_cleaning_pick(&cleaning, &begin, &count)) {
        spent += rewrite(taking, begin, count);
    }
}

static void choose(struct cc_taking *taking)
{
    uint64_t segment_bytes = cc_server_options(taking->server)->segment_bytes;
    uint64_t brought = cc_log_bytes_above(taking->group->log, taking->group->base.index);
    uint64_t dead;
    uint64_t live;

    clean(taking, brought > segment_bytes ? brought : segment_bytes);
    add_up(taking, &dead, &live);
    while (dead > live / 2 + segment_bytes) {
        (void)rewrite(taking, find_worst(taking), 1);
        add_up(taking, &dead, &live);
    }
}

bool cc_taking_plan(struct cc_taking *taking)
{
    struct cc_segment_list *former = taking->former;
    struct cc_taking_part *part;

    if (former == NULL) {
        return false;
    }
    if (taking->parts == NULL && former->count > 0) {
        taking->parts =
            cc_memory_take(taking->server->memory, former->count * sizeof *taking->parts);
    }
    if (taking->weighed == former->count) {
        if (former->count > 0 && !taking->is_from_scratch) {
            choose(taking);
        }
        return false;
    }
    part = &taking->parts[taking->weighed];
    cc_segment_weigh(
        former->at[taking->weighed++], taking->group->apply, &part->live_count, &part->live_bytes);
    part->is_rewritten = taking->is_from_scratch && part->live_count > 0;
    return true;
}

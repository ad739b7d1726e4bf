/* SPDX-License-Identifier: Apache-2.0 */
/*
 * taking_plan -- see taking_plan.h.
 *
 * Budget:  what the log has brought since, or one segment.  It is exceeded only while more would be
 *          dead than half of what lives: so the disk is bounded, whatever is released.
 */
#include "server/image/taking_plan.h"

#define CLEAN_PERCENT 50u

static uint64_t dead_bytes(const struct cc_taking_part *part)
{
    return part->name.bytes - part->live_bytes;
}

static bool stays(const struct cc_taking_part *part)
{
    return !part->is_rewritten && part->live_count > 0;
}

static void describe(const void *owner, uint32_t position, struct cc_cleaning_part *part_out)
{
    const struct cc_taking_plan *plan = owner;
    const struct cc_taking_part *part = &plan->parts[position];

    *part_out = (struct cc_cleaning_part){
        .first = part->name.first,
        .last = part->name.last,
        .stored_count = part->name.count,
        .live_count = part->live_count,
        .live_bytes = part->live_bytes,
        .dead_bytes = dead_bytes(part),
        .passes = part->passes,
        .is_small = part->name.bytes <= plan->segment_bytes / 2,
        .is_taken = !stays(part)};
}

/* Bytes that are dead and stay, and those that live; what no commit lives of goes for nothing. */
static void add_up(const struct cc_taking_plan *plan, uint64_t *dead_out, uint64_t *live_out)
{
    *dead_out = 0;
    *live_out = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const struct cc_taking_part *part = &plan->parts[i];

        *dead_out += stays(part) ? dead_bytes(part) : 0;
        *live_out += part->live_bytes;
    }
}

/* The worst of those that stay: what keeps the bound when no rule asks for anything. */
static size_t find_worst(const struct cc_taking_plan *plan)
{
    size_t worst = plan->count;
    uint64_t most = 0;

    for (size_t i = 0; i < plan->count; i++) {
        const struct cc_taking_part *part = &plan->parts[i];

        if (stays(part) && dead_bytes(part) > most) {
            most = dead_bytes(part);
            worst = i;
        }
    }
    return worst;
}

static uint64_t rewrite(const struct cc_taking_plan *plan, size_t begin, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = begin; i < begin + count; i++) {
        plan->parts[i].is_rewritten = true;
        bytes += plan->parts[i].live_bytes;
    }
    return bytes;
}

/* By the rule, as far as the budget goes. */
static void clean(const struct cc_taking_plan *plan, uint64_t budget)
{
    const struct cc_cleaning cleaning = {
        .rule = plan->rule,
        .percent = CLEAN_PERCENT,
        .newest = plan->newest,
        .part_bytes_max = plan->segment_bytes,
        .part_count_max = CC_TAKING_COUNT_MAX,
        .slack_bytes = CC_DISK_BLOCK,
        .part_count = (uint32_t)plan->count,
        .part = describe,
        .owner = plan};
    uint64_t spent = 0;
    uint32_t begin;
    uint32_t count;

    while (spent < budget && cc_cleaning_pick(&cleaning, &begin, &count)) {
        spent += rewrite(plan, begin, count);
    }
}

void cc_taking_choose(const struct cc_taking_plan *plan)
{
    uint64_t brought = plan->brought_bytes;
    uint64_t dead;
    uint64_t live;

    clean(plan, brought > plan->segment_bytes ? brought : plan->segment_bytes);
    add_up(plan, &dead, &live);
    while (dead > live / 2 + plan->segment_bytes) {
        (void)rewrite(plan, find_worst(plan), 1);
        add_up(plan, &dead, &live);
    }
}

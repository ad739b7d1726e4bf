/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cleaning -- see cleaning.h.
 */
#include "base/cleaning.h"

#define HALVINGS_MAX 6u         /* below that a part would be rewritten for one entry of it */
#define DEAD_PERCENT_OF_ALL 30u /* of the benefit rule */
#define APART_MAX 4u /* neighbours are joined if one is at most so many times the other */

static struct cc_cleaning_part part_at(const struct cc_cleaning *cleaning, uint32_t position)
{
    struct cc_cleaning_part part = {0};

    cleaning->part(cleaning->owner, position, &part);
    return part;
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* 0: it is not worth it; otherwise the more the better. */
static double worth_by_count(
    const struct cc_cleaning *cleaning, const struct cc_cleaning_part *part)
{
    uint32_t halvings = part->passes < HALVINGS_MAX ? part->passes : HALVINGS_MAX;
    double dead = (double)(part->stored_count - part->live_count);
    double percent = cleaning->percent;

    if (cleaning->rule == CC_CLEANING_HALVING) {
        percent /= 1u << halvings;
    }
    if (dead <= 0 || dead * 100 < percent * (double)part->stored_count) {
        return 0;
    }
    return dead / (double)part->stored_count;
}

static double worth_by_benefit(
    const struct cc_cleaning *cleaning, const struct cc_cleaning_part *part)
{
    double live = (double)part->live_bytes;
    double dead = (double)part->dead_bytes;
    double age = (double)(cleaning->newest - part->last + 1);

    if (dead <= 0 || dead * 100 < (dead + live) * cleaning->percent) {
        return 0;
    }
    return dead * age / (dead + 2 * live);
}

static bool is_enough_dead(const struct cc_cleaning *cleaning)
{
    uint64_t dead = 0;
    uint64_t all = 0;

    for (uint32_t i = 0; i < cleaning->part_count; i++) {
        struct cc_cleaning_part part = part_at(cleaning, i);

        if (!part.is_taken) {
            dead += part.dead_bytes;
        }
        all += part.dead_bytes + part.live_bytes;
    }
    return dead * 100 >= all * DEAD_PERCENT_OF_ALL;
}

/* The best one; part_count: none. */
static uint32_t find_best(const struct cc_cleaning *cleaning)
{
    bool is_benefit = cleaning->rule == CC_CLEANING_BENEFIT;
    uint32_t best = cleaning->part_count;
    double most = 0;

    if (is_benefit && !is_enough_dead(cleaning)) {
        return best;
    }
    for (uint32_t i = 0; i < cleaning->part_count; i++) {
        struct cc_cleaning_part part = part_at(cleaning, i);
        double worth =
            is_benefit ? worth_by_benefit(cleaning, &part) : worth_by_count(cleaning, &part);

        if (!part.is_taken && worth > most) {
            most = worth;
            best = i;
        }
    }
    return best;
}

/* ---- neighbours ------------------------------------------------------------------------------ */

/* Would these be one part, without the larger share being moved for the sake of the smaller? */
static bool fits(const struct cc_cleaning *cleaning, uint32_t begin, uint32_t count, uint32_t added)
{
    struct cc_cleaning_part other = part_at(cleaning, added);
    struct cc_cleaning_part first = part_at(cleaning, added < begin ? added : begin);
    struct cc_cleaning_part last = part_at(cleaning, added < begin ? begin + count - 1 : added);
    uint64_t others = other.live_bytes;
    uint64_t entries = other.live_count;
    uint64_t bytes = 0;

    for (uint32_t i = begin; i < begin + count; i++) {
        struct cc_cleaning_part part = part_at(cleaning, i);

        bytes += part.live_bytes;
        entries += part.live_count;
    }
    return bytes + others <= cleaning->part_bytes_max && entries <= cleaning->part_count_max &&
           bytes <= others * APART_MAX + cleaning->slack_bytes &&
           others <= bytes * APART_MAX + cleaning->slack_bytes &&
           last.last - first.first <= UINT32_MAX;
}

static bool is_joinable(const struct cc_cleaning *cleaning, uint32_t position)
{
    struct cc_cleaning_part part = part_at(cleaning, position);

    return part.is_small && !part.is_taken;
}

static void extend(const struct cc_cleaning *cleaning, uint32_t *begin, uint32_t *count)
{
    while (*begin + *count < cleaning->part_count && is_joinable(cleaning, *begin + *count) &&
           fits(cleaning, *begin, *count, *begin + *count)) {
        ++*count;
    }
    while (*begin > 0 && is_joinable(cleaning, *begin - 1) &&
           fits(cleaning, *begin, *count, *begin - 1)) {
        --*begin;
        ++*count;
    }
}

bool cc_cleaning_pick(const struct cc_cleaning *cleaning, uint32_t *begin_out, uint32_t *count_out)
{
    *begin_out = find_best(cleaning);
    *count_out = 1;
    if (*begin_out < cleaning->part_count) {
        extend(cleaning, begin_out, count_out);
        return true;
    }
    for (uint32_t i = 0; i + 1 < cleaning->part_count; i++) {
        if (is_joinable(cleaning, i) && is_joinable(cleaning, i + 1) &&
            fits(cleaning, i, 1, i + 1)) {
            *begin_out = i;
            extend(cleaning, begin_out, count_out);
            return true;
        }
    }
    return false;
}

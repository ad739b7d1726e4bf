/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_rewrites -- what each rule of cleaning costs the segments of a group's images: the plan of
 * the server is asked at each image, what it asks for is done in numbers, nothing is written.  The
 * same figures on every machine.
 *
 *     segment_rewrites
 *
 * Says for each rule and load: bytes written into segments for each byte put; bytes in them for each
 * byte that lives, at most, after an image and while one is taken.
 *
 * A state of 256 MiB in records of 1 KiB, an image for each 16 MiB of the log, ten times as much put
 * as there was: as a server does by itself with a state of that size.
 */
#include "base/assert.h"
#include "server/image/taking_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 262144u
#define PUTS (10 * KEYS)
#define RECORD_SIZE 1024u
#define SEGMENT_SIZE ((uint64_t)4 << 20)
#define COMMITS_PER_IMAGE (16u << 10)
#define SEGMENTS_MAX 65536u

enum load {
    LOAD_UNIFORM,
    LOAD_SKEWED, /* four of five puts go to one key of five */
    LOAD_APPEND, /* nine of ten puts are new keys */
};

struct segment {
    struct cc_taking_part part;
    uint64_t *at; /* the indexes in it */
};

struct list {
    struct segment at[SEGMENTS_MAX];
    uint32_t count;
};

struct figures {
    double written; /* bytes into segments for each byte that is put */
    double resting; /* bytes in segments at most after an image, for each byte that lives */
    double
        taking; /* while one is taken, when what it makes and what it takes the place of are there */
};

static bool *lives;      /* by index */
static uint64_t *newest; /* by key */
static uint32_t key_count;
static uint64_t last;
static uint64_t state;
static struct list lists[2];
static struct cc_taking_part parts[SEGMENTS_MAX];
static uint64_t made_bytes;

static uint64_t next_random(void)
{
    state += 0x9e3779b97f4a7c15u;

    uint64_t mixed = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9u;

    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

static uint32_t draw(uint32_t count)
{
    return (uint32_t)(next_random() % count);
}

static void *take(size_t size)
{
    void *memory = calloc(1, size);

    if (memory == NULL) {
        fprintf(stderr, "segment_rewrites: no memory\n");
        exit(1);
    }
    return memory;
}

static void put(uint32_t key)
{
    if (key == key_count) {
        key_count++;
    } else {
        lives[newest[key]] = false;
    }
    newest[key] = ++last;
    lives[last] = true;
}

static uint32_t choose(enum load load)
{
    uint32_t often = KEYS / 5;

    switch (load) {
    case LOAD_SKEWED:
        return draw(5) > 0 ? draw(often) : often + draw(KEYS - often);
    case LOAD_APPEND:
        return draw(10) > 0 ? key_count : draw(key_count);
    case LOAD_UNIFORM:
        break;
    }
    return draw(KEYS);
}

/* ---- segments --------------------------------------------------------------------------------- */

static uint64_t size_of(const struct list *list)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < list->count; i++) {
        bytes += list->at[i].part.name.bytes;
    }
    return bytes;
}

static struct segment *open_segment(struct list *list)
{
    struct segment *segment = &list->at[list->count++];

    CC_ASSERT(list->count < SEGMENTS_MAX);
    *segment = (struct segment){.at = take(SEGMENT_SIZE / RECORD_SIZE * sizeof *segment->at)};
    return segment;
}

/* Into the last segment, unless that is full, or was kept as it is. */
static void add(struct list *list, bool *is_open, uint64_t index, uint32_t passes)
{
    struct segment *segment = *is_open ? &list->at[list->count - 1] : NULL;

    if (segment == NULL || segment->part.name.bytes + RECORD_SIZE > SEGMENT_SIZE) {
        segment = open_segment(list);
        segment->part.name.first = index;
        *is_open = true;
    }
    segment->at[segment->part.name.count++] = index;
    segment->part.name.last = index;
    segment->part.name.bytes += RECORD_SIZE;
    segment->part.passes = passes > segment->part.passes ? passes : segment->part.passes;
    made_bytes += RECORD_SIZE;
}

static void weigh(struct segment *segment)
{
    segment->part.live_count = 0;
    for (uint64_t i = 0; i < segment->part.name.count; i++) {
        segment->part.live_count += lives[segment->at[i]];
    }
    segment->part.live_bytes = segment->part.live_count * RECORD_SIZE;
    segment->part.is_rewritten = false;
}

/* What the plan asks for, as taking_copy.c does it. */
static void follow(const struct list *former, struct list *list, uint64_t base)
{
    bool is_open = false;

    for (uint32_t i = 0; i < former->count; i++) {
        const struct segment *segment = &former->at[i];

        if (parts[i].is_rewritten) {
            for (uint64_t j = 0; j < segment->part.name.count; j++) {
                if (lives[segment->at[j]]) {
                    add(list, &is_open, segment->at[j], segment->part.passes + 1);
                }
            }
            free(segment->at);
        } else if (segment->part.live_count > 0) {
            list->at[list->count++] = *segment;
            is_open = false;
        } else {
            free(segment->at);
        }
    }
    for (uint64_t index = base + 1; index <= last; index++) {
        if (lives[index]) {
            add(list, &is_open, index, 0);
        }
    }
}

/* Which of the two lists has the segments then. */
static uint32_t image(enum cc_cleaning_rule rule, uint64_t brought, uint32_t from, uint64_t base)
{
    struct list *former = &lists[from];
    struct cc_taking_plan plan = {
        .rule = rule,
        .brought_bytes = brought,
        .newest = last,
        .segment_bytes = SEGMENT_SIZE,
        .parts = parts,
        .count = former->count};

    for (uint32_t i = 0; i < former->count; i++) {
        weigh(&former->at[i]);
        parts[i] = former->at[i].part;
    }
    cc_taking_choose(&plan);
    lists[1 - from].count = 0;
    follow(former, &lists[1 - from], base);
    return 1 - from;
}

/* ---- runs ------------------------------------------------------------------------------------- */

static double larger(double left, double right)
{
    return left > right ? left : right;
}

/* `is_bounded`: as much is moved as the log brings, no more, as the server has it. */
static struct figures run(enum cc_cleaning_rule rule, bool is_bounded, enum load load)
{
    struct figures figures = {0};
    uint64_t brought = is_bounded ? (uint64_t)COMMITS_PER_IMAGE * RECORD_SIZE : UINT64_MAX;
    uint32_t at = 0;
    uint64_t base = 0;

    lists[0].count = 0;
    key_count = 0;
    last = 0;
    state = 1;
    memset(lives, 0, (KEYS + PUTS + 1) * sizeof *lives);
    while (last < KEYS + PUTS) {
        put(key_count < KEYS ? key_count : choose(load));
        if (last % COMMITS_PER_IMAGE == 0) {
            double live = (double)key_count * RECORD_SIZE;
            uint64_t before = size_of(&lists[at]);
            uint64_t made = made_bytes;

            at = image(rule, brought, at, base);
            base = last;
            figures.taking = larger(figures.taking, (double)(before + made_bytes - made) / live);
            figures.resting = larger(figures.resting, (double)size_of(&lists[at]) / live);
        }
        if (last == KEYS) {
            made_bytes = 0; /* filling is not counted */
        }
    }
    for (uint32_t i = 0; i < lists[at].count; i++) {
        free(lists[at].at[i].at);
    }
    figures.written = (double)made_bytes / ((double)PUTS * RECORD_SIZE);
    return figures;
}

int main(void)
{
    static const struct {
        const char *name;
        enum cc_cleaning_rule rule;
        bool is_bounded;
    } rules[] = {
        {"benefit (the server's)", CC_CLEANING_BENEFIT, true},
        {"benefit, without a budget", CC_CLEANING_BENEFIT, false},
        {"half of a segment is dead, without a budget", CC_CLEANING_FIXED, false},
        {"halving", CC_CLEANING_HALVING, true},
        {"halving, without a budget", CC_CLEANING_HALVING, false},
    };

    static const enum load loads[] = {LOAD_UNIFORM, LOAD_SKEWED, LOAD_APPEND};

    lives = take((KEYS + PUTS + 1) * sizeof *lives);
    newest = take((KEYS + PUTS + 1) * sizeof *newest);
    printf(
        "| rule | all keys alike | 80 %% of the puts to 20 %% of the keys | 90 %% of the puts to "
        "new keys |\n|---|---|---|---|\n");
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        printf("| %s |", rules[i].name);
        for (size_t j = 0; j < sizeof loads / sizeof loads[0]; j++) {
            struct figures figures = run(rules[i].rule, rules[i].is_bounded, loads[j]);

            printf(" %.2f; %.2f, %.2f |", figures.written, figures.resting, figures.taking);
        }
        printf("\n");
    }
    free(lives);
    free(newest);
    return 0;
}

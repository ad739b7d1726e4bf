/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_build -- see map_build.h.
 *
 *     COUNT     how many pairs there are of each part
 *     SPREAD    each pair to its part
 *     CLEAR     the slots
 *     FILL      each part sorted and its records stored
 */
#include "resource/map/map_build.h"

#include "base/assert.h"

#include <string.h>

#define STEP_WORK 16384 /* pairs that are looked at in one step */
#define PAIRS_MIN 16u
#define PAIRS_DOUBLE_MAX 4096u /* above, they grow by a quarter */
#define PART_USUAL 8192u       /* pairs of a part, if the hashes are even: what a cache holds */
#define PART_SMALL_MAX 16384u  /* pairs of a part that is sorted in one go */
#define PART_BITS_MAX 14u
#define INSERTION_MAX 16u /* pairs of a place: sorted by moving each past the larger ones */
#define HEAP_WORK 16      /* what it costs to move a pair through a heap, in pairs */
#define PREFETCH_PAIRS 4  /* the line of the cache behind the one that is written */
#define CLEAR_TIMES 16u   /* slots that are cleared in the time of one pair */

struct pair {
    uint64_t hash;
    struct cc_map_record *record;
};

/* A heap that is made of pairs, and then taken apart from its top. */
struct heap {
    uint64_t root; /* heaps below it are made */
    uint64_t size;
};

struct cc_map_build {
    copycat_memory *memory;
    struct pair *pairs;
    uint64_t count;
    uint64_t capacity;
    uint64_t digest;
    uint64_t at; /* what the stage has done */

    enum {
        GATHER,
        COUNT,
        SPREAD,
        CLEAR,
        FILL
    } stage;

    uint32_t part_bits;
    uint64_t *next; /* SPREAD: for each part, where the next pair goes that is not in its place */
    uint64_t *ends; /* of each part; its start is the end of the one before */
    struct cc_map_record **slots; /* CLEAR: of the table */

    uint64_t part;         /* FILL: the next that is not sorted */
    struct heap heap;      /* of that part if it is large; size 0: not begun */
    struct pair *sorted;   /* the part before ... */
    uint64_t sorted_count; /* ... of which so many ... */
    uint64_t stored;       /* ... and so many are in the table or were given back */
    uint64_t slot;         /* where the next would go */
    struct pair last;      /* the last in the table; record NULL: none */
    struct pair *spare;    /* as many as a part may have that is sorted in one go */
    uint32_t *starts;      /* likewise, and one more */
};

struct cc_map_build *cc_map_build_create(copycat_memory *memory)
{
    struct cc_map_build *build = copycat_memory_take(memory, sizeof *build);

    build->memory = memory;
    return build;
}

static uint64_t part_start(const struct cc_map_build *build, uint64_t part)
{
    return part == 0 ? 0 : build->ends[part - 1];
}

bool cc_map_build_drain(struct cc_map_build *build, uint64_t count)
{
    uint64_t first = build->stage == FILL ? part_start(build, build->part) : 0;

    for (; count > 0 && build->stored < build->sorted_count; count--) {
        copycat_memory_give(build->memory, build->sorted[build->stored++].record);
    }
    for (; count > 0 && build->count > first; count--) {
        copycat_memory_give(build->memory, build->pairs[--build->count].record);
    }
    return build->stored < build->sorted_count || build->count > first;
}

void cc_map_build_destroy(struct cc_map_build *build)
{
    if (build == NULL) {
        return;
    }
    (void)cc_map_build_drain(build, UINT64_MAX);
    copycat_memory_give(build->memory, build->pairs);
    copycat_memory_give(build->memory, build->next);
    copycat_memory_give(build->memory, build->ends);
    copycat_memory_give(build->memory, build->slots);
    copycat_memory_give(build->memory, build->spare);
    copycat_memory_give(build->memory, build->starts);
    copycat_memory_give(build->memory, build);
}

void cc_map_build_add(
    struct cc_map_build *build, copycat_bytes key, copycat_bytes value, uint64_t index)
{
    uint64_t hash = cc_map_key_hash(key);
    struct cc_map_record *record = cc_map_record_create(build->memory, hash, key, value, index);

    CC_ASSERT(build->stage == GATHER);
    if (build->count == build->capacity) {
        build->capacity +=
            build->capacity < PAIRS_DOUBLE_MAX ? build->capacity + PAIRS_MIN : build->capacity / 4;
        build->pairs =
            copycat_memory_grow(build->memory, build->pairs, build->capacity * sizeof(struct pair));
    }
    build->pairs[build->count++] = (struct pair){hash, record};
    build->digest += cc_map_record_digest(record); /* now, since its bytes are at hand */
}

/* ---- sorting ---------------------------------------------------------------------------------- */

static bool is_before(const struct pair *left, const struct pair *right)
{
    if (left->hash != right->hash) {
        return left->hash < right->hash;
    }

    int order = cc_map_record_compare(left->record, right->hash, cc_map_record_key(right->record));

    return order < 0 || (order == 0 && left->record->index < right->record->index); /* B3 */
}

static void sift_down(struct pair *pairs, uint64_t root, uint64_t size)
{
    struct pair moved = pairs[root];

    for (uint64_t child = 2 * root + 1; child < size; child = 2 * root + 1) {
        child += child + 1 < size && is_before(&pairs[child], &pairs[child + 1]);
        if (!is_before(&moved, &pairs[child])) {
            break;
        }
        pairs[root] = pairs[child];
        root = child;
    }
    pairs[root] = moved;
}

/* Until all is sorted, which it says, or the work is done.  A pair is moved log n times: B1. */
static bool sort_by_heap(struct pair *pairs, struct heap *heap, int64_t *work)
{
    for (; heap->root > 0 && *work > 0; *work -= HEAP_WORK) {
        sift_down(pairs, --heap->root, heap->size);
    }
    for (; heap->root == 0 && heap->size > 1 && *work > 0; *work -= HEAP_WORK) {
        struct pair top = pairs[0];

        pairs[0] = pairs[--heap->size];
        pairs[heap->size] = top;
        sift_down(pairs, 0, heap->size);
    }
    return heap->root == 0 && heap->size <= 1;
}

static struct heap heap_of(uint64_t count)
{
    return (struct heap){.root = count / 2, .size = count};
}

static void sort_by_insertion(struct pair *pairs, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        struct pair moved = pairs[i];
        uint64_t at = i;

        for (; at > 0 && is_before(&moved, &pairs[at - 1]); at--) {
            pairs[at] = pairs[at - 1];
        }
        pairs[at] = moved;
    }
}

/* Where in its part a pair comes, as far as the bits behind those of the part say. */
static uint64_t place_of(const struct cc_map_build *build, const struct pair *pair, uint32_t bits)
{
    return pair->hash << build->part_bits >> (64 - bits);
}

/* Where each place begins; false if the hashes are not even. */
static bool find_starts(
    struct cc_map_build *build, const struct pair *pairs, uint64_t count, uint32_t bits)
{
    uint32_t *starts = build->starts;
    uint32_t sum = 0;

    memset(starts, 0, sizeof *starts << bits);
    for (uint64_t i = 0; i < count; i++) {
        starts[place_of(build, &pairs[i], bits)]++;
    }
    for (uint64_t place = 0; place >> bits == 0; place++) {
        uint32_t here = starts[place];

        if (here > INSERTION_MAX) {
            return false;
        }
        starts[place] = sum;
        sum += here;
    }
    return true;
}

/* One or two to each place.  False, and nothing is done, where somebody has chosen the hashes. */
static bool sort_by_places(struct cc_map_build *build, const struct pair *pairs, uint64_t count)
{
    uint32_t bits = (uint32_t)(63 - __builtin_clzll(count));
    uint32_t sum = 0;

    if (!find_starts(build, pairs, count, bits)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        build->spare[build->starts[place_of(build, &pairs[i], bits)]++] = pairs[i];
    }
    for (uint64_t place = 0; place >> bits == 0; place++) {
        uint32_t end = build->starts[place]; /* what was its start has become that */

        sort_by_insertion(build->spare + sum, end - sum);
        sum = end;
    }
    return true;
}

/* ---- spreading -------------------------------------------------------------------------------- */

static uint64_t part_of(const struct cc_map_build *build, uint64_t hash)
{
    return hash >> 1 >> (63 - build->part_bits);
}

static void begin(struct cc_map_build *build)
{
    uint64_t most = build->count < PART_SMALL_MAX ? build->count : PART_SMALL_MAX;

    while (build->count >> build->part_bits > PART_USUAL && build->part_bits < PART_BITS_MAX) {
        build->part_bits++;
    }
    build->next = copycat_memory_take(build->memory, sizeof *build->next << build->part_bits);
    build->ends = copycat_memory_take(build->memory, sizeof *build->ends << build->part_bits);
    build->spare = copycat_memory_grow(build->memory, NULL, most * sizeof *build->spare);
    build->starts = copycat_memory_grow(build->memory, NULL, (most + 1) * sizeof *build->starts);
    build->stage = COUNT;
}

static void count_parts(struct cc_map_build *build, int64_t *work)
{
    uint64_t sum = 0;

    for (; *work > 0 && build->at < build->count; --*work) {
        build->ends[part_of(build, build->pairs[build->at++].hash)]++;
    }
    if (build->at < build->count) {
        return;
    }
    for (uint64_t part = 0; part < UINT64_C(1) << build->part_bits; part++) {
        build->next[part] = sum;
        sum += build->ends[part];
        build->ends[part] = sum;
    }
    CC_ASSERT(sum == build->count);
    build->at = 0;
    build->stage = SPREAD;
}

/* What stands in a part and does not belong there changes places with what stands where it belongs. */
static void spread(struct cc_map_build *build, int64_t *work)
{
    uint64_t *here = &build->next[build->at];

    for (; *work > 0; --*work) {
        while (*here == build->ends[build->at]) {
            if (++build->at == UINT64_C(1) << build->part_bits) {
                build->at = 0;
                build->stage = CLEAR;
                return;
            }
            here = &build->next[build->at];
        }

        struct pair pair = build->pairs[*here];
        uint64_t part = part_of(build, pair.hash);

        if (part != build->at) {
            build->pairs[*here] = build->pairs[build->next[part]];
            build->pairs[build->next[part]] = pair;
        }
        if (++build->next[part] + PREFETCH_PAIRS < build->count) {
            __builtin_prefetch(&build->pairs[build->next[part] + PREFETCH_PAIRS], 1);
        }
    }
}

/* ---- filling ---------------------------------------------------------------------------------- */

/* They are not cleared when they are asked for: many of them take longer than a step may. */
static void clear_slots(struct cc_map_build *build, struct cc_map_table *table, int64_t *work)
{
    uint64_t slots = cc_map_table_fill_slots(build->count);
    uint64_t left = slots - build->at;
    uint64_t size = (uint64_t)*work * CLEAR_TIMES;

    if (build->slots == NULL) {
        build->slots =
            copycat_memory_grow(build->memory, NULL, slots * sizeof(struct cc_map_record *));
    }
    size = size < left ? size : left;
    memset(build->slots + build->at, 0, size * sizeof(struct cc_map_record *));
    build->at += size;
    *work -= (int64_t)(size / CLEAR_TIMES);
    if (build->at == slots) {
        cc_map_table_fill_begin(table, build->slots, build->count);
        build->slots = NULL;
        build->stage = FILL;
    }
}

static void sorted(struct cc_map_build *build, struct pair *pairs, uint64_t count)
{
    build->sorted = pairs;
    build->sorted_count = count;
    build->stored = 0;
    build->part++;
}

/* False if there is more work to be done for it. */
static bool sort_next(struct cc_map_build *build, int64_t *work)
{
    uint64_t start = part_start(build, build->part);
    uint64_t count = build->ends[build->part] - start;

    if (build->heap.size == 0 && count > 1 && count <= PART_SMALL_MAX) {
        *work -= (int64_t)count;
        if (sort_by_places(build, build->pairs + start, count)) {
            sorted(build, build->spare, count);
            return true;
        }
    }
    if (build->heap.size == 0) {
        build->heap = heap_of(count);
    }
    if (!sort_by_heap(build->pairs + start, &build->heap, work)) {
        return false;
    }
    build->heap.size = 0;
    sorted(build, build->pairs + start, count);
    return true;
}

static void store(struct cc_map_build *build, struct cc_map_table *table)
{
    struct pair pair = build->sorted[build->stored++];

    if (build->last.record != NULL && build->last.hash == pair.hash &&
        cc_map_record_compare(build->last.record, pair.hash, cc_map_record_key(pair.record)) == 0) {
        build->digest -= cc_map_record_digest(pair.record); /* B3 */
        copycat_memory_give(build->memory, pair.record);
        return;
    }
    build->slot = cc_map_table_fill(table, pair.record, pair.hash, build->slot);
    build->last = pair;
}

/* False when all is in the table. */
static bool fill(struct cc_map_build *build, struct cc_map_table *table, int64_t *work)
{
    while (*work > 0) {
        if (build->stored < build->sorted_count) {
            store(build, table);
            --*work;
        } else if (build->part == UINT64_C(1) << build->part_bits) {
            cc_map_table_fill_end(table, build->digest);
            return false;
        } else if (!sort_next(build, work)) {
            return true;
        }
    }
    return true;
}

bool cc_map_build_step(struct cc_map_build *build, struct cc_map_table *table)
{
    int64_t work = STEP_WORK; /* B2 */

    if (build->count == 0) {
        return false;
    }
    if (build->stage == GATHER) {
        begin(build);
    }
    if (build->stage == COUNT) {
        count_parts(build, &work);
    }
    if (build->stage == SPREAD) {
        spread(build, &work);
    }
    if (build->stage == CLEAR && work > 0) {
        clear_slots(build, table, &work);
    }
    return build->stage != FILL || fill(build, table, &work);
}

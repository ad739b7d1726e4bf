/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_table -- see map_table.h.
 */
#include "resource/map/map_table.h"

#include "base/assert.h"

#include <string.h>

#define CAPACITY_MIN 16u
#define TAIL_MIN 16u
#define PREFETCH_SLOTS 8u
#define RUN_USUAL_MAX 16u /* slots that are looked at one after the other */

void cc_map_record_give(struct cc_map_table *table, struct cc_map_record *record)
{
    copycat_memory_give(table->memory, record);
}

/* ---- slots ----------------------------------------------------------------------------------- */

static uint64_t slot_count(const struct cc_map_table *table)
{
    return table->capacity + table->tail;
}

static uint64_t home_of(const struct cc_map_table *table, uint64_t hash)
{
    return hash >> (64 - __builtin_ctzll(table->capacity));
}

static bool is_below(
    const struct cc_map_table *table, uint64_t at, uint64_t hash, copycat_bytes key)
{
    return at < slot_count(table) && table->slots[at] != NULL &&
           cc_map_record_compare(table->slots[at], hash, key) < 0;
}

/*
 * The end of a long run, from slot `from` of it on.  Nobody keeps a client from choosing keys whose
 * hashes crowd, so there the steps double and then halve.  From the home on, what is below the key
 * comes first and without a gap: such a record's home is not behind the key's (M1, M2).
 */
static uint64_t locate_far(
    const struct cc_map_table *table, uint64_t from, uint64_t hash, copycat_bytes key)
{
    uint64_t to = from;

    for (uint64_t step = 1; is_below(table, to, hash, key); step *= 2) {
        from = to + 1;
        to = from + step;
    }
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;

        if (is_below(table, middle, hash, key)) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Where the key stands, or the slot where it would have to: never before its home. */
static uint64_t locate(
    const struct cc_map_table *table, uint64_t hash, copycat_bytes key, bool *is_there_out)
{
    uint64_t at = home_of(table, hash);
    uint64_t far = at + RUN_USUAL_MAX;
    int order = 1;

    while (at < slot_count(table) && table->slots[at] != NULL &&
           (order = cc_map_record_compare(table->slots[at], hash, key)) < 0) {
        if (++at == far) {
            at = locate_far(table, at, hash, key);
        }
    }
    *is_there_out = at < slot_count(table) && table->slots[at] != NULL && order == 0;
    return at;
}

static void grow_tail(struct cc_map_table *table)
{
    uint64_t before = slot_count(table);

    table->tail *= 2;
    table->slots = copycat_memory_grow(
        table->memory, table->slots, slot_count(table) * sizeof(struct cc_map_record *));
    memset(table->slots + before, 0, (slot_count(table) - before) * sizeof(struct cc_map_record *));
}

/* Makes room at `at` by moving the rest of the run one on. */
static void open_slot(struct cc_map_table *table, uint64_t at)
{
    uint64_t end = at;

    while (end < slot_count(table) && table->slots[end] != NULL) {
        end++;
    }
    if (end == slot_count(table)) {
        grow_tail(table);
    }
    memmove(table->slots + at + 1, table->slots + at, (end - at) * sizeof(struct cc_map_record *));
    table->slots[at] = NULL;
}

/* Fills the hole with the rest of the run, as far as that may move towards its homes. */
static void close_slot(struct cc_map_table *table, uint64_t at)
{
    uint64_t end = at + 1;

    while (end < slot_count(table) && table->slots[end] != NULL &&
           home_of(table, table->slots[end]->hash) < end) {
        end++;
    }
    memmove(
        table->slots + at, table->slots + at + 1, (end - at - 1) * sizeof(struct cc_map_record *));
    table->slots[end - 1] = NULL;
}

/* Records come in their order: one goes to its home, or to `next` behind the one before.  Returns what is
 * behind it. */
static uint64_t place_behind(
    struct cc_map_table *table, struct cc_map_record *record, uint64_t hash, uint64_t next)
{
    uint64_t home = home_of(table, hash);

    next = home > next ? home : next;
    if (next == slot_count(table)) {
        grow_tail(table);
    }
    table->slots[next] = record;
    return next + 1;
}

/* The order stays, so one sweep does it. */
static void resize(struct cc_map_table *table, uint64_t capacity)
{
    struct cc_map_table old = *table;
    uint64_t next = 0;

    table->capacity = capacity;
    table->tail = TAIL_MIN;
    table->slots =
        copycat_memory_take(table->memory, slot_count(table) * sizeof(struct cc_map_record *));
    for (uint64_t i = 0; i < slot_count(&old); i++) {
        if (old.slots[i] != NULL) {
            next = place_behind(table, old.slots[i], old.slots[i]->hash, next);
        }
    }
    copycat_memory_give(old.memory, old.slots);
}

/* ---- what the machine sees ------------------------------------------------------------------- */

void cc_map_table_init(struct cc_map_table *table, copycat_memory *memory)
{
    *table = (struct cc_map_table){.memory = memory};
}

bool cc_map_table_drain(struct cc_map_table *table, uint64_t *slot, uint64_t count)
{
    uint64_t end = slot_count(table);
    uint64_t until = count < end - *slot ? *slot + count : end;

    for (; *slot < until; ++*slot) {
        if (*slot + PREFETCH_SLOTS < end) { /* records lie anywhere */
            __builtin_prefetch(table->slots[*slot + PREFETCH_SLOTS], 1);
        }
        if (table->slots[*slot] != NULL) {
            cc_map_record_give(table, table->slots[*slot]);
            table->slots[*slot] = NULL;
        }
    }
    return *slot < end;
}

void cc_map_table_clear(struct cc_map_table *table)
{
    uint64_t slot = 0;

    (void)cc_map_table_drain(table, &slot, UINT64_MAX);
    copycat_memory_give(table->memory, table->slots);
    cc_map_table_init(table, table->memory);
}

struct cc_map_place cc_map_table_place(const struct cc_map_table *table, copycat_bytes key)
{
    struct cc_map_place place = {.hash = cc_map_key_hash(key)};

    if (table->capacity > 0) {
        place.at = locate(table, place.hash, key, &place.is_there);
    }
    return place;
}

const struct cc_map_record *cc_map_table_at(
    const struct cc_map_table *table, const struct cc_map_place *place)
{
    return place->is_there ? table->slots[place->at] : NULL;
}

const struct cc_map_record *cc_map_table_find(const struct cc_map_table *table, copycat_bytes key)
{
    struct cc_map_place place = cc_map_table_place(table, key);

    return cc_map_table_at(table, &place);
}

static void insert(
    struct cc_map_table *table,
    const struct cc_map_place *place,
    copycat_bytes key,
    copycat_bytes value,
    uint64_t index)
{
    struct cc_map_record *record =
        cc_map_record_create(table->memory, place->hash, key, value, index);
    uint64_t at = place->at;

    if (table->count >= table->capacity / 4 * 3) {
        bool is_there;

        resize(table, table->capacity == 0 ? CAPACITY_MIN : table->capacity * 2);
        at = locate(table, place->hash, key, &is_there);
        CC_ASSERT(!is_there);
    }
    open_slot(table, at);
    table->slots[at] = record;
    table->count++;
    table->digest += cc_map_record_digest(record);
}

/* A value that is as large as the one before takes its place; else the record is made anew. */
uint64_t cc_map_table_put(
    struct cc_map_table *table,
    const struct cc_map_place *place,
    copycat_bytes key,
    copycat_bytes value,
    uint64_t index)
{
    if (!place->is_there) {
        insert(table, place, key, value, index);
        return 0;
    }

    struct cc_map_record *record = table->slots[place->at];
    uint64_t before = record->index;

    table->digest -= cc_map_record_digest(record);
    if (record->value_size == value.size) {
        cc_map_record_fill(record, value, index);
    } else {
        cc_map_record_give(table, record);
        record = cc_map_record_create(table->memory, place->hash, key, value, index);
        table->slots[place->at] = record;
    }
    table->digest += cc_map_record_digest(record);
    return before;
}

struct cc_map_record *cc_map_table_remove(struct cc_map_table *table, copycat_bytes key)
{
    bool is_there;

    if (table->count == 0) {
        return NULL;
    }

    uint64_t at = locate(table, cc_map_key_hash(key), key, &is_there);

    if (!is_there) {
        return NULL;
    }

    struct cc_map_record *record = table->slots[at];

    table->digest -= cc_map_record_digest(record);
    table->count--;
    close_slot(table, at);
    if (table->capacity > CAPACITY_MIN && table->count < table->capacity / 8) {
        resize(table, table->capacity / 2);
    }
    return record;
}

/* ---- filling --------------------------------------------------------------------------------- */

/* The same that putting so many records one by one would lead to. */
static uint64_t capacity_for(uint64_t count)
{
    uint64_t capacity = CAPACITY_MIN;

    while (count > capacity / 4 * 3) {
        capacity *= 2;
    }
    return capacity;
}

uint64_t cc_map_table_fill_slots(uint64_t count)
{
    return capacity_for(count) + TAIL_MIN;
}

void cc_map_table_fill_begin(
    struct cc_map_table *table, struct cc_map_record **slots_take, uint64_t count)
{
    CC_ASSERT(table->slots == NULL && table->count == 0);
    table->slots = slots_take;
    table->capacity = capacity_for(count);
    table->tail = TAIL_MIN;
}

uint64_t cc_map_table_fill(
    struct cc_map_table *table, struct cc_map_record *record, uint64_t hash, uint64_t next)
{
    table->count++;
    return place_behind(table, record, hash, next);
}

/* Fewer may have come than there are slots for. */
void cc_map_table_fill_end(struct cc_map_table *table, uint64_t digest)
{
    uint64_t capacity = capacity_for(table->count);

    table->digest = digest;
    if (capacity < table->capacity) {
        resize(table, capacity);
    }
}

/* ---- walking --------------------------------------------------------------------------------- */

uint64_t cc_map_table_seek(const struct cc_map_table *table, copycat_bytes key)
{
    bool is_there;

    if (table->count == 0 || key.data == NULL) {
        return 0;
    }

    uint64_t at = locate(table, cc_map_key_hash(key), key, &is_there);

    return is_there ? at + 1 : at;
}

const struct cc_map_record *cc_map_table_next(const struct cc_map_table *table, uint64_t *position)
{
    while (*position < slot_count(table)) {
        const struct cc_map_record *record = table->slots[(*position)++];

        if (record != NULL) {
            return record;
        }
    }
    return NULL;
}

void cc_map_table_verify(const struct cc_map_table *table)
{
    const struct cc_map_record *before = NULL;
    uint64_t count = 0;
    uint64_t digest = 0;

    for (uint64_t i = 0; i < slot_count(table); i++) {
        const struct cc_map_record *record = table->slots[i];

        if (record == NULL) {
            continue;
        }

        uint64_t home = home_of(table, record->hash);

        CC_ASSERT(home <= i);                                /* M2 */
        CC_ASSERT(home == i || table->slots[i - 1] != NULL); /* M2 */
        CC_ASSERT(
            before == NULL ||
            cc_map_record_compare(before, record->hash, cc_map_record_key(record)) < 0); /* M1 */
        before = record;
        count++;
        digest += cc_map_record_digest(record);
    }
    CC_ASSERT(count == table->count);
    CC_ASSERT(digest == table->digest); /* M3 */
}

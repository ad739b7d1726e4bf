/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_table -- the records of one map: a hash table whose order is that of (hash, key).
 *
 * Where it sits:   under map_machine.
 * Replicated:      yes, order included: a page of keys must be the same on every member, so the
 *                  order depends neither on the capacity nor on what was here before.
 * Memory:          a block for each record, and slots of 8 bytes, between an eighth and three
 *                  quarters of them used.
 *
 * Linear probing with home = the top bits of the hash, each run kept ascending, no wrapping round:
 * the last run goes on into a tail behind the capacity, which grows on its own where hashes crowd
 * there.  The hash has no secret, since the order that it makes can be seen (a page of keys) and is
 * the same on every member; so somebody can crowd one run on purpose.  A key is then found by
 * halving, and only slots of 8 bytes are moved for it.
 *
 * Invariants
 *   M1  records ascend by (hash, key) from the first slot to the last
 *   M2  no record stands before its home, and no free slot between its home and it
 *   M3  digest is the sum over the records
 *
 * A table may be filled at once, with records that come in its order (map_build.h).
 */
#ifndef CC_RESOURCE_MAP_TABLE_H
#define CC_RESOURCE_MAP_TABLE_H

#include "resource/map/map_record.h"

#include <stdbool.h>

struct cc_map_table {
    copycat_memory *memory;
    struct cc_map_record **slots;
    uint64_t capacity; /* power of two, or 0 */
    uint64_t tail;     /* slots behind it */
    uint64_t count;
    uint64_t digest;
};

/* Partner: cc_map_table_clear, after which it is as after init. */
void cc_map_table_init(struct cc_map_table *table, copycat_memory *memory);
void cc_map_table_clear(struct cc_map_table *table);

/* Part of clearing it: gives back the records of the next `count` slots from `*slot` on, which begins
 * with 0.  False: those were the last.  Then, or sooner, cc_map_table_clear and nothing else. */
bool cc_map_table_drain(struct cc_map_table *table, uint64_t *slot, uint64_t count);

/* NULL if the key is not there. */
const struct cc_map_record *cc_map_table_find(const struct cc_map_table *table, copycat_bytes key);

/* Where a key stands, or would have to; until the table changes. */
struct cc_map_place {
    uint64_t hash;
    uint64_t at;
    bool is_there;
};

struct cc_map_place cc_map_table_place(const struct cc_map_table *table, copycat_bytes key);

/* The record at the key's place; NULL if the key is not there. */
const struct cc_map_record *cc_map_table_at(
    const struct cc_map_table *table, const struct cc_map_place *place);

/* Stores at the key's place and gives the index of the commit that is replaced; 0: none is. */
uint64_t cc_map_table_put(
    struct cc_map_table *table,
    const struct cc_map_place *place,
    copycat_bytes key,
    copycat_bytes value,
    uint64_t index);

/* Takes the record out and gives it, or NULL. */
struct cc_map_record *cc_map_table_remove(struct cc_map_table *table, copycat_bytes key);

void cc_map_record_give(struct cc_map_table *table, struct cc_map_record *record);

/*
 * Filling an empty table at once: `begin` with as many slots as `slots` says for so many records, all
 * NULL; then each record, in the order of the table and with its hash, `next` being 0 at first and then
 * what the call before has returned; `end` with the digest.
 */
uint64_t cc_map_table_fill_slots(uint64_t count);
void cc_map_table_fill_begin(
    struct cc_map_table *table, struct cc_map_record **slots_take, uint64_t count);
uint64_t cc_map_table_fill(
    struct cc_map_table *table, struct cc_map_record *record, uint64_t hash, uint64_t next);
void cc_map_table_fill_end(struct cc_map_table *table, uint64_t digest);

/* Begins a walk at the first record after `key`, be it there or not; data NULL: at the first. */
uint64_t cc_map_table_seek(const struct cc_map_table *table, copycat_bytes key);

/* The record at `*position` or the next after it, and steps past it; NULL at the end. */
const struct cc_map_record *cc_map_table_next(const struct cc_map_table *table, uint64_t *position);

/* Checks M1 to M3 over the whole table. */
void cc_map_table_verify(const struct cc_map_table *table);

#endif /* CC_RESOURCE_MAP_TABLE_H */

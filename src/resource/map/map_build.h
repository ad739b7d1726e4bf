/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_build -- the table of a map whose records come all at once, out of an image: first the records,
 * in the order of their commits, then the slots, in the order of the table.  So nothing is looked up,
 * made larger or moved on the way, which would be a miss of the cache each time.
 *
 * Where it sits:   between map_machine and map_table while an image is restored.
 * Replicated:      what comes of it is the table that putting the records one by one would make.
 * Memory:          16 to 20 bytes for each record until the table is there, and below 1 MiB.
 *
 *     add, for each record -> step, until it says that nothing is left -> the table has them
 *
 * A pair is the hash of a key and its record.  Pairs are spread by the first bits of the hash, where
 * they stand, into parts small enough for the cache.  Part after part is then sorted and its records
 * stored.  Records themselves are only looked at where hashes are equal.  Somebody can choose keys
 * whose hashes crowd or are equal, so a part may be of any size and needs no luck to be sorted.
 *
 * Invariants
 *   B1  a pair is moved some log n times at most, whatever the hashes
 *   B2  a step takes about as long as handling some thousand pairs
 *   B3  of equal keys the record with the lowest index stays, as it would if they came one by one
 */
#ifndef CC_RESOURCE_MAP_BUILD_H
#define CC_RESOURCE_MAP_BUILD_H

#include "resource/map/map_table.h"

struct cc_map_build;

/* Partner: cc_map_build_destroy, which accepts NULL and gives back the records that no table has. */
struct cc_map_build *cc_map_build_create(copycat_memory *memory);
void cc_map_build_destroy(struct cc_map_build *build);

/* Part of destroying it, after which nothing else may be called: gives back up to so many of these
 * records.  False: there is none left. */
bool cc_map_build_drain(struct cc_map_build *build, uint64_t count);

/* Before the first step. */
void cc_map_build_add(
    struct cc_map_build *build, copycat_bytes key, copycat_bytes value, uint64_t index);

/* Goes on with filling the table, a new one, for which nothing else is called meanwhile.  False: it is
 * done. */
bool cc_map_build_step(struct cc_map_build *build, struct cc_map_table *table);

#endif /* CC_RESOURCE_MAP_BUILD_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_record -- what a map keeps of one key: a block with the key, the value and the index of the commit
 * that stored it.
 *
 * Where it sits:   under map_table and map_build.
 * Replicated:      yes, and so are the order of records and what each adds to the digest.
 */
#ifndef CC_RESOURCE_MAP_RECORD_H
#define CC_RESOURCE_MAP_RECORD_H

#include <copycat/machine.h>

/* The bytes are the key, a 1, and the value: so key and result are views and nothing is copied. */
struct cc_map_record {
    uint64_t hash;
    uint64_t index; /* of the commit that made it */
    uint32_t key_size;
    uint32_t value_size;
    uint8_t bytes[];
};

uint64_t cc_map_key_hash(copycat_bytes key);

/* `hash` is that of the key.  Partner: copycat_memory_give. */
struct cc_map_record *cc_map_record_create(
    copycat_memory *memory, uint64_t hash, copycat_bytes key, copycat_bytes value, uint64_t index);

/* The value has the size that the record was made for. */
void cc_map_record_fill(struct cc_map_record *record, copycat_bytes value, uint64_t index);

copycat_bytes cc_map_record_key(const struct cc_map_record *record);
copycat_bytes cc_map_record_value(const struct cc_map_record *record);

/* The value as a result: the byte 1, then the value. */
copycat_bytes cc_map_record_result(const struct cc_map_record *record);

/* The order of a map: below 0, 0 or above, as the record stands before, at or after the key. */
int cc_map_record_compare(const struct cc_map_record *record, uint64_t hash, copycat_bytes key);

/* What it adds to the digest of its map. */
uint64_t cc_map_record_digest(const struct cc_map_record *record);

#endif /* CC_RESOURCE_MAP_RECORD_H */

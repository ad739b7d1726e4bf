/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_record -- see map_record.h.
 */
#include "resource/map/map_record.h"

#include "base/assert.h"
#include "base/bug.h"
#include "base/hash.h"

#include <string.h>

uint64_t cc_map_key_hash(copycat_bytes key)
{
    return cc_hash_bytes(key.data, key.size, 0);
}

copycat_bytes cc_map_record_key(const struct cc_map_record *record)
{
    return (copycat_bytes){record->bytes, record->key_size};
}

copycat_bytes cc_map_record_value(const struct cc_map_record *record)
{
    return (copycat_bytes){record->bytes + record->key_size + 1, record->value_size};
}

copycat_bytes cc_map_record_result(const struct cc_map_record *record)
{
    return (copycat_bytes){record->bytes + record->key_size, (size_t)record->value_size + 1};
}

void cc_map_record_fill(struct cc_map_record *record, copycat_bytes value, uint64_t index)
{
    CC_ASSERT(record->value_size == value.size);
    record->index = index;
    if (value.size > 0) {
        memcpy(record->bytes + record->key_size + 1, value.data, value.size);
    }
}

struct cc_map_record *cc_map_record_create(
    copycat_memory *memory, uint64_t hash, copycat_bytes key, copycat_bytes value, uint64_t index)
{
    struct cc_map_record *record =
        copycat_memory_grow(memory, NULL, sizeof *record + key.size + 1 + value.size);

    record->hash = hash;
    record->key_size = (uint32_t)key.size;
    record->value_size = (uint32_t)value.size;
    memcpy(record->bytes, key.data, key.size);
    record->bytes[key.size] = 1;
    cc_map_record_fill(record, value, index);
    return record;
}

int cc_map_record_compare(const struct cc_map_record *record, uint64_t hash, copycat_bytes key)
{
    if (record->hash != hash) {
        return record->hash < hash ? -1 : 1;
    }

    size_t shared = record->key_size < key.size ? record->key_size : key.size;
    int order = memcmp(record->bytes, key.data, shared);

    if (order != 0) {
        return order;
    }
    return record->key_size == key.size ? 0 : record->key_size < key.size ? -1 : 1;
}

/* Not stored in the record: hashing the value once more costs less than 8 bytes a key. */
uint64_t cc_map_record_digest(const struct cc_map_record *record)
{
    copycat_bytes value = cc_map_record_value(record);

    if (CC_BUG(T026)) {
        return cc_hash_words((uintptr_t)record, record->hash);
    }
    return cc_hash_words(record->index, cc_hash_bytes(value.data, value.size, record->hash));
}

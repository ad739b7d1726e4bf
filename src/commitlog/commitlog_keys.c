/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_keys -- which entries have a later one of their key.
 *
 * Keys are gone through from the latest on, so whoever comes second is to be cleaned.  The table has
 * a hash and an index for each key; what has the same hash is read and compared.
 */
#include "base/hash.h"
#include "commitlog/commitlog_internal.h"

#include <string.h>

#define SLOTS_MIN 1024u

struct slot {
    uint64_t hash;
    uint64_t index; /* 0: free */
};

struct keys {
    struct cc_commitlog *log;
    struct slot *slots;
    uint8_t *key; /* the one at hand, while another is read */
    size_t key_capacity;
    size_t capacity; /* a power of two */
    size_t count;
};

static struct slot *place_of(struct slot *slots, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);

    while (slots[at].index != 0) {
        at = (at + 1) & (capacity - 1);
    }
    return &slots[at];
}

/* Half of it stays free; false: no memory. */
static bool grow(struct keys *keys)
{
    size_t capacity = keys->capacity == 0 ? SLOTS_MIN : keys->capacity * 2;
    struct slot *slots;

    if (keys->count * 2 < keys->capacity) {
        return true;
    }
    slots = cc_memory_try(keys->log->memory, capacity * sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < keys->capacity; i++) {
        if (keys->slots[i].index != 0) {
            *place_of(slots, capacity, keys->slots[i].hash) = keys->slots[i];
        }
    }
    cc_memory_give(keys->log->memory, keys->slots);
    keys->slots = slots;
    keys->capacity = capacity;
    return true;
}

/* What an entry points to lasts until the next one is read. */
static copycat_status keep_key(struct keys *keys, copycat_bytes key)
{
    if (key.size > keys->key_capacity) {
        uint8_t *grown = keys->log->memory->resize(keys->log->memory->context, keys->key, key.size);

        if (grown == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        keys->key = grown;
        keys->key_capacity = key.size;
    }
    memcpy(keys->key, key.data, key.size);
    return COPYCAT_OK;
}

/* Is the key among those that were seen?  If not it is from now on. */
static copycat_status see(struct keys *keys, const copycat_log_entry *entry, bool *is_seen_out)
{
    uint64_t hash = cc_hash_bytes(entry->key.data, entry->key.size, 0);
    size_t key_size = entry->key.size;
    size_t at = (size_t)hash & (keys->capacity - 1);
    copycat_status status = keep_key(keys, entry->key);
    copycat_log_entry other;

    *is_seen_out = false;
    for (; status == COPYCAT_OK && keys->slots[at].index != 0;
         at = (at + 1) & (keys->capacity - 1)) {
        if (keys->slots[at].hash != hash) {
            continue;
        }
        status = cc_commitlog_read(keys->log, keys->slots[at].index, &other);
        if (status == COPYCAT_OK && other.key.size == key_size &&
            memcmp(other.key.data, keys->key, key_size) == 0) {
            *is_seen_out = true;
            return COPYCAT_OK;
        }
    }
    if (status == COPYCAT_OK) {
        keys->slots[at] = (struct slot){hash, entry->index};
        keys->count++;
    }
    return status;
}

static copycat_status go_through(
    struct keys *keys,
    const struct cc_commitlog_segment *segment,
    uint64_t through,
    uint64_t *cleaned)
{
    struct cc_commitlog *log = keys->log;
    copycat_status status = COPYCAT_OK;
    copycat_log_entry entry;
    bool is_seen = false;

    for (uint32_t slot = segment->count; slot > 0 && status == COPYCAT_OK; slot--) {
        uint64_t index = cc_commitlog_segment_index(segment, slot - 1);

        if (cc_commitlog_bit(segment->cleaned, slot - 1) || index < log->floor || index > through) {
            continue;
        }
        status = cc_commitlog_read(log, index, &entry);
        if (status != COPYCAT_OK || entry.key.size == 0) {
            continue;
        }
        status = grow(keys) ? see(keys, &entry, &is_seen) : COPYCAT_ERR_MEMORY;
        if (status == COPYCAT_OK && is_seen) {
            status = cc_commitlog_clean(log, index);
            *cleaned += status == COPYCAT_OK;
        }
    }
    return status;
}

copycat_status cc_commitlog_clean_keys_to(
    struct cc_commitlog *log, uint64_t index, uint64_t *cleaned_out)
{
    struct keys keys = {.log = log};
    copycat_status status = log->failed;
    uint64_t cleaned = 0;

    if (status == COPYCAT_OK && index > log->last) {
        status = COPYCAT_ERR_INVALID;
    }

    /* Cleaning may begin a new segment at the end; those before it keep their numbers. */
    for (uint32_t i = log->segment_count; i > 0 && status == COPYCAT_OK; i--) {
        status = go_through(&keys, log->segments[i - 1], index, &cleaned);
    }
    cc_memory_give(log->memory, keys.slots);
    cc_memory_give(log->memory, keys.key);
    if (cleaned_out != NULL) {
        *cleaned_out = cleaned;
    }
    return status;
}

copycat_status cc_commitlog_clean_keys(struct cc_commitlog *log, uint64_t *cleaned_out)
{
    return cc_commitlog_clean_keys_to(log, log->last, cleaned_out);
}

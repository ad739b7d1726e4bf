/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_instance -- the resources that exist, and the memory of their machines.
 */
#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/hash.h"

#define CAPACITY_MIN 8u

void *copycat_memory_take(copycat_memory *memory, size_t size)
{
    return cc_memory_take(memory->memory, size);
}

void *copycat_memory_grow(copycat_memory *memory, void *block, size_t size)
{
    return cc_memory_grow(memory->memory, block, size);
}

void copycat_memory_give(copycat_memory *memory, void *block)
{
    cc_memory_give(memory->memory, block);
}

static uint64_t digest_of(const struct cc_instance *instance)
{
    return cc_hash_words(
        cc_hash_words(instance->id, instance->type->id), instance->type->digest(instance->machine));
}

void cc_instance_create(struct cc_apply *apply, uint64_t id, const copycat_machine_type *type)
{
    struct cc_instances *instances = &apply->instances;
    struct cc_instance *instance = cc_memory_take(apply->memory, sizeof *instance);

    CC_ASSERT(instances->count == 0 || instances->at[instances->count - 1]->id < id);
    if (instances->count == instances->capacity) {
        instances->capacity = instances->capacity == 0 ? CAPACITY_MIN : instances->capacity * 2;
        instances->at = cc_memory_grow(
            apply->memory, instances->at, instances->capacity * sizeof(struct cc_instance *));
    }
    *instance = (struct cc_instance){.id = id, .type = type, .position = instances->count};
    instance->machine = type->create(&apply->machine_memory);
    CC_ASSERT(instance->machine != NULL);
    instances->at[instances->count++] = instance;
    cc_instance_settle(apply, instance);
}

void cc_instances_destroy(struct cc_apply *apply)
{
    for (uint32_t i = 0; i < apply->instances.count; i++) {
        struct cc_instance *instance = apply->instances.at[i];

        instance->type->destroy(instance->machine);
        cc_memory_give(apply->memory, instance);
    }
    cc_memory_give(apply->memory, apply->instances.at);
    apply->instances = (struct cc_instances){0};
}

struct cc_instance *cc_instance_find(const struct cc_apply *apply, uint64_t id)
{
    uint32_t low = 0;
    uint32_t high = apply->instances.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (apply->instances.at[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < apply->instances.count && apply->instances.at[low]->id == id
               ? apply->instances.at[low]
               : NULL;
}

bool cc_instance_has_blob(const struct cc_instance *instance)
{
    return instance->type->restore_commit == NULL;
}

void cc_instance_settle(struct cc_apply *apply, struct cc_instance *instance)
{
    uint64_t digest = digest_of(instance);

    apply->instances.digest += digest - instance->digest;
    instance->digest = digest;
}

const copycat_machine_type *cc_apply_type(const struct cc_apply *apply, uint32_t type)
{
    for (uint32_t i = 0; apply->types[i] != NULL; i++) {
        if (apply->types[i]->id == type) {
            return apply->types[i];
        }
    }
    return NULL;
}

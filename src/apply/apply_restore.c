/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_restore -- the check that makes forgetting trustworthy: what is kept gives the same state.
 *
 * A machine that released a commit which still matters would go unnoticed until the day it is built
 * again from what is left.  So that is done here, beside the living machines, and compared.
 */
#include "apply/apply_internal.h"
#include "base/assert.h"

/* Where blob_step writes to: one piece at a time. */
#define PIECE_SIZE_MAX (256u << 10)

struct copycat_blob_writer {
    struct cc_writer piece;
};

bool copycat_blob_write(copycat_blob_writer *writer, copycat_bytes bytes)
{
    if (bytes.size > PIECE_SIZE_MAX - writer->piece.size) {
        return false;
    }
    cc_write_raw(&writer->piece, bytes.data, bytes.size);
    CC_ASSERT(!writer->piece.failed); /* T-025 */
    return true;
}

/* The machines built again, in the order of the instances. */
struct rebuilding {
    struct cc_apply *apply;
    void **machines;
};

static bool is_rebuilt_from_commits(const struct cc_instance *instance)
{
    return instance->type->restore_commit != NULL;
}

static void begin(struct rebuilding *rebuilding, struct cc_apply *apply)
{
    uint32_t count = apply->instances.count;

    rebuilding->apply = apply;
    rebuilding->machines = cc_memory_take(apply->memory, (count + 1) * sizeof(void *));
    for (uint32_t i = 0; i < count; i++) {
        rebuilding->machines[i] = apply->instances.at[i]->type->create(&apply->machine_memory);
    }
}

static void end(struct rebuilding *rebuilding)
{
    const struct cc_instances *instances = &rebuilding->apply->instances;

    for (uint32_t i = 0; i < instances->count; i++) {
        instances->at[i]->type->destroy(rebuilding->machines[i]);
    }
    cc_memory_give(rebuilding->apply->memory, rebuilding->machines);
}

/* False if an unreleased entry belongs to nobody: then it could never be released. */
static bool restore_entry(
    struct rebuilding *rebuilding, const struct cc_entry *entry, uint64_t time_us)
{
    struct cc_command command;

    if (entry->kind != CC_ENTRY_COMMAND || !cc_command_decode(entry->payload, &command)) {
        return false;
    }

    const struct cc_instance *instance = cc_instance_find(rebuilding->apply, command.instance);

    if (instance == NULL) {
        return false;
    }
    if (is_rebuilt_from_commits(instance)) {
        instance->type->restore_commit(
            rebuilding->machines[instance->position], &(copycat_commit){
                                                          .index = entry->index,
                                                          .time_us = time_us,
                                                          .session = command.session,
                                                          .operation = command.operation});
    }
    return true;
}

static bool restore_commits(
    struct rebuilding *rebuilding,
    bool (*entry_at)(void *owner, uint64_t index, struct cc_entry *entry_out),
    void *owner)
{
    const struct cc_apply *apply = rebuilding->apply;
    uint64_t time_us = 0;

    for (uint64_t index = 1; index <= apply->index; index++) {
        struct cc_entry entry;

        if (!entry_at(owner, index, &entry)) {
            return false;
        }
        time_us = cc_apply_advance_us(time_us, entry.time_us);
        if (!cc_release_has(&apply->release, index) &&
            !restore_entry(rebuilding, &entry, time_us)) {
            return false;
        }
    }
    return true;
}

static bool restore_blob(
    const struct cc_memory *memory, const struct cc_instance *instance, void *machine)
{
    struct copycat_blob_writer writer;
    bool is_more = true;
    bool is_whole = true;

    cc_writer_init(&writer.piece, memory, PIECE_SIZE_MAX);
    instance->type->blob_freeze(instance->machine);
    while (is_more && is_whole) {
        cc_writer_clear(&writer.piece);
        is_more = instance->type->blob_step(instance->machine, &writer);
        CC_ASSERT(!is_more || writer.piece.size > 0); /* or it would never end */
        is_whole =
            instance->type->blob_restore(
                machine, (copycat_bytes){writer.piece.data, writer.piece.size}) == COPYCAT_OK;
    }
    instance->type->blob_done(instance->machine);
    cc_writer_deinit(&writer.piece);
    return is_whole;
}

static bool compare(const struct rebuilding *rebuilding)
{
    const struct cc_instances *instances = &rebuilding->apply->instances;

    for (uint32_t i = 0; i < instances->count; i++) {
        const struct cc_instance *instance = instances->at[i];

        if (!is_rebuilt_from_commits(instance) &&
            !restore_blob(rebuilding->apply->memory, instance, rebuilding->machines[i])) {
            return false;
        }
        if (instance->type->digest(rebuilding->machines[i]) !=
            instance->type->digest(instance->machine)) {
            return false;
        }
    }
    return true;
}

bool cc_apply_restore_check(
    struct cc_apply *apply,
    bool (*entry_at)(void *owner, uint64_t index, struct cc_entry *entry_out),
    void *owner)
{
    struct rebuilding rebuilding;

    begin(&rebuilding, apply);

    bool is_equal = restore_commits(&rebuilding, entry_at, owner) && compare(&rebuilding);

    end(&rebuilding);
    return is_equal;
}

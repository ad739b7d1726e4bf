/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply -- see apply.h: the way of one entry, and what others may ask.
 */
#include "apply/apply.h"

#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/bug.h"
#include "base/hash.h"

#include <string.h>

#define SESSIONS_MAX_DEFAULT 100000u

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value == 0 ? fallback : value;
}

/* Exactly one way to be rebuilt: from live commits, or from a blob. */
static void check_type(const copycat_machine_type *type)
{
    bool has_blob = type->blob_freeze != NULL && type->blob_step != NULL &&
                    type->blob_done != NULL && type->blob_restore != NULL;

    CC_ASSERT(type->create != NULL && type->destroy != NULL);
    CC_ASSERT(type->apply != NULL && type->query != NULL && type->digest != NULL);
    CC_ASSERT(has_blob != (type->restore_commit != NULL));
    CC_ASSERT(type->restore_step == NULL || type->restore_commit != NULL);
}

struct cc_apply *cc_apply_create(const struct cc_apply_options *options)
{
    struct cc_apply *apply = cc_memory_take(options->memory, sizeof *apply);

    apply->memory = options->memory;
    apply->machine_memory.memory = options->memory;
    apply->types = options->types;
    apply->catalog = options->catalog;
    apply->sessions_max = or_default(options->sessions_max, SESSIONS_MAX_DEFAULT);
    apply->limits.answers_max = or_default(options->answers_max, CC_SESSION_ANSWERS_MAX);
    apply->limits.bytes_max = or_default(options->answer_bytes_max, CC_SESSION_ANSWER_BYTES_MAX);
    cc_session_table_init(&apply->sessions, apply->memory);
    cc_timers_init(&apply->timers, apply->memory);
    cc_live_init(&apply->live, apply->memory);
    cc_writer_init(&apply->result, apply->memory, CC_RESULT_SIZE_MAX);
    for (uint32_t i = 0; apply->types[i] != NULL; i++) {
        check_type(apply->types[i]);
        CC_ASSERT(cc_apply_type(apply, apply->types[i]->id) == apply->types[i]);
    }
    if (apply->catalog != NULL) {
        check_type(apply->catalog);
        cc_instance_create(apply, 0, apply->catalog);
    }
    return apply;
}

void cc_apply_destroy(struct cc_apply *apply)
{
    if (apply == NULL) {
        return;
    }
    cc_apply_image_end(apply);
    cc_instances_destroy(apply);
    cc_session_table_deinit(&apply->sessions);
    cc_timers_deinit(&apply->timers);
    cc_live_deinit(&apply->live);
    cc_writer_deinit(&apply->result);
    cc_memory_give(apply->memory, apply);
}

bool cc_apply_destroy_step(struct cc_apply *apply)
{
    while (apply->destroy_position < apply->instances.count) {
        const struct cc_instance *instance = apply->instances.at[apply->destroy_position];

        if (instance->type->destroy_step != NULL) {
            apply->destroy_position += !instance->type->destroy_step(instance->machine);
            return true;
        }
        apply->destroy_position++;
    }
    return false;
}

/*
 * A new leader's clock may be behind that of the last one.  Its entries then stand still in log
 * time until its clock has caught up; they never take time back.
 */
uint64_t cc_apply_advance_us(uint64_t time_us, uint64_t entry_us)
{
    if (entry_us > CC_TIME_US_MAX) {
        entry_us = CC_TIME_US_MAX;
    }
    return entry_us > time_us || CC_BUG(T075) ? entry_us : time_us;
}

/* What is set while these fire is in the future, so this ends. */
static void fire_timers(struct cc_apply *apply)
{
    uint64_t id;
    uint64_t key;

    while (cc_timers_take(&apply->timers, apply->time_us, &id, &key)) {
        struct cc_instance *instance = cc_instance_find(apply, id);
        struct copycat_context context = {.apply = apply, .instance = instance};

        CC_ASSERT(instance != NULL);
        instance->type->timer(instance->machine, &context, key);
        cc_instance_settle(apply, instance);
    }
}

void cc_apply_entry(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome)
{
    uint64_t time_us = cc_apply_advance_us(apply->time_us, entry->time_us);

    CC_ASSERT(entry->index == apply->index + 1);          /* A1 */
    CC_ASSERT(time_us >= apply->time_us || CC_BUG(T075)); /* A2 */
    *outcome = (struct cc_outcome){.kind = entry->kind};
    apply->index = entry->index;
    apply->time_us = time_us;
    fire_timers(apply); /* A4 */

    switch (entry->kind) {
    case CC_ENTRY_COMMAND:
    case CC_ENTRY_REFUSAL:
        cc_live_add(&apply->live, entry->index); /* it is for its machine to release it */
        cc_apply_command(apply, entry, outcome);
        break;
    case CC_ENTRY_SESSION_OPEN:
        cc_apply_session_open(apply, entry, outcome);
        break;
    case CC_ENTRY_SESSION_CLOSE:
        cc_apply_session_close(apply, entry, outcome);
        break;
    case CC_ENTRY_SESSION_EXPIRE:
        cc_apply_session_expire(apply, entry, outcome);
        break;
    default:
        break; /* a no-op, a tick, or a kind of the future: time has passed, and that is all */
    }
}

uint64_t cc_apply_index(const struct cc_apply *apply)
{
    return apply->index;
}

uint64_t cc_apply_time_us(const struct cc_apply *apply)
{
    return apply->time_us;
}

uint64_t cc_apply_next_deadline_us(const struct cc_apply *apply)
{
    return cc_timers_next_us(&apply->timers);
}

uint64_t cc_apply_digest(const struct cc_apply *apply)
{
    uint64_t words[] = {apply->index,           apply->time_us,         apply->sessions.count,
                        apply->sessions.digest, apply->timers.count,    apply->timers.digest,
                        apply->timers.order,    apply->live.count,      apply->live.digest,
                        apply->instances.count, apply->instances.digest};

    return cc_hash_bytes(words, sizeof words, 0);
}

bool cc_apply_is_released(const struct cc_apply *apply, uint64_t index)
{
    return index > 0 && index <= apply->index && !cc_live_has(&apply->live, index);
}

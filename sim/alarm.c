/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm -- see alarm.h.
 */
#include "sim/alarm.h"

#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/hash.h"
#include "wire/bytes.h"

#include <string.h>

#define ALARM_TYPE_ID 1100u
#define KEYS 8u
#define AGAIN_US 30000u /* an odd alarm rings so long after it rang, now and then */
#define CALL_TIMEOUT_US 5000000u

enum {
    ALARM_SET = 1,
    ALARM_STOP = 2,
};

struct state {
    uint64_t deadlines[KEYS]; /* log time; 0: not set */
    uint64_t rung;
    uint64_t ended; /* sessions */
    uint64_t chain; /* of all that happened, with its time */
};

struct alarms {
    copycat_memory *memory;
    struct state state;
    struct state frozen;
    bool is_frozen;
};

/* Machines have no way to say that the world is wrong, so it is said here: one run at a time. */
static const char *verdict;

const char *cc_alarm_verdict(void)
{
    return verdict;
}

void cc_alarm_reset(void)
{
    verdict = NULL;
}

static void *create(copycat_memory *memory)
{
    struct alarms *alarms = copycat_memory_take(memory, sizeof *alarms);

    alarms->memory = memory;
    return alarms;
}

static void destroy(void *machine)
{
    struct alarms *alarms = machine;

    copycat_memory_give(alarms->memory, alarms);
}

static void chain(struct alarms *alarms, const copycat_context *context, uint64_t what)
{
    uint64_t when = cc_hash_words(copycat_context_index(context), copycat_context_time_us(context));

    alarms->state.chain = cc_hash_words(alarms->state.chain, cc_hash_words(when, what));
}

static void check_overdue(const struct alarms *alarms, uint64_t time_us)
{
    for (uint64_t key = 0; key < KEYS; key++) {
        if (alarms->state.deadlines[key] != 0 && alarms->state.deadlines[key] <= time_us) {
            verdict = "timers: an entry was applied before a timer that was due";
        }
    }
}

static void set(struct alarms *alarms, copycat_context *context, uint64_t key, uint64_t deadline_us)
{
    uint64_t now = copycat_context_time_us(context);

    alarms->state.deadlines[key] = deadline_us > now ? deadline_us : now + 1;
    copycat_context_schedule(context, key, deadline_us);
}

static void apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    struct alarms *alarms = machine;
    const uint8_t *bytes = commit->operation.data;

    check_overdue(alarms, commit->time_us);
    copycat_context_release(context, commit->index);
    if (commit->operation.size != 17) {
        copycat_context_answer(context, COPYCAT_ERR_MALFORMED, (copycat_bytes){NULL, 0});
        return;
    }

    uint64_t key = cc_load_u64(bytes + 1) % KEYS;

    if (bytes[0] == ALARM_SET) {
        set(alarms, context, key, commit->time_us + cc_load_u64(bytes + 9));
    } else {
        alarms->state.deadlines[key] = 0;
        copycat_context_schedule(context, key, COPYCAT_NONE);
    }
    chain(alarms, context, key);
}

static void query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    const struct alarms *alarms = machine;
    uint8_t rung[8];

    (void)operation;
    cc_store_u64(rung, alarms->state.rung);
    copycat_reading_answer(reading, COPYCAT_OK, (copycat_bytes){rung, sizeof rung});
}

static void ring(void *machine, copycat_context *context, uint64_t key)
{
    struct alarms *alarms = machine;
    uint64_t now = copycat_context_time_us(context);

    if (key >= KEYS || alarms->state.deadlines[key] == 0) {
        verdict = "timers: one rang that was not set";
        return;
    }
    if (now < alarms->state.deadlines[key]) {
        verdict = "timers: one rang early";
    }
    alarms->state.deadlines[key] = 0;
    alarms->state.rung++;
    chain(alarms, context, key);
    if (key % 2 == 1 && alarms->state.rung % 4 != 0) {
        set(alarms, context, key, now + AGAIN_US);
    }
}

static void session_ended(void *machine, copycat_context *context, uint64_t session)
{
    struct alarms *alarms = machine;

    alarms->state.ended++;
    chain(alarms, context, session);
}

static uint64_t digest(const void *machine)
{
    const struct alarms *alarms = machine;

    return cc_hash_bytes(&alarms->state, sizeof alarms->state, 0);
}

static void blob_freeze(void *machine)
{
    struct alarms *alarms = machine;

    alarms->frozen = alarms->state;
    alarms->is_frozen = true;
}

static bool blob_step(void *machine, copycat_blob_writer *writer)
{
    const struct alarms *alarms = machine;

    CC_ASSERT(alarms->is_frozen);
    return !copycat_blob_write(writer, (copycat_bytes){&alarms->frozen, sizeof alarms->frozen});
}

static void blob_done(void *machine)
{
    struct alarms *alarms = machine;

    alarms->is_frozen = false;
}

static copycat_status blob_restore(void *machine, copycat_bytes piece)
{
    struct alarms *alarms = machine;

    if (piece.size != sizeof alarms->state) {
        return COPYCAT_ERR_MALFORMED;
    }
    memcpy(&alarms->state, piece.data, piece.size);
    return COPYCAT_OK;
}

static bool needs_no_room(const void *machine, copycat_bytes operation)
{
    const uint8_t *bytes = operation.data;

    (void)machine;
    return operation.size != 17 || bytes[0] == ALARM_STOP;
}

const copycat_machine_type cc_alarm_machine_type = {
    .id = ALARM_TYPE_ID,
    .version = 1,
    .name = "alarm",
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .query = query,
    .timer = ring,
    .session_ended = session_ended,
    .digest = digest,
    .blob_freeze = blob_freeze,
    .blob_step = blob_step,
    .blob_done = blob_done,
    .blob_restore = blob_restore,
    .needs_no_room = needs_no_room,
};

bool cc_alarm_spoil(struct cc_apply *apply)
{
    for (uint32_t i = 0; i < apply->instances.count; i++) {
        struct cc_instance *instance = apply->instances.at[i];

        if (instance->type == &cc_alarm_machine_type) {
            struct alarms *alarms = instance->machine;

            alarms->state.chain ^= 1;
            cc_instance_settle(apply, instance);
            return true;
        }
    }
    return false;
}

/* ---- the client's side -------------------------------------------------------------------------
 */

void cc_alarm_caller_init(struct cc_alarm_caller *caller, struct cc_client *client)
{
    caller->client = client;
    caller->is_busy = false;
    cc_client_resource_init(client, &caller->resource, CC_ALARM_PATH, ALARM_TYPE_ID);
}

static void done(struct cc_call *call)
{
    struct cc_alarm_caller *caller = call->owner;

    bool is_quota = call->status == COPYCAT_ERR_QUOTA &&
                    (caller->operation[0] == ALARM_SET || call->sequence == 0);

    caller->is_busy = false;
    if (copycat_status_class(call->status) == COPYCAT_CLASS_REFUSED && !is_quota) {
        verdict = "alarms: a call was refused";
    }
}

void cc_alarm_call(struct cc_alarm_caller *caller, struct cc_decider *choices)
{
    if (caller->is_busy) {
        return;
    }
    caller->is_busy = true;
    caller->operation[0] = cc_decide_below(choices, 5) == 0 ? ALARM_STOP : ALARM_SET;
    cc_store_u64(caller->operation + 1, cc_decide_below(choices, KEYS));
    cc_store_u64(caller->operation + 9, cc_decide_below(choices, CC_ALARM_DELAY_US_MAX));
    caller->call = (struct cc_call){
        .kind = CC_CALL_COMMAND,
        .timeout_us = CALL_TIMEOUT_US,
        .operation = {caller->operation, sizeof caller->operation},
        .done = done,
        .owner = caller,
    };
    cc_client_call(caller->client, &caller->resource, &caller->call);
}

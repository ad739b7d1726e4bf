/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_context -- what a machine can do while it is applied, and while it is read.
 */
#include "apply/apply_context.h"

#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/bug.h"

uint64_t copycat_context_index(const copycat_context *context)
{
    return context->apply->index;
}

uint64_t copycat_context_time_us(const copycat_context *context)
{
    return context->apply->time_us;
}

/*
 * The class of a status tells the client whether the command has consumed its number.  A machine
 * that runs has consumed it, so it cannot answer "try again" or "finished".
 */
static copycat_status checked(copycat_status status)
{
    int class = copycat_status_class(status);

    return class == COPYCAT_CLASS_OK || class == COPYCAT_CLASS_REFUSED ? status
                                                                       : COPYCAT_ERR_INVALID;
}

/* False if there is no memory for it. */
static bool keep(struct cc_apply *apply, copycat_bytes result)
{
    if (result.size > 0) {
        cc_write_raw(&apply->result, result.data, result.size);
    }
    return !apply->result.failed;
}

void copycat_context_answer(copycat_context *context, copycat_status status, copycat_bytes result)
{
    struct cc_apply *apply = context->apply;

    if (!context->is_command || context->is_answered) {
        return;
    }
    context->is_answered = true;
    if (result.size > CC_RESULT_SIZE_MAX) {
        context->status = COPYCAT_ERR_TOO_LARGE;
        return;
    }
    context->status = checked(status);

    bool is_kept = keep(apply, result);

    if (CC_BUG(T025) && !is_kept) {
        cc_writer_clear(&apply->result);
        context->status = COPYCAT_ERR_MEMORY;
        return;
    }
    CC_ASSERT(is_kept); /* T-025: without memory the member stops */
}

void copycat_context_release(copycat_context *context, uint64_t index)
{
    cc_live_remove(&context->apply->live, index); /* A5 */
}

void copycat_context_schedule(copycat_context *context, uint64_t key, uint64_t deadline_us)
{
    struct cc_apply *apply = context->apply;
    uint64_t instance = context->instance->id;

    CC_ASSERT(context->instance->type->timer != NULL);
    if (deadline_us == COPYCAT_NONE) {
        cc_timers_cancel(&apply->timers, instance, key);
        return;
    }

    /* A timer that sets itself to now would keep log time from ever passing this entry. */
    if (deadline_us <= apply->time_us) {
        deadline_us = apply->time_us + 1;
    }
    cc_timers_set(&apply->timers, instance, key, deadline_us);
}

bool copycat_context_session_is_alive(const copycat_context *context, uint64_t session)
{
    return cc_session_table_find(&context->apply->sessions, session) != NULL;
}

bool cc_context_type_is_known(const copycat_context *context, uint32_t type)
{
    return cc_apply_type(context->apply, type) != NULL;
}

void cc_context_create(copycat_context *context, uint32_t type)
{
    const copycat_machine_type *known = cc_apply_type(context->apply, type);

    CC_ASSERT(context->instance->id == 0);
    CC_ASSERT(known != NULL);
    cc_instance_create(context->apply, context->apply->index, known);
}

uint64_t copycat_reading_index(const copycat_reading *reading)
{
    return reading->apply->index;
}

uint64_t copycat_reading_time_us(const copycat_reading *reading)
{
    return reading->apply->time_us;
}

void copycat_reading_answer(copycat_reading *reading, copycat_status status, copycat_bytes result)
{
    struct cc_apply *apply = reading->apply;

    if (reading->is_answered) {
        return;
    }
    reading->is_answered = true;
    if (result.size > CC_RESULT_SIZE_MAX) {
        reading->status = COPYCAT_ERR_TOO_LARGE;
        return;
    }
    reading->status = checked(status);

    /* A read changes nothing, so without memory this member may refuse it and go on. */
    if (!keep(apply, result)) {
        cc_writer_clear(&apply->result);
        reading->status = COPYCAT_ERR_MEMORY;
    }
}

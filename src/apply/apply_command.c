/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_command -- a command runs exactly once, or is answered without running.
 *
 * Whatever the bytes of a committed command say, every member does the same with it: nothing in
 * here fails, and what makes no sense is answered as such.
 */
#include "apply/apply_internal.h"
#include "base/assert.h"
#include "base/bug.h"

/* Nobody runs it, so nothing lives on in any machine because of it. */
static void refuse(
    struct cc_apply *apply,
    const struct cc_entry *entry,
    struct cc_outcome *outcome,
    copycat_status status)
{
    outcome->answer.index = entry->index;
    outcome->answer.status = status;
    cc_live_remove(&apply->live, entry->index);
}

static copycat_status run(
    struct cc_apply *apply, const struct cc_entry *entry, const struct cc_command *command)
{
    struct cc_instance *instance = cc_instance_find(apply, command->instance);
    struct copycat_context context = {.apply = apply, .instance = instance, .is_command = true};
    copycat_commit commit = {
        .index = entry->index,
        .time_us = apply->time_us,
        .session = command->session,
        .operation = command->operation};

    cc_writer_clear(&apply->result);
    if (entry->kind == CC_ENTRY_REFUSAL) { /* the number is used up, and that is all */
        cc_live_remove(&apply->live, entry->index);
        return COPYCAT_ERR_QUOTA;
    }
    if (instance == NULL) {
        cc_live_remove(&apply->live, entry->index);
        return COPYCAT_ERR_UNKNOWN_RESOURCE;
    }
    instance->type->apply(instance->machine, &context, &commit);
    cc_instance_settle(apply, instance);
    return context.status;
}

static copycat_bytes result_of(const struct cc_apply *apply)
{
    return (copycat_bytes){apply->result.data, apply->result.size};
}

static void fill_answer(const struct cc_reply_slot *slot, struct cc_answer *answer)
{
    answer->sequence = slot->sequence;
    answer->index = slot->index;
    answer->status = slot->status;
    answer->result = cc_reply_result(slot);
}

static void run_fresh(
    struct cc_apply *apply,
    struct cc_session *session,
    const struct cc_entry *entry,
    const struct cc_command *command,
    struct cc_outcome *outcome)
{
    copycat_status status = run(apply, entry, command);

    CC_ASSERT(command->sequence == session->replies.applied + 1); /* A3 */
    cc_session_replies_record(
        &session->replies, apply->memory, entry->index, status, result_of(apply));
    fill_answer(cc_session_replies_find(&session->replies, command->sequence), &outcome->answer);
}

/* What the planted bugs do: run what must not run.  Nothing remembers the answer. */
static void run_unasked(
    struct cc_apply *apply,
    const struct cc_entry *entry,
    const struct cc_command *command,
    struct cc_outcome *outcome)
{
    outcome->answer.index = entry->index;
    outcome->answer.status = run(apply, entry, command);
    outcome->answer.result = result_of(apply);
}

static void answer(
    struct cc_apply *apply,
    struct cc_session *session,
    const struct cc_entry *entry,
    const struct cc_command *command,
    struct cc_outcome *outcome)
{
    switch (cc_session_replies_classify(&session->replies, &apply->limits, command->sequence)) {
    case CC_REPLY_FRESH:
        run_fresh(apply, session, entry, command, outcome);
        return;
    case CC_REPLY_REPEATED:
        fill_answer(
            cc_session_replies_find(&session->replies, command->sequence), &outcome->answer);
        cc_live_remove(&apply->live, entry->index);
        return;
    case CC_REPLY_GONE:
        if (CC_BUG(T078)) {
            run_unasked(apply, entry, command, outcome);
        } else {
            refuse(apply, entry, outcome, COPYCAT_ERR_INVALID);
        }
        return;
    case CC_REPLY_EARLY:
        if (CC_BUG(T080)) {
            run_unasked(apply, entry, command, outcome);
            return;
        }
        break;
    case CC_REPLY_FULL:
        break;
    }
    outcome->is_refused = true;
    refuse(apply, entry, outcome, COPYCAT_ERR_BUSY);
}

void cc_apply_command(
    struct cc_apply *apply, const struct cc_entry *entry, struct cc_outcome *outcome)
{
    struct cc_command command;

    if (!cc_command_decode(entry->payload, &command)) {
        refuse(apply, entry, outcome, COPYCAT_ERR_MALFORMED);
        return;
    }
    outcome->session = outcome->answer.session = command.session;
    outcome->sequence = outcome->answer.sequence = command.sequence;

    struct cc_session *session = cc_session_table_find(&apply->sessions, command.session);

    if (session == NULL) {
        refuse(apply, entry, outcome, COPYCAT_ERR_SESSION);
        return;
    }

    cc_image_save_session(apply, session);

    /* An acknowledgement of what never ran makes no sense; the command that carries it may. */
    (void)cc_session_replies_acknowledge(&session->replies, apply->memory, command.answered);
    answer(apply, session, entry, &command, outcome);
    cc_session_touch(&apply->sessions, session, entry->index);
}

bool cc_apply_needs_no_room(const struct cc_apply *apply, const struct cc_command *command)
{
    const struct cc_instance *instance = cc_instance_find(apply, command->instance);

    return instance == NULL ||
           (instance->type->needs_no_room != NULL &&
            instance->type->needs_no_room(instance->machine, command->operation));
}

bool cc_apply_cached(
    struct cc_apply *apply, uint64_t session, uint64_t sequence, struct cc_answer *answer_out)
{
    const struct cc_session *found = cc_session_table_find(&apply->sessions, session);
    const struct cc_reply_slot *slot =
        found == NULL ? NULL : cc_session_replies_find(&found->replies, sequence);

    if (slot == NULL) {
        return false;
    }
    *answer_out = (struct cc_answer){.session = session};
    fill_answer(slot, answer_out);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter_machine -- see counter_machine.h.
 */
#include "counter_machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESET_KEY 1u

struct counter {
    copycat_memory *memory;
    int64_t value;
    uint64_t resets;
    uint64_t ended;
    uint64_t live[64]; /* commits that the value is made of, until it is reset */
    uint32_t live_count;
};

static void *create(copycat_memory *memory)
{
    struct counter *counter = copycat_memory_take(memory, sizeof *counter);

    counter->memory = memory;
    return counter;
}

static void destroy(void *machine)
{
    struct counter *counter = machine;

    copycat_memory_give(counter->memory, counter);
}

static void answer(copycat_context *context, const char *text)
{
    copycat_context_answer(context, COPYCAT_OK, copycat_str(text));
}

static void add(struct counter *counter, copycat_context *context, int64_t number)
{
    char text[32];

    if (counter->live_count == sizeof counter->live / sizeof counter->live[0]) {
        copycat_context_answer(context, COPYCAT_ERR_QUOTA, (copycat_bytes){NULL, 0});
        copycat_context_release(context, copycat_context_index(context));
        return;
    }
    counter->live[counter->live_count++] = copycat_context_index(context);
    counter->value += number;
    snprintf(text, sizeof text, "%" PRId64, counter->value);
    answer(context, text);
}

static void tell_about(copycat_context *context, const copycat_commit *commit)
{
    char text[96];

    if (commit->index == copycat_context_index(context) &&
        commit->time_us == copycat_context_time_us(context) &&
        copycat_context_session_is_alive(context, commit->session) &&
        !copycat_context_session_is_alive(context, commit->session + 1000)) {
        snprintf(
            text, sizeof text, "%" PRIu64 " %" PRIu64 " %" PRIu64, commit->index, commit->time_us,
            commit->session);
        answer(context, text);
    }
    answer(context, "only the first answer counts");
}

static void apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    struct counter *counter = machine;
    char text[64];

    snprintf(
        text, sizeof text, "%.*s", (int)commit->operation.size,
        (const char *)commit->operation.data);
    if (strncmp(text, "add ", 4) == 0) {
        add(counter, context, strtoll(text + 4, NULL, 10));
        return;
    }
    if (strncmp(text, "reset ", 6) == 0) {
        uint64_t wait_us = strtoull(text + 6, NULL, 10) * 1000;

        copycat_context_schedule(context, RESET_KEY, commit->time_us + wait_us);
    } else if (strcmp(text, "keep") == 0) {
        copycat_context_schedule(context, RESET_KEY, COPYCAT_NONE);
    } else if (strcmp(text, "about") == 0) {
        tell_about(context, commit);
    } else {
        copycat_status status =
            strcmp(text, "retry") == 0 ? COPYCAT_ERR_BUSY : COPYCAT_ERR_UNKNOWN_OPERATION;

        copycat_context_answer(context, status, (copycat_bytes){NULL, 0});
    }
    copycat_context_release(context, commit->index);
}

static void query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    const struct counter *counter = machine;
    char text[96];

    if (operation.size > 0) {
        copycat_reading_answer(reading, COPYCAT_ERR_UNKNOWN_OPERATION, (copycat_bytes){NULL, 0});
        return;
    }
    snprintf(
        text, sizeof text, "%" PRId64 " %" PRIu64 " %" PRIu64, counter->value, counter->resets,
        counter->ended);
    copycat_reading_answer(reading, COPYCAT_OK, copycat_str(text));
}

static void timer(void *machine, copycat_context *context, uint64_t key)
{
    struct counter *counter = machine;

    counter->value = 0;
    counter->resets += key == RESET_KEY;
    for (uint32_t i = 0; i < counter->live_count; i++) {
        copycat_context_release(context, counter->live[i]);
    }
    counter->live_count = 0;
}

static void session_ended(void *machine, copycat_context *context, uint64_t session)
{
    struct counter *counter = machine;

    counter->ended += !copycat_context_session_is_alive(context, session);
}

static uint64_t digest(const void *machine)
{
    const struct counter *counter = machine;

    return (uint64_t)counter->value * 31 + counter->resets;
}

static void restore_commit(void *machine, const copycat_commit *commit)
{
    struct counter *counter = machine;

    counter->live[counter->live_count++] = commit->index;
    counter->value += strtoll((const char *)commit->operation.data + 4, NULL, 10);
}

const copycat_machine_type counter_machine = {
    .id = COUNTER_TYPE,
    .version = 1,
    .name = "counter",
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .query = query,
    .timer = timer,
    .session_ended = session_ended,
    .digest = digest,
    .restore_commit = restore_commit,
};

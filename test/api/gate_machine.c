/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_machine -- see gate_machine.h.
 */
#include "gate_machine.h"

#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_shut;
static bool is_occupied;

static void set(bool *flag, bool value)
{
    pthread_mutex_lock(&lock);
    *flag = value;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_while(const bool *flag, bool value)
{
    pthread_mutex_lock(&lock);
    while (*flag == value) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

void gate_shut(void)
{
    set(&is_shut, true);
}

void gate_open(void)
{
    set(&is_shut, false);
}

void gate_await(void)
{
    wait_while(&is_occupied, false);
}

/* ---- the machine ----------------------------------------------------------------------------- */

struct gate {
    copycat_memory *memory;
};

static void *create(copycat_memory *memory)
{
    struct gate *gate = copycat_memory_take(memory, sizeof *gate);

    gate->memory = memory;
    return gate;
}

static void destroy(void *machine)
{
    struct gate *gate = machine;

    copycat_memory_give(gate->memory, gate);
}

static void apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    (void)machine;
    set(&is_occupied, true);
    wait_while(&is_shut, true);
    set(&is_occupied, false);
    copycat_context_answer(context, COPYCAT_OK, commit->operation);
}

static void query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    (void)machine;
    copycat_reading_answer(reading, COPYCAT_OK, operation);
}

static uint64_t digest(const void *machine)
{
    (void)machine;
    return 0;
}

static void restore_commit(void *machine, const copycat_commit *commit)
{
    (void)machine;
    (void)commit;
}

const copycat_machine_type gate_machine = {
    .id = GATE_TYPE,
    .version = 1,
    .name = "gate",
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .query = query,
    .digest = digest,
    .restore_commit = restore_commit,
};

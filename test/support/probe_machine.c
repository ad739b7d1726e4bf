/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_machine -- see probe_machine.h.
 */
#include "support/probe_machine.h"

#include "base/assert.h"
#include "base/hash.h"
#include "wire/bytes.h"

#include <stdlib.h>

#define OPERATION_SIZE 17u
#define ANSWER_SIZE_MAX (4u << 20)

struct probe {
    copycat_memory *memory;
    uint64_t count;
    uint64_t chain; /* of everything that happened */
    uint64_t frozen[2];
    int step;
};

struct probe_note probe_notes[PROBE_NOTES_MAX];
uint32_t probe_note_count;

void probe_reset(void)
{
    probe_note_count = 0;
}

static void note(
    struct probe *probe, enum probe_note_kind kind, const copycat_context *context, uint64_t value)
{
    struct probe_note added = {
        kind, probe, copycat_context_index(context), copycat_context_time_us(context), value};

    if (probe_note_count < PROBE_NOTES_MAX) {
        probe_notes[probe_note_count++] = added;
    }
    probe->chain = cc_hash_words(probe->chain, cc_hash_words(added.index, value) + kind);
}

copycat_bytes probe_operation(char code, uint64_t first, uint64_t second)
{
    static uint8_t bytes[OPERATION_SIZE];

    bytes[0] = (uint8_t)code;
    cc_store_u64(bytes + 1, first);
    cc_store_u64(bytes + 9, second);
    return (copycat_bytes){bytes, sizeof bytes};
}

static void *probe_create(copycat_memory *memory)
{
    struct probe *probe = copycat_memory_take(memory, sizeof *probe);

    probe->memory = memory;
    return probe;
}

static void probe_destroy(void *machine)
{
    struct probe *probe = machine;

    copycat_memory_give(probe->memory, probe);
}

static void answer_many(copycat_context *context, uint64_t size)
{
    size = size < ANSWER_SIZE_MAX ? size : ANSWER_SIZE_MAX;

    uint8_t *bytes = calloc(1, size + 1);

    CC_ASSERT(bytes != NULL);
    copycat_context_answer(context, COPYCAT_OK, (copycat_bytes){bytes, size});
    free(bytes);
}

static void operate(struct probe *probe, copycat_context *context, const uint8_t *bytes)
{
    uint64_t first = cc_load_u64(bytes + 1);
    uint8_t answer[8] = {0};

    switch (bytes[0]) {
    case 'n':
        cc_store_u64(answer, ++probe->count);
        copycat_context_answer(context, COPYCAT_OK, (copycat_bytes){answer, 8});
        break;
    case 'z':
        answer_many(context, first);
        break;
    case 's':
        copycat_context_answer(context, -(copycat_status)first, (copycat_bytes){NULL, 0});
        break;
    case 't':
        copycat_context_schedule(context, first, cc_load_u64(bytes + 9));
        break;
    case 'a':
        answer[0] = copycat_context_session_is_alive(context, first);
        copycat_context_answer(context, COPYCAT_OK, (copycat_bytes){answer, 1});
        break;
    case '2':
        copycat_context_answer(context, COPYCAT_OK, (copycat_bytes){"first", 5});
        copycat_context_answer(context, COPYCAT_OK, (copycat_bytes){"second", 6});
        break;
    default:
        copycat_context_answer(context, COPYCAT_ERR_UNKNOWN_OPERATION, (copycat_bytes){NULL, 0});
        break;
    }
}

static void probe_apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    CC_ASSERT(commit->index == copycat_context_index(context));
    CC_ASSERT(commit->time_us == copycat_context_time_us(context));
    note(machine, PROBE_APPLIED, context, commit->session);
    if (commit->operation.size == OPERATION_SIZE) {
        operate(machine, context, commit->operation.data);
    } else {
        copycat_context_answer(context, COPYCAT_ERR_MALFORMED, (copycat_bytes){NULL, 0});
    }
}

static void probe_query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    const struct probe *probe = machine;
    uint8_t answer[24];

    (void)operation;
    cc_store_u64(answer, probe->count);
    cc_store_u64(answer + 8, copycat_reading_index(reading));
    cc_store_u64(answer + 16, copycat_reading_time_us(reading));
    copycat_reading_answer(reading, COPYCAT_OK, (copycat_bytes){answer, sizeof answer});
}

static void probe_timer(void *machine, copycat_context *context, uint64_t key)
{
    note(machine, PROBE_TIMER, context, key);
    copycat_context_answer(context, COPYCAT_OK, (copycat_bytes){"unheard", 7});
    if (key == PROBE_KEY_AGAIN) {
        copycat_context_schedule(context, key, copycat_context_time_us(context));
    }
}

static void probe_session_ended(void *machine, copycat_context *context, uint64_t session)
{
    CC_ASSERT(!copycat_context_session_is_alive(context, session));
    note(machine, PROBE_SESSION_ENDED, context, session);
}

static uint64_t probe_digest(const void *machine)
{
    const struct probe *probe = machine;

    return cc_hash_words(probe->count, probe->chain);
}

static void probe_freeze(void *machine)
{
    struct probe *probe = machine;

    probe->frozen[0] = probe->count;
    probe->frozen[1] = probe->chain;
    probe->step = 0;
}

/* One number in each step, so that a blob of several pieces is seen. */
static bool probe_step(void *machine, copycat_blob_writer *writer)
{
    struct probe *probe = machine;
    uint8_t number[8];

    cc_store_u64(number, probe->frozen[probe->step]);
    if (copycat_blob_write(writer, (copycat_bytes){number, sizeof number})) {
        probe->step++;
    }
    return probe->step < 2;
}

static void probe_done(void *machine)
{
    struct probe *probe = machine;

    probe->step = 0;
}

static copycat_status probe_restore(void *machine, copycat_bytes piece)
{
    struct probe *probe = machine;

    if (piece.size != 8 || probe->step >= 2) {
        return COPYCAT_ERR_MALFORMED;
    }
    *(probe->step++ == 0 ? &probe->count : &probe->chain) = cc_load_u64(piece.data);
    return COPYCAT_OK;
}

const copycat_machine_type probe_machine_type = {
    .id = PROBE_TYPE_ID,
    .version = 1,
    .name = "probe",
    .create = probe_create,
    .destroy = probe_destroy,
    .apply = probe_apply,
    .query = probe_query,
    .timer = probe_timer,
    .session_ended = probe_session_ended,
    .digest = probe_digest,
    .blob_freeze = probe_freeze,
    .blob_step = probe_step,
    .blob_done = probe_done,
    .blob_restore = probe_restore,
};

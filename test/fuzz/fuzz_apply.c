/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_apply -- whatever is committed, two members that apply it are in the same state, and neither
 * fails; and what they kept builds that state again.
 *
 * The input is a program: each byte or few make one entry, either well formed (so that sessions
 * open, commands run and repeat, resources are made) or a payload of the input's own bytes.
 */
#include "base/assert.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/apply_history.h"
#include "support/probe_machine.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const copycat_machine_type *const types[] = {
    &cc_map_machine_type, &probe_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types,
    .catalog = &cc_catalog_machine_type,
    .sessions_max = 4,
    .answers_max = 6,
    .answer_bytes_max = 200};

#define INSTANCES_MAX 8u

/* What the input still says, and what it has made so far. */
struct program {
    struct cc_reader input;
    uint64_t instances[INSTANCES_MAX];
    uint32_t instance_count;
};

static uint8_t byte_of(struct program *program)
{
    return cc_read_u8(&program->input);
}

/* Up to `size_max` bytes of the program. */
static copycat_bytes piece_of(struct program *program, size_t size_max)
{
    size_t size = byte_of(program) % (size_max + 1);
    size_t left = cc_reader_left(&program->input);

    size = size > left ? left : size;
    return (copycat_bytes){size == 0 ? (const void *)"" : cc_read_raw(&program->input, size), size};
}

/* An operation of a map on one of a few keys, written to `bytes`. */
static copycat_bytes map_operation(struct program *program, uint8_t *bytes, size_t size)
{
    static const char keys[] = "abcd";
    static const char values[] = "xyz a value of more than sixteen bytes";
    uint8_t bits = byte_of(program);
    struct cc_map_operation operation = {
        .code = (uint8_t)(CC_MAP_PUT + byte_of(program) % CC_MAP_CAS),
        .key = {keys + (bits & 3u), 1},
        .value = {values, bits >> 5},
        .expected = {values, bits >> 2 & 7u},
        .limit = 1 + bits};
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, size);
    cc_map_operation_encode(&writer, &operation);
    return (copycat_bytes){writer.data, writer.size};
}

/* An operation of a probe: it counts, answers, schedules around now, asks for a session. */
static copycat_bytes any_probe_operation(struct history *history, struct program *program)
{
    static const char codes[] = "nzsta2";
    char code = codes[byte_of(program) % 6u];
    uint64_t first = byte_of(program) % 104u;
    uint64_t second = code == 't' ? history->now_us + byte_of(program) - 64u : 0;

    return probe_operation(code, first, second);
}

static copycat_bytes any_operation(
    struct history *history, struct program *program, uint8_t bits, uint8_t *bytes, size_t size)
{
    if ((bits & 128u) != 0) {
        return piece_of(program, 40);
    }
    return (bits & 64u) != 0 ? any_probe_operation(history, program)
                             : map_operation(program, bytes, size);
}

/* Numbers are small, so that what is said meets what is there. */
static void command(struct history *history, struct program *program)
{
    uint8_t bytes[128];
    uint8_t bits = byte_of(program);
    uint8_t which = byte_of(program);
    uint64_t session = cc_apply_session_after(history->apply, bits & 3u);
    struct cc_session_view view = {0};
    struct cc_command command = {.session = session == 0 ? 1 : session, .stream = 1};

    (void)cc_apply_session(history->apply, session, &view);
    command.sequence = view.last_sequence + ((bits & 12u) != 0 ? 1 : bits >> 4 & 3u);
    command.sequence += command.sequence == 0;
    command.answered = view.last_sequence > bits >> 6 ? view.last_sequence - (bits >> 6) : 0;
    command.instance = which % INSTANCES_MAX < program->instance_count
                           ? program->instances[which % INSTANCES_MAX]
                           : which;
    command.operation = any_operation(history, program, which, bytes, sizeof bytes);
    (void)history_command(history, &command);
}

static void create(struct history *history, struct program *program)
{
    uint64_t session = cc_apply_session_after(history->apply, 0);
    uint8_t bits = byte_of(program);
    char path[3] = {'/', (char)('a' + bits % 4u), 0};
    struct cc_session_view view;
    uint64_t instance;

    if (cc_apply_session(history->apply, session, &view) &&
        history_create(
            history, session, view.last_sequence + 1, path,
            (bits & 16u) != 0 ? PROBE_TYPE_ID : CC_MAP_TYPE_ID, &instance) == COPYCAT_OK &&
        program->instance_count < INSTANCES_MAX) {
        program->instances[program->instance_count++] = instance;
    }
}

static void add_entry(struct history *history, struct program *program)
{
    uint8_t what = byte_of(program);
    uint8_t detail = byte_of(program);

    history->now_us += (uint64_t)detail - 64;
    switch (what % 8) {
    case 0:
        (void)history_open(history, detail % 6);
        break;
    case 1:
        history_close(history, 1 + detail % 32u);
        break;
    case 2:
        history_expire(history, 1 + detail % 16u, 1 + detail / 2u);
        break;
    case 3:
        create(history, program);
        break;
    case 4:
        (void)history_add(history, detail, piece_of(program, 60));
        break;
    default:
        command(history, program);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct program program = {0};
    struct history history;
    struct history other;

    probe_reset();
    history_init(&history, &options);
    history_init(&other, &options);
    other.counted.fill = 0x5a;
    cc_reader_init(&program.input, data, size);
    while (cc_reader_left(&program.input) > 0) {
        uint64_t before = history.count;
        struct cc_entry entry;
        struct cc_outcome outcome;

        add_entry(&history, &program);
        for (uint64_t index = before + 1; index <= history.count; index++) {
            CC_ASSERT(history_entry_at(&history, index, &entry));
            cc_apply_entry(other.apply, &entry, &outcome);
            CC_ASSERT(outcome.answer.status == history.outcome.answer.status);
        }
        CC_ASSERT(cc_apply_digest(history.apply) == cc_apply_digest(other.apply));
    }
    CC_ASSERT(history_can_be_restored(&history));
    history_deinit(&history);
    history_deinit(&other);
    return 0;
}

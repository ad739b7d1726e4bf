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

static uint8_t byte_of(struct cc_reader *program)
{
    return cc_read_u8(program);
}

/* Up to `size_max` bytes of the program. */
static copycat_bytes piece_of(struct cc_reader *program, size_t size_max)
{
    size_t size = byte_of(program) % (size_max + 1);
    size_t left = cc_reader_left(program);

    size = size > left ? left : size;
    return (copycat_bytes){size == 0 ? (const void *)"" : cc_read_raw(program, size), size};
}

/* Numbers are small, so that what is said meets what is there. */
static void command(struct history *history, struct cc_reader *program)
{
    uint8_t bits = byte_of(program);
    uint64_t session = cc_apply_session_after(history->apply, bits & 3u);
    struct cc_session_view view = {0};
    struct cc_command command = {
        .session = session == 0 ? 1 : session, .instance = byte_of(program) % 16u, .stream = 1};

    (void)cc_apply_session(history->apply, session, &view);
    command.sequence = view.last_sequence + 1 + (bits >> 2 & 3u);
    command.sequence -= command.sequence > 2 && (bits & 16u) != 0 ? 2 : 0;
    command.answered = view.last_sequence + 1 - (bits >> 5);
    command.answered = command.answered > CC_INDEX_MAX ? 0 : command.answered;
    command.operation = piece_of(program, 40);
    (void)history_command(history, &command);
}

static void create(struct history *history, struct cc_reader *program)
{
    uint64_t session = cc_apply_session_after(history->apply, 0);
    uint8_t bits = byte_of(program);
    char path[3] = {'/', (char)('a' + bits % 4u), 0};
    struct cc_session_view view;
    uint64_t instance;

    if (cc_apply_session(history->apply, session, &view)) {
        (void)history_create(
            history, session, view.last_sequence + 1, path,
            (bits & 16u) != 0 ? types[0]->id : PROBE_TYPE_ID, &instance);
    }
}

static void add_entry(struct history *history, struct cc_reader *program)
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
    struct cc_reader program;
    struct history history;
    struct history other;

    probe_reset();
    history_init(&history, &options);
    history_init(&other, &options);
    other.counted.fill = 0x5a;
    cc_reader_init(&program, data, size);
    while (cc_reader_left(&program) > 0) {
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

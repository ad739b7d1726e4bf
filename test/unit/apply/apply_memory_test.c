/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_memory_test -- a member that lacks memory while it applies stops; it never answers
 * otherwise than the others do, nor goes on with half of an entry (T-025).
 *
 * A log with every kind of entry and operation is applied once with all memory.  Then each entry
 * is applied again and again where the first, the second, ... request is refused, and all after it,
 * until it passes unharmed.
 */
#include "base/assert.h"
#include "base/list.h"
#include "base/prng.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/apply_history.h"
#include "support/probe_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES_MAX 400u
#define NEVER UINT64_MAX
#define LARGE 5000u

static const copycat_machine_type *const types[] = {
    &probe_machine_type, &cc_map_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type, .answers_max = 8};

/* What each index left behind where memory was plenty. */
struct trace {
    uint64_t digest;
    uint64_t outcome;
};

static struct history history;
static struct trace traces[ENTRIES_MAX];
static uint64_t first;
static uint64_t second;
static uint64_t sequence;
static uint64_t map;
static uint64_t large_put; /* index of the first command to it: its value is large */

/* ---- memory that is refused ------------------------------------------------------------------ */

/* A list node stands before each block, so that what a panic leaves behind can be given back. */
struct scarce {
    struct cc_memory memory;
    struct cc_list blocks;
    uint64_t left; /* requests that are granted */
};

static void *scarce_resize(void *context, void *bytes, size_t size)
{
    struct scarce *scarce = context;
    struct cc_list *node = bytes == NULL ? NULL : (struct cc_list *)bytes - 1;

    if (size > 0 && scarce->left == 0) {
        return NULL;
    }
    scarce->left -= size > 0 && scarce->left != NEVER;
    if (node != NULL) {
        cc_list_remove(node);
    }
    if (size == 0) {
        free(node);
        return NULL;
    }
    node = realloc(node, sizeof *node + size);
    assert_non_null(node);
    cc_list_append(&scarce->blocks, node);
    return node + 1;
}

static void scarce_init(struct scarce *scarce)
{
    *scarce = (struct scarce){.memory = {scarce_resize, scarce}, .left = NEVER};
    cc_list_init(&scarce->blocks);
}

static void scarce_deinit(struct scarce *scarce)
{
    cc_list_each_safe(node, following, &scarce->blocks) {
        free(node);
    }
}

/* ---- a log of everything --------------------------------------------------------------------- */

/* Everything that somebody who waits could be told. */
static uint64_t digest_of(const struct cc_outcome *outcome)
{
    uint64_t digest = outcome->kind + 31u * outcome->session + 977u * outcome->sequence +
                      7919u * outcome->answer.index + outcome->timeout_us +
                      (uint64_t)(uint32_t)outcome->answer.status * 104729u +
                      outcome->is_refused * 11u + outcome->is_ended * 13u;
    const uint8_t *bytes = outcome->answer.result.data;

    for (size_t i = 0; i < outcome->answer.result.size; i++) {
        digest = digest * 1099511628211u + bytes[i];
    }
    return digest + outcome->answer.result.size;
}

static void note(void)
{
    assert_true(history.count < ENTRIES_MAX);
    traces[history.count] = (struct trace){
        .digest = cc_apply_digest(history.apply), .outcome = digest_of(&history.outcome)};
}

static void command(uint64_t instance, copycat_bytes operation)
{
    sequence++;
    (void)history_command(
        &history, &(struct cc_command){
                      .session = first,
                      .sequence = sequence,
                      .answered = sequence > 4 ? sequence - 4 : 0,
                      .instance = instance,
                      .operation = operation});
    note();
}

static uint64_t create(const char *path, uint32_t type)
{
    uint64_t instance = 0;

    (void)history_create(&history, first, ++sequence, path, type, &instance);
    note();
    return instance;
}

static void map_command(const struct cc_map_operation *operation)
{
    uint8_t bytes[12000];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_map_operation_encode(&writer, operation);
    command(map, (copycat_bytes){writer.data, writer.size});
}

static void map_commands(void)
{
    static const uint8_t value[LARGE] = "value";
    struct cc_prng prng = {3};

    map_command(&(struct cc_map_operation){
        .code = CC_MAP_PUT, .key = {"large", 5}, .value = {value, sizeof value}});
    large_put = history.count;
    map_command(&(struct cc_map_operation){.code = CC_MAP_GET, .key = {"large", 5}});
    for (uint64_t i = 0; i < 80; i++) {
        uint64_t key = cc_prng_below(&prng, 40);
        uint8_t code = i < 30 ? CC_MAP_PUT : (uint8_t)(1 + cc_prng_below(&prng, CC_MAP_CAS));
        bool is_whole = code == CC_MAP_CLEAR || code == CC_MAP_SIZE;

        map_command(&(struct cc_map_operation){
            .code = code,
            .key = {&key, is_whole ? 0 : sizeof key},
            .value = {value, (size_t)i * 7},
            .expected = {value, (size_t)i * 3},
            .limit = 10});
    }
}

static int setup(void **state)
{
    uint64_t probe;

    (void)state;
    history_init(&history, &options);
    first = history_open(&history, 1);
    note();
    second = history_open(&history, 2);
    note();
    for (uint8_t nonce = 3; nonce < 30; nonce++) {
        (void)history_open(&history, nonce);
        note();
    }
    map = create("a/map", CC_MAP_TYPE_ID);
    probe = create("a/probe", PROBE_TYPE_ID);
    for (char name[] = "a"; name[0] < 'm'; name[0]++) {
        (void)create(name, PROBE_TYPE_ID);
    }
    (void)create("a/map", PROBE_TYPE_ID);
    (void)create("bad//path", PROBE_TYPE_ID);
    map_commands();
    for (uint64_t key = 0; key < 40; key++) {
        command(probe, probe_operation('t', key, history.now_us + 1000 + key));
    }
    command(probe, probe_operation('n', 0, 0));
    command(999999, probe_operation('n', 0, 0));
    history.now_us += 5000;
    (void)history_add(&history, CC_ENTRY_TICK, (copycat_bytes){"", 0});
    note();
    history_expire(&history, second, second);
    note();
    history_close(&history, first);
    note();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    history_deinit(&history);
    return 0;
}

/* ---- what happens where memory ends ---------------------------------------------------------- */

static jmp_buf stopped;
static const char *reason;

static void panic(const char *file, int line, const char *expression)
{
    (void)file;
    (void)line;
    reason = expression;
    longjmp(stopped, 1);
}

static void apply_index(struct cc_apply *apply, uint64_t index, struct cc_outcome *outcome)
{
    struct cc_entry entry;

    assert_true(history_entry_at(&history, index, &entry));
    cc_apply_entry(apply, &entry, outcome);
}

/* True if the entry was applied though memory ended after `granted` requests. */
static bool survives(uint64_t index, uint64_t granted)
{
    static struct scarce scarce;
    static struct cc_apply *apply;
    struct cc_apply_options own = options;
    struct cc_outcome outcome;
    volatile bool is_applied = false;

    probe_reset();
    scarce_init(&scarce);
    own.memory = &scarce.memory;
    apply = cc_apply_create(&own);
    for (uint64_t at = 1; at < index; at++) {
        apply_index(apply, at, &outcome);
    }
    scarce.left = granted;
    if (setjmp(stopped) == 0) {
        cc_panic_set(panic);
        apply_index(apply, index, &outcome);
        cc_panic_set(NULL);
        assert_true(cc_apply_digest(apply) == traces[index].digest);
        assert_true(digest_of(&outcome) == traces[index].outcome);
        is_applied = true;
        scarce.left = NEVER;
        cc_apply_destroy(apply);
        assert_true(cc_list_is_empty(&scarce.blocks));
    } else {
        /* It stopped because of memory, and not because half of an entry broke something. */
        cc_panic_set(NULL);
        assert_true(
            strcmp(reason, "block != NULL") == 0 || strcmp(reason, "grown != NULL") == 0 ||
            strcmp(reason, "is_kept") == 0);
        scarce_deinit(&scarce);
    }
    return is_applied;
}

static void applying_without_memory_stops_or_changes_nothing_of_the_outcome(void **state)
{
    uint64_t stops = 0;

    (void)state;
    for (uint64_t index = 1; index <= history.count; index++) {
        uint64_t granted = 0;

        while (!survives(index, granted)) {
            granted++;
            stops++;
        }
        assert_true(survives(index, NEVER));
    }
    assert_true(stops > history.count / 2);
}

/* A read changes nothing, so it may be refused instead. */
static void reading_without_memory_is_refused_and_nothing_else(void **state)
{
    uint8_t get[64];
    struct cc_writer writer;
    struct scarce scarce;
    struct cc_apply_options own = options;
    struct cc_apply *apply;
    struct cc_outcome outcome;
    struct cc_answer answer;

    (void)state;
    scarce_init(&scarce);
    own.memory = &scarce.memory;
    apply = cc_apply_create(&own);
    for (uint64_t index = 1; index <= large_put; index++) {
        apply_index(apply, index, &outcome);
    }
    cc_writer_init_fixed(&writer, get, sizeof get);
    cc_map_operation_encode(
        &writer, &(struct cc_map_operation){.code = CC_MAP_GET, .key = {"large", 5}});
    scarce.left = 0;
    cc_apply_query(apply, map, (copycat_bytes){writer.data, writer.size}, &answer);
    assert_int_equal(answer.status, COPYCAT_ERR_MEMORY);
    assert_int_equal(answer.result.size, 0);
    scarce.left = NEVER;
    cc_apply_query(apply, map, (copycat_bytes){writer.data, writer.size}, &answer);
    assert_int_equal(answer.status, COPYCAT_OK);
    assert_int_equal(answer.result.size, LARGE + 1);
    assert_true(cc_apply_digest(apply) == traces[large_put].digest);
    cc_apply_destroy(apply);
    assert_true(cc_list_is_empty(&scarce.blocks));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(applying_without_memory_stops_or_changes_nothing_of_the_outcome),
        cmocka_unit_test(reading_without_memory_is_refused_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_machine_test -- a map as its clients see it, through apply.
 */
#include "base/prng.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const copycat_machine_type *const types[] = {&cc_map_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type};

static struct history history;
static uint64_t session;
static uint64_t sequence;
static uint64_t map;
static uint8_t *bytes; /* of the operation at hand */

static int setup(void **state)
{
    (void)state;
    history_init(&history, &options);
    session = history_open(&history, 1);
    sequence = 1;
    assert_int_equal(
        history_create(&history, session, 1, "/map", CC_MAP_TYPE_ID, &map), COPYCAT_OK);
    bytes = malloc(CC_OPERATION_SIZE_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_true(history_can_be_restored(&history));
    history_deinit(&history);
    free(bytes);
    return 0;
}

static copycat_bytes text(const char *string)
{
    return (copycat_bytes){string, strlen(string)};
}

static copycat_bytes encoded(const struct cc_map_operation *operation)
{
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, CC_OPERATION_SIZE_MAX);
    cc_map_operation_encode(&writer, operation);
    assert_false(writer.failed);
    return (copycat_bytes){writer.data, writer.size};
}

static struct cc_answer command(const struct cc_map_operation *operation)
{
    sequence++;
    return history_command(
        &history, &(struct cc_command){
                      .session = session,
                      .sequence = sequence,
                      .answered = sequence - 1,
                      .instance = map,
                      .operation = encoded(operation)});
}

static struct cc_answer query(const struct cc_map_operation *operation)
{
    struct cc_answer answer;

    cc_apply_query(history.apply, map, encoded(operation), &answer);
    return answer;
}

/* The value in an answer as a string; "-" is none. */
static const char *value_in(struct cc_answer answer)
{
    static char copy[256];
    copycat_bytes value;

    assert_int_equal(answer.status, COPYCAT_OK);
    assert_true(cc_map_value_decode(answer.result, &value));
    assert_true(value.size < sizeof copy);
    if (value.data == NULL) {
        return "-";
    }
    memcpy(copy, value.data, value.size);
    copy[value.size] = 0;
    return copy;
}

static bool flag_in(struct cc_answer answer)
{
    bool flag;

    assert_int_equal(answer.status, COPYCAT_OK);
    assert_true(cc_map_flag_decode(answer.result, &flag));
    return flag;
}

static const char *store(uint8_t code, const char *key, const char *value)
{
    return value_in(
        command(&(struct cc_map_operation){.code = code, .key = text(key), .value = text(value)}));
}

static const char *get(const char *key)
{
    return value_in(query(&(struct cc_map_operation){.code = CC_MAP_GET, .key = text(key)}));
}

static uint64_t size(void)
{
    uint64_t number;
    struct cc_answer answer = query(&(struct cc_map_operation){.code = CC_MAP_SIZE});

    assert_int_equal(answer.status, COPYCAT_OK);
    assert_true(cc_map_number_decode(answer.result, &number));
    return number;
}

static bool cas(const char *key, const char *expected, const char *value)
{
    return flag_in(command(&(struct cc_map_operation){
        .code = CC_MAP_CAS, .key = text(key), .expected = text(expected), .value = text(value)}));
}

static bool is_live(uint64_t index)
{
    return !cc_apply_is_released(history.apply, index);
}

static void put_gives_the_value_before_and_lets_its_commit_go(void **state)
{
    (void)state;
    assert_string_equal(store(CC_MAP_PUT, "sky", "blue"), "-");

    uint64_t first = history.count;

    assert_true(is_live(first));
    assert_string_equal(store(CC_MAP_PUT, "sky", "grey"), "blue");
    assert_false(is_live(first));
    assert_true(is_live(history.count));
    assert_string_equal(get("sky"), "grey");
    assert_int_equal(size(), 1);
}

static void an_empty_value_is_a_value(void **state)
{
    (void)state;
    assert_string_equal(store(CC_MAP_PUT, "k", ""), "-");
    assert_string_equal(get("k"), "");
    assert_string_equal(get("l"), "-");
}

static void remove_gives_what_was_there_and_lives_on_in_nothing(void **state)
{
    (void)state;
    (void)store(CC_MAP_PUT, "k", "v");

    uint64_t put = history.count;
    struct cc_map_operation remove = {.code = CC_MAP_REMOVE, .key = text("k")};

    assert_string_equal(value_in(command(&remove)), "v");
    assert_false(is_live(put));
    assert_false(is_live(history.count));
    assert_string_equal(value_in(command(&remove)), "-");
    assert_false(is_live(history.count));
}

static void put_if_absent_stores_only_where_nothing_is(void **state)
{
    (void)state;
    assert_string_equal(store(CC_MAP_PUT_IF_ABSENT, "k", "v"), "-");
    assert_true(is_live(history.count));
    assert_string_equal(store(CC_MAP_PUT_IF_ABSENT, "k", "w"), "v");
    assert_false(is_live(history.count));
    assert_string_equal(get("k"), "v");
}

static void replace_stores_only_where_something_is(void **state)
{
    (void)state;
    assert_string_equal(store(CC_MAP_REPLACE, "k", "v"), "-");
    assert_false(is_live(history.count));
    assert_int_equal(size(), 0);
    (void)store(CC_MAP_PUT, "k", "v");
    assert_string_equal(store(CC_MAP_REPLACE, "k", "w"), "v");
    assert_true(is_live(history.count));
    assert_string_equal(get("k"), "w");
}

static void compare_and_set_stores_only_over_what_was_expected(void **state)
{
    (void)state;
    assert_false(cas("k", "", "v"));
    (void)store(CC_MAP_PUT, "k", "v");
    assert_false(cas("k", "x", "y"));
    assert_false(is_live(history.count));
    assert_true(cas("k", "v", "w"));
    assert_true(is_live(history.count));
    assert_string_equal(get("k"), "w");
}

static void clear_lets_every_commit_go(void **state)
{
    uint64_t first = history.count + 1;

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        char key[8];

        (void)snprintf(key, sizeof key, "%u", i);
        (void)store(CC_MAP_PUT, key, "v");
    }
    assert_int_equal(command(&(struct cc_map_operation){.code = CC_MAP_CLEAR}).status, COPYCAT_OK);
    for (uint64_t index = first; index <= history.count; index++) {
        assert_false(is_live(index));
    }
    assert_int_equal(size(), 0);
}

static void contains_and_size_look_without_changing(void **state)
{
    struct cc_map_operation contains = {.code = CC_MAP_CONTAINS, .key = text("k")};

    (void)state;
    assert_false(flag_in(query(&contains)));
    (void)store(CC_MAP_PUT, "k", "v");
    assert_true(flag_in(query(&contains)));
    assert_true(flag_in(command(&contains)));
    assert_false(is_live(history.count));
}

static void a_query_cannot_change(void **state)
{
    static const uint8_t changes[] = {CC_MAP_PUT,           CC_MAP_REMOVE,  CC_MAP_CLEAR,
                                      CC_MAP_PUT_IF_ABSENT, CC_MAP_REPLACE, CC_MAP_CAS};

    (void)state;
    (void)store(CC_MAP_PUT, "k", "v");
    for (size_t i = 0; i < sizeof changes; i++) {
        struct cc_map_operation operation = {
            .code = changes[i], .key = text("k"), .expected = text("v"), .value = text("w")};

        assert_int_equal(query(&operation).status, COPYCAT_ERR_UNKNOWN_OPERATION);
    }
    assert_string_equal(get("k"), "v");
}

static void keys_and_values_have_greatest_sizes(void **state)
{
    uint8_t *large = calloc(1, CC_VALUE_SIZE_MAX + 1);
    struct cc_map_operation put = {
        .code = CC_MAP_PUT, .key = text("k"), .value = {large, CC_VALUE_SIZE_MAX}};

    (void)state;
    assert_non_null(large);
    assert_int_equal(command(&put).status, COPYCAT_OK);

    struct cc_answer answer = command(&put);

    assert_int_equal(answer.status, COPYCAT_OK);
    assert_int_equal(answer.result.size, CC_VALUE_SIZE_MAX + 1);
    put.value.size++;
    assert_int_equal(command(&put).status, COPYCAT_ERR_TOO_LARGE);
    put.value.size = 1;
    put.key = (copycat_bytes){large, CC_KEY_SIZE_MAX};
    assert_int_equal(command(&put).status, COPYCAT_OK);
    put.key.size++;
    assert_int_equal(command(&put).status, COPYCAT_ERR_TOO_LARGE);
    put.key.size = 0;
    assert_int_equal(command(&put).status, COPYCAT_ERR_INVALID);
    free(large);
}

/* Reads all pages; returns the keys seen, each checked not to have come before. */
static unsigned read_pages(uint32_t limit, unsigned pages_max)
{
    struct cc_map_operation operation = {.code = CC_MAP_KEYS, .limit = limit};
    static char after[CC_KEY_SIZE_MAX];
    static bool seen[1000];
    unsigned count = 0;
    bool is_more = true;

    memset(seen, 0, sizeof seen);
    for (unsigned page = 0; is_more; page++) {
        struct cc_answer answer = query(&operation);
        struct cc_reader keys;
        copycat_bytes key;
        uint32_t on_page = 0;

        assert_true(page < pages_max);
        assert_int_equal(answer.status, COPYCAT_OK);
        assert_true(answer.result.size <= CC_MAP_PAGE_SIZE_MAX);
        assert_true(cc_map_page_decode(answer.result, &keys, &is_more));
        while (cc_map_page_next(&keys, &key)) {
            unsigned number = (unsigned)strtoul(key.data, NULL, 10);

            assert_false(seen[number]);
            seen[number] = true;
            memcpy(after, key.data, key.size);
            operation.key = (copycat_bytes){after, key.size};
            on_page++;
        }
        assert_true(cc_reader_is_done(&keys));
        assert_true(on_page <= limit && (on_page > 0 || !is_more));
        count += on_page;
    }
    return count;
}

static void keys_come_in_pages_each_key_once(void **state)
{
    (void)state;
    assert_int_equal(read_pages(10, 1), 0);
    for (unsigned i = 0; i < 1000; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "%u:", i);
        (void)store(CC_MAP_PUT, key, "v");
    }
    assert_int_equal(read_pages(1, 1001), 1000);
    assert_int_equal(read_pages(7, 144), 1000);
    assert_int_equal(read_pages(UINT32_MAX, 3), 1000);
}

static void long_keys_make_pages_of_few(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        char key[CC_KEY_SIZE_MAX + 1];

        memset(key, 'x', sizeof key);
        key[snprintf(key, 16, "%u:", i)] = 'x';
        key[CC_KEY_SIZE_MAX] = 0;
        (void)store(CC_MAP_PUT, key, "v");
    }
    assert_int_equal(read_pages(100, 8), 20);
}

static void nonsense_is_answered_and_forgotten(void **state)
{
    struct cc_prng prng = {9};
    struct cc_answer answer;
    unsigned kept = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t noise[12];
        copycat_bytes operation = {noise, cc_prng_below(&prng, sizeof noise)};

        for (size_t j = 0; j < operation.size; j++) {
            noise[j] = (uint8_t)cc_prng_below(&prng, j == 0 ? 12 : 4);
        }
        cc_apply_query(history.apply, map, operation, &answer);
        sequence++;
        (void)history_command(
            &history, &(struct cc_command){
                          .session = session,
                          .sequence = sequence,
                          .answered = sequence - 1,
                          .instance = map,
                          .operation = operation});
        kept += is_live(history.count);
    }
    assert_true(kept > 0);
}

/* ---- against an array ------------------------------------------------------------------------ */

enum {
    MODEL_KEYS = 300,
    MODEL_VALUES = 5
};

static const char *const model_values[MODEL_VALUES] = {
    "", "a", "b", "a longer value than sixteen bytes", "another value of many bytes"};

struct model {
    int values[MODEL_KEYS]; /* -1: none */
    uint64_t indexes[MODEL_KEYS];
    uint64_t count;
};

static void model_store(struct model *model, unsigned key, int value, uint64_t index)
{
    model->count += model->values[key] < 0;
    model->values[key] = value;
    model->indexes[key] = index;
}

static void model_remove(struct model *model, unsigned key)
{
    model->count -= model->values[key] >= 0;
    model->values[key] = -1;
}

static const char *model_value(const struct model *model, unsigned key)
{
    return model->values[key] < 0 ? "-" : model_values[model->values[key]];
}

static void model_step(struct model *model, struct cc_prng *prng)
{
    char key[16];
    unsigned number = (unsigned)cc_prng_below(prng, MODEL_KEYS);
    int value = (int)cc_prng_below(prng, MODEL_VALUES);
    int expected = (int)cc_prng_below(prng, MODEL_VALUES);
    const char *before = model_value(model, number);
    bool is_there = model->values[number] >= 0;

    (void)snprintf(key, sizeof key, "%u", number);
    switch (cc_prng_below(prng, 7)) {
    case 0:
        assert_string_equal(store(CC_MAP_PUT_IF_ABSENT, key, model_values[value]), before);
        if (!is_there) {
            model_store(model, number, value, history.count);
        }
        break;
    case 1:
        assert_string_equal(store(CC_MAP_REPLACE, key, model_values[value]), before);
        if (is_there) {
            model_store(model, number, value, history.count);
        }
        break;
    case 2: {
        bool is_stored = is_there && model->values[number] == expected;

        assert_int_equal(cas(key, model_values[expected], model_values[value]), is_stored);
        if (is_stored) {
            model_store(model, number, value, history.count);
        }
        break;
    }
    case 3:
    case 4:
        assert_string_equal(
            value_in(command(&(struct cc_map_operation){.code = CC_MAP_REMOVE, .key = text(key)})),
            before);
        model_remove(model, number);
        break;
    default:
        assert_string_equal(store(CC_MAP_PUT, key, model_values[value]), before);
        model_store(model, number, value, history.count);
        break;
    }
}

static void random_operations_agree_with_an_array(void **state)
{
    static struct model model;
    struct cc_prng prng = {1};

    (void)state;
    memset(&model, 0, sizeof model);
    for (int i = 0; i < MODEL_KEYS; i++) {
        model.values[i] = -1;
    }
    for (int step = 0; step < 100000; step++) {
        char key[16];
        unsigned number = (unsigned)cc_prng_below(&prng, MODEL_KEYS);

        model_step(&model, &prng);
        (void)snprintf(key, sizeof key, "%u", number);
        assert_string_equal(get(key), model_value(&model, number));
        assert_int_equal(size(), model.count);
        if (model.values[number] >= 0) {
            assert_true(is_live(model.indexes[number]));
        }
        if (step % 20000 == 0) {
            assert_true(history_can_be_restored(&history));
        }
        if (cc_prng_below(&prng, 20000) == 0) {
            (void)command(&(struct cc_map_operation){.code = CC_MAP_CLEAR});
            for (unsigned i = 0; i < MODEL_KEYS; i++) {
                model_remove(&model, i);
            }
        }
    }
}

/* The entry itself, or a look at the map in its place if what it stored has not lasted. */
static struct cc_entry lasting_entry(uint64_t index, struct cc_writer *writer)
{
    struct cc_entry entry;
    struct cc_command said;

    assert_true(history_entry_at(&history, index, &entry));
    if (entry.kind != CC_ENTRY_COMMAND || is_live(index)) {
        return entry;
    }
    assert_true(cc_command_decode(entry.payload, &said));
    said.operation = encoded(&(struct cc_map_operation){.code = CC_MAP_SIZE});
    cc_writer_clear(writer);
    cc_command_encode(writer, &said);
    entry.payload = (copycat_bytes){writer->data, writer->size};
    return entry;
}

/* One member's map stored, overwrote and removed; the other's stored only what was left over. */
static void equal_records_by_different_ways_have_equal_digests(void **state)
{
    struct cc_prng prng = {8};
    struct counted_memory counted;
    struct cc_apply_options other = options;
    struct cc_writer writer;

    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "%u", (unsigned)cc_prng_below(&prng, 700));
        (void)store(CC_MAP_PUT, key, i % 2 == 0 ? "v" : "a value of more than a few bytes");
        if (i % 4 == 0) {
            (void)command(&(struct cc_map_operation){.code = CC_MAP_REMOVE, .key = text(key)});
        }
    }
    assert_string_equal(store(CC_MAP_PUT, "the last answer is kept", "v"), "-");
    counted_memory_init(&counted, 0x11);
    other.memory = &counted.memory;
    cc_writer_init(&writer, &counted.memory, CC_ENTRY_PAYLOAD_SIZE_MAX);

    struct cc_apply *apply = cc_apply_create(&other);

    for (uint64_t index = 1; index <= history.count; index++) {
        struct cc_entry entry = lasting_entry(index, &writer);
        struct cc_outcome outcome;

        cc_apply_entry(apply, &entry, &outcome);
    }
    assert_true(cc_apply_digest(apply) == cc_apply_digest(history.apply));
    cc_apply_destroy(apply);
    cc_writer_deinit(&writer);
    assert_int_equal(counted.blocks, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(put_gives_the_value_before_and_lets_its_commit_go),
        TEST(an_empty_value_is_a_value),
        TEST(remove_gives_what_was_there_and_lives_on_in_nothing),
        TEST(put_if_absent_stores_only_where_nothing_is),
        TEST(replace_stores_only_where_something_is),
        TEST(compare_and_set_stores_only_over_what_was_expected),
        TEST(clear_lets_every_commit_go),
        TEST(contains_and_size_look_without_changing),
        TEST(a_query_cannot_change),
        TEST(keys_and_values_have_greatest_sizes),
        TEST(keys_come_in_pages_each_key_once),
        TEST(long_keys_make_pages_of_few),
        TEST(nonsense_is_answered_and_forgotten),
        TEST(random_operations_agree_with_an_array),
        TEST(equal_records_by_different_ways_have_equal_digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

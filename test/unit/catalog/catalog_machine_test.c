/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_machine_test -- paths and the resources they name.
 */
#include "base/prng.h"
#include "catalog/catalog_machine.h"
#include "proto/catalog_operation.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/apply_history.h"
#include "support/probe_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const copycat_machine_type *const types[] = {
    &probe_machine_type, &cc_map_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type};

static struct history history;
static uint64_t session;
static uint64_t sequence;

static int setup(void **state)
{
    (void)state;
    history_init(&history, &options);
    session = history_open(&history, 1);
    sequence = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_true(history_can_be_restored(&history));
    history_deinit(&history);
    return 0;
}

static copycat_status open_path(const char *path, uint32_t type, uint64_t *instance_out)
{
    return history_create(&history, session, ++sequence, path, type, instance_out);
}

static copycat_status look_up(const char *path, struct cc_catalog_place *place_out)
{
    uint8_t bytes[2048];
    struct cc_writer writer;
    struct cc_answer answer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_catalog_operation_encode(
        &writer,
        &(struct cc_catalog_operation){.code = CC_CATALOG_LOOKUP, .path = {path, strlen(path)}});
    cc_apply_query(
        history.apply, CC_CATALOG_INSTANCE, (copycat_bytes){writer.data, writer.size}, &answer);
    if (answer.status == COPYCAT_OK) {
        assert_true(cc_catalog_place_decode(answer.result, place_out));
    }
    return answer.status;
}

static void a_path_is_created_once_and_then_found(void **state)
{
    uint64_t first;
    uint64_t second;

    (void)state;
    assert_int_equal(open_path("/colors", CC_MAP_TYPE_ID, &first), COPYCAT_OK);
    assert_int_equal(first, history.count);
    assert_false(cc_apply_is_released(history.apply, history.count));
    assert_int_equal(open_path("colors", CC_MAP_TYPE_ID, &second), COPYCAT_OK);
    assert_int_equal(first, second);
    assert_true(cc_apply_is_released(history.apply, history.count));
}

static void a_path_has_one_type(void **state)
{
    uint64_t instance;

    (void)state;
    assert_int_equal(open_path("x", CC_MAP_TYPE_ID, &instance), COPYCAT_OK);
    assert_int_equal(open_path("/x", PROBE_TYPE_ID, &instance), COPYCAT_ERR_TYPE);
}

static void a_type_that_nobody_knows_is_not_supported(void **state)
{
    uint64_t instance;

    (void)state;
    assert_int_equal(open_path("x", 999, &instance), COPYCAT_ERR_UNSUPPORTED);
    assert_int_equal(open_path("x", CC_CATALOG_TYPE_ID, &instance), COPYCAT_ERR_UNSUPPORTED);
    assert_int_equal(open_path("x", CC_MAP_TYPE_ID, &instance), COPYCAT_OK);
}

static void a_bad_path_is_refused(void **state)
{
    char text[CC_PATH_SIZE_MAX + 2];
    uint64_t instance;

    (void)state;
    memset(text, 'a', sizeof text);
    text[CC_PATH_SIZE_MAX + 1] = 0;
    assert_int_equal(open_path(text, CC_MAP_TYPE_ID, &instance), COPYCAT_ERR_PATH);
    assert_int_equal(open_path("a//b", CC_MAP_TYPE_ID, &instance), COPYCAT_ERR_PATH);
    assert_int_equal(open_path("", CC_MAP_TYPE_ID, &instance), COPYCAT_ERR_PATH);
}

static void a_path_can_be_looked_up_without_creating_it(void **state)
{
    struct cc_catalog_place place;
    uint64_t instance;

    (void)state;
    assert_int_equal(look_up("x", &place), COPYCAT_ERR_UNKNOWN_RESOURCE);
    assert_int_equal(open_path("x", PROBE_TYPE_ID, &instance), COPYCAT_OK);
    assert_int_equal(look_up("/x", &place), COPYCAT_OK);
    assert_int_equal(place.instance, instance);
    assert_int_equal(place.type, PROBE_TYPE_ID);
    assert_int_equal(look_up("x/", &place), COPYCAT_ERR_PATH);
}

static bool opening_needs_no_room(const char *path)
{
    uint8_t bytes[256];
    struct cc_writer writer;
    struct cc_command command = {.instance = CC_CATALOG_INSTANCE};

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_catalog_operation_encode(
        &writer,
        &(struct cc_catalog_operation){
            .code = CC_CATALOG_OPEN, .type = CC_MAP_TYPE_ID, .path = {path, strlen(path)}});
    command.operation = (copycat_bytes){writer.data, writer.size};
    return cc_apply_needs_no_room(history.apply, &command);
}

/* Who wants to remove something has to open it first. */
static void opening_what_is_there_needs_no_room(void **state)
{
    uint64_t instance;

    (void)state;
    assert_false(opening_needs_no_room("/colors"));
    assert_int_equal(open_path("/colors", CC_MAP_TYPE_ID, &instance), COPYCAT_OK);
    assert_true(opening_needs_no_room("/colors"));
    assert_true(opening_needs_no_room("/no//form"));
}

static void opening_is_no_query(void **state)
{
    uint8_t bytes[64];
    struct cc_writer writer;
    struct cc_answer answer;

    (void)state;
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_catalog_operation_encode(
        &writer, &(struct cc_catalog_operation){
                     .code = CC_CATALOG_OPEN, .type = CC_MAP_TYPE_ID, .path = {"x", 1}});
    cc_apply_query(
        history.apply, CC_CATALOG_INSTANCE, (copycat_bytes){writer.data, writer.size}, &answer);
    assert_int_equal(answer.status, COPYCAT_ERR_UNKNOWN_OPERATION);
}

static void nonsense_is_answered_and_forgotten(void **state)
{
    struct cc_prng prng = {5};

    (void)state;
    for (int i = 0; i < 5000; i++) {
        uint8_t bytes[12];
        size_t size = cc_prng_below(&prng, sizeof bytes);

        for (size_t j = 0; j < size; j++) {
            bytes[j] = (uint8_t)cc_prng_below(&prng, 4);
        }
        sequence++;
        (void)history_command(
            &history, &(struct cc_command){
                          .session = session,
                          .sequence = sequence,
                          .answered = sequence - 1,
                          .operation = {bytes, size}});
        assert_int_not_equal(history.outcome.answer.status, COPYCAT_OK);
        assert_true(cc_apply_is_released(history.apply, history.count));
    }
}

static void many_paths_keep_their_instances(void **state)
{
    enum {
        PATHS = 500
    };

    static uint64_t instances[PATHS];
    struct cc_catalog_place place;

    (void)state;
    for (unsigned i = 0; i < PATHS; i++) {
        char path[32];

        (void)snprintf(path, sizeof path, "/%u/p", i * 7919u % PATHS);
        assert_int_equal(open_path(path, PROBE_TYPE_ID, &instances[i * 7919u % PATHS]), COPYCAT_OK);
    }
    for (unsigned i = 0; i < PATHS; i++) {
        char path[32];

        (void)snprintf(path, sizeof path, "%u/p", i);
        assert_int_equal(look_up(path, &place), COPYCAT_OK);
        assert_int_equal(place.instance, instances[i]);
    }
}

/* Decided while applying, so that every member refuses the same ones; what is there is still found. */
static void there_is_an_end_to_what_can_be_created(void **state)
{
    struct cc_catalog_place place;
    char path[32] = "";
    uint64_t first;
    uint64_t instance;

    (void)state;
    assert_int_equal(open_path("first", PROBE_TYPE_ID, &first), COPYCAT_OK);
    for (unsigned i = 1; i < CC_RESOURCES_MAX; i++) {
        (void)snprintf(path, sizeof path, "%08u", i);
        assert_int_equal(open_path(path, PROBE_TYPE_ID, &instance), COPYCAT_OK);
    }
    assert_int_equal(open_path("one/more", PROBE_TYPE_ID, &instance), COPYCAT_ERR_QUOTA);
    assert_true(cc_apply_is_released(history.apply, history.count));
    assert_int_equal(look_up("one/more", &place), COPYCAT_ERR_UNKNOWN_RESOURCE);
    assert_int_equal(open_path("first", PROBE_TYPE_ID, &instance), COPYCAT_OK);
    assert_int_equal(instance, first);
    assert_int_equal(open_path("first", CC_MAP_TYPE_ID, &instance), COPYCAT_ERR_TYPE);
    assert_int_equal(open_path(path, PROBE_TYPE_ID, &instance), COPYCAT_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_is_an_end_to_what_can_be_created),
        TEST(a_path_is_created_once_and_then_found),
        TEST(a_path_has_one_type),
        TEST(a_type_that_nobody_knows_is_not_supported),
        TEST(a_bad_path_is_refused),
        TEST(a_path_can_be_looked_up_without_creating_it),
        TEST(opening_what_is_there_needs_no_room),
        TEST(opening_is_no_query),
        TEST(nonsense_is_answered_and_forgotten),
        TEST(many_paths_keep_their_instances),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

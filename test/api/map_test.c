/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_test -- every operation of a map and every getter of a value, against a server in this
 * process.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static struct cluster cluster;
static copycat_client *client;
static copycat_map *map;

static int start(void **state)
{
    (void)state;
    cluster_start(&cluster, 1, NULL);
    client = cluster_client(&cluster);
    return 0;
}

static int end(void **state)
{
    (void)state;
    copycat_client_close(client, NULL, NULL);
    cluster_end(&cluster);
    return 0;
}

static int open_map(void **state)
{
    static unsigned maps;
    char path[32];

    (void)state;
    snprintf(path, sizeof path, "/map/%u", maps++);
    map = copycat_map_at(client, path);
    return 0;
}

static int free_map(void **state)
{
    (void)state;
    copycat_map_free(map);
    return 0;
}

static void assert_absent(copycat_future *future)
{
    copycat_value *value = result_of(future);

    assert_true(copycat_value_is_absent(value));
    assert_null(copycat_value_bytes(value).data);
    assert_int_equal(copycat_value_bytes(value).size, 0);
    copycat_value_free(value);
}

static void assert_value(copycat_future *future, const char *text)
{
    copycat_value *value = result_of(future);

    assert_false(copycat_value_is_absent(value));
    assert_bytes(copycat_value_bytes(value), text);
    assert_int_equal(((const char *)copycat_value_bytes(value).data)[strlen(text)], 0);
    copycat_value_free(value);
}

static void assert_answer(copycat_future *future, int expected)
{
    copycat_value *value = result_of(future);

    assert_int_equal(copycat_value_bool(value), expected);
    copycat_value_free(value);
}

static void put_tells_the_value_before(void **state)
{
    (void)state;
    assert_absent(copycat_map_put(map, STR("sky"), STR("blue"), NULL));
    assert_value(copycat_map_put(map, STR("sky"), STR("grey"), NULL), "blue");
    assert_value(copycat_map_get(map, STR("sky"), NULL), "grey");
}

static void an_empty_value_is_not_an_absent_one(void **state)
{
    copycat_value *value;

    (void)state;
    assert_absent(copycat_map_get(map, STR("key"), NULL));
    assert_absent(copycat_map_put(map, STR("key"), STR(""), NULL));
    value = result_of(copycat_map_get(map, STR("key"), NULL));
    assert_false(copycat_value_is_absent(value));
    assert_non_null(copycat_value_bytes(value).data);
    assert_int_equal(copycat_value_bytes(value).size, 0);
    copycat_value_free(value);
}

static void remove_contains_and_size_agree(void **state)
{
    copycat_value *value;

    (void)state;
    assert_absent(copycat_map_put(map, STR("a"), STR("1"), NULL));
    assert_absent(copycat_map_put(map, STR("b"), STR("2"), NULL));
    assert_answer(copycat_map_contains(map, STR("a"), NULL), 1);
    assert_value(copycat_map_remove(map, STR("a"), NULL), "1");
    assert_absent(copycat_map_remove(map, STR("a"), NULL));
    assert_answer(copycat_map_contains(map, STR("a"), NULL), 0);
    value = result_of(copycat_map_size(map, NULL));
    assert_int_equal(copycat_value_uint64(value), 1);
    copycat_value_free(value);
}

static void conditions_are_met_or_nothing_is_stored(void **state)
{
    (void)state;
    assert_absent(copycat_map_replace(map, STR("k"), STR("x"), NULL));
    assert_absent(copycat_map_get(map, STR("k"), NULL));
    assert_absent(copycat_map_put_if_absent(map, STR("k"), STR("first"), NULL));
    assert_value(copycat_map_put_if_absent(map, STR("k"), STR("second"), NULL), "first");
    assert_value(copycat_map_replace(map, STR("k"), STR("third"), NULL), "first");
    assert_answer(copycat_map_compare_and_set(map, STR("k"), STR("first"), STR("fourth"), NULL), 0);
    assert_answer(copycat_map_compare_and_set(map, STR("k"), STR("third"), STR("fourth"), NULL), 1);
    assert_value(copycat_map_get(map, STR("k"), NULL), "fourth");
}

static void keys_come_in_pages_each_once(void **state)
{
    copycat_bytes after = {NULL, 0};
    copycat_value *last = NULL;
    uint32_t seen[10] = {0};
    int is_more = 1;

    (void)state;
    for (char digit = '0'; digit <= '9'; digit++) {
        assert_absent(copycat_map_put(map, (copycat_bytes){&digit, 1}, STR("x"), NULL));
    }
    while (is_more) {
        copycat_value *page = result_of(copycat_map_keys(map, after, 3, NULL));

        assert_true(copycat_value_count(page) <= 3);
        for (uint32_t i = 0; i < copycat_value_count(page); i++) {
            seen[*(const char *)copycat_value_at(page, i).data - '0']++;
        }
        is_more = copycat_value_is_more(page);
        after = copycat_value_at(page, copycat_value_count(page) - 1);
        assert_null(copycat_value_at(page, copycat_value_count(page)).data);
        copycat_value_free(last);
        last = page;
    }
    copycat_value_free(last);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void a_cleared_map_is_empty(void **state)
{
    copycat_value *value;

    (void)state;
    assert_absent(copycat_map_put(map, STR("a"), STR("1"), NULL));
    value = result_of(copycat_map_clear(map, NULL));
    assert_true(copycat_value_is_absent(value));
    copycat_value_free(value);
    value = result_of(copycat_map_keys(map, (copycat_bytes){NULL, 0}, 0, NULL));
    assert_int_equal(copycat_value_count(value), 0);
    assert_false(copycat_value_is_more(value));
    copycat_value_free(value);
}

static void the_index_of_a_read_is_not_before_that_of_the_write(void **state)
{
    copycat_value *written = result_of(copycat_map_put(map, STR("k"), STR("v"), NULL));
    copycat_value *read = result_of(copycat_map_get(map, STR("k"), NULL));

    (void)state;
    assert_true(copycat_value_index(written) > 0);
    assert_true(copycat_value_index(read) >= copycat_value_index(written));
    copycat_value_free(written);
    copycat_value_free(read);
}

static void every_level_of_reading_sees_ones_own_writes_but_the_last(void **state)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;

    (void)state;
    assert_absent(copycat_map_put(map, STR("k"), STR("v"), NULL));
    for (uint32_t level = COPYCAT_LINEARIZABLE; level <= COPYCAT_SEQUENTIAL; level++) {
        options.consistency = level;
        assert_value(copycat_map_get(map, STR("k"), &options), "v");
    }
    options.consistency = COPYCAT_EVENTUAL;
    copycat_value_free(result_of(copycat_map_get(map, STR("k"), &options)));
}

static void getters_of_nothing_give_nothing(void **state)
{
    (void)state;
    assert_true(copycat_value_is_absent(NULL));
    assert_null(copycat_value_bytes(NULL).data);
    assert_int_equal(copycat_value_bool(NULL), 0);
    assert_int_equal(copycat_value_uint64(NULL), 0);
    assert_int_equal(copycat_value_index(NULL), 0);
    assert_int_equal(copycat_value_count(NULL), 0);
    assert_null(copycat_value_at(NULL, 0).data);
    assert_int_equal(copycat_value_is_more(NULL), 0);
    copycat_value_free(NULL);
    copycat_map_free(NULL);
    copycat_resource_free(NULL);
    copycat_client_close(NULL, NULL, NULL);
    copycat_server_close(NULL);
    copycat_queue_close(NULL);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static copycat_status status_of(copycat_future *future)
{
    copycat_value *value = (copycat_value *)&value; /* to be overwritten */
    copycat_status status = copycat_await(future, PATIENCE_MS, &value);

    if (status != COPYCAT_OK) {
        assert_null(value);
    }
    copycat_value_free(value);
    return status;
}

static void bad_arguments_are_refused_through_the_future(void **state)
{
    const size_t size = (size_t)(1u << 20) + 1;
    char *large = calloc(1, size);

    (void)state;
    assert_int_equal(status_of(copycat_map_put(map, STR(""), STR("v"), NULL)), COPYCAT_ERR_INVALID);
    assert_int_equal(
        status_of(copycat_map_put(map, (copycat_bytes){large, 4097}, STR("v"), NULL)),
        COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(
        status_of(copycat_map_put(map, STR("k"), (copycat_bytes){large, size}, NULL)),
        COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(
        status_of(copycat_map_put(map, STR("k"), (copycat_bytes){large, size - 1}, NULL)),
        COPYCAT_OK);
    free(large);
}

static void bad_options_are_refused_through_the_future(void **state)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;

    struct {
        copycat_call_options known;
        uint64_t unknown;
    } newer = {.known = COPYCAT_CALL_OPTIONS_INIT};

    (void)state;
    options.consistency = COPYCAT_EVENTUAL + 1;
    assert_int_equal(status_of(copycat_map_get(map, STR("k"), &options)), COPYCAT_ERR_INVALID);
    options.consistency = 0;
    options.reserved = 1;
    assert_int_equal(status_of(copycat_map_get(map, STR("k"), &options)), COPYCAT_ERR_INVALID);
    options.reserved = 0;
    options.timeout_ms = COPYCAT_NONE - 1;
    assert_int_equal(status_of(copycat_map_get(map, STR("k"), &options)), COPYCAT_ERR_INVALID);
    options.timeout_ms = COPYCAT_NONE;
    assert_int_equal(status_of(copycat_map_get(map, STR("k"), &options)), COPYCAT_OK);
    options.size = 0;
    assert_int_equal(status_of(copycat_map_get(map, STR("k"), &options)), COPYCAT_ERR_INVALID);

    newer.known.size = sizeof newer;
    assert_int_equal(status_of(copycat_map_get(map, STR("k"), &newer.known)), COPYCAT_OK);
    newer.unknown = 1;
    assert_int_equal(
        status_of(copycat_map_get(map, STR("k"), &newer.known)), COPYCAT_ERR_UNSUPPORTED);
}

static void bad_paths_and_types_that_no_server_knows_are_refused(void **state)
{
    char path[1200];
    copycat_map *bad;
    copycat_resource *other;

    (void)state;
    memset(path, 'a', sizeof path);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    bad = copycat_map_at(client, path);
    assert_int_equal(status_of(copycat_map_size(bad, NULL)), COPYCAT_ERR_PATH);
    copycat_map_free(bad);
    bad = copycat_map_at(client, "/a//b");
    assert_int_equal(status_of(copycat_map_size(bad, NULL)), COPYCAT_ERR_PATH);
    copycat_map_free(bad);

    other = copycat_resource_at(client, "/unknown-type", 99);
    assert_int_equal(
        status_of(copycat_resource_submit(other, STR("x"), NULL)), COPYCAT_ERR_UNSUPPORTED);
    copycat_resource_free(other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_map, free_map)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(put_tells_the_value_before),
        TEST(an_empty_value_is_not_an_absent_one),
        TEST(remove_contains_and_size_agree),
        TEST(conditions_are_met_or_nothing_is_stored),
        TEST(keys_come_in_pages_each_once),
        TEST(a_cleared_map_is_empty),
        TEST(the_index_of_a_read_is_not_before_that_of_the_write),
        TEST(every_level_of_reading_sees_ones_own_writes_but_the_last),
        TEST(getters_of_nothing_give_nothing),
        TEST(bad_arguments_are_refused_through_the_future),
        TEST(bad_options_are_refused_through_the_future),
        TEST(bad_paths_and_types_that_no_server_knows_are_refused),
    };

    return cmocka_run_group_tests(tests, start, end);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_proxy_test -- what the client's half says is what the machine's half reads.
 */
#include "fake_cluster.h"
#include "resource/map/map_proxy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fake_cluster fake;
static struct cc_client *client;
static struct cc_map map;
static struct cc_map_call call;
static uint32_t done_count;
static struct cc_map_operation heard;
static uint8_t heard_bytes[256];

/* The fake cluster answers a command with its own operation. */
static void done(struct cc_call *made)
{
    done_count++;
    assert_int_equal(made->status, COPYCAT_OK);
    if (made->kind == CC_CALL_COMMAND) {
        assert_true(made->result.size <= sizeof heard_bytes);
        memcpy(heard_bytes, made->result.data, made->result.size);
        assert_int_equal(
            cc_map_operation_decode((copycat_bytes){heard_bytes, made->result.size}, &heard),
            COPYCAT_OK);
    }
}

static void closed(void *owner)
{
    (void)owner;
    client = NULL;
}

static int setup(void **state)
{
    struct cc_client_options options = {.addresses = fake_addresses, .address_count = FAKE_SERVERS};

    (void)state;
    fake_init(&fake);
    assert_int_equal(cc_client_open(&client, &fake.env, &options, NULL, NULL), COPYCAT_OK);
    cc_map_init(&map, client, "/colors");
    cc_map_call_init(&call, &fake.memory, done, NULL);
    done_count = 0;
    fake_pass(&fake, 100000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_client_close(client, closed, NULL);
    fake_pass(&fake, 1000000);
    assert_null(client);
    cc_map_call_deinit(&call);
    fake_deinit(&fake);
    return 0;
}

static copycat_bytes text(const char *string)
{
    return (copycat_bytes){string, strlen(string)};
}

static void assert_heard(copycat_status status, uint8_t code, const char *key, const char *value)
{
    assert_int_equal(status, COPYCAT_OK);
    fake_pass(&fake, 10000);
    assert_int_equal(heard.code, code);
    assert_int_equal(heard.key.size, strlen(key));
    assert_memory_equal(heard.key.data, key, strlen(key));
    assert_int_equal(heard.value.size, strlen(value));
    if (heard.value.size > 0) {
        assert_memory_equal(heard.value.data, value, strlen(value));
    }
}

static void what_changes_the_map_is_a_command(void **state)
{
    (void)state;
    assert_heard(cc_map_put(&map, &call, text("sky"), text("blue")), CC_MAP_PUT, "sky", "blue");
    assert_heard(
        cc_map_put_if_absent(&map, &call, text("sea"), text("green")), CC_MAP_PUT_IF_ABSENT, "sea",
        "green");
    assert_heard(
        cc_map_replace(&map, &call, text("sky"), text("grey")), CC_MAP_REPLACE, "sky", "grey");
    assert_heard(
        cc_map_cas(&map, &call, text("sky"), text("old"), text("new")), CC_MAP_CAS, "sky", "new");
    assert_memory_equal(heard.expected.data, "old", 3);
    assert_heard(cc_map_remove(&map, &call, text("sky")), CC_MAP_REMOVE, "sky", "");
    assert_heard(cc_map_clear(&map, &call), CC_MAP_CLEAR, "", "");
    assert_int_equal(done_count, 6);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_QUERY), 0);
}

static void what_only_looks_is_a_query(void **state)
{
    (void)state;
    assert_int_equal(cc_map_get(&map, &call, text("sky")), COPYCAT_OK);
    fake_pass(&fake, 10000);
    assert_int_equal(cc_map_contains(&map, &call, text("sky")), COPYCAT_OK);
    fake_pass(&fake, 10000);
    assert_int_equal(cc_map_size(&map, &call), COPYCAT_OK);
    fake_pass(&fake, 10000);
    assert_int_equal(cc_map_keys(&map, &call, (copycat_bytes){NULL, 0}, 10), COPYCAT_OK);
    fake_pass(&fake, 10000);
    assert_int_equal(done_count, 4);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_QUERY), 4);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), 1); /* the path */
}

static void what_cannot_be_said_is_not_called(void **state)
{
    static const uint8_t large[CC_VALUE_SIZE_MAX + 1];

    (void)state;
    assert_int_equal(
        cc_map_put(&map, &call, text("k"), (copycat_bytes){large, sizeof large}),
        COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(
        cc_map_get(&map, &call, (copycat_bytes){large, CC_KEY_SIZE_MAX + 1}),
        COPYCAT_ERR_TOO_LARGE);
    fake.is_out_of_memory = true;
    assert_int_equal(cc_map_put(&map, &call, text("k"), text("v")), COPYCAT_ERR_MEMORY);
    fake.is_out_of_memory = false;
    fake_pass(&fake, 10000);
    assert_int_equal(done_count, 0);
    assert_int_equal(fake_count(&fake, CC_MESSAGE_COMMAND), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_changes_the_map_is_a_command),
        TEST(what_only_looks_is_a_query),
        TEST(what_cannot_be_said_is_not_called),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}

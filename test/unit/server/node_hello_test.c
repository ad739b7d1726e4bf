/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_hello -- who does not belong here is told why, a base that is not ours is not taken, and a
 * server is not opened with options that make no sense.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *text;

static int set_up_member(void **state)
{
    (void)state;
    stand_make(3);
    return 0;
}

/* One of three: the others have never been there. */
static int set_up_founding(void **state)
{
    (void)state;
    stand_make(1);
    assert_int_equal(stand_server(0)->state, CC_SERVER_FOUNDING);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_free();
    return 0;
}

static copycat_status check(const struct cc_hello *hello)
{
    return cc_server_check_hello(stand_server(0), hello, &text);
}

/* As server 2 says it. */
static struct cc_hello hello_of_two(void)
{
    struct cc_hello hello;

    cc_server_fill_hello(stand_server(1), &hello);
    assert_int_equal(check(&hello), COPYCAT_OK);
    return hello;
}

static void expect(const struct cc_hello *hello, copycat_status status, const char *words)
{
    assert_int_equal(check(hello), status);
    if (strstr(text, words) == NULL) {
        fail_msg("no \"%s\" in \"%s\"", words, text);
    }
}

static void refuses_protocols_it_does_not_speak(void **state)
{
    struct cc_hello hello = hello_of_two();

    (void)state;
    hello.version_max++;
    assert_int_equal(check(&hello), COPYCAT_OK);
    hello.version_min = hello.version_max;
    expect(&hello, COPYCAT_ERR_VERSION, "upgrade the older side");
    hello.version_min = 0;
    hello.version_max = CC_PROTOCOL_VERSION - 1;
    expect(&hello, COPYCAT_ERR_VERSION, "upgrade the older side");
}

static void refuses_another_cluster(void **state)
{
    struct cc_hello hello = hello_of_two();

    (void)state;
    hello.cluster_id[3] ^= 1;
    expect(&hello, COPYCAT_ERR_CLUSTER, "another cluster");
    memset(hello.cluster_id, 0, sizeof hello.cluster_id); /* none yet */
    assert_int_equal(check(&hello), COPYCAT_OK);
}

/* T-012, T-015: an id alone is nobody. */
static void refuses_peers_that_are_not_who_they_say(void **state)
{
    struct cc_hello hello = hello_of_two();

    (void)state;
    hello.server = 1; /* as this one itself */
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "not in the member list");
    hello.server = 9;
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "not in the member list");
    hello = hello_of_two();
    hello.incarnation[5] ^= 1;
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "another incarnation");
    hello = hello_of_two();
    hello.boot--;
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "an older start");
    hello.boot += 2;
    assert_int_equal(check(&hello), COPYCAT_OK);
    hello.boot--;
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "an older start");
}

/* Whoever asks for images has to be a member as much as who sends entries. */
static void refuses_lanes_as_it_refuses_peers(void **state)
{
    struct cc_hello hello = hello_of_two();

    (void)state;
    hello.kind = CC_HELLO_LANE;
    assert_int_equal(check(&hello), COPYCAT_OK);
    hello.incarnation[5] ^= 1;
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "another incarnation");
    hello.server = 9;
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "not in the member list");
    hello.cluster_id[3] ^= 1;
    expect(&hello, COPYCAT_ERR_CLUSTER, "another cluster");
}

static void shows_both_lists_where_they_differ(void **state)
{
    struct cc_hello hello;

    (void)state;
    cc_server_fill_hello(stand_server(0), &hello);
    hello.server = 2;
    assert_int_equal(check(&hello), COPYCAT_OK);
    strcpy(hello.members.at[2].address, "elsewhere:1");
    expect(&hello, COPYCAT_ERR_NOT_MEMBER, "the member lists differ");
    assert_non_null(strstr(text, "3=s3:7458"));
    assert_non_null(strstr(text, "3=elsewhere:1"));
}

static void serves_no_clients_before_the_cluster_is_founded(void **state)
{
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION, .version_max = CC_PROTOCOL_VERSION};

    (void)state;
    hello.kind = CC_HELLO_CLIENT;
    expect(&hello, COPYCAT_ERR_UNAVAILABLE, "not founded yet");
    hello.kind = CC_HELLO_OBSERVER;
    assert_int_equal(check(&hello), COPYCAT_OK);
    cc_server_fill_hello(stand_server(0), &hello);
    hello.server = 2;
    hello.kind = CC_HELLO_LANE;
    expect(&hello, COPYCAT_ERR_UNAVAILABLE, "not founded yet");
}

/* ---- the base -------------------------------------------------------------------------------- */

/* A base with this server's incarnation in it, as the founder would have drawn it up. */
static struct cc_base base_of_one(void)
{
    struct cc_base base = {.cluster_id = {6}, .feature_level = CC_FEATURE_LEVEL};
    struct cc_server *server = stand_server(0);

    base.members = server->members;
    memcpy(
        base.members.at[0].incarnation, cc_journal_incarnation(server->journal),
        CC_INCARNATION_SIZE);
    return base;
}

static bool takes(const struct cc_base *base)
{
    cc_base_encode(stand_begin(), base);
    return cc_server_take_base(stand_server(0), stand_body());
}

static void takes_no_base_that_is_not_its_own(void **state)
{
    struct cc_server *server = stand_server(0);
    struct cc_base base = base_of_one();

    (void)state;
    base.members.at[0].incarnation[0] ^= 1;
    assert_false(takes(&base));
    assert_non_null(strstr(server->last_notice, "a former directory of this one"));
    base = base_of_one();
    memmove(&base.members.at[0], &base.members.at[1], 2 * sizeof base.members.at[0]);
    base.members.count = 2;
    assert_false(takes(&base));
    base = base_of_one();
    base.members.at[1].role = CC_ROLE_LEARNER;
    assert_false(takes(&base));
    assert_non_null(strstr(server->last_notice, "membership cannot change"));
    base = base_of_one();
    cc_base_encode(stand_begin(), &base);
    for (size_t size = 0; size < stand_body().size; size++) {
        assert_false(cc_server_take_base(server, (copycat_bytes){stand_body().data, size}));
    }
    assert_int_equal(server->founding_mark, 0);
    assert_int_equal(server->state, CC_SERVER_FOUNDING);

    strcpy(base.members.at[1].address, "elsewhere:1"); /* an address may move */
    assert_true(takes(&base));
    assert_true(takes(&base)); /* once more, while it is being stored */
    stand_run(1000000);
    assert_int_equal(server->state, CC_SERVER_MEMBER);
    assert_int_equal(cc_journal_base(server->journal)->cluster_id[0], 6);
    base.cluster_id[0] = 7; /* another, afterwards: there is one already */
    assert_true(takes(&base));
    stand_run(1000000);
    assert_int_equal(cc_journal_base(server->journal)->cluster_id[0], 6);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void *refuse(void *context, void *block, size_t size)
{
    (void)context;
    (void)block;
    (void)size;
    return NULL;
}

static copycat_status open_with(struct cc_world *world, const struct cc_server_options *options)
{
    struct cc_server_callbacks callbacks = {0};
    struct cc_server *server = NULL;
    copycat_status status =
        cc_server_open(&server, cc_world_env(world, 0), options, &callbacks, NULL);

    assert_int_equal(status == COPYCAT_OK, server != NULL);
    if (status != COPYCAT_OK) {
        assert_int_equal(cc_world_memory(world, 0), 0); /* nothing is left behind */
    }
    return status;
}

static void opens_with_no_options_that_make_no_sense(void **state)
{
    static const copycat_machine_type *const types[] = {NULL};
    static char long_directory[600];
    struct cc_members members = {.count = 1, .at[0] = {.id = 1, .role = CC_ROLE_VOTER}};
    struct cc_server_options good = {
        .id = 1, .members = &members, .directory = "/s1", .types = types};
    struct cc_world *world = cc_world_create(1, 1);
    struct cc_server_options options;
    struct cc_memory none = {refuse, NULL};
    const struct cc_memory *memory;

    (void)state;
    (void)cc_world_boot(world, 0);
    memset(long_directory, 'd', sizeof long_directory - 1);
    for (uint32_t field = 0; field < 7; field++) {
        options = good;
        options.id = field == 0 ? 0 : field == 1 ? 2 : 1;
        options.members = field == 2 ? NULL : &members;
        options.directory = field == 3 ? NULL : field == 4 ? "" : "/s1";
        options.directory = field == 5 ? long_directory : options.directory;
        options.types = field == 6 ? NULL : types;
        assert_int_equal(open_with(world, &options), COPYCAT_ERR_INVALID);
    }
    members.at[0].role = CC_ROLE_LEARNER; /* nobody votes */
    assert_int_equal(open_with(world, &good), COPYCAT_ERR_INVALID);
    members.count = CC_VOTERS_MAX + 1;
    for (uint32_t i = 0; i <= CC_VOTERS_MAX; i++) {
        members.at[i] = (struct cc_member){.id = i + 1, .role = CC_ROLE_VOTER};
    }
    assert_int_equal(open_with(world, &good), COPYCAT_ERR_INVALID);
    members.count = CC_VOTERS_MAX;
    memory = cc_world_env(world, 0)->memory;
    cc_world_env(world, 0)->memory = &none;
    assert_int_equal(open_with(world, &good), COPYCAT_ERR_MEMORY);
    cc_world_env(world, 0)->memory = memory;
    assert_int_equal(open_with(world, &good), COPYCAT_OK);
    cc_world_destroy(world);
}

#define MEMBER(name) cmocka_unit_test_setup_teardown(name, set_up_member, tear_down)
#define FOUNDING(name) cmocka_unit_test_setup_teardown(name, set_up_founding, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMBER(refuses_protocols_it_does_not_speak),
        MEMBER(refuses_another_cluster),
        MEMBER(refuses_peers_that_are_not_who_they_say),
        MEMBER(refuses_lanes_as_it_refuses_peers),
        FOUNDING(shows_both_lists_where_they_differ),
        FOUNDING(serves_no_clients_before_the_cluster_is_founded),
        FOUNDING(takes_no_base_that_is_not_its_own),
        cmocka_unit_test(opens_with_no_options_that_make_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_standing_test -- what silent servers and those without a leader say together, in one line.
 */
#include "standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cli_standings standings;
static char text[1024];

/* Three servers, none of which is reached. */
static int begin(void **state)
{
    copycat_message ignored;

    (void)state;
    assert_true(cli_standings_init(&standings, "a:1,b:2,c:3", &ignored));
    for (uint32_t i = 0; i < standings.count; i++) {
        standings.at[i].message = (copycat_message){.text = "connection refused"};
    }
    snprintf(
        standings.at[2].message.text, sizeof standings.at[2].message.text,
        "cannot connect to c:3: connection refused"); /* the address is not told twice */
    return 0;
}

/* Of three members; the others are not up. */
static void let_answer(uint32_t place, uint32_t leader)
{
    copycat_probe *probe = &standings.at[place].probe;

    standings.at[place].status = COPYCAT_OK;
    probe->state = COPYCAT_SERVER_MEMBER;
    probe->id = place + 1;
    probe->leader = leader;
    probe->member_count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        probe->members[i].id = i + 1;
    }
}

static void servers_with_the_same_cause_are_told_together(void **state)
{
    (void)state;
    cli_standings_describe(&standings, text, sizeof text);
    assert_string_equal(text, "nobody answers: a:1, b:2, c:3 (connection refused)");
    snprintf(standings.at[1].message.text, sizeof standings.at[1].message.text, "no route");
    cli_standings_describe(&standings, text, sizeof text);
    assert_string_equal(text, "nobody answers: a:1, c:3 (connection refused), b:2 (no route)");
}

static void servers_without_a_leader_are_counted(void **state)
{
    (void)state;
    let_answer(1, 0);
    cli_standings_describe(&standings, text, sizeof text);
    assert_string_equal(
        text, "no leader among 3 servers: a:1, c:3 (connection refused), b:2 (answers, but knows "
              "no leader; it does not reach members 1, 3)");
}

static void the_whole_cluster_counts_where_one_server_was_named(void **state)
{
    (void)state;
    standings.count = 1;
    let_answer(0, 0);
    cli_standings_explain(&standings, text, sizeof text);
    assert_non_null(strstr(text, "no leader among 3 servers; more than half of its members"));
}

static void a_leader_that_is_not_reached_is_none(void **state)
{
    (void)state;
    let_answer(1, 3);
    cli_standings_explain(&standings, text, sizeof text);
    assert_non_null(strstr(text, "no leader among 3 servers"));
    standings.at[1].probe.members[2].is_up = 1;
    cli_standings_explain(&standings, text, sizeof text);
    assert_non_null(strstr(text, "a leader is there now; try again"));
}

static void where_nobody_answers_the_remedy_is_named(void **state)
{
    (void)state;
    cli_standings_explain(&standings, text, sizeof text);
    assert_string_equal(
        text, "nobody answers; is copycatd running there? Other servers are named with --servers "
              "or COPYCAT_SERVERS");
}

static void what_does_not_fit_is_cut(void **state)
{
    (void)state;
    for (size_t size = 1; size < 60; size++) {
        memset(text, 'x', sizeof text);
        cli_standings_describe(&standings, text, size);
        assert_true(strlen(text) < size);
        memset(text, 'x', sizeof text);
        cli_standings_explain(&standings, text, size);
        assert_true(strlen(text) < size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(servers_with_the_same_cause_are_told_together, begin),
        cmocka_unit_test_setup(servers_without_a_leader_are_counted, begin),
        cmocka_unit_test_setup(the_whole_cluster_counts_where_one_server_was_named, begin),
        cmocka_unit_test_setup(a_leader_that_is_not_reached_is_none, begin),
        cmocka_unit_test_setup(where_nobody_answers_the_remedy_is_named, begin),
        cmocka_unit_test_setup(what_does_not_fit_is_cut, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_status_test -- what answers of several servers say when they are seen together.
 */
#include "status.h"
#include "status_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct cli_standings standings;
static struct cli_summary summary;

/* Three members that answer; the first one leads. */
static int begin(void **state)
{
    (void)state;
    memset(&standings, 0, sizeof standings);
    standings.count = 3;
    for (uint32_t i = 0; i < 3; i++) {
        copycat_probe *probe = &standings.at[i].probe;

        snprintf(standings.at[i].address, sizeof standings.at[i].address, "h:%u", i + 1);
        snprintf(probe->cluster, sizeof probe->cluster, "c");
        probe->id = i + 1;
        probe->leader = 1;
        probe->state = COPYCAT_SERVER_MEMBER;
        probe->role = i == 0 ? COPYCAT_ROLE_LEADER : COPYCAT_ROLE_FOLLOWER;
        probe->term = 2;
        probe->applied = 10;
        probe->last = 12;
        probe->digest = 77;
        probe->member_count = 3;
        for (uint32_t j = 0; j < 3; j++) {
            probe->members[j].id = j + 1;
            probe->members[j].match = 12 - j;
            probe->members[j].is_up = 1;
            snprintf(probe->members[j].address, sizeof probe->members[j].address, "h:%u", j + 1);
        }
    }
    return 0;
}

static int verdict(void)
{
    cli_status_sum_up(&standings, &summary);
    return cli_status_judge(&summary);
}

static void a_leader_and_a_majority_are_healthy(void **state)
{
    (void)state;
    assert_int_equal(verdict(), CLI_EXIT_YES);
    assert_int_equal(summary.leader->id, 1);
    assert_int_equal(summary.voter_count, 3);
    assert_int_equal(summary.answer_count, 3);
    assert_int_equal(summary.digest_index, 10);
    assert_int_equal(summary.digest_count, 3);
    standings.at[2].status = COPYCAT_ERR_UNAVAILABLE;
    assert_int_equal(verdict(), CLI_EXIT_YES);
    assert_int_equal(summary.answer_count, 2);
    assert_int_equal(summary.digest_count, 2);
}

static void without_a_majority_or_a_leader_it_is_not(void **state)
{
    (void)state;
    standings.at[1].status = COPYCAT_ERR_UNAVAILABLE;
    standings.at[2].status = COPYCAT_ERR_UNAVAILABLE;
    assert_int_equal(verdict(), CLI_EXIT_RETRY);
    begin(NULL);
    standings.at[0].probe.role = COPYCAT_ROLE_FOLLOWER;
    assert_int_equal(verdict(), CLI_EXIT_RETRY);
    assert_null(summary.leader);
    standings.count = 0;
    assert_int_equal(verdict(), CLI_EXIT_RETRY);
}

static void learners_are_no_majority(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        standings.at[i].probe.members[2].is_learner = 1;
    }
    standings.at[1].status = COPYCAT_ERR_UNAVAILABLE;
    assert_int_equal(verdict(), CLI_EXIT_RETRY);
    assert_int_equal(summary.voter_count, 2);
    assert_int_equal(summary.answer_count, 1);
}

static void who_has_failed_or_waits_takes_no_part(void **state)
{
    (void)state;
    standings.at[1].probe.state = COPYCAT_SERVER_FAILED;
    standings.at[2].probe.state = COPYCAT_SERVER_FOUNDING;
    assert_int_equal(verdict(), CLI_EXIT_RETRY);
    assert_int_equal(summary.answer_count, 1);
    assert_int_equal(summary.digest_count, 0);
}

static void different_digests_at_one_index_weigh_most(void **state)
{
    (void)state;
    standings.at[2].probe.digest = 78;
    assert_int_equal(verdict(), CLI_EXIT_UNKNOWN);
    standings.at[2].probe.applied = 9; /* at another index they may differ */
    assert_int_equal(verdict(), CLI_EXIT_YES);
    assert_int_equal(summary.digest_count, 2);
}

static void digests_agree_at_the_very_beginning_too(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        standings.at[i].probe.applied = 0;
    }
    assert_int_equal(verdict(), CLI_EXIT_YES);
    assert_int_equal(summary.digest_count, 3);
}

static void the_leader_of_the_newest_term_counts(void **state)
{
    (void)state;
    standings.at[2].probe.role = COPYCAT_ROLE_LEADER;
    standings.at[2].probe.term = 3;
    (void)verdict();
    assert_int_equal(summary.leader->id, 3);
}

static void servers_of_two_clusters_are_told_apart(void **state)
{
    (void)state;
    snprintf(standings.at[2].probe.cluster, sizeof standings.at[2].probe.cluster, "d");
    standings.at[2].probe.digest = 78; /* of another cluster: it may */
    assert_int_equal(verdict(), CLI_EXIT_RETRY);
    assert_true(summary.is_mixed);
    assert_false(summary.differs);
}

static void lag_is_what_the_leader_has_and_the_member_has_not(void **state)
{
    uint64_t lag = 99;

    (void)state;
    (void)verdict();
    assert_true(cli_status_lag(&summary, 1, &lag));
    assert_int_equal(lag, 0);
    assert_true(cli_status_lag(&summary, 3, &lag));
    assert_int_equal(lag, 2);
    assert_false(cli_status_lag(&summary, 4, &lag));
}

static void a_standing_says_why_nothing_can_be_done_there(void **state)
{
    copycat_probe *probe = &standings.at[0].probe;
    char text[640];

    (void)state;
    cli_standing_describe(&standings.at[0], text, sizeof text);
    assert_string_equal(text, "answers; its leader is member 1");
    probe->leader = 2;
    probe->members[1].is_up = 0;
    cli_standing_describe(&standings.at[0], text, sizeof text);
    assert_string_equal(text, "answers; its leader is member 2, which it does not reach");
    probe->leader = 0;
    cli_standing_describe(&standings.at[0], text, sizeof text);
    assert_string_equal(text, "answers, but knows no leader; it does not reach member 2");
    probe->state = COPYCAT_SERVER_FOUNDING;
    probe->members[2].is_up = 0;
    cli_standing_describe(&standings.at[0], text, sizeof text);
    assert_string_equal(text, "waits for members 2, 3, to found the cluster with them");
    standings.at[0].status = COPYCAT_ERR_UNAVAILABLE;
    snprintf(
        standings.at[0].message.text, sizeof standings.at[0].message.text,
        "cannot connect to h:1: connection refused");
    cli_standing_describe(&standings.at[0], text, sizeof text);
    assert_string_equal(text, "connection refused");
}

static void print_table(char *text, size_t size)
{
    FILE *file = fmemopen(text, size, "w");

    assert_non_null(file);
    (void)verdict();
    cli_status_print_table(file, &standings, &summary);
    fclose(file);
}

static void what_a_server_has_to_say_stands_below_the_table(void **state)
{
    char text[4096];

    (void)state;
    snprintf(standings.at[1].probe.notice, sizeof standings.at[1].probe.notice, "a long story");
    print_table(text, sizeof text);
    assert_non_null(strstr(text, "CONNECTIONS\n"));
    assert_null(strstr(text, "NOTICE"));
    assert_non_null(strstr(text, ": a long story\n"));
}

static void one_line_says_what_reading_again_has_found(void **state)
{
    char text[4096];

    (void)state;
    print_table(text, sizeof text);
    assert_non_null(strstr(
        text, "disks: not all was read again since the servers started; no damage was found\n"));
    for (uint32_t i = 0; i < 3; i++) {
        standings.at[i].probe.scrub.rounds = 1;
        standings.at[i].probe.scrub.age_ms = (i + 1) * UINT64_C(3600000);
    }
    standings.at[1].probe.scrub.found = 2;
    standings.at[1].probe.scrub.repaired = 1;
    print_table(text, sizeof text);
    assert_non_null(strstr(
        text, "disks: all was read again within the last 3 h; 2 damaged places found, 1 "
              "repaired\n"));
}

static void who_is_founding_has_no_digest_and_no_lag(void **state)
{
    char text[4096];

    (void)state;
    standings.at[2].probe.state = COPYCAT_SERVER_FOUNDING;
    standings.at[2].probe.digest = 0xabcdef;
    print_table(text, sizeof text);
    assert_null(strstr(text, "0000000000abcdef"));
}

static void lists_of_servers_are_read_as_the_library_reads_them(void **state)
{
    copycat_message message;

    (void)state;
    assert_true(cli_standings_init(&standings, "1=a:1,b:2/learner,unix:/x/y", &message));
    assert_int_equal(standings.count, 3);
    assert_string_equal(standings.at[0].address, "a:1");
    assert_string_equal(standings.at[1].address, "b:2");
    assert_string_equal(standings.at[2].address, "unix:/x/y");
    assert_false(cli_standings_init(&standings, "a:1,b", &message));
    assert_non_null(strstr(message.text, "'b' is neither"));
    assert_false(cli_standings_init(&standings, "", &message));
    assert_false(cli_standings_init(&standings, ":1", &message));
    assert_false(cli_standings_init(&standings, "a:", &message));
    assert_false(cli_standings_init(&standings, "127.0.0.1:99999", &message));
    assert_non_null(strstr(message.text, "'127.0.0.1:99999' has no port from 1 to 65535"));
    assert_false(cli_standings_init(&standings, "a:http", &message));
    assert_false(cli_standings_init(&standings, "a:0", &message));
    assert_true(cli_standings_init(&standings, "a:65535", &message));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_leader_and_a_majority_are_healthy, begin),
        cmocka_unit_test_setup(without_a_majority_or_a_leader_it_is_not, begin),
        cmocka_unit_test_setup(learners_are_no_majority, begin),
        cmocka_unit_test_setup(who_has_failed_or_waits_takes_no_part, begin),
        cmocka_unit_test_setup(different_digests_at_one_index_weigh_most, begin),
        cmocka_unit_test_setup(digests_agree_at_the_very_beginning_too, begin),
        cmocka_unit_test_setup(the_leader_of_the_newest_term_counts, begin),
        cmocka_unit_test_setup(servers_of_two_clusters_are_told_apart, begin),
        cmocka_unit_test_setup(lag_is_what_the_leader_has_and_the_member_has_not, begin),
        cmocka_unit_test_setup(a_standing_says_why_nothing_can_be_done_there, begin),
        cmocka_unit_test_setup(what_a_server_has_to_say_stands_below_the_table, begin),
        cmocka_unit_test_setup(one_line_says_what_reading_again_has_found, begin),
        cmocka_unit_test_setup(who_is_founding_has_no_digest_and_no_lag, begin),
        cmocka_unit_test(lists_of_servers_are_read_as_the_library_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

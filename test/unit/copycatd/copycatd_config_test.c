/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_config_test -- what daemon one gets from flags, variables and defaults, and what is
 * refused.
 */
#include "config_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct config_stand stand;

static int open_empty(void **state)
{
    (void)state;
    config_stand_open(&stand, "");
    return 0;
}

static int close_stand(void **state)
{
    (void)state;
    config_stand_close(&stand);
    return 0;
}

static unsigned lines_of(const char *text)
{
    unsigned count = 0;

    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* One sentence is told, and it holds `part`. */
static void assert_refused(const char *flags, const char *environment, const char *part)
{
    config_stand_load(&stand, flags, environment);
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    if (strstr(stand.err, part) == NULL || lines_of(stand.err) != 1) {
        fail_msg("'%s' is not what was told: %s", part, stand.err);
    }
}

static void without_arguments_it_is_a_cluster_of_one_on_loopback(void **state)
{
    const struct copycatd_config *config = &stand.config;

    (void)state;
    config_stand_load(&stand, "", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_string_equal(stand.out, "");
    assert_string_equal(stand.err, "");
    assert_int_equal(config->id, 1);
    assert_string_equal(config->listen, "127.0.0.1:7458");
    assert_string_equal(config->members_text, "1=127.0.0.1:7458");
    assert_int_equal(config->members.count, 1);
    assert_string_equal(config->data_dir, "/home/ann/.local/state/copycat");
    assert_null(config->path);
    assert_false(config->is_insecure);
    assert_int_equal(config->connections_max, 10000);
    assert_int_equal(config->journal_file_size, 64 << 20);
    assert_int_equal(config->election_timeout_ms, 1000);
    assert_int_equal(config->heartbeat_interval_ms, 200);
    assert_int_equal(config->log_format, COPYCATD_LOG_TEXT);
    assert_int_equal(config->log_level, COPYCATD_LOG_INFO);
}

static void a_flag_overrides_its_variable_and_that_overrides_the_default(void **state)
{
    (void)state;
    config_stand_load(&stand, "", "COPYCAT_LOG_LEVEL=debug");
    assert_int_equal(stand.config.log_level, COPYCATD_LOG_DEBUG);
    config_stand_load(&stand, "--log-level error", "COPYCAT_LOG_LEVEL=debug");
    assert_int_equal(stand.config.log_level, COPYCATD_LOG_ERROR);
    config_stand_load(&stand, "--log-level=error --log-level=warn", "");
    assert_int_equal(stand.config.log_level, COPYCATD_LOG_WARN);
}

static void an_empty_variable_counts_as_none(void **state)
{
    (void)state;
    config_stand_load(&stand, "", "COPYCAT_LOG_LEVEL= COPYCAT_ID=");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
}

static void a_bool_flag_alone_is_true(void **state)
{
    (void)state;
    config_stand_load(&stand, "--insecure --listen 0.0.0.0:7458", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_true(stand.config.is_insecure);
    config_stand_load(&stand, "--insecure=no", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_false(stand.config.is_insecure);
}

static void a_server_listens_at_its_own_address_among_the_members(void **state)
{
    (void)state;
    config_stand_load(&stand, "--id 2 --members 2=127.0.0.1:92,1=127.0.0.1:91", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_string_equal(stand.config.listen, "127.0.0.1:92");
    assert_string_equal(stand.config.members_text, "1=127.0.0.1:91,2=127.0.0.1:92");
    assert_int_equal(stand.config.members.at[1].id, 2);
    config_stand_load(&stand, "--id 7 --listen unix:/run/x", "");
    assert_string_equal(stand.config.members_text, "7=unix:/run/x");
    assert_refused(
        "--members 1=127.0.0.1:91 --listen 127.0.0.1:92", "", "members name 127.0.0.1:91");
}

static void data_is_kept_where_systemd_or_the_user_keeps_state(void **state)
{
    (void)state;
    config_stand_load(&stand, "", "STATE_DIRECTORY=/var/lib/copycat:/x XDG_STATE_HOME=/xdg");
    assert_string_equal(stand.config.data_dir, "/var/lib/copycat");
    config_stand_load(&stand, "", "XDG_STATE_HOME=/xdg");
    assert_string_equal(stand.config.data_dir, "/xdg/copycat");
    config_stand_load(&stand, "", "XDG_STATE_HOME=relative");
    assert_string_equal(stand.config.data_dir, "/home/ann/.local/state/copycat");
    config_stand_load(&stand, "--data-dir here", "STATE_DIRECTORY=/var/lib/copycat");
    assert_string_equal(stand.config.data_dir, "here");
    assert_refused("", "-", "name a directory with --data-dir");
    assert_refused("--data-dir ~/x", "", "write the whole path");
}

static void an_id_that_is_no_member_is_refused(void **state)
{
    (void)state;
    assert_refused(
        "--id 3 --members 1=127.0.0.1:91,2=127.0.0.1:92", "",
        "id is 3 (from: flag --id), which is not among the members (from: flag --members)");
}

static void listening_beyond_loopback_is_refused_unless_insecure(void **state)
{
    (void)state;
    assert_refused("--listen 0.0.0.0:7458", "", "has no TLS");
    assert_refused("--listen [::]:7458", "", "say --insecure");
    assert_refused("--members 1=10.0.0.1:91", "", "default, from members");
    assert_refused("--listen 0.0.0.0:7458 --insecure=false", "", "has no TLS");
    config_stand_load(&stand, "--listen [::1]:7458", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
}

static void a_heartbeat_comes_at_least_three_times_in_an_election_timeout(void **state)
{
    (void)state;
    config_stand_load(&stand, "--election-timeout 300ms --heartbeat-interval 100ms", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_refused(
        "--election-timeout 299ms --heartbeat-interval 100ms", "",
        "more than a third of election-timeout, 299ms (from: flag --election-timeout)");
    assert_refused(
        "--election-timeout 200ms --heartbeat-interval 100ms", "",
        "lower --heartbeat-interval, or leave it out, or raise --election-timeout");
}

static void a_heartbeat_follows_the_election_timeout(void **state)
{
    (void)state;
    config_stand_load(&stand, "--election-timeout 200ms", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_int_equal(stand.config.heartbeat_interval_ms, 40);
}

static void a_number_out_of_its_range_is_refused_with_the_range(void **state)
{
    (void)state;
    assert_refused("--election-timeout 49ms", "", "'49ms' is out of range: it may be 50ms to 1m");
    assert_refused("--id 0", "", "1 to 4294967295");
    assert_refused("--journal-file-size 2GiB", "", "1MiB to 1GiB");
    assert_refused("--journal-file-size 5MB", "", "no multiple of 4KiB");
    assert_refused("", "COPYCAT_MAX_CONNECTIONS=0", "COPYCAT_MAX_CONNECTIONS: '0'");
    assert_refused("--election-timeout 5", "", "one of the units ms, s, m, h");
}

static void a_wrong_word_is_told_with_those_that_are_right(void **state)
{
    (void)state;
    assert_refused("--log-level warning", "", "error, warn, info, debug; did you mean 'warn'?");
    assert_refused("--log-format xml", "", "is none of text, json\n");
}

static void an_unknown_flag_names_the_nearest_one(void **state)
{
    (void)state;
    assert_refused("--lisen 127.0.0.1:1", "", "unknown flag '--lisen'; did you mean '--listen'?");
}

static void other_words_that_are_no_flags_are_refused(void **state)
{
    (void)state;
    assert_refused("--chek-config", "", "did you mean '--check-config'?");
    assert_refused("-listen", "", "did you mean '--listen'?");
    assert_refused("--zzzzzzzz", "", "copycatd --help lists");
    assert_refused("start", "", "unknown argument 'start'");
    assert_refused("--help=yes", "", "unknown flag '--help=yes'");
    assert_refused("--listen", "", "flag --listen needs a value");
    assert_refused("--listen --insecure", "", "flag --listen needs a value");
    assert_refused("--listen=", "", "flag --listen is empty");
}

static void a_variable_much_like_a_known_one_is_noted_and_another_ignored(void **state)
{
    (void)state;
    config_stand_load(&stand, "", "COPYCAT_LISTENS=x COPYCAT_SERVICE_HOST=10.0.0.1 COPYCAT_=");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_string_equal(
        stand.err, "copycatd: note: nothing reads the variable COPYCAT_LISTENS; did you mean "
                   "COPYCAT_LISTEN?\n");
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
    (void)state;
    config_stand_load(
        &stand, "--id x --listen nowhere --foobar --election-timeout 5",
        "COPYCAT_INSECURE=perhaps COPYCAT_LISTEN=127.0.0.1:0");
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    assert_int_equal(lines_of(stand.err), 6);
    assert_non_null(strstr(stand.err, "copycatd: flag --id: 'x' is not a whole number\n"));
    assert_non_null(strstr(stand.err, "copycatd: COPYCAT_LISTEN: '127.0.0.1:0' has no port"));
}

static void so_many_mistakes_that_they_do_not_fit_are_counted(void **state)
{
    char flags[8192] = "";
    size_t at = 0;

    (void)state;
    /* Each complaint quotes the address: 25 of them are more than the 8 KiB there are. */
    for (unsigned i = 0; i < 25; i++) {
        at += (size_t)snprintf(flags + at, sizeof flags - at, "--members=1=%0250d ", 0);
    }
    config_stand_load(&stand, flags, "");
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    assert_non_null(strstr(stand.err, "copycatd: and "));
    assert_non_null(strstr(stand.err, " more\n"));
}

static void control_characters_are_not_echoed(void **state)
{
    (void)state;
    config_stand_load(&stand, "--log-level \033[31mred\nfoo\177", "");
    assert_null(strchr(stand.err, '\033'));
    assert_null(strchr(stand.err, '\177'));
    assert_int_equal(lines_of(stand.err), 1);
}

static void check_config_says_ok_or_what_is_wrong(void **state)
{
    (void)state;
    config_stand_load(&stand, "--check-config --data-dir /tmp/no/such/directory", "");
    assert_int_equal(stand.verdict, COPYCATD_DONE);
    assert_string_equal(stand.out, "ok\n");
    config_stand_load(&stand, "--check-config --id x", "");
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    assert_string_equal(stand.out, "");
}

static void check_config_looks_whether_the_directory_could_be_made(void **state)
{
    (void)state;
    config_stand_load(&stand, "--check-config --data-dir /dev/null/data", "");
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    assert_non_null(strstr(stand.err, "data-dir (from: flag --data-dir) can neither be used"));
    assert_non_null(strstr(stand.err, "/dev/null/data: Not a directory; name another"));
    assert_string_equal(stand.out, "");
    assert_int_not_equal(access("/tmp/no/such/directory", F_OK), 0);
}

static void show_config_tells_where_each_value_comes_from(void **state)
{
    (void)state;
    config_stand_load(
        &stand, "--show-config --id 2", "COPYCAT_LISTEN=127.0.0.1:99 STATE_DIRECTORY=/s");
    assert_int_equal(stand.verdict, COPYCATD_DONE);
    assert_int_equal(lines_of(stand.out), COPYCATD_PROPERTY_COUNT);
    assert_non_null(strstr(stand.out, "id = 2 "));
    assert_non_null(strstr(stand.out, " (from: flag --id)\n"));
    assert_non_null(strstr(stand.out, "listen = 127.0.0.1:99 "));
    assert_non_null(strstr(stand.out, " (from: COPYCAT_LISTEN)\n"));
    assert_non_null(strstr(stand.out, "data-dir = /s "));
    assert_non_null(strstr(stand.out, " (from: default, $STATE_DIRECTORY)\n"));
    assert_non_null(strstr(stand.out, "journal-file-size = 64MiB "));
    assert_non_null(strstr(stand.out, "members = 2=127.0.0.1:99 "));
}

static void help_names_every_flag_and_variable(void **state)
{
    (void)state;
    config_stand_load(&stand, "--id nonsense --help", "");
    assert_int_equal(stand.verdict, COPYCATD_DONE);
    assert_string_equal(stand.err, "");
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        char variable[COPYCATD_VARIABLE_SIZE];

        copycatd_property_variable(&copycatd_properties[id], variable);
        assert_non_null(strstr(stand.out, copycatd_properties[id].name));
        assert_non_null(strstr(stand.out, variable));
    }
    config_stand_load(&stand, "-h", "");
    assert_int_equal(stand.verdict, COPYCATD_DONE);
    config_stand_load(&stand, "--version", "");
    assert_int_equal(stand.verdict, COPYCATD_DONE);
    assert_int_equal(strncmp(stand.out, "copycatd ", 9), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_empty, close_stand)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_arguments_it_is_a_cluster_of_one_on_loopback),
        TEST(a_flag_overrides_its_variable_and_that_overrides_the_default),
        TEST(an_empty_variable_counts_as_none),
        TEST(a_bool_flag_alone_is_true),
        TEST(a_server_listens_at_its_own_address_among_the_members),
        TEST(data_is_kept_where_systemd_or_the_user_keeps_state),
        TEST(an_id_that_is_no_member_is_refused),
        TEST(listening_beyond_loopback_is_refused_unless_insecure),
        TEST(a_heartbeat_comes_at_least_three_times_in_an_election_timeout),
        TEST(a_heartbeat_follows_the_election_timeout),
        TEST(a_number_out_of_its_range_is_refused_with_the_range),
        TEST(a_wrong_word_is_told_with_those_that_are_right),
        TEST(an_unknown_flag_names_the_nearest_one),
        TEST(other_words_that_are_no_flags_are_refused),
        TEST(a_variable_much_like_a_known_one_is_noted_and_another_ignored),
        TEST(all_that_is_wrong_is_told_at_once),
        TEST(so_many_mistakes_that_they_do_not_fit_are_counted),
        TEST(control_characters_are_not_echoed),
        TEST(check_config_says_ok_or_what_is_wrong),
        TEST(check_config_looks_whether_the_directory_could_be_made),
        TEST(show_config_tells_where_each_value_comes_from),
        TEST(help_names_every_flag_and_variable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

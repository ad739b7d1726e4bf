/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_file_test -- the file: its place among the sources, and every mistake with its line.
 */
#include "config_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct config_stand stand;

static void load(const char *content, const char *flags, const char *environment)
{
    char words[1024];

    config_stand_open(&stand, content);
    snprintf(words, sizeof words, "--config @ %s", flags);
    config_stand_load(&stand, words, environment);
    config_stand_close(&stand);
}

/* One line is told; it is `before`, the path of the file and `after`. */
static void assert_refused(const char *content, const char *before, const char *after)
{
    char line[1024];

    load(content, "", "");
    snprintf(line, sizeof line, "copycatd: %s%s%s\n", before, stand.path, after);
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    assert_string_equal(stand.err, line);
}

static void the_file_overrides_the_default_and_is_overridden_by_all_else(void **state)
{
    (void)state;
    load("log-level = debug\n", "", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_int_equal(stand.config.log_level, COPYCATD_LOG_DEBUG);
    assert_string_equal(stand.config.path, stand.path);
    load("log-level = debug\n", "", "COPYCAT_LOG_LEVEL=warn");
    assert_int_equal(stand.config.log_level, COPYCATD_LOG_WARN);
    load("log-level = debug\n", "--log-level error", "COPYCAT_LOG_LEVEL=warn");
    assert_int_equal(stand.config.log_level, COPYCATD_LOG_ERROR);
}

static void the_file_may_be_named_by_a_variable(void **state)
{
    char environment[128];

    (void)state;
    config_stand_open(&stand, "[server]\nid = 9\n");
    snprintf(environment, sizeof environment, "COPYCAT_CONFIG=%s", stand.path);
    config_stand_load(&stand, "--show-config", environment);
    config_stand_close(&stand);
    assert_non_null(strstr(stand.out, "id = 9 "));
}

static void show_config_tells_the_line_of_the_file(void **state)
{
    char from[128];

    (void)state;
    load("# a comment\n\n; another\n[raft]\nelection-timeout=2s ; quick\n", "--show-config", "");
    snprintf(from, sizeof from, "   (from: %s:5)\n", stand.path);
    assert_non_null(strstr(stand.out, "election-timeout = 2s "));
    assert_non_null(strstr(stand.out, from));
}

static void headings_are_optional(void **state)
{
    (void)state;
    load("id = 4\n[raft]\nelection-timeout = 2s\n[log]\nlog-format = json\n", "", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_int_equal(stand.config.id, 4);
    assert_int_equal(stand.config.log_format, COPYCATD_LOG_JSON);
    load("election-timeout = 2s\nid = 4\nlog-format = json\n", "", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
}

static void a_list_of_members_may_go_on_in_indented_lines(void **state)
{
    (void)state;
    load(
        "members = 1=127.0.0.1:91,\n"
        "    2=127.0.0.1:92\n"
        "\n"
        "    # the third one\n"
        "\t3=127.0.0.1:93\n"
        "id = 3\n",
        "", "");
    assert_string_equal(stand.err, "");
    assert_string_equal(stand.config.members_text, "1=127.0.0.1:91,2=127.0.0.1:92,3=127.0.0.1:93");
    assert_string_equal(stand.config.listen, "127.0.0.1:93");
}

static void a_value_may_stand_in_quotation_marks(void **state)
{
    (void)state;
    load("listen = \"127.0.0.1:9\"\ndata-dir = '/var/x'\n", "", "");
    assert_int_equal(stand.verdict, COPYCATD_RUN);
    assert_string_equal(stand.config.listen, "127.0.0.1:9");
    assert_string_equal(stand.config.data_dir, "/var/x");
    load("data-dir = \"/var/x\n", "", "");
    assert_string_equal(stand.config.data_dir, "\"/var/x");
}

static void an_unknown_key_names_its_line_and_the_nearest_key(void **state)
{
    (void)state;
    assert_refused("\n\nlisen = x\n", "unknown key 'lisen' in ", ":3; did you mean 'listen'?");
    assert_refused("tls = on\n", "unknown key 'tls' in ", ":1");
    assert_refused("config = x\n", "key 'config' in ", ":1: this can only be a flag or a variable");
}

static void a_bad_value_names_its_line(void **state)
{
    (void)state;
    assert_refused("id=1\nlog-format = xml\n", "log-format in ", ":2: 'xml' is none of text, json");
    assert_refused("listen =\n", "listen in ", ":1 is empty; leave it out to have the default");
    assert_refused(
        "members = 1=127.0.0.1:1,\n  2=nowhere\n", "members in ",
        ":1 has 'nowhere' as address 2, which has no port: write HOST:PORT, [IPV6]:PORT or "
        "unix:PATH");
}

static void a_key_that_is_there_twice_is_told_with_both_lines(void **state)
{
    char line[1024];

    (void)state;
    load("id = 1\n[server]\n\nid = 1\n", "", "");
    snprintf(
        line, sizeof line, "copycatd: key 'id' is there twice: %s:1 and %s:4\n", stand.path,
        stand.path);
    assert_string_equal(stand.err, line);
}

static void a_key_under_a_wrong_heading_is_told_where_it_belongs(void **state)
{
    (void)state;
    assert_refused(
        "[raft]\nid = 1\n", "key 'id' in ", ":2 stands under [raft]; it belongs under [server]");
    assert_refused(
        "[sever]\nid = 1\nlisten = 127.0.0.1:1\n", "unknown heading [sever] above ",
        ":2; there are [server], [raft] and [log]");
}

static void a_line_that_says_nothing_is_told_of(void **state)
{
    (void)state;
    assert_refused("id = 1\nhello\n", "", ":2 is no 'key = value', no [heading] and no # comment");
    assert_refused("[server\n", "", ":1 is no 'key = value', no [heading] and no # comment");
    assert_refused(
        "id = 1\n listen = 127.0.0.1:1\n", "",
        ":2 is indented, so it goes on with 'id' above it, which takes one line");
}

static void a_long_line_is_refused_and_not_taken_for_two(void **state)
{
    char content[512] = "id = ";

    (void)state;
    memset(content + 5, '1', 300);
    assert_refused(
        content, "",
        ":1 is longer than 199 bytes; a list of members may go on in an indented line");
}

static void windows_line_ends_and_a_byte_order_mark_do_no_harm(void **state)
{
    (void)state;
    load("\xef\xbb\xbf[server]\r\nid = 3\r\n\r\n# x\r\nlisten = 127.0.0.1:5", "", "");
    assert_string_equal(stand.err, "");
    assert_int_equal(stand.config.id, 3);
    assert_string_equal(stand.config.listen, "127.0.0.1:5");
}

static void a_file_that_cannot_be_read_is_the_only_complaint(void **state)
{
    (void)state;
    config_stand_open(&stand, "");
    config_stand_close(&stand);
    config_stand_load(&stand, "--config /nowhere/x.conf --id 3 --members 1=127.0.0.1:1", "");
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
    assert_string_equal(
        stand.err, "copycatd: cannot open /nowhere/x.conf: No such file or directory\n");
    config_stand_load(&stand, "--config /tmp", "");
    assert_string_equal(stand.err, "copycatd: cannot read /tmp: Is a directory\n");
    config_stand_load(&stand, "--config /dev/zero", "");
    assert_int_equal(stand.verdict, COPYCATD_WRONG);
}

static void every_mistake_of_a_file_is_told(void **state)
{
    unsigned lines = 0;

    (void)state;
    load("lisen = x\nfoo\n[log]\nid = 0\nlog-level = loud\nlog-level = info\n", "", "");
    for (const char *at = stand.err; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, 6); /* id is misplaced and out of range */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_overrides_the_default_and_is_overridden_by_all_else),
        cmocka_unit_test(the_file_may_be_named_by_a_variable),
        cmocka_unit_test(show_config_tells_the_line_of_the_file),
        cmocka_unit_test(headings_are_optional),
        cmocka_unit_test(a_list_of_members_may_go_on_in_indented_lines),
        cmocka_unit_test(a_value_may_stand_in_quotation_marks),
        cmocka_unit_test(an_unknown_key_names_its_line_and_the_nearest_key),
        cmocka_unit_test(a_bad_value_names_its_line),
        cmocka_unit_test(a_key_that_is_there_twice_is_told_with_both_lines),
        cmocka_unit_test(a_key_under_a_wrong_heading_is_told_where_it_belongs),
        cmocka_unit_test(a_line_that_says_nothing_is_told_of),
        cmocka_unit_test(a_long_line_is_refused_and_not_taken_for_two),
        cmocka_unit_test(windows_line_ends_and_a_byte_order_mark_do_no_harm),
        cmocka_unit_test(a_file_that_cannot_be_read_is_the_only_complaint),
        cmocka_unit_test(every_mistake_of_a_file_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

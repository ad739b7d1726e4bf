/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_members_test -- addresses and lists of members are taken or refused with a reason.
 */
#include "copycatd/config_members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The list in its normal form, or what is wrong with it. */
static const char *read_list(const char *text)
{
    static char answer[COPYCATD_MEMBERS_TEXT_SIZE];
    struct copycatd_members members;

    if (copycatd_members_parse(text, &members, answer, sizeof answer)) {
        copycatd_members_format(&members, answer);
    }
    return answer;
}

static void an_address_is_a_host_and_a_port_or_a_socket(void **state)
{
    static const char *const good[] = {
        "127.0.0.1:7458", "localhost:1",      "node-1.example_x.org:65535",
        "[::1]:7458",     "[2001:db8::7]:80", "unix:/run/copycat/socket"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_null(copycatd_address_check(good[i]));
    }
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ":7458",
        "host",
        "host:",
        "host:0",
        "host:65536",
        "host:7x",
        "::1:7458",
        "[::1]",
        "[]:7458",
        "[1.2.3.4]:1",
        "1.2.3:80",
        "256.1.1.1:80",
        "a b:80",
        "a/b:80",
        "a,b:80",
        "-a:80",
        "unix:",
        "unix:rel",
        "unix:/a b",
        "unix:/x,y",
        "unix:/learner",
        "[::1:80",
        "host:+80"};
    char path[256] = "unix:/";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(copycatd_address_check(bad[i]));
    }
    memset(path + 6, 'x', 107);
    assert_non_null(copycatd_address_check(path));
    path[5 + 107] = '\0';
    assert_null(copycatd_address_check(path));
}

static void only_loopback_and_sockets_stay_on_this_machine(void **state)
{
    static const char *const here[] = {
        "127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "localhost:1", "unix:/run/x"};
    static const char *const beyond[] = {
        "0.0.0.0:1",
        "10.0.0.1:1",
        "128.0.0.1:1",
        "[::]:1",
        "[fe80::1]:1",
        "example.org:1",
        "127.0.0.1.example.org:1"};

    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        assert_true(copycatd_address_is_local(here[i]));
    }
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        assert_false(copycatd_address_is_local(beyond[i]));
    }
}

static void a_list_has_one_form_whatever_its_order_and_blanks(void **state)
{
    (void)state;
    assert_string_equal(read_list("1=a:1"), "1=a:1");
    assert_string_equal(
        read_list(" 3=c:3/learner,\t1=a:1 , 2=unix:/run/b "), "1=a:1,2=unix:/run/b,3=c:3/learner");
}

static void a_wrong_list_is_told_of_with_the_member_that_is_wrong(void **state)
{
    (void)state;
    assert_non_null(strstr(read_list("a:1"), "'a:1' where ID=ADDRESS"));
    assert_non_null(strstr(read_list("1=a:1,"), "a member that is empty"));
    assert_non_null(strstr(read_list(""), "a member that is empty"));
    assert_non_null(strstr(read_list("0=a:1"), "the id '0'"));
    assert_non_null(strstr(read_list("4294967296=a:1"), "the id '4294967296'"));
    assert_non_null(strstr(read_list("1=a:1,2=b"), "'b' as address 2, which has no port"));
    assert_non_null(
        strstr(read_list("1=a:1,2=b:2/lerner"), "'/lerner' is no role; did you mean '/learner'?"));
    assert_non_null(strstr(read_list("1=a:1,1=b:1"), "the id 1 twice"));
    assert_non_null(strstr(read_list("1=a:1,2=a:1"), "the address 'a:1' twice, for 1 and 2"));
    assert_non_null(strstr(read_list("1=a:1/learner"), "0 members with a vote"));
}

static void at_most_seven_vote_and_sixteen_belong(void **state)
{
    char text[1024] = "";
    size_t at = 0;

    (void)state;
    for (unsigned id = 1; id <= 16; id++) {
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%s%u=h:%u%s", id > 1 ? "," : "", id, id,
            id > 7 ? "/learner" : "");
    }
    assert_string_equal(read_list(text), text);
    snprintf(text + at, sizeof text - at, ",17=h:17/learner");
    assert_non_null(strstr(read_list(text), "more than 16"));
    assert_non_null(strstr(
        read_list("1=h:1,2=h:2,3=h:3,4=h:4,5=h:5,6=h:6,7=h:7,8=h:8"), "8 members with a vote"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_a_host_and_a_port_or_a_socket),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(only_loopback_and_sockets_stay_on_this_machine),
        cmocka_unit_test(a_list_has_one_form_whatever_its_order_and_blanks),
        cmocka_unit_test(a_wrong_list_is_told_of_with_the_member_that_is_wrong),
        cmocka_unit_test(at_most_seven_vote_and_sixteen_belong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

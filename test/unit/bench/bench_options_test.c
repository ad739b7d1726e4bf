/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_options_test -- what `copycat bench` understands, and what it refuses with a sentence.
 */
#include "bench_options.h"

#include <copycat/client.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct bench_options options;
static copycat_message message;

/* `line` is split at spaces, as a shell would. */
static bool parse(const char *line)
{
    static char text[256];
    char *argv[16];
    int argc = 0;
    char *rest = NULL;

    strncpy(text, line, sizeof text - 1);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
    }
    message.text[0] = '\0';
    return bench_options_parse(&options, argc, argv, &message);
}

static void has_defaults(void **state)
{
    (void)state;
    unsetenv("COPYCAT_SERVERS");
    assert_true(parse("bench put"));
    assert_false(options.is_get);
    assert_string_equal(options.servers, "127.0.0.1:7458");
    assert_int_equal(options.clients, 1);
    assert_int_equal(options.window, 1);
    assert_int_equal(options.duration_ms, 5000);
    assert_int_equal(options.warm_up_ms, 500);
    assert_int_equal(options.consistency, COPYCAT_LINEARIZABLE);
}

static void reads_every_flag(void **state)
{
    (void)state;
    assert_true(
        parse("bench get --servers=a:1,b:2 --clients 8 --window=32 --seconds=2m --warm-up=0s "
              "--keys=7 --value-size=1KiB --consistency=lease --timeout=3s --probe-dir=/x"));
    assert_true(options.is_get);
    assert_string_equal(options.servers, "a:1,b:2");
    assert_int_equal(options.clients, 8);
    assert_int_equal(options.window, 32);
    assert_int_equal(options.duration_ms, 120000);
    assert_int_equal(options.warm_up_ms, 0);
    assert_int_equal(options.keys, 7);
    assert_int_equal(options.value_size, 1024);
    assert_int_equal(options.consistency, COPYCAT_LEASE);
    assert_int_equal(options.timeout_ms, 3000);
    assert_string_equal(options.probe_directory, "/x");
}

static void reads_bare_seconds_and_bytes(void **state)
{
    (void)state;
    assert_true(parse("bench put --seconds=7 --value-size=10"));
    assert_int_equal(options.duration_ms, 7000);
    assert_int_equal(options.value_size, 10);
}

static void measures_all_of_a_given_count(void **state)
{
    (void)state;
    assert_true(parse("bench put --count=100"));
    assert_int_equal(options.warm_up_ms, 0);
}

static void refuses_with_a_sentence(void **state)
{
    static const struct {
        const char *line;
        const char *about;
    } cases[] = {
        {"bench", "what is to be measured"},
        {"bench push", "'bench push'"},
        {"bench put get", "'get'"},
        {"bench put --windows=1", "no flag --windows:"},
        {"bench put --window", "needs a value"},
        {"bench put --window=", "needs a value"},
        {"bench put --window=0", "--window"},
        {"bench put --window=x", "'x'"},
        {"bench put --clients=4096 --window=17", "65536"},
        {"bench put --seconds=0", "--seconds"},
        {"bench put --seconds=61m", "--seconds"},
        {"bench put --consistency=lease", "for get"},
        {"bench get --consistency=sometimes", "'sometimes'"},
        {"bench put --json=yes", "--json"},
        {"bench put --value-size=2MiB", "--value-size"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_false(parse(cases[i].line));
        if (strstr(message.text, cases[i].about) == NULL) {
            fail_msg("%s: %s", cases[i].line, message.text);
        }
    }
}

static void helps_without_anything_else(void **state)
{
    (void)state;
    assert_true(parse("bench --help"));
    assert_true(options.is_help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_defaults),
        cmocka_unit_test(reads_every_flag),
        cmocka_unit_test(reads_bare_seconds_and_bytes),
        cmocka_unit_test(measures_all_of_a_given_count),
        cmocka_unit_test(refuses_with_a_sentence),
        cmocka_unit_test(helps_without_anything_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

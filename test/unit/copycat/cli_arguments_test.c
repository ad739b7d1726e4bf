/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli_arguments_test -- what the command line says, and what is wrong with it.
 */
#include "arguments.h"

#include <copycat/client.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ARGC_MAX 16

static struct cli_arguments arguments;
static copycat_message message;

/* Splits the text at its spaces; a lone ' stands for an empty argument. */
static int split(char *text, char **argv)
{
    int argc = 0;

    argv[argc++] = text;
    for (char *at = text; *at != '\0'; at++) {
        if (*at == ' ') {
            *at = '\0';
            argv[argc++] = at + 1;
            assert_true(argc < ARGC_MAX);
        }
    }
    argv[argc] = NULL;
    return argc;
}

static bool parse_with(const char *text, const char *servers)
{
    static char copy[256];
    char *argv[ARGC_MAX];

    assert_true(strlen(text) < sizeof copy);
    memcpy(copy, text, strlen(text) + 1);
    return cli_arguments_parse(&arguments, split(copy, argv), argv, servers, &message);
}

static void understood(const char *text)
{
    if (!parse_with(text, NULL)) {
        fail_msg("%s: %s", text, message.text);
    }
}

static void refused(const char *text, const char *because)
{
    if (parse_with(text, NULL)) {
        fail_msg("%s: understood", text);
    }
    if (strstr(message.text, because) == NULL) {
        fail_msg("%s: says '%s', not '%s'", text, message.text, because);
    }
}

static void a_verb_and_its_operands_are_found(void **state)
{
    (void)state;
    understood("copycat map put /a key value");
    assert_string_equal(arguments.verb->name, "map put");
    assert_int_equal(arguments.operand_count, 3);
    assert_string_equal(arguments.operands[0], "/a");
    assert_string_equal(arguments.operands[2], "value");
    assert_int_equal(cli_arguments_timeout_ms(&arguments), 10000);
    assert_int_equal(arguments.consistency, 0);
}

static void flags_stand_anywhere(void **state)
{
    (void)state;
    understood("copycat --timeout 5s map --json get /a --consistency=lease key");
    assert_int_equal(arguments.timeout_ms, 5000);
    assert_int_equal(arguments.consistency, COPYCAT_LEASE);
    assert_true(cli_arguments_has(&arguments, CLI_FLAG_JSON));
    assert_false(cli_arguments_has(&arguments, CLI_FLAG_RAW));
    assert_string_equal(arguments.operands[1], "key");
}

static void two_dashes_end_the_flags(void **state)
{
    (void)state;
    understood("copycat map put /a -- --json --");
    assert_string_equal(arguments.operands[1], "--json");
    assert_string_equal(arguments.operands[2], "--");
    understood("copycat map put /a -5 -");
    assert_string_equal(arguments.operands[1], "-5");
    assert_string_equal(arguments.operands[2], "-");
}

static void empty_operands_are_operands(void **state)
{
    (void)state;
    understood("copycat map put /a key ");
    assert_string_equal(arguments.operands[2], "");
}

static void servers_come_from_the_flag_then_the_environment_then_the_default(void **state)
{
    (void)state;
    understood("copycat status");
    assert_string_equal(arguments.servers, "127.0.0.1:7458");
    assert_true(parse_with("copycat status", "a:1"));
    assert_string_equal(arguments.servers, "a:1");
    assert_true(parse_with("copycat status", ""));
    assert_string_equal(arguments.servers, "127.0.0.1:7458");
    assert_true(parse_with("copycat --servers=b:2 status", "a:1"));
    assert_string_equal(arguments.servers, "b:2");
}

static void help_is_given_of_anything(void **state)
{
    (void)state;
    understood("copycat --help");
    assert_null(arguments.verb);
    understood("copycat help");
    understood("copycat -h");
    understood("copycat help map put");
    assert_string_equal(arguments.verb->name, "map put");
    assert_true(cli_arguments_has(&arguments, CLI_FLAG_HELP));
    understood("copycat map --help");
    assert_string_equal(arguments.group, "map");
    understood("copycat map help");
    assert_string_equal(arguments.group, "map");
    assert_true(cli_arguments_has(&arguments, CLI_FLAG_HELP));
    understood("copycat map put help me up");
    assert_string_equal(arguments.operands[0], "help");
    assert_false(cli_arguments_has(&arguments, CLI_FLAG_HELP));
    understood("copycat version");
    assert_true(cli_arguments_has(&arguments, CLI_FLAG_VERSION));
    understood("copycat --version");
}

static void a_wrong_number_of_operands_is_refused(void **state)
{
    (void)state;
    refused("copycat map put /a", "too few arguments: copycat map put PATH KEY VALUE");
    refused("copycat map size /a b", "too many arguments: copycat map size PATH (quote");
    refused("copycat status now", "too many arguments: copycat status");
    refused("copycat map cas /a 1 2 3 4 5 6 7", "too many arguments, from '5' on");
}

static void a_wrong_flag_is_refused(void **state)
{
    (void)state;
    refused("copycat map get /a b --rwa", "did you mean --raw?");
    refused("copycat map get /a b --nothing-known", "there is no flag --nothing-known");
    refused("copycat map put /a b c --raw", "'map put' takes no --raw");
    refused("copycat map put /a b c --consistency=lease", "it is for reads");
    refused("copycat map get /a b --json=yes", "--json takes no value");
    refused("copycat map get /a b --timeout", "--timeout needs a value: --timeout=TIME");
    refused("copycat map get /a b --servers=", "--servers needs a value");
}

static void a_wrong_value_of_a_flag_is_refused(void **state)
{
    (void)state;
    refused("copycat map get /a b --timeout=5", "'5' is not a duration");
    refused("copycat map get /a b --timeout=0s", "0s is not possible");
    refused("copycat map get /a b --timeout=10000000h", "is not possible");
    refused("copycat map get /a b --consistency=strong", "'strong' is no level");
    refused("copycat map keys /a --limit=0", "write 1 or more");
    refused("copycat map keys /a --limit=x", "'x' is not a whole number");
}

static void a_wrong_verb_is_refused(void **state)
{
    (void)state;
    refused("copycat map", "'map' needs one more word");
    refused("copycat --json", "nothing to do: name a verb");
    refused("copycat map pt /a b c", "did you mean 'map put'?");
    refused("copycat put /a b c", "did you mean 'map put'?");
    refused("copycat xyzzy-plugh", "`copycat --help` lists them");
}

static void verbs_that_read_their_own_arguments_are_found_behind_flags(void **state)
{
    char copy[] = "copycat --servers bench --json status bench";
    char *argv[ARGC_MAX];
    int place = 0;
    int argc = split(copy, argv);

    (void)state;
    assert_null(cli_arguments_own(argc, argv, &place));
    assert_int_equal(place, 4); /* the first word that is neither flag nor the value of one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_verb_and_its_operands_are_found),
        cmocka_unit_test(flags_stand_anywhere),
        cmocka_unit_test(two_dashes_end_the_flags),
        cmocka_unit_test(empty_operands_are_operands),
        cmocka_unit_test(servers_come_from_the_flag_then_the_environment_then_the_default),
        cmocka_unit_test(help_is_given_of_anything),
        cmocka_unit_test(a_wrong_number_of_operands_is_refused),
        cmocka_unit_test(a_wrong_flag_is_refused),
        cmocka_unit_test(a_wrong_value_of_a_flag_is_refused),
        cmocka_unit_test(a_wrong_verb_is_refused),
        cmocka_unit_test(verbs_that_read_their_own_arguments_are_found_behind_flags),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main -- copycat: talks to a cluster from the command line.
 */
#include "arguments.h"
#include "failure.h"
#include "help.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those that read their own arguments get their name first, and all others behind it. */
static int run_own(const struct cli_verb *verb, int argc, char **argv, int place)
{
    char *name = argv[place];

    for (int i = place; i > 1; i--) {
        argv[i] = argv[i - 1];
    }
    argv[1] = name;
    return verb->main(argc - 1, argv + 1);
}

static int print_help(const struct cli_arguments *arguments)
{
    const struct cli_verb *verb = arguments->verb;

    if (verb != NULL && verb->main != NULL) {
        char name[32];
        char flag[] = "--help";
        char *own[] = {name, flag, NULL};

        snprintf(name, sizeof name, "%s", verb->name);
        return verb->main(2, own);
    }
    if (verb != NULL) {
        cli_help_print_verb(stdout, verb);
    } else if (arguments->group != NULL) {
        cli_help_print_group(stdout, arguments->group);
    } else {
        cli_help_print(stdout);
    }
    return CLI_EXIT_YES;
}

static int run(const struct cli_arguments *arguments)
{
    if (cli_arguments_has(arguments, CLI_FLAG_HELP)) {
        return print_help(arguments);
    }
    if (cli_arguments_has(arguments, CLI_FLAG_VERSION)) {
        puts("copycat " CLI_VERSION);
        return CLI_EXIT_YES;
    }
    return arguments->verb->run(arguments);
}

int main(int argc, char **argv)
{
    struct cli_arguments arguments;
    copycat_message message;
    int place;
    int code;
    const struct cli_verb *own = cli_arguments_own(argc, argv, &place);

    if (own != NULL) {
        return run_own(own, argc, argv, place);
    }
    if (argc == 1) {
        cli_help_print(stderr);
        return CLI_EXIT_USAGE;
    }
    if (!cli_arguments_parse(&arguments, argc, argv, getenv("COPYCAT_SERVERS"), &message)) {
        fprintf(stderr, "copycat: %s\n", message.text);
        return CLI_EXIT_USAGE;
    }
    code = run(&arguments);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail_with(
            &arguments, CLI_EXIT_RETRY, "the answer cannot be written: %s", strerror(errno));
    }
    return code;
}

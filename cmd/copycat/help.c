/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help -- see help.h.
 */
#include "help.h"

#include <ctype.h>
#include <string.h>

#define VERB_WIDTH 36
#define FLAG_WIDTH 22

/* What stands left of a column, and the column begins in the next line if it is too long. */
static void print_left(FILE *file, const char *text, int width)
{
    if ((int)strlen(text) < width) {
        fprintf(file, "  %-*s", width, text);
    } else {
        fprintf(file, "  %s\n  %*s", text, width, "");
    }
}

/* Each line of `text` but the first is moved under the column. */
static void print_right(FILE *file, const char *text, int width)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            fprintf(file, "\n  %*s", width, "");
        } else {
            fputc(*at, file);
        }
    }
    fputc('\n', file);
}

static void print_verbs(FILE *file, const char *group)
{
    for (size_t i = 0; i < cli_verb_count; i++) {
        const struct cli_verb *verb = &cli_verbs[i];
        char left[80];

        if (group != NULL && strncmp(verb->name, group, strlen(group)) != 0) {
            continue;
        }
        snprintf(
            left, sizeof left, "%s%s%s", verb->name, verb->synopsis[0] == '\0' ? "" : " ",
            verb->synopsis);
        print_left(file, left, VERB_WIDTH);
        print_right(file, verb->summary, VERB_WIDTH);
    }
}

static void print_flag(FILE *file, const struct cli_flag_row *row)
{
    char left[64];

    snprintf(
        left, sizeof left, "--%s%s%s", row->name, row->value == NULL ? "" : "=",
        row->value == NULL ? "" : row->value);
    print_left(file, left, FLAG_WIDTH);
    print_right(file, row->help, FLAG_WIDTH);
}

/* Those that every verb takes, or those that only this one takes. */
static void print_flags(FILE *file, const struct cli_verb *verb, bool is_global)
{
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        if (cli_flags[i].is_global == is_global && cli_verb_takes(verb, (enum cli_flag)i)) {
            print_flag(file, &cli_flags[i]);
        }
    }
}

static void print_exit_codes(FILE *file)
{
    fputs(
        "\nExit codes:\n"
        "  0  yes, done\n"
        "  1  no: absent, another value, not stored\n"
        "  2  refused: it cannot be done so, or the command line or a file is wrong\n"
        "  3  not done; it may be tried again\n"
        "  4  nobody can say whether it was done; look before trying again\n",
        file);
}

static void print_escapes(FILE *file)
{
    fputs(
        "\nKeys and values are bytes. On the command line, in files and in what is printed\n"
        "they are written with the escapes \\\\ \\t \\n \\r \\0 and \\xHH; all else stands for\n"
        "itself. So write \\\\ for a backslash: 'C:\\\\temp'. A VALUE of - alone is read from\n"
        "standard input; a value that is a - is written \\x2d.\n",
        file);
}

void cli_help_print(FILE *file)
{
    fputs(
        "copycat talks to a Copycat cluster.\n\nusage: copycat [FLAGS] VERB [ARGUMENTS]\n\n", file);
    print_verbs(file, NULL);
    fputs("\nFlags, before or behind the verb:\n", file);
    print_flags(file, NULL, true);
    print_flag(file, &cli_flags[CLI_FLAG_CONSISTENCY]);
    print_escapes(file);
    print_exit_codes(file);
    fputs(
        "\nTry it:\n"
        "  copycatd &                            a cluster of one, on this machine\n"
        "  copycat map put /colors sky blue      the map is made by its first use\n"
        "  copycat map get /colors sky\n"
        "  copycat map put --help                more about one verb\n",
        file);
}

static void print_about_maps(FILE *file)
{
    fputs(
        "\nA map comes to be when its path is first used, also by a verb that reads: one\n"
        "that was never written is an empty one.\n"
        "\nTry it:\n"
        "  copycat map put /colors sky blue\n"
        "  copycat map get /colors sky\n"
        "  copycat map export /colors colors.txt\n",
        file);
}

static void print_about_logs(FILE *file)
{
    fputs(
        "\nThey read the directory of a stopped server, its data_dir, and change nothing\n"
        "in it. No cluster is asked.\n"
        "\nTry it:\n"
        "  copycat log verify /var/lib/copycat\n"
        "  copycat log ls /var/lib/copycat\n"
        "  copycat log dump --from=100 --to=120 /var/lib/copycat\n",
        file);
}

void cli_help_print_group(FILE *file, const char *group)
{
    fprintf(file, "usage: copycat [FLAGS] %s VERB [ARGUMENTS]\n\n", group);
    print_verbs(file, group);
    if (strcmp(group, "map") == 0) {
        print_about_maps(file);
    } else {
        print_about_logs(file);
    }
    print_exit_codes(file);
    fprintf(file, "\nMore about one of them: copycat %s VERB --help\n", group);
}

void cli_help_print_verb(FILE *file, const struct cli_verb *verb)
{
    bool is_map = strncmp(verb->name, "map ", 4) == 0;

    fprintf(
        file, "usage: copycat [FLAGS] %s%s%s\n\n%c%s\n\n%s\n", verb->name,
        verb->synopsis[0] == '\0' ? "" : " ", verb->synopsis, toupper(verb->summary[0]),
        verb->summary + 1, verb->help);
    if (verb->flags != 0) {
        fputs("\nFlags of this verb:\n", file);
        print_flags(file, verb, false);
    }
    fputs("\nFlags of every verb:\n", file);
    print_flags(file, NULL, true);
    if (is_map) {
        print_escapes(file);
    }
    print_exit_codes(file);
}

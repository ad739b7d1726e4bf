/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arguments -- what the command line says, checked.
 *
 * Where it sits:   between main and the verbs.
 * Memory:          points into argv and the environment, which stay.
 *
 * Flags may stand before or after the verb, as --name=value or --name value; "--" ends them.  What
 * begins with one dash is no flag, so that -5 is a value.
 */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "verbs.h"

#include <copycat/base.h>

#define CLI_OPERANDS_MAX 5u
#define CLI_TIMEOUT_MS 10000u
#define CLI_SERVERS "127.0.0.1:7458"

struct cli_arguments {
    const struct cli_verb *verb; /* NULL: only help or the version is wanted */
    const char *group;           /* help is wanted of all verbs of "map"; or NULL */
    const char *servers;
    const char *progress_file; /* NULL: none */
    const char *operands[CLI_OPERANDS_MAX];
    uint64_t timeout_ms;  /* 0: not given */
    uint64_t limit;       /* 0: none */
    uint64_t from;        /* 0: from the first on */
    uint64_t to;          /* UINT64_MAX: to the last */
    const char *file;     /* NULL: all */
    const char *data_dir; /* NULL: not given; likewise */
    const char *cluster;
    uint64_t id;    /* 0: not given */
    uint32_t flags; /* CLI_FLAG_BIT of those that were given */
    uint32_t consistency;
    uint32_t operand_count;
};

/*
 * False: `message_out` has a sentence about what is wrong.  `servers` is what the environment says,
 * or NULL.  Verbs that read their own arguments (`main`) are found by cli_arguments_own instead.
 */
bool cli_arguments_parse(
    struct cli_arguments *arguments_out,
    int argc,
    char **argv,
    const char *servers,
    copycat_message *message_out);

/* The verb, if it reads its arguments by itself, or NULL; its place is `*place_out`. */
const struct cli_verb *cli_arguments_own(int argc, char **argv, int *place_out);

bool cli_arguments_has(const struct cli_arguments *arguments, enum cli_flag flag);

/* Of a call: what was given, else 10 s. */
uint64_t cli_arguments_timeout_ms(const struct cli_arguments *arguments);

#endif /* CLI_ARGUMENTS_H */

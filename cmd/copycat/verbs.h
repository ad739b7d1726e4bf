/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs -- the one table of what copycat can be told to do, and the one of its flags: parsing, help
 * and the hints to a wrong word come from them.
 *
 * Where it sits:   below arguments and help; above what runs the verbs.
 * Memory:          static.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli_arguments;

/* Exit codes: the same for every verb. */
enum cli_exit {
    CLI_EXIT_YES = 0,
    CLI_EXIT_NO = 1,      /* absent, compare failed, not stored */
    CLI_EXIT_USAGE = 2,   /* what was asked for cannot be done, however often one tries */
    CLI_EXIT_RETRY = 3,   /* not done; may be tried again */
    CLI_EXIT_UNKNOWN = 4, /* nobody can say whether it was done */
};

enum cli_flag {
    CLI_FLAG_SERVERS,
    CLI_FLAG_TIMEOUT,
    CLI_FLAG_CONSISTENCY,
    CLI_FLAG_JSON,
    CLI_FLAG_HELP,
    CLI_FLAG_VERSION,
    CLI_FLAG_RAW,
    CLI_FLAG_LIMIT,
    CLI_FLAG_SORT,
    CLI_FLAG_IF_ABSENT,
    CLI_FLAG_PROGRESS,
    CLI_FLAG_PROGRESS_FILE,
    CLI_FLAG_FROM,
    CLI_FLAG_TO,
    CLI_FLAG_FILE,
    CLI_FLAG_FORCE,
    CLI_FLAG_DATA_DIR,
    CLI_FLAG_ID,
    CLI_FLAG_CLUSTER_ID,
    CLI_FLAG_COUNT,
};

struct cli_flag_row {
    const char *name;  /* without its dashes */
    const char *value; /* what stands behind it in help; NULL: nothing does */
    const char *help;
    bool is_global; /* every verb takes it */
};

/* Indexed by enum cli_flag. */
extern const struct cli_flag_row cli_flags[CLI_FLAG_COUNT];

/* As a set: the bit of a flag. */
#define CLI_FLAG_BIT(flag) (UINT32_C(1) << (flag))

struct cli_verb {
    const char *name; /* one word or two */
    const char *synopsis;
    const char *summary; /* a line of `copycat --help` */
    const char *help;    /* what more is to be said, in lines of at most 80 columns */
    uint32_t flags;      /* CLI_FLAG_BIT of those it takes beside the global ones */
    uint32_t operands_min;
    uint32_t operands_max;
    int (*run)(const struct cli_arguments *arguments);
    int (*main)(int argc, char **argv); /* instead of `run`: reads its arguments by itself */
};

extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;

/* The verb of one word or two (`second` may be NULL); NULL if there is none. */
const struct cli_verb *cli_verb_find(const char *first, const char *second);

/* True for the first word of verbs of two: "map". */
bool cli_verb_is_group(const char *word);

/* Longer than any name of a verb. */
#define CLI_VERB_SIZE 64u

/*
 * The verb, or the group of verbs, that was probably meant; false: none is like it.  `second` is
 * what stands behind the first word, be it the verb's or an operand; it may be NULL.
 */
bool cli_verb_nearest(const char *first, const char *second, char name_out[CLI_VERB_SIZE]);

/* The flag with this name, CLI_FLAG_COUNT if there is none; the one that was probably meant. */
enum cli_flag cli_flag_find(const char *name, size_t name_size);
enum cli_flag cli_flag_nearest(const char *name, const struct cli_verb *verb);

/* True if `verb` takes it; with NULL: if all do. */
bool cli_verb_takes(const struct cli_verb *verb, enum cli_flag flag);

#endif /* CLI_VERBS_H */

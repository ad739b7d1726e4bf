/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_outcome -- what an import has come to, and how that is told.
 */
#ifndef CLI_IMPORT_OUTCOME_H
#define CLI_IMPORT_OUTCOME_H

#include "arguments.h"

struct cli_import_outcome {
    uint64_t done; /* lines that were acknowledged; the next three are of them */
    uint64_t stored;
    uint64_t there;     /* the key was there already, with this value */
    uint64_t conflicts; /* with another one */
    uint64_t conflict_line;
    uint64_t repeated; /* lines of unknown outcome that were sent again */
    uint64_t undone;   /* lines that were taken up and not done */
    uint64_t unknown;  /* of which nobody can say */
    uint64_t took_ms;
    uint64_t longest_pause_ms;
    char reason[512]; /* why it stopped before its end; empty: it did not */
    int code;         /* exit code of the reason */
    bool is_silent;   /* the reason is that nobody answers */
    bool is_of_input; /* the reason is a line that has to be mended */
    uint64_t cr_line; /* the first whose value ends with a CR; 0: none */
};

/* Remembers why it stops: the first reason, the weightiest code. */
__attribute__((format(printf, 3, 4))) void cli_import_stop(
    struct cli_import_outcome *outcome, int code, const char *format, ...);

/* Bytes that are told of a line that makes no sense. */
#define CLI_LINE_SHOWN_MAX 60u

/* Because of a line that is to be mended: `wrong` is the end of a sentence that begins with "line 17",
 * `start` has the first bytes of it, at most CLI_LINE_SHOWN_MAX and one more. */
void cli_import_stop_at_line(
    struct cli_import_outcome *outcome,
    const char *name,
    uint64_t number,
    const char *wrong,
    copycat_bytes start);

/* The exit code of the whole. */
int cli_import_judge(const struct cli_import_outcome *outcome);

/* The summary on standard output; on standard error what went wrong.  Returns the exit code. */
int cli_import_tell(
    const struct cli_import_outcome *outcome, const struct cli_arguments *arguments);

#endif /* CLI_IMPORT_OUTCOME_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress -- how far an import is: on standard error for people, in a file for scripts.
 *
 * An outage is time in which something is on its way and nothing comes back.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli_progress {
    const char *file; /* NULL: none */
    uint64_t total;   /* 0: nobody knows */
    const char *unit; /* behind the figures; NULL: lines, which need none */
    uint64_t done;
    uint64_t begin_ms;
    uint64_t moved_ms;         /* when something came back last, or began to be waited for */
    uint64_t longest_pause_ms; /* of all that have ended */
    uint64_t shown_ms;
    uint64_t filed_ms;
    bool is_bar;         /* redrawn in its line; else a line now and then */
    bool is_shown;       /* at all */
    bool is_waiting;     /* something is on its way */
    bool has_drawn;      /* the bar stands in the line where the cursor is */
    bool has_complained; /* about the file */
};

void cli_progress_init(
    struct cli_progress *progress, uint64_t now_ms, const char *file, bool is_wanted);

/* So much has been done by now; true in `is_waiting`: something is on its way. */
void cli_progress_note(
    struct cli_progress *progress, uint64_t now_ms, uint64_t done, bool is_waiting);

/* Shows what is due to be shown.  Every 100 ms or more often. */
void cli_progress_show(struct cli_progress *progress, uint64_t now_ms);

/* The line is free for something else; the next show draws it anew. */
void cli_progress_clear(struct cli_progress *progress);

/* The last figures; the line is free again. */
void cli_progress_end(struct cli_progress *progress, uint64_t now_ms);

/* A line of the bar, without what moves the cursor. */
void cli_progress_format(
    const struct cli_progress *progress, uint64_t now_ms, char *text_out, size_t text_size);

#endif /* CLI_PROGRESS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines -- the lines KEY<TAB>VALUE of a file, read without waiting for more than is there.
 *
 * Memory:          one buffer, that grows to the longest line.
 *
 * Invariants
 *   L1  a line is given out once it is whole; the last one needs no line end
 *   L2  no line is longer than CLI_LINE_SIZE_MAX in the buffer
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <copycat/base.h>

#include <stdbool.h>

#define CLI_KEY_SIZE_MAX 4096u
#define CLI_VALUE_SIZE_MAX (1u << 20)

/* With each byte escaped, and the tab. */
#define CLI_LINE_SIZE_MAX ((CLI_KEY_SIZE_MAX + CLI_VALUE_SIZE_MAX) * 4u + 1u)

struct cli_lines {
    char *buffer;
    size_t room;
    size_t start; /* of what is not given out yet */
    size_t end;
    size_t seen;     /* behind `start`: so far there is no line end */
    uint64_t number; /* of the line given out last; the first is 1 */
    bool is_over;    /* nothing more will be added */
};

/* Borrowed from the lines until the next one, and free to be written over. */
struct cli_line {
    char *text;
    size_t size;
};

enum cli_lines_verdict {
    CLI_LINES_LINE, /* there is one */
    CLI_LINES_MORE, /* add to it first */
    CLI_LINES_END,
    CLI_LINES_LONG, /* `number` is that of a line that is too long to be sensible */
};

void cli_lines_init(struct cli_lines *lines);
void cli_lines_deinit(struct cli_lines *lines);

/* Where to add, at least one byte of room; then how much was added, 0: it is over. */
char *cli_lines_room(struct cli_lines *lines, size_t *size_out);
void cli_lines_added(struct cli_lines *lines, size_t size);

enum cli_lines_verdict cli_lines_next(struct cli_lines *lines, struct cli_line *line_out);

/* Takes the line apart, in its place.  NULL, or what is wrong with it: the end of a sentence that
 * begins with "line 17". */
const char *cli_line_split(
    const struct cli_line *line, copycat_bytes *key_out, copycat_bytes *value_out);

/* How many lines a file has that can be read twice; where it stands does not change. */
uint64_t cli_lines_count(int input);

#endif /* CLI_LINES_H */

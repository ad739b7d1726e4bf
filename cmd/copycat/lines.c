/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines -- see lines.h.
 */
#include "lines.h"

#include "escape.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_SIZE 65536u

void cli_lines_init(struct cli_lines *lines)
{
    *lines = (struct cli_lines){.room = PIECE_SIZE};
    lines->buffer = cli_take_memory(lines->room);
}

void cli_lines_deinit(struct cli_lines *lines)
{
    free(lines->buffer);
}

char *cli_lines_room(struct cli_lines *lines, size_t *size_out)
{
    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->end == lines->room) {
        char *larger = cli_take_memory(lines->room * 2);

        memcpy(larger, lines->buffer, lines->end);
        free(lines->buffer);
        lines->buffer = larger;
        lines->room *= 2;
    }
    *size_out = lines->room - lines->end;
    return lines->buffer + lines->end;
}

void cli_lines_added(struct cli_lines *lines, size_t size)
{
    lines->end += size;
    lines->is_over = size == 0;
}

static enum cli_lines_verdict give_out(
    struct cli_lines *lines, size_t size, size_t taken, struct cli_line *line_out)
{
    *line_out = (struct cli_line){lines->buffer + lines->start, size};
    lines->start += taken;
    lines->seen = 0;
    lines->number++;
    return CLI_LINES_LINE;
}

enum cli_lines_verdict cli_lines_next(struct cli_lines *lines, struct cli_line *line_out)
{
    const char *from = lines->buffer + lines->start;
    size_t left = lines->end - lines->start;
    const char *line_end = memchr(from + lines->seen, '\n', left - lines->seen);

    if (line_end != NULL && (size_t)(line_end - from) <= CLI_LINE_SIZE_MAX) {
        return give_out(lines, (size_t)(line_end - from), (size_t)(line_end - from) + 1, line_out);
    }
    if (left > CLI_LINE_SIZE_MAX) {
        lines->number++;
        return CLI_LINES_LONG; /* L2 */
    }
    if (lines->is_over) {
        return left == 0 ? CLI_LINES_END : give_out(lines, left, left, line_out); /* L1 */
    }
    lines->seen = left;
    return CLI_LINES_MORE;
}

/* Which of the two is too large or too small, if one is. */
static const char *check_sizes(size_t key_size, size_t value_size)
{
    if (key_size == 0) {
        return "has an empty key";
    }
    if (key_size > CLI_KEY_SIZE_MAX) {
        return "has a key of more than 4 KiB";
    }
    return value_size > CLI_VALUE_SIZE_MAX ? "has a value of more than 1 MiB" : NULL;
}

const char *cli_line_split(
    const struct cli_line *line, copycat_bytes *key_out, copycat_bytes *value_out)
{
    char *tab = memchr(line->text, '\t', line->size);
    copycat_bytes key;
    copycat_bytes value;
    const char *wrong;

    if (tab == NULL) {
        return "has no tab between key and value";
    }
    key = (copycat_bytes){line->text, (size_t)(tab - line->text)};
    value = (copycat_bytes){tab + 1, line->size - key.size - 1};
    if (memchr(value.data, '\t', value.size) != NULL) {
        return "has more than one tab: within a value it is written \\t";
    }
    wrong = cli_escape_read(key, line->text, &key.size);
    wrong = wrong != NULL ? wrong : cli_escape_read(value, tab + 1, &value.size);
    wrong = wrong != NULL ? wrong : check_sizes(key.size, value.size);
    if (wrong == NULL) {
        *key_out = key;
        *value_out = value;
    }
    return wrong;
}

uint64_t cli_lines_count(int input)
{
    char piece[PIECE_SIZE];
    uint64_t count = 0;
    char last = '\n';
    off_t place = 0;
    ssize_t got;

    while ((got = pread(input, piece, sizeof piece, place)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            count += piece[i] == '\n';
        }
        last = piece[got - 1];
        place += got;
    }
    return count + (last != '\n');
}

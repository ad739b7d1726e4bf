/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/log_line.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Kept for what closes a line: quotes, a brace, a newline. */
#define RESERVE 16u

static const char not_utf8[] = "\xef\xbf\xbd";

enum style {
    STYLE_PLAIN,
    STYLE_QUOTED,
    STYLE_JSON,
};

static void append(struct copycatd_line *line, const char *bytes, size_t size, size_t reserve)
{
    if (line->is_full || size + reserve > line->capacity - line->size) {
        line->is_full = true;
        return;
    }
    memcpy(line->text + line->size, bytes, size);
    line->size += size;
}

/* The size of the UTF-8 sequence at `at`; 0 if it is none, overlong or a surrogate. */
static size_t sequence_size(const unsigned char *at)
{
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t code;

    if (at[0] < 0x80) {
        return 1;
    }
    if (at[0] < 0xc2 || at[0] > 0xf4) {
        return 0;
    }
    code = at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0; /* also the zero at the end */
        }
        code = code << 6 | (at[i] & 0x3fu);
    }
    if ((size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10ffff)) ||
        (code >= 0xd800 && code <= 0xdfff)) {
        return 0;
    }
    return size;
}

/* C1 controls are two bytes in UTF-8, and some terminals obey them. */
static bool is_control(const unsigned char *at, size_t size)
{
    return (size == 1 && (at[0] < ' ' || at[0] == 0x7f)) ||
           (size == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

static void put_control(struct copycatd_line *line, unsigned code, enum style style)
{
    char text[16];

    if (code == '\n') {
        snprintf(text, sizeof text, "\\n");
    } else if (code == '\t') {
        snprintf(text, sizeof text, "\\t");
    } else if (style == STYLE_JSON) {
        snprintf(text, sizeof text, "\\u%04x", code);
    } else {
        snprintf(text, sizeof text, "\\x%02x", code);
    }
    append(line, text, strlen(text), RESERVE);
}

static void put_escaped(struct copycatd_line *line, const char *text, enum style style)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != '\0') {
        size_t size = sequence_size(at);

        if (size == 0) {
            append(line, not_utf8, sizeof not_utf8 - 1, RESERVE);
            at++;
            continue;
        }
        if (is_control(at, size)) {
            put_control(line, size == 1 ? at[0] : at[1], style);
        } else if (style != STYLE_PLAIN && (at[0] == '"' || at[0] == '\\')) {
            char escaped[2] = {'\\', (char)at[0]};

            append(line, escaped, 2, RESERVE);
        } else {
            append(line, (const char *)at, size, RESERVE);
        }
        at += size;
    }
}

void copycatd_line_init(struct copycatd_line *line, char *text, size_t capacity)
{
    *line = (struct copycatd_line){.text = text, .capacity = capacity};
}

void copycatd_line_put(struct copycatd_line *line, const char *text)
{
    append(line, text, strlen(text), RESERVE);
}

void copycatd_line_put_plain(struct copycatd_line *line, const char *text)
{
    put_escaped(line, text, STYLE_PLAIN);
}

void copycatd_line_put_value(struct copycatd_line *line, const char *text)
{
    if (*text != '\0' && strpbrk(text, " \"=\\") == NULL) {
        put_escaped(line, text, STYLE_PLAIN);
        return;
    }
    copycatd_line_put(line, "\"");
    put_escaped(line, text, STYLE_QUOTED);
    copycatd_line_put(line, "\"");
}

void copycatd_line_put_member(struct copycatd_line *line, const char *key, const char *value)
{
    size_t start = line->size;

    copycatd_line_put(line, ",\"");
    put_escaped(line, key, STYLE_JSON);
    copycatd_line_put(line, "\":\"");
    if (line->is_full) {
        line->size = start;
        return;
    }
    put_escaped(line, value, STYLE_JSON);
    copycatd_line_end(line, "\"");
}

void copycatd_line_end(struct copycatd_line *line, const char *text)
{
    size_t size = strlen(text);

    if (size <= line->capacity - line->size) {
        memcpy(line->text + line->size, text, size);
        line->size += size;
    }
}

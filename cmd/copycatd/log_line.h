/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line -- one line of text or JSON in a fixed piece of memory, from texts nobody vouches for.
 *
 * Where it sits:   below log.
 * Memory:          the caller's.
 *
 * Invariants
 *   N1  between init and end, nothing that ends a line or moves a terminal's cursor gets in
 *   N2  what is in quotes is valid UTF-8; a byte that is not becomes U+FFFD
 *   N3  a line that is full takes no more, but there is always room to close what is open
 */
#ifndef COPYCATD_LOG_LINE_H
#define COPYCATD_LOG_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct copycatd_line {
    char *text; /* without a zero at its end */
    size_t size;
    size_t capacity;
    bool is_full; /* for good */
};

/* `capacity` is at least 64. */
void copycatd_line_init(struct copycatd_line *line, char *text, size_t capacity);

/* Our own words, all of them or none. */
void copycatd_line_put(struct copycatd_line *line, const char *text);

/* Any bytes: control characters are escaped as in C, the rest is as it was. */
void copycatd_line_put_plain(struct copycatd_line *line, const char *text);

/* The same, in quotes if it is empty or holds a blank, a quote or '='. */
void copycatd_line_put_value(struct copycatd_line *line, const char *text);

/* ,"key":"value" with everything escaped; left out if not even the key has room. */
void copycatd_line_put_member(struct copycatd_line *line, const char *key, const char *value);

/* Closes the line, also a full one; `text` is a few bytes. */
void copycatd_line_end(struct copycatd_line *line, const char *text);

#endif /* COPYCATD_LOG_LINE_H */

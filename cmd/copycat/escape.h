/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape -- bytes as text, and text as bytes.
 *
 * Where it sits:   between the bytes of the library and what people type and see.
 * Memory:          the caller's.
 *
 * Written are \\ \t \n \r \0 and \xHH; they are what is read, too.  Other text stands for itself, in
 * UTF-8 as well; what is no UTF-8, or would steer a terminal, is written \xHH.
 *
 * Invariants
 *   E1  what is written is read back to the same bytes, whatever they are
 *   E2  what is written has no tab, no line end and no other control character in it
 */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <copycat/base.h>

#include <stdbool.h>

/* A byte takes at most so many when it is written. */
#define CLI_ESCAPE_GROWTH 4u

/* `text_out` has room for CLI_ESCAPE_GROWTH times the bytes; returns what was used of it. */
size_t cli_escape_write(copycat_bytes bytes, char *text_out);

/* For the eye: likewise, but a backslash stands for itself, so that it cannot be read back. */
size_t cli_escape_show(copycat_bytes bytes, char *text_out);

/*
 * `bytes_out` has room for as many bytes as `text`, and may be where `text` is.  NULL if all was
 * understood; else the end of a sentence that begins with the text itself.  Static memory.
 */
const char *cli_escape_read(copycat_bytes text, char *bytes_out, size_t *size_out);

/* True for UTF-8 without a zero byte: what may be a string elsewhere. */
bool cli_escape_is_text(copycat_bytes bytes);

#endif /* CLI_ESCAPE_H */

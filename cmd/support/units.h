/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units -- numbers with the units people write: 5s, 64MiB, true.
 *
 * Where it sits:   below the values of the configuration and of flags.
 * Memory:          the caller's.
 *
 * Invariants
 *   U1  a bare number is no duration and no size: "5" hides whether it means seconds or bytes
 *   U2  what does not fit into 64 bits is refused, never cut
 *   U3  what is formatted is parsed back to the same number
 */
#ifndef CMD_UNITS_H
#define CMD_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL if `text` was understood; else the end of a sentence that begins with the text itself, as in
 * "is not a duration: write a whole number and one of the units ...".  Static memory. */
const char *cmd_duration_parse(const char *text, uint64_t *milliseconds_out);
const char *cmd_size_parse(const char *text, uint64_t *bytes_out);
const char *cmd_uint_parse(const char *text, uint64_t *number_out);
const char *cmd_bool_parse(const char *text, uint64_t *truth_out);

/* In the largest unit that leaves a whole number.  32 bytes are enough. */
void cmd_duration_format(uint64_t milliseconds, char *text_out, size_t text_size);
void cmd_size_format(uint64_t bytes, char *text_out, size_t text_size);

#endif /* CMD_UNITS_H */

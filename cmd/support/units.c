/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units -- see units.h.
 */
#include "support/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* The largest first: formatting takes the first that divides. */
static const struct unit durations[] = {
    {"h", UINT64_C(3600000)},
    {"m", UINT64_C(60000)},
    {"s", UINT64_C(1000)},
    {"ms", UINT64_C(1)},
    {NULL, 0},
};

/* The binary units stand first, so that a size is formatted in them. */
static const struct unit sizes[] = {
    {"GiB", UINT64_C(1) << 30},   {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},   {"B", UINT64_C(1)},
    {"GB", UINT64_C(1000000000)}, {"MB", UINT64_C(1000000)},
    {"KB", UINT64_C(1000)},       {NULL, 0},
};

static const char *const not_a_number = "is not a whole number";
static const char *const too_large = "is far too large";

/* The digits at the front; `*at` is left behind them. */
static const char *read_digits(const char **at, uint64_t *number_out)
{
    uint64_t number = 0;

    if (**at < '0' || **at > '9') {
        return not_a_number;
    }
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        uint64_t digit = (uint64_t)(**at - '0');

        if (number > (UINT64_MAX - digit) / 10) {
            return too_large;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return NULL;
}

static const char *read_quantity(
    const char *text, const struct unit *units, const char *unit_missing, uint64_t *number_out)
{
    const char *at = text;
    uint64_t number;
    const char *wrong = read_digits(&at, &number);

    if (wrong == not_a_number) {
        return unit_missing;
    }
    if (wrong != NULL) {
        return wrong;
    }
    for (at += *at == ' '; units->name != NULL; units++) {
        if (strcmp(at, units->name) == 0) {
            if (number > UINT64_MAX / units->factor) {
                return too_large;
            }
            *number_out = number * units->factor;
            return NULL;
        }
    }
    return unit_missing;
}

static void format_quantity(
    uint64_t number, const struct unit *units, char *text_out, size_t text_size)
{
    while (units->factor > 1 && (number == 0 || number % units->factor != 0)) {
        units++;
    }
    snprintf(text_out, text_size, "%" PRIu64 "%s", number / units->factor, units->name);
}

const char *cmd_duration_parse(const char *text, uint64_t *milliseconds_out)
{
    return read_quantity(
        text, durations,
        "is not a duration: write a whole number and one of the units ms, s, m, h, as in 5s or "
        "100ms",
        milliseconds_out);
}

const char *cmd_size_parse(const char *text, uint64_t *bytes_out)
{
    return read_quantity(
        text, sizes,
        "is not a size: write a whole number and one of the units B, KiB, MiB, GiB (powers of "
        "1024), KB, MB, GB (powers of 1000), as in 64MiB",
        bytes_out);
}

const char *cmd_uint_parse(const char *text, uint64_t *number_out)
{
    const char *at = text;
    uint64_t number;
    const char *wrong = read_digits(&at, &number);

    if (wrong == NULL && *at != '\0') {
        wrong = not_a_number;
    }
    if (wrong == NULL) {
        *number_out = number;
    }
    return wrong;
}

const char *cmd_bool_parse(const char *text, uint64_t *truth_out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(text, words[i]) == 0) {
            *truth_out = i % 2;
            return NULL;
        }
    }
    return "is neither true nor false (yes, no, on, off, 1 and 0 are understood as well)";
}

void cmd_duration_format(uint64_t milliseconds, char *text_out, size_t text_size)
{
    format_quantity(milliseconds, durations, text_out, text_size);
}

void cmd_size_format(uint64_t bytes, char *text_out, size_t text_size)
{
    format_quantity(bytes, sizes, text_out, text_size);
}

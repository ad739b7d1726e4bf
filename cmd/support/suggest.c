/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest -- see suggest.h.
 */
#include "support/suggest.h"

#include <stdint.h>
#include <string.h>

#define CHANGES_MAX 2u
#define PREFIX_SIZE_MIN 3u

static char folded(char letter)
{
    if (letter >= 'A' && letter <= 'Z') {
        return (char)(letter - 'A' + 'a');
    }
    return letter == '_' ? '-' : letter;
}

static size_t least(size_t left, size_t right)
{
    return left < right ? left : right;
}

size_t cmd_word_distance(const char *left, const char *right)
{
    size_t left_size = strlen(left);
    size_t right_size = strlen(right);
    /* Three rows of the table of Damerau and Levenshtein: two back, one back, this one. */
    size_t rows[3][CMD_WORD_SIZE_MAX + 1];

    if (left_size > CMD_WORD_SIZE_MAX || right_size > CMD_WORD_SIZE_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= right_size; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= left_size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= right_size; j++) {
            char a = folded(left[i - 1]);
            char b = folded(right[j - 1]);

            row[j] = least(above[j], row[j - 1]) + 1;
            row[j] = least(row[j], above[j - 1] + (a != b));
            if (i > 1 && j > 1 && a == folded(right[j - 2]) && b == folded(left[i - 2])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
    }
    return rows[left_size % 3][right_size];
}

static int is_prefix(const char *front, const char *whole)
{
    size_t size = strlen(front);

    if (size < PREFIX_SIZE_MIN || size > strlen(whole)) {
        return 0;
    }
    for (size_t i = 0; i < size; i++) {
        if (folded(front[i]) != folded(whole[i])) {
            return 0;
        }
    }
    return 1;
}

unsigned cmd_word_misfit(const char *written, const char *known)
{
    size_t changes = cmd_word_distance(written, known);

    /* Two changes make any word of two letters from any other: that is no likeness. */
    if (changes <= CHANGES_MAX && changes < strlen(known)) {
        return (unsigned)changes;
    }
    if (is_prefix(written, known) || is_prefix(known, written)) {
        return CHANGES_MAX + 1;
    }
    return CMD_WORD_UNLIKE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest -- the known word that somebody probably meant.
 *
 * Where it sits:   below the flags, properties and verbs of both programs; it knows words only.
 * Memory:          none.
 */
#ifndef CMD_SUGGEST_H
#define CMD_SUGGEST_H

#include <stddef.h>

/* Longer words are not compared. */
#define CMD_WORD_SIZE_MAX 48u

/* From here on a word is unlike another. */
#define CMD_WORD_UNLIKE 4u

/*
 * How many single changes (a letter more, less, other, or two neighbours swapped) lead from `left`
 * to `right`, where case counts nothing and '_' is '-'.  SIZE_MAX for words that are too long.
 */
size_t cmd_word_distance(const char *left, const char *right);

/*
 * How badly `known` fits what was written: 0 to 2 changes, 3 if one begins with the other (at
 * least three letters), CMD_WORD_UNLIKE: not at all.  The nearest of a list is the one with the least of it.
 */
unsigned cmd_word_misfit(const char *written, const char *known);

#endif /* CMD_SUGGEST_H */

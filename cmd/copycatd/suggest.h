/* SPDX-License-Identifier: Apache-2.0 */
/*
 * suggest -- the known word that somebody probably meant.
 *
 * Where it sits:   below property and config; it knows words only.
 * Memory:          none.
 */
#ifndef COPYCATD_SUGGEST_H
#define COPYCATD_SUGGEST_H

#include <stddef.h>

/* Longer words are not compared. */
#define COPYCATD_WORD_SIZE_MAX 48u

/*
 * How many single changes (a letter more, less, other, or two neighbours swapped) lead from `left`
 * to `right`, where case counts nothing and '_' is '-'.  SIZE_MAX for words that are too long.
 */
size_t copycatd_word_distance(const char *left, const char *right);

/*
 * How badly `known` fits what was written: 0 to 2 changes, 3 if one begins with the other (at
 * least three letters), 4: not at all.  The nearest of a list is the one with the least of it.
 */
unsigned copycatd_word_misfit(const char *written, const char *known);

#endif /* COPYCATD_SUGGEST_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_problems -- what is wrong with a configuration, all of it, as sentences.
 *
 * Where it sits:   handed through every step of loading; printed once at the end.
 * Memory:          fixed.  What no longer fits is counted.
 *
 * Invariants
 *   O1  a sentence holds no control character: it may quote what a stranger wrote
 */
#ifndef COPYCATD_CONFIG_PROBLEMS_H
#define COPYCATD_CONFIG_PROBLEMS_H

#include <stddef.h>
#include <stdio.h>

#define COPYCATD_SENTENCE_SIZE_MAX 640u

struct copycatd_problems {
    char text[8192]; /* sentences, each with its newline */
    size_t size;
    unsigned count;
    unsigned unwritten; /* of `count`, for lack of room */
};

void copycatd_problems_init(struct copycatd_problems *problems);

__attribute__((format(printf, 2, 3))) void copycatd_problems_add(
    struct copycatd_problems *problems, const char *format, ...);

/* One line each, with `prefix` in front. */
void copycatd_problems_print(
    const struct copycatd_problems *problems, const char *prefix, FILE *file);

#endif /* COPYCATD_CONFIG_PROBLEMS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * basics -- time, sleep and chance, as all parts of the chaos test use them.
 *
 * Chance is a seed's: what the nemesis chooses, and what clients choose, repeats with it.  When it
 * happens does not: processes and networks are real here.
 */
#ifndef CC_TEST_CHAOS_BASICS_H
#define CC_TEST_CHAOS_BASICS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>

#define CHAOS_SERVER_COUNT 3u

struct chaos_random {
    uint64_t state;
};

/* Monotonic. */
uint64_t chaos_now_us(void);

void chaos_sleep_ms(uint64_t ms);

/* A number below `limit`, which is not 0. */
uint32_t chaos_random_below(struct chaos_random *random, uint32_t limit);

/* A line on standard output, which begins with the seconds since the first one. */
void chaos_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For what this program itself cannot do without: says so and exits with 2. */
noreturn void chaos_give_up(const char *what);

#endif /* CC_TEST_CHAOS_BASICS_H */

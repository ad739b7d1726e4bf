/* SPDX-License-Identifier: Apache-2.0 */
/*
 * basics -- see basics.h.
 */
#include "basics.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t chaos_now_us(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        chaos_give_up("clock_gettime");
    }
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* A signal cuts it short: whoever waits looks at what the signal asked for. */
void chaos_sleep_ms(uint64_t ms)
{
    struct timespec rest = {(time_t)(ms / 1000u), (long)(ms % 1000u) * 1000000};

    (void)nanosleep(&rest, NULL);
}

/* splitmix64 */
uint32_t chaos_random_below(struct chaos_random *random, uint32_t limit)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    return (uint32_t)((mixed >> 32) * limit >> 32);
}

void chaos_say(const char *format, ...)
{
    static uint64_t first_us;
    char line[512];
    va_list arguments;
    uint64_t now_us = chaos_now_us();

    first_us = first_us == 0 ? now_us : first_us;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printf("%7.2f  %s\n", (double)(now_us - first_us) / 1e6, line);
    fflush(stdout);
}

void chaos_give_up(const char *what)
{
    fprintf(stderr, "chaos: %s: %s\n", what, strerror(errno));
    exit(2);
}

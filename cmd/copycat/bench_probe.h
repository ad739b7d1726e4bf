/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_probe -- what the machine itself can do at this minute: a durable write of 4 KiB, and a round
 * trip of 100 bytes over the loopback.  No system that answers after a write to disk is faster than
 * these, so figures are told as ratios to them.
 */
#ifndef CLI_BENCH_PROBE_H
#define CLI_BENCH_PROBE_H

#include "bench_histogram.h"

#include <copycat/base.h>

/* Zero-initialise.  Of several runs the quietest stays: what a load has left to the disk to do is not
 * what the disk can do. */
struct bench_probe {
    struct bench_histogram disk_ns;
    struct bench_histogram loopback_ns;
    copycat_message disk_trouble;
    copycat_message loopback_trouble;
};

/* Takes well under a second.  `directory` is where a file may be made, and is removed again. */
void bench_probe_run(struct bench_probe *probe, const char *directory);

#endif /* CLI_BENCH_PROBE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench -- how fast the cluster is; it reads its own arguments.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

/* argv[0] is "bench".  Returns an exit code. */
int copycat_bench_main(int argc, char **argv);

#endif /* CLI_BENCH_H */

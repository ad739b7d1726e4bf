/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal -- from here on this process computes and writes its report, and the kernel sees to it.
 *
 * Where it sits:   main -> [seal], once everything is open that will be written to.
 *
 * A simulated run is worth nothing if any of it comes from the real machine.  After cc_seal() a
 * system call that asks for the time, a file, the network, another process or a random number ends
 * the program with CC_SEAL_EXIT and a line that names the call and what was running.  Left are:
 * writing to the reports, memory without a file behind it, the end of the process, and the time
 * this process has used of its CPU, which the summary prints and no run is shown.
 *
 * Clocks are also read without a system call.  On x86 the instruction beneath is made to fault, so
 * that these end the program too.  What remains invisible are the coarse clocks (time() among them),
 * which are plain memory: for those tools/check_purity holds that no object of the product, nor of
 * the simulated world, knows the function.
 *
 * Programs with sanitizers or coverage read and write files as they please: CC_SIM_UNSEALED is
 * defined for them by the build, and only for them.
 */
#ifndef CC_SIM_SEAL_H
#define CC_SIM_SEAL_H

#include <stdio.h>

#define CC_SEAL_EXIT 86

enum cc_seal_result {
    CC_SEAL_ON,
    CC_SEAL_LEFT_OUT, /* of this build */
    CC_SEAL_REFUSED,  /* by this kernel */
};

/* Creates a file that may be written to after the seal, to its end or the process'; NULL: errno.
 * Before the seal.  There is room for a few. */
FILE *cc_seal_report(const char *path);

/* Once.  Standard output and error are reports. */
enum cc_seal_result cc_seal(void);

/* What is running, for the last line; borrowed. */
void cc_seal_name_work(const char *text);

#endif /* CC_SIM_SEAL_H */

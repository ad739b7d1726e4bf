/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal_probe -- does what a sealed process must not, so that a test can see it refused.
 *
 * Where it sits:   main -> [seal_probe] -> seal.
 *
 * `copycat-sim --probe WHAT` seals the process as every run does, makes one call, and says that it
 * came back.  WHAT is a name of the table in seal_probe.c; `list` prints them all, those that must
 * be refused with a minus before them.
 */
#ifndef CC_SIM_SEAL_PROBE_H
#define CC_SIM_SEAL_PROBE_H

#include <stdbool.h>

/* Before the seal. */
void cc_seal_probe_prepare(void);

/* Exit code: 0 if the call came back, 77 if there is no seal here, 2 for a name that is none. */
int cc_seal_probe(const char *name, bool is_sealed);

#endif /* CC_SIM_SEAL_PROBE_H */

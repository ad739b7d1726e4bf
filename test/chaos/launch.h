/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch -- how a child becomes a server: its network, its clock, its shim, its flags.
 *
 * Where it sits:   servers -> [launch].
 * Memory:          none.
 */
#ifndef CC_TEST_CHAOS_LAUNCH_H
#define CC_TEST_CHAOS_LAUNCH_H

#include "servers.h"

#define CHAOS_SHIM "libchaos_shim.so"

/* Starts it with all that `servers` says of it.  A twin differs by its log alone. */
pid_t chaos_launch(const struct chaos_servers *servers, unsigned server, bool is_twin);

/* Whether a process may have a monotonic clock of its own here. */
bool chaos_launch_has_clocks(void);

#endif /* CC_TEST_CHAOS_LAUNCH_H */

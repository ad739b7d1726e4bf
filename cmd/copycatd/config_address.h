/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_address -- may this text be an address, and does it stay on this machine?
 *
 * Where it sits:   below the values and the members of the configuration.
 * Memory:          none.  Nothing is resolved: a name is judged by its letters alone.
 */
#ifndef COPYCATD_CONFIG_ADDRESS_H
#define COPYCATD_CONFIG_ADDRESS_H

#include <stdbool.h>

/* Longest address, without its end. */
#define COPYCATD_ADDRESS_SIZE_MAX 255u

/* NULL if `text` is HOST:PORT, IPV4:PORT, [IPV6]:PORT or unix:PATH; else the end of a sentence that
 * begins with the text itself. */
const char *copycatd_address_check(const char *text);

/* Of an address that passed the check: 127.0.0.0/8, ::1, localhost and unix: stay here. */
bool copycatd_address_is_local(const char *text);

#endif /* COPYCATD_CONFIG_ADDRESS_H */

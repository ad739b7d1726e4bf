/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate_machine -- a machine that a test can hold up: while the gate is shut a command waits in it,
 * and so does the server.  For calls that are surely outstanding.
 */
#ifndef CC_TEST_GATE_MACHINE_H
#define CC_TEST_GATE_MACHINE_H

#include <copycat.h>

#define GATE_TYPE 7u

extern const copycat_machine_type gate_machine;

void gate_shut(void);
void gate_open(void);

/* Waits until a command stands at the gate. */
void gate_await(void);

#endif /* CC_TEST_GATE_MACHINE_H */

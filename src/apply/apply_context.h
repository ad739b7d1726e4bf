/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_context -- what a context can do for the catalogue and for nobody else: make resources.
 *
 * Where it sits:   apply -> [apply_context] -> catalog.  apply does not know the catalogue: it is
 *                  handed its type, runs it as instance 0, and lets that instance come in
 *                  through here.
 */
#ifndef CC_APPLY_APPLY_CONTEXT_H
#define CC_APPLY_APPLY_CONTEXT_H

#include <copycat/machine.h>

#include <stdbool.h>

/* True if the type of resource is known to this member.  Every member must have the same types. */
bool cc_context_type_is_known(const copycat_context *context, uint32_t type);

/* Creates a resource of a known type; its instance is the index of the commit at hand. */
void cc_context_create(copycat_context *context, uint32_t type);

#endif /* CC_APPLY_APPLY_CONTEXT_H */

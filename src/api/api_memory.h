/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_memory -- malloc, in the form that everything below asks for memory in.
 */
#ifndef CC_API_MEMORY_H
#define CC_API_MEMORY_H

#include "base/memory.h"

extern const struct cc_memory cc_api_memory;

#endif /* CC_API_MEMORY_H */

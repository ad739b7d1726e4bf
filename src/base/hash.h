/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash -- 64-bit hashes for tables and digests (XXH3).  The same on every machine and in every
 * run: replicated state depends on it, so it takes no secret and no address.
 */
#ifndef CC_BASE_HASH_H
#define CC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t cc_hash_bytes(const void *data, size_t size, uint64_t seed);

/* Mixes two words; for digests of fixed fields. */
uint64_t cc_hash_words(uint64_t first, uint64_t second);

#endif /* CC_BASE_HASH_H */

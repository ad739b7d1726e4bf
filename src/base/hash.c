/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash -- see hash.h.
 */
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t cc_hash_bytes(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

uint64_t cc_hash_words(uint64_t first, uint64_t second)
{
    uint64_t words[2] = {first, second};

    return XXH3_64bits(words, sizeof words);
}

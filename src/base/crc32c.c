/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32c -- by the SSE 4.2 instruction on x86-64 (which every such machine of the last fifteen
 * years has), elsewhere bit by bit.
 */
#include "base/crc32c.h"

#include <string.h>

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t update(
    uint32_t crc, const unsigned char *bytes, size_t size)
{
    uint64_t wide = crc;

    for (; size >= 8; size -= 8, bytes += 8) {
        uint64_t word;

        memcpy(&word, bytes, sizeof word);
        wide = __builtin_ia32_crc32di(wide, word);
    }
    crc = (uint32_t)wide;
    for (; size > 0; size--, bytes++) {
        crc = __builtin_ia32_crc32qi(crc, *bytes);
    }
    return crc;
}

#else

static uint32_t update(uint32_t crc, const unsigned char *bytes, size_t size)
{
    for (; size > 0; size--, bytes++) {
        crc ^= *bytes;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
        }
    }
    return crc;
}

#endif

uint32_t cc_crc32c(uint32_t crc, const void *data, size_t size)
{
    return ~update(~crc, data, size);
}

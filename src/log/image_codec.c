/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_codec -- see image_codec.h.
 */
#include "log/image_codec.h"

#include "base/assert.h"

#include <zstd.h>
#include <zstd_errors.h>

#define LEVEL 1

size_t cc_image_pack(uint8_t *target, const void *data, size_t size)
{
    size_t packed = ZSTD_compress(target, size - size / 8, data, size, LEVEL);

    CC_ASSERT(ZSTD_getErrorCode(packed) != ZSTD_error_memory_allocation);
    return ZSTD_isError(packed) ? 0 : packed;
}

bool cc_image_unpack(uint8_t *target, size_t target_size, const void *data, size_t size)
{
    size_t unpacked = ZSTD_decompress(target, target_size, data, size);

    /* Or a piece would be called damaged for want of memory. */
    CC_ASSERT(ZSTD_getErrorCode(unpacked) != ZSTD_error_memory_allocation);
    return unpacked == target_size;
}

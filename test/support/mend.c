/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mend -- see mend.h.
 */
#include "support/mend.h"

#include "base/crc32c.h"
#include "proto/entry.h"
#include "wire/frame.h"

void mend_frames(uint8_t *stream, size_t size)
{
    size_t at = 0;

    while (size - at >= CC_FRAME_HEADER_SIZE) {
        uint32_t body_size = cc_load_u32(stream + at);

        if (body_size > size - at - CC_FRAME_HEADER_SIZE) {
            return;
        }
        cc_store_u32(
            stream + at + 4, cc_crc32c(0, stream + at + 8, CC_FRAME_HEADER_SIZE - 8 + body_size));
        at += CC_FRAME_HEADER_SIZE + body_size;
    }
}

void mend_entry(uint8_t *bytes, size_t size)
{
    if (size < CC_ENTRY_HEADER_SIZE) {
        return;
    }

    uint32_t payload_size = cc_load_u32(bytes + 4);

    if (payload_size <= size - CC_ENTRY_HEADER_SIZE) {
        cc_store_u32(bytes + 32, cc_crc32c(0, bytes + CC_ENTRY_HEADER_SIZE, payload_size));
    }
    cc_store_u32(bytes, cc_crc32c(0, bytes + 4, CC_ENTRY_HEADER_SIZE - 4));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_message -- whatever body of whatever kind is accepted is coded again to the same bytes.
 *
 * The first byte says which kind; an entry gets its checksums made right, without which nothing
 * random would come past them.
 */
#include "base/assert.h"
#include "base/crc32c.h"
#include "support/limited_memory.h"
#include "support/message_again.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* Millions of runs: what was freed is watched for a while, and does not fill the memory. */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16";
}

static void mend_entry(uint8_t *bytes, size_t size)
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct limited_memory limited;
    struct cc_writer writer;

    if (size == 0) {
        return 0;
    }

    uint16_t kind = again_kinds[data[0] % AGAIN_KINDS];
    uint8_t *bytes = malloc(size);

    CC_ASSERT(bytes != NULL);
    size--;
    memcpy(bytes + 1, data + 1, size); /* up to the end of the memory */
    if (kind == AGAIN_ENTRY) {
        mend_entry(bytes + 1, size);
    }
    limited_memory_init(&limited);
    cc_writer_init(&writer, &limited.memory, SIZE_MAX);
    if (message_again(kind, (copycat_bytes){bytes + 1, size}, &writer)) {
        CC_ASSERT(!writer.failed);
        CC_ASSERT(writer.size == size);
        CC_ASSERT(size == 0 || memcmp(writer.data, bytes + 1, size) == 0);
    }
    cc_writer_deinit(&writer);
    CC_ASSERT(limited.blocks == 0);
    free(bytes);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_message -- whatever body of whatever kind is accepted is coded again to the same bytes.
 *
 * The first byte says which kind; an entry gets its checksums made right, without which nothing
 * random would come past them.
 */
#include "base/assert.h"
#include "support/limited_memory.h"
#include "support/mend.h"
#include "support/message_again.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

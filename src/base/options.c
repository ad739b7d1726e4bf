/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options -- see options.h.
 */
#include "base/options.h"

#include <string.h>

/* Far above any real options struct: a larger size is garbage, not a newer caller. */
#define OPTIONS_SIZE_MAX 4096u

void cc_options_init(void *options, size_t size)
{
    memset(options, 0, size);
    memcpy(options, &size, sizeof size);
}

copycat_status cc_options_read(void *target, size_t target_size, const void *source)
{
    const unsigned char *bytes = source;
    size_t source_size;

    cc_options_init(target, target_size);
    if (source == NULL) {
        return COPYCAT_OK;
    }
    memcpy(&source_size, source, sizeof source_size);
    if (source_size < sizeof source_size || source_size > OPTIONS_SIZE_MAX) {
        return COPYCAT_ERR_INVALID;
    }
    for (size_t i = target_size; i < source_size; i++) {
        if (bytes[i] != 0) {
            return COPYCAT_ERR_UNSUPPORTED;
        }
    }
    memcpy(target, source, source_size < target_size ? source_size : target_size);
    memcpy(target, &target_size, sizeof target_size);
    return COPYCAT_OK;
}

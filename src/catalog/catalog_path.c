/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_path -- see catalog_path.h.
 */
#include "catalog/catalog_path.h"

#include "proto/limits.h"

static bool is_control(uint8_t byte)
{
    return byte < 32 || byte == 127;
}

bool cc_catalog_path_form(copycat_bytes path, copycat_bytes *form_out)
{
    const uint8_t *bytes = path.data;
    size_t start = path.size > 0 && bytes[0] == '/' ? 1 : 0;
    bool was_slash = true; /* before the first part: an empty part is one between two slashes */

    if (path.size > CC_PATH_SIZE_MAX) {
        return false;
    }
    for (size_t i = start; i < path.size; i++) {
        bool is_slash = bytes[i] == '/';

        if (is_control(bytes[i]) || (is_slash && was_slash)) {
            return false;
        }
        was_slash = is_slash;
    }
    if (was_slash) {
        return false; /* nothing at all, or a slash at the end */
    }
    *form_out = (copycat_bytes){bytes + start, path.size - start};
    return true;
}

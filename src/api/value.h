/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value -- the result of an operation, in one block of memory, as its caller sees it.
 */
#ifndef CC_API_VALUE_H
#define CC_API_VALUE_H

#include <copycat/future.h>

/* What the bytes of a result mean. */
enum cc_value_kind {
    CC_VALUE_NOTHING,
    CC_VALUE_BYTES,    /* the result itself */
    CC_VALUE_OPTIONAL, /* cc_map_value_decode */
    CC_VALUE_FLAG,     /* cc_map_flag_decode */
    CC_VALUE_NUMBER,   /* cc_map_number_decode */
    CC_VALUE_PAGE,     /* cc_map_page_decode */
};

/* MEMORY, or MALFORMED: the bytes are no such result. */
copycat_status cc_value_create(
    copycat_value **value_out, enum cc_value_kind kind, uint64_t index, copycat_bytes result);

#endif /* CC_API_VALUE_H */

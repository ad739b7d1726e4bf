/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_operation -- what a client says to a map and what it answers: both halves share this coding.
 *
 * Where it sits:   client/map_proxy -> [map_operation] -> map_machine, and back.
 * Memory:          none; decoded bytes are borrowed from what was decoded.
 *
 *     operation    code, then                                  result
 *     PUT          key, value                                  the value before
 *     GET          key                                         the value
 *     REMOVE       key                                         the value before
 *     CONTAINS     key                                         a flag
 *     SIZE         -                                           a number
 *     KEYS         is-first, after, limit                      a page
 *     CLEAR        -                                           nothing
 *     PUT_IF_ABSENT key, value                                 the value that is there already
 *     REPLACE      key, value                                  the value before; absent: not stored
 *     CAS          key, expected, value                        a flag: stored or not
 *
 * A value in a result is the byte 1 and the value itself, to the end, or the byte 0 alone: so the
 * machine keeps each value with that byte before it and answers without copying.  A flag is one
 * byte; a number is a varint; a page is the flag "more" and counted keys to the end.
 */
#ifndef CC_RESOURCE_MAP_OPERATION_H
#define CC_RESOURCE_MAP_OPERATION_H

#include "proto/limits.h"
#include "wire/bytes.h"

#define CC_MAP_TYPE_ID 160u

/* A page of keys is at most this large; it always has room for one key. */
#define CC_MAP_PAGE_SIZE_MAX (4u * CC_KEY_SIZE_MAX)

enum cc_map_operation_code {
    CC_MAP_PUT = 1,
    CC_MAP_GET = 2,
    CC_MAP_REMOVE = 3,
    CC_MAP_CONTAINS = 4,
    CC_MAP_SIZE = 5,
    CC_MAP_KEYS = 6,
    CC_MAP_CLEAR = 7,
    CC_MAP_PUT_IF_ABSENT = 8,
    CC_MAP_REPLACE = 9,
    CC_MAP_CAS = 10,
};

struct cc_map_operation {
    uint8_t code;           /* enum cc_map_operation_code */
    copycat_bytes key;      /* KEYS: the page begins after it, data NULL: at the beginning */
    copycat_bytes value;    /* PUT, PUT_IF_ABSENT, REPLACE, CAS: what to store */
    copycat_bytes expected; /* CAS: what must be there */
    uint32_t limit;         /* KEYS: at most so many, at least 1 */
};

void cc_map_operation_encode(struct cc_writer *writer, const struct cc_map_operation *operation);

/*
 * UNKNOWN_OPERATION, MALFORMED, INVALID (an empty key, a limit of 0) or TOO_LARGE where the bytes
 * are no operation that a map could carry out; `operation_out` is then not to be looked at.
 */
copycat_status cc_map_operation_decode(copycat_bytes bytes, struct cc_map_operation *operation_out);

/* True if the operation can only look: then it may be sent as a query. */
bool cc_map_operation_is_query(uint8_t code);

/* ---- results; each decode returns false unless the bytes are exactly one such result --------- */

/* `value_out->data` is NULL if there is no value, and never NULL if there is one, be it empty. */
bool cc_map_value_decode(copycat_bytes result, copycat_bytes *value_out);

void cc_map_flag_encode(struct cc_writer *writer, bool flag);
bool cc_map_flag_decode(copycat_bytes result, bool *flag_out);

void cc_map_number_encode(struct cc_writer *writer, uint64_t number);
bool cc_map_number_decode(copycat_bytes result, uint64_t *number_out);

/* `keys_out` is then read with cc_map_page_next; `is_more_out`: ask again after the last key. */
bool cc_map_page_decode(copycat_bytes result, struct cc_reader *keys_out, bool *is_more_out);

/* The next key of the page; false at its end or where it is broken (cc_reader_is_done tells). */
bool cc_map_page_next(struct cc_reader *keys, copycat_bytes *key_out);

#endif /* CC_RESOURCE_MAP_OPERATION_H */

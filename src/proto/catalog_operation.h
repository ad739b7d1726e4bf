/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_operation -- what a client asks of the catalogue (instance 0) and what it answers.
 *
 *     operation   code, then                     result
 *     OPEN        type (varint), path (counted)  struct cc_catalog_place
 *     LOOKUP      path (counted)                 struct cc_catalog_place; UNKNOWN_RESOURCE: none
 *
 * OPEN gives what is there or creates it.  Statuses: PATH (a bad path), UNSUPPORTED (a type that
 * the cluster does not know), TYPE (the path names a resource of another type), QUOTA (there are
 * CC_RESOURCES_MAX of them already).
 */
#ifndef CC_PROTO_CATALOG_OPERATION_H
#define CC_PROTO_CATALOG_OPERATION_H

#include "wire/bytes.h"

/* The instance of the catalogue itself. */
#define CC_CATALOG_INSTANCE UINT64_C(0)

enum cc_catalog_operation_code {
    CC_CATALOG_OPEN = 1,
    CC_CATALOG_LOOKUP = 2,
};

struct cc_catalog_operation {
    uint8_t code;  /* enum cc_catalog_operation_code */
    uint32_t type; /* OPEN */
    copycat_bytes path;
};

/* Where a path leads. */
struct cc_catalog_place {
    uint64_t instance;
    uint32_t type;
};

void cc_catalog_operation_encode(
    struct cc_writer *writer, const struct cc_catalog_operation *operation);

/* UNKNOWN_OPERATION, MALFORMED, or PATH if the path is longer than a path may be. */
copycat_status cc_catalog_operation_decode(
    copycat_bytes bytes, struct cc_catalog_operation *operation_out);

void cc_catalog_place_encode(struct cc_writer *writer, const struct cc_catalog_place *place);

/* False if the bytes are not exactly one place. */
bool cc_catalog_place_decode(copycat_bytes result, struct cc_catalog_place *place_out);

#endif /* CC_PROTO_CATALOG_OPERATION_H */

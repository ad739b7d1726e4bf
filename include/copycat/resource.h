/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/resource.h -- a resource whose machine you have written yourself (copycat/machine.h), as
 * its clients see it: bytes in, bytes out.
 */
#ifndef COPYCAT_RESOURCE_H
#define COPYCAT_RESOURCE_H

#include <copycat/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_resource copycat_resource;

/* As copycat_map_at; `type` is the machine type's id.  Calls come to COPYCAT_ERR_UNSUPPORTED if the
 * servers do not know it, and to _TYPE if the path is a resource of another. [any] */
COPYCAT_API copycat_resource *copycat_resource_at(
    copycat_client *client, const char *path, uint32_t type);

/* As copycat_map_free. [any] */
COPYCAT_API void copycat_resource_free(copycat_resource *resource);

/* Runs `operation` once, on every member, at one place in the log.  Its answer is in
 * copycat_value_bytes.  Up to 2 MiB, copied. [any] */
COPYCAT_API copycat_future *copycat_resource_submit(
    copycat_resource *resource, copycat_bytes operation, const copycat_call_options *options);

/* Asks one member's machine; its answer is in copycat_value_bytes. [any] */
COPYCAT_API copycat_future *copycat_resource_query(
    copycat_resource *resource, copycat_bytes operation, const copycat_call_options *options);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_RESOURCE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_proxy -- the client's half of a map: an operation as the bytes of a call.
 *
 * Where it sits:   [map_proxy] -> client -> session -> raft -> log -> apply -> map_machine
 */
#ifndef CC_RESOURCE_MAP_MAP_PROXY_H
#define CC_RESOURCE_MAP_MAP_PROXY_H

#include "resource/map/map_operation.h"

/*
 * Writes the operation to an empty growing writer.  TOO_LARGE: a key or a value.  INVALID: a key of
 * no bytes where one is needed.  MEMORY.
 */
copycat_status cc_map_encode(struct cc_writer *writer, const struct cc_map_operation *operation);

#endif /* CC_RESOURCE_MAP_MAP_PROXY_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_uv -- the two sides are real environments in a directory of their own; each is driven as a
 * host's loop would drive it: poll its descriptor, then process.
 */
#ifndef CC_TEST_WORLD_UV_H
#define CC_TEST_WORLD_UV_H

#include "contract.h"
#include "env/uv/env_uv.h"
#include "support/limited_memory.h"

struct uv_world {
    enum cc_env_uv_disk disk;
    struct limited_memory memory[CONTRACT_SIDES];
    struct cc_env *sides[CONTRACT_SIDES];
    bool is_paused[CONTRACT_SIDES];
    char root[CONTRACT_PATH_SIZE]; /* removed with all that is in it */
    uint32_t sockets;
    uint32_t descriptors; /* of this process before the world was opened */
};

#endif /* CC_TEST_WORLD_UV_H */

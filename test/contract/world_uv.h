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

#include <sys/resource.h>

struct uv_world {
    enum cc_env_uv_disk disk;
    struct limited_memory memory[CONTRACT_SIDES];
    struct cc_env *sides[CONTRACT_SIDES];
    bool is_paused[CONTRACT_SIDES];
    char root[CONTRACT_PATH_SIZE]; /* removed with all that is in it */
    uint32_t sockets;
    uint32_t descriptors; /* of this process before the world was opened */
};

static inline struct uv_world *uv_world_of(struct contract *contract)
{
    return contract->backend;
}

/* Waits so long at most until the environment has something to do. */
bool uv_is_readable(struct cc_env *env, int wait_ms);

/* A timer whose owner is a bool. */
void uv_fired(struct cc_timer *timer);

/* This process may have so many more descriptors than it has. */
void uv_limit_descriptors(uint32_t more, struct rlimit *before_out);

#endif /* CC_TEST_WORLD_UV_H */

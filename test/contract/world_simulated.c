/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_simulated -- the two sides are machines of the simulated world.
 */
#include "contract.h"
#include "sim/world.h"

#include <stdio.h>

#define STEP_US 1000000u

static bool open_world(struct contract *contract)
{
    struct cc_world *world = cc_world_create(4711, CONTRACT_SIDES);

    contract->backend = world;
    contract->left = cc_world_boot(world, 0);
    contract->right = cc_world_boot(world, 1);
    (void)snprintf(contract->directory, sizeof contract->directory, "data");
    return true;
}

static void close_world(struct contract *contract)
{
    cc_world_destroy(contract->backend);
}

static void step(struct contract *contract)
{
    struct cc_world *world = contract->backend;
    uint32_t machine;

    (void)cc_world_step(world, cc_world_now_us(world) + STEP_US, &machine);
}

static void restart(struct contract *contract, uint32_t side)
{
    struct cc_world *world = contract->backend;

    cc_world_crash(world, side);
    (void)cc_world_boot(world, side);
}

static void pause_side(struct contract *contract, uint32_t side, bool is_paused)
{
    if (is_paused) {
        cc_world_pause(contract->backend, side);
    } else {
        cc_world_resume(contract->backend, side);
    }
}

static void address(struct contract *contract, char *text_out, size_t size)
{
    (void)contract;
    (void)snprintf(text_out, size, "some-host:1");
}

static void found(
    struct contract *contract,
    uint32_t side,
    const struct cc_listener *listener,
    char *text_out,
    size_t size)
{
    (void)side;
    (void)listener;
    address(contract, text_out, size);
}

const struct contract_world contract_simulated = {
    .name = "simulated",
    .open = open_world,
    .close = close_world,
    .step = step,
    .restart = restart,
    .pause = pause_side,
    .address = address,
    .found = found,
};

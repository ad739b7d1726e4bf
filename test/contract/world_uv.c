/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_uv -- see world_uv.h.
 */
#include "world_uv.h"

#include <dirent.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STEP_MS 100

/* libuv keeps a pipe for each process that ever had a loop. */
static void have_a_loop(void)
{
    struct limited_memory memory;
    struct cc_env *env = NULL;

    limited_memory_init(&memory);
    assert_int_equal(cc_env_uv_open(&env, &memory.memory, NULL), COPYCAT_OK);
    cc_env_uv_close(env);
}

static uint32_t count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    uint32_t count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static copycat_status open_side(struct uv_world *world, uint32_t side)
{
    struct cc_env_uv_options options = {.disk = world->disk};

    return cc_env_uv_open(&world->sides[side], &world->memory[side].memory, &options);
}

static bool open_world(struct contract *contract, enum cc_env_uv_disk disk)
{
    struct uv_world *world = calloc(1, sizeof *world);
    const char *temporary = getenv("TMPDIR");

    assert_non_null(world);
    contract->backend = world;
    world->disk = disk;
    have_a_loop();
    world->descriptors = count_descriptors();
    (void)snprintf(
        world->root, sizeof world->root, "%.100s/copycat-contract-XXXXXX",
        temporary == NULL ? "/tmp" : temporary);
    assert_non_null(mkdtemp(world->root));
    (void)snprintf(
        contract->directory, sizeof contract->directory, "%.200s/made/for/us", world->root);
    for (uint32_t side = 0; side < CONTRACT_SIDES; side++) {
        copycat_status status;

        limited_memory_init(&world->memory[side]);
        status = open_side(world, side);
        if (status == COPYCAT_ERR_UNSUPPORTED) {
            return false;
        }
        assert_int_equal(status, COPYCAT_OK);
    }
    contract->left = world->sides[0];
    contract->right = world->sides[1];
    return true;
}

static bool open_ring(struct contract *contract)
{
    return open_world(contract, CC_ENV_UV_DISK_RING);
}

static bool open_thread(struct contract *contract)
{
    return open_world(contract, CC_ENV_UV_DISK_THREAD);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* Nothing of it is left: no memory, no descriptor. */
static void close_world(struct contract *contract)
{
    struct uv_world *world = contract->backend;
    size_t blocks = 0;
    uint32_t descriptors;

    for (uint32_t side = 0; side < CONTRACT_SIDES; side++) {
        cc_env_uv_close(world->sides[side]);
        blocks += world->memory[side].blocks;
    }
    (void)nftw(world->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    descriptors = count_descriptors() - world->descriptors;
    free(world);
    assert_int_equal(blocks, 0);
    assert_int_equal(descriptors, 0);
}

static void step(struct contract *contract)
{
    struct uv_world *world = contract->backend;
    struct pollfd polled[CONTRACT_SIDES];
    nfds_t count = 0;

    for (uint32_t side = 0; side < CONTRACT_SIDES; side++) {
        if (!world->is_paused[side]) {
            polled[count++] =
                (struct pollfd){.fd = cc_env_uv_fd(world->sides[side]), .events = POLLIN};
        }
    }
    (void)poll(polled, count, STEP_MS);
    count = 0;
    for (uint32_t side = 0; side < CONTRACT_SIDES; side++) {
        if (!world->is_paused[side] && polled[count++].revents != 0) {
            cc_env_uv_process(world->sides[side]);
        }
    }
}

static void restart(struct contract *contract, uint32_t side)
{
    struct uv_world *world = contract->backend;

    cc_env_uv_close(world->sides[side]);
    assert_int_equal(open_side(world, side), COPYCAT_OK);
    contract->left = world->sides[0];
    contract->right = world->sides[1];
}

static void pause_side(struct contract *contract, uint32_t side, bool is_paused)
{
    ((struct uv_world *)contract->backend)->is_paused[side] = is_paused;
}

static void address(struct contract *contract, char *text_out, size_t size)
{
    struct uv_world *world = contract->backend;

    if (strcmp(contract->transport, "unix") == 0) {
        (void)snprintf(text_out, size, "unix:%s/%u", world->root, ++world->sockets);
    } else {
        (void)snprintf(text_out, size, "127.0.0.1:0");
    }
}

static void found(
    struct contract *contract,
    uint32_t side,
    const struct cc_listener *listener,
    char *text_out,
    size_t size)
{
    struct uv_world *world = contract->backend;

    assert_int_equal(cc_env_uv_address(world->sides[side], listener, text_out, size), COPYCAT_OK);
}

#define OPERATIONS(open_function, name_text)                                              \
    {                                                                                     \
        .name = (name_text), .open = (open_function), .close = close_world, .step = step, \
        .restart = restart, .pause = pause_side, .address = address, .found = found,      \
    }

const struct contract_world contract_ring = OPERATIONS(open_ring, "io_uring");
const struct contract_world contract_thread = OPERATIONS(open_thread, "thread");

/* ---- for promises of a real machine ---------------------------------------------------------- */

bool uv_is_readable(struct cc_env *env, int wait_ms)
{
    struct pollfd polled = {.fd = cc_env_uv_fd(env), .events = POLLIN};

    return poll(&polled, 1, wait_ms) == 1;
}

void uv_fired(struct cc_timer *timer)
{
    *(bool *)timer->owner = true;
}

/* No more than what is in use now and `more`. */
void uv_limit_descriptors(uint32_t more, struct rlimit *before_out)
{
    struct rlimit limit;
    int lowest = dup(0);

    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before_out), 0);
    limit = *before_out;
    limit.rlim_cur = (rlim_t)lowest + more;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

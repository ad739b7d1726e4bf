/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_test -- the simulated disk keeps what env.h promises and loses what it does not.
 */
#include "sim/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 64u

static void noted(struct cc_disk_request *request)
{
    *(bool *)request->owner = true;
}

/* Carries one request out, to its completion. */
static void carry_out(struct cc_world *world, struct cc_disk_request *request)
{
    bool is_done = false;
    uint32_t machine;

    request->done = noted;
    request->owner = &is_done;
    cc_env_disk(cc_world_env(world, 0), request);
    while (!is_done) {
        assert_true(cc_world_step(world, UINT64_MAX / 4, &machine));
    }
}

static struct cc_file *open_file(struct cc_world *world, bool create, copycat_status *status)
{
    struct cc_disk_request request = {
        .operation = CC_DISK_OPEN, .name = "/d/file", .create = create};

    carry_out(world, &request);
    *status = request.status;
    return request.file;
}

static void write_sector(struct cc_world *world, struct cc_file *file, bool durable)
{
    unsigned char data[CC_DISK_SECTOR];
    struct cc_disk_request request = {
        .operation = CC_DISK_WRITE,
        .file = file,
        .data = data,
        .size = sizeof data,
        .durable = durable};

    memset(data, 7, sizeof data);
    carry_out(world, &request);
    assert_int_equal(request.status, COPYCAT_OK);
}

static void sync_directory(struct cc_world *world)
{
    struct cc_disk_request request = {.operation = CC_DISK_SYNC_DIR, .name = "/d"};

    carry_out(world, &request);
}

/* Writes, loses power, and says whether the sector is there afterwards. */
static bool survives(uint64_t seed, bool durable, bool syncs_directory)
{
    struct cc_world *world = cc_world_create(seed, 1);
    unsigned char data[CC_DISK_SECTOR] = {0};
    copycat_status status;
    struct cc_file *file;
    bool is_there = false;

    (void)cc_world_boot(world, 0);
    file = open_file(world, true, &status);
    write_sector(world, file, durable);
    if (syncs_directory) {
        sync_directory(world);
    }
    cc_world_crash(world, 0);
    (void)cc_world_boot(world, 0);
    file = open_file(world, false, &status);
    if (status == COPYCAT_OK) {
        struct cc_disk_request request = {
            .operation = CC_DISK_READ, .file = file, .data = data, .size = sizeof data};

        carry_out(world, &request);
        is_there = request.status == COPYCAT_OK && data[0] == 7;
    }
    cc_world_destroy(world);
    return is_there;
}

static uint32_t survivals(bool durable, bool syncs_directory)
{
    uint32_t count = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        count += survives(seed, durable, syncs_directory);
    }
    return count;
}

static void a_durable_write_in_a_durable_name_survives_power_loss(void **state)
{
    (void)state;
    assert_int_equal(survivals(true, true), SEEDS);
}

static void a_write_that_was_not_synced_is_lost_now_and_then(void **state)
{
    uint32_t count = survivals(false, true);

    (void)state;
    assert_true(count > 0);
    assert_true(count < SEEDS);
}

static void a_name_that_was_not_synced_is_lost_now_and_then(void **state)
{
    uint32_t count = survivals(true, false);

    (void)state;
    assert_true(count > 0);
    assert_true(count < SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_durable_write_in_a_durable_name_survives_power_loss),
        cmocka_unit_test(a_write_that_was_not_synced_is_lost_now_and_then),
        cmocka_unit_test(a_name_that_was_not_synced_is_lost_now_and_then),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

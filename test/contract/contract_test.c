/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract_test -- every promise, of every implementation.
 *
 * A test is named <implementation>_<promise>.  What the machine cannot do is skipped, by name.
 * usage: contract_test [PART-OF-A-NAME]
 */
#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TESTS_MAX 400u
#define NAME_SIZE 200u
#define PATIENCE_US 30000000u

struct one {
    struct contract contract;
    const struct promise *promise;
    bool is_possible;
    bool is_open;
    char name[NAME_SIZE];
};

static struct one ones[TESTS_MAX];
static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;

/* ---- for the promises ------------------------------------------------------------------------ */

void contract_until(struct contract *contract, bool (*condition)(void *owner), void *owner)
{
    uint64_t end_us = cc_env_now_us(contract->left) + PATIENCE_US;

    while (!condition(owner)) {
        if (cc_env_now_us(contract->left) > end_us) {
            fail_msg("it did not come to be");
        }
        contract->world->step(contract);
    }
}

static void ring(struct cc_timer *timer)
{
    *(bool *)timer->owner = true;
}

static bool is_true(void *owner)
{
    return *(bool *)owner;
}

void contract_wait(struct contract *contract, uint64_t us)
{
    bool is_over = false;
    struct cc_timer timer = {.fire = ring, .owner = &is_over};

    cc_env_timer_arm(contract->left, &timer, cc_env_now_us(contract->left) + us);
    contract_until(contract, is_true, &is_over);
}

/* ---- running them ---------------------------------------------------------------------------- */

static int setup(void **state)
{
    struct one *one = *state;

    one->is_possible = one->contract.world->open(&one->contract);
    one->is_open = true;
    return 0;
}

static void keep(void **state)
{
    struct one *one = *state;

    if (!one->is_possible) {
        skip();
    }
    one->promise->keep(&one->contract);
    one->is_open = false;
    one->contract.world->close(&one->contract); /* here: it looks whether something is left over */
}

static int teardown(void **state)
{
    struct one *one = *state;

    if (one->is_open) {
        one->contract.world->close(&one->contract);
    }
    return 0;
}

static void add(
    const struct contract_world *world, const char *transport, const struct promise *promises)
{
    for (const struct promise *promise = promises; promise->name != NULL; promise++) {
        struct one *one = &ones[test_count];

        if (test_count == TESTS_MAX) {
            abort();
        }
        one->contract.world = world;
        one->contract.transport = transport;
        one->promise = promise;
        (void)snprintf(
            one->name, sizeof one->name, "%s_%s%s", world->name,
            strcmp(transport, "unix") == 0 ? "unix_" : "", promise->name);
        tests[test_count++] = (struct CMUnitTest){one->name, keep, setup, teardown, one};
    }
}

int main(int count, char **words)
{
    const struct contract_world *real[] = {&contract_ring, &contract_thread};

    add(&contract_simulated, "tcp", loop_promises);
    add(&contract_simulated, "tcp", disk_promises);
    add(&contract_simulated, "tcp", net_promises);
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
        add(real[i], "tcp", loop_promises);
        add(real[i], "tcp", disk_promises);
        add(real[i], "tcp", net_promises);
        add(real[i], "unix", net_promises);
        add(real[i], "tcp", uv_promises);
        add(real[i], "tcp", uv_address_promises);
        add(real[i], "tcp", uv_process_promises);
        add(real[i], "tcp", uv_disk_promises);
        add(real[i], "tcp", abandon_promises);
    }
    if (count > 1) {
        char pattern[NAME_SIZE];

        (void)snprintf(pattern, sizeof pattern, "*%s*", words[1]);
        cmocka_set_test_filter(pattern);
        return _cmocka_run_group_tests("contract", tests, test_count, NULL, NULL);
    }
    return _cmocka_run_group_tests("contract", tests, test_count, NULL, NULL);
}

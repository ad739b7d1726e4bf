/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_restore_test -- what is kept gives the same state; equal logs give equal digests.
 */
#include "actor.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/probe_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A map that lets go of every commit at once, also of those it needs: the check must see it. */
static copycat_machine_type other_type;

static void forgetful_apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    struct cc_map_operation operation;

    cc_map_machine_type.apply(machine, context, commit);
    if (cc_map_operation_decode(commit->operation, &operation) == COPYCAT_OK &&
        operation.code == CC_MAP_PUT) {
        copycat_context_release(context, commit->index);
    }
}

static const copycat_machine_type *const types[] = {
    &probe_machine_type, &cc_map_machine_type, &other_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type};

static void what_is_not_released_builds_the_same_state_again(void **state)
{
    struct cc_prng prng = {31};
    struct actor actor;

    (void)state;
    actor_begin(&actor, &options);
    for (int i = 0; i < 6000; i++) {
        actor_random_entry(&actor, &prng);
        if (i % 500 == 0) {
            assert_true(history_can_be_restored(&actor.history));
        }
    }
    assert_true(history_can_be_restored(&actor.history));
    history_deinit(&actor.history);
}

static void put_one(struct actor *actor, uint64_t instance)
{
    uint8_t bytes[32];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_map_operation_encode(
        &writer,
        &(struct cc_map_operation){.code = CC_MAP_PUT, .key = {"k", 1}, .value = {"v", 1}});
    actor_command(actor, instance, (copycat_bytes){writer.data, writer.size});
}

static void a_machine_that_lets_go_of_what_it_needs_is_found_out(void **state)
{
    struct actor actor;
    uint64_t instance;

    (void)state;
    other_type = cc_map_machine_type;
    other_type.id = 2;
    other_type.apply = forgetful_apply;
    actor_begin(&actor, &options);
    assert_int_equal(
        history_create(&actor.history, actor.session, ++actor.sequence, "/forgetful", 2, &instance),
        COPYCAT_OK);
    assert_true(history_can_be_restored(&actor.history));
    put_one(&actor, instance);
    assert_false(history_can_be_restored(&actor.history));
    history_deinit(&actor.history);
}

/* ---- a machine that builds its state in steps ------------------------------------------------- */

static uint32_t steps_left;
static uint32_t steps_done;

static void late_restore_commit(void *machine, const copycat_commit *commit)
{
    steps_left = 5;
    cc_map_machine_type.restore_commit(machine, commit);
}

static bool late_restore_step(void *machine)
{
    steps_done++;
    if (steps_left > 1) {
        steps_left--;
        return true;
    }
    steps_left = 0;
    return cc_map_machine_type.restore_step(machine);
}

static void a_machine_is_asked_for_its_steps_before_its_digest_counts(void **state)
{
    struct actor actor;
    uint64_t instance;

    (void)state;
    other_type = cc_map_machine_type;
    other_type.id = 2;
    other_type.restore_commit = late_restore_commit;
    other_type.restore_step = late_restore_step;
    actor_begin(&actor, &options);
    assert_int_equal(
        history_create(&actor.history, actor.session, ++actor.sequence, "/late", 2, &instance),
        COPYCAT_OK);
    put_one(&actor, instance);
    steps_done = 0;
    assert_true(history_can_be_restored(&actor.history));
    assert_int_equal(steps_done, 5);
    assert_int_equal(steps_left, 0);
    history_deinit(&actor.history);
}

static void a_log_with_a_missing_entry_cannot_be_checked(void **state)
{
    struct actor actor;

    (void)state;
    actor_begin(&actor, &options);
    actor.history.count--;
    assert_false(history_can_be_restored(&actor.history));
    actor.history.count++;
    history_deinit(&actor.history);
}

/* Where it is given up in between, too; the history counts what is left. */
static void a_state_goes_in_steps(void **state)
{
    (void)state;
    for (uint32_t steps = 0; steps < 12; steps++) {
        struct cc_prng prng = {33};
        struct actor actor;
        bool is_more = true;

        actor_begin(&actor, &options);
        for (int i = 0; i < 500; i++) {
            actor_random_entry(&actor, &prng);
        }
        for (uint32_t i = 0; i < steps; i++) {
            bool was_more = is_more;

            is_more = cc_apply_destroy_step(actor.history.apply);
            assert_true(was_more || !is_more);
        }
        assert_int_equal(is_more, steps < 3); /* two maps, and small: a step for each */
        history_deinit(&actor.history);
    }
}

/* Another member: the same entries, other memory. */
static void the_same_log_gives_the_same_digest_after_every_entry(void **state)
{
    struct cc_prng prng = {32};
    struct actor actor;
    struct history other;

    (void)state;
    actor_begin(&actor, &options);
    history_init(&other, &options);
    other.counted.fill = 0x3c;
    for (uint64_t index = 1; index <= 4000; index++) {
        struct cc_entry entry;
        struct cc_outcome outcome;
        uint64_t digest = cc_apply_digest(actor.history.apply);

        while (actor.history.count < index) {
            actor_random_entry(&actor, &prng);
            assert_true(cc_apply_digest(actor.history.apply) != digest);
            digest = cc_apply_digest(actor.history.apply);
        }
        assert_true(history_entry_at(&actor.history, index, &entry));
        cc_apply_entry(other.apply, &entry, &outcome);
        if (index == actor.history.count) {
            assert_true(cc_apply_digest(actor.history.apply) == cc_apply_digest(other.apply));
        }
    }
    history_deinit(&actor.history);
    history_deinit(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_released_builds_the_same_state_again),
        cmocka_unit_test(a_machine_that_lets_go_of_what_it_needs_is_found_out),
        cmocka_unit_test(a_machine_is_asked_for_its_steps_before_its_digest_counts),
        cmocka_unit_test(a_state_goes_in_steps),
        cmocka_unit_test(a_log_with_a_missing_entry_cannot_be_checked),
        cmocka_unit_test(the_same_log_gives_the_same_digest_after_every_entry),
    };

    other_type = cc_map_machine_type;
    other_type.id = 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

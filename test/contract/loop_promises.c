/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop_promises -- clock, entropy, timers, tasks and passes.
 */
#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS_MAX 64u

/* What happened, a letter each, in order. */
struct notes {
    struct cc_env *env;
    char text[EVENTS_MAX + 1];
    size_t count;
    size_t awaited;
};

struct bell {
    struct cc_timer timer;
    struct cc_task task;
    struct notes *notes;
    char letter;
    void (*then)(struct bell *bell);
    struct bell *others;
    uint64_t fired_us;
};

static void note(struct notes *notes, char letter)
{
    if (notes->count < EVENTS_MAX) {
        notes->text[notes->count++] = letter;
    }
}

static bool has_all(void *owner)
{
    const struct notes *notes = owner;

    return notes->count >= notes->awaited;
}

static void rung(struct bell *bell)
{
    note(bell->notes, bell->letter);
    bell->fired_us = cc_env_now_us(bell->notes->env);
    if (bell->then != NULL) {
        bell->then(bell);
    }
}

static void fire(struct cc_timer *timer)
{
    rung(timer->owner);
}

static void run(struct cc_task *task)
{
    rung(task->owner);
}

/* Letters from `first` on. */
static void make(struct bell *bells, uint32_t count, struct notes *notes, char first)
{
    memset(bells, 0, count * sizeof *bells);
    for (uint32_t i = 0; i < count; i++) {
        bells[i].timer = (struct cc_timer){.fire = fire, .owner = &bells[i]};
        bells[i].task = (struct cc_task){.run = run, .owner = &bells[i]};
        bells[i].notes = notes;
        bells[i].letter = (char)(first + (char)i);
    }
}

static void await(struct contract *contract, struct notes *notes, const char *expected)
{
    notes->awaited = strlen(expected);
    contract_until(contract, has_all, notes);
    assert_string_equal(notes->text, expected);
}

/* ---- clock and entropy ----------------------------------------------------------------------- */

static void the_clock_never_goes_back(struct contract *contract)
{
    uint64_t before = cc_env_now_us(contract->left);

    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t now = cc_env_now_us(contract->left);

        assert_true(now >= before);
        before = now;
    }
    contract_wait(contract, 2000);
    assert_true(cc_env_now_us(contract->left) >= before + 2000);
}

static void the_wall_clock_shows_this_century(struct contract *contract)
{
    uint64_t year_2024 = UINT64_C(1704067200000000);
    uint64_t year_2100 = UINT64_C(4102444800000000);

    assert_in_range(cc_env_wall_us(contract->left), year_2024, year_2100);
}

static void entropy_does_not_repeat_itself(struct contract *contract)
{
    unsigned char left[64];
    unsigned char right[64];
    unsigned char again[64];

    cc_env_entropy(contract->left, left, sizeof left);
    cc_env_entropy(contract->right, right, sizeof right);
    cc_env_entropy(contract->left, again, sizeof again);
    assert_memory_not_equal(left, right, sizeof left);
    assert_memory_not_equal(left, again, sizeof left);
}

/* ---- timers ---------------------------------------------------------------------------------- */

static void timers_fire_in_the_order_of_their_deadlines(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[5];
    uint64_t now = cc_env_now_us(contract->left);
    const uint32_t order[] = {3, 0, 4, 2, 1};

    make(bells, 5, &notes, 'a');
    for (uint32_t i = 0; i < 5; i++) {
        cc_env_timer_arm(contract->left, &bells[order[i]].timer, now + 1000 + order[i] * 500);
    }
    assert_string_equal(notes.text, "");
    await(contract, &notes, "abcde");
}

static void a_timer_never_fires_early(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[20];
    uint64_t now = cc_env_now_us(contract->left);

    make(bells, 20, &notes, 'a');
    for (uint32_t i = 0; i < 20; i++) {
        cc_env_timer_arm(contract->left, &bells[i].timer, now + i * 333);
    }
    notes.awaited = 20;
    contract_until(contract, has_all, &notes);
    for (uint32_t i = 0; i < 20; i++) {
        assert_true(bells[i].fired_us >= now + i * 333);
        assert_false(bells[i].timer.armed);
    }
}

static void arming_again_moves_a_timer(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[3];
    uint64_t now = cc_env_now_us(contract->left);

    make(bells, 3, &notes, 'a');
    cc_env_timer_arm(contract->left, &bells[0].timer, now + 500);
    cc_env_timer_arm(contract->left, &bells[1].timer, now + 2000);
    cc_env_timer_arm(contract->left, &bells[2].timer, now + 3600000000u);
    cc_env_timer_arm(contract->left, &bells[0].timer, now + 4000);
    cc_env_timer_arm(contract->left, &bells[2].timer, now + 3000);
    await(contract, &notes, "bca");
    contract_wait(contract, 5000);
    assert_string_equal(notes.text, "bca");
}

static void disarm_second(struct bell *bell)
{
    cc_env_timer_disarm(bell->notes->env, &bell->others[1].timer);
}

static void a_timer_that_is_disarmed_is_silent(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[4];
    uint64_t now = cc_env_now_us(contract->left);

    make(bells, 4, &notes, 'a');
    bells[0].then = disarm_second; /* although it is due in the same pass */
    bells[0].others = bells;
    cc_env_timer_arm(contract->left, &bells[0].timer, now);
    cc_env_timer_arm(contract->left, &bells[1].timer, now + 1);
    cc_env_timer_arm(contract->left, &bells[2].timer, now + 1000);
    cc_env_timer_arm(contract->left, &bells[3].timer, now + 2000);
    cc_env_timer_disarm(contract->left, &bells[2].timer);
    cc_env_timer_disarm(contract->left, &bells[2].timer);
    await(contract, &notes, bells[1].fired_us == 0 ? "ad" : "abd");
    assert_false(bells[2].timer.armed);
}

static void arm_again(struct bell *bell)
{
    if (bell->notes->count < 5) {
        cc_env_timer_arm(bell->notes->env, &bell->timer, 0);
        note(bell->notes, '.');
    }
}

static void a_deadline_in_the_past_fires_soon_but_never_inside_the_call(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bell;

    make(&bell, 1, &notes, 'a');
    bell.then = arm_again;
    cc_env_timer_arm(contract->left, &bell.timer, 0);
    assert_string_equal(notes.text, "");
    await(contract, &notes, "a.a.a");
}

static void a_thousand_timers_come_and_go(struct contract *contract)
{
    static struct bell bells[1000];
    struct notes notes = {.env = contract->left, .awaited = EVENTS_MAX};
    uint64_t now = cc_env_now_us(contract->left);
    uint32_t fired = 0;

    make(bells, 1000, &notes, 'a');
    for (uint32_t i = 0; i < 1000; i++) {
        cc_env_timer_arm(contract->left, &bells[i].timer, now + (i * 7919) % 20000);
    }
    for (uint32_t i = 0; i < 1000; i += 2) {
        cc_env_timer_disarm(contract->left, &bells[i].timer);
    }
    contract_wait(contract, 25000);
    for (uint32_t i = 0; i < 1000; i++) {
        fired += bells[i].fired_us != 0;
        assert_true(i % 2 == 1 || bells[i].fired_us == 0);
    }
    assert_int_equal(fired, 500);
}

/* ---- tasks ----------------------------------------------------------------------------------- */

static void give_three(struct bell *bell)
{
    cc_env_later(bell->notes->env, &bell->others[1].task);
    cc_env_later(bell->notes->env, &bell->others[2].task);
    cc_env_later(bell->notes->env, &bell->others[1].task);
    cc_env_later(bell->notes->env, &bell->others[3].task);
    note(bell->notes, '.');
}

static void tasks_run_once_in_the_order_given_at_the_end_of_the_pass(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[4];

    make(bells, 4, &notes, 'a');
    bells[0].then = give_three;
    bells[0].others = bells;
    cc_env_timer_arm(contract->left, &bells[0].timer, cc_env_now_us(contract->left) + 100);
    await(contract, &notes, "a.bcd");
    contract_wait(contract, 1000);
    assert_string_equal(notes.text, "a.bcd");
}

static void a_task_given_between_passes_runs_in_the_next(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[2];

    make(bells, 2, &notes, 'a');
    cc_env_later(contract->left, &bells[1].task);
    cc_env_later(contract->left, &bells[0].task);
    assert_string_equal(notes.text, "");
    await(contract, &notes, "ba");
}

static void give_next(struct bell *bell)
{
    cc_env_timer_arm(bell->notes->env, &bell->others[2].timer, 0);
    cc_env_later(bell->notes->env, &bell->others[1].task);
}

static void a_task_given_by_a_task_runs_in_the_same_pass(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[3];

    make(bells, 3, &notes, 'a');
    bells[0].then = give_next;
    bells[0].others = bells;
    cc_env_later(contract->left, &bells[0].task);
    await(contract, &notes, "abc");
}

static void cancel_next(struct bell *bell)
{
    cc_env_task_cancel(bell->notes->env, &bell->others[1].task);
}

static void a_task_that_is_cancelled_does_not_run(struct contract *contract)
{
    struct notes notes = {.env = contract->left};
    struct bell bells[3];

    make(bells, 3, &notes, 'a');
    bells[0].then = cancel_next;
    bells[0].others = bells;
    for (uint32_t i = 0; i < 3; i++) {
        cc_env_later(contract->left, &bells[i].task);
    }
    await(contract, &notes, "ac");
    cc_env_task_cancel(contract->left, &bells[1].task);
    cc_env_later(contract->left, &bells[1].task);
    await(contract, &notes, "acb");
}

const struct promise loop_promises[] = {
    PROMISE(the_clock_never_goes_back),
    PROMISE(the_wall_clock_shows_this_century),
    PROMISE(entropy_does_not_repeat_itself),
    PROMISE(timers_fire_in_the_order_of_their_deadlines),
    PROMISE(a_timer_never_fires_early),
    PROMISE(arming_again_moves_a_timer),
    PROMISE(a_timer_that_is_disarmed_is_silent),
    PROMISE(a_deadline_in_the_past_fires_soon_but_never_inside_the_call),
    PROMISE(a_thousand_timers_come_and_go),
    PROMISE(tasks_run_once_in_the_order_given_at_the_end_of_the_pass),
    PROMISE(a_task_given_between_passes_runs_in_the_next),
    PROMISE(a_task_given_by_a_task_runs_in_the_same_pass),
    PROMISE(a_task_that_is_cancelled_does_not_run),
    {NULL, NULL},
};

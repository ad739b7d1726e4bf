/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_promises -- what a real machine has beyond env.h: other threads, and a host's loop.
 */
#include "world_uv.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 4u
#define POSTS 2500u

/* ---- other threads --------------------------------------------------------------------------- */

struct poster {
    pthread_t thread;
    struct cc_env *env;
    struct cc_post posts[POSTS];
    uint32_t ran;
    bool is_in_order;
    bool is_last;
    uint32_t *finished;
};

static void ran(struct cc_post *post)
{
    struct poster *poster = post->owner;

    poster->is_in_order = poster->is_in_order && post == &poster->posts[poster->ran];
    if (++poster->ran == POSTS && ++*poster->finished == THREADS) {
        cc_env_uv_stop(poster->env);
    }
}

static void *post_all(void *owner)
{
    struct poster *poster = owner;

    for (uint32_t i = 0; i < POSTS; i++) {
        poster->posts[i] = (struct cc_post){.run = ran, .owner = poster};
        cc_env_uv_post(poster->env, &poster->posts[i]);
    }
    return NULL;
}

static void posts_of_many_threads_run_each_in_its_order(struct contract *contract)
{
    struct poster *posters = calloc(THREADS, sizeof *posters);
    uint32_t finished = 0;

    for (uint32_t i = 0; i < THREADS; i++) {
        posters[i].env = contract->left;
        posters[i].is_in_order = true;
        posters[i].finished = &finished;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    cc_env_uv_run(contract->left);
    for (uint32_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
        assert_int_equal(posters[i].ran, POSTS);
        assert_true(posters[i].is_in_order);
    }
    free(posters);
}

static void a_stop_before_the_run_ends_it_at_once(struct contract *contract)
{
    cc_env_uv_stop(contract->left);
    cc_env_uv_run(contract->left);
    cc_env_uv_process(contract->left);
}

struct visit {
    struct cc_post post;
    struct cc_env *env;
    pthread_t thread;
    bool are_signals_blocked;
};

static void visited(struct cc_post *post)
{
    struct visit *visit = post->owner;
    sigset_t blocked;

    visit->thread = pthread_self();
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    visit->are_signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT) &&
                                 sigismember(&blocked, SIGUSR1) && sigismember(&blocked, SIGPIPE);
    cc_env_uv_stop(visit->env);
}

static void a_thread_of_its_own_takes_no_signals(struct contract *contract)
{
    struct visit visit = {.env = contract->left};
    struct cc_env_uv_thread *thread = cc_env_uv_thread_start(contract->left, NULL, NULL);
    sigset_t blocked;

    assert_non_null(thread);
    visit.post = (struct cc_post){.run = visited, .owner = &visit};
    cc_env_uv_post(contract->left, &visit.post);
    cc_env_uv_thread_join(thread);
    assert_true(visit.are_signals_blocked);
    assert_false(pthread_equal(visit.thread, pthread_self()));
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_false(sigismember(&blocked, SIGTERM)); /* and the host's mask is what it was */
}

/* ---- a host's loop --------------------------------------------------------------------------- */

static void task_ran(struct cc_task *task)
{
    *(bool *)task->owner = true;
}

static void an_idle_descriptor_is_silent(struct contract *contract)
{
    uint64_t waits;

    cc_env_uv_process(contract->left);
    assert_false(uv_is_readable(contract->left, 0));
    waits = contract->left->counters.waits;
    assert_false(uv_is_readable(contract->left, 30));
    assert_int_equal(contract->left->counters.waits, waits);
}

static void timers_and_tasks_are_behind_the_descriptor(struct contract *contract)
{
    bool is_fired = false;
    bool has_run = false;
    struct cc_timer timer = {.fire = uv_fired, .owner = &is_fired};
    struct cc_task task = {.run = task_ran, .owner = &has_run};

    cc_env_uv_process(contract->left);
    cc_env_later(contract->left, &task);
    assert_true(uv_is_readable(contract->left, 0));
    cc_env_uv_process(contract->left);
    assert_true(has_run);
    cc_env_timer_arm(contract->left, &timer, cc_env_now_us(contract->left) + 30000);
    while (!is_fired) {
        assert_true(uv_is_readable(contract->left, 20000));
        cc_env_uv_process(contract->left);
    }
    assert_false(uv_is_readable(contract->left, 0));
}

struct again {
    struct cc_timer timer;
    struct cc_task task;
    struct cc_env *env;
    char notes[16];
    size_t count;
};

static void fire_again(struct cc_timer *timer)
{
    struct again *again = timer->owner;

    again->notes[again->count++] = 'f';
    if (again->count < 6) {
        cc_env_timer_arm(again->env, timer, 0);
        cc_env_later(again->env, &again->task);
    }
}

static void run_again(struct cc_task *task)
{
    struct again *again = task->owner;

    again->notes[again->count++] = 't';
}

static bool are_seven(void *owner)
{
    return ((struct again *)owner)->count == 7;
}

static void a_deadline_in_the_past_fires_in_the_next_pass(struct contract *contract)
{
    struct again again = {.env = contract->left};

    again.timer = (struct cc_timer){.fire = fire_again, .owner = &again};
    again.task = (struct cc_task){.run = run_again, .owner = &again};
    cc_env_timer_arm(contract->left, &again.timer, 0);
    contract_until(contract, are_seven, &again);
    assert_string_equal(again.notes, "ftftftf");
}

/* Whatever the n-th allocation is for. */
static void opening_without_memory_fails_and_leaves_nothing(struct contract *contract)
{
    struct cc_env_uv_options options = {.disk = uv_world_of(contract)->disk};
    copycat_status status = COPYCAT_ERR_MEMORY;
    uint32_t failures = 0;

    for (size_t limit = 0; status != COPYCAT_OK; limit += 500) {
        struct limited_memory memory;
        struct cc_env *env = NULL;

        limited_memory_init(&memory);
        memory.bytes_max = limit == 0 ? 1 : limit;
        status = cc_env_uv_open(&env, &memory.memory, &options);
        if (status != COPYCAT_OK) {
            assert_null(env);
            failures++;
        } else {
            cc_env_uv_close(env);
        }
        assert_int_equal(memory.blocks, 0);
    }
    assert_true(failures > 3);
}

const struct promise uv_promises[] = {
    PROMISE(posts_of_many_threads_run_each_in_its_order),
    PROMISE(a_stop_before_the_run_ends_it_at_once),
    PROMISE(a_thread_of_its_own_takes_no_signals),
    PROMISE(an_idle_descriptor_is_silent),
    PROMISE(timers_and_tasks_are_behind_the_descriptor),
    PROMISE(a_deadline_in_the_past_fires_in_the_next_pass),
    PROMISE(opening_without_memory_fails_and_leaves_nothing),
    {NULL, NULL},
};

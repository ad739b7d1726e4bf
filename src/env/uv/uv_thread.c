/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_thread -- helper threads, each with a queue, and the thread that runs a loop.
 *
 * Our own, not libuv's pool: that one is the host's, shared by the whole process, and a slow disk
 * of ours would hold up its name look-ups.
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

bool cc_uv_thread_create(uv_thread_t *thread, void (*main)(void *owner), void *owner)
{
    sigset_t all;
    sigset_t before;
    int failed;

    /* A thread begins with the mask of its maker: signals are the host's threads' to take. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = uv_thread_create(thread, main, owner);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed == 0;
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static void work(void *owner)
{
    struct cc_uv_lane *lane = owner;

    uv_mutex_lock(&lane->mutex);
    while (lane->first != NULL || !lane->is_ending) {
        struct cc_uv_job *job = lane->first;

        if (job == NULL) {
            lane->free++;
            uv_cond_wait(&lane->filled, &lane->mutex);
            lane->free--;
            continue;
        }
        lane->first = job->next;
        lane->waiting--;
        if (lane->first == NULL) {
            lane->last = &lane->first;
        }
        uv_mutex_unlock(&lane->mutex);
        job->work(job);
        cc_env_uv_post(&job->uv->env, &job->post);
        uv_mutex_lock(&lane->mutex);
    }
    uv_mutex_unlock(&lane->mutex);
}

static void lane_deinit(struct cc_uv_lane *lane)
{
    uv_cond_destroy(&lane->filled);
    uv_mutex_destroy(&lane->mutex);
}

copycat_status cc_uv_lanes_init(struct cc_env_uv *uv)
{
    for (uint32_t i = 0; i < CC_UV_LANES; i++) {
        struct cc_uv_lane *lane = &uv->lanes[i];
        bool has_mutex = uv_mutex_init(&lane->mutex) == 0;

        lane->last = &lane->first;
        if (has_mutex && uv_cond_init(&lane->filled) == 0) {
            continue;
        }
        if (has_mutex) {
            uv_mutex_destroy(&lane->mutex);
        }
        while (i > 0) {
            lane_deinit(&uv->lanes[--i]);
        }
        return COPYCAT_ERR_IO;
    }
    return COPYCAT_OK;
}

void cc_uv_lanes_end(struct cc_env_uv *uv)
{
    for (uint32_t i = 0; i < CC_UV_LANES; i++) {
        struct cc_uv_lane *lane = &uv->lanes[i];

        uv_mutex_lock(&lane->mutex);
        lane->is_ending = true;
        uv_cond_broadcast(&lane->filled);
        uv_mutex_unlock(&lane->mutex);
        while (lane->thread_count > 0) {
            uv_thread_join(&lane->threads[--lane->thread_count]);
        }
    }
}

void cc_uv_lanes_deinit(struct cc_env_uv *uv)
{
    for (uint32_t i = 0; i < CC_UV_LANES; i++) {
        lane_deinit(&uv->lanes[i]);
    }
}

static void returned(struct cc_post *post)
{
    struct cc_uv_job *job = post->owner;

    job->finish(job);
}

void cc_uv_job_init(struct cc_env_uv *uv, struct cc_uv_job *job)
{
    job->uv = uv;
    job->post = (struct cc_post){.run = returned, .owner = job};
    cc_list_append(&uv->jobs, &job->node);
}

static uint32_t threads_max(enum cc_uv_lane_name name)
{
    return name == CC_UV_LANE_WORK ? CC_UV_LANE_THREADS_MAX : 1;
}

/* One is started if all are busy; where that fails, or would be too many, they take it in turn. */
static bool has_thread_for_one_more(struct cc_uv_lane *lane, uint32_t count_max)
{
    bool is_free;

    uv_mutex_lock(&lane->mutex);
    is_free = lane->free > lane->waiting;
    uv_mutex_unlock(&lane->mutex);
    if (!is_free && lane->thread_count < count_max &&
        cc_uv_thread_create(&lane->threads[lane->thread_count], work, lane)) {
        lane->thread_count++;
    }
    return lane->thread_count > 0;
}

void cc_uv_job_start(struct cc_uv_job *job_take, enum cc_uv_lane_name name)
{
    struct cc_uv_lane *lane = &job_take->uv->lanes[name];

    if (!has_thread_for_one_more(lane, threads_max(name))) {
        job_take->error = EAGAIN;
        cc_env_uv_post(&job_take->uv->env, &job_take->post);
        return;
    }
    job_take->next = NULL;
    uv_mutex_lock(&lane->mutex);
    *lane->last = job_take;
    lane->last = &job_take->next;
    lane->waiting++;
    uv_cond_signal(&lane->filled);
    uv_mutex_unlock(&lane->mutex);
}

/* ---- the thread of a loop -------------------------------------------------------------------- */

struct cc_env_uv_thread {
    uv_thread_t thread;
    struct cc_env *env;
    void (*main)(void *owner);
    void *main_owner;
    void (*ended)(void *owner);
    void *ended_owner;
};

static void run(void *owner)
{
    struct cc_env_uv_thread *thread = owner;

    if (thread->main != NULL) {
        thread->main(thread->main_owner);
    } else {
        cc_env_uv_run(thread->env);
    }
    if (thread->ended != NULL) {
        void (*ended)(void *owner) = thread->ended;
        void *ended_owner = thread->ended_owner;

        pthread_detach(pthread_self());
        cc_memory_give(thread->env->memory, thread);
        ended(ended_owner);
    }
}

void cc_env_uv_thread_leave(
    struct cc_env_uv_thread *thread, void (*ended)(void *owner), void *owner)
{
    thread->ended_owner = owner;
    thread->ended = ended;
}

struct cc_env_uv_thread *cc_env_uv_thread_start(
    struct cc_env *env, void (*main)(void *owner), void *owner)
{
    struct cc_env_uv_thread *thread = cc_memory_try(env->memory, sizeof *thread);

    if (thread == NULL) {
        return NULL;
    }
    thread->env = env;
    thread->main = main;
    thread->main_owner = owner;
    if (!cc_uv_thread_create(&thread->thread, run, thread)) {
        cc_memory_give(env->memory, thread);
        return NULL;
    }
    return thread;
}

void cc_env_uv_thread_join(struct cc_env_uv_thread *thread)
{
    if (thread != NULL) {
        int failed = uv_thread_join(&thread->thread);

        CC_ASSERT(failed == 0);
        cc_memory_give(thread->env->memory, thread);
    }
}

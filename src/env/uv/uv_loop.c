/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_loop -- the environment and its passes; see env_uv.h.
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* What writes have taken is told, and answered, without asking the system again; so many times. */
#define ROUNDS_MAX 4u
#define PROCESS_PASSES_MAX 16u

/* ---- clock, entropy, tasks ------------------------------------------------------------------- */

static uint64_t wall_us(struct cc_env *env)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);

    (void)env;
    CC_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* There is no going on without: identities and ballots would repeat. */
static void entropy(struct cc_env *env, void *data, size_t size)
{
    unsigned char *bytes = data;
    size_t done = 0;

    (void)env;
    while (done < size) {
        ssize_t got = getrandom(bytes + done, size - done, 0);

        CC_ASSERT(got > 0 || errno == EINTR);
        done += got > 0 ? (size_t)got : 0;
    }
}

static void later(struct cc_env *env, struct cc_task *task)
{
    struct cc_env_uv *uv = cc_uv_of(env);

    if (!task->queued) {
        task->queued = true;
        cc_list_append(&uv->tasks, &task->node);
        cc_uv_wake(uv);
    }
}

static void task_cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    if (task->queued) {
        task->queued = false;
        cc_list_remove(&task->node);
    }
}

static void run_tasks(struct cc_env_uv *uv)
{
    while (!cc_list_is_empty(&uv->tasks)) {
        struct cc_task *task = cc_container_of(uv->tasks.next, struct cc_task, node);

        task_cancel(&uv->env, task);
        uv->happenings++;
        task->run(task);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void *resize(void *context, void *block, size_t size)
{
    struct cc_env_uv *uv = context;

    uv->env.counters.allocations += size > 0;
    return uv->lender->resize(uv->lender->context, block, size);
}

static const struct cc_env_table table = {
    .now_us = cc_uv_now_us,
    .wall_us = wall_us,
    .entropy = entropy,
    .timer_arm = cc_uv_timer_arm,
    .timer_disarm = cc_uv_timer_disarm,
    .later = later,
    .task_cancel = task_cancel,
    .disk = cc_uv_disk,
    .listen = cc_uv_listen,
    .unlisten = cc_uv_unlisten,
    .conn_connect = cc_uv_connect,
    .conn_write = cc_uv_write,
    .conn_close = cc_uv_close,
};

/* ---- words for people ------------------------------------------------------------------------ */

void cc_uv_say(struct cc_env_uv *uv, int error, const char *format, ...)
{
    va_list arguments;
    char reason[128] = "";
    int length;

    if (error != 0) {
        (void)uv_strerror_r(-error, reason, sizeof reason);
    }
    va_start(arguments, format);
    length = vsnprintf(uv->error, sizeof uv->error, format, arguments);
    va_end(arguments);
    if (error != 0 && length > 0 && (size_t)length < sizeof uv->error) {
        (void)snprintf(uv->error + length, sizeof uv->error - (size_t)length, ": %s", reason);
    }
}

const char *cc_env_uv_last_error(const struct cc_env *env)
{
    const struct cc_env_uv *uv = env->backend;

    return uv->error;
}

const char *cc_env_uv_disk_name(const struct cc_env *env)
{
    const struct cc_env_uv *uv = env->backend;

    return uv->ring != NULL ? "io_uring" : "thread";
}

/* ---- passes ---------------------------------------------------------------------------------- */

static bool has_ready(const struct cc_env_uv *uv)
{
    return !cc_list_is_empty(&uv->ready_conns) || !cc_list_is_empty(&uv->refused);
}

static bool has_posts(struct cc_env_uv *uv)
{
    return atomic_load(&uv->inbox) != NULL;
}

/* From here on who posts rings; what was posted before, and not rung for, must not wait. */
static void fall_asleep(struct cc_env_uv *uv)
{
    atomic_store(&uv->is_awake, false);
    if (has_posts(uv)) {
        uv_async_send(&uv->async);
    }
}

/* The network before timers: after a pause, what has arrived is seen before the time is up. */
static void pass(struct cc_env_uv *uv, bool may_wait)
{
    CC_ASSERT(!uv->in_pass);
    uv->in_pass = true;
    uv->is_woken = false;
    uv->env.counters.waits++;
    uv->env.counters.passes++;
    (void)uv_run(&uv->loop, may_wait && !has_ready(uv) ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    atomic_store(&uv->is_awake, true);
    cc_uv_conns_deliver(uv);
    cc_uv_disk_refused(uv);
    cc_uv_timers_fire(uv);
    run_tasks(uv);
    for (uint32_t round = 1; round < ROUNDS_MAX && (has_ready(uv) || has_posts(uv)); round++) {
        uv->env.counters.passes++;
        cc_uv_inbox_empty(uv);
        cc_uv_conns_deliver(uv);
        cc_uv_disk_refused(uv);
        run_tasks(uv);
    }
    if (uv->ring != NULL) {
        cc_uv_ring_submit(uv->ring);
    }
    cc_uv_timers_set(uv);
    fall_asleep(uv);
    uv->in_pass = false;
}

/* ---- opening and closing --------------------------------------------------------------------- */

static void rung(uv_async_t *async)
{
    cc_uv_inbox_empty(async->data);
}

/* Whatever of it was opened; tells nobody. */
static void quiet(struct cc_env_uv *uv)
{
    uv->is_closing = true;
    cc_uv_lanes_end(uv);
    if (uv->ring != NULL) {
        cc_uv_ring_close(uv->ring);
    }
    cc_uv_conns_close(uv);
    cc_uv_listeners_close(uv);
    while (!cc_list_is_empty(&uv->jobs)) {
        struct cc_uv_job *job = cc_container_of(uv->jobs.next, struct cc_uv_job, node);

        job->finish(job); /* which frees it, and in an environment that closes does no more */
    }
    cc_uv_disk_close(uv);
    cc_uv_lanes_deinit(uv);
    cc_uv_timers_close(uv);
    uv_close((uv_handle_t *)&uv->async, NULL);
    atomic_store(&uv->inbox, NULL); /* what other threads want, nobody is there to do */
    (void)uv_run(&uv->loop, UV_RUN_DEFAULT);
}

static void release(struct cc_env_uv *uv)
{
    const struct cc_memory *lender = uv->lender;
    int failed = uv_loop_close(&uv->loop);

    /* An abandoned loop may still count on handles whose closing it was at. */
    CC_ASSERT(failed == 0 || uv->is_abandoned);
    if (failed == 0) {
        cc_memory_give(lender, uv->read_buffer);
        cc_memory_give(lender, uv);
    }
}

void cc_env_uv_close(struct cc_env *env)
{
    struct cc_env_uv *uv;

    if (env == NULL) {
        return;
    }
    uv = cc_uv_of(env);
    if (!uv->is_abandoned) {
        CC_ASSERT(!uv->in_pass);
        quiet(uv);
    }
    release(uv);
}

/* On top of the pass, not after it: libuv has pointed its loop at what is on the stack now. */
void cc_env_uv_abandon(struct cc_env *env)
{
    struct cc_env_uv *uv = cc_uv_of(env);

    uv->is_abandoned = true;
    quiet(uv);
}

/* A loop, its bell and its locks: what the rest may then be released by. */
static copycat_status prepare(struct cc_env_uv *uv)
{
    if (uv_loop_init(&uv->loop) != 0) {
        return COPYCAT_ERR_IO;
    }
    if (uv_async_init(&uv->loop, &uv->async, rung) != 0) {
        (void)uv_loop_close(&uv->loop);
        return COPYCAT_ERR_IO;
    }
    uv->async.data = uv;
    if (cc_uv_lanes_init(uv) != COPYCAT_OK) {
        uv_close((uv_handle_t *)&uv->async, NULL);
        (void)uv_run(&uv->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&uv->loop);
        return COPYCAT_ERR_IO;
    }
    return COPYCAT_OK;
}

static copycat_status open_rest(struct cc_env_uv *uv, enum cc_env_uv_disk disk)
{
    copycat_status status = cc_uv_timers_open(uv);

    uv->read_buffer = cc_memory_try(uv->env.memory, CC_UV_READ_SIZE);
    if (status != COPYCAT_OK || uv->read_buffer == NULL || !cc_uv_conns_open(uv)) {
        return status != COPYCAT_OK ? status : COPYCAT_ERR_MEMORY;
    }
    if (disk != CC_ENV_UV_DISK_THREAD) {
        uv->ring = cc_uv_ring_open(uv);
    }
    return uv->ring == NULL && disk == CC_ENV_UV_DISK_RING ? COPYCAT_ERR_UNSUPPORTED : COPYCAT_OK;
}

copycat_status cc_env_uv_open(
    struct cc_env **env_out,
    const struct cc_memory *memory,
    const struct cc_env_uv_options *options)
{
    struct cc_env_uv *uv = cc_memory_try(memory, sizeof *uv);
    copycat_status status;

    if (uv == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    uv->lender = memory;
    uv->counting = (struct cc_memory){.resize = resize, .context = uv};
    uv->env = (struct cc_env){.table = &table, .memory = &uv->counting, .backend = uv};
    cc_list_init(&uv->tasks);
    cc_list_init(&uv->conns);
    cc_list_init(&uv->ready_conns);
    cc_list_init(&uv->listeners);
    cc_list_init(&uv->jobs);
    cc_list_init(&uv->files);
    cc_list_init(&uv->locks);
    cc_list_init(&uv->refused);
    status = prepare(uv);
    if (status != COPYCAT_OK) {
        cc_memory_give(memory, uv);
        return status;
    }
    status = open_rest(uv, options == NULL ? CC_ENV_UV_DISK_AUTO : options->disk);
    if (status != COPYCAT_OK) {
        quiet(uv);
        release(uv);
        return status;
    }
    /* The system learns of the bell and the alarm: a host may wait before it first processes. */
    pass(uv, false);
    *env_out = &uv->env;
    return COPYCAT_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

void cc_env_uv_run(struct cc_env *env)
{
    struct cc_env_uv *uv = cc_uv_of(env);

    while (!atomic_exchange(&uv->is_stopping, false)) {
        pass(uv, true);
    }
}

/* libuv tells the system what to watch when it waits: a pass in which nothing happens is needed to
 * know that all of it has been told. */
void cc_env_uv_process(struct cc_env *env)
{
    struct cc_env_uv *uv = cc_uv_of(env);

    for (uint32_t i = 0; i < PROCESS_PASSES_MAX; i++) {
        uint64_t before = uv->happenings;

        pass(uv, false);
        if (uv->happenings == before && !has_ready(uv)) {
            return;
        }
    }
    cc_uv_wake(uv);
}

int cc_env_uv_fd(const struct cc_env *env)
{
    const struct cc_env_uv *uv = env->backend;

    return uv_backend_fd(&uv->loop);
}

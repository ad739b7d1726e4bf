/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view -- see view.h.
 */
#include "inspect/view.h"

#include <string.h>

struct cc_file {
    void *handle;
};

static struct cc_view *view_of(struct cc_env *env)
{
    return env->backend;
}

/* ---- what a reader needs beside files: a time that stands still, and tasks ------------------- */

static uint64_t no_time(struct cc_env *env)
{
    (void)env;
    return 0;
}

static void no_entropy(struct cc_env *env, void *data, size_t size)
{
    (void)env;
    memset(data, 0, size);
}

/* Nothing here waits. */
static void arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    (void)env;
    timer->deadline_us = deadline_us;
    timer->armed = true;
}

static void disarm(struct cc_env *env, struct cc_timer *timer)
{
    (void)env;
    timer->armed = false;
}

static void later(struct cc_env *env, struct cc_task *task)
{
    if (!task->queued) {
        task->queued = true;
        cc_list_append(&view_of(env)->tasks, &task->node);
    }
}

static void cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    if (task->queued) {
        task->queued = false;
        cc_list_remove(&task->node);
    }
}

static void disk(struct cc_env *env, struct cc_disk_request *request)
{
    cc_list_append(&view_of(env)->requests, &request->node);
}

/* ---- no network ------------------------------------------------------------------------------ */

static copycat_status no_listen(
    struct cc_env *env, struct cc_listener *listener, const char *address)
{
    (void)env;
    (void)listener;
    (void)address;
    return COPYCAT_ERR_UNSUPPORTED;
}

static void no_unlisten(struct cc_env *env, struct cc_listener *listener)
{
    (void)env;
    (void)listener;
}

static void no_connect(struct cc_env *env, struct cc_conn *conn, const char *address)
{
    (void)env;
    (void)conn;
    (void)address;
}

static void no_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size)
{
    (void)env;
    (void)conn;
    (void)data;
    (void)size;
}

static void no_close(struct cc_env *env, struct cc_conn *conn)
{
    (void)env;
    (void)conn;
}

static const struct cc_env_table table = {
    .now_us = no_time,
    .wall_us = no_time,
    .entropy = no_entropy,
    .timer_arm = arm,
    .timer_disarm = disarm,
    .later = later,
    .task_cancel = cancel,
    .disk = disk,
    .listen = no_listen,
    .unlisten = no_unlisten,
    .conn_connect = no_connect,
    .conn_write = no_write,
    .conn_close = no_close,
};

/* ---- disk ------------------------------------------------------------------------------------ */

static void tell_name(void *owner, const char *name)
{
    struct cc_disk_request *request = owner;

    request->on_name(request, name);
}

static copycat_status open_file(struct cc_view *view, struct cc_disk_request *request)
{
    const char *slash = strrchr(request->name, '/');
    struct cc_file *file;
    uint64_t size;
    copycat_status status;

    if (request->create) {
        view->is_write_wanted = true;
        return COPYCAT_ERR_IO;
    }
    file = cc_memory_take(view->env.memory, sizeof *file);
    status = view->files->open(
        view->context, slash == NULL ? request->name : slash + 1, &file->handle, &size);
    if (status != COPYCAT_OK) {
        cc_memory_give(view->env.memory, file);
        return status;
    }
    request->file = file;
    request->size = (size_t)size;
    return COPYCAT_OK;
}

static copycat_status carry_out(struct cc_view *view, struct cc_disk_request *request)
{
    switch (request->operation) {
    case CC_DISK_LIST:
        return view->files->list(view->context, tell_name, request);
    case CC_DISK_OPEN:
        return open_file(view, request);
    case CC_DISK_READ:
        if (view->on_read != NULL) {
            view->on_read(view->owner, request->size);
        }
        return view->files->read(
            view->context, request->file->handle, request->offset, request->data, request->size);
    case CC_DISK_CLOSE:
        view->files->close(view->context, request->file->handle);
        cc_memory_give(view->env.memory, request->file);
        request->file = NULL;
        return COPYCAT_OK;
    case CC_DISK_WRITE:
    case CC_DISK_REMOVE:
        view->is_write_wanted = true; /* V1 */
        return COPYCAT_ERR_IO;
    default:
        /* The lock is the inspection's; what nobody can have changed needs no sync. */
        return COPYCAT_OK;
    }
}

void cc_view_init(
    struct cc_view *view,
    const struct cc_memory *memory,
    const struct cc_view_files *files,
    void *context)
{
    *view = (struct cc_view){.files = files, .context = context};
    view->env = (struct cc_env){.table = &table, .memory = memory, .backend = view};
    cc_list_init(&view->tasks);
    cc_list_init(&view->requests);
}

static bool step(struct cc_view *view)
{
    if (!cc_list_is_empty(&view->requests)) {
        struct cc_disk_request *request =
            cc_container_of(view->requests.next, struct cc_disk_request, node);

        cc_list_remove(&request->node);
        request->status = carry_out(view, request);
        cc_disk_request_work(request);
        request->done(request);
        return true;
    }
    if (!cc_list_is_empty(&view->tasks)) {
        struct cc_task *task = cc_container_of(view->tasks.next, struct cc_task, node);

        cc_list_remove(&task->node);
        task->queued = false;
        task->run(task);
        return true;
    }
    return false;
}

void cc_view_run(struct cc_view *view, const bool *is_over)
{
    while (!*is_over && step(view)) {
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_disk -- disk requests: each becomes a job, for the ring or for a helper thread, and comes back
 * with one answer.  Nothing here blocks, and nothing is tried again after an error: what a failed
 * write or sync left behind, nobody can know (T-053).
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *const verbs[] = {
    [CC_DISK_LOCK] = "lock",
    [CC_DISK_UNLOCK] = "unlock",
    [CC_DISK_LIST] = "list",
    [CC_DISK_OPEN] = "open",
    [CC_DISK_READ] = "read",
    [CC_DISK_WRITE] = "write",
    [CC_DISK_SYNC] = "sync",
    [CC_DISK_SYNC_DIR] = "sync the directory",
    [CC_DISK_CLOSE] = "close",
    [CC_DISK_REMOVE] = "remove",
    [CC_DISK_ROOM] = "find the free space of",
};

static const char *path_of(const struct cc_uv_disk_job *job)
{
    return job->file != NULL ? job->file->path : job->request->name;
}

copycat_status cc_env_uv_disk_status(enum cc_disk_operation operation, int error)
{
    if (error == ENOSPC || error == EDQUOT) {
        return COPYCAT_ERR_DISK_FULL;
    }
    if (cc_uv_is_out_of_descriptors(error)) {
        return COPYCAT_ERR_BUSY;
    }
    if (error == ENOENT && (operation == CC_DISK_OPEN || operation == CC_DISK_REMOVE)) {
        return COPYCAT_ERR_INVALID;
    }
    return COPYCAT_ERR_IO;
}

static copycat_status status_of(const struct cc_uv_disk_job *job)
{
    enum cc_disk_operation operation = job->request->operation;
    int error = job->job.error;

    if (error == 0) {
        return job->is_short ? COPYCAT_ERR_IO : COPYCAT_OK;
    }
    if (error == EWOULDBLOCK && operation == CC_DISK_LOCK && job->lock != NULL) {
        return COPYCAT_ERR_LOCKED;
    }
    return cc_env_uv_disk_status(operation, error);
}

static void say_why(const struct cc_uv_disk_job *job, copycat_status status)
{
    struct cc_env_uv *uv = job->job.uv;

    if (status == COPYCAT_ERR_LOCKED) {
        cc_uv_say(uv, 0, "%s is in use by another process", path_of(job));
    } else if (job->is_short) {
        cc_uv_say(uv, 0, "%s is shorter than expected", path_of(job));
    } else {
        cc_uv_say(uv, job->job.error, "cannot %s %s", verbs[job->request->operation], path_of(job));
    }
}

/* ---- coming back ----------------------------------------------------------------------------- */

static void keep_or_free_file(struct cc_uv_disk_job *job, bool is_good)
{
    struct cc_disk_request *request = job->request;

    if (request->operation == CC_DISK_OPEN && is_good) {
        cc_list_append(&job->job.uv->files, &job->file->node);
        request->file = job->file;
        request->size = (size_t)job->file_size;
    } else if (request->operation == CC_DISK_ROOM && is_good) {
        request->offset = job->room;
    } else if (request->operation == CC_DISK_OPEN || request->operation == CC_DISK_CLOSE) {
        cc_memory_give(job->job.uv->env.memory, job->file);
    }
}

static void keep_or_free_lock(struct cc_uv_disk_job *job, bool is_good)
{
    if (job->request->operation == CC_DISK_LOCK && is_good) {
        cc_list_append(&job->job.uv->locks, &job->lock->node);
    } else {
        cc_memory_give(job->job.uv->env.memory, job->lock);
    }
}

/* True if the directory has more names. */
static bool tell_names(struct cc_uv_disk_job *job)
{
    struct cc_disk_request *request = job->request;

    for (size_t at = 0; at < job->names_size; at += strlen(job->names + at) + 1) {
        request->on_name(request, job->names + at);
    }
    return job->directory != NULL;
}

static void job_free(struct cc_uv_disk_job *job)
{
    const struct cc_memory *memory = job->job.uv->env.memory;

    cc_list_remove(&job->job.node);
    if (job->directory != NULL) {
        closedir(job->directory);
    }
    cc_memory_give(memory, job->names);
    cc_memory_give(memory, job);
}

void cc_uv_disk_finish(struct cc_uv_job *base)
{
    struct cc_uv_disk_job *job = cc_container_of(base, struct cc_uv_disk_job, job);
    struct cc_disk_request *request = job->request;
    struct cc_env_uv *uv = base->uv;
    copycat_status status = status_of(job);

    if (!uv->is_closing && request->operation == CC_DISK_LIST && tell_names(job)) {
        cc_uv_job_start(base, CC_UV_LANE_SLOW);
        return;
    }
    if (status != COPYCAT_OK) {
        say_why(job, status);
    }
    keep_or_free_file(job, status == COPYCAT_OK);
    keep_or_free_lock(job, status == COPYCAT_OK);
    job_free(job);
    if (!uv->is_closing) {
        request->status = status;
        request->done(request);
    }
}

void cc_uv_disk_refused(struct cc_env_uv *uv)
{
    while (!cc_list_is_empty(&uv->refused)) {
        struct cc_disk_request *request =
            cc_container_of(uv->refused.next, struct cc_disk_request, node);

        cc_list_remove(&request->node);
        uv->happenings++;
        cc_uv_say(uv, ENOMEM, "cannot %s a file", verbs[request->operation]);
        request->status = COPYCAT_ERR_IO;
        request->done(request);
    }
}

/* ---- going out ------------------------------------------------------------------------------- */

static struct cc_file *file_create(struct cc_env_uv *uv, const char *path)
{
    size_t size = strlen(path) + 1;
    struct cc_file *file = cc_memory_try(uv->env.memory, sizeof *file + size);

    if (file != NULL) {
        file->descriptor = -1;
        file->direct = -1;
        memcpy(file->path, path, size);
    }
    return file;
}

static struct cc_uv_lock *lock_create(struct cc_env_uv *uv, const char *path)
{
    size_t size = strlen(path) + 1;
    struct cc_uv_lock *lock = cc_memory_try(uv->env.memory, sizeof *lock + size);

    if (lock != NULL) {
        lock->descriptor = -1;
        memcpy(lock->path, path, size);
    }
    return lock;
}

static struct cc_uv_lock *take_lock(struct cc_env_uv *uv, const char *path)
{
    cc_list_each(node, &uv->locks) {
        struct cc_uv_lock *lock = cc_container_of(node, struct cc_uv_lock, node);

        if (strcmp(lock->path, path) == 0) {
            cc_list_remove(node);
            return lock;
        }
    }
    return NULL;
}

/* What the helper thread may need is taken here: memory belongs to the loop's thread. */
static bool provide(struct cc_uv_disk_job *job)
{
    struct cc_disk_request *request = job->request;
    struct cc_env_uv *uv = job->job.uv;

    switch (request->operation) {
    case CC_DISK_OPEN:
        job->file = file_create(uv, request->name);
        return job->file != NULL;
    case CC_DISK_LOCK:
        job->lock = lock_create(uv, request->name);
        return job->lock != NULL;
    case CC_DISK_UNLOCK:
        job->lock = take_lock(uv, request->name);
        return true;
    case CC_DISK_LIST:
        job->names = cc_memory_try(uv->env.memory, CC_UV_NAMES_SIZE);
        return job->names != NULL;
    case CC_DISK_CLOSE:
        job->file = request->file;
        request->file = NULL;
        cc_list_remove(&job->file->node);
        return true;
    case CC_DISK_READ:
    case CC_DISK_WRITE:
    case CC_DISK_SYNC:
        job->file = request->file;
        return true;
    default:
        return true;
    }
}

static void count(struct cc_env_counters *counters, const struct cc_disk_request *request)
{
    counters->disk_reads += request->operation == CC_DISK_READ;
    counters->disk_syncs += request->operation == CC_DISK_SYNC;
    if (request->operation == CC_DISK_WRITE) {
        counters->disk_writes++;
        counters->disk_durable_writes += request->durable;
        counters->disk_written_bytes += request->size;
    }
}

static bool has_work(const struct cc_disk_request *request)
{
    return request->operation == CC_DISK_READ && request->work != NULL;
}

static enum cc_uv_lane_name lane_of(const struct cc_disk_request *request)
{
    if (has_work(request)) {
        return CC_UV_LANE_WORK;
    }

    bool is_awaited = request->operation == CC_DISK_READ ||
                      (request->operation == CC_DISK_WRITE && request->durable);

    return is_awaited ? CC_UV_LANE_DURABLE : CC_UV_LANE_SLOW;
}

/* What has work needs a thread anyway, which reads as well. */
static bool is_for_the_ring(const struct cc_disk_request *request)
{
    return !has_work(request) &&
           (request->operation == CC_DISK_READ || request->operation == CC_DISK_WRITE ||
            request->operation == CC_DISK_SYNC);
}

void cc_uv_disk(struct cc_env *env, struct cc_disk_request *request)
{
    struct cc_env_uv *uv = cc_uv_of(env);
    struct cc_uv_disk_job *job = cc_memory_try(env->memory, sizeof *job);

    count(&env->counters, request);
    if (job != NULL) {
        cc_uv_job_init(uv, &job->job);
        job->job.work = cc_uv_file_work;
        job->job.finish = cc_uv_disk_finish;
        job->request = request;
        cc_list_init(&job->flight);
    }
    if (job == NULL || !provide(job)) {
        if (job != NULL) {
            job_free(job);
        }
        cc_list_append(&uv->refused, &request->node);
        cc_uv_wake(uv);
    } else if (uv->ring != NULL && is_for_the_ring(request)) {
        cc_uv_ring_put(uv->ring, job);
    } else {
        cc_uv_job_start(&job->job, lane_of(request));
    }
}

void cc_uv_disk_close(struct cc_env_uv *uv)
{
    cc_list_each_safe(node, following, &uv->files) {
        struct cc_file *file = cc_container_of(node, struct cc_file, node);

        cc_uv_file_shut(file);
        cc_memory_give(uv->env.memory, file);
    }
    cc_list_each_safe(node, following, &uv->locks) {
        struct cc_uv_lock *lock = cc_container_of(node, struct cc_uv_lock, node);

        close(lock->descriptor);
        cc_memory_give(uv->env.memory, lock);
    }
}

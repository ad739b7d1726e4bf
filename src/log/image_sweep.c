/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_sweep -- images that nothing stands on are removed, and segments that none of those needs.
 *
 * The directory is not synced afterwards: a file that comes back when power is lost is swept again.
 */
#include "base/assert.h"
#include "log/image_format.h"

#include <string.h>

struct cc_image_sweep {
    struct cc_env *env;
    void (*on_done)(void *owner, copycat_status status, const char *text);
    void *owner;
    struct cc_disk_request request;
    struct cc_image_id *keep;
    size_t keep_count;
    struct cc_image_id *strays;
    size_t stray_count;
    size_t stray_capacity;
    bool keeps_segments;
    bool is_abandoned;
    char directory[CC_IMAGE_PATH_SIZE];
    char path[CC_IMAGE_PATH_SIZE];
};

static void over(
    struct cc_image_sweep *sweep, copycat_status status, const char *path, const char *what)
{
    void (*on_done)(void *owner, copycat_status status, const char *text) = sweep->on_done;
    const struct cc_memory *memory = sweep->env->memory;
    void *owner = sweep->owner;
    char text[CC_IMAGE_TEXT_SIZE] = "";

    if (status != COPYCAT_OK) {
        cc_image_describe(text, path, what, COPYCAT_NONE);
    }
    cc_memory_give(memory, sweep->keep);
    cc_memory_give(memory, sweep->strays);
    cc_memory_give(memory, sweep);
    on_done(owner, status, text);
}

static void ask(
    struct cc_image_sweep *sweep,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request))
{
    sweep->request.operation = operation;
    sweep->request.done = done;
    sweep->request.owner = sweep;
    cc_env_disk(sweep->env, &sweep->request);
}

static void removed(struct cc_disk_request *request);

static void remove_next(struct cc_image_sweep *sweep)
{
    bool has_path;

    if (sweep->is_abandoned) {
        over(sweep, COPYCAT_ERR_CLOSED, sweep->directory, "the sweep of images was abandoned");
        return;
    }
    if (sweep->stray_count == 0) {
        over(sweep, COPYCAT_OK, sweep->directory, "");
        return;
    }
    has_path = cc_image_path(sweep->path, sweep->directory, &sweep->strays[--sweep->stray_count]);
    CC_ASSERT(has_path); /* as long as the one it began with */
    sweep->request = (struct cc_disk_request){.name = sweep->path};
    ask(sweep, CC_DISK_REMOVE, removed);
}

static void removed(struct cc_disk_request *request)
{
    struct cc_image_sweep *sweep = request->owner;

    if (request->status != COPYCAT_OK && request->status != COPYCAT_ERR_INVALID) {
        over(
            sweep, request->status, sweep->path,
            "an image that nothing needs could not be removed");
    } else {
        remove_next(sweep);
    }
}

static bool is_kept(const struct cc_image_sweep *sweep, const struct cc_image_id *id)
{
    if (id->is_segment && sweep->keeps_segments) {
        return true;
    }
    for (size_t i = 0; i < sweep->keep_count; i++) {
        if (cc_image_has_name_of(&sweep->keep[i], id)) {
            return true;
        }
    }
    return false;
}

static void on_name(struct cc_disk_request *request, const char *name)
{
    struct cc_image_sweep *sweep = request->owner;
    struct cc_image_id id;

    if (!cc_image_name_decode(name, &id) || is_kept(sweep, &id)) {
        return;
    }
    if (sweep->stray_count == sweep->stray_capacity) {
        sweep->stray_capacity = sweep->stray_capacity == 0 ? 8 : sweep->stray_capacity * 2;
        sweep->strays = cc_memory_grow(
            sweep->env->memory, sweep->strays, sweep->stray_capacity * sizeof *sweep->strays);
    }
    sweep->strays[sweep->stray_count++] = id;
}

static void listed(struct cc_disk_request *request)
{
    struct cc_image_sweep *sweep = request->owner;

    if (request->status != COPYCAT_OK) {
        over(sweep, request->status, sweep->directory, "the directory could not be listed");
    } else {
        remove_next(sweep);
    }
}

copycat_status cc_image_sweep_begin(
    struct cc_image_sweep **sweep_out,
    struct cc_env *env,
    const char *directory,
    const struct cc_image_id *keep,
    size_t keep_count,
    bool keeps_segments,
    void (*on_done)(void *owner, copycat_status status, const char *text),
    void *owner)
{
    static const struct cc_image_id any;
    struct cc_image_sweep *sweep = cc_memory_take(env->memory, sizeof *sweep);

    if (!cc_image_path(sweep->path, directory, &any)) {
        cc_memory_give(env->memory, sweep);
        return COPYCAT_ERR_INVALID;
    }
    memcpy(sweep->directory, directory, strlen(directory) + 1);
    sweep->env = env;
    sweep->on_done = on_done;
    sweep->owner = owner;
    sweep->keep_count = keep_count;
    sweep->keeps_segments = keeps_segments;
    if (keep_count > 0) {
        sweep->keep = cc_memory_take(env->memory, keep_count * sizeof *sweep->keep);
        memcpy(sweep->keep, keep, keep_count * sizeof *sweep->keep);
    }
    sweep->request = (struct cc_disk_request){.name = sweep->directory, .on_name = on_name};
    ask(sweep, CC_DISK_LIST, listed);
    *sweep_out = sweep;
    return COPYCAT_OK;
}

void cc_image_sweep_abandon(struct cc_image_sweep *sweep)
{
    sweep->is_abandoned = true;
}

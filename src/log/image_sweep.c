/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_sweep -- images that nothing stands on are removed.
 *
 * The directory is not synced afterwards: a file that comes back when power is lost is swept again.
 */
#include "base/assert.h"
#include "log/image_format.h"

#include <string.h>

struct place {
    uint32_t group;
    uint64_t index;
};

struct cc_image_sweep {
    struct cc_env *env;
    void (*on_done)(void *owner, copycat_status status, const char *text);
    void *owner;
    struct cc_disk_request request;
    struct place *keep;
    size_t keep_count;
    struct place *strays;
    size_t stray_count;
    size_t stray_capacity;
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
    const struct place *stray;
    bool has_path;

    if (sweep->is_abandoned) {
        over(sweep, COPYCAT_ERR_CLOSED, sweep->directory, "the sweep of images was abandoned");
        return;
    }
    if (sweep->stray_count == 0) {
        over(sweep, COPYCAT_OK, sweep->directory, "");
        return;
    }
    stray = &sweep->strays[--sweep->stray_count];
    has_path = cc_image_path(sweep->path, sweep->directory, stray->group, stray->index);
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

static bool is_kept(const struct cc_image_sweep *sweep, const struct place *place)
{
    for (size_t i = 0; i < sweep->keep_count; i++) {
        if (sweep->keep[i].group == place->group && sweep->keep[i].index == place->index) {
            return true;
        }
    }
    return false;
}

static void on_name(struct cc_disk_request *request, const char *name)
{
    struct cc_image_sweep *sweep = request->owner;
    struct place place;

    if (!cc_image_name_decode(name, &place.group, &place.index) || is_kept(sweep, &place)) {
        return;
    }
    if (sweep->stray_count == sweep->stray_capacity) {
        sweep->stray_capacity = sweep->stray_capacity == 0 ? 8 : sweep->stray_capacity * 2;
        sweep->strays = cc_memory_grow(
            sweep->env->memory, sweep->strays, sweep->stray_capacity * sizeof *sweep->strays);
    }
    sweep->strays[sweep->stray_count++] = place;
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
    void (*on_done)(void *owner, copycat_status status, const char *text),
    void *owner)
{
    struct cc_image_sweep *sweep = cc_memory_take(env->memory, sizeof *sweep);

    if (!cc_image_path(sweep->path, directory, 0, 0)) {
        cc_memory_give(env->memory, sweep);
        return COPYCAT_ERR_INVALID;
    }
    memcpy(sweep->directory, directory, strlen(directory) + 1);
    sweep->env = env;
    sweep->on_done = on_done;
    sweep->owner = owner;
    sweep->keep_count = keep_count;
    if (keep_count > 0) {
        sweep->keep = cc_memory_take(env->memory, keep_count * sizeof *sweep->keep);
    }
    for (size_t i = 0; i < keep_count; i++) {
        sweep->keep[i] = (struct place){keep[i].group, keep[i].index};
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

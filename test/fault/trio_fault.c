/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio_fault -- what stands between a machine of a trio and its world: counts, and fails the n-th.
 */
#include "base/assert.h"
#include "fault/trio.h"
#include "sim/sim_disk_internal.h"

#include <string.h>

/* The one at hand: environments do not know whose they are. */
static struct trio *stage;
static struct cc_env_table table;
static void (*world_disk)(struct cc_env *env, struct cc_disk_request *request);
static void *(*world_resize)(void *context, void *block, size_t size);

/* ---- disk ------------------------------------------------------------------------------------ */

/*
 * The judge does not look at a server that has failed, and so would not know what it did rightly in
 * the same pass before: it looks now.
 */
static void look(uint32_t machine)
{
    if (machine < TRIO_SERVERS && stage->seats[machine].server != NULL) {
        cc_judge_step(stage->judge, machine, stage->seats[machine].server);
    }
}

static void complete(struct cc_disk_request *request)
{
    look(stage->fault.machine);
    stage->broken_request = NULL;
    request->done = stage->broken_done;
    request->size = stage->broken_size;
    request->status = stage->fault.disk_status;
    request->done(request);
}

static void complete_later(struct cc_task *task)
{
    (void)task;
    complete(stage->broken_request);
}

/*
 * A write reaches the disk in part: none, half or all of it, by the number of the call.  Closing
 * and unlocking are done whatever they report, as close(2) does.  All else is not done.
 */
static void break_call(struct cc_env *env, struct cc_disk_request *request)
{
    size_t sectors = request->size / CC_DISK_SECTOR;
    uint64_t halves = stage->fault.disk_at % 3;
    bool is_begun = request->operation == CC_DISK_WRITE || request->operation == CC_DISK_CLOSE ||
                    request->operation == CC_DISK_UNLOCK;

    stage->fault.has_fired = true;
    stage->broken_request = request;
    stage->broken_done = request->done;
    stage->broken_size = request->size;
    if (request->operation == CC_DISK_WRITE) {
        request->size = sectors * halves / 2 * CC_DISK_SECTOR;
    }
    if (is_begun && (request->operation != CC_DISK_WRITE || request->size > 0)) {
        request->done = complete;
        world_disk(env, request);
        return;
    }
    stage->broken = (struct cc_task){.run = complete_later};
    cc_env_later(env, &stage->broken);
}

/* One bit of what is written; what the server has in memory is as it was when it hears of it. */
static void flip(struct cc_disk_request *request)
{
    uint8_t *bytes = request->data;

    bytes[stage->fault.disk_at * 7919 % request->size] ^= 0x10;
}

static void rotten(struct cc_disk_request *request)
{
    flip(request);
    request->done = stage->broken_done;
    request->done(request);
}

static void write_rot(struct cc_env *env, struct cc_disk_request *request)
{
    CC_ASSERT(request->operation == CC_DISK_WRITE);
    stage->fault.has_fired = true;
    stage->broken_done = request->done;
    request->done = rotten;
    flip(request);
    world_disk(env, request);
}

/* Whatever is no journal is an image, or a part of one. */
static bool is_of_image(const struct cc_disk_request *request)
{
    return request->operation == CC_DISK_WRITE &&
           strstr(request->file->file->name, "journal-") == NULL;
}

static bool may_grow(const struct cc_disk_request *request)
{
    /* Delayed allocation tells at the close, and where nothing is overwritten removing takes room. */
    return request->operation == CC_DISK_WRITE || request->operation == CC_DISK_SYNC ||
           request->operation == CC_DISK_SYNC_DIR || request->operation == CC_DISK_CLOSE ||
           request->operation == CC_DISK_REMOVE ||
           (request->operation == CC_DISK_OPEN && request->create);
}

static void disk(struct cc_env *env, struct cc_disk_request *request)
{
    struct trio_fault *fault = &stage->fault;
    const struct cc_machine *machine = env->backend;

    if (machine->number == 0 && stage->disk != NULL) {
        stage->disk(stage->disk_owner, env, request);
        return;
    }
    if (machine->number != fault->machine) {
        world_disk(env, request);
        return;
    }
    fault->disk_calls++;
    if (fault->disk_calls < TRIO_CALLS_MAX) {
        fault->operations[fault->disk_calls] = (uint8_t)request->operation;
        fault->may_grow[fault->disk_calls] = may_grow(request);
        fault->is_of_image[fault->disk_calls] = is_of_image(request);
    }
    if (fault->disk_calls == fault->disk_at && fault->is_rot) {
        write_rot(env, request);
    } else if (fault->disk_calls == fault->disk_at && fault->disk_status != COPYCAT_OK) {
        break_call(env, request);
    } else {
        if (fault->disk_calls == fault->disk_at) {
            fault->has_fired = true;
            fault->is_power_due = true;
        }
        world_disk(env, request);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void *resize(void *context, void *block, size_t size)
{
    struct trio_fault *fault = &stage->fault;
    const struct cc_machine *machine = context;

    if (size > 0 && machine->number == fault->machine) {
        fault->allocations++;
        if (fault->allocations == fault->memory_at) {
            fault->has_fired = true;
            fault->fired_in = stage->passes;
            return NULL;
        }
    }
    return world_resize(context, block, size);
}

/* ---- panics ---------------------------------------------------------------------------------- */

static void on_panic(const char *file, int line, const char *expression)
{
    const struct trio_fault *fault = &stage->fault;

    if (fault->memory_at > 0 && fault->has_fired && fault->fired_in == stage->passes &&
        fault->machine < TRIO_SERVERS) {
        longjmp(stage->stop, 1);
    }
    cc_judge_blame(stage->judge, "a broken promise at %s:%d: %s", file, line, expression);
    longjmp(stage->stop, 2);
}

void trio_intercept(struct trio *trio)
{
    trio->outer = stage;
    stage = trio;
    for (uint32_t i = 0; i < TRIO_MACHINES; i++) {
        struct cc_machine *machine = &trio->world->machines[i];

        table = *machine->env.table;
        world_disk = table.disk;
        table.disk = disk;
        world_resize = machine->memory.resize;
        machine->memory.resize = resize;
    }
    for (uint32_t i = 0; i < TRIO_MACHINES; i++) {
        trio->world->machines[i].env.table = &table;
    }
    cc_panic_set(on_panic);
}

void trio_release(struct trio *trio)
{
    stage = trio->outer;
    cc_panic_set(stage == NULL ? NULL : on_panic);
}

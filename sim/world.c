/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world -- see world.h: time, machines and their passes.
 */
#include "sim/world.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define IDLE_US 10000u
#define BATCH_MAX 8u

struct block {
    struct cc_list node;
    size_t size;
    _Alignas(16) unsigned char data[];
};

/* ---- events ---------------------------------------------------------------------------------- */

static bool is_before(const struct cc_event *left, const struct cc_event *right)
{
    if (left->time_us != right->time_us) {
        return left->time_us < right->time_us;
    }
    return left->tie != right->tie ? left->tie < right->tie : left->serial < right->serial;
}

static void heap_push(struct cc_world *world, struct cc_event *event)
{
    if (world->heap_count == world->heap_capacity) {
        world->heap_capacity = world->heap_capacity == 0 ? 1024 : world->heap_capacity * 2;
        world->heap = realloc(world->heap, world->heap_capacity * sizeof(struct cc_event *));
        CC_ASSERT(world->heap != NULL);
    }

    size_t at = world->heap_count++;

    while (at > 0 && is_before(event, world->heap[(at - 1) / 2])) {
        world->heap[at] = world->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    world->heap[at] = event;
}

static struct cc_event *heap_pop(struct cc_world *world)
{
    struct cc_event *top = world->heap[0];
    struct cc_event *last = world->heap[--world->heap_count];
    size_t at = 0;

    while (2 * at + 1 < world->heap_count) {
        size_t child = 2 * at + 1;

        if (child + 1 < world->heap_count &&
            is_before(world->heap[child + 1], world->heap[child])) {
            child++;
        }
        if (!is_before(world->heap[child], last)) {
            break;
        }
        world->heap[at] = world->heap[child];
        at = child;
    }
    world->heap[at] = last;
    return top;
}

struct cc_event *cc_world_event(
    struct cc_world *world, enum cc_event_kind kind, struct cc_machine *machine, void *subject)
{
    struct cc_event *event = world->spare;

    if (event != NULL) {
        world->spare = event->next;
    } else {
        event = malloc(sizeof *event);
        CC_ASSERT(event != NULL);
    }
    *event = (struct cc_event){
        .kind = kind,
        .machine = machine == NULL ? UINT32_MAX : machine->number,
        .life = machine == NULL ? 0 : machine->life,
        .subject = subject,
    };
    return event;
}

void cc_world_free_event(struct cc_world *world, struct cc_event *event)
{
    free(event->bytes);
    event->next = world->spare;
    world->spare = event;
}

void cc_world_post(struct cc_world *world, struct cc_event *event, uint64_t time_us)
{
    event->time_us = time_us < world->now_us ? world->now_us : time_us;
    event->tie = cc_decide(&world->schedule);
    event->serial = world->serial++;
    heap_push(world, event);
}

void cc_held_add(struct cc_held *held, struct cc_event *event)
{
    if (held->first == NULL) {
        held->end = &held->first;
    }
    event->next = NULL;
    *held->end = event;
    held->end = &event->next;
}

void cc_held_release(struct cc_world *world, struct cc_held *held)
{
    struct cc_event *event = held->first;

    held->first = NULL;
    for (uint64_t order = 0; event != NULL; order++) {
        struct cc_event *next = event->next;

        event->time_us = world->now_us;
        event->tie = order; /* in the order in which they were held */
        event->serial = world->serial++;
        heap_push(world, event);
        event = next;
    }
}

/* ---- the environment's table ----------------------------------------------------------------- */

static struct cc_machine *machine_of(struct cc_env *env)
{
    return env->backend;
}

static uint64_t local_now(const struct cc_machine *machine)
{
    uint64_t elapsed = machine->world->now_us - machine->clock_true_us;

    return machine->clock_local_us + elapsed * (uint64_t)(1000000 + machine->drift_ppm) / 1000000;
}

/* The first true time at which the machine's clock shows at least `local_us`. */
static uint64_t true_time_of(const struct cc_machine *machine, uint64_t local_us)
{
    if (local_us <= machine->clock_local_us) {
        return machine->clock_true_us;
    }

    uint64_t wait = local_us - machine->clock_local_us;

    if (wait > UINT64_C(1) << 40) {
        return UINT64_MAX / 2; /* never */
    }
    return machine->clock_true_us + wait * 1000000 / (uint64_t)(1000000 + machine->drift_ppm) + 1;
}

static uint64_t env_now(struct cc_env *env)
{
    return local_now(machine_of(env));
}

static uint64_t env_wall(struct cc_env *env)
{
    struct cc_machine *machine = machine_of(env);
    uint64_t epoch = UINT64_C(1767225600000000); /* true time 0: the year 2026 begins */

    return (uint64_t)((int64_t)(epoch + machine->world->now_us) + machine->wall_offset_us);
}

static void env_entropy(struct cc_env *env, void *data, size_t size)
{
    unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)cc_decide(&machine_of(env)->entropy);
    }
}

static void env_timer_disarm(struct cc_env *env, struct cc_timer *timer)
{
    (void)env;
    if (timer->armed) {
        struct cc_event *event = timer->backend;

        event->is_void = true;
        timer->armed = false;
        timer->backend = NULL;
    }
}

static void env_timer_arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    struct cc_machine *machine = machine_of(env);

    if (timer->armed && timer->deadline_us == deadline_us) {
        return;
    }
    env_timer_disarm(env, timer);

    struct cc_event *event = cc_world_event(machine->world, CC_EVENT_TIMER, machine, timer);

    timer->deadline_us = deadline_us;
    timer->armed = true;
    timer->backend = event;
    cc_world_post(machine->world, event, true_time_of(machine, deadline_us));
}

static void env_later(struct cc_env *env, struct cc_task *task)
{
    struct cc_machine *machine = machine_of(env);

    if (task->queued) {
        return;
    }
    task->queued = true;
    cc_list_append(&machine->tasks, &task->node);
    if (!machine->in_pass && !machine->is_task_event_queued) {
        machine->is_task_event_queued = true;
        cc_world_post(
            machine->world, cc_world_event(machine->world, CC_EVENT_TASKS, machine, NULL),
            machine->world->now_us);
    }
}

static void env_task_cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    if (task->queued) {
        task->queued = false;
        cc_list_remove(&task->node);
    }
}

static const struct cc_env_table env_table = {
    .now_us = env_now,
    .wall_us = env_wall,
    .entropy = env_entropy,
    .timer_arm = env_timer_arm,
    .timer_disarm = env_timer_disarm,
    .later = env_later,
    .task_cancel = env_task_cancel,
    .disk = cc_sim_disk_request,
    .listen = cc_sim_net_listen,
    .unlisten = cc_sim_net_unlisten,
    .conn_connect = cc_sim_net_connect,
    .conn_write = cc_sim_net_write,
    .conn_close = cc_sim_net_close,
};

/* ---- memory of a life ------------------------------------------------------------------------ */

static void *resize(void *context, void *data, size_t size)
{
    struct cc_machine *machine = context;
    struct block *old = data == NULL ? NULL : cc_container_of(data, struct block, data);
    struct block *block = NULL;

    if (old != NULL) {
        machine->memory_bytes -= old->size;
        cc_list_remove(&old->node);
    }
    if (size == 0) {
        free(old);
        return NULL;
    }
    block = realloc(old, sizeof *block + size);
    CC_ASSERT(block != NULL);
    block->size = size;
    machine->memory_bytes += size;
    cc_list_append(&machine->blocks, &block->node);
    return block->data;
}

static void free_life(struct cc_machine *machine)
{
    cc_list_each_safe(node, following, &machine->blocks) {
        free(cc_container_of(node, struct block, node));
    }
    cc_list_init(&machine->blocks);
    machine->memory_bytes = 0;
}

/* ---- machines -------------------------------------------------------------------------------- */

struct cc_world *cc_world_create(uint64_t seed, uint32_t machine_count)
{
    struct cc_world *world = calloc(1, sizeof *world);

    CC_ASSERT(world != NULL);
    CC_ASSERT(machine_count <= CC_MACHINES_MAX);
    world->seed = seed;
    world->machine_count = machine_count;
    world->schedule = cc_decider_make(seed, CC_STREAM_SCHEDULE, 0);
    world->stranger = UINT32_MAX;
    world->net = cc_sim_net_create(world);
    for (uint32_t i = 0; i < machine_count; i++) {
        struct cc_machine *machine = &world->machines[i];

        machine->world = world;
        machine->number = i;
        machine->entropy = cc_decider_make(seed, CC_STREAM_ENTROPY, i);
        machine->choices = cc_decider_make(seed, CC_STREAM_MACHINE, i);
        cc_list_init(&machine->blocks);
        cc_list_init(&machine->tasks);
        machine->memory = (struct cc_memory){resize, machine};
        machine->env =
            (struct cc_env){.table = &env_table, .memory = &machine->memory, .backend = machine};
        machine->disk = cc_sim_disk_create(machine);
    }
    return world;
}

static void free_held(struct cc_world *world, struct cc_held *held)
{
    for (struct cc_event *event = held->first; event != NULL;) {
        struct cc_event *next = event->next;

        cc_world_free_event(world, event);
        event = next;
    }
    held->first = NULL;
}

void cc_world_destroy(struct cc_world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        free_held(world, &world->machines[i].held);
        free_life(&world->machines[i]);
        cc_sim_disk_destroy(world->machines[i].disk);
    }
    while (world->heap_count > 0) {
        cc_world_free_event(world, heap_pop(world));
    }
    cc_sim_net_destroy(world->net);
    for (struct cc_event *event = world->spare; event != NULL;) {
        struct cc_event *next = event->next;

        free(event);
        event = next;
    }
    free(world->heap);
    free(world);
}

struct cc_env *cc_world_boot(struct cc_world *world, uint32_t number)
{
    struct cc_machine *machine = &world->machines[number];

    CC_ASSERT(!machine->is_up);
    machine->is_up = true;
    machine->life++;
    machine->clock_true_us = world->now_us;
    machine->clock_local_us = 1000000 + cc_decide_below(&machine->choices, 1000000000);
    return &machine->env;
}

struct cc_env *cc_world_env(struct cc_world *world, uint32_t machine)
{
    return &world->machines[machine].env;
}

static void end_life(struct cc_world *world, struct cc_machine *machine)
{
    CC_ASSERT(machine->is_up);
    CC_ASSERT(!machine->in_pass);
    cc_sim_net_crash(machine);
    machine->is_up = false;
    machine->is_paused = false;
    machine->is_working = false;
    machine->is_task_event_queued = false;
    machine->life++;
    cc_list_init(&machine->tasks);
    cc_held_release(world, &machine->held); /* to be dropped: their life is over */
    free_life(machine);
}

void cc_world_crash(struct cc_world *world, uint32_t number)
{
    cc_sim_disk_crash(world->machines[number].disk);
    end_life(world, &world->machines[number]);
}

void cc_world_kill(struct cc_world *world, uint32_t number)
{
    cc_sim_disk_kill(world->machines[number].disk);
    end_life(world, &world->machines[number]);
}

bool cc_world_is_up(const struct cc_world *world, uint32_t machine)
{
    return world->machines[machine].is_up;
}

bool cc_world_is_paused(const struct cc_world *world, uint32_t machine)
{
    return world->machines[machine].is_paused;
}

void cc_world_pause(struct cc_world *world, uint32_t machine)
{
    world->machines[machine].is_paused = world->machines[machine].is_up;
}

void cc_world_resume(struct cc_world *world, uint32_t machine)
{
    world->machines[machine].is_paused = false;
    cc_held_release(world, &world->machines[machine].held);
}

void cc_world_set_cpu(struct cc_world *world, uint32_t machine, uint32_t pass_cost_us)
{
    world->machines[machine].pass_cost_us = pass_cost_us;
}

void cc_world_set_drift(struct cc_world *world, uint32_t number, int32_t ppm)
{
    struct cc_machine *machine = &world->machines[number];
    uint64_t local = local_now(machine);

    machine->clock_local_us = local;
    machine->clock_true_us = world->now_us;
    machine->drift_ppm = ppm;
}

void cc_world_set_wall(struct cc_world *world, uint32_t machine, int64_t offset_us)
{
    world->machines[machine].wall_offset_us = offset_us;
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* A timer whose clock has been slowed meanwhile is not due yet. */
static bool deliver_timer(struct cc_world *world, struct cc_event *event)
{
    struct cc_timer *timer = event->subject;
    struct cc_machine *machine = &world->machines[event->machine];

    if (local_now(machine) < timer->deadline_us) {
        cc_world_post(world, event, true_time_of(machine, timer->deadline_us));
        return false;
    }
    timer->armed = false;
    timer->backend = NULL;
    timer->fire(timer);
    return true;
}

/* True if the event is done with; false if it was put elsewhere. */
static bool deliver(struct cc_world *world, struct cc_event *event)
{
    struct cc_machine *machine = &world->machines[event->machine];

    switch (event->kind) {
    case CC_EVENT_TIMER:
        return deliver_timer(world, event);
    case CC_EVENT_DISK:
        return cc_sim_disk_deliver(machine->disk, event);
    case CC_EVENT_TASKS:
        machine->is_task_event_queued = false;
        return true;
    case CC_EVENT_WAKE:
        machine->is_working = false;
        cc_held_release(world, &machine->held);
        return true;
    default:
        return cc_sim_net_deliver(world, event);
    }
}

static bool is_dead(const struct cc_world *world, const struct cc_event *event)
{
    const struct cc_machine *machine = &world->machines[event->machine];

    return event->is_void || event->life != machine->life || !machine->is_up;
}

static void discard(struct cc_world *world, struct cc_event *event)
{
    if (event->kind >= CC_EVENT_NET_ACCEPT && event->kind <= CC_EVENT_NET_RESET) {
        cc_sim_net_drop(world, event);
    }
    cc_world_free_event(world, event);
}

static void note(struct cc_world *world, const struct cc_event *event)
{
    world->counters.events++;
    world->trace = cc_hash_words(world->trace, event->time_us);
    world->trace =
        cc_hash_words(world->trace, (uint64_t)event->machine << 32 | (uint64_t)event->kind << 24);
    if (event->bytes != NULL) {
        world->trace = cc_hash_bytes(event->bytes, event->size, world->trace);
    }
}

static void run_tasks(struct cc_machine *machine)
{
    while (!cc_list_is_empty(&machine->tasks)) {
        struct cc_task *task = cc_container_of(machine->tasks.next, struct cc_task, node);

        task->queued = false;
        cc_list_remove(&task->node);
        task->run(task);
    }
}

static void count_source(struct cc_world *world, const struct cc_event *event)
{
    bool is_strange = world->stranger != UINT32_MAX &&
                      (event->kind == CC_EVENT_NET_ACCEPT || event->kind == CC_EVENT_NET_DATA) &&
                      cc_sim_net_source(event) == world->stranger;

    world->sources.strangers += is_strange;
    world->sources.others += !is_strange && event->kind != CC_EVENT_WAKE;
}

/* Delivers one event; false if it did not concern a running machine. */
static bool take(struct cc_world *world, struct cc_event *event)
{
    struct cc_machine *machine = &world->machines[event->machine];

    if (is_dead(world, event)) {
        discard(world, event);
        return false;
    }
    if (machine->is_paused || (machine->is_working && event->kind != CC_EVENT_WAKE)) {
        cc_held_add(&machine->held, event);
        return false;
    }
    note(world, event);
    count_source(world, event);
    if (deliver(world, event)) {
        cc_world_free_event(world, event);
    }
    return true;
}

/* With a slow processor, whatever comes meanwhile waits until the pass is over. */
static void work_on(struct cc_machine *machine)
{
    struct cc_world *world = machine->world;

    if (machine->pass_cost_us > 0) {
        machine->is_working = true;
        cc_world_post(
            world, cc_world_event(world, CC_EVENT_WAKE, machine, NULL),
            world->now_us + 1 + cc_decide_below(&machine->choices, machine->pass_cost_us));
    }
}

static void run_pass(struct cc_world *world, struct cc_event *event)
{
    struct cc_machine *machine = &world->machines[event->machine];
    uint64_t more = cc_decide_below(&machine->choices, BATCH_MAX);
    uint64_t serial =
        world->serial; /* what this pass posts, a timer in the past say, is for the next */

    machine->in_pass = true;
    world->sources = (struct cc_pass_sources){0};
    (void)take(world, event);
    while (more-- > 0 && world->heap_count > 0 && world->heap[0]->time_us <= world->now_us &&
           world->heap[0]->machine == machine->number && world->heap[0]->serial < serial) {
        (void)take(world, heap_pop(world));
    }
    if (machine->is_up && !machine->is_paused && !machine->is_working) {
        run_tasks(machine);
        if (world->sources.strangers + world->sources.others > 0) {
            work_on(machine);
        }
    }
    machine->in_pass = false;
    world->counters.passes++;
}

bool cc_world_step(struct cc_world *world, uint64_t until_us, uint32_t *machine_out)
{
    *machine_out = UINT32_MAX;
    if (world->heap_count == 0 || world->heap[0]->time_us > until_us) {
        if (world->now_us < until_us) {
            world->now_us = until_us;
        }
        return false;
    }

    struct cc_event *event = heap_pop(world);

    if (event->time_us > world->now_us) {
        world->now_us = event->time_us;
    }
    if (world->now_us - world->busy_us > IDLE_US) {
        world->counters.idle_us += world->now_us - world->busy_us;
    }
    world->busy_us = world->now_us;
    if (event->kind == CC_EVENT_CALL) {
        event->call(event->subject);
        cc_world_free_event(world, event);
        return true;
    }
    *machine_out = event->machine;
    run_pass(world, event);
    return true;
}

uint64_t cc_world_now_us(const struct cc_world *world)
{
    return world->now_us;
}

uint64_t cc_world_trace(const struct cc_world *world)
{
    return world->trace;
}

const struct cc_world_counters *cc_world_counters(const struct cc_world *world)
{
    return &world->counters;
}

uint64_t cc_world_memory(const struct cc_world *world, uint32_t machine)
{
    return world->machines[machine].memory_bytes;
}

void cc_world_call(struct cc_world *world, uint64_t time_us, void (*call)(void *owner), void *owner)
{
    struct cc_event *event = cc_world_event(world, CC_EVENT_CALL, NULL, owner);

    event->call = call;
    cc_world_post(world, event, time_us);
}

void cc_world_set_tap(struct cc_world *world, cc_world_tap tap, void *owner)
{
    world->tap = tap;
    world->tap_owner = owner;
}

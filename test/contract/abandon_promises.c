/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abandon_promises -- wherever in a pass an environment is abandoned, and the pass left by a jump:
 * nothing is lost but what its user had, and nothing of it goes on.
 */
#include "world_uv.h"

#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum place {
    PLACE_POST,
    PLACE_TIMER,
    PLACE_TASK,
    PLACE_ACCEPT,
    PLACE_OPEN,
    PLACE_DATA,
    PLACE_DISK,
    PLACES,
};

/* An environment in which everything is under way at once. */
struct scene {
    struct cc_env *env;
    enum place place;
    bool is_over; /* no callback may come any more */
    jmp_buf back;
    struct cc_post post;
    struct cc_timer timer;
    struct cc_timer never;
    struct cc_task task;
    struct cc_listener listener;
    struct cc_conn caller;
    struct cc_conn called;
    struct cc_disk_request list;
    char directory[CONTRACT_PATH_SIZE];
};

static void happens(struct scene *scene, enum place place)
{
    assert_false(scene->is_over);
    if (scene->place == place) {
        scene->is_over = true;
        cc_env_uv_abandon(scene->env);
        longjmp(scene->back, 1);
    }
}

static void posted(struct cc_post *post)
{
    happens(post->owner, PLACE_POST);
}

static void fired(struct cc_timer *timer)
{
    happens(timer->owner, PLACE_TIMER);
}

static void task_ran(struct cc_task *task)
{
    happens(task->owner, PLACE_TASK);
}

static struct cc_conn *accepted(struct cc_listener *listener)
{
    struct scene *scene = listener->owner;

    happens(scene, PLACE_ACCEPT);
    return &scene->called;
}

static void opened(struct cc_conn *conn)
{
    struct scene *scene = conn->owner;

    happens(scene, PLACE_OPEN);
    cc_env_conn_write(scene->env, conn, "hello", 5);
}

static void got(struct cc_conn *conn, const void *data, size_t size)
{
    (void)data;
    (void)size;
    happens(conn->owner, PLACE_DATA);
}

static void sent(struct cc_conn *conn)
{
    (void)conn;
}

static void closed(struct cc_conn *conn)
{
    (void)conn;
}

static void named(struct cc_disk_request *request, const char *name)
{
    (void)request;
    (void)name;
}

static void listed(struct cc_disk_request *request)
{
    struct scene *scene = request->owner;

    happens(scene, PLACE_DISK);
    cc_env_disk(scene->env, request);
}

static void set_up(struct scene *scene)
{
    struct cc_env *env = scene->env;

    scene->post = (struct cc_post){.run = posted, .owner = scene};
    scene->timer = (struct cc_timer){.fire = fired, .owner = scene};
    scene->never = (struct cc_timer){.fire = fired, .owner = scene};
    scene->task = (struct cc_task){.run = task_ran, .owner = scene};
    scene->listener = (struct cc_listener){.on_accept = accepted, .owner = scene};
    scene->caller = (struct cc_conn){opened, got, sent, closed, scene, NULL};
    scene->called = (struct cc_conn){opened, got, sent, closed, scene, NULL};
    scene->list = (struct cc_disk_request){
        .operation = CC_DISK_LIST,
        .name = scene->directory,
        .on_name = named,
        .done = listed,
        .owner = scene};
    assert_int_equal(cc_env_listen(env, &scene->listener, "local:abandoned"), COPYCAT_OK);
    cc_env_conn_connect(env, &scene->caller, "local:abandoned");
    cc_env_timer_arm(env, &scene->timer, cc_env_now_us(env) + 2000);
    cc_env_timer_arm(env, &scene->never, cc_env_now_us(env) + UINT64_C(3600000000));
    cc_env_disk(env, &scene->list);
    cc_env_later(env, &scene->task);
    cc_env_uv_post(env, &scene->post);
}

static uint32_t descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    uint32_t count = 0;

    assert_non_null(directory);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}

static void process_until_abandoned(struct scene *scene)
{
    struct pollfd polled = {.fd = cc_env_uv_fd(scene->env), .events = POLLIN};

    if (setjmp(scene->back) == 0) {
        for (;;) {
            assert_int_equal(poll(&polled, 1, 20000), 1);
            cc_env_uv_process(scene->env);
        }
    }
}

static void abandon_at(struct contract *contract, enum place place)
{
    const struct uv_world *world = contract->backend;
    struct cc_env_uv_options options = {.disk = world->disk};
    uint32_t before = descriptors();
    struct limited_memory memory;
    struct scene scene = {.place = place};
    struct pollfd polled = {.events = POLLIN};

    limited_memory_init(&memory);
    (void)snprintf(scene.directory, sizeof scene.directory, "%s", world->root);
    assert_int_equal(cc_env_uv_open(&scene.env, &memory.memory, &options), COPYCAT_OK);
    polled.fd = cc_env_uv_fd(scene.env);
    set_up(&scene);
    process_until_abandoned(&scene);
    assert_int_equal(poll(&polled, 1, 5), 0);
    cc_env_uv_close(scene.env);
    assert_int_equal(memory.blocks, 0);
    assert_int_equal(descriptors(), before);
}

static void what_is_abandoned_within_a_pass_leaves_nothing(struct contract *contract)
{
    for (enum place place = 0; place < PLACES; place++) {
        abandon_at(contract, place);
    }
}

const struct promise abandon_promises[] = {
    PROMISE(what_is_abandoned_within_a_pass_leaves_nothing),
    {NULL, NULL},
};

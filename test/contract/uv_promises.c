/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_promises -- what a real machine has beyond env.h: other threads, a host's loop, a host's
 * process, names and ports, and disks that fill up.
 */
#include "world_uv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 4u
#define POSTS 2500u
#define CROWD 10000u
#define CROWD_STEP 500u

static struct uv_world *world_of(struct contract *contract)
{
    return contract->backend;
}

static bool is_set(void *owner)
{
    return *(bool *)owner;
}

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

static bool is_readable(struct cc_env *env, int wait_ms)
{
    struct pollfd polled = {.fd = cc_env_uv_fd(env), .events = POLLIN};

    return poll(&polled, 1, wait_ms) == 1;
}

static void fired(struct cc_timer *timer)
{
    *(bool *)timer->owner = true;
}

static void task_ran(struct cc_task *task)
{
    *(bool *)task->owner = true;
}

static void an_idle_descriptor_is_silent(struct contract *contract)
{
    uint64_t waits;

    cc_env_uv_process(contract->left);
    assert_false(is_readable(contract->left, 0));
    waits = contract->left->counters.waits;
    assert_false(is_readable(contract->left, 30));
    assert_int_equal(contract->left->counters.waits, waits);
}

static void timers_and_tasks_are_behind_the_descriptor(struct contract *contract)
{
    bool is_fired = false;
    bool has_run = false;
    struct cc_timer timer = {.fire = fired, .owner = &is_fired};
    struct cc_task task = {.run = task_ran, .owner = &has_run};

    cc_env_uv_process(contract->left);
    cc_env_later(contract->left, &task);
    assert_true(is_readable(contract->left, 0));
    cc_env_uv_process(contract->left);
    assert_true(has_run);
    cc_env_timer_arm(contract->left, &timer, cc_env_now_us(contract->left) + 30000);
    while (!is_fired) {
        assert_true(is_readable(contract->left, 20000));
        cc_env_uv_process(contract->left);
    }
    assert_false(is_readable(contract->left, 0));
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
    struct cc_env_uv_options options = {.disk = world_of(contract)->disk};
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

/* ---- addresses ------------------------------------------------------------------------------- */

struct guest {
    struct cc_conn conn;
    struct cc_env *env;
    struct cc_task task;
    bool is_open;
    bool is_closed;
    size_t received;
    size_t in_pass;
    size_t in_pass_max;
};

static void guest_open(struct cc_conn *conn)
{
    ((struct guest *)conn->owner)->is_open = true;
}

static void guest_data(struct cc_conn *conn, const void *data, size_t size)
{
    struct guest *guest = conn->owner;

    (void)data;
    guest->received += size;
    guest->in_pass += size;
    if (guest->in_pass > guest->in_pass_max) {
        guest->in_pass_max = guest->in_pass;
    }
    cc_env_later(guest->env, &guest->task);
}

static void pass_over(struct cc_task *task)
{
    ((struct guest *)task->owner)->in_pass = 0;
}

static void guest_sent(struct cc_conn *conn)
{
    (void)conn;
}

static void guest_closed(struct cc_conn *conn)
{
    ((struct guest *)conn->owner)->is_closed = true;
}

static void make_guest(struct guest *guest, struct cc_env *env)
{
    *guest = (struct guest){.env = env};
    guest->conn = (struct cc_conn){guest_open, guest_data, guest_sent, guest_closed, guest, NULL};
    guest->task = (struct cc_task){.run = pass_over, .owner = guest};
}

struct house {
    struct cc_listener listener;
    struct cc_env *env;
    struct guest *guests;
    uint32_t count;
    uint32_t awaited;
    char address[CONTRACT_PATH_SIZE];
};

static struct cc_conn *welcome(struct cc_listener *listener)
{
    struct house *house = listener->owner;

    make_guest(&house->guests[house->count], house->env);
    return &house->guests[house->count++].conn;
}

static bool is_full(void *owner)
{
    const struct house *house = owner;

    return house->count >= house->awaited;
}

static copycat_status build(
    struct contract *contract, struct house *house, struct guest *guests, const char *address)
{
    *house = (struct house){.env = contract->right, .guests = guests, .awaited = 1};
    house->listener = (struct cc_listener){.on_accept = welcome, .owner = house};

    copycat_status status = cc_env_listen(contract->right, &house->listener, address);

    if (status == COPYCAT_OK) {
        assert_int_equal(
            cc_env_uv_address(
                contract->right, &house->listener, house->address, sizeof house->address),
            COPYCAT_OK);
    }
    return status;
}

static void an_address_in_use_is_said_to_be(struct contract *contract)
{
    struct house house;
    struct house other;
    char expected[CONTRACT_PATH_SIZE + 64];

    assert_string_equal(cc_env_uv_last_error(contract->right), "");
    assert_int_equal(build(contract, &house, NULL, "127.0.0.1:0"), COPYCAT_OK);
    assert_int_equal(build(contract, &other, NULL, house.address), COPYCAT_ERR_ADDRESS_IN_USE);
    (void)snprintf(expected, sizeof expected, "%s is in use by another process", house.address);
    assert_string_equal(cc_env_uv_last_error(contract->right), expected);
    cc_env_unlisten(contract->right, &house.listener);
    assert_int_equal(build(contract, &other, NULL, house.address), COPYCAT_OK);
}

static void what_is_no_address_is_refused(struct contract *contract)
{
    const char *texts[] = {"",       "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536",
                           "::1:1",  "[::1]",     "unix:",      ":",           "127.0.0.1:1:2",
                           "[]x:1:", "host:-1"};

    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct house house;
        struct guest guest;

        assert_int_equal(build(contract, &house, NULL, texts[i]), COPYCAT_ERR_INVALID);
        assert_non_null(strstr(cc_env_uv_last_error(contract->right), "is not an address"));
        make_guest(&guest, contract->left);
        cc_env_conn_connect(contract->left, &guest.conn, texts[i]);
        assert_false(guest.is_closed);
        contract_until(contract, is_set, &guest.is_closed);
    }
}

/* "localhost" may stand for several addresses, of which one answers. */
static void names_and_both_kinds_of_numbers_are_addresses(struct contract *contract)
{
    const char *texts[] = {"127.0.0.1:0", "localhost:0", "[::1]:0", ":0"};
    uint32_t tried = 0;

    for (uint32_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct house house;
        struct guest right;
        struct guest left;
        char text[64];

        if (build(contract, &house, &right, texts[i]) != COPYCAT_OK) {
            continue; /* a machine without IPv6 */
        }
        tried++;
        (void)snprintf(text, sizeof text, "localhost%s", strrchr(house.address, ':'));
        make_guest(&left, contract->left);
        cc_env_conn_connect(contract->left, &left.conn, i == 2 || i == 0 ? house.address : text);
        contract_until(contract, is_set, &left.is_open);
        contract_until(contract, is_full, &house);
        cc_env_conn_close(contract->left, &left.conn);
        cc_env_conn_close(contract->right, &right.conn);
        cc_env_unlisten(contract->right, &house.listener);
    }
    assert_true(tried >= 3);
}

static void a_name_that_is_not_known_ends_in_on_closed(struct contract *contract)
{
    struct guest guest;
    struct guest hurried;

    make_guest(&guest, contract->left);
    make_guest(&hurried, contract->left);
    cc_env_conn_connect(contract->left, &guest.conn, "no such name.invalid:1");
    cc_env_conn_connect(contract->left, &hurried.conn, "another.invalid:1");
    cc_env_conn_close(contract->left, &hurried.conn); /* while it is looked for */
    contract_until(contract, is_set, &guest.is_closed);
    assert_false(guest.is_open);
    assert_false(hurried.is_closed);
}

/* ---- unix sockets ---------------------------------------------------------------------------- */

static void socket_path(struct contract *contract, char *text_out, size_t size)
{
    (void)snprintf(text_out, size, "%.90s/socket", world_of(contract)->root);
}

static int bound_socket(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(descriptor >= 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", path);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&name, sizeof name), 0);
    return descriptor;
}

static void a_stale_socket_is_replaced_and_a_live_one_is_not(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE];
    char address[CONTRACT_PATH_SIZE + 8];
    struct house house;
    struct house other;
    int descriptor;

    socket_path(contract, path, sizeof path);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    close(bound_socket(path)); /* as a process that was killed leaves it */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(build(contract, &house, NULL, address), COPYCAT_OK);
    assert_int_equal(build(contract, &other, NULL, address), COPYCAT_ERR_ADDRESS_IN_USE);
    assert_int_equal(access(path, F_OK), 0);
    cc_env_unlisten(contract->right, &house.listener);
    assert_int_equal(access(path, F_OK), -1); /* a door that shuts takes its name along */
    descriptor = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(build(contract, &house, NULL, address), COPYCAT_ERR_ADDRESS_IN_USE);
    assert_int_equal(access(path, F_OK), 0); /* somebody's file is not ours to remove */
}

/* ---- the host's process ---------------------------------------------------------------------- */

static int raw_connection(const struct house *house)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(descriptor >= 0);
    (void)snprintf(name.sun_path, sizeof name.sun_path, "%.100s", house->address + strlen("unix:"));
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, sizeof name), 0);
    return descriptor;
}

static void build_unix(struct contract *contract, struct house *house, struct guest *guests)
{
    char path[CONTRACT_PATH_SIZE];
    char address[CONTRACT_PATH_SIZE + 8];

    socket_path(contract, path, sizeof path);
    (void)snprintf(address, sizeof address, "unix:%s", path);
    assert_int_equal(build(contract, house, guests, address), COPYCAT_OK);
}

static void a_process_without_descriptors_does_not_spin(struct contract *contract)
{
    struct rlimit before;
    struct rlimit none;
    struct house house;
    struct guest guest;
    uint64_t waits;
    int newcomer;

    build_unix(contract, &house, &guest);
    newcomer = raw_connection(&house);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)dup(0);
    close((int)none.rlim_cur);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    waits = contract->right->counters.waits;
    contract_wait(contract, 250000);
    waits = contract->right->counters.waits - waits;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_in_range(waits, 1, 40);
    assert_int_equal(house.count, 0);
    contract_until(contract, is_full, &house); /* it has waited, and is let in now */
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

/* No more than what is in use now and `more`. */
static void limit_descriptors(uint32_t more, struct rlimit *before_out)
{
    struct rlimit limit;
    int lowest = dup(0);

    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, before_out), 0);
    limit = *before_out;
    limit.rlim_cur = (rlim_t)lowest + more;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

struct short_house {
    struct house house;
    uint32_t asked;
    bool gives_way;
    char text[300];
};

static bool come_short(struct cc_listener *listener, const char *text)
{
    struct short_house *house = cc_container_of(listener, struct short_house, house.listener);

    house->asked++;
    (void)snprintf(house->text, sizeof house->text, "%s", text);
    return house->gives_way;
}

static void the_last_descriptors_are_not_for_newcomers(struct contract *contract)
{
    struct short_house house = {.asked = 0};
    struct guest guest;
    struct rlimit before;
    struct rlimit limit;
    char byte;
    char expected[64];
    int newcomer;

    build_unix(contract, &house.house, &guest);
    house.house.listener.on_short = come_short;
    limit_descriptors(5, &before);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    newcomer = raw_connection(&house.house);
    contract_wait(contract, 20000);
    assert_int_equal(recv(newcomer, &byte, 1, MSG_DONTWAIT), 0); /* turned away */
    close(newcomer);
    assert_int_equal(house.asked, 1);
    assert_int_equal(house.house.count, 0);
    (void)snprintf(expected, sizeof expected, "may open %u files", (unsigned)limit.rlim_cur);
    assert_non_null(strstr(house.text, expected));
    house.gives_way = true;
    newcomer = raw_connection(&house.house);
    contract_until(contract, is_full, &house.house);
    assert_int_equal(house.asked, 2);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.house.listener);
}

static void a_newcomer_without_memory_is_refused(struct contract *contract)
{
    struct limited_memory *memory = &world_of(contract)->memory[1];
    struct house house;
    struct guest guest;
    bool is_over = false;
    struct cc_timer timer = {.fire = fired, .owner = &is_over};
    int newcomer;
    char byte;

    build_unix(contract, &house, &guest);
    memory->bytes_max = memory->bytes;
    newcomer = raw_connection(&house);
    cc_env_timer_arm(contract->left, &timer, cc_env_now_us(contract->left) + 20000);
    contract_until(contract, is_set, &is_over);
    assert_int_equal(recv(newcomer, &byte, 1, 0), 0);
    assert_int_equal(house.count, 0);
    close(newcomer);
    memory->bytes_max = SIZE_MAX;
    newcomer = raw_connection(&house);
    contract_until(contract, is_full, &house);
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

static void a_broken_connection_raises_no_signal(struct contract *contract)
{
    static const char bytes[1 << 16];
    struct sigaction action;
    struct house house;
    struct guest guest;
    int newcomer;

    assert_int_equal(sigaction(SIGPIPE, NULL, &action), 0);
    assert_true(action.sa_handler == SIG_DFL); /* which would end this process */
    build_unix(contract, &house, &guest);
    newcomer = raw_connection(&house);
    contract_until(contract, is_full, &house);
    close(newcomer);
    cc_env_conn_write(contract->right, &guest.conn, bytes, sizeof bytes);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

static void a_loud_connection_leaves_room_for_others(struct contract *contract)
{
    static const char bytes[1 << 16];
    struct house house;
    struct guest guest;
    int size = 8 << 20;
    int newcomer;
    size_t written = 0;
    ssize_t taken;

    build_unix(contract, &house, &guest);
    newcomer = raw_connection(&house);
    contract_until(contract, is_full, &house);
    (void)setsockopt(newcomer, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    while ((taken = send(newcomer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        written += (size_t)taken;
    }
    while (guest.received < written) {
        contract->world->step(contract);
    }
    assert_in_range(guest.in_pass_max, 1, (256u << 10) + sizeof bytes);
    close(newcomer);
    contract_until(contract, is_set, &guest.is_closed);
    cc_env_unlisten(contract->right, &house.listener);
}

static void ten_thousand_idle_connections_cost_little(struct contract *contract)
{
    struct limited_memory *memory = &world_of(contract)->memory[1];
    struct guest *guests = calloc(CROWD, sizeof *guests);
    int *newcomers = calloc(CROWD, sizeof *newcomers);
    struct rlimit before;
    struct rlimit many;
    struct house house;
    size_t bytes;
    uint64_t waits;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    many = before;
    many.rlim_cur = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
    build_unix(contract, &house, guests);
    bytes = memory->bytes;
    house.awaited = 0;
    while (house.awaited + CROWD_STEP <= CROWD &&
           2 * (house.awaited + CROWD_STEP) + 200 < many.rlim_cur) {
        for (uint32_t i = 0; i < CROWD_STEP; i++) {
            newcomers[house.awaited++] = raw_connection(&house);
        }
        contract_until(contract, is_full, &house);
    }
    assert_true((memory->bytes - bytes) / house.count < 1024);
    cc_env_uv_process(contract->right);
    waits = contract->right->counters.waits;
    assert_false(is_readable(contract->right, 20));
    assert_int_equal(contract->right->counters.waits, waits);
    for (uint32_t i = 0; i < house.count; i++) {
        close(newcomers[i]);
        contract_until(contract, is_set, &guests[i].is_closed);
    }
    assert_int_equal(memory->bytes, bytes);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    free(guests);
    free(newcomers);
    cc_env_unlisten(contract->right, &house.listener);
}

/* ---- disks ----------------------------------------------------------------------------------- */

struct call {
    struct cc_disk_request request;
    uint32_t done;
    bool is_done;
};

static void answered(struct cc_disk_request *request)
{
    struct call *call = request->owner;

    call->done++;
    call->is_done = true;
}

static copycat_status ask(
    struct contract *contract, struct call *call, enum cc_disk_operation operation)
{
    call->request.operation = operation;
    call->request.done = answered;
    call->request.owner = call;
    call->is_done = false;
    call->done = 0;
    cc_env_disk(contract->left, &call->request);
    contract_until(contract, is_set, &call->is_done);
    assert_int_equal(call->done, 1);
    return call->request.status;
}

static copycat_status lock(struct contract *contract)
{
    struct call call = {.request.name = contract->directory};

    return ask(contract, &call, CC_DISK_LOCK);
}

static struct cc_file *open_path(struct contract *contract, const char *path)
{
    struct call call = {.request = {.name = path, .create = true}};

    assert_int_equal(ask(contract, &call, CC_DISK_OPEN), COPYCAT_OK);
    return call.request.file;
}

static copycat_status write_blocks(
    struct contract *contract, struct cc_file *file, bool durable, uint32_t count)
{
    size_t size = (size_t)count * CC_DISK_BLOCK;
    void *data = aligned_alloc(CC_DISK_BLOCK, size);
    struct call call = {.request = {.file = file, .durable = durable, .data = data, .size = size}};
    copycat_status status;

    assert_non_null(data);
    memset(data, 'x', size);
    status = ask(contract, &call, CC_DISK_WRITE);
    free(data);
    return status;
}

static void a_directory_is_locked_against_other_processes(struct contract *contract)
{
    pid_t child;
    int status = 0;
    int descriptor;

    assert_int_equal(lock(contract), COPYCAT_OK);
    child = fork();
    if (child == 0) {
        int other = open(contract->directory, O_RDONLY);

        _exit(flock(other, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK ? 7 : 8);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    contract->world->restart(contract, 0);
    descriptor = open(contract->directory, O_RDONLY);
    assert_int_equal(flock(descriptor, LOCK_EX | LOCK_NB), 0); /* as another process would */
    assert_int_equal(lock(contract), COPYCAT_ERR_LOCKED);
    assert_non_null(strstr(cc_env_uv_last_error(contract->left), contract->directory));
    assert_non_null(strstr(cc_env_uv_last_error(contract->left), "another process"));
    close(descriptor);
    assert_int_equal(lock(contract), COPYCAT_OK);
}

static void what_a_lock_makes_is_its_owners_alone(struct contract *contract)
{
    struct stat status;

    assert_int_equal(lock(contract), COPYCAT_OK);
    assert_int_equal(stat(contract->directory, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void a_directory_that_cannot_be_is_an_error_with_a_reason(struct contract *contract)
{
    struct call call = {.request.name = "/proc/no/such/place"};

    assert_int_equal(ask(contract, &call, CC_DISK_LOCK), COPYCAT_ERR_IO);
    assert_non_null(strstr(cc_env_uv_last_error(contract->left), "/proc/no/such/place"));
    call.request.name = "";
    assert_int_equal(ask(contract, &call, CC_DISK_LOCK), COPYCAT_ERR_IO);
    call.request.name = contract->directory;
    assert_int_equal(ask(contract, &call, CC_DISK_LIST), COPYCAT_ERR_IO); /* not there yet */
    assert_int_equal(ask(contract, &call, CC_DISK_SYNC_DIR), COPYCAT_ERR_IO);
}

static void a_full_disk_is_told_from_other_errors(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE + 8];
    struct cc_file *file;

    assert_int_equal(lock(contract), COPYCAT_OK);
    (void)snprintf(path, sizeof path, "%s/full", contract->directory);
    assert_int_equal(symlink("/dev/full", path), 0);
    file = open_path(contract, path);
    assert_int_equal(write_blocks(contract, file, false, 1), COPYCAT_ERR_DISK_FULL);
    assert_non_null(strstr(cc_env_uv_last_error(contract->left), path));
}

/* Two descriptors for the file, or one to look into its directory: each may be the one too many. */
static void without_a_descriptor_the_same_may_be_asked_again(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE + 8];
    struct call call = {.request = {.name = path, .create = true}};
    struct call sync = {.request = {.name = contract->directory}};
    struct rlimit before;

    assert_int_equal(lock(contract), COPYCAT_OK);
    (void)snprintf(path, sizeof path, "%s/file", contract->directory);
    for (uint32_t left = 0; left < 2; left++) {
        limit_descriptors(left, &before);
        assert_int_equal(ask(contract, &call, CC_DISK_OPEN), COPYCAT_ERR_BUSY);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_non_null(strstr(cc_env_uv_last_error(contract->left), path));
    }
    limit_descriptors(0, &before);
    assert_int_equal(ask(contract, &sync, CC_DISK_SYNC_DIR), COPYCAT_ERR_BUSY);
    assert_int_equal(ask(contract, &sync, CC_DISK_LIST), COPYCAT_ERR_BUSY);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(ask(contract, &sync, CC_DISK_SYNC_DIR), COPYCAT_OK);
    assert_int_equal(write_blocks(contract, open_path(contract, path), true, 1), COPYCAT_OK);
}

/* The system takes the first half, then says why not the rest: one answer, and no second try. */
static void a_write_cut_short_is_continued_and_then_fails_once(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE + 8];
    struct rlimit before;
    struct rlimit half;
    struct cc_file *file;
    copycat_status status;

    assert_int_equal(lock(contract), COPYCAT_OK);
    (void)snprintf(path, sizeof path, "%s/file", contract->directory);
    file = open_path(contract, path);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    half = before;
    half.rlim_cur = (rlim_t)2 * CC_DISK_BLOCK;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &half), 0);
    status = write_blocks(contract, file, true, 4);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(status, COPYCAT_ERR_IO);
    assert_non_null(strstr(cc_env_uv_last_error(contract->left), "cannot write"));
    assert_int_equal(write_blocks(contract, file, true, 4), COPYCAT_OK);
}

/* Nothing but what was asked for lies in the directory afterwards. */
static void trying_how_to_write_leaves_nothing_behind(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE + 8];
    char command[CONTRACT_PATH_SIZE + 64];
    char answer[64] = "";
    FILE *pipe;

    assert_int_equal(lock(contract), COPYCAT_OK);
    (void)snprintf(path, sizeof path, "%s/file", contract->directory);
    assert_int_equal(write_blocks(contract, open_path(contract, path), true, 1), COPYCAT_OK);
    (void)snprintf(command, sizeof command, "ls -A %s", contract->directory);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(answer, 1, sizeof answer - 1, pipe), strlen("file\n"));
    pclose(pipe);
    assert_string_equal(answer, "file\n");
}

const struct promise uv_promises[] = {
    PROMISE(posts_of_many_threads_run_each_in_its_order),
    PROMISE(a_stop_before_the_run_ends_it_at_once),
    PROMISE(a_thread_of_its_own_takes_no_signals),
    PROMISE(an_idle_descriptor_is_silent),
    PROMISE(timers_and_tasks_are_behind_the_descriptor),
    PROMISE(a_deadline_in_the_past_fires_in_the_next_pass),
    PROMISE(opening_without_memory_fails_and_leaves_nothing),
    PROMISE(an_address_in_use_is_said_to_be),
    PROMISE(what_is_no_address_is_refused),
    PROMISE(names_and_both_kinds_of_numbers_are_addresses),
    PROMISE(a_name_that_is_not_known_ends_in_on_closed),
    PROMISE(a_stale_socket_is_replaced_and_a_live_one_is_not),
    PROMISE(a_process_without_descriptors_does_not_spin),
    PROMISE(the_last_descriptors_are_not_for_newcomers),
    PROMISE(a_newcomer_without_memory_is_refused),
    PROMISE(a_broken_connection_raises_no_signal),
    PROMISE(a_loud_connection_leaves_room_for_others),
    PROMISE(ten_thousand_idle_connections_cost_little),
    PROMISE(a_directory_is_locked_against_other_processes),
    PROMISE(what_a_lock_makes_is_its_owners_alone),
    PROMISE(a_directory_that_cannot_be_is_an_error_with_a_reason),
    PROMISE(a_full_disk_is_told_from_other_errors),
    PROMISE(without_a_descriptor_the_same_may_be_asked_again),
    PROMISE(a_write_cut_short_is_continued_and_then_fails_once),
    PROMISE(trying_how_to_write_leaves_nothing_behind),
    {NULL, NULL},
};

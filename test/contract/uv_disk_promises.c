/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_disk_promises -- locks that other processes see, disks that fill up, and writes that are cut short.
 */
#include "world_uv.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static bool is_set(void *owner)
{
    return *(bool *)owner;
}

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
        uv_limit_descriptors(left, &before);
        assert_int_equal(ask(contract, &call, CC_DISK_OPEN), COPYCAT_ERR_BUSY);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_non_null(strstr(cc_env_uv_last_error(contract->left), path));
    }
    uv_limit_descriptors(0, &before);
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

#define TOGETHER 2u
#define PATIENCE_S 20

/* Of all works that are to be under way at once. */
static atomic_uint at_work;

struct meeting {
    struct call call;
    uint32_t met;
    pthread_t thread;
};

/* Waits for the others: alone, in turn, or on the loop's thread nobody would come. */
static void meet(struct cc_disk_request *request)
{
    struct meeting *meeting = request->owner;
    const struct timespec pause = {0, 1000000};
    time_t until = time(NULL) + PATIENCE_S;

    (void)atomic_fetch_add(&at_work, 1);
    while (atomic_load(&at_work) < TOGETHER && time(NULL) < until) {
        (void)nanosleep(&pause, NULL);
    }
    meeting->met = atomic_load(&at_work);
    meeting->thread = pthread_self();
}

static void met(struct cc_disk_request *request)
{
    struct meeting *meeting = request->owner;

    meeting->call.is_done = true;
}

static void works_run_beside_the_loop_and_each_other(struct contract *contract)
{
    struct meeting meetings[TOGETHER] = {0};
    unsigned char data[TOGETHER];
    char path[CONTRACT_PATH_SIZE + 8];
    struct cc_file *file;

    assert_int_equal(lock(contract), COPYCAT_OK);
    (void)snprintf(path, sizeof path, "%s/file", contract->directory);
    file = open_path(contract, path);
    assert_int_equal(write_blocks(contract, file, true, 1), COPYCAT_OK);
    atomic_store(&at_work, 0);
    for (uint32_t i = 0; i < TOGETHER; i++) {
        meetings[i].call.request = (struct cc_disk_request){
            .operation = CC_DISK_READ,
            .file = file,
            .data = &data[i],
            .size = 1,
            .work = meet,
            .done = met,
            .owner = &meetings[i]};
        cc_env_disk(contract->left, &meetings[i].call.request);
    }
    for (uint32_t i = 0; i < TOGETHER; i++) {
        contract_until(contract, is_set, &meetings[i].call.is_done);
        assert_int_equal(meetings[i].met, TOGETHER);
        assert_false(pthread_equal(meetings[i].thread, pthread_self()));
    }
    assert_false(pthread_equal(meetings[0].thread, meetings[1].thread));
}

static void waited(struct cc_timer *timer)
{
    *(bool *)timer->owner = true;
}

/* Until what is under way would have happened, were it not waiting. */
static void let_pass(struct contract *contract, uint64_t microseconds)
{
    bool is_over = false;
    struct cc_timer timer = {.fire = waited, .owner = &is_over};

    cc_env_timer_arm(contract->left, &timer, cc_env_now_us(contract->left) + microseconds);
    contract_until(contract, is_set, &is_over);
}

/* A lock that a write under way would have: the process is gone, the request is not. */
static void a_file_is_exclusive_until_the_last_write_of_who_is_gone(struct contract *contract)
{
    char path[CONTRACT_PATH_SIZE + 8];
    struct call call = {.request = {.name = path, .create = true, .exclusive = true}};
    int gone;

    assert_int_equal(lock(contract), COPYCAT_OK);
    (void)snprintf(path, sizeof path, "%s/file", contract->directory);
    gone = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(gone, LOCK_SH | LOCK_NB), 0);
    call.request.operation = CC_DISK_OPEN;
    call.request.done = answered;
    call.request.owner = &call;
    cc_env_disk(contract->left, &call.request);
    let_pass(contract, 50000);
    assert_false(call.is_done);
    close(gone);
    contract_until(contract, is_set, &call.is_done);
    assert_int_equal(call.request.status, COPYCAT_OK);

    gone = open(path, O_RDWR);
    assert_int_equal(flock(gone, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(write_blocks(contract, call.request.file, true, 1), COPYCAT_OK);
    assert_int_equal(ask(contract, &call, CC_DISK_CLOSE), COPYCAT_OK);
    assert_int_equal(flock(gone, LOCK_EX | LOCK_NB), 0);
    close(gone);
}

const struct promise uv_disk_promises[] = {
    PROMISE(a_directory_is_locked_against_other_processes),
    PROMISE(what_a_lock_makes_is_its_owners_alone),
    PROMISE(a_directory_that_cannot_be_is_an_error_with_a_reason),
    PROMISE(a_full_disk_is_told_from_other_errors),
    PROMISE(without_a_descriptor_the_same_may_be_asked_again),
    PROMISE(a_write_cut_short_is_continued_and_then_fails_once),
    PROMISE(trying_how_to_write_leaves_nothing_behind),
    PROMISE(a_file_is_exclusive_until_the_last_write_of_who_is_gone),
    PROMISE(works_run_beside_the_loop_and_each_other),
    {NULL, NULL},
};

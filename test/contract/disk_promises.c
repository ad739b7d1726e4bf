/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_promises -- files, directories, locks, and what is there afterwards.
 */
#include "base/prng.h"
#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS 16u
#define MANY 200u

struct call {
    struct cc_disk_request request;
    uint32_t done;
    uint32_t names;
    char wanted[64];
    uint32_t wanted_seen;
};

static void done(struct cc_disk_request *request)
{
    ((struct call *)request->owner)->done++;
}

static void on_name(struct cc_disk_request *request, const char *name)
{
    struct call *call = request->owner;

    call->names++;
    call->wanted_seen += strcmp(name, call->wanted) == 0;
}

static bool is_done(void *owner)
{
    return ((struct call *)owner)->done > 0;
}

static void begin(struct contract *contract, struct call *call, enum cc_disk_operation operation)
{
    call->request.operation = operation;
    call->request.done = done;
    call->request.on_name = on_name;
    call->request.owner = call;
    call->request.status = COPYCAT_ERR_CLOSED;
    call->done = 0;
    cc_env_disk(contract->left, &call->request);
    assert_int_equal(call->done, 0); /* never inside the call */
}

static copycat_status ask(
    struct contract *contract, struct call *call, enum cc_disk_operation operation)
{
    begin(contract, call, operation);
    contract_until(contract, is_done, call);
    assert_int_equal(call->done, 1);
    return call->request.status;
}

static const char *path(struct contract *contract, const char *name)
{
    static char text[512];

    (void)snprintf(text, sizeof text, "%s/%s", contract->directory, name);
    return text;
}

static copycat_status ask_name(
    struct contract *contract, enum cc_disk_operation operation, const char *name)
{
    struct call call = {.request.name = name};

    return ask(contract, &call, operation);
}

static copycat_status lock(struct contract *contract)
{
    return ask_name(contract, CC_DISK_LOCK, contract->directory);
}

/* NULL and the status if it fails. */
static struct cc_file *open_file(
    struct contract *contract, const char *name, bool create, uint64_t *size_out)
{
    struct call call = {.request = {.name = path(contract, name), .create = create}};
    copycat_status status = ask(contract, &call, CC_DISK_OPEN);

    assert_true(status == COPYCAT_OK || (status == COPYCAT_ERR_INVALID && !create));
    if (size_out != NULL) {
        *size_out = call.request.size;
    }
    return status == COPYCAT_OK ? call.request.file : NULL;
}

static struct cc_file *create(struct contract *contract, const char *name)
{
    assert_int_equal(lock(contract), COPYCAT_OK);
    return open_file(contract, name, true, NULL);
}

static void close_file(struct contract *contract, struct cc_file *file)
{
    struct call call = {.request.file = file};

    assert_int_equal(ask(contract, &call, CC_DISK_CLOSE), COPYCAT_OK);
}

static copycat_status write_at(
    struct contract *contract,
    struct cc_file *file,
    bool durable,
    uint64_t offset,
    const void *data,
    size_t size)
{
    struct call call = {
        .request = {
            .file = file,
            .durable = durable,
            .offset = offset,
            .data = (void *)(uintptr_t)data,
            .size = size,
        }};

    return ask(contract, &call, CC_DISK_WRITE);
}

static copycat_status read_at(
    struct contract *contract, struct cc_file *file, uint64_t offset, void *data, size_t size)
{
    struct call call = {.request = {.file = file, .offset = offset, .data = data, .size = size}};

    return ask(contract, &call, CC_DISK_READ);
}

/* Whole blocks, aligned as the journal's are. */
static unsigned char *blocks(uint32_t count, unsigned char fill)
{
    unsigned char *data = aligned_alloc(CC_DISK_BLOCK, (size_t)count * CC_DISK_BLOCK);

    assert_non_null(data);
    for (size_t i = 0; i < (size_t)count * CC_DISK_BLOCK; i++) {
        data[i] = (unsigned char)(fill + i % 251);
    }
    return data;
}

/* ---- promises -------------------------------------------------------------------------------- */

static void each_request_completes_exactly_once(struct contract *contract)
{
    struct call calls[] = {
        {.request.name = contract->directory},
        {.request = {.name = NULL, .create = true}},
        {.request = {.durable = true}},
        {.request = {.durable = false}},
        {.done = 0},
        {.done = 0},
        {.request.name = contract->directory},
        {.request.name = contract->directory},
        {.done = 0},
        {.request.name = NULL},
        {.request.name = contract->directory},
    };

    const enum cc_disk_operation operations[] = {
        CC_DISK_LOCK, CC_DISK_OPEN,     CC_DISK_WRITE, CC_DISK_WRITE,  CC_DISK_READ,   CC_DISK_SYNC,
        CC_DISK_LIST, CC_DISK_SYNC_DIR, CC_DISK_CLOSE, CC_DISK_REMOVE, CC_DISK_UNLOCK,
    };

    unsigned char *data = blocks(1, 1);
    char name[512];

    (void)snprintf(name, sizeof name, "%s", path(contract, "file"));
    for (uint32_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        struct cc_disk_request *request = &calls[i].request;

        request->file = i > 1 ? calls[1].request.file : NULL;
        request->name = request->name == NULL ? name : request->name;
        if (i != 1) {
            request->data = data;
            request->size = CC_DISK_BLOCK;
        }
        assert_int_equal(ask(contract, &calls[i], operations[i]), COPYCAT_OK);
    }
    contract_wait(contract, 20000);
    for (uint32_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        assert_int_equal(calls[i].done, 1);
    }
    free(data);
}

static void a_durable_write_is_read_back_after_opening_again(struct contract *contract)
{
    unsigned char *data = blocks(4, 7);
    unsigned char *back = blocks(4, 0);
    struct cc_file *file = create(contract, "file");
    uint64_t size = 0;

    assert_int_equal(
        write_at(contract, file, true, 0, data, (size_t)4 * CC_DISK_BLOCK), COPYCAT_OK);
    close_file(contract, file);
    file = open_file(contract, "file", false, &size);
    assert_non_null(file);
    assert_int_equal(size, 4 * CC_DISK_BLOCK);
    assert_int_equal(read_at(contract, file, 0, back, (size_t)4 * CC_DISK_BLOCK), COPYCAT_OK);
    assert_memory_equal(data, back, (size_t)4 * CC_DISK_BLOCK);
    close_file(contract, file);
    free(data);
    free(back);
}

static void what_is_durable_is_there_when_the_process_begins_again(struct contract *contract)
{
    unsigned char *data = blocks(2, 3);
    unsigned char *zeros = calloc(4, CC_DISK_BLOCK);
    unsigned char *back = blocks(2, 0);
    struct cc_file *file = create(contract, "file");
    struct call call = {.request.file = file};

    assert_int_equal(
        write_at(contract, file, false, 0, zeros, (size_t)4 * CC_DISK_BLOCK), COPYCAT_OK);
    assert_int_equal(ask(contract, &call, CC_DISK_SYNC), COPYCAT_OK);
    assert_int_equal(ask_name(contract, CC_DISK_SYNC_DIR, contract->directory), COPYCAT_OK);
    assert_int_equal(
        write_at(contract, file, true, CC_DISK_BLOCK, data, (size_t)2 * CC_DISK_BLOCK), COPYCAT_OK);
    contract->world->restart(contract, 0);
    assert_int_equal(lock(contract), COPYCAT_OK); /* the lock went with the process */
    file = open_file(contract, "file", false, NULL);
    assert_non_null(file);
    assert_int_equal(
        read_at(contract, file, CC_DISK_BLOCK, back, (size_t)2 * CC_DISK_BLOCK), COPYCAT_OK);
    assert_memory_equal(data, back, (size_t)2 * CC_DISK_BLOCK);
    assert_int_equal(read_at(contract, file, 0, back, CC_DISK_BLOCK), COPYCAT_OK);
    assert_memory_equal(zeros, back, CC_DISK_BLOCK);
    close_file(contract, file);
    free(data);
    free(zeros);
    free(back);
}

static void reading_past_the_end_is_an_error(struct contract *contract)
{
    unsigned char *data = blocks(2, 0);
    struct cc_file *file = create(contract, "file");

    assert_int_equal(read_at(contract, file, 0, data, 1), COPYCAT_ERR_IO);
    assert_int_equal(write_at(contract, file, true, 0, data, CC_DISK_BLOCK), COPYCAT_OK);
    assert_int_equal(read_at(contract, file, 0, data, CC_DISK_BLOCK), COPYCAT_OK);
    assert_int_equal(read_at(contract, file, 1, data, CC_DISK_BLOCK), COPYCAT_ERR_IO);
    assert_int_equal(read_at(contract, file, 0, data, (size_t)2 * CC_DISK_BLOCK), COPYCAT_ERR_IO);
    assert_int_equal(read_at(contract, file, CC_DISK_BLOCK, data, 1), COPYCAT_ERR_IO);
    assert_int_equal(write_at(contract, file, false, CC_DISK_BLOCK, data, 100), COPYCAT_OK);
    assert_int_equal(read_at(contract, file, 0, data, (size_t)2 * CC_DISK_BLOCK), COPYCAT_ERR_IO);
    assert_int_equal(read_at(contract, file, 0, data, CC_DISK_BLOCK + 100), COPYCAT_OK);
    close_file(contract, file);
    free(data);
}

static void opening_an_absent_file_without_create_is_invalid(struct contract *contract)
{
    uint64_t size = 1;

    assert_int_equal(lock(contract), COPYCAT_OK);
    assert_null(open_file(contract, "absent", false, NULL));

    struct cc_file *file = open_file(contract, "present", true, &size);

    assert_non_null(file);
    assert_int_equal(size, 0);
    close_file(contract, file);
    file = open_file(contract, "present", false, NULL);
    assert_non_null(file);
    close_file(contract, file);
}

static void creating_a_file_that_is_there_keeps_it(struct contract *contract)
{
    struct cc_file *file = create(contract, "file");
    char back[5] = "";
    uint64_t size = 0;

    assert_int_equal(write_at(contract, file, true, 0, "here", 4), COPYCAT_OK);
    close_file(contract, file);
    file = open_file(contract, "file", true, &size);
    assert_int_equal(size, 4);
    assert_int_equal(read_at(contract, file, 0, back, 4), COPYCAT_OK);
    assert_string_equal(back, "here");
    close_file(contract, file);
}

static void a_directory_is_locked_once(struct contract *contract)
{
    assert_int_equal(lock(contract), COPYCAT_OK);
    assert_int_equal(lock(contract), COPYCAT_ERR_LOCKED);
    assert_int_equal(ask_name(contract, CC_DISK_UNLOCK, contract->directory), COPYCAT_OK);
    assert_int_equal(lock(contract), COPYCAT_OK);
    assert_int_equal(lock(contract), COPYCAT_ERR_LOCKED);
}

static void a_lock_makes_the_directory(struct contract *contract)
{
    struct call call = {.request.name = contract->directory};

    assert_int_equal(lock(contract), COPYCAT_OK);
    assert_int_equal(ask(contract, &call, CC_DISK_LIST), COPYCAT_OK);
    assert_int_equal(call.names, 0);
}

static void a_directory_names_all_its_files(struct contract *contract)
{
    struct call call = {.request.name = contract->directory};

    assert_int_equal(lock(contract), COPYCAT_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        char name[128];

        (void)snprintf(
            name, sizeof name,
            "%04u-with-a-name-that-is-long-enough-to-need-more-than-one-piece-of-an-answer-%04u", i,
            i);
        close_file(contract, open_file(contract, name, true, NULL));
    }
    assert_int_equal(ask(contract, &call, CC_DISK_LIST), COPYCAT_OK);
    assert_int_equal(call.names, MANY);
    close_file(contract, open_file(contract, "wanted", true, NULL));
    (void)snprintf(call.wanted, sizeof call.wanted, "wanted");
    call.names = 0;
    assert_int_equal(ask(contract, &call, CC_DISK_LIST), COPYCAT_OK);
    assert_int_equal(call.names, MANY + 1);
    assert_int_equal(call.wanted_seen, 1);
}

static void a_file_that_is_removed_is_gone(struct contract *contract)
{
    struct call call = {.request.name = contract->directory};

    close_file(contract, create(contract, "file"));
    assert_int_equal(ask_name(contract, CC_DISK_REMOVE, path(contract, "file")), COPYCAT_OK);
    assert_int_equal(
        ask_name(contract, CC_DISK_REMOVE, path(contract, "file")), COPYCAT_ERR_INVALID);
    assert_null(open_file(contract, "file", false, NULL));
    assert_int_equal(ask(contract, &call, CC_DISK_LIST), COPYCAT_OK);
    assert_int_equal(call.names, 0);
}

/* Others write to that file system, too: so little can be said of how much it is. */
static void the_room_that_is_left_can_be_asked_for(struct contract *contract)
{
    struct call call = {.request.name = contract->directory};

    assert_int_equal(lock(contract), COPYCAT_OK); /* it is there from then on */
    assert_int_equal(ask(contract, &call, CC_DISK_ROOM), COPYCAT_OK);
    assert_true(call.request.offset > 0);
}

static void a_write_beyond_the_end_leaves_zeros_between(struct contract *contract)
{
    static const char zeros[1000];
    char back[1000];
    struct cc_file *file = create(contract, "file");

    assert_int_equal(write_at(contract, file, true, 1000, "end", 3), COPYCAT_OK);
    assert_int_equal(read_at(contract, file, 0, back, sizeof back), COPYCAT_OK);
    assert_memory_equal(back, zeros, sizeof back);
    assert_int_equal(read_at(contract, file, 1000, back, 3), COPYCAT_OK);
    assert_memory_equal(back, "end", 3);
    close_file(contract, file);
}

static void an_empty_read_or_write_is_fine(struct contract *contract)
{
    struct cc_file *file = create(contract, "file");
    char nothing[1];

    assert_int_equal(write_at(contract, file, true, 0, "x", 1), COPYCAT_OK);
    assert_int_equal(write_at(contract, file, true, 0, nothing, 0), COPYCAT_OK);
    assert_int_equal(write_at(contract, file, false, 0, nothing, 0), COPYCAT_OK);
    assert_int_equal(read_at(contract, file, 0, nothing, 0), COPYCAT_OK);
    close_file(contract, file);
}

/* Durable and not, read and written in whole blocks and in parts of them, against an array that holds the same. */
static void writes_of_any_size_and_place_are_read_back(struct contract *contract)
{
    size_t size = (size_t)BLOCKS * CC_DISK_BLOCK;
    unsigned char *model = calloc(1, size);
    unsigned char *data = blocks(BLOCKS, 0);
    unsigned char *back = blocks(BLOCKS, 0);
    struct cc_file *file = create(contract, "file");
    struct cc_prng prng = {9};

    assert_int_equal(write_at(contract, file, false, 0, model, size), COPYCAT_OK);
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t unit = cc_prng_next(&prng) % 2 == 0 ? CC_DISK_BLOCK : 1;
        size_t from = cc_prng_next(&prng) % (size / unit) * unit;
        size_t length = (1 + cc_prng_next(&prng) % (size / unit - from / unit)) * unit;
        bool durable = cc_prng_next(&prng) % 2 == 0;

        for (size_t at = 0; at < length; at++) {
            data[at] = (unsigned char)cc_prng_next(&prng);
        }
        memcpy(model + from, data, length);
        assert_int_equal(write_at(contract, file, durable, from, data, length), COPYCAT_OK);
        assert_int_equal(read_at(contract, file, 0, back, size), COPYCAT_OK);
        assert_memory_equal(model, back, size);
        assert_int_equal(read_at(contract, file, from, back, length), COPYCAT_OK);
        assert_memory_equal(model + from, back, length);
    }
    close_file(contract, file);
    free(model);
    free(data);
    free(back);
}

static bool are_all_done(void *owner)
{
    const struct call *calls = owner;

    for (uint32_t i = 0; i < MANY; i++) {
        if (calls[i].done == 0) {
            return false;
        }
    }
    return true;
}

static void many_requests_may_be_under_way_at_once(struct contract *contract)
{
    struct call *calls = calloc(MANY, sizeof *calls);
    unsigned char *data = blocks(MANY, 0);
    unsigned char *back = calloc(MANY, CC_DISK_BLOCK);
    struct cc_file *file = create(contract, "file");

    for (uint32_t i = 0; i < MANY; i++) {
        size_t offset = (size_t)i * CC_DISK_BLOCK;

        data[offset] = (unsigned char)i;
        calls[i].request = (struct cc_disk_request){
            .file = file,
            .durable = i % 8 == 0,
            .offset = offset,
            .data = data + offset,
            .size = CC_DISK_BLOCK,
        };
        begin(contract, &calls[i], CC_DISK_WRITE);
    }
    contract_until(contract, are_all_done, calls);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].request.status, COPYCAT_OK);
        calls[i].request.data = back + (size_t)i * CC_DISK_BLOCK;
        begin(contract, &calls[i], CC_DISK_READ);
    }
    contract_until(contract, are_all_done, calls);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].request.status, COPYCAT_OK);
        assert_int_equal(calls[i].done, 1);
    }
    assert_memory_equal(data, back, (size_t)MANY * CC_DISK_BLOCK);
    close_file(contract, file);
    free(calls);
    free(data);
    free(back);
}

struct worked {
    struct call call;
    uint32_t works;
    uint32_t sum;  /* of the bytes that work found */
    bool was_done; /* before that */
};

static void add_up(struct cc_disk_request *request)
{
    struct worked *worked = cc_container_of(request, struct worked, call.request);
    const unsigned char *bytes = request->data;

    worked->works++;
    worked->was_done = worked->call.done > 0;
    worked->sum = 0;
    for (size_t i = 0; i < request->size; i++) {
        worked->sum += bytes[i];
    }
}

/* Several under way, so that each has to find its own bytes. */
static void work_comes_once_the_bytes_are_there_and_before_done(struct contract *contract)
{
    struct worked *reads = calloc(MANY, sizeof *reads);
    unsigned char *data = blocks(MANY, 5);
    unsigned char *back = blocks(MANY, 0);
    struct cc_file *file = create(contract, "file");
    uint32_t sum;

    assert_int_equal(
        write_at(contract, file, true, 0, data, (size_t)MANY * CC_DISK_BLOCK), COPYCAT_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        size_t offset = (size_t)i * CC_DISK_BLOCK;

        reads[i].call.request = (struct cc_disk_request){
            .file = file, .offset = offset, .data = back + offset, .size = CC_DISK_BLOCK};
        reads[i].call.request.work = add_up;
        begin(contract, &reads[i].call, CC_DISK_READ);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        contract_until(contract, is_done, &reads[i].call);
        assert_int_equal(reads[i].call.request.status, COPYCAT_OK);
        assert_int_equal(reads[i].works, 1);
        assert_false(reads[i].was_done);
        sum = 0;
        for (size_t at = 0; at < CC_DISK_BLOCK; at++) {
            sum += data[(size_t)i * CC_DISK_BLOCK + at];
        }
        assert_int_equal(reads[i].sum, sum);
    }
    close_file(contract, file);
    free(reads);
    free(data);
    free(back);
}

static void there_is_no_work_on_what_could_not_be_read(struct contract *contract)
{
    unsigned char *data = blocks(2, 0);
    struct cc_file *file = create(contract, "file");
    struct worked read = {.call.request = {.file = file, .data = data, .work = add_up}};

    assert_int_equal(write_at(contract, file, true, 0, data, CC_DISK_BLOCK), COPYCAT_OK);
    read.call.request.size = (size_t)2 * CC_DISK_BLOCK; /* the file ends before */
    assert_int_equal(ask(contract, &read.call, CC_DISK_READ), COPYCAT_ERR_IO);
    assert_int_equal(read.works, 0);
    read.call.request.size = CC_DISK_BLOCK;
    assert_int_equal(ask(contract, &read.call, CC_DISK_WRITE), COPYCAT_OK);
    assert_int_equal(read.works, 0); /* nor on anything but a read */
    assert_int_equal(ask(contract, &read.call, CC_DISK_READ), COPYCAT_OK);
    assert_int_equal(read.works, 1);
    close_file(contract, file);
    free(data);
}

static void a_process_may_end_with_work_under_way(struct contract *contract)
{
    struct worked *reads = calloc(MANY, sizeof *reads);
    unsigned char *data = blocks(MANY, 0);
    struct cc_file *file = create(contract, "file");

    assert_int_equal(
        write_at(contract, file, true, 0, data, (size_t)MANY * CC_DISK_BLOCK), COPYCAT_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        size_t offset = (size_t)i * CC_DISK_BLOCK;

        reads[i].call.request = (struct cc_disk_request){
            .file = file, .offset = offset, .data = data + offset, .size = CC_DISK_BLOCK};
        reads[i].call.request.work = add_up;
        begin(contract, &reads[i].call, CC_DISK_READ);
    }
    contract->world->restart(contract, 0);
    memset(reads, 0, MANY * sizeof *reads);
    contract_wait(contract, 10000);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(reads[i].works + reads[i].call.done, 0);
    }
    free(reads);
    free(data);
}

/* The memory that was lent is free once the process has ended, whatever was under way. */
static void a_process_may_end_with_requests_under_way(struct contract *contract)
{
    struct call *calls = calloc(MANY, sizeof *calls);
    unsigned char *data = blocks(MANY, 0);
    struct cc_file *file = create(contract, "file");

    for (uint32_t i = 0; i < MANY; i++) {
        calls[i].request = (struct cc_disk_request){
            .file = file,
            .durable = true,
            .offset = (uint64_t)i * CC_DISK_BLOCK,
            .data = data + (size_t)i * CC_DISK_BLOCK,
            .size = CC_DISK_BLOCK,
        };
        begin(contract, &calls[i], CC_DISK_WRITE);
    }
    contract->world->step(contract);
    contract->world->restart(contract, 0);
    memset(calls, 0, MANY * sizeof *calls);
    contract_wait(contract, 10000);
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(calls[i].done, 0);
    }
    free(calls);
    free(data);
}

const struct promise disk_promises[] = {
    PROMISE(each_request_completes_exactly_once),
    PROMISE(a_durable_write_is_read_back_after_opening_again),
    PROMISE(what_is_durable_is_there_when_the_process_begins_again),
    PROMISE(reading_past_the_end_is_an_error),
    PROMISE(opening_an_absent_file_without_create_is_invalid),
    PROMISE(creating_a_file_that_is_there_keeps_it),
    PROMISE(a_directory_is_locked_once),
    PROMISE(a_lock_makes_the_directory),
    PROMISE(a_directory_names_all_its_files),
    PROMISE(a_file_that_is_removed_is_gone),
    PROMISE(the_room_that_is_left_can_be_asked_for),
    PROMISE(a_write_beyond_the_end_leaves_zeros_between),
    PROMISE(an_empty_read_or_write_is_fine),
    PROMISE(writes_of_any_size_and_place_are_read_back),
    PROMISE(many_requests_may_be_under_way_at_once),
    PROMISE(work_comes_once_the_bytes_are_there_and_before_done),
    PROMISE(there_is_no_work_on_what_could_not_be_read),
    PROMISE(a_process_may_end_with_requests_under_way),
    PROMISE(a_process_may_end_with_work_under_way),
    {NULL, NULL},
};

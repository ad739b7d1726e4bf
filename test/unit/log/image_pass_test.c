/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_pass -- an image is passed on: lent by one server in runs of bytes, received by another.
 */
#include "unit/log/image_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LOANS 6u

static struct memory_disk disk;  /* of who has the image */
static struct memory_disk other; /* of who gets it */
static struct image_reading reading;
static struct cc_image_id id;
static uint8_t *image; /* its bytes */

static const struct image_script script = {
    .sizes = {9000, CC_IMAGE_PIECE_SIZE, 12, 900000, 300000, 1}, .count = 6};

static int set_up(void **state)
{
    (void)state;
    memory_disk_init(&disk);
    memory_disk_init(&other);
    id = image_write(&disk, &image_head, &script);
    image = test_malloc(id.size);
    memcpy(image, image_file(&disk)->seen, id.size);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(disk.blocks_out, 0);
    assert_int_equal(disk.request_count, 0);
    memory_disk_deinit(&disk);
    memory_disk_deinit(&other);
    test_free(image);
    return 0;
}

/* ---- lending --------------------------------------------------------------------------------- */

struct lending {
    struct cc_image_source *source; /* NULL: closed */
    bool is_calling;
    uint32_t opens;
    copycat_status status;
    char text[1024];
    struct cc_image_loan loans[LOANS];
    uint32_t dones; /* of loans */
    uint32_t order[LOANS];
};

static struct lending lending;

static void on_open(void *owner, copycat_status status, const char *text)
{
    (void)owner;
    assert_false(lending.is_calling);
    lending.opens++;
    lending.status = status;
    strcpy(lending.text, text);
}

static void on_closed(void *owner)
{
    (void)owner;
    assert_false(lending.is_calling);
    lending.source = NULL;
}

static void open_source(const struct cc_image_id *wanted)
{
    static const struct cc_image_source_callbacks callbacks = {on_open, on_closed};

    memset(&lending, 0, sizeof lending);
    lending.is_calling = true;
    assert_int_equal(
        cc_image_source_open(
            &lending.source, &disk.env, IMAGE_DIRECTORY, wanted, &callbacks, &lending),
        COPYCAT_OK);
    lending.is_calling = false;
}

static void close_source(void)
{
    lending.is_calling = true;
    cc_image_source_close(lending.source);
    lending.is_calling = false;
    while (memory_disk_step(&disk)) {
    }
    assert_null(lending.source);
}

static void loan_done(struct cc_image_loan *loan)
{
    assert_false(lending.is_calling);
    if (loan->status == COPYCAT_OK) {
        assert_int_equal(loan->bytes.size, loan->size);
        assert_memory_equal(loan->bytes.data, image + loan->offset, loan->size);
    }
    lending.order[lending.dones++ % LOANS] = (uint32_t)(loan - lending.loans);
}

static void lend(uint32_t number, uint64_t offset, uint32_t size)
{
    lending.loans[number] = (struct cc_image_loan){
        .offset = offset, .size = size, .done = loan_done, .owner = &lending};
    lending.is_calling = true;
    cc_image_source_lend(lending.source, &lending.loans[number]);
    lending.is_calling = false;
}

static void any_run_of_bytes_is_lent_as_it_is(void **state)
{
    struct cc_prng prng = {5};

    (void)state;
    open_source(&id);
    for (uint32_t round = 0; round < 300; round++) {
        uint64_t offset = cc_prng_below(&prng, id.size);
        uint64_t size = 1 + cc_prng_below(&prng, CC_IMAGE_PART_SIZE_MAX);

        size = size < id.size - offset ? size : id.size - offset;
        lend(round % LOANS, offset, (uint32_t)size);
        if (round % 2 == 1) { /* two at a time */
            while (memory_disk_step(&disk)) {
            }
            assert_int_equal(lending.dones, round + 1);
            assert_int_equal(lending.loans[round % LOANS].status, COPYCAT_OK);
            assert_int_equal(lending.loans[(round - 1) % LOANS].status, COPYCAT_OK);
            assert_int_equal(lending.order[round % LOANS], round % LOANS);
        }
    }
    close_source();
}

static void bytes_that_are_not_there_are_not_lent(void **state)
{
    (void)state;
    open_source(&id);
    lend(0, id.size, 1);
    lend(1, id.size - 10, 11);
    lend(2, 0, 0);
    lend(3, 0, CC_IMAGE_PART_SIZE_MAX + 1);
    lend(4, UINT64_MAX - 5, 100);
    lend(5, id.size - 10, 10);
    while (memory_disk_step(&disk)) {
    }
    assert_int_equal(lending.dones, 6);
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(lending.loans[i].status, COPYCAT_ERR_INVALID);
    }
    assert_int_equal(lending.loans[5].status, COPYCAT_OK);
    close_source();
}

static void only_the_image_that_was_named_is_lent(void **state)
{
    (void)state;
    for (uint32_t field = 0; field < 3; field++) {
        struct cc_image_id wanted = id;

        wanted.index += field == 0;
        wanted.size += field == 1 ? CC_DISK_BLOCK : 0;
        wanted.checksum += field == 2;
        open_source(&wanted);
        lend(0, 0, 10);
        while (memory_disk_step(&disk)) {
        }
        assert_int_equal(lending.status, COPYCAT_ERR_DAMAGED);
        assert_non_null(strstr(lending.text, "/image-0003-"));
        assert_int_equal(lending.loans[0].status, COPYCAT_ERR_DAMAGED);
        close_source();
    }
}

static void a_disk_that_fails_fails_the_loan_at_hand(void **state)
{
    (void)state;
    for (uint64_t call = 1; call <= 5; call++) {
        disk.fail_at = disk.calls + call;
        open_source(&id);
        lend(0, 0, 5000);
        lend(1, 77, 5000);
        while (memory_disk_step(&disk)) {
        }
        assert_int_equal(lending.status, call <= 2 ? COPYCAT_ERR_IO : COPYCAT_OK);
        assert_int_equal(lending.loans[0].status, call <= 3 ? COPYCAT_ERR_IO : COPYCAT_OK);
        assert_int_equal(
            lending.loans[1].status, call <= 2 || call == 4 ? COPYCAT_ERR_IO : COPYCAT_OK);
        close_source();
    }
}

static void a_source_is_closed_at_any_time(void **state)
{
    (void)state;
    for (uint32_t steps = 0; steps < 12; steps++) {
        open_source(&id);
        for (uint32_t i = 0; i < LOANS; i++) {
            lend(i, i * 3000, 9000);
        }
        for (uint32_t i = 0; i < steps; i++) {
            (void)memory_disk_step(&disk);
        }

        uint32_t before = lending.dones;

        close_source();
        assert_int_equal(lending.dones, LOANS);
        for (uint32_t i = 0; i < LOANS; i++) {
            assert_int_equal(lending.order[i], i);
            assert_true(
                lending.loans[i].status == COPYCAT_OK ||
                (i >= before && lending.loans[i].status == COPYCAT_ERR_CLOSED));
        }
        assert_int_equal(disk.blocks_out, 0);
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

struct receiving {
    struct cc_image_sink *sink; /* NULL: done */
    bool is_calling;
    bool is_finished;
    uint32_t refusals;
    uint32_t dones;
    copycat_status status;
    char text[1024];
    uint32_t part_size;
};

static struct receiving receiving;

/* The parts that are taken, as they come from the network. */
static void receive_more(void)
{
    receiving.is_calling = true;
    while (cc_image_sink_next(receiving.sink) < id.size) {
        uint64_t next = cc_image_sink_next(receiving.sink);
        uint64_t left = id.size - next;
        size_t size = left < receiving.part_size ? (size_t)left : receiving.part_size;
        copycat_status status =
            cc_image_sink_add(receiving.sink, next, (copycat_bytes){image + next, size});

        if (status != COPYCAT_OK) {
            assert_int_equal(status, COPYCAT_ERR_BUSY);
            assert_int_equal(cc_image_sink_next(receiving.sink), next);
            receiving.refusals++;
            receiving.is_calling = false;
            return;
        }
    }
    receiving.is_finished = true;
    cc_image_sink_finish(receiving.sink);
    receiving.is_calling = false;
}

static void on_room(void *owner)
{
    (void)owner;
    assert_false(receiving.is_calling);
    receive_more();
}

static void on_done(void *owner, copycat_status status, const char *text)
{
    (void)owner;
    assert_false(receiving.is_calling);
    receiving.sink = NULL;
    receiving.dones++;
    receiving.status = status;
    strcpy(receiving.text, text);
}

static void begin_sink(uint32_t part_size)
{
    static const struct cc_image_sink_callbacks callbacks = {on_room, on_done};

    memset(&receiving, 0, sizeof receiving);
    receiving.part_size = part_size;
    receiving.is_calling = true;
    assert_int_equal(
        cc_image_sink_begin(
            &receiving.sink, &other.env, IMAGE_DIRECTORY, &id, &callbacks, &receiving),
        COPYCAT_OK);
    receiving.is_calling = false;
}

static void run_sink(uint64_t calls_max)
{
    while (receiving.sink != NULL && other.calls < calls_max && memory_disk_step(&other)) {
    }
}

static void check_received(void)
{
    assert_int_equal(receiving.dones, 1);
    assert_int_equal(receiving.status, COPYCAT_OK);
    assert_int_equal(image_file(&other)->platter_size, id.size);
    assert_memory_equal(image_file(&other)->platter, image, id.size);
    assert_int_equal(image_read(&reading, &other, &id, &script), COPYCAT_OK);
    assert_int_equal(other.blocks_out, 0);
}

static void what_was_received_is_the_image(void **state)
{
    static const uint32_t sizes[] = {1, 4095, 4096, 65536, 300000, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin_sink(sizes[i]);
        receive_more();
        run_sink(UINT64_MAX);
        check_received();
        assert_true(receiving.refusals > 0 || sizes[i] == UINT32_MAX);
    }
}

static void bytes_out_of_order_are_refused(void **state)
{
    (void)state;
    begin_sink(1000);
    assert_int_equal(
        cc_image_sink_add(receiving.sink, 1, (copycat_bytes){image + 1, 100}), COPYCAT_ERR_INVALID);
    assert_int_equal(
        cc_image_sink_add(receiving.sink, 0, (copycat_bytes){image, 0}), COPYCAT_ERR_INVALID);
    assert_int_equal(
        cc_image_sink_add(receiving.sink, 0, (copycat_bytes){image, id.size + 1}),
        COPYCAT_ERR_INVALID);
    assert_int_equal(cc_image_sink_add(receiving.sink, 0, (copycat_bytes){image, 100}), COPYCAT_OK);
    for (uint64_t offset = 0; offset <= 200; offset += offset == 99 ? 2 : 1) {
        assert_int_equal(
            cc_image_sink_add(receiving.sink, offset, (copycat_bytes){image + offset, 50}),
            COPYCAT_ERR_INVALID);
    }
    assert_int_equal(
        cc_image_sink_add(receiving.sink, 100, (copycat_bytes){image + 100, 50}), COPYCAT_OK);
    assert_int_equal(cc_image_sink_next(receiving.sink), 150);
    receive_more();
    run_sink(UINT64_MAX);
    check_received();
}

static void a_size_that_no_image_has_is_refused(void **state)
{
    static const struct cc_image_sink_callbacks callbacks = {on_room, on_done};
    const uint64_t sizes[] = {0, 1, CC_DISK_BLOCK, 2 * CC_DISK_BLOCK + 1, UINT64_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct cc_image_id wanted = id;

        wanted.size = sizes[i];
        assert_int_equal(
            cc_image_sink_begin(
                &receiving.sink, &other.env, IMAGE_DIRECTORY, &wanted, &callbacks, &receiving),
            COPYCAT_ERR_INVALID);
    }
    assert_int_equal(other.blocks_out, 0);
    assert_int_equal(other.request_count, 0);
}

/* What a peer sends may be anything: who reads it notices. */
static void a_byte_that_changed_on_the_way_is_noticed_by_the_reader(void **state)
{
    (void)state;
    for (uint64_t at = 5; at < id.size; at += 39999) {
        image[at] ^= 0x10;
        begin_sink(65536);
        receive_more();
        run_sink(UINT64_MAX);
        assert_int_equal(receiving.status, COPYCAT_OK);
        assert_int_equal(image_read(&reading, &other, &id, &script), COPYCAT_ERR_DAMAGED);
        image[at] ^= 0x10;
    }
}

static uint64_t calls_of_receiving(void)
{
    uint64_t calls;

    begin_sink(65536);
    receive_more();
    run_sink(UINT64_MAX);
    calls = other.calls;
    memory_disk_deinit(&other);
    assert_true(calls > 8);
    return calls;
}

static void after_a_crash_what_was_received_is_the_image_or_not_accepted(void **state)
{
    uint64_t calls = calls_of_receiving();

    (void)state;
    for (uint64_t call = 0; call <= calls; call++) {
        for (uint32_t variant = 0; variant < 6; variant++) {
            memory_disk_init(&other);
            begin_sink(65536);
            receive_more();
            run_sink(call);

            bool was_done = receiving.dones > 0;

            memory_disk_crash(
                &other, variant < 3 ? (enum memory_crash)variant : MEMORY_CRASH_SUBSET,
                call * 31 + variant);
            if (image_read(&reading, &other, &id, &script) != COPYCAT_OK) {
                assert_int_equal(reading.status, COPYCAT_ERR_DAMAGED);
                assert_false(was_done); /* I2 */
            }
            memory_disk_deinit(&other);
        }
    }
    memory_disk_init(&other);
}

static void receiving_that_fails_or_is_abandoned_leaves_no_file(void **state)
{
    static const copycat_status failures[] = {
        COPYCAT_ERR_DISK_FULL, COPYCAT_ERR_BUSY, COPYCAT_ERR_IO, COPYCAT_ERR_CLOSED};
    uint64_t calls = calls_of_receiving();

    (void)state;
    for (uint64_t call = 1; call <= calls; call++) {
        for (uint32_t i = 0; i < 4; i++) {
            memory_disk_init(&other);
            begin_sink(65536);
            receive_more();
            if (failures[i] == COPYCAT_ERR_CLOSED) {
                run_sink(call - 1);
                cc_image_sink_abandon(receiving.sink);
            } else {
                other.fail_at = call;
                other.fail_with = failures[i];
            }
            run_sink(UINT64_MAX);
            assert_int_equal(receiving.dones, 1);
            if (receiving.status != COPYCAT_OK) {
                assert_int_equal(receiving.status, failures[i]);
                assert_true(failures[i] == COPYCAT_ERR_IO || image_files(&other) == 0); /* I3 */
            } else {
                assert_int_equal(call, calls - 1); /* closing a file that is synced */
            }
            assert_int_equal(other.blocks_out, 0);
            memory_disk_deinit(&other);
        }
    }
    memory_disk_init(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_run_of_bytes_is_lent_as_it_is),
        TEST(bytes_that_are_not_there_are_not_lent),
        TEST(only_the_image_that_was_named_is_lent),
        TEST(a_disk_that_fails_fails_the_loan_at_hand),
        TEST(a_source_is_closed_at_any_time),
        TEST(what_was_received_is_the_image),
        TEST(bytes_out_of_order_are_refused),
        TEST(a_size_that_no_image_has_is_refused),
        TEST(a_byte_that_changed_on_the_way_is_noticed_by_the_reader),
        TEST(after_a_crash_what_was_received_is_the_image_or_not_accepted),
        TEST(receiving_that_fails_or_is_abandoned_leaves_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

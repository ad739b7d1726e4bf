/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel_test -- one write for each pass, frames from bytes split anywhere, closing inside
 * callbacks, and the caps of either direction.
 */
#include "base/assert.h"
#include "env/channel.h"
#include "support/fake_env.h"
#include "support/limited_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX 1000u
#define OUTPUT_MAX (400u << 10)
#define FRAMES 4u

/* What the callbacks saw, and what they are to do. */
struct seen {
    uint32_t opened;
    uint32_t frames;
    uint32_t closed;
    copycat_status status;
    size_t body_size;
    uint32_t close_at_frame; /* closes inside this frame's callback; 0: never */
    uint32_t raise_at_frame;
    bool closes_on_open;
    bool closes_on_closed;
    bool answers; /* each frame with one of its own */
};

static struct limited_memory limited;
static struct fake_env fake;
static struct cc_channel channel;
static struct cc_writer stream; /* of the other side */
static struct seen seen;

static void say(uint16_t type, size_t size)
{
    struct cc_writer *writer = cc_channel_begin(&channel, type, 0);

    for (size_t i = 0; i < size; i++) {
        cc_write_u8(writer, (uint8_t)type);
    }
    cc_channel_end(&channel);
}

static void on_open(struct cc_channel *opened)
{
    assert_ptr_equal(opened, &channel);
    seen.opened++;
    if (seen.closes_on_open) {
        cc_channel_close(opened);
    }
}

/* The frame stays readable though the channel was closed inside its callback. */
static void on_frame(struct cc_channel *from, const struct cc_frame *frame)
{
    assert_false(from->is_closed);
    seen.frames++;
    if (seen.raise_at_frame == seen.frames) {
        cc_channel_limit(from, 2 * BODY_MAX);
    }
    if (seen.answers) {
        say(9, 3);
    }
    if (seen.close_at_frame == seen.frames) {
        cc_channel_close(from);
        cc_channel_close(from);
        say(9, 3);
    }
    for (size_t i = 0; i < frame->body.size; i++) {
        assert_int_equal(((const uint8_t *)frame->body.data)[i], frame->type);
    }
    seen.body_size += frame->body.size;
}

static void on_closed(struct cc_channel *closed, copycat_status status)
{
    seen.closed++;
    seen.status = status;
    if (seen.closes_on_closed) {
        cc_channel_close(closed);
    }
}

static const struct cc_channel_callbacks callbacks = {on_open, on_frame, on_closed};

/* The other side says frame i, from 1, with 10 i bytes of i. */
static void add(uint16_t type, size_t size)
{
    size_t start = cc_frame_begin(&stream, type, 0);

    for (size_t i = 0; i < size; i++) {
        cc_write_u8(&stream, (uint8_t)type);
    }
    cc_frame_end(&stream, start);
}

static void make(void)
{
    cc_channel_init(&channel, &fake.env, &limited.memory, BODY_MAX, OUTPUT_MAX, &callbacks, &seen);
}

static void make_open(void)
{
    make();
    cc_channel_connect(&channel, "there");
    fake_env_open(&fake);
    fake_env_pass(&fake);
}

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    fake_env_init(&fake, &limited.memory);
    seen = (struct seen){0};
    cc_writer_init(&stream, &limited.memory, 100000);
    for (uint16_t i = 1; i <= FRAMES; i++) {
        add(i, 10u * i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_channel_close(&channel);
    cc_writer_deinit(&stream);
    return limited.blocks == 0 && cc_list_is_empty(&fake.tasks) ? 0 : -1;
}

/* How many frames, all sound, lie in what was written. */
static uint32_t frames_written(void)
{
    struct cc_frame_decoder decoder;
    struct cc_frame frame;
    copycat_bytes input = {fake.written, fake.written_size};
    uint32_t count = 0;

    cc_frame_decoder_init(&decoder, &limited.memory, UINT32_MAX);
    while (cc_frame_decoder_next(&decoder, &input, &frame)) {
        count++;
    }
    assert_int_equal(decoder.status, COPYCAT_OK);
    assert_int_equal(decoder.partial.size, 0);
    cc_frame_decoder_deinit(&decoder);
    return count;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void writes_what_was_said_before_it_opened_once_it_has(void **state)
{
    (void)state;
    make();
    cc_channel_connect(&channel, "there");
    assert_string_equal(fake.address, "there");
    say(1, 5);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 0);
    fake_env_open(&fake);
    assert_int_equal(seen.opened, 1);
    assert_int_equal(fake.write_count, 0);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 1);
    assert_int_equal(frames_written(), 1);
}

static void writes_once_for_each_pass(void **state)
{
    (void)state;
    make_open();
    assert_int_equal(fake.write_count, 0);
    say(1, 5);
    say(2, 0);
    say(3, 7);
    assert_int_equal(fake.write_count, 0);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 1);
    assert_int_equal(frames_written(), 3);
    fake_env_sent(&fake);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 1);
    say(4, 1);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 2);
    assert_int_equal(frames_written(), 4);
}

static void gathers_what_is_said_during_a_write_for_the_next(void **state)
{
    (void)state;
    make_open();
    say(1, 100);
    fake_env_pass(&fake);
    for (uint16_t i = 0; i < 50; i++) {
        say(2, 100);
        fake_env_pass(&fake);
    }
    assert_int_equal(fake.write_count, 1);
    fake_env_sent(&fake);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 2);
    assert_int_equal(frames_written(), 51);
}

static void counts_the_bytes_that_have_not_left(void **state)
{
    (void)state;
    make_open();
    assert_int_equal(cc_channel_queued(&channel), 0);
    say(1, 4);
    assert_int_equal(cc_channel_queued(&channel), 20);
    fake_env_pass(&fake);
    say(1, 14);
    assert_int_equal(cc_channel_queued(&channel), 50);
    fake_env_sent(&fake);
    assert_int_equal(cc_channel_queued(&channel), 30);
    fake_env_pass(&fake);
    fake_env_sent(&fake);
    assert_int_equal(cc_channel_queued(&channel), 0);
}

/* T-110: the other side does not read. */
static void ends_when_the_other_side_does_not_read(void **state)
{
    uint32_t said = 0;

    (void)state;
    make_open();
    say(1, 10);
    fake_env_pass(&fake);
    while (channel.trouble == COPYCAT_OK) {
        say(2, 1000);
        said++;
        assert_true(said < 1000);
    }
    assert_true(limited.bytes <= 2 * OUTPUT_MAX + 10000);
    assert_int_equal(seen.closed, 0); /* not inside the call: H1 */
    say(2, 1000);
    fake_env_pass(&fake);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(fake.write_count, 1); /* no part of a frame left */
    assert_int_equal(fake.close_count, 1);
    cc_writer_deinit(&stream);
    assert_int_equal(limited.blocks, 0);
}

static void ends_when_one_frame_is_larger_than_the_cap(void **state)
{
    (void)state;
    make_open();
    say(1, 10);
    say(1, OUTPUT_MAX);
    fake_env_pass(&fake);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(fake.write_count, 0);
}

static void says_that_it_was_memory_that_was_refused(void **state)
{
    (void)state;
    make_open();
    say(1, 10);
    limited.bytes_max = limited.bytes;
    say(1, OUTPUT_MAX / 2);
    fake_env_pass(&fake);
    limited.bytes_max = SIZE_MAX;
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_ERR_MEMORY);
    assert_int_equal(fake.write_count, 0);
}

static void gives_the_room_of_a_burst_back(void **state)
{
    size_t before;

    (void)state;
    make_open();
    before = limited.bytes;
    for (uint32_t burst = 0; burst < 2; burst++) {
        say(1, 390u << 10);
        fake_env_pass(&fake);
        say(2, 390u << 10);
        fake_env_sent(&fake);
        fake.written_size = 0; /* room in the fake's own buffer */
        fake_env_pass(&fake);
        fake_env_sent(&fake);
        fake.written_size = 0;
        assert_true(limited.bytes <= before + (512u << 10));
        assert_null(channel.outputs[0].data);
        assert_null(channel.outputs[1].data);
    }
    say(3, 10);
    fake_env_pass(&fake);
    assert_int_equal(frames_written(), 1);
}

/* ---- input ----------------------------------------------------------------------------------- */

static void check_all_frames(void)
{
    assert_int_equal(seen.frames, FRAMES);
    assert_int_equal(seen.body_size, 10 * (1 + 2 + 3 + 4));
    assert_int_equal(seen.closed, 0);
}

static void reads_frames_split_at_every_position(void **state)
{
    (void)state;
    for (size_t at = 0; at <= stream.size; at++) {
        seen = (struct seen){0};
        make_open();
        fake_env_data(&fake, stream.data, at);
        fake_env_data(&fake, stream.data + at, stream.size - at);
        check_all_frames();
        cc_channel_close(&channel);
    }
}

static void reads_frames_byte_by_byte(void **state)
{
    (void)state;
    make();
    fake_env_accepted(&fake, cc_channel_accept(&channel));
    for (size_t at = 0; at < stream.size; at++) {
        fake_env_data(&fake, stream.data + at, 1);
    }
    check_all_frames();
}

static void answers_all_frames_of_a_pass_in_one_write(void **state)
{
    (void)state;
    seen.answers = true;
    make();
    fake_env_accepted(&fake, cc_channel_accept(&channel));
    fake_env_data(&fake, stream.data, stream.size);
    check_all_frames();
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 1);
    assert_int_equal(frames_written(), FRAMES);
}

/* H2, for frames that lie in the input and for such as were pieced together. */
static void gives_no_frame_after_it_was_closed_inside_one(void **state)
{
    (void)state;
    for (size_t at = 0; at <= stream.size; at++) {
        for (uint32_t frame = 1; frame <= FRAMES; frame++) {
            seen = (struct seen){.close_at_frame = frame, .answers = true};
            make_open();
            fake_env_data(&fake, stream.data, at);
            if (fake.conn != NULL) {
                fake_env_data(&fake, stream.data + at, stream.size - at);
            }
            assert_null(fake.conn);
            assert_int_equal(seen.frames, frame);
            assert_int_equal(seen.closed, 0);
            fake_env_pass(&fake);
            assert_int_equal(fake.write_count, 0);
            assert_int_equal(limited.blocks, 1); /* the test's own stream */
        }
    }
}

static void says_what_was_wrong_with_the_bytes(void **state)
{
    static const struct {
        size_t at;
        uint8_t value;
        copycat_status status;
    } wrong[] = {
        {4, 0x55, COPYCAT_ERR_MALFORMED}, {10, 2, COPYCAT_ERR_VERSION},
        {11, 1, COPYCAT_ERR_MALFORMED},   {3, 0x7f, COPYCAT_ERR_TOO_LARGE},
        {20, 9, COPYCAT_ERR_MALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t kept = stream.data[wrong[i].at];

        seen = (struct seen){.closes_on_closed = true};
        make_open();
        stream.data[wrong[i].at] = wrong[i].value;
        fake_env_data(&fake, stream.data, stream.size);
        stream.data[wrong[i].at] = kept;
        assert_int_equal(seen.frames, 0);
        assert_int_equal(seen.closed, 1);
        assert_int_equal(seen.status, wrong[i].status);
        assert_null(fake.conn);
        assert_int_equal(limited.blocks, 1);
    }
}

static void gives_the_frames_before_a_bad_one(void **state)
{
    (void)state;
    make_open();
    stream.data[stream.size - 1] ^= 1;
    fake_env_data(&fake, stream.data, stream.size);
    assert_int_equal(seen.frames, FRAMES - 1);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_ERR_MALFORMED);
}

static void takes_larger_frames_from_the_one_on_that_raised_the_limit(void **state)
{
    (void)state;
    make_open();
    seen.raise_at_frame = 4;
    add(5, BODY_MAX + 1);
    fake_env_data(&fake, stream.data, stream.size);
    assert_int_equal(seen.frames, FRAMES + 1);
    assert_int_equal(seen.closed, 0);
}

static void ends_when_memory_for_a_frame_is_refused(void **state)
{
    (void)state;
    make_open();
    limited.bytes_max = limited.bytes;
    fake_env_data(&fake, stream.data, 5);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_ERR_MEMORY);
}

/* ---- closing --------------------------------------------------------------------------------- */

static void reports_once_that_the_other_side_hung_up(void **state)
{
    (void)state;
    make_open();
    seen.closes_on_closed = true;
    say(1, 10);
    fake_env_closed(&fake);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_OK);
    fake_env_pass(&fake);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(fake.write_count, 0);
}

static void reports_its_own_trouble_though_the_other_side_hung_up_first(void **state)
{
    (void)state;
    make_open();
    say(1, OUTPUT_MAX);
    fake_env_closed(&fake);
    assert_int_equal(seen.closed, 1);
    assert_int_equal(seen.status, COPYCAT_ERR_TOO_LARGE);
}

static void may_be_closed_when_it_opens(void **state)
{
    (void)state;
    seen.closes_on_open = true;
    make();
    cc_channel_connect(&channel, "there");
    say(1, 10);
    fake_env_open(&fake);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 0);
    assert_int_equal(seen.closed, 0);
}

static void may_be_closed_before_it_opens(void **state)
{
    (void)state;
    make();
    cc_channel_connect(&channel, "there");
    say(1, 10);
    cc_channel_close(&channel);
    assert_int_equal(fake.close_count, 1);
    assert_true(cc_list_is_empty(&fake.tasks));
    assert_int_equal(limited.blocks, 1);
}

static void drops_what_is_said_after_it_was_closed(void **state)
{
    (void)state;
    make_open();
    say(1, 10);
    fake_env_pass(&fake); /* a write is under way: its bytes are not touched any more */
    cc_channel_close(&channel);
    cc_channel_close(&channel);
    say(2, 10);
    assert_int_equal(cc_channel_queued(&channel), 0);
    fake_env_pass(&fake);
    assert_int_equal(fake.write_count, 1);
    assert_int_equal(fake.close_count, 1);
    assert_int_equal(seen.closed, 0);
}

static void can_be_made_anew_once_it_is_closed(void **state)
{
    (void)state;
    make_open();
    fake_env_data(&fake, stream.data, stream.size - 1);
    say(1, 10);
    fake_env_pass(&fake);
    cc_channel_close(&channel);
    seen = (struct seen){0};
    fake.written_size = 0;
    make_open();
    say(1, 10);
    fake_env_pass(&fake);
    assert_int_equal(frames_written(), 1);
    fake_env_data(&fake, stream.data, stream.size);
    check_all_frames();
}

/* Ends the call that broke a promise, as the real one ends the process. */
static void panicked(const char *file, int line, const char *expression)
{
    mock_assert(0, expression, file, line);
}

static void allows_no_frame_inside_another(void **state)
{
    (void)state;
    make_open();
    cc_panic_set(panicked);
    expect_assert_failure(cc_channel_end(&channel));
    (void)cc_channel_begin(&channel, 1, 0);
    expect_assert_failure((void)cc_channel_begin(&channel, 2, 0));
    cc_panic_set(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(writes_what_was_said_before_it_opened_once_it_has),
        TEST(writes_once_for_each_pass),
        TEST(gathers_what_is_said_during_a_write_for_the_next),
        TEST(counts_the_bytes_that_have_not_left),
        TEST(ends_when_the_other_side_does_not_read),
        TEST(ends_when_one_frame_is_larger_than_the_cap),
        TEST(gives_the_room_of_a_burst_back),
        TEST(reads_frames_split_at_every_position),
        TEST(reads_frames_byte_by_byte),
        TEST(answers_all_frames_of_a_pass_in_one_write),
        TEST(gives_no_frame_after_it_was_closed_inside_one),
        TEST(says_what_was_wrong_with_the_bytes),
        TEST(gives_the_frames_before_a_bad_one),
        TEST(takes_larger_frames_from_the_one_on_that_raised_the_limit),
        TEST(ends_when_memory_for_a_frame_is_refused),
        TEST(reports_once_that_the_other_side_hung_up),
        TEST(says_that_it_was_memory_that_was_refused),
        TEST(reports_its_own_trouble_though_the_other_side_hung_up_first),
        TEST(may_be_closed_when_it_opens),
        TEST(may_be_closed_before_it_opens),
        TEST(drops_what_is_said_after_it_was_closed),
        TEST(can_be_made_anew_once_it_is_closed),
        TEST(allows_no_frame_inside_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

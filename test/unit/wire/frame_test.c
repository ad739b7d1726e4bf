/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame_test -- whole frames from bytes split anywhere, and nothing from bytes that are wrong.
 */
#include "base/prng.h"
#include "support/limited_memory.h"
#include "wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BODY_MAX 300u
#define FRAMES 5u

static struct limited_memory limited;
static struct cc_writer stream;
static struct cc_frame_decoder decoder;
static size_t seen; /* frames given since the decoder was made */

/* Frame i has type i + 1, group 7 i, and as many bytes of the letter 'a' + i. */
static const size_t sizes[FRAMES] = {0, 1, 200, BODY_MAX, 17};

static void add(uint16_t type, uint32_t group, uint8_t byte, size_t size)
{
    size_t start = cc_frame_begin(&stream, type, group);

    for (size_t i = 0; i < size; i++) {
        cc_write_u8(&stream, byte);
    }
    cc_frame_end(&stream, start);
}

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    cc_writer_init(&stream, &limited.memory, 100000);
    cc_frame_decoder_init(&decoder, &limited.memory, BODY_MAX);
    seen = 0;
    for (uint32_t i = 0; i < FRAMES; i++) {
        add((uint16_t)(i + 1), 7 * i, (uint8_t)('a' + i), sizes[i]);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_writer_deinit(&stream);
    cc_frame_decoder_deinit(&decoder);
    return limited.blocks == 0 ? 0 : -1;
}

static void start_again(void)
{
    cc_frame_decoder_deinit(&decoder);
    cc_frame_decoder_init(&decoder, &limited.memory, BODY_MAX);
    seen = 0;
}

/* Feeds bytes from a block of their own size, so that reading past them is found out. */
static void feed(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = cc_memory_take(&limited.memory, size + 1);
    copycat_bytes input = {exact, size};
    struct cc_frame frame;

    if (size > 0) {
        memcpy(exact, bytes, size);
    }
    while (cc_frame_decoder_next(&decoder, &input, &frame)) {
        assert_true(seen < FRAMES);
        assert_int_equal(frame.type, seen + 1);
        assert_int_equal(frame.group, 7 * seen);
        assert_int_equal(frame.body.size, sizes[seen]);
        for (size_t i = 0; i < frame.body.size; i++) {
            assert_int_equal(((const uint8_t *)frame.body.data)[i], 'a' + seen);
        }
        seen++;
    }
    assert_true(decoder.status != COPYCAT_OK || input.size == 0);
    cc_memory_give(&limited.memory, exact);
}

static void comes_whole_from_bytes_split_at_any_place(void **state)
{
    (void)state;
    for (size_t at = 0; at <= stream.size; at++) {
        start_again();
        feed(stream.data, at);
        feed(stream.data + at, stream.size - at);
        assert_int_equal(decoder.status, COPYCAT_OK);
        assert_int_equal(seen, FRAMES);
    }
}

static void comes_whole_from_single_bytes(void **state)
{
    (void)state;
    for (size_t at = 0; at < stream.size; at++) {
        feed(stream.data + at, 1);
        feed(NULL, 0);
    }
    assert_int_equal(decoder.status, COPYCAT_OK);
    assert_int_equal(seen, FRAMES);
}

static void comes_whole_from_random_pieces(void **state)
{
    struct cc_prng prng = {9};

    (void)state;
    for (int round = 0; round < 500; round++) {
        start_again();
        for (size_t at = 0; at < stream.size;) {
            size_t piece = 1 + (size_t)cc_prng_below(&prng, 40);

            piece = piece < stream.size - at ? piece : stream.size - at;
            feed(stream.data + at, piece);
            at += piece;
        }
        assert_int_equal(seen, FRAMES);
    }
}

/* Whichever bit is wrong, nothing that was not sent comes out, and no frame after it. */
static void gives_nothing_from_a_frame_with_any_bit_changed(void **state)
{
    size_t size = 2 * CC_FRAME_HEADER_SIZE + sizes[1];

    (void)state;
    for (size_t bit = 0; bit < size * 8; bit++) {
        for (size_t split = 0; split <= size; split += 5) {
            start_again();
            stream.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            feed(stream.data, split);
            feed(stream.data + split, stream.size - split);
            stream.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_not_equal(decoder.status, COPYCAT_OK);
            assert_int_equal(seen, bit / 8 < CC_FRAME_HEADER_SIZE ? 0 : 1);
        }
    }
}

static void takes_nothing_more_once_a_frame_was_bad(void **state)
{
    (void)state;
    stream.data[4] ^= 1;
    feed(stream.data, stream.size);
    stream.data[4] ^= 1;
    assert_int_equal(decoder.status, COPYCAT_ERR_MALFORMED);
    feed(stream.data, stream.size);
    assert_int_equal(seen, 0);
    assert_int_equal(decoder.status, COPYCAT_ERR_MALFORMED);
}

static void feed_header(uint32_t size, uint8_t version, uint8_t zero)
{
    uint8_t header[CC_FRAME_HEADER_SIZE] = {0};

    cc_store_u32(header, size);
    header[10] = version;
    header[11] = zero;
    start_again();
    feed(header, 9);
    feed(header + 9, sizeof header - 9);
}

static void says_what_is_wrong_with_a_header(void **state)
{
    (void)state;
    feed_header(1, CC_FRAME_VERSION + 1, 0);
    assert_int_equal(decoder.status, COPYCAT_ERR_VERSION);
    feed_header(1, CC_FRAME_VERSION, 1);
    assert_int_equal(decoder.status, COPYCAT_ERR_MALFORMED);
    feed_header(BODY_MAX + 1, CC_FRAME_VERSION, 0);
    assert_int_equal(decoder.status, COPYCAT_ERR_TOO_LARGE);
    feed_header(UINT32_MAX, CC_FRAME_VERSION, 0);
    assert_int_equal(decoder.status, COPYCAT_ERR_TOO_LARGE);
    feed_header(BODY_MAX, CC_FRAME_VERSION, 0);
    assert_int_equal(decoder.status, COPYCAT_OK);
}

static void never_holds_more_than_one_frame(void **state)
{
    size_t before = limited.bytes;

    (void)state;
    limited.bytes_peak = before;
    for (size_t at = 0; at < stream.size; at++) {
        copycat_bytes input = {stream.data + at, 1};
        struct cc_frame frame;

        (void)cc_frame_decoder_next(&decoder, &input, &frame);
    }
    assert_true(limited.bytes_peak - before <= 2 * (BODY_MAX + CC_FRAME_HEADER_SIZE));
    assert_true(limited.bytes - before <= BODY_MAX + CC_FRAME_HEADER_SIZE);
}

static void gives_the_room_of_a_large_frame_back(void **state)
{
    uint32_t size = 1u << 20;
    size_t before = limited.bytes;
    struct cc_frame frame;
    copycat_bytes input;

    (void)state;
    cc_writer_deinit(&stream);
    cc_writer_init(&stream, &limited.memory, 2 * size);
    before = limited.bytes;
    add(1, 0, 'x', size);
    cc_frame_decoder_limit(&decoder, size);
    input = (copycat_bytes){stream.data, 100};
    assert_false(cc_frame_decoder_next(&decoder, &input, &frame));
    input = (copycat_bytes){stream.data + 100, stream.size - 100};
    assert_true(cc_frame_decoder_next(&decoder, &input, &frame));
    assert_int_equal(frame.body.size, size);
    assert_false(cc_frame_decoder_next(&decoder, &input, &frame));
    assert_int_equal(decoder.status, COPYCAT_OK);
    cc_writer_deinit(&stream);
    assert_true(limited.bytes <= before + 65536);
    cc_writer_init(&stream, &limited.memory, 1000);
    add(2, 0, 'y', 10);
    input = (copycat_bytes){stream.data, stream.size};
    assert_true(cc_frame_decoder_next(&decoder, &input, &frame));
    assert_int_equal(frame.type, 2);
}

static void takes_a_larger_frame_once_the_limit_is_raised(void **state)
{
    struct cc_frame frame;
    copycat_bytes input;

    (void)state;
    cc_writer_clear(&stream);
    add(1, 0, 'a', BODY_MAX + 1);
    cc_frame_decoder_limit(&decoder, BODY_MAX + 1);
    input = (copycat_bytes){stream.data, stream.size};
    assert_true(cc_frame_decoder_next(&decoder, &input, &frame));
    assert_int_equal(frame.body.size, BODY_MAX + 1);
}

static void says_so_when_memory_is_refused(void **state)
{
    (void)state;
    limited.bytes_max = limited.bytes + 100;
    feed(stream.data, 10);
    assert_int_equal(decoder.status, COPYCAT_ERR_MEMORY);
    assert_int_equal(seen, 0);
}

static void is_not_ended_in_a_writer_that_failed(void **state)
{
    uint8_t bytes[20];
    struct cc_writer small;

    (void)state;
    cc_writer_init_fixed(&small, bytes, sizeof bytes);

    size_t start = cc_frame_begin(&small, 1, 0);

    cc_write_u64(&small, 1);
    cc_frame_end(&small, start);
    assert_true(small.failed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(comes_whole_from_bytes_split_at_any_place),
        TEST(comes_whole_from_single_bytes),
        TEST(comes_whole_from_random_pieces),
        TEST(gives_nothing_from_a_frame_with_any_bit_changed),
        TEST(takes_nothing_more_once_a_frame_was_bad),
        TEST(says_what_is_wrong_with_a_header),
        TEST(never_holds_more_than_one_frame),
        TEST(gives_the_room_of_a_large_frame_back),
        TEST(takes_a_larger_frame_once_the_limit_is_raised),
        TEST(says_so_when_memory_is_refused),
        TEST(is_not_ended_in_a_writer_that_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

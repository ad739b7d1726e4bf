/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_channel -- a channel between two hostile sides: bytes that are split anywhere, an owner who
 * writes and closes whenever it is legal, a connection that ends at any time, memory that runs out.
 *
 * The first bytes say what the owner does in its callbacks and what the limits are; the rest is a
 * program: the other side makes frames or noise, some of it arrives, passes end, writes complete.
 * Checksums are right except in noise, so that what lies behind them is reached.
 *
 * Whatever comes: the frames delivered are those a decoder finds in the bytes that arrived, in
 * order; what was written is the front of what was said, and all of it once everything has been
 * sent; on_closed comes at most once, never after a close, never inside a call into the channel;
 * nothing is delivered after it; memory is bounded, and all of it is given back.
 */
#include "base/assert.h"
#include "env/channel.h"
#include "support/fake_env.h"
#include "support/limited_memory.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BODY_MAX 300u
#define BODY_RAISED_MAX 600u
#define OUTPUT_MAX 1000u
#define STREAM_MAX (256u << 10)
#define FRAME_SIZE_MAX (CC_FRAME_HEADER_SIZE + 600u)

/* What the owner does in its callbacks: bits of the second byte. */
enum habit {
    CLOSES_ON_OPEN = 1,
    SAYS_ON_OPEN = 2,
    ANSWERS = 4,
    RAISES = 8,
    CLOSES_ON_FRAME = 16, /* at the frame that the third byte names */
    CLOSES_ON_CLOSED = 32,
    SAYS_AFTER_CLOSE = 64,
    IS_ACCEPTED = 128,
};

static struct {
    struct cc_channel channel;
    struct fake_env fake;
    struct limited_memory limited;
    struct cc_reader input;
    uint8_t habits;
    uint8_t close_at;
    uint32_t frames;    /* delivered */
    uint32_t raised_at; /* the limit was raised in this frame; 0: never */
    uint32_t closed;    /* how often on_closed came */
    copycat_status status;
    bool is_gone;               /* closed by us, or on_closed has come */
    bool is_inside;             /* a call into the channel: no on_closed now */
    bool is_hung_up;            /* by the other side */
    bool has_failed;            /* something that was said did not fit */
    uint8_t stream[STREAM_MAX]; /* what the other side says */
    size_t stream_size;
    size_t arrived;
    uint8_t said[STREAM_MAX]; /* what the owner says */
    size_t said_size;
    uint8_t heard[STREAM_MAX]; /* frames delivered, coded again */
    struct cc_writer hearing;
} world;

/* ---- the owner --------------------------------------------------------------------------------
 */

static void say(uint16_t type, uint32_t size)
{
    struct cc_writer copy;
    struct cc_writer *writer;
    size_t start;
    bool fits;

    if (world.said_size + FRAME_SIZE_MAX > STREAM_MAX) {
        return;
    }
    cc_writer_init_fixed(&copy, world.said + world.said_size, FRAME_SIZE_MAX);
    start = cc_frame_begin(&copy, type, size);
    world.is_inside = true;
    writer = cc_channel_begin(&world.channel, type, size);
    for (uint32_t i = 0; i < size; i++) {
        cc_write_u8(writer, (uint8_t)(type + i));
        cc_write_u8(&copy, (uint8_t)(type + i));
    }
    fits = !writer->failed;
    cc_channel_end(&world.channel);
    world.is_inside = false;
    cc_frame_end(&copy, start);
    world.has_failed = world.has_failed || !fits;
    if (!world.is_gone && !world.has_failed) {
        world.said_size += copy.size;
    }
}

static void shut(void)
{
    world.is_inside = true;
    cc_channel_close(&world.channel);
    CC_ASSERT(!world.channel.task.queued); /* or it could not be freed now */
    world.is_inside = false;
    world.is_gone = true;
    if ((world.habits & SAYS_AFTER_CLOSE) != 0) {
        say(7, 20);
    }
}

static void on_open(struct cc_channel *channel)
{
    CC_ASSERT(channel == &world.channel && !world.is_gone);
    if ((world.habits & SAYS_ON_OPEN) != 0) {
        say(1, 30);
    }
    if ((world.habits & CLOSES_ON_OPEN) != 0) {
        shut();
    }
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    size_t start = cc_frame_begin(&world.hearing, frame->type, frame->group);

    CC_ASSERT(channel == &world.channel && !world.is_gone && !world.is_inside); /* H2 */
    world.frames++;
    if ((world.habits & RAISES) != 0 && world.raised_at == 0) {
        cc_channel_limit(channel, BODY_RAISED_MAX);
        world.raised_at = world.frames;
    }
    if ((world.habits & ANSWERS) != 0) {
        say(frame->type, frame->group % 64u);
    }
    if ((world.habits & CLOSES_ON_FRAME) != 0 && world.frames == 1u + world.close_at) {
        shut();
    }
    /* Readable to the end of the callback, also after the close. */
    cc_write_raw(&world.hearing, frame->body.data, frame->body.size);
    cc_frame_end(&world.hearing, start);
    CC_ASSERT(!world.hearing.failed);
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    CC_ASSERT(channel == &world.channel);
    CC_ASSERT(!world.is_gone && !world.is_inside); /* H1 */
    world.is_gone = true;
    world.closed++;
    world.status = status;
    if ((world.habits & CLOSES_ON_CLOSED) != 0) {
        shut();
    }
}

static const struct cc_channel_callbacks callbacks = {on_open, on_frame, on_closed};

/* ---- the other side and the environment -------------------------------------------------------
 */

static void make_frame(uint16_t type, uint32_t size)
{
    struct cc_writer writer;
    size_t start;

    if (world.stream_size + FRAME_SIZE_MAX > STREAM_MAX) {
        return;
    }
    cc_writer_init_fixed(&writer, world.stream + world.stream_size, FRAME_SIZE_MAX);
    start = cc_frame_begin(&writer, type, type);
    for (uint32_t i = 0; i < size; i++) {
        cc_write_u8(&writer, (uint8_t)(type ^ i));
    }
    cc_frame_end(&writer, start);
    world.stream_size += writer.size;
}

static void make_noise(size_t size)
{
    size_t left = cc_reader_left(&world.input);

    size = size < left ? size : left;
    if (size > 0 && world.stream_size + size <= STREAM_MAX) {
        memcpy(world.stream + world.stream_size, cc_read_raw(&world.input, size), size);
        world.stream_size += size;
    }
}

static bool is_connected(void)
{
    return world.fake.conn != NULL && world.channel.is_open;
}

static void arrive(size_t size)
{
    size_t left = world.stream_size - world.arrived;
    size_t at = world.arrived;

    size = size < left ? size : left;
    if (is_connected() && size > 0) {
        world.arrived += size;
        fake_env_data(&world.fake, world.stream + at, size);
    }
}

static void connect_or_open(void)
{
    if (world.fake.conn != NULL && !world.channel.is_open) {
        fake_env_open(&world.fake);
    }
}

static void step(void)
{
    uint8_t what = cc_read_u8(&world.input);
    uint8_t detail = cc_read_u8(&world.input);

    switch (what % 12) {
    case 0:
        make_frame(detail, what / 12u * 30u);
        break;
    case 1:
        make_noise(detail % 40u);
        break;
    case 2:
    case 3:
        arrive(detail);
        break;
    case 4:
        arrive(1u + detail % 4u);
        break;
    case 5:
        arrive(SIZE_MAX);
        break;
    case 6:
        say(detail, what / 12u * 28u);
        break;
    case 7:
    case 8:
        fake_env_pass(&world.fake);
        break;
    case 9:
        if (world.fake.under_way != NULL) {
            fake_env_sent(&world.fake);
        }
        break;
    case 10:
        connect_or_open();
        break;
    default:
        if (detail < 32 && world.fake.conn != NULL) {
            world.is_hung_up = true;
            fake_env_closed(&world.fake);
        } else if (detail < 64) {
            shut();
        }
        break;
    }
}

/* ---- what must hold ----------------------------------------------------------------------------
 */

/* Who was not closed has missed nothing; who was told why was told the truth. */
static void check_status(struct cc_frame_decoder *decoder, copycat_bytes *bytes)
{
    struct cc_frame frame;

    if (!world.is_gone) {
        CC_ASSERT(!cc_frame_decoder_next(decoder, bytes, &frame));
        CC_ASSERT(decoder->status == COPYCAT_OK);
    } else if (world.closed > 0 && world.status == COPYCAT_OK) {
        CC_ASSERT(world.is_hung_up);
    } else if (world.closed > 0 && world.status != COPYCAT_ERR_MEMORY && !world.has_failed) {
        CC_ASSERT(!cc_frame_decoder_next(decoder, bytes, &frame));
        CC_ASSERT(decoder->status == world.status);
    }
}

/* The frames a decoder finds in all that arrived, at once, begin with those that were delivered. */
static void check_heard(void)
{
    static uint8_t found_bytes[STREAM_MAX];
    struct limited_memory limited;
    struct cc_frame_decoder decoder;
    struct cc_writer found;
    struct cc_frame frame;
    copycat_bytes bytes = {world.stream, world.arrived};
    uint32_t frames = 0;

    limited_memory_init(&limited);
    cc_writer_init_fixed(&found, found_bytes, sizeof found_bytes);
    cc_frame_decoder_init(&decoder, &limited.memory, BODY_MAX);
    while (frames < world.frames && cc_frame_decoder_next(&decoder, &bytes, &frame)) {
        size_t start = cc_frame_begin(&found, frame.type, frame.group);

        cc_write_raw(&found, frame.body.data, frame.body.size);
        cc_frame_end(&found, start);
        frames++;
        if (frames == world.raised_at) {
            cc_frame_decoder_limit(&decoder, BODY_RAISED_MAX);
        }
    }
    CC_ASSERT(frames == world.frames && found.size == world.hearing.size);
    CC_ASSERT(memcmp(found_bytes, world.heard, found.size) == 0);
    check_status(&decoder, &bytes);
    cc_frame_decoder_deinit(&decoder);
}

static void check_said(void)
{
    CC_ASSERT(world.fake.written_size <= world.said_size);
    CC_ASSERT(memcmp(world.fake.written, world.said, world.fake.written_size) == 0);
    if (is_connected()) {
        CC_ASSERT(world.fake.written_size == world.said_size && !world.has_failed);
    }
}

/* Everything that can still be sent is sent. */
static void settle(void)
{
    do {
        fake_env_pass(&world.fake);
        if (world.fake.under_way != NULL) {
            fake_env_sent(&world.fake);
        }
    } while (!cc_list_is_empty(&world.fake.tasks));
}

static void begin(void)
{
    uint8_t room;

    world.habits = cc_read_u8(&world.input);
    world.close_at = cc_read_u8(&world.input);
    room = cc_read_u8(&world.input);
    world.frames = world.raised_at = world.closed = 0;
    world.is_gone = world.is_inside = world.is_hung_up = world.has_failed = false;
    world.stream_size = world.arrived = world.said_size = 0;
    cc_writer_init_fixed(&world.hearing, world.heard, sizeof world.heard);
    limited_memory_init(&world.limited);
    if (room > 127) {
        world.limited.bytes_max = (room - 127u) * 24u;
    }
    fake_env_init(&world.fake, &world.limited.memory);
    cc_channel_init(
        &world.channel, &world.fake.env, &world.limited.memory, BODY_MAX, OUTPUT_MAX, &callbacks,
        NULL);
    if ((world.habits & IS_ACCEPTED) != 0) {
        fake_env_accepted(&world.fake, cc_channel_accept(&world.channel));
    } else {
        cc_channel_connect(&world.channel, "server:1");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cc_reader_init(&world.input, data, size);
    begin();
    while (cc_reader_left(&world.input) > 0 && !world.input.failed) {
        step();
        CC_ASSERT(cc_channel_queued(&world.channel) <= 2 * OUTPUT_MAX);
        CC_ASSERT(world.closed <= 1);
    }
    settle();
    CC_ASSERT(world.limited.bytes_peak <= 2 * OUTPUT_MAX + BODY_RAISED_MAX + CC_FRAME_HEADER_SIZE);
    check_heard();
    check_said();
    shut();
    CC_ASSERT(world.fake.conn == NULL && cc_list_is_empty(&world.fake.tasks));
    CC_ASSERT(world.limited.blocks == 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel -- see channel.h.
 */
#include "env/channel.h"

#include "base/assert.h"
#include "base/bug.h"

/* A buffer that grew beyond this for a burst is given back when it is empty. */
#define OUTPUT_KEEP (256u << 10)

static struct cc_writer *gathering(struct cc_channel *channel)
{
    return &channel->outputs[channel->filling];
}

static void flush(struct cc_channel *channel)
{
    struct cc_writer *full = gathering(channel);

    if (!channel->is_open || channel->is_writing || full->size == 0) {
        return;
    }
    channel->filling = 1 - channel->filling;
    channel->is_writing = true;
    cc_env_conn_write(channel->env, &channel->conn, full->data, full->size);
}

static void fail(struct cc_channel *channel, copycat_status status)
{
    if (!channel->is_closed) {
        cc_channel_close(channel);
        channel->callbacks->on_closed(channel, status);
    }
}

static void run(struct cc_task *task)
{
    struct cc_channel *channel = task->owner;

    if (channel->trouble != COPYCAT_OK) {
        fail(channel, channel->trouble);
    } else {
        flush(channel);
    }
}

static void on_open(struct cc_conn *conn)
{
    struct cc_channel *channel = conn->owner;

    channel->is_open = true;
    if (channel->callbacks->on_open != NULL) {
        channel->callbacks->on_open(channel);
    }
    if (!channel->is_closed) {
        cc_env_later(channel->env, &channel->task);
    }
}

static void empty(struct cc_writer *output)
{
    if (output->capacity > OUTPUT_KEEP) {
        const struct cc_memory *memory = output->memory;
        size_t size_max = output->size_max;

        cc_writer_deinit(output);
        cc_writer_init(output, memory, size_max);
    } else {
        cc_writer_clear(output);
    }
}

static void on_sent(struct cc_conn *conn)
{
    struct cc_channel *channel = conn->owner;

    CC_ASSERT(channel->is_writing);
    channel->is_writing = false;
    empty(&channel->outputs[1 - channel->filling]);
    if (gathering(channel)->size > 0) {
        cc_env_later(channel->env, &channel->task);
    }
}

/* Our own trouble, if its task has not come yet, says more than that the other side has gone. */
static void on_closed(struct cc_conn *conn)
{
    struct cc_channel *channel = conn->owner;

    fail(channel, channel->trouble);
}

/* The decoder's memory, and the frame at hand in it, live until the loop is left. */
static void on_data(struct cc_conn *conn, const void *data, size_t size)
{
    struct cc_channel *channel = conn->owner;
    copycat_bytes input = {data, size};
    struct cc_frame frame;

    channel->is_receiving = true;
    while (!channel->is_closed && cc_frame_decoder_next(&channel->decoder, &input, &frame)) {
        channel->env->counters.frames_received++;
        channel->callbacks->on_frame(channel, &frame);
    }
    channel->is_receiving = false;
    if (channel->is_closed) {
        cc_frame_decoder_deinit(&channel->decoder);
    } else if (channel->decoder.status != COPYCAT_OK) {
        fail(channel, channel->decoder.status);
    }
}

void cc_channel_init(
    struct cc_channel *channel,
    struct cc_env *env,
    const struct cc_memory *memory,
    uint32_t body_size_max,
    uint32_t output_size_max,
    const struct cc_channel_callbacks *callbacks,
    void *owner)
{
    *channel = (struct cc_channel){
        .env = env,
        .callbacks = callbacks,
        .owner = owner,
    };
    channel->conn = (struct cc_conn){
        .on_open = on_open,
        .on_data = on_data,
        .on_sent = on_sent,
        .on_closed = on_closed,
        .owner = channel,
    };
    channel->task = (struct cc_task){.run = run, .owner = channel};
    cc_frame_decoder_init(&channel->decoder, memory, body_size_max);
    if (CC_BUG(T110)) {
        output_size_max = UINT32_MAX;
    }
    cc_writer_init(&channel->outputs[0], memory, output_size_max);
    cc_writer_init(&channel->outputs[1], memory, output_size_max);
}

void cc_channel_connect(struct cc_channel *channel, const char *address)
{
    cc_env_conn_connect(channel->env, &channel->conn, address);
}

struct cc_conn *cc_channel_accept(struct cc_channel *channel)
{
    channel->is_open = true;
    return &channel->conn;
}

void cc_channel_limit(struct cc_channel *channel, uint32_t body_size_max)
{
    cc_frame_decoder_limit(&channel->decoder, body_size_max);
}

struct cc_writer *cc_channel_begin(struct cc_channel *channel, uint16_t type, uint32_t group)
{
    struct cc_writer *output = gathering(channel);

    CC_ASSERT(!channel->is_framing); /* H3 */
    channel->is_framing = true;
    /* Closed: a writer without memory takes nothing, so whatever is written goes nowhere. */
    channel->frame_start = cc_frame_begin(output, type, group);
    return output;
}

void cc_channel_end(struct cc_channel *channel)
{
    struct cc_writer *output = gathering(channel);

    CC_ASSERT(channel->is_framing); /* H3 */
    channel->is_framing = false;
    if (channel->is_closed) {
        return;
    }
    if (output->failed) {
        /* If it is not memory, the other side does not read (T-110). */
        channel->trouble = output->is_short ? COPYCAT_ERR_MEMORY : COPYCAT_ERR_TOO_LARGE;
    } else {
        cc_frame_end(output, channel->frame_start);
        channel->env->counters.frames_sent++;
    }
    cc_env_later(channel->env, &channel->task);
}

size_t cc_channel_queued(const struct cc_channel *channel)
{
    return channel->outputs[0].size + channel->outputs[1].size;
}

void cc_channel_close(struct cc_channel *channel)
{
    if (channel->is_closed) {
        return;
    }
    channel->is_closed = true;
    channel->is_open = false;
    cc_env_task_cancel(channel->env, &channel->task);
    cc_env_conn_close(channel->env, &channel->conn);
    cc_writer_deinit(&channel->outputs[0]);
    cc_writer_deinit(&channel->outputs[1]);
    if (!channel->is_receiving) {
        cc_frame_decoder_deinit(&channel->decoder);
    }
}

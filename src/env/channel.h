/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel -- frames over one connection.
 *
 * Where it sits:   on top of env's bytes; used by client and server.
 * Output:          frames gather in one buffer and leave in one write at the end of the pass; while
 *                  a write is under way they gather in the other.  One flush per connection and
 *                  pass.
 * Memory:          two output buffers and at most one partial frame, each bounded.
 *
 * Invariants
 *   H1  on_closed comes at most once, never after cc_channel_close, never inside a call into the
 *       channel: what goes wrong inside cc_channel_end is reported in a later task
 *   H2  on_frame is not called after close, also not for frames already received
 *   H3  one frame is written at a time: each cc_channel_begin is followed by its cc_channel_end
 */
#ifndef CC_ENV_CHANNEL_H
#define CC_ENV_CHANNEL_H

#include "env/env.h"
#include "wire/frame.h"

struct cc_channel;

struct cc_channel_callbacks {
    void (*on_open)(struct cc_channel *channel); /* after connect; may be NULL for accepted ones */
    void (*on_frame)(struct cc_channel *channel, const struct cc_frame *frame);
    /* OK: the other side or the network ended it; else what was wrong with its bytes or ours. */
    void (*on_closed)(struct cc_channel *channel, copycat_status status);
};

struct cc_channel {
    struct cc_env *env;
    const struct cc_channel_callbacks *callbacks;
    void *owner;
    struct cc_conn conn;
    struct cc_frame_decoder decoder;
    struct cc_writer outputs[2];
    uint32_t filling; /* which output gathers */
    bool is_writing;  /* the other one is under way */
    bool is_open;     /* connected */
    bool is_closed;
    bool is_receiving; /* inside the decoder's loop: it is freed after it */
    bool is_framing;   /* between begin and end */
    size_t frame_start;
    copycat_status trouble; /* to be reported by the task */
    struct cc_task task;
};

/*
 * Partner: cc_channel_close.  Not connected yet.  `output_size_max` bounds each output buffer.  A
 * channel that was closed may be made anew, but neither that nor freeing it is legal inside
 * on_frame.
 */
void cc_channel_init(
    struct cc_channel *channel,
    struct cc_env *env,
    const struct cc_memory *memory,
    uint32_t body_size_max,
    uint32_t output_size_max,
    const struct cc_channel_callbacks *callbacks,
    void *owner);

void cc_channel_connect(struct cc_channel *channel, const char *address);

/* For a listener's on_accept: the connection to hand to the environment. */
struct cc_conn *cc_channel_accept(struct cc_channel *channel);

/* Raises the limit of what may come in. */
void cc_channel_limit(struct cc_channel *channel, uint32_t body_size_max);

/* Begins a frame; its body is written to what is returned, then cc_channel_end. */
struct cc_writer *cc_channel_begin(struct cc_channel *channel, uint16_t type, uint32_t group);
void cc_channel_end(struct cc_channel *channel);

/* Bytes that have not left yet. */
size_t cc_channel_queued(const struct cc_channel *channel);

/* Hangs up and frees what the channel owns; again is harmless; legal inside its callbacks. */
void cc_channel_close(struct cc_channel *channel);

#endif /* CC_ENV_CHANNEL_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_stream -- bytes over one non-blocking connection, gathered and sent once, watched by one
 * epoll: the least that such a thing can cost.  Any error ends the process.
 */
#ifndef BENCH_FLOOR_STREAM_H
#define BENCH_FLOOR_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct floor_bytes {
    unsigned char *data;
    size_t size;
    size_t capacity;
};

struct floor_stream {
    int descriptor;
    bool is_listener;
    bool is_waiting; /* for room to send */
    size_t sent;     /* of output */
    struct floor_bytes input;
    struct floor_bytes output;
};

/* Says so and ends the process. */
_Noreturn void floor_fail(const char *what);

void floor_append(struct floor_bytes *bytes, const void *data, size_t size);

/* Removes the first `size`. */
void floor_eat(struct floor_bytes *bytes, size_t size);

/* Watched by `poll` from now on. */
struct floor_stream *floor_stream_open(int poll, int descriptor);
struct floor_stream *floor_stream_dial(int poll, uint16_t port); /* tries for some seconds */
struct floor_stream *floor_stream_listen(int poll, uint16_t port);

/* The next newcomer, or NULL. */
struct floor_stream *floor_stream_accept(int poll, const struct floor_stream *listener);

/* Once for each event.  False: the other side has hung up. */
bool floor_stream_read(struct floor_stream *stream);
void floor_stream_flush(int poll, struct floor_stream *stream);

void floor_stream_close(struct floor_stream *stream);

#endif /* BENCH_FLOOR_STREAM_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_stream -- see floor_stream.h.
 */
#include "floor_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE (256u << 10)
#define DIALS 500
#define BACKLOG 4096

void floor_fail(const char *what)
{
    fprintf(stderr, "quorum_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static void reserve(struct floor_bytes *bytes, size_t size)
{
    while (bytes->capacity - bytes->size < size) {
        bytes->capacity = bytes->capacity == 0 ? READ_SIZE : bytes->capacity * 2;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL) {
            floor_fail("memory");
        }
    }
}

void floor_append(struct floor_bytes *bytes, const void *data, size_t size)
{
    reserve(bytes, size);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void floor_eat(struct floor_bytes *bytes, size_t size)
{
    if (size > 0) {
        memmove(bytes->data, bytes->data + size, bytes->size - size);
        bytes->size -= size;
    }
}

/* ---- connections ------------------------------------------------------------------------------ */

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

struct floor_stream *floor_stream_open(int poll, int descriptor)
{
    struct floor_stream *stream = calloc(1, sizeof *stream);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
    int one = 1;

    if (stream == NULL) {
        floor_fail("memory");
    }
    stream->descriptor = descriptor;
    (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        floor_fail("epoll");
    }
    return stream;
}

struct floor_stream *floor_stream_dial(int poll, uint16_t port)
{
    const struct timespec pause = {0, 10000000};
    struct sockaddr_in address = loopback(port);

    for (int i = 0; i < DIALS; i++) {
        int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (descriptor < 0) {
            floor_fail("socket");
        }
        if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) {
            return floor_stream_open(poll, descriptor);
        }
        close(descriptor);
        (void)nanosleep(&pause, NULL);
    }
    floor_fail("connect");
}

struct floor_stream *floor_stream_listen(int poll, uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int one = 1;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct floor_stream *stream;

    if (descriptor < 0 || setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(descriptor, BACKLOG) != 0) {
        floor_fail("listen");
    }
    stream = floor_stream_open(poll, descriptor);
    stream->is_listener = true;
    return stream;
}

struct floor_stream *floor_stream_accept(int poll, const struct floor_stream *listener)
{
    int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC);

    return descriptor < 0 ? NULL : floor_stream_open(poll, descriptor);
}

bool floor_stream_read(struct floor_stream *stream)
{
    struct floor_bytes *input = &stream->input;
    ssize_t got;

    reserve(input, READ_SIZE);
    got = recv(stream->descriptor, input->data + input->size, READ_SIZE, MSG_DONTWAIT);
    if (got > 0) {
        input->size += (size_t)got;
    }
    return got > 0 || (got < 0 && errno == EAGAIN);
}

static void wait_for_room(int poll, struct floor_stream *stream, bool is_waiting)
{
    struct epoll_event event = {
        .events = is_waiting ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = stream};

    if (stream->is_waiting != is_waiting) {
        stream->is_waiting = is_waiting;
        (void)epoll_ctl(poll, EPOLL_CTL_MOD, stream->descriptor, &event);
    }
}

void floor_stream_flush(int poll, struct floor_stream *stream)
{
    struct floor_bytes *output = &stream->output;

    while (stream->sent < output->size) {
        ssize_t taken = send(
            stream->descriptor, output->data + stream->sent, output->size - stream->sent,
            MSG_NOSIGNAL | MSG_DONTWAIT);

        if (taken < 0) {
            if (errno != EAGAIN) {
                floor_fail("send");
            }
            wait_for_room(poll, stream, true);
            return;
        }
        stream->sent += (size_t)taken;
    }
    stream->sent = 0;
    output->size = 0;
    wait_for_room(poll, stream, false);
}

void floor_stream_close(struct floor_stream *stream)
{
    close(stream->descriptor);
    free(stream->input.data);
    free(stream->output.data);
    free(stream);
}

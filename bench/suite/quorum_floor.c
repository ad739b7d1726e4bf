/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quorum_floor -- the least that a durable write to two of three can cost on this machine.
 *
 * This is no Raft: one leader, named once, no terms, no recovery.  The road of the bytes is the one
 * that a good implementation has: whatever clients have sent is one batch; it goes to both followers
 * and to the leader's own disk at the same time; one durable write is under way at each; what two of
 * three have is answered, all answers of a connection in one send.  Checksums are computed and the
 * values are copied to where a state would be.  What a system needs beyond this is its own.
 *
 *   quorum_floor follower PORT FILE
 *   quorum_floor leader PORT FILE FOLLOWER-PORT FOLLOWER-PORT
 *   quorum_floor load PORT CONNECTIONS WINDOW SECONDS VALUE-SIZE
 */
#include "base/crc32c.h"
#include "bench_clock.h"
#include "floor_journal.h"
#include "floor_stream.h"
#include "suite_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define EVENTS_MAX 256
#define STREAMS_MAX 4096u
#define KEY_SIZE 16u
#define UNANSWERED_MAX (1u << 17)
#define SLOTS (1u << 15)
#define SLOT_SIZE 1280u
#define BATCH_MAX (2u << 20)

/* A write, and all that is answered to it: its stamp. */
struct request {
    uint32_t size; /* with this head and the padding */
    uint32_t slot;
    uint64_t stamp_ns;
};

/* Leader to follower, before the requests themselves; the answer is `last`, once it is durable. */
struct batch {
    uint64_t last; /* counts requests */
    uint64_t size;
};

struct node {
    int poll;
    struct floor_journal journal;
    struct floor_stream bell; /* only so that it can be told from the others */
    struct floor_bytes unsynced;
    uint64_t unsynced_last;
    uint64_t writing_last;
    unsigned char *state;
    uint32_t checksum;
};

static void open_node(struct node *node, const char *path)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &node->bell};

    memset(node, 0, sizeof *node);
    node->poll = epoll_create1(EPOLL_CLOEXEC);
    node->state = calloc(SLOTS, SLOT_SIZE);
    if (node->poll < 0 || node->state == NULL) {
        floor_fail("epoll");
    }
    floor_journal_open(&node->journal, path);
    if (epoll_ctl(node->poll, EPOLL_CTL_ADD, node->journal.bell, &event) != 0) {
        floor_fail("epoll");
    }
}

/* What would be a state machine's: each value to its place. */
static void apply(struct node *node, const struct floor_bytes *requests)
{
    struct request request;

    node->checksum ^= cc_crc32c(0, requests->data, requests->size);
    for (size_t at = 0; at < requests->size; at += request.size) {
        memcpy(&request, requests->data + at, sizeof request);
        memcpy(
            node->state + (size_t)(request.slot % SLOTS) * SLOT_SIZE, requests->data + at,
            request.size < SLOT_SIZE ? request.size : SLOT_SIZE);
    }
}

/* One write for all that has gathered while the one before was under way. */
static void sync_unsynced(struct node *node)
{
    if (!node->journal.is_writing && node->unsynced.size > 0) {
        node->writing_last = node->unsynced_last;
        floor_journal_write(&node->journal, node->unsynced.data, node->unsynced.size);
        apply(node, &node->unsynced);
        node->unsynced.size = 0;
    }
}

/* ---- follower --------------------------------------------------------------------------------- */

static void take_batches(struct node *node, struct floor_stream *leader)
{
    struct floor_bytes *input = &leader->input;
    struct batch batch;
    size_t at = 0;

    while (input->size - at >= sizeof batch) {
        memcpy(&batch, input->data + at, sizeof batch);
        if (input->size - at - sizeof batch < batch.size ||
            node->unsynced.size + batch.size > BATCH_MAX) {
            break;
        }
        floor_append(&node->unsynced, input->data + at + sizeof batch, batch.size);
        node->unsynced_last = batch.last;
        at += sizeof batch + batch.size;
    }
    floor_eat(input, at);
}

static void follow(uint16_t port, const char *path)
{
    static struct node node;
    struct floor_stream *leader = NULL;
    struct epoll_event events[EVENTS_MAX];

    open_node(&node, path);

    struct floor_stream *listener = floor_stream_listen(node.poll, port);

    for (;;) {
        int count = epoll_wait(node.poll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            struct floor_stream *stream = events[i].data.ptr;

            if (stream == listener) {
                leader = floor_stream_accept(node.poll, listener);
            } else if (stream != &node.bell) {
                if (!floor_stream_read(stream)) {
                    return; /* the leader has ended */
                }
            } else if (floor_journal_is_done(&node.journal)) {
                floor_append(&leader->output, &node.writing_last, sizeof node.writing_last);
            }
        }
        if (leader != NULL) {
            take_batches(&node, leader);
            sync_unsynced(&node);
            floor_stream_flush(node.poll, leader);
        }
    }
}

/* ---- leader ----------------------------------------------------------------------------------- */

struct unanswered {
    struct floor_stream *client;
    uint64_t stamp_ns;
};

struct leader {
    struct node node;
    struct floor_stream *listener;
    struct floor_stream *followers[2];
    struct floor_stream *clients[STREAMS_MAX];
    uint32_t client_count;
    struct unanswered *unanswered; /* a ring, by number of request */
    uint64_t last;
    uint64_t answered;
    uint64_t durable[3]; /* here, and at each follower */
};

/* Its unanswered requests stay in the ring, for nobody. */
static void drop_client(struct leader *leader, struct floor_stream *client)
{
    for (uint64_t i = leader->answered; i < leader->last; i++) {
        struct unanswered *one = &leader->unanswered[i % UNANSWERED_MAX];

        one->client = one->client == client ? NULL : one->client;
    }
    for (uint32_t i = 0; i < leader->client_count; i++) {
        if (leader->clients[i] == client) {
            leader->clients[i] = leader->clients[--leader->client_count];
        }
    }
    floor_stream_close(client);
}

static void gather_from(struct leader *leader, struct floor_stream *client)
{
    struct floor_bytes *batch = &leader->node.unsynced;
    struct request request;
    size_t at = 0;

    while (client->input.size - at >= sizeof request) {
        memcpy(&request, client->input.data + at, sizeof request);
        if (client->input.size - at < request.size || batch->size + request.size > BATCH_MAX ||
            leader->last - leader->answered == UNANSWERED_MAX) {
            break;
        }
        leader->unanswered[leader->last++ % UNANSWERED_MAX] =
            (struct unanswered){client, request.stamp_ns};
        floor_append(batch, client->input.data + at, request.size);
        at += request.size;
    }
    floor_eat(&client->input, at);
}

/* The followers get what is new at once; the leader's own disk takes it with its next write. */
static void gather(struct leader *leader)
{
    struct node *node = &leader->node;
    size_t before = node->unsynced.size;
    struct batch head;

    for (uint32_t i = 0; i < leader->client_count; i++) {
        gather_from(leader, leader->clients[i]);
    }
    if (node->unsynced.size > before) {
        node->unsynced_last = leader->last;
        head = (struct batch){leader->last, node->unsynced.size - before};
        for (int i = 0; i < 2; i++) {
            floor_append(&leader->followers[i]->output, &head, sizeof head);
            floor_append(
                &leader->followers[i]->output, node->unsynced.data + before, (size_t)head.size);
            floor_stream_flush(node->poll, leader->followers[i]);
        }
    }
}

/* What at least two have. */
static uint64_t middle(const uint64_t three[3])
{
    uint64_t low = three[0] < three[1] ? three[0] : three[1];
    uint64_t high = three[0] < three[1] ? three[1] : three[0];

    return three[2] < low ? low : three[2] > high ? high : three[2];
}

static void answer(struct leader *leader)
{
    uint64_t durable = middle(leader->durable);

    for (; leader->answered < durable; leader->answered++) {
        struct unanswered *one = &leader->unanswered[leader->answered % UNANSWERED_MAX];

        if (one->client != NULL) {
            floor_append(&one->client->output, &one->stamp_ns, sizeof one->stamp_ns);
        }
    }
    for (uint32_t i = 0; i < leader->client_count; i++) {
        floor_stream_flush(leader->node.poll, leader->clients[i]);
    }
}

static void take_event(struct leader *leader, struct floor_stream *stream)
{
    bool is_open;

    if (stream == &leader->node.bell) {
        if (floor_journal_is_done(&leader->node.journal)) {
            leader->durable[0] = leader->node.writing_last;
        }
        return;
    }
    if (stream == leader->listener) {
        stream = floor_stream_accept(leader->node.poll, stream);
        if (stream != NULL && leader->client_count < STREAMS_MAX) {
            leader->clients[leader->client_count++] = stream;
        }
        return;
    }
    is_open = floor_stream_read(stream);
    for (int i = 0; i < 2; i++) {
        if (stream == leader->followers[i]) {
            size_t whole = stream->input.size / sizeof(uint64_t) * sizeof(uint64_t);

            if (whole > 0) {
                memcpy(
                    &leader->durable[i + 1], stream->input.data + whole - sizeof(uint64_t),
                    sizeof(uint64_t));
                floor_eat(&stream->input, whole);
            }
            return;
        }
    }
    if (!is_open) {
        drop_client(leader, stream);
    }
}

static void lead(uint16_t port, const char *path, uint16_t first, uint16_t second)
{
    static struct leader leader;
    struct epoll_event events[EVENTS_MAX];

    open_node(&leader.node, path);
    leader.unanswered = calloc(UNANSWERED_MAX, sizeof *leader.unanswered);
    leader.followers[0] = floor_stream_dial(leader.node.poll, first);
    leader.followers[1] = floor_stream_dial(leader.node.poll, second);
    leader.listener = floor_stream_listen(leader.node.poll, port);
    while (leader.unanswered != NULL) {
        int count = epoll_wait(leader.node.poll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            take_event(&leader, events[i].data.ptr);
        }
        gather(&leader);
        sync_unsynced(&leader.node);
        answer(&leader);
    }
    floor_fail("memory");
}

/* ---- load ------------------------------------------------------------------------------------- */

struct load {
    int poll;
    unsigned char *request;
    uint32_t request_size;
    uint64_t random;
    uint64_t under_way;
    uint64_t until_ns;
    struct suite_result *result;
};

static void ask(struct load *load, struct floor_stream *stream, uint64_t now_ns)
{
    struct request head = {.size = load->request_size, .stamp_ns = now_ns};

    load->random = load->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    head.slot = (uint32_t)(load->random >> 33);
    memcpy(load->request, &head, sizeof head);
    memcpy(load->request + sizeof head, &load->random, sizeof load->random);
    floor_append(&stream->output, load->request, load->request_size);
    load->under_way++;
}

static void take_answers(struct load *load, struct floor_stream *stream)
{
    uint64_t now_ns = bench_now_ns();
    uint64_t stamp_ns;
    size_t at = 0;

    for (; stream->input.size - at >= sizeof stamp_ns; at += sizeof stamp_ns) {
        memcpy(&stamp_ns, stream->input.data + at, sizeof stamp_ns);
        load->under_way--;
        if (now_ns < load->until_ns) {
            bench_histogram_add(&load->result->latency_ns, now_ns - stamp_ns);
            load->result->operations++;
            ask(load, stream, now_ns);
        }
    }
    floor_eat(&stream->input, at);
}

static void put_load(
    uint16_t port, uint32_t connections, uint32_t window, double seconds, uint32_t value_size)
{
    static struct suite_result result;
    struct load load = {.poll = epoll_create1(EPOLL_CLOEXEC), .random = 1, .result = &result};
    struct epoll_event events[EVENTS_MAX];
    uint64_t now_ns = bench_now_ns();

    load.request_size = (uint32_t)(sizeof(struct request) + KEY_SIZE + value_size + 7) / 8 * 8;
    load.request = calloc(1, load.request_size);
    load.until_ns = now_ns + (uint64_t)(seconds * 1e9);
    if (load.poll < 0 || load.request == NULL) {
        floor_fail("memory");
    }
    for (uint32_t i = 0; i < connections; i++) {
        struct floor_stream *stream = floor_stream_dial(load.poll, port);

        for (uint32_t j = 0; j < window; j++) {
            ask(&load, stream, now_ns);
        }
        floor_stream_flush(load.poll, stream);
    }
    while (load.under_way > 0) {
        int count = epoll_wait(load.poll, events, EVENTS_MAX, -1);

        for (int i = 0; i < count; i++) {
            struct floor_stream *stream = events[i].data.ptr;

            if (!floor_stream_read(stream)) {
                floor_fail("the leader has hung up");
            }
            take_answers(&load, stream);
            floor_stream_flush(load.poll, stream);
        }
    }
    result.seconds = seconds;
    suite_result_print(&result);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "follower") == 0) {
        follow((uint16_t)atoi(argv[2]), argv[3]);
    } else if (argc == 6 && strcmp(argv[1], "leader") == 0) {
        lead((uint16_t)atoi(argv[2]), argv[3], (uint16_t)atoi(argv[4]), (uint16_t)atoi(argv[5]));
    } else if (argc == 7 && strcmp(argv[1], "load") == 0) {
        put_load(
            (uint16_t)atoi(argv[2]), (uint32_t)atoi(argv[3]), (uint32_t)atoi(argv[4]),
            atof(argv[5]), (uint32_t)atoi(argv[6]));
    } else {
        fprintf(stderr, "usage: quorum_floor follower|leader|load ...\n");
        return 2;
    }
    return 0;
}

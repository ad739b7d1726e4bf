/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue -- completions, in the order in which they came; see copycat/future.h.
 *
 * What is in the queue are the futures themselves, so that delivering needs no memory.
 */
#include "api/forks.h"
#include "api/handle.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct copycat_queue {
    pthread_mutex_t lock;
    struct copycat_future *first;
    struct copycat_future **last;
    int descriptor;
    uint32_t forks;
};

copycat_status copycat_queue_open(copycat_queue **queue_out)
{
    copycat_queue *queue = calloc(1, sizeof *queue);

    if (queue == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    cc_forks_watch();
    queue->forks = cc_forks();
    queue->last = &queue->first;
    queue->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->descriptor < 0 || pthread_mutex_init(&queue->lock, NULL) != 0) {
        if (queue->descriptor >= 0) {
            close(queue->descriptor);
        }
        free(queue);
        return COPYCAT_ERR_MEMORY;
    }
    *queue_out = queue;
    return COPYCAT_OK;
}

void copycat_queue_close(copycat_queue *queue)
{
    struct copycat_future *left;

    if (queue == NULL) {
        return;
    }
    if (queue->forks != cc_forks()) {
        return; /* its descriptor and its futures are the parent's */
    }
    /* Who has just pushed may be on his way out still: the descriptor was readable before. */
    pthread_mutex_lock(&queue->lock);
    left = queue->first;
    pthread_mutex_unlock(&queue->lock);
    while (left != NULL) {
        struct copycat_future *future = left;

        left = future->next;
        copycat_value_free(future->value);
        cc_future_recycle(future);
    }
    close(queue->descriptor);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

int copycat_queue_fd(const copycat_queue *queue)
{
    return queue->descriptor;
}

/* The descriptor is readable while something is there.  An eventfd takes any number of these. */
static void ring(const copycat_queue *queue)
{
    uint64_t one = 1;
    ssize_t written = write(queue->descriptor, &one, sizeof one);

    (void)written; /* it fails only where it is readable already */
}

static void silence(const copycat_queue *queue)
{
    uint64_t count;
    ssize_t got = read(queue->descriptor, &count, sizeof count);

    (void)got; /* it fails only where it is silent already */
}

void cc_queue_push(copycat_queue *queue, copycat_future *future)
{
    pthread_mutex_lock(&queue->lock);
    future->next = NULL;
    if (queue->first == NULL) {
        ring(queue);
    }
    *queue->last = future;
    queue->last = &future->next;
    pthread_mutex_unlock(&queue->lock);
}

/* False if there is nothing. */
static bool take_one(copycat_queue *queue, copycat_completion *out)
{
    struct copycat_future *future;

    pthread_mutex_lock(&queue->lock);
    future = queue->first;
    if (future != NULL) {
        *out = (copycat_completion){future->tag, future->value, future->status, 0};
        queue->first = future->next;
    }
    if (future != NULL && queue->first == NULL) {
        queue->last = &queue->first;
        silence(queue);
    }
    pthread_mutex_unlock(&queue->lock);
    if (future != NULL) {
        cc_future_recycle(future);
    }
    return future != NULL;
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* For poll: until `end_ms`, in pieces that fit. */
static int wait_ms(uint64_t end_ms)
{
    uint64_t now = now_ms();
    uint64_t left = end_ms > now ? end_ms - now : 0;

    return left > INT32_MAX ? INT32_MAX : (int)left;
}

copycat_status copycat_queue_next(
    copycat_queue *queue, uint64_t timeout_ms, copycat_completion *completion_out)
{
    struct pollfd wanted = {.fd = queue->descriptor, .events = POLLIN};
    uint64_t start = now_ms();
    uint64_t end = timeout_ms > COPYCAT_NONE - start ? COPYCAT_NONE : start + timeout_ms;

    if (queue->forks != cc_forks()) {
        return COPYCAT_ERR_CLOSED;
    }
    while (!take_one(queue, completion_out)) {
        if (now_ms() >= end) {
            return COPYCAT_ERR_TIMEOUT;
        }
        (void)poll(&wanted, 1, wait_ms(end)); /* another thread may take it before us: look again */
    }
    return COPYCAT_OK;
}

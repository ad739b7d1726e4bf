/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_watch -- a descriptor in the loop.  libuv frees nothing at once: a watch goes with the pass
 * after its closing, so whoever holds one within a callback may still look whether it has an owner.
 */
#include "env/uv/uv_internal.h"

static void polled(uv_poll_t *poll, int status, int events)
{
    struct cc_uv_watch *watch = poll->data;

    watch->uv->happenings++;
    if (status < 0) {
        watch->events = 0; /* libuv has stopped it */
    }
    if (watch->owner != NULL) {
        watch->ready(watch->owner, status < 0 ? 0 : events);
    }
}

static void closed(uv_handle_t *handle)
{
    struct cc_uv_watch *watch = handle->data;

    cc_memory_give(watch->uv->env.memory, watch);
}

struct cc_uv_watch *cc_uv_watch_open(
    struct cc_env_uv *uv, int descriptor, void (*ready)(void *owner, int events), void *owner)
{
    struct cc_uv_watch *watch = cc_memory_try(uv->env.memory, sizeof *watch);

    if (watch == NULL) {
        return NULL;
    }
    if (uv_poll_init(&uv->loop, &watch->poll, descriptor) != 0) {
        cc_memory_give(uv->env.memory, watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->uv = uv;
    watch->descriptor = descriptor;
    watch->ready = ready;
    watch->owner = owner;
    return watch;
}

void cc_uv_watch_set(struct cc_uv_watch *watch, int events)
{
    if (watch->events == events) {
        return;
    }
    watch->events = events;
    if (events == 0) {
        uv_poll_stop(&watch->poll);
    } else {
        uv_poll_start(&watch->poll, events, polled);
    }
    cc_uv_wake(watch->uv);
}

int cc_uv_watch_close(struct cc_uv_watch *watch)
{
    watch->owner = NULL;
    uv_close((uv_handle_t *)&watch->poll, closed);
    return watch->descriptor;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_timer -- a heap of deadlines and one timer of the system.
 *
 * libuv's own timers stop while the machine sleeps and are not behind its descriptor, so a host's
 * loop could not wait for them; a timerfd on CLOCK_BOOTTIME is and does not.
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define US_PER_SECOND UINT64_C(1000000)
#define NEVER UINT64_MAX

uint64_t cc_uv_now_us(struct cc_env *env)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_BOOTTIME, &now);

    (void)env;
    CC_ASSERT(failed == 0);
    return (uint64_t)now.tv_sec * US_PER_SECOND + (uint64_t)now.tv_nsec / 1000;
}

/* A timer's place in the heap lives in its `backend`. */
static void moved(void *item, uint32_t place)
{
    struct cc_timer *timer = item;

    timer->backend = (void *)(uintptr_t)place;
}

static void went_off(void *owner, int events)
{
    struct cc_env_uv *uv = owner;
    uint64_t times;

    (void)events;
    if (read(uv->alarm->descriptor, &times, sizeof times) > 0) {
        uv->alarm_us = NEVER;
    }
}

copycat_status cc_uv_timers_open(struct cc_env_uv *uv)
{
    int descriptor = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);

    cc_heap_init(&uv->timers, uv->env.memory, moved);
    uv->alarm_us = NEVER;
    if (descriptor < 0) {
        return COPYCAT_ERR_IO;
    }
    if (!cc_heap_reserve(&uv->timers)) { /* arming the few timers of a client cannot fail then */
        close(descriptor);
        return COPYCAT_ERR_MEMORY;
    }
    uv->alarm = cc_uv_watch_open(uv, descriptor, went_off, uv);
    if (uv->alarm == NULL) {
        close(descriptor);
        return COPYCAT_ERR_IO;
    }
    cc_uv_watch_set(uv->alarm, UV_READABLE);
    return COPYCAT_OK;
}

void cc_uv_timers_close(struct cc_env_uv *uv)
{
    if (uv->alarm != NULL) {
        close(cc_uv_watch_close(uv->alarm));
    }
    cc_heap_deinit(&uv->timers);
}

void cc_uv_timer_disarm(struct cc_env *env, struct cc_timer *timer)
{
    if (timer->armed) {
        cc_heap_remove(&cc_uv_of(env)->timers, (uint32_t)(uintptr_t)timer->backend);
        timer->armed = false;
        timer->backend = NULL;
    }
}

/* What is already past goes behind what has fired: it is the next pass's, and in its order. */
void cc_uv_timer_arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    struct cc_env_uv *uv = cc_uv_of(env);

    if (timer->armed && timer->deadline_us == deadline_us) {
        return;
    }
    cc_uv_timer_disarm(env, timer);
    timer->deadline_us = deadline_us;
    timer->armed = true;
    cc_heap_push(&uv->timers, deadline_us > uv->fired_us ? deadline_us : uv->fired_us + 1, timer);
    cc_uv_wake(uv);
}

void cc_uv_timers_fire(struct cc_env_uv *uv)
{
    const struct cc_heap_slot *slot = cc_heap_least(&uv->timers);
    uint64_t now = slot == NULL ? 0 : cc_uv_now_us(&uv->env);

    if (slot != NULL && slot->key <= now) {
        uv->fired_us = now;
    }
    while ((slot = cc_heap_least(&uv->timers)) != NULL && slot->key <= now) {
        struct cc_timer *timer = slot->item;

        cc_uv_timer_disarm(&uv->env, timer);
        uv->happenings++;
        timer->fire(timer);
    }
}

/* An alarm that goes off too early costs a pass; setting it for each change of the heap, more. */
void cc_uv_timers_set(struct cc_env_uv *uv)
{
    const struct cc_heap_slot *slot = cc_heap_least(&uv->timers);
    struct itimerspec setting = {0};
    int failed;

    if (slot == NULL || slot->key >= uv->alarm_us) {
        return;
    }
    setting.it_value.tv_sec = (time_t)(slot->key / US_PER_SECOND);
    setting.it_value.tv_nsec = (long)(slot->key % US_PER_SECOND) * 1000;
    failed = timerfd_settime(uv->alarm->descriptor, TFD_TIMER_ABSTIME, &setting, NULL);
    CC_ASSERT(failed == 0);
    uv->alarm_us = slot->key;
}

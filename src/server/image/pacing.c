/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacing -- see pacing.h.
 */
#include "server/image/pacing.h"

#define REST_TIMES 2u
#define REST_US_MAX UINT64_C(5000) /* a slice that took longer was kept waiting by others */

void cc_pacing_begin(struct cc_pacing *pacing, bool is_work)
{
    pacing->begun_us = is_work ? cc_env_now_us(pacing->env) : 0;
}

void cc_pacing_run(struct cc_pacing *pacing)
{
    cc_pacing_cancel(pacing);
    cc_pacing_begin(pacing, true);
    pacing->run(pacing->owner);
}

static void run(struct cc_task *task)
{
    cc_pacing_run(task->owner);
}

static void fire(struct cc_timer *timer)
{
    cc_pacing_run(timer->owner);
}

void cc_pacing_init(
    struct cc_pacing *pacing,
    struct cc_env *env,
    void (*slice)(void *owner),
    uint32_t (*haste)(const void *owner),
    void *owner)
{
    *pacing = (struct cc_pacing){.env = env, .run = slice, .haste = haste, .owner = owner};
    pacing->task = (struct cc_task){.run = run, .owner = pacing};
    pacing->timer = (struct cc_timer){.fire = fire, .owner = pacing};
}

void cc_pacing_go_on(struct cc_pacing *pacing)
{
    if (!pacing->timer.armed) {
        cc_env_later(pacing->env, &pacing->task);
    }
}

bool cc_pacing_rest(struct cc_pacing *pacing)
{
    uint64_t now_us = cc_env_now_us(pacing->env);
    uint64_t took_us = pacing->begun_us == 0 ? 0 : now_us - pacing->begun_us;
    uint32_t haste = pacing->haste(pacing->owner);
    uint64_t rest_us = haste < REST_TIMES ? took_us * (REST_TIMES - haste) : 0;

    rest_us = rest_us < REST_US_MAX ? rest_us : REST_US_MAX;
    if (rest_us > 0) {
        cc_env_timer_arm(pacing->env, &pacing->timer, now_us + rest_us);
    }
    return rest_us > 0;
}

void cc_pacing_cancel(struct cc_pacing *pacing)
{
    cc_env_task_cancel(pacing->env, &pacing->task);
    cc_env_timer_disarm(pacing->env, &pacing->timer);
}

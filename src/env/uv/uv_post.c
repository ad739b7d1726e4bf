/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_post -- the way onto the loop's thread: one inbox, for posts and for jobs that are done.
 *
 * A push is one exchange and takes no lock, so that a thread of the host is never held up by ours.
 * The inbox is a stack; whoever empties it turns it round.
 */
#include "env/uv/uv_internal.h"

void cc_env_uv_post(struct cc_env *env, struct cc_post *post)
{
    struct cc_env_uv *uv = cc_uv_of(env);
    struct cc_post *newest = atomic_load_explicit(&uv->inbox, memory_order_relaxed);

    do {
        post->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(
        &uv->inbox, &newest, post, memory_order_seq_cst, memory_order_relaxed));
    /* Who finds it empty rings the bell, unless the loop will look by itself; the others' posts are
     * found behind his. */
    if (newest == NULL && !atomic_load(&uv->is_awake)) {
        uv_async_send(&uv->async);
    }
}

void cc_env_uv_stop(struct cc_env *env)
{
    struct cc_env_uv *uv = cc_uv_of(env);

    atomic_store(&uv->is_stopping, true);
    uv_async_send(&uv->async);
}

void cc_uv_inbox_empty(struct cc_env_uv *uv)
{
    struct cc_post *newest = atomic_exchange_explicit(&uv->inbox, NULL, memory_order_acquire);
    struct cc_post *oldest = NULL;

    while (newest != NULL) {
        struct cc_post *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != NULL) {
        struct cc_post *post = oldest;

        oldest = post->next;
        uv->happenings++;
        post->run(post);
    }
}

void cc_uv_wake(struct cc_env_uv *uv)
{
    if (!uv->in_pass && !uv->is_woken && !uv->is_closing) {
        uv->is_woken = true;
        uv_async_send(&uv->async);
    }
}

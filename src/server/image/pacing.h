/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pacing -- work that can wait, done in slices: after each it rests up to twice as long as that took, so
 * that whoever asks something meanwhile waits for one small slice at most, and has most of the
 * thread, of the processor and of the disk.
 *
 * Where it sits:   between what takes images or checks them and the environment's timers.
 */
#ifndef CC_SERVER_IMAGE_PACING_H
#define CC_SERVER_IMAGE_PACING_H

#include "env/env.h"

struct cc_pacing {
    struct cc_env *env;
    struct cc_task task;   /* a slice at the end of this pass, or ... */
    struct cc_timer timer; /* ... after the rest */
    void (*run)(void *owner);
    uint32_t (*haste)(const void *owner);
    void *owner;
    uint64_t begun_us; /* of the slice; 0: what it does is to wait */
};

/* `slice` is called for each slice, `haste` after it: 0: there is time; 1: the rest is as long as the
 * slice; 2 and more: there is no rest. */
void cc_pacing_init(
    struct cc_pacing *pacing,
    struct cc_env *env,
    void (*slice)(void *owner),
    uint32_t (*haste)(const void *owner),
    void *owner);

/* A slice at the end of the pass; nothing if one has been asked for, then or after a rest. */
void cc_pacing_go_on(struct cc_pacing *pacing);

/* A slice at once, inside the call. */
void cc_pacing_run(struct cc_pacing *pacing);

/* Says that a slice begins that `run` is not called for; what it does may be only to wait, which is no
 * work: there is no rest after it. */
void cc_pacing_begin(struct cc_pacing *pacing, bool is_work);

/* At the end of a slice: true if there is a rest, and another slice after it. */
bool cc_pacing_rest(struct cc_pacing *pacing);

void cc_pacing_cancel(struct cc_pacing *pacing);

#endif /* CC_SERVER_IMAGE_PACING_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * building -- all records of an image were taken: now the machines build their states, a slice in each
 * pass, so heartbeats go on.
 *
 * Where it sits:   loading -> [building] -> apply/restore.
 */
#ifndef CC_SERVER_IMAGE_BUILDING_H
#define CC_SERVER_IMAGE_BUILDING_H

#include "apply/restore.h"
#include "server/image/pacing.h"

/* All zero: not begun. */
struct cc_building {
    struct cc_pacing pacing;
    struct cc_restoring *restoring;
    void (*done)(void *owner);
    void *owner;
    uint32_t (*haste)(const void *owner); /* NULL: it never rests */
    bool is_cut;
};

/* `done` comes once, never inside the call, when nothing is left.  `haste` may be NULL, else as in
 * pacing.h. */
void cc_building_begin(
    struct cc_building *building,
    struct cc_env *env,
    struct cc_restoring *restoring,
    uint32_t (*haste)(const void *owner),
    void (*done)(void *owner),
    void *owner);

/* It has begun, and `done` is still to come. */
bool cc_building_is_on(const struct cc_building *building);

/* It does no more; `done` comes, not inside the call. */
void cc_building_cut(struct cc_building *building);

#endif /* CC_SERVER_IMAGE_BUILDING_H */

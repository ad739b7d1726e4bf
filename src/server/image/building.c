/* SPDX-License-Identifier: Apache-2.0 */
/*
 * building -- see building.h.
 */
#include "server/image/building.h"

#include "base/assert.h"

#define STEPS_MAX 8u /* in a slice: a few milliseconds at most */

static uint32_t ask_owner(const void *owner)
{
    const struct cc_building *building = owner;

    return building->haste(building->owner);
}

/* Small machines take a step each, and there may be many of them. */
static bool is_more(struct cc_building *building)
{
    for (uint32_t i = 0; i < STEPS_MAX && !building->is_cut; i++) {
        if (!cc_restore_step(building->restoring)) {
            return false;
        }
    }
    return !building->is_cut;
}

static void build(void *owner)
{
    struct cc_building *building = owner;

    if (!is_more(building)) {
        building->restoring = NULL;
        building->done(building->owner);
    } else if (building->haste == NULL || !cc_pacing_rest(&building->pacing)) {
        cc_pacing_go_on(&building->pacing);
    }
}

void cc_building_begin(
    struct cc_building *building,
    struct cc_env *env,
    struct cc_restoring *restoring,
    uint32_t (*haste)(const void *owner),
    void (*done)(void *owner),
    void *owner)
{
    CC_ASSERT(building->restoring == NULL && restoring != NULL);
    *building =
        (struct cc_building){.restoring = restoring, .done = done, .owner = owner, .haste = haste};
    cc_pacing_init(&building->pacing, env, build, ask_owner, building);
    cc_pacing_go_on(&building->pacing);
}

bool cc_building_is_on(const struct cc_building *building)
{
    return building->restoring != NULL;
}

void cc_building_cut(struct cc_building *building)
{
    CC_ASSERT(cc_building_is_on(building));
    building->is_cut = true;
    cc_pacing_cancel(&building->pacing);
    cc_pacing_go_on(&building->pacing);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offering -- see offering.h.
 */
#include "server/image/offering.h"

#include "server/group/group.h"
#include "server/image/image_name.h"
#include "server/node/node.h"

/* One neighbour. */
struct taker {
    uint32_t peer;
    uint64_t offer_us; /* the next offer, if it needs one */
};

struct cc_offering {
    struct cc_group *group;
    struct taker takers[CC_MEMBERS_MAX];
    uint32_t taker_count;
};

struct cc_offering *cc_offering_create(struct cc_group *group)
{
    struct cc_offering *offering = cc_memory_take(group->memory, sizeof *offering);
    const struct cc_members *members = cc_server_options(group->server)->members;

    offering->group = group;
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->at[i].id != group->server_id) {
            offering->takers[offering->taker_count++] = (struct taker){.peer = members->at[i].id};
        }
    }
    return offering;
}

void cc_offering_destroy(struct cc_offering *offering)
{
    cc_memory_give(offering->group->memory, offering);
}

static bool wants_offer(const struct cc_group *group, const struct taker *taker)
{
    return group->base.index + 1 >= cc_raft_first(group->core) && group->base.index != 0 &&
           group->base_trouble == COPYCAT_OK && cc_raft_needs_image(group->core, taker->peer) &&
           cc_server_peer_is_up(group->server, taker->peer);
}

static void offer(struct cc_group *group, struct taker *taker)
{
    struct cc_image_offer message = {
        .term = cc_raft_term(group->core),
        .image = cc_image_name_of(&group->base),
    };

    taker->offer_us = cc_env_now_us(group->env) + group->election_timeout_us;
    cc_image_offer_encode(
        cc_server_peer_begin(group->server, taker->peer, CC_MESSAGE_IMAGE_OFFER, group->id),
        &message);
    cc_server_peer_end(group->server, taker->peer);
}

static struct taker *find(struct cc_offering *offering, uint32_t peer)
{
    for (uint32_t i = 0; i < offering->taker_count; i++) {
        if (offering->takers[i].peer == peer) {
            return &offering->takers[i];
        }
    }
    return NULL;
}

void cc_offering_offer(struct cc_offering *offering, uint32_t peer)
{
    struct taker *taker = find(offering, peer);

    if (taker != NULL && cc_server_peer_is_up(offering->group->server, peer)) {
        offer(offering->group, taker);
    }
}

void cc_offering_go_on(struct cc_offering *offering)
{
    uint64_t now = cc_env_now_us(offering->group->env);

    for (uint32_t i = 0; i < offering->taker_count; i++) {
        struct taker *taker = &offering->takers[i];

        if (now >= taker->offer_us && wants_offer(offering->group, taker)) {
            offer(offering->group, taker);
        }
    }
}

uint64_t cc_offering_due_us(const struct cc_offering *offering)
{
    uint64_t due = COPYCAT_NONE;

    for (uint32_t i = 0; i < offering->taker_count; i++) {
        const struct taker *taker = &offering->takers[i];

        if (taker->offer_us < due && wants_offer(offering->group, taker)) {
            due = taker->offer_us;
        }
    }
    return due;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offering -- see offering.h.
 *
 * From the offer on, for as long as the member says that it gets on, and then until it has as much:
 * entries behind its image are kept here, and through the core's floor on the other members, who may
 * lead next.  Who does not get on for a while is not waited for, so that nothing is kept for ever.
 */
#include "server/image/offering.h"

#include "server/group/group.h"
#include "server/image/image_name.h"
#include "server/image/lending.h"
#include "server/node/node.h"

#define PATIENCE_ELECTION_TIMEOUTS 30u

/* One neighbour. */
struct taker {
    uint32_t peer;
    uint64_t offer_us; /* the next offer, if it needs one */
    uint64_t kept;     /* what is behind the image of this index; 0: none was offered, ... */
    uint64_t term;     /* ... in this term */
    uint64_t progress;
    uint64_t progress_us;
    bool is_given_up; /* since there was no progress: nothing is kept until there is some */
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

static struct taker *find(struct cc_offering *offering, uint32_t peer)
{
    for (uint32_t i = 0; i < offering->taker_count; i++) {
        if (offering->takers[i].peer == peer) {
            return &offering->takers[i];
        }
    }
    return NULL;
}

/* ---- what is kept -------------------------------------------------------------------------------
 */

/* Said in this term, of what it still lacks. */
static bool is_known(const struct cc_group *group, const struct taker *taker)
{
    return taker->kept != 0 && taker->term == cc_raft_term(group->core) &&
           cc_raft_role(group->core) == CC_RAFT_LEADER &&
           taker->kept > cc_raft_match(group->core, taker->peer);
}

static bool is_kept(const struct cc_group *group, const struct taker *taker)
{
    return is_known(group, taker) && !taker->is_given_up;
}

static void tell_core(struct cc_group *group, uint32_t peer, uint64_t index)
{
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_FETCHING, .peer = peer, .index = index};

    (void)cc_group_step(group, &event);
}

static void keep(struct cc_group *group, struct taker *taker, uint64_t index, uint64_t progress)
{
    taker->kept = index;
    taker->term = cc_raft_term(group->core);
    taker->progress = progress;
    taker->progress_us = cc_env_now_us(group->env);
    taker->is_given_up = false;
    tell_core(group, taker->peer, index);
}

static void give_up(struct cc_group *group, struct taker *taker)
{
    taker->is_given_up = true;
    tell_core(group, taker->peer, 0);
}

static uint64_t give_up_us(const struct cc_group *group, const struct taker *taker)
{
    return taker->progress_us + PATIENCE_ELECTION_TIMEOUTS * group->election_timeout_us;
}

void cc_offering_told(
    struct cc_offering *offering, uint32_t peer, const struct cc_image_fetching *told)
{
    struct cc_group *group = offering->group;
    struct taker *taker = find(offering, peer);

    if (taker == NULL || cc_raft_role(group->core) != CC_RAFT_LEADER ||
        told->index > cc_raft_commit(group->core)) {
        return;
    }
    if (!is_known(group, taker) || taker->kept != told->index || told->progress > taker->progress) {
        keep(group, taker, told->index, told->progress);
    }
}

uint64_t cc_offering_kept(const struct cc_offering *offering)
{
    uint64_t index = COPYCAT_NONE;

    for (uint32_t i = 0; i < offering->taker_count; i++) {
        const struct taker *taker = &offering->takers[i];

        if (is_kept(offering->group, taker) && taker->kept < index) {
            index = taker->kept;
        }
    }
    return index;
}

/* ---- offers -------------------------------------------------------------------------------------
 */

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
    cc_lending_offered(group->lending, taker->peer);
    if (!is_known(group, taker) && cc_raft_needs_image(group->core, taker->peer)) {
        keep(group, taker, group->base.index, 0);
    }
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

        if (is_kept(offering->group, taker) && now >= give_up_us(offering->group, taker)) {
            give_up(offering->group, taker);
        }
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
        if (is_kept(offering->group, taker) && give_up_us(offering->group, taker) < due) {
            due = give_up_us(offering->group, taker);
        }
    }
    return due;
}

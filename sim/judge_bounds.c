/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_bounds -- queues that stay within their limits.
 */
#include "raft/raft_internal.h"
#include "sim/judge_internal.h"

static void over(struct cc_judge *judge, uint32_t place, const char *queue, uint64_t count)
{
    cc_judge_blame(
        judge, "bounds: server %u has %llu %s", place + 1, (unsigned long long)count, queue);
}

/* T-104: the window is full before the newest append is sent, or it is not sent. */
static void check_windows(struct cc_judge *judge, uint32_t place, const struct cc_raft *core)
{
    for (uint32_t i = 0; i < core->peer_count && core->role == CC_RAFT_LEADER; i++) {
        const struct cc_raft_peer *peer = &core->peers[i];
        uint32_t newest = peer->flight_head + peer->flight_count - 1;

        if (peer->flight_count > 0 &&
            peer->flight_bytes - peer->flights[newest % CC_RAFT_INFLIGHT_MAX].bytes >=
                core->options.window_bytes) {
            over(judge, place, "bytes under way to a peer", peer->flight_bytes);
        }
    }
}

void cc_judge_check_bounds(struct cc_judge *judge, uint32_t place, const struct cc_server *server)
{
    const struct cc_server_options *options = cc_server_options(server);
    const struct cc_group *group = server->group;
    uint64_t tail = cc_raft_last(group->core) - cc_raft_commit(group->core);

    if (group->waiting_count > options->waiting_max) {
        over(judge, place, "requests waiting", group->waiting_count);
    }
    if (server->guest_count > options->guests_max) {
        over(judge, place, "guests", server->guest_count);
    }
    if (group->delayed_count > CC_MEMBERS_MAX * CC_RAFT_INFLIGHT_MAX) {
        over(judge, place, "messages waiting for the disk", group->delayed_count);
    }
    if (group->is_leading &&
        tail > options->uncommitted_max + judge->leader_changes + 1) { /* each opens its term */
        over(judge, place, "entries not committed", tail);
    }
    check_windows(judge, place, group->core);
    cc_list_each(node, &server->guests) {
        const struct cc_guest *guest = cc_container_of(node, const struct cc_guest, node);

        if (!guest->is_gone &&
            cc_channel_queued(&guest->channel) > CC_GUEST_OUTPUT_MAX + CC_FRAME_BODY_CLIENT_MAX) {
            over(judge, place, "bytes for a guest", cc_channel_queued(&guest->channel));
        }
    }
    for (uint32_t i = 0; i < server->peer_count; i++) {
        const struct cc_peer *peer = server->peers[i];

        if (peer->is_up && cc_channel_queued(&peer->dial.channel) > CC_PEER_OUTPUT_MAX) {
            over(judge, place, "bytes for a peer", cc_channel_queued(&peer->dial.channel));
        }
    }
}

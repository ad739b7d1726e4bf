/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_network -- what happens to links, and to bytes on their way: see faults.h.
 */
#include "faults.h"

void chaos_link_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_network_link(nemesis->servers->network, fault->server, false);
}

void chaos_link_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_network_link(nemesis->servers->network, fault->server, true);
}

void chaos_one_way_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_network_path(nemesis->servers->network, fault->server, fault->target, false);
}

void chaos_one_way_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_network_path(nemesis->servers->network, fault->server, fault->target, true);
}

static void set_paths(struct chaos_nemesis *nemesis, unsigned server, bool is_open)
{
    for (unsigned target = 0; target <= CHAOS_CLIENTS; target++) {
        if (target != server) {
            chaos_network_path(nemesis->servers->network, server, target, is_open);
        }
    }
}

void chaos_mute_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    set_paths(nemesis, fault->server, false);
}

void chaos_mute_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    set_paths(nemesis, fault->server, true);
}

void chaos_proxy_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    static const enum chaos_ill ills[CHAOS_KIND_COUNT] = {
        [CHAOS_DELAY] = CHAOS_ILL_DELAY,
        [CHAOS_STALL] = CHAOS_ILL_STALL,
        [CHAOS_SPLIT] = CHAOS_ILL_SPLIT,
        [CHAOS_RESET] = CHAOS_ILL_RESET,
    };

    chaos_proxy_afflict(
        nemesis->proxy, fault->server, ills[fault->kind],
        chaos_random_below(&nemesis->random, UINT32_MAX));
}

void chaos_proxy_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_proxy_afflict(nemesis->proxy, fault->server, CHAOS_ILL_NONE, 0);
}

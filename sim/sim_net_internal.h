/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_net_internal -- what the simulated network is made of, for sim_net.c (connections and bytes)
 * and sim_net_fault.c (what can be wrong with them).
 */
#ifndef CC_SIM_SIM_NET_INTERNAL_H
#define CC_SIM_SIM_NET_INTERNAL_H

#include "sim/world.h"

#define CC_SIM_ADDRESSES_MAX 32u
#define CC_SIM_ADDRESS_SIZE 64u
#define CC_SIM_LATENCY_US_MAX 3000u
#define CC_SIM_RECORD_SIZE 32768u

/* What was said at the beginning of a connection. */
struct cc_sim_record {
    uint32_t to;
    size_t size;
    unsigned char data[CC_SIM_RECORD_SIZE];
};

/* One end of a connection. */
struct cc_sim_conn {
    struct cc_sim_conn *next;
    struct cc_sim_conn *other;
    uint32_t machine;
    uint32_t life;
    struct cc_conn *user; /* NULL: closed here, or its life is over */
    char address[CC_SIM_ADDRESS_SIZE];
    uint64_t newest_us; /* when the last bytes towards this end arrive */
    uint64_t free_us;   /* when those from this end have passed, with limited bandwidth */
    size_t in_flight;   /* bytes towards this end */
    bool owes_sent;     /* the other end waits for room */
    bool is_ending;     /* an end is on its way to here */
    bool is_dialler;
    bool is_hole; /* what arrives here is lost, and nobody knows */
    struct cc_held stalled;
    uint32_t events; /* that name this end */
    struct cc_sim_record *record;
};

struct cc_sim_address {
    char name[CC_SIM_ADDRESS_SIZE];
    uint32_t machine;
    uint32_t life;
    struct cc_listener *listener; /* NULL: nobody listens */
    bool is_refusing;
};

struct cc_sim_link {
    bool is_cut;
    bool is_clogged;
    bool swallows; /* the next bytes */
    struct cc_link_quality quality;
    struct cc_decider choices;
};

struct cc_net_world {
    struct cc_world *world;
    struct cc_sim_address addresses[CC_SIM_ADDRESSES_MAX];
    uint32_t address_count;
    struct cc_sim_conn *conns;
    struct cc_sim_link links[CC_MACHINES_MAX][CC_MACHINES_MAX];
    uint32_t recorded_count; /* machines below it are recorded */
    struct cc_sim_record *records[CC_MACHINES_MAX][CC_MACHINES_MAX];
};

static inline struct cc_sim_link *cc_sim_link_of(
    struct cc_net_world *net, uint32_t from, uint32_t to)
{
    return &net->links[from][to];
}

/* The connection of this end breaks, once. */
void cc_sim_net_end_later(struct cc_net_world *net, struct cc_sim_conn *end, uint64_t wait_us);

/* ---- sim_net_fault.c --------------------------------------------------------------------------
 */

/* True if the link does not let anything through now; a cut one breaks the connection in time. */
bool cc_sim_net_holds_back(struct cc_net_world *net, struct cc_sim_conn *end);
bool cc_sim_net_swallows(struct cc_net_world *net, struct cc_sim_conn *end);
void cc_sim_net_take_down(
    struct cc_net_world *net, struct cc_sim_conn *end, const void *data, size_t size);
void cc_sim_net_file_record(struct cc_net_world *net, struct cc_sim_conn *end);
void cc_sim_net_free_records(struct cc_net_world *net);

#endif /* CC_SIM_SIM_NET_INTERNAL_H */

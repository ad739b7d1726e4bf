/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nemesis -- what goes wrong, and when.  Each seed draws which kinds of fault occur at all, and how
 * often; then one fault after another strikes, each with a stream of decisions of its own, so that
 * leaving one out changes nothing of the others.
 */
#ifndef CC_SIM_NEMESIS_H
#define CC_SIM_NEMESIS_H

#include "sim/fault.h"
#include "sim/heat.h"
#include "sim/workload.h"

struct cc_nemesis;

struct cc_nemesis_options {
    uint64_t pace_us;            /* time between faults, on average */
    struct cc_fault_set kinds;   /* that occur in this seed */
    struct cc_fault_set without; /* of them, these do not strike after all */
    const uint32_t *only;        /* nor others than these ordinals, which ascend; NULL: all do */
    size_t only_count;
    uint32_t server_count;          /* that targets are drawn from: the seed's own, */
    uint32_t client_count;          /* even if there are fewer in this run */
    struct cc_injections *injected; /* the record; may be NULL */
    struct cc_heat *heat;           /* may be NULL */
};

/* When a fault strikes; the ordinals of each begin anew. */
enum cc_nemesis_phase {
    CC_NEMESIS_FOUNDING = 1, /* only kinds of use CC_FAULT_SOON */
    CC_NEMESIS_WORK,
};

/* Ordinals of a phase are from phase * this + 1. */
#define CC_NEMESIS_ORDINALS 10000u

struct cc_nemesis *cc_nemesis_create(
    struct cc_cluster *cluster,
    struct cc_workload *workload,
    const struct cc_nemesis_options *options);
void cc_nemesis_destroy(struct cc_nemesis *nemesis);

/* The kinds of a seed: each with a chance of its own, so that they can be told apart. */
struct cc_fault_set cc_nemesis_draw(uint64_t seed, const struct cc_fault_set *asked);

void cc_nemesis_start(struct cc_nemesis *nemesis, enum cc_nemesis_phase phase);

/* Everything is well again until the next start: all machines up, all links whole, clocks true. */
void cc_nemesis_heal(struct cc_nemesis *nemesis);

/* One more bad disk would still be a minority. */
bool cc_nemesis_may_damage(const struct cc_nemesis *nemesis, uint32_t server);

/* The same, but for a minority of the voters: they stay down, mute, deaf or stuck for good. */
void cc_nemesis_heal_quorum(struct cc_nemesis *nemesis);

/* How often each kind was done. */
const uint64_t *cc_nemesis_fired(const struct cc_nemesis *nemesis);

#endif /* CC_SIM_NEMESIS_H */

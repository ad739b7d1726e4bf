/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults -- what each kind of fault does, when it begins and when it ends.
 *
 * Where it sits:   nemesis -> [faults]: fault_process, fault_network, fault_disk.
 * Memory:          the caller's.
 *
 * An end leaves its server running, as it was asked to be before the fault began.
 */
#ifndef CC_TEST_CHAOS_FAULTS_H
#define CC_TEST_CHAOS_FAULTS_H

#include "nemesis.h"
#include "rot.h"

/* One that has begun. */
struct chaos_fault {
    enum chaos_kind kind;
    unsigned server;
    unsigned target;   /* of ONE_WAY, CLIENT */
    bool is_of_all;    /* FULL, POWER */
    uint64_t log_size; /* of the server's, when it began */
    uint32_t errors;   /* that its shim had made */
    pid_t pid;         /* TWIN */
    struct chaos_rot rot;
};

typedef void chaos_fault_act(struct chaos_nemesis *nemesis, struct chaos_fault *fault);

/* fault_process */
chaos_fault_act chaos_kill_begin, chaos_kill_end;
chaos_fault_act chaos_kill_all_begin, chaos_kill_all_end;
chaos_fault_act chaos_term_begin;
chaos_fault_act chaos_stop_begin, chaos_stop_end;
chaos_fault_act chaos_starved_begin, chaos_starved_end;
chaos_fault_act chaos_twin_begin, chaos_twin_end;
chaos_fault_act chaos_clocks_begin, chaos_clocks_end;
chaos_fault_act chaos_client_begin, chaos_client_end;

/* Ends it and waits for that; a server that was asked to stop must end with 0. */
void chaos_end_process(struct chaos_nemesis *nemesis, unsigned server, int signal_number);

/* If it does not run. */
void chaos_start_process(struct chaos_nemesis *nemesis, unsigned server);

/* A server that writes in one of the ways from `way` on: started anew if it must be. */
void chaos_make_way(struct chaos_nemesis *nemesis, unsigned server, enum chaos_way way);

/* fault_network */
chaos_fault_act chaos_link_begin, chaos_link_end;
chaos_fault_act chaos_one_way_begin, chaos_one_way_end;
chaos_fault_act chaos_mute_begin, chaos_mute_end;
chaos_fault_act chaos_proxy_begin, chaos_proxy_end; /* DELAY, STALL, SPLIT, RESET */

/* fault_disk */
chaos_fault_act chaos_full_begin, chaos_full_end;
chaos_fault_act chaos_error_begin, chaos_error_end; /* WRITE_ERROR, SYNC_ERROR */
chaos_fault_act chaos_slow_begin, chaos_slow_end;
chaos_fault_act chaos_hung_begin, chaos_hung_end;
chaos_fault_act chaos_rot_fault_begin, chaos_rot_fault_end;
chaos_fault_act chaos_power_begin, chaos_power_end;

#endif /* CC_TEST_CHAOS_FAULTS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * workload_internal -- what the workload knows of its clients and their calls, for its own files.
 *
 *     workload.c          clients, and when they ask something
 *     workload_call.c     what they ask
 *     workload_answer.c   what they are told
 *     workload_log.c      what the log has of it
 */
#ifndef CC_SIM_WORKLOAD_INTERNAL_H
#define CC_SIM_WORKLOAD_INTERNAL_H

#include "client/client.h"
#include "resource/map/map_operation.h"
#include "sim/alarm.h"
#include "sim/backups.h"
#include "sim/observer.h"
#include "sim/workload.h"

#define WINDOW_MAX 16u
#define MAPS_MAX 4u
#define OPERATION_ROOM 8192u
#define CALL_US 60000000u

struct worker;

/* One call under way.  Its memory is ours and not the machine's: it survives the machine's crash.
 */
struct errand {
    struct worker *worker;
    struct cc_call call;
    struct cc_map_operation operation;
    size_t id; /* in the history */
    uint64_t begun_us;
    bool is_busy;
    uint32_t map;
    char key[16];
    char value[64];
    char expected[64];
    uint8_t encoded[OPERATION_ROOM];
};

struct worker {
    struct cc_workload *workload;
    uint32_t number;
    uint32_t machine;
    uint32_t generation;
    struct cc_client *client; /* NULL: down */
    uint64_t identity;        /* in the history: one for each session */
    uint64_t session;
    struct cc_client_resource maps[MAPS_MAX];
    struct errand errands[WINDOW_MAX];
    struct cc_alarm_caller alarm;
    struct cc_observer observer;
    struct cc_backups backups;
    uint32_t busy;
    uint64_t values;
    struct cc_decider choices;
    struct cc_decider backup_choices;
    bool is_call_posted;
};

struct known_session {
    uint64_t session;
    uint64_t identity;
};

struct cc_workload {
    struct cc_cluster *cluster;
    struct cc_workload_options options;
    struct cc_workload_totals totals;
    struct worker workers[CC_MACHINES_MAX];
    uint32_t worker_count;
    uint64_t identities;
    bool is_stopped;
    struct cc_history *history;
    struct known_session *sessions;
    size_t session_count;
    size_t session_capacity;
    struct cc_check_applied *applied;
    size_t applied_count;
    size_t applied_capacity;
    uint64_t applied_index; /* newest that was noted */
    uint64_t *places;
    uint64_t instances[MAPS_MAX];
    uint64_t alarm_instance;
    uint64_t alive_from_us; /* 0: sessions may expire */
    uint64_t stored_us;
    uint64_t refused_us;
    uint64_t stopped_us; /* 0: there are faults, and calls may run out of time */
};

/* The path of a map, and the kind of an operation in the history by its code. */
void cc_workload_path(uint32_t map, char *path, size_t size);
enum cc_history_kind cc_workload_kind(uint8_t code);

/* Of the cluster: an entry was applied somewhere. */
void cc_workload_on_applied(
    void *owner, const struct cc_entry *entry, const struct cc_outcome *outcome);

/* Whose session it is.  Asked whenever something happens, also at the end: a client may send
 * commands in a session before it dares to call itself open. */
void cc_worker_note_session(struct worker *worker);

/* Makes one call, whose answer comes to cc_errand_done. */
void cc_worker_call(struct worker *worker, struct errand *errand);
void cc_errand_done(struct cc_call *call);

/* The next calls come from outside of any pass, after a while. */
void cc_worker_go_on(struct worker *worker);

#endif /* CC_SIM_WORKLOAD_INTERNAL_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backups -- makes backups of the running cluster, as an operator's tool does, and judges each that
 * is complete: a state is built from it, which has to be the one that was there at its index; and
 * nothing that anybody had applied before it was asked for may be missing (docs/decisions/0012).
 */
#ifndef CC_SIM_BACKUPS_H
#define CC_SIM_BACKUPS_H

#include "client/backup.h"
#include "sim/cluster.h"

struct cc_backups {
    struct cc_cluster *cluster;
    struct cc_env *env;
    struct cc_backup backup;
    struct cc_backup_head head;
    uint64_t begun_at; /* the newest entry that anybody had applied then */
    struct cc_writer records;
    bool is_busy;
};

/* For a new life of the machine that makes them: what was under way is gone, memory and all. */
void cc_backups_init(struct cc_backups *backups, struct cc_cluster *cluster, struct cc_env *env);

/* Begins one, of the leader or of any server, unless one is under way. */
void cc_backups_make(struct cc_backups *backups, struct cc_decider *choices);

#endif /* CC_SIM_BACKUPS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backups -- see backups.h.
 */
#include "sim/backups.h"

#include "apply/restore.h"

#define PATIENCE_US 5000000u
#define RECORDS_SIZE_MAX (64u << 20)

static void on_wait(struct cc_backup *backup)
{
    (void)backup;
}

static void on_head(struct cc_backup *backup, const struct cc_backup_head *head)
{
    struct cc_backups *backups = backup->owner;

    backups->head = *head;
}

static bool on_bytes(struct cc_backup *backup, copycat_bytes bytes)
{
    struct cc_backups *backups = backup->owner;

    cc_write_raw(&backups->records, bytes.data, bytes.size);
    return !backups->records.failed;
}

static void check_state(const struct cc_backups *backups, const struct cc_apply *apply)
{
    struct cc_judge *judge = backups->cluster->judge;
    unsigned long long index = backups->head.index;
    struct cc_judged_entry entry;

    if (!cc_judge_entry(judge, backups->head.index, &entry)) {
        cc_judge_blame(judge, "backup: of entry %llu, which nobody has applied", index);
    } else if (
        cc_apply_index(apply) != backups->head.index || cc_apply_digest(apply) != entry.digest ||
        cc_apply_time_us(apply) != backups->head.time_us || entry.term != backups->head.term) {
        cc_judge_blame(judge, "backup: it is not the state after entry %llu", index);
    } else if (backups->head.index <= backups->begun_at) {
        cc_judge_blame(
            judge, "backup: it ends with entry %llu, and %llu was applied before it was begun",
            index, (unsigned long long)backups->begun_at);
    }
}

static void check(const struct cc_backups *backups)
{
    const struct cc_cluster *cluster = backups->cluster;
    struct cc_apply_options options;
    struct cc_restoring *restoring;
    struct cc_apply *apply = NULL;
    copycat_status status;

    cc_cluster_apply_options(backups->env->memory, &options);
    restoring = cc_restore_begin(&options);
    status =
        cc_restore_take(restoring, (copycat_bytes){backups->records.data, backups->records.size});
    if (status == COPYCAT_OK) {
        status = cc_restore_end(restoring, &apply);
    }
    if (status == COPYCAT_OK) {
        check_state(backups, apply);
    } else {
        cc_judge_blame(cluster->judge, "backup: %s", cc_restore_text(restoring));
    }
    cc_apply_destroy(apply);
    cc_restore_destroy(restoring);
}

static void done(struct cc_backup *backup)
{
    struct cc_backups *backups = backup->owner;

    backups->is_busy = false;
    switch (backup->status) {
    case COPYCAT_OK:
        backups->cluster->totals.backups++;
        check(backups);
        break;
    case COPYCAT_ERR_UNAVAILABLE:
    case COPYCAT_ERR_NO_LEADER:
    case COPYCAT_ERR_BUSY:
    case COPYCAT_ERR_TIMEOUT:
        break; /* as it is with an operator: once more, later */
    default:
        cc_judge_blame(
            backups->cluster->judge, "backup: %s (%s)", copycat_status_text(backup->status),
            backup->text);
    }
}

void cc_backups_init(struct cc_backups *backups, struct cc_cluster *cluster, struct cc_env *env)
{
    backups->cluster = cluster;
    backups->env = env;
    backups->is_busy = false;
    cc_writer_init(&backups->records, env->memory, RECORDS_SIZE_MAX);
}

void cc_backups_make(struct cc_backups *backups, struct cc_decider *choices)
{
    static const struct cc_backup_callbacks callbacks = {on_wait, on_head, on_bytes, done};
    const struct cc_cluster *cluster = backups->cluster;
    uint32_t leader = cc_cluster_leader(cluster);
    uint32_t place = (uint32_t)cc_decide_below(choices, cluster->server_count);

    if (backups->is_busy) {
        return;
    }
    if (cc_decide_below(choices, 4) != 0 && leader != UINT32_MAX) {
        place = leader;
    }
    backups->is_busy = true;
    backups->begun_at = cc_judge_commits(cluster->judge);
    cc_writer_clear(&backups->records);
    cc_backup_start(
        &backups->backup, backups->env, cluster->members.at[place].address, PATIENCE_US, &callbacks,
        backups);
}

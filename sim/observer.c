/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observer -- see observer.h.
 */
#include "sim/observer.h"

#define PATIENCE_US 1000000u

void cc_observer_init(struct cc_observer *observer, struct cc_cluster *cluster)
{
    observer->cluster = cluster;
    observer->is_busy = false;
}

static void check(struct cc_cluster *cluster, const struct cc_report *report)
{
    struct cc_judge *judge = cluster->judge;
    struct cc_judged_entry entry;

    if (report->applied > report->commit || report->commit > report->last) {
        cc_judge_blame(judge, "report: server %u has applied what is not there", report->server);
    }
    if (report->applied == 0) {
        return;
    }
    if (!cc_judge_entry(judge, report->applied, &entry)) {
        cc_judge_blame(judge, "report: server %u says more than was applied", report->server);
    } else if (
        entry.has_digest && entry.digest != report->digest &&
        !cluster->seats[report->server - 1].was_spoiled) {
        cc_judge_blame(
            judge, "report: server %u says another digest at %llu", report->server,
            (unsigned long long)report->applied);
    }
}

static void done(struct cc_probe *probe)
{
    struct cc_observer *observer = probe->owner;

    observer->is_busy = false;
    if (probe->status == COPYCAT_OK) {
        observer->cluster->totals.reports++;
        check(observer->cluster, &probe->report);
    } else if (probe->status != COPYCAT_ERR_UNAVAILABLE) {
        cc_judge_blame(observer->cluster->judge, "report: %s", copycat_status_text(probe->status));
    }
}

void cc_observer_ask(struct cc_observer *observer, struct cc_env *env, struct cc_decider *choices)
{
    uint32_t server = (uint32_t)cc_decide_below(choices, observer->cluster->server_count);

    if (!observer->is_busy) {
        observer->is_busy = true;
        cc_probe_start(
            &observer->probe, env, observer->cluster->members.at[server].address, PATIENCE_US, done,
            observer);
    }
}

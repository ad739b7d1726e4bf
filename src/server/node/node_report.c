/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_report -- where this server stands, for an observer: an operator's tool.
 */
#include "server/node/node.h"

#include <string.h>

static void fill_group(const struct cc_group *group, struct cc_report *report)
{
    report->leader = cc_raft_leader(group->core);
    report->role = (uint8_t)cc_raft_role(group->core);
    report->term = cc_raft_term(group->core);
    report->commit = cc_raft_commit(group->core);
    report->applied = cc_apply_index(group->apply);
    report->last = cc_raft_last(group->core);
    report->digest = cc_apply_digest(group->apply);
    report->log_time_us = cc_apply_time_us(group->apply);
    report->sessions = cc_apply_session_count(group->apply);
    report->image_index = group->base.index;
    report->disk_bytes = cc_journal_disk_bytes(group->journal) + group->base_bytes;
}

static uint64_t match_of(const struct cc_server *server, uint32_t id)
{
    const struct cc_group *group = server->group;

    if (group == NULL) {
        return 0;
    }
    return id == server->options.id ? cc_raft_stable(group->core) : cc_raft_match(group->core, id);
}

static void fill_scrub(const struct cc_group *group, struct cc_report_scrub *scrub)
{
    const struct cc_scrubbed *scrubbed = &group->scrubbed;

    scrub->rounds = scrubbed->rounds;
    scrub->age_us = scrubbed->rounds == 0 ? 0 : cc_env_now_us(group->env) - scrubbed->ended_us;
    scrub->bytes = scrubbed->bytes;
    scrub->found = scrubbed->found;
    scrub->repaired = scrubbed->repaired;
}

static void fill_counters(const struct cc_server *server, struct cc_report_counters *counters)
{
    const struct cc_journal_counters *journal = cc_journal_counters(server->journal);
    const struct cc_env_counters *env = &server->env->counters;

    counters->journal_writes = journal->writes;
    counters->journal_bytes = journal->bytes;
    counters->disk_syncs = env->disk_syncs;
    counters->disk_written_bytes = env->disk_written_bytes;
    counters->waits = env->waits;
    counters->socket_writes = env->writes;
    counters->socket_written_bytes = env->written_bytes;
    counters->socket_reads = env->reads;
    counters->socket_read_bytes = env->read_bytes;
    counters->frames_sent = env->frames_sent;
    counters->frames_received = env->frames_received;
    counters->allocations = env->allocations;
}

void cc_server_report(struct cc_server *server, struct cc_channel *channel)
{
    const struct cc_base *base = cc_journal_base(server->journal);
    struct cc_report report = {
        .server = server->options.id,
        .state = (uint8_t)server->state,
        .connections = server->guest_count,
        .members = server->members,
        .notice = {server->last_notice, strlen(server->last_notice)},
    };

    if (base != NULL && server->group != NULL) {
        memcpy(report.cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
        fill_group(server->group, &report);
        fill_scrub(server->group, &report.scrub);
    }
    for (uint32_t i = 0; i < report.members.count; i++) {
        uint32_t id = report.members.at[i].id;

        report.standings[i].is_up = id == server->options.id || cc_server_peer_is_up(server, id);
        report.standings[i].match = match_of(server, id);
    }
    fill_counters(server, &report.counters);
    cc_report_encode(cc_channel_begin(channel, CC_MESSAGE_REPORT, 0), &report);
    cc_channel_end(channel);
}

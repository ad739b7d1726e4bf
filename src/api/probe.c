/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe -- see copycat/probe.h: a loop of its own on the caller's thread, for one question.
 */
#include "client/probe.h"

#include "api/address.h"
#include "api/api_memory.h"
#include "env/uv/env_uv.h"

#include <copycat/probe.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(COPYCAT_PROBE_MEMBERS_MAX == CC_MEMBERS_MAX, "as many as a group may have");
_Static_assert(CC_ADDRESS_SIZE_MAX < sizeof(((copycat_probe_member *)0)->address), "they fit");

static void done(struct cc_probe *probe)
{
    cc_env_uv_stop(probe->owner);
}

static void write_cluster(char *text, const uint8_t id[CC_CLUSTER_ID_SIZE])
{
    static const uint8_t none[CC_CLUSTER_ID_SIZE];

    text[0] = '\0';
    for (size_t i = 0; memcmp(id, none, sizeof none) != 0 && i < CC_CLUSTER_ID_SIZE; i++) {
        snprintf(text + 2 * i, 3, "%02x", id[i]);
    }
}

static void write_members(copycat_probe *out, const struct cc_report *report)
{
    out->member_count = report->members.count;
    for (uint32_t i = 0; i < report->members.count; i++) {
        copycat_probe_member *member = &out->members[i];

        snprintf(member->address, sizeof member->address, "%s", report->members.at[i].address);
        member->id = report->members.at[i].id;
        member->is_learner = report->members.at[i].role == CC_ROLE_LEARNER;
        member->is_up = report->standings[i].is_up;
        member->match = report->standings[i].match;
    }
}

static void write_counters(copycat_probe_counters *out, const struct cc_report_counters *counters)
{
    out->journal_writes = counters->journal_writes;
    out->journal_bytes = counters->journal_bytes;
    out->disk_syncs = counters->disk_syncs;
    out->disk_written_bytes = counters->disk_written_bytes;
    out->waits = counters->waits;
    out->socket_writes = counters->socket_writes;
    out->socket_written_bytes = counters->socket_written_bytes;
    out->socket_reads = counters->socket_reads;
    out->socket_read_bytes = counters->socket_read_bytes;
    out->frames_sent = counters->frames_sent;
    out->frames_received = counters->frames_received;
    out->allocations = counters->allocations;
}

static void write_scrub(copycat_probe_scrub *out, const struct cc_report_scrub *scrub)
{
    out->rounds = scrub->rounds;
    out->age_ms = scrub->age_us / 1000;
    out->bytes = scrub->bytes;
    out->found = scrub->found;
    out->repaired = scrub->repaired;
}

static void write_out(copycat_probe *out, const struct cc_probe *probe)
{
    const struct cc_report *report = &probe->report;

    write_cluster(out->cluster, report->cluster_id);
    snprintf(out->notice, sizeof out->notice, "%.*s", (int)sizeof out->notice - 1, probe->notice);
    out->term = report->term;
    out->commit = report->commit;
    out->applied = report->applied;
    out->last = report->last;
    out->digest = report->digest;
    out->log_time_us = report->log_time_us;
    out->sessions = report->sessions;
    out->connections = report->connections;
    out->image_index = report->image_index;
    out->disk_bytes = report->disk_bytes;
    out->id = report->server;
    out->leader = report->leader;
    out->state = report->state;
    out->role = report->role;
    write_members(out, report);
    write_counters(&out->counters, &report->counters);
    write_scrub(&out->scrub, &report->scrub);
}

static const char *sentence_of(const struct cc_probe *probe, const struct cc_env *env)
{
    if (probe->notice[0] != '\0') {
        return probe->notice;
    }
    if (probe->status == COPYCAT_ERR_MALFORMED || probe->status == COPYCAT_ERR_VERSION) {
        return "what answers is no Copycat server, or one of another version";
    }
    return cc_env_uv_last_error(env);
}

static copycat_status ask(
    struct cc_env *env,
    const char *address,
    uint64_t timeout_ms,
    copycat_probe *out,
    copycat_message *message_out)
{
    struct cc_probe *probe = calloc(1, sizeof *probe);

    if (probe == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    cc_probe_start(probe, env, address, timeout_ms * 1000, done, env);
    cc_env_uv_run(env);

    copycat_status status = probe->status;

    if (status == COPYCAT_OK) {
        write_out(out, probe);
    } else {
        const char *why = sentence_of(probe, env);

        (void)cc_fail(message_out, status, why[0] == '\0' ? NULL : why);
    }
    free(probe);
    return status;
}

copycat_status copycat_probe_server(
    const char *address,
    uint64_t timeout_ms,
    copycat_probe *probe_out,
    copycat_message *message_out)
{
    static const struct cc_env_uv_options no_ring = {.disk = CC_ENV_UV_DISK_THREAD};
    struct cc_env *env;
    copycat_status status;

    if (probe_out->size < sizeof *probe_out) {
        return cc_fail(message_out, COPYCAT_ERR_INVALID, "the probe's size is not set");
    }
    status = cc_env_uv_open(&env, &cc_api_memory, &no_ring);
    if (status != COPYCAT_OK) {
        return cc_fail(
            message_out, COPYCAT_ERR_MEMORY, "no memory, or no descriptor is left, to ask with");
    }
    status = ask(env, address, timeout_ms, probe_out, message_out);
    cc_env_uv_close(env);
    return status;
}

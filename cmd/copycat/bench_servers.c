/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_servers -- see bench_servers.h.
 */
#include "bench_servers.h"

#include <string.h>

#define PROBE_MS 2000u
#define COUNTERS (sizeof(copycat_probe_counters) / sizeof(uint64_t))

/* Asks one after the other until one answers. */
static bool ask_any(copycat_probe *probe, const char *list, copycat_message *message_out)
{
    char address[sizeof((copycat_probe_member *)0)->address];

    while (*list != '\0') {
        size_t size = strcspn(list, ",");
        const char *equals = memchr(list, '=', size);
        size_t skipped = equals == NULL ? 0 : (size_t)(equals - list) + 1;

        if (size - skipped < sizeof address) {
            memcpy(address, list + skipped, size - skipped);
            address[size - skipped] = '\0';
            if (copycat_probe_server(address, PROBE_MS, probe, message_out) == COPYCAT_OK) {
                return true;
            }
        }
        list += size + (list[size] == ',');
    }
    return false;
}

bool bench_servers_ask(
    struct bench_servers *servers_out, const char *list, copycat_message *message_out)
{
    copycat_probe first = {.size = sizeof first};
    copycat_probe probe = {.size = sizeof probe};

    memset(servers_out, 0, sizeof *servers_out);
    if (!ask_any(&first, list, message_out)) {
        return false;
    }
    servers_out->leader = first.leader;
    servers_out->member_count = first.member_count;
    for (uint32_t i = 0; i < first.member_count; i++) {
        servers_out->ids[i] = first.members[i].id;
        if (copycat_probe_server(first.members[i].address, PROBE_MS, &probe, NULL) == COPYCAT_OK) {
            servers_out->has_answered[i] = true;
            servers_out->answer_count++;
            servers_out->counters[i] = probe.counters;
        }
    }
    return true;
}

/* False: something counted backwards, so it is another process. */
static bool subtract(
    const copycat_probe_counters *before,
    const copycat_probe_counters *after,
    copycat_probe_counters *difference_out)
{
    uint64_t left[COUNTERS];
    uint64_t right[COUNTERS];

    memcpy(left, before, sizeof left);
    memcpy(right, after, sizeof right);
    for (size_t i = 0; i < COUNTERS; i++) {
        if (right[i] < left[i]) {
            return false;
        }
        right[i] -= left[i];
    }
    memcpy(difference_out, right, sizeof right);
    return true;
}

static void add(copycat_probe_counters *sum, const copycat_probe_counters *one)
{
    uint64_t left[COUNTERS];
    uint64_t right[COUNTERS];

    memcpy(left, sum, sizeof left);
    memcpy(right, one, sizeof right);
    for (size_t i = 0; i < COUNTERS; i++) {
        left[i] += right[i];
    }
    memcpy(sum, left, sizeof left);
}

bool bench_servers_subtract(
    const struct bench_servers *before,
    const struct bench_servers *after,
    copycat_probe_counters *all_out,
    copycat_probe_counters *leader_out)
{
    copycat_probe_counters one;

    memset(all_out, 0, sizeof *all_out);
    memset(leader_out, 0, sizeof *leader_out);
    if (before->member_count == 0 || before->member_count != after->member_count ||
        before->leader != after->leader || before->leader == 0) {
        return false;
    }
    for (uint32_t i = 0; i < before->member_count; i++) {
        if (!before->has_answered[i] || !after->has_answered[i] ||
            before->ids[i] != after->ids[i] ||
            !subtract(&before->counters[i], &after->counters[i], &one)) {
            return false;
        }
        add(all_out, &one);
        if (before->ids[i] == before->leader) {
            *leader_out = one;
        }
    }
    return true;
}

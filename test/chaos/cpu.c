/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu -- see cpu.h.
 */
#include "cpu.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PERIOD_US 100000u
#define CYCLE_MS 50u
#define TRIALS 100

/* False: it does not exist, or is not for us to write. */
static bool set(const char *group, const char *name, const char *value)
{
    char path[160];

    (void)snprintf(path, sizeof path, "%s/%s", group, name);

    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool is_done = file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value);

    if (file >= 0) {
        (void)close(file);
    }
    return is_done;
}

static bool set_quota(const struct chaos_cpu *cpu, unsigned server, unsigned percent)
{
    char value[32];
    unsigned quota_us = PERIOD_US / 100 * percent;

    if (percent == 0) {
        (void)snprintf(value, sizeof value, "%s", cpu->is_unified ? "max" : "-1");
    } else if (cpu->is_unified) {
        (void)snprintf(value, sizeof value, "%u %u", quota_us, PERIOD_US);
    } else {
        (void)snprintf(value, sizeof value, "%u", quota_us);
    }
    return set(cpu->groups[server], cpu->is_unified ? "cpu.max" : "cpu.cfs_quota_us", value);
}

static bool make_groups(struct chaos_cpu *cpu, const char *parent)
{
    bool is_done = true;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        (void)snprintf(
            cpu->groups[i], sizeof cpu->groups[i], "%s/copycat-chaos-%d-%u", parent, (int)getpid(),
            i + 1);
        is_done = is_done && mkdir(cpu->groups[i], 0755) == 0 && set_quota(cpu, i, 0);
    }
    if (!is_done) {
        chaos_cpu_close(cpu);
    }
    return is_done;
}

void chaos_cpu_open(struct chaos_cpu *cpu, struct chaos_guard *guard)
{
    static const struct {
        const char *path;
        bool is_unified;
    } parents[] = {
        {"/sys/fs/cgroup/cpu", false},
        {"/sys/fs/cgroup/cpu,cpuacct", false},
        {"/sys/fs/cgroup", true},
    };

    *cpu = (struct chaos_cpu){0};
    for (size_t i = 0; i < sizeof parents / sizeof parents[0] && !cpu->has_groups; i++) {
        cpu->is_unified = parents[i].is_unified;
        cpu->has_groups = make_groups(cpu, parents[i].path);
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT && cpu->has_groups; i++) {
        chaos_guard_add(guard, cpu->groups[i]);
    }
}

/* A process that has ended may be counted for a moment more. */
void chaos_cpu_close(struct chaos_cpu *cpu)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        bool is_done = cpu->groups[i][0] == '\0';

        for (unsigned trial = 0; trial < TRIALS && !is_done; trial++) {
            is_done = rmdir(cpu->groups[i]) == 0 || access(cpu->groups[i], F_OK) != 0;
            if (!is_done) {
                chaos_sleep_ms(10);
            }
        }
    }
}

void chaos_cpu_limit(struct chaos_cpu *cpu, unsigned server, pid_t pid, unsigned percent)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%d", (int)pid);
    if (cpu->has_groups &&
        !(set(cpu->groups[server], "cgroup.procs", text) && set_quota(cpu, server, percent))) {
        chaos_say("server %u keeps its processor: its control group takes no orders", server + 1);
    }
}

void chaos_cpu_release(struct chaos_cpu *cpu, unsigned server, pid_t pid)
{
    if (cpu->has_groups) {
        (void)set_quota(cpu, server, 0);
    } else if (pid != 0) {
        (void)kill(pid, SIGCONT);
    }
}

void chaos_cpu_pass(struct chaos_cpu *cpu, pid_t pid, unsigned percent, uint64_t ms)
{
    uint64_t end_us = chaos_now_us() + ms * 1000;
    uint64_t awake_ms = CYCLE_MS * percent / 100 + 1;

    if (cpu->has_groups) {
        chaos_sleep_ms(ms);
        return;
    }
    while (pid != 0 && chaos_now_us() < end_us) {
        (void)kill(pid, SIGSTOP);
        chaos_sleep_ms(CYCLE_MS - awake_ms);
        (void)kill(pid, SIGCONT);
        chaos_sleep_ms(awake_ms);
    }
}

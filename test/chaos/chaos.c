/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chaos -- three real daemons, real clients, and faults; then the verdict on what clients were told.
 *
 * Where it sits:   [chaos] -> network, disks, servers, proxy, load, nemesis, judge.
 * Memory:          bounded by the seconds asked for.
 *
 * usage: chaos COPYCATD [SECONDS [SEED]]
 * Exit codes: 0 nothing was found, 1 something was, 2 the test itself could not go on, or was
 * interrupted and had found nothing until then.  A second signal ends it at once; what it made goes
 * with it, or is removed by its guard.
 */
#include "judge.h"
#include "nemesis.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGREE_PATIENCE_MS 60000u
#define START_PATIENCE_MS 30000u
#define PATH_SIZE 128u
#define TEXT_SIZE 256u

static volatile int was_interrupted;

static void interrupt(int signal_number)
{
    was_interrupted = signal_number;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};

    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

struct trial {
    struct chaos_network network;
    struct chaos_guard guard;
    struct chaos_disks disks;
    struct chaos_servers servers;
    struct chaos_cpu cpu;
    struct chaos_proxy *proxy;
    struct chaos_record record;
    struct chaos_nemesis nemesis;
    uint64_t seed;
    struct cc_check_report report;
    unsigned complaints; /* beside the report's */
};

static void complain(struct trial *trial, const char *complaint)
{
    trial->complaints++;
    chaos_say("FAILED: %s", complaint);
}

/* On a busy machine the first round may need half as much again. */
static bool is_to_go_on(const struct trial *trial, uint64_t end_us, uint64_t seconds)
{
    uint64_t now_us = chaos_now_us();

    return now_us < end_us ||
           (now_us < end_us + seconds * 500000u && chaos_nemesis_is_first_round(&trial->nemesis));
}

static void run_faults(struct trial *trial, uint64_t seconds)
{
    uint64_t end_us = chaos_now_us() + seconds * 1000000u;
    struct chaos_load *load =
        chaos_load_start(&trial->record, trial->servers.addresses, trial->seed);

    trial->nemesis = (struct chaos_nemesis){
        .servers = &trial->servers,
        .disks = &trial->disks,
        .cpu = &trial->cpu,
        .proxy = trial->proxy,
        .load = load,
        .random = {trial->seed},
        .is_interrupted = &was_interrupted,
        .rotten = CHAOS_SERVER_COUNT,
    };
    chaos_sleep_ms(1000);
    while (!was_interrupted && is_to_go_on(trial, end_us, seconds)) {
        chaos_nemesis_strike(&trial->nemesis);
    }
    chaos_record_settle(&trial->record);
    chaos_say("no more faults; clients finish what they have begun");
    chaos_load_stop(load);
}

static void look_at_the_end(struct trial *trial)
{
    if (!chaos_servers_agree(&trial->servers, AGREE_PATIENCE_MS, true)) {
        complain(trial, "the servers do not come to the same state");
    }
    if (!chaos_load_read_all(&trial->record, trial->servers.addresses)) {
        complain(trial, "a key cannot be read though all servers run");
    }
    if (!chaos_servers_agree(&trial->servers, AGREE_PATIENCE_MS, false)) {
        complain(trial, "after reading, the servers differ");
    }
    chaos_servers_check(&trial->servers);
    if (trial->servers.deaths != 0) {
        complain(trial, "a server ended by itself");
    }
    if (trial->nemesis.disorders != 0) {
        complain(trial, "a server did what it must not: see above");
    }
    if (trial->record.acknowledged == 0) {
        complain(trial, "nothing was acknowledged");
    }
    chaos_say("judging %zu operations", cc_history_count(trial->record.history));
    cc_check_report_init(&trial->report);
    chaos_judge(trial->record.history, &trial->report);
    chaos_say(
        "%" PRIu64 " answers judged in %" PRIu64 " steps", trial->report.judged,
        trial->report.steps);
}

/* True if something was found. */
static bool conclude(struct trial *trial)
{
    bool is_bad = trial->complaints != 0 || trial->report.verdict != CC_CHECK_OK;
    char disks[TEXT_SIZE];
    char skipped[4 * TEXT_SIZE];
    char path[PATH_SIZE];

    if (is_bad) {
        (void)snprintf(path, sizeof path, "%s/history.txt", trial->servers.root);
        (void)chaos_judge_write(trial->record.history, path);
        printf("%s\n", trial->report.text);
        printf("the history is %s; logs and what was mounted are beside it\n", path);
        printf("the faults are those of SEED=%" PRIu64 "\n", trial->seed);
    }
    chaos_nemesis_print(&trial->nemesis);
    chaos_disks_names(&trial->disks, disks, sizeof disks);
    chaos_nemesis_skipped(&trial->nemesis, skipped, sizeof skipped);
    printf(
        "chaos: %" PRIu64 " operations acknowledged, %" PRIu64 " unknown, %" PRIu64
        " faults of %u kinds on %s, longest pause %.1f s, SKIPPED: %s, %s\n",
        trial->record.acknowledged, trial->record.unknown, chaos_nemesis_total(&trial->nemesis),
        chaos_nemesis_kinds(&trial->nemesis), disks, (double)trial->record.pause_us / 1e6, skipped,
        is_bad ? "SOMETHING IS WRONG" : "nothing found");
    return is_bad;
}

/* What is made before any thread: namespaces are a thread's. */
static void set_up(struct trial *trial, const char *program, uint64_t seconds)
{
    chaos_network_open(&trial->network);
    chaos_servers_init(&trial->servers, &trial->network, program, trial->seed);
    chaos_guard_open(&trial->guard);
    chaos_guard_add(&trial->guard, trial->servers.root);
    chaos_cpu_open(&trial->cpu, &trial->guard);
    chaos_disks_open(&trial->disks, trial->servers.root, seconds, trial->seed);
    if (!trial->disks.has_room) {
        chaos_network_drop_faces(&trial->network);
    }
    chaos_servers_introduce(&trial->servers, &trial->disks);
    trial->proxy = trial->network.has_faces ? chaos_proxy_open(&trial->network) : NULL;
    chaos_say(
        "%" PRIu64 " seconds, seed %" PRIu64 ", in %s", seconds, trial->seed, trial->servers.root);
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        chaos_servers_start(&trial->servers, i);
    }
}

static void tear_down(struct trial *trial, bool keeps_directory)
{
    if (keeps_directory) {
        chaos_guard_keep_first(&trial->guard);
    }
    chaos_servers_deinit(&trial->servers);
    if (trial->proxy != NULL) {
        chaos_proxy_close(trial->proxy);
    }
    chaos_cpu_close(&trial->cpu);
    chaos_disks_close(&trial->disks);
    if (!keeps_directory) {
        chaos_servers_remove(&trial->servers);
    }
    chaos_network_close(&trial->network);
}

int main(int argument_count, char **arguments)
{
    static struct trial trial;

    if (argument_count < 2 || argument_count > 4) {
        fprintf(stderr, "usage: chaos COPYCATD [SECONDS [SEED]]\n");
        return 2;
    }

    uint64_t seconds = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : 60;
    bool is_bad = true;

    trial.seed = argument_count > 3 ? strtoull(arguments[3], NULL, 10) : chaos_now_us();
    catch_signals();
    set_up(&trial, arguments[1], seconds);
    if (chaos_servers_agree(&trial.servers, START_PATIENCE_MS, false)) {
        chaos_record_init(&trial.record, seconds);
        run_faults(&trial, seconds);
        look_at_the_end(&trial);
        is_bad = conclude(&trial);
        chaos_record_deinit(&trial.record);
    } else {
        printf("the servers did not start: their logs are in %s\n", trial.servers.root);
    }
    tear_down(&trial, is_bad);
    return is_bad ? 1 : was_interrupted ? 2 : 0;
}

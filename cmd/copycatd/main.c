/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main -- copycatd: one member of a cluster, as a process.
 *
 * The main thread reads the configuration, opens the server, and then only waits for a signal or
 * for the server's failure.  SIGTERM and SIGINT hand leadership over and stop; a second one stops at
 * once.
 */
#include "copycatd/config.h"
#include "copycatd/files_max.h"
#include "copycatd/log.h"
#include "copycatd/notify.h"

#include <copycat/server.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HAND_OVER_MS 3000u

extern char **environ;

struct daemon {
    struct copycatd_config config;
    struct copycatd_log log;
    pthread_mutex_t log_lock; /* the server speaks on a thread of its own */
    copycat_server *server;
    sigset_t signals;
};

/* ---- telling ---------------------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void say(
    struct daemon *daemon, enum copycatd_log_level level, const char *kind, const char *text)
{
    const struct copycatd_log_message message = {
        .level = level, .area = "server", .kind = kind, .text = text};

    pthread_mutex_lock(&daemon->log_lock);
    copycatd_log_write(&daemon->log, now_ms(), &message);
    pthread_mutex_unlock(&daemon->log_lock);
}

static void on_notice(const char *text, void *user)
{
    say(user, COPYCATD_LOG_WARN, "notice", text);
}

static void on_changed(uint32_t state, copycat_status status, void *user)
{
    struct daemon *daemon = user;

    switch (state) {
    case COPYCAT_SERVER_FOUNDING:
        say(daemon, COPYCATD_LOG_INFO, "state",
            "waits for all listed members, to found the cluster with them");
        break;
    case COPYCAT_SERVER_MEMBER:
        say(daemon, COPYCATD_LOG_INFO, "state", "takes part in the cluster");
        break;
    case COPYCAT_SERVER_FAILED:
        say(daemon, COPYCATD_LOG_ERROR, "state", copycat_status_text(status));
        (void)kill(getpid(), SIGUSR1); /* wakes the main thread */
        break;
    default:
        break;
    }
}

static void on_led(uint32_t leader, uint64_t term, void *user)
{
    struct daemon *daemon = user;
    char text[80];

    if (leader == daemon->config.id) {
        snprintf(text, sizeof text, "leads the cluster in term %" PRIu64, term);
    } else {
        snprintf(text, sizeof text, "follows member %" PRIu32 " in term %" PRIu64, leader, term);
    }
    say(daemon, COPYCATD_LOG_INFO, "leader", text);
}

/* The process ends after this, on SIGABRT. */
static void on_panic(const char *file, uint32_t line, const char *promise, void *user)
{
    char text[400];

    snprintf(
        text, sizeof text, "cannot go on, and aborts: %s:%" PRIu32 ": %s", file, line, promise);
    say(user, COPYCATD_LOG_ERROR, "panic", text);
}

/* Four lines: what, where, how to talk to it, how to run three. */
static void greet(const struct copycatd_config *config)
{
    printf(
        "copycatd: member %u of %u, listening on %s\n", (unsigned)config->id,
        (unsigned)config->members.count, config->listen);
    printf("data:     %s\n", config->data_dir);
    printf("talk:     copycat --servers=%s map put /colors sky blue\n", config->listen);
    printf("three:    copycatd --id=1 --members=1=HOST:7458,2=HOST:7458,3=HOST:7458, and so on for "
           "2 and 3\n");
    fflush(stdout);
}

/* ---- life ------------------------------------------------------------------------------------- */

static copycat_status open_server(struct daemon *daemon, copycat_message *message)
{
    const struct copycatd_config *config = &daemon->config;
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;

    options.members = config->members_text;
    options.data_dir = config->data_dir;
    options.notice = on_notice;
    options.changed = on_changed;
    options.led = on_led;
    options.on_panic = on_panic;
    options.user = daemon;
    options.journal_file_size = config->journal_file_size;
    options.id = config->id;
    options.election_timeout_ms = config->election_timeout_ms;
    options.heartbeat_interval_ms = config->heartbeat_interval_ms;
    options.connections_max = config->connections_max;
    return copycat_server_open(&daemon->server, &options, message);
}

/* Until somebody wants it to stop, or it has failed; the signal. */
static int wait_for_signal(const struct daemon *daemon)
{
    int number = 0;

    while (sigwait(&daemon->signals, &number) == EINTR) {
    }
    return number;
}

static void raise_files_max(struct daemon *daemon)
{
    uint64_t files_max = copycatd_files_max_raise();
    char text[240];

    if (files_max < daemon->config.connections_max) {
        snprintf(
            text, sizeof text,
            "this process may open %" PRIu64 " files, sockets among them: fewer connections are "
            "taken than max-connections=%" PRIu32 "; raise that limit (ulimit -Hn, or LimitNOFILE= "
            "of systemd)",
            files_max, daemon->config.connections_max);
        say(daemon, COPYCATD_LOG_WARN, "limit", text);
    }
}

static int serve(struct daemon *daemon)
{
    const char *notify = getenv("NOTIFY_SOCKET");
    copycat_message message;

    raise_files_max(daemon);

    copycat_status status = open_server(daemon, &message);

    if (status != COPYCAT_OK) {
        say(daemon, COPYCATD_LOG_ERROR, "open", message.text);
        return 1;
    }
    say(daemon, COPYCATD_LOG_INFO, "ready", "ready");
    (void)copycatd_notify_ready(notify, "serving");

    bool has_failed = wait_for_signal(daemon) == SIGUSR1;

    (void)copycatd_notify_stopping(notify, has_failed ? "has failed" : "is stopping");
    if (!has_failed) {
        say(daemon, COPYCATD_LOG_INFO, "stop", "stops; leadership, if it is here, goes first");
        (void)copycat_server_hand_over(daemon->server, HAND_OVER_MS);
    }
    copycat_server_close(daemon->server);
    say(daemon, COPYCATD_LOG_INFO, "stop", "stopped");
    return has_failed ? 1 : 0;
}

int main(int argc, char **argv)
{
    static struct daemon daemon;
    enum copycatd_verdict verdict =
        copycatd_config_load(&daemon.config, argc, argv, environ, stdout, stderr);

    if (verdict != COPYCATD_RUN) {
        return verdict == COPYCATD_DONE ? 0 : 2;
    }

    /* Before the first thread: all of them leave these to sigwait. */
    sigemptyset(&daemon.signals);
    sigaddset(&daemon.signals, SIGTERM);
    sigaddset(&daemon.signals, SIGINT);
    sigaddset(&daemon.signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &daemon.signals, NULL);
    pthread_mutex_init(&daemon.log_lock, NULL);
    copycatd_log_init(&daemon.log, stderr, daemon.config.log_format, daemon.config.log_level);
    greet(&daemon.config);
    return serve(&daemon);
}

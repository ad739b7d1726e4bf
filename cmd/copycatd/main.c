/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main -- copycatd: one member of a cluster, as a process.
 *
 * The main thread reads the configuration, opens the server, and then only waits for a signal or
 * for the server's failure.  SIGTERM, SIGINT and SIGHUP hand leadership over and stop; a second one
 * stops at once.
 */
#include "copycatd/config.h"
#include "copycatd/files_max.h"
#include "copycatd/heap.h"
#include "copycatd/notify.h"
#include "copycatd/voice.h"

#include <copycat/server.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define HAND_OVER_MS 3000u

/* As for a configuration that is wrong: starting again changes nothing. */
#define EXIT_MISFIT 2

extern char **environ;

struct daemon {
    struct copycatd_config config;
    struct copycatd_voice voice;
    copycat_server *server;
    sigset_t signals;
};

static void on_changed(uint32_t state, copycat_status status, void *user)
{
    copycatd_say_changed(user, state, status);
    if (state == COPYCAT_SERVER_FAILED) {
        (void)kill(getpid(), SIGUSR1); /* wakes the main thread */
    }
}

static copycat_status open_server(struct daemon *daemon, copycat_message *message)
{
    const struct copycatd_config *config = &daemon->config;
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;

    options.members = config->members_text;
    options.data_dir = config->data_dir;
    copycatd_voice_attach(&daemon->voice, &options);
    options.changed = on_changed;
    options.journal_file_size = config->journal_file_size;
    options.disk_quota = config->disk_quota;
    options.state_quota = config->state_quota;
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
        copycatd_say(&daemon->voice, COPYCATD_LOG_WARN, "limit", text);
    }
}

/* A second signal, from here on, ends the process as it would any other. */
static void listen_no_longer(const struct daemon *daemon)
{
    sigset_t others = daemon->signals;

    sigdelset(&others, SIGUSR1);
    pthread_sigmask(SIG_UNBLOCK, &others, NULL);
}

static void hand_over(struct daemon *daemon)
{
    copycat_server_status status = {.size = sizeof status};

    copycat_server_status_of(daemon->server, &status);
    if (status.leader != daemon->config.id || daemon->config.members.count == 1) {
        copycatd_say(&daemon->voice, COPYCATD_LOG_INFO, "stop", "stops");
        return;
    }
    copycatd_say(
        &daemon->voice, COPYCATD_LOG_INFO, "stop",
        "stops; waits, for 3 s at most, until another member leads in its place");
    if (copycat_server_hand_over(daemon->server, HAND_OVER_MS) != COPYCAT_OK) {
        copycatd_say(
            &daemon->voice, COPYCATD_LOG_WARN, "stop",
            "stops without a successor: no other voting member is there to take over");
    }
}

static int serve(struct daemon *daemon)
{
    const char *notify = getenv("NOTIFY_SOCKET");
    copycat_message message;

    raise_files_max(daemon);

    copycat_status status = open_server(daemon, &message);

    if (status != COPYCAT_OK) {
        copycatd_say_failure(&daemon->voice, status, &message);
        return status == COPYCAT_ERR_FOREIGN ? EXIT_MISFIT : 1;
    }
    copycatd_greet(&daemon->voice);

    /* Serving may need the other members first, and they may be waiting for whoever starts us. */
    (void)copycatd_notify_ready(notify, NULL);

    bool has_failed = wait_for_signal(daemon) == SIGUSR1;

    (void)copycatd_notify_stopping(notify, has_failed ? "has failed" : "is stopping");
    if (!has_failed) {
        listen_no_longer(daemon);
        hand_over(daemon);
    }
    copycat_server_close(daemon->server);
    copycatd_say(&daemon->voice, COPYCATD_LOG_INFO, "stop", "stopped");
    return has_failed ? 1 : 0;
}

/* Before the first thread: all of them leave these to sigwait. */
static void block_signals(struct daemon *daemon)
{
    struct sigaction hangup;

    sigemptyset(&daemon->signals);
    sigaddset(&daemon->signals, SIGTERM);
    sigaddset(&daemon->signals, SIGINT);
    sigaddset(&daemon->signals, SIGUSR1);
    /* Under nohup it is ignored, which blocking it would undo. */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(&daemon->signals, SIGHUP);
    }
    pthread_sigmask(SIG_BLOCK, &daemon->signals, NULL);
}

int main(int argc, char **argv)
{
    static struct daemon daemon;
    enum copycatd_verdict verdict =
        copycatd_config_load(&daemon.config, argc, argv, environ, stdout, stderr);

    if (verdict != COPYCATD_RUN) {
        return verdict == COPYCATD_DONE ? 0 : 2;
    }
    copycatd_heap_prepare();
    block_signals(&daemon);
    copycatd_voice_init(&daemon.voice, &daemon.config);
    return serve(&daemon);
}

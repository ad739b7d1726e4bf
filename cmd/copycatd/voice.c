/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/voice.h"

#include "copycatd/data_dir.h"
#include "copycatd/notify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void copycatd_voice_init(struct copycatd_voice *voice, const struct copycatd_config *config)
{
    voice->config = config;
    voice->is_open = false;
    voice->is_ready = false;
    voice->is_fresh = copycatd_data_dir_is_fresh(config->data_dir);
    voice->held[0] = '\0';
    pthread_mutex_init(&voice->lock, NULL);
    copycatd_log_init(&voice->log, stderr, config->log_format, config->log_level);
}

void copycatd_say(
    struct copycatd_voice *voice, enum copycatd_log_level level, const char *kind, const char *text)
{
    const struct copycatd_log_message message = {
        .level = level, .area = "server", .kind = kind, .text = text};

    pthread_mutex_lock(&voice->lock);
    copycatd_log_write(&voice->log, now_ms(), &message);
    pthread_mutex_unlock(&voice->lock);
}

/* ---- callbacks, on the server's thread -------------------------------------------------------- */

static void release_held(struct copycatd_voice *voice)
{
    if (voice->held[0] != '\0') {
        copycatd_say(voice, COPYCATD_LOG_WARN, "notice", voice->held);
        voice->held[0] = '\0';
    }
}

static void on_notice(const char *text, void *user)
{
    struct copycatd_voice *voice = user;

    release_held(voice);
    if (voice->is_open) {
        copycatd_say(voice, COPYCATD_LOG_WARN, "notice", text);
    } else {
        snprintf(voice->held, sizeof voice->held, "%s", text);
    }
}

static void on_news(const char *text, void *user)
{
    copycatd_say(user, COPYCATD_LOG_INFO, "news", text);
}

static void on_led(uint32_t leader, uint64_t term, void *user)
{
    struct copycatd_voice *voice = user;
    char text[400];

    if (leader == voice->config->id) {
        snprintf(text, sizeof text, "leads the cluster in term %" PRIu64, term);
    } else {
        snprintf(text, sizeof text, "follows member %" PRIu32 " in term %" PRIu64, leader, term);
    }
    copycatd_say(voice, COPYCATD_LOG_INFO, "leader", text);
    if (!voice->is_ready) {
        voice->is_ready = true;
        snprintf(text, sizeof text, "ready: serves at %s", voice->config->listen);
        copycatd_say(voice, COPYCATD_LOG_INFO, "ready", text);
        (void)copycatd_notify_status(getenv("NOTIFY_SOCKET"), "serving");
    }
}

/* The process ends after this, on SIGABRT. */
static void on_panic(const char *file, uint32_t line, const char *promise, void *user)
{
    char text[400];

    release_held(user);
    snprintf(
        text, sizeof text, "cannot go on, and aborts: %s:%" PRIu32 ": %s", file, line, promise);
    copycatd_say(user, COPYCATD_LOG_ERROR, "panic", text);
}

void copycatd_voice_attach(struct copycatd_voice *voice, copycat_server_options *options)
{
    options->notice = on_notice;
    options->news = on_news;
    options->led = on_led;
    options->on_panic = on_panic;
    options->user = voice;
}

void copycatd_say_changed(struct copycatd_voice *voice, uint32_t state, copycat_status status)
{
    uint32_t members = voice->config->members.count;
    char text[120];

    if (state == COPYCAT_SERVER_FAILED) {
        if (voice->is_open) { /* else whoever opens it tells */
            copycatd_say(voice, COPYCATD_LOG_ERROR, "state", copycat_status_text(status));
        }
        return;
    }
    release_held(voice);
    voice->is_open = true;
    if (state == COPYCAT_SERVER_MEMBER) {
        copycatd_say(voice, COPYCATD_LOG_INFO, "state", "takes part in the cluster");
    } else if (state == COPYCAT_SERVER_FOUNDING && members > 1) {
        snprintf(
            text, sizeof text,
            "the cluster is founded as soon as all %" PRIu32 " members have been there", members);
        copycatd_say(voice, COPYCATD_LOG_INFO, "state", text);
        (void)copycatd_notify_status(getenv("NOTIFY_SOCKET"), text);
    }
}

/* ---- from main -------------------------------------------------------------------------------- */

static void greet_as(const struct copycatd_config *config)
{
    if (config->members.count == 1) {
        printf(
            "copycatd: member %" PRIu32 ", a cluster of one, listening on %s\n", config->id,
            config->listen);
    } else {
        printf(
            "copycatd: member %" PRIu32 ", one of %" PRIu32 ", listening on %s\n", config->id,
            config->members.count, config->listen);
    }
}

/* For people: who reads JSON, or wants less than news, has the log. */
void copycatd_greet(const struct copycatd_voice *voice)
{
    const struct copycatd_config *config = voice->config;

    if (config->log_format != COPYCATD_LOG_TEXT || config->log_level < COPYCATD_LOG_INFO) {
        return;
    }
    greet_as(config);
    printf("data:     %s\n", config->data_dir);
    printf("talk:     copycat --servers=%s map put /colors sky blue\n", config->listen);
    if (config->members.count == 1 && voice->is_fresh) {
        /* Not from this directory: it belongs to a cluster of one, and will for ever. */
        printf("three:    on each of three machines, with N=1, 2 or 3:  copycatd --id=N --insecure "
               "--members=1=HOST1:7458,2=HOST2:7458,3=HOST3:7458 --data-dir=AN-EMPTY-ONE\n");
    }
    fflush(stdout);
}

static const char *remedy_of(copycat_status status)
{
    switch (status) {
    case COPYCAT_ERR_ADDRESS_IN_USE:
        return "stop that process, or choose another --listen";
    case COPYCAT_ERR_INVALID:
        return "is it an address of this machine?  See --listen and --members";
    case COPYCAT_ERR_FOREIGN:
        return "start with the --id and --members that it was founded with, or name another "
               "--data-dir";
    case COPYCAT_ERR_NEWER:
        return "start the newer version, or name another --data-dir";
    case COPYCAT_ERR_IO:
        return "name a directory that this user may make and write with --data-dir, if that is it";
    case COPYCAT_ERR_DISK_FULL:
        return "make room, or name another --data-dir";
    case COPYCAT_ERR_DAMAGED:
        return "this server cannot go on without it; if other members have the state, keep the "
               "majority running, back it up, restore that as a new cluster";
    default:
        return "";
    }
}

static void write_locked(const struct copycatd_voice *voice, char *text_out, size_t text_size)
{
    pid_t holder = copycatd_data_dir_holder(voice->config->data_dir);
    char who[40] = "";

    if (holder != 0) {
        snprintf(who, sizeof who, ", pid %ld,", (long)holder);
    }
    snprintf(
        text_out, text_size,
        "another process%s uses the directory %s: stop it, or name another --data-dir", who,
        voice->config->data_dir);
}

void copycatd_say_failure(
    struct copycatd_voice *voice, copycat_status status, const copycat_message *message)
{
    const char *remedy = remedy_of(status);
    char text[sizeof message->text + 4500];

    /* Where the cause names the remedy itself, it knows better. */
    if (strstr(message->text, "--data-dir") != NULL ||
        strstr(message->text, "start again") != NULL) {
        remedy = "";
    }
    if (status == COPYCAT_ERR_LOCKED) {
        write_locked(voice, text, sizeof text);
    } else {
        snprintf(text, sizeof text, "%s%s%s", message->text, *remedy == '\0' ? "" : "; ", remedy);
    }
    copycatd_say(voice, COPYCATD_LOG_ERROR, "open", text);
}

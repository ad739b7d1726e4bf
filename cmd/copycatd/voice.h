/* SPDX-License-Identifier: Apache-2.0 */
/*
 * voice -- what the daemon says of its server: lines of the log, a greeting, and of a start that
 * failed one line with the cause and a remedy.
 *
 * Where it sits:   between the server's callbacks and the log.
 * Threads:         any; the server speaks on a thread of its own.
 */
#ifndef COPYCATD_VOICE_H
#define COPYCATD_VOICE_H

#include "copycatd/config.h"

#include <copycat/server.h>

#include <pthread.h>

struct copycatd_voice {
    const struct copycatd_config *config;
    struct copycatd_log log;
    pthread_mutex_t lock;
    bool is_open;    /* the server has come up: what is said is said at once */
    bool is_ready;   /* and serves */
    bool is_fresh;   /* its directory was empty when it began */
    char held[1024]; /* a notice while it comes up: of a failure it is the cause, told with it */
};

void copycatd_voice_init(struct copycatd_voice *voice, const struct copycatd_config *config);

void copycatd_say(
    struct copycatd_voice *voice,
    enum copycatd_log_level level,
    const char *kind,
    const char *text);

/* Callbacks of the server go to `voice`, but for `changed`, which main has to know of too. */
void copycatd_voice_attach(struct copycatd_voice *voice, copycat_server_options *options);
void copycatd_say_changed(struct copycatd_voice *voice, uint32_t state, copycat_status status);

/* The server is open: what it is, where its data is, how to talk to it, how to run three. */
void copycatd_greet(const struct copycatd_voice *voice);

/* It could not be opened: why, and what to do. */
void copycatd_say_failure(
    struct copycatd_voice *voice, copycat_status status, const copycat_message *message);

#endif /* COPYCATD_VOICE_H */

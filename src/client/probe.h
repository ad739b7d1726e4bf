/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe -- asks one server where it stands.
 *
 * Where it sits:   beside client: no session, no cluster; one connection, one question.
 * Memory:          caller-owned, but for what its channel holds while it is open.
 */
#ifndef CC_CLIENT_PROBE_H
#define CC_CLIENT_PROBE_H

#include "env/channel.h"
#include "proto/message.h"

struct cc_probe {
    struct cc_env *env;
    struct cc_channel channel;
    struct cc_timer timer;
    bool is_reached; /* connected */
    struct cc_task task;
    void (*done)(struct cc_probe *probe);
    void *owner;

    copycat_status status;   /* UNAVAILABLE, VERSION ...: why there is no report */
    struct cc_report report; /* its notice is in `notice` */
    char notice[CC_REFUSE_TEXT_SIZE_MAX];
};

/* `done` comes once, later; the probe is the caller's again when it does. */
void cc_probe_start(
    struct cc_probe *probe,
    struct cc_env *env,
    const char *address,
    uint64_t timeout_us,
    void (*done)(struct cc_probe *probe),
    void *owner);

#endif /* CC_CLIENT_PROBE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retiring -- see retiring.h.
 */
#include "server/image/retiring.h"

#include "apply/apply.h"
#include "server/image/pacing.h"
#include "server/node/node.h"

#define STEPS_MAX 8u /* in a slice: a few milliseconds at most */
#define NO_REST 2u

struct retiring {
    struct cc_server *server;
    struct cc_apply *apply;
    struct cc_pacing pacing;
};

/* Who closes the server waits for it. */
static uint32_t haste(const void *owner)
{
    const struct retiring *retiring = owner;

    return retiring->server->is_closing ? NO_REST : 0;
}

static void go_on(void *owner)
{
    struct retiring *retiring = owner;
    struct cc_server *server = retiring->server;
    bool is_more = true;

    for (uint32_t i = 0; i < STEPS_MAX && is_more; i++) {
        is_more = cc_apply_destroy_step(retiring->apply);
    }
    if (!is_more) {
        cc_apply_destroy(retiring->apply);
        cc_memory_give(server->memory, retiring);
        cc_server_let_go(server);
    } else if (!cc_pacing_rest(&retiring->pacing)) {
        cc_pacing_go_on(&retiring->pacing);
    }
}

void cc_retiring_begin(struct cc_server *server, struct cc_apply *apply_take)
{
    struct retiring *retiring;

    if (apply_take == NULL) {
        return;
    }
    retiring = cc_memory_take(server->memory, sizeof *retiring);
    retiring->server = server;
    retiring->apply = apply_take;
    cc_pacing_init(&retiring->pacing, server->env, go_on, haste, retiring);
    cc_server_hold(server);
    cc_pacing_go_on(&retiring->pacing);
}

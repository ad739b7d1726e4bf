/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection -- a client, one map, and the queue into which its answers come.
 *
 * Where it sits:   between the verbs and the library.
 */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include "arguments.h"

#include <copycat/map.h>

struct cli_connection {
    const struct cli_arguments *arguments;
    copycat_client *client;
    copycat_queue *queue;
    copycat_map *map;
};

/* Of the map at the first operand.  Says why on failure; returns an exit code.  Partner:
 * cli_connection_close. */
int cli_connection_open(struct cli_connection *connection, const struct cli_arguments *arguments);

/* Nothing may be on its way any more. */
void cli_connection_close(struct cli_connection *connection);

/* True once the session has ended: every call fails until cli_connection_renew, which may be called
 * when nothing is on its way, and says why on failure. */
bool cli_connection_has_ended(const struct cli_connection *connection);
int cli_connection_renew(struct cli_connection *connection);

/* As the arguments want it. */
copycat_call_options cli_connection_options(const struct cli_connection *connection);

/* Waits for the next answer to what is under way.  Says on standard error why, if that lasts. */
void cli_connection_next(struct cli_connection *connection, copycat_completion *completion_out);

/* The same for one call.  Says why on failure; returns an exit code.  The caller frees the value. */
int cli_connection_await(
    struct cli_connection *connection, copycat_future *future, copycat_value **value_out);

/* A clock that is never set. */
uint64_t cli_now_ms(void);

#endif /* CLI_CONNECTION_H */

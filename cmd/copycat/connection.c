/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection -- see connection.h.
 */
#include "connection.h"

#include "failure.h"
#include "operands.h"
#include "silence.h"

#include <time.h>

uint64_t cli_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int open_client(struct cli_connection *connection)
{
    const struct cli_arguments *arguments = connection->arguments;
    copycat_message message;
    copycat_status status =
        copycat_client_open(&connection->client, arguments->servers, NULL, &message);

    if (status != COPYCAT_OK) {
        return cli_fail_with(
            arguments, cli_exit_of(status), "--servers=%s: %s", arguments->servers, message.text);
    }
    connection->map = copycat_map_at(connection->client, arguments->operands[0]);
    return CLI_EXIT_YES;
}

int cli_connection_open(struct cli_connection *connection, const struct cli_arguments *arguments)
{
    copycat_message message;
    copycat_status status;

    *connection = (struct cli_connection){.arguments = arguments};
    if (!cli_path_check(arguments->operands[0], &message)) {
        return cli_fail_with(arguments, CLI_EXIT_USAGE, "refused: %s", message.text);
    }
    status = copycat_queue_open(&connection->queue);
    if (status != COPYCAT_OK) {
        return cli_fail(arguments, status);
    }

    int code = open_client(connection);

    if (code != CLI_EXIT_YES) {
        copycat_queue_close(connection->queue);
    }
    return code;
}

static void close_client(struct cli_connection *connection)
{
    copycat_map_free(connection->map);
    copycat_client_close(connection->client, NULL, NULL);
    connection->map = NULL;
    connection->client = NULL;
}

void cli_connection_close(struct cli_connection *connection)
{
    close_client(connection);
    copycat_queue_close(connection->queue);
}

bool cli_connection_has_ended(const struct cli_connection *connection)
{
    return copycat_client_state(connection->client) == COPYCAT_CLIENT_ENDED;
}

int cli_connection_renew(struct cli_connection *connection)
{
    close_client(connection);
    return open_client(connection);
}

copycat_call_options cli_connection_options(const struct cli_connection *connection)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;

    options.timeout_ms = cli_arguments_timeout_ms(connection->arguments);
    options.consistency = connection->arguments->consistency;
    return options;
}

void cli_connection_next(struct cli_connection *connection, copycat_completion *completion_out)
{
    struct cli_silence silence;

    cli_silence_begin(&silence, connection->arguments, cli_now_ms());
    /* Calls have deadlines of their own: it comes. */
    while (copycat_queue_next(
               connection->queue, cli_silence_due_ms(&silence, cli_now_ms()), completion_out) !=
           COPYCAT_OK) {
        cli_silence_watch(&silence, cli_now_ms());
    }
}

int cli_connection_await(
    struct cli_connection *connection, copycat_future *future, copycat_value **value_out)
{
    const struct cli_arguments *arguments = connection->arguments;
    copycat_completion completion;
    copycat_status status = copycat_future_into(future, connection->queue, 0);

    *value_out = NULL;
    if (status != COPYCAT_OK) {
        return cli_fail(arguments, status);
    }
    cli_connection_next(connection, &completion);
    *value_out = completion.value;
    return completion.status == COPYCAT_OK ? CLI_EXIT_YES : cli_fail(arguments, completion.status);
}

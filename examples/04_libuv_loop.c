/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 04 -- a client inside a libuv loop of yours: no thread is made, all callbacks run in your loop.
 * Start a server first: copycatd.  usage: 04_libuv_loop [SERVERS]
 *
 * Any loop that can watch a descriptor will do: readable means copycat_client_process.
 */
#include <copycat.h>

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct app {
    uv_poll_t poll;
    copycat_client *client;
    copycat_map *visits;
    int exit_code;
};

static void closed(void *user)
{
    struct app *app = user;

    uv_poll_stop(&app->poll);
    uv_close((uv_handle_t *)&app->poll, NULL); /* nothing is left: the loop ends */
}

/* From any callback: the rest comes later. */
static void finish(struct app *app, int exit_code)
{
    app->exit_code = exit_code;
    copycat_map_free(app->visits);
    copycat_client_close(app->client, closed, app);
}

static void got(copycat_status status, copycat_value *value, void *user)
{
    struct app *app = user;

    if (status != COPYCAT_OK) {
        fprintf(stderr, "get: %s\n", copycat_status_text(status));
    } else {
        printf("the page is %s\n", (const char *)copycat_value_bytes(value).data);
    }
    copycat_value_free(value);
    finish(app, status == COPYCAT_OK ? 0 : 1);
}

static void put(copycat_status status, copycat_value *value, void *user)
{
    struct app *app = user;

    copycat_value_free(value);
    if (status != COPYCAT_OK) {
        fprintf(stderr, "put: %s\n", copycat_status_text(status));
        finish(app, 1);
        return;
    }
    copycat_future_then(copycat_map_get(app->visits, COPYCAT_STR("page"), NULL), got, app);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct app *app = poll->data;

    (void)status;
    (void)events;
    copycat_client_process(app->client);
}

int main(int argc, char **argv)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_message message;
    struct app app = {.exit_code = 1};
    uv_loop_t *loop = uv_default_loop();

    options.host_loop = 1;
    if (copycat_client_open(
            &app.client, argc > 1 ? argv[1] : "127.0.0.1:7458", &options, &message) != COPYCAT_OK) {
        fprintf(stderr, "%s\n", message.text);
        return 1;
    }
    app.poll.data = &app;
    uv_poll_init(loop, &app.poll, copycat_client_fd(app.client));
    uv_poll_start(&app.poll, UV_READABLE, readable);

    app.visits = copycat_map_at(app.client, "/visits");
    copycat_future_then(
        copycat_map_put(app.visits, COPYCAT_STR("page"), COPYCAT_STR("open"), NULL), put, &app);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return app.exit_code;
}

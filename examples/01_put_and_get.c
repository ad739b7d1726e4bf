/* SPDX-License-Identifier: Apache-2.0 */
/* 01 -- put a value into a map and read it back.  Start a server first: copycatd */
#include <copycat.h>

#include <stdio.h>
#include <stdlib.h>

/* How long a call may take.  One that was not sent by then is taken back: it did not happen. */
#define PATIENCE_MS 5000

static copycat_client *client;

/* What it came to, and if no server is reached, why. */
static void check(copycat_status status, const char *what)
{
    copycat_message trouble;

    if (status == COPYCAT_OK) {
        return;
    }
    fprintf(stderr, "%s: %s\n", what, copycat_status_text(status));
    if (copycat_client_trouble(client, &trouble)) {
        fprintf(stderr, "%s\n", trouble.text); /* 127.0.0.1:7458: connection refused */
    }
    exit(1);
}

int main(int argc, char **argv)
{
    const char *servers = argc > 1 ? argv[1] : "127.0.0.1:7458";
    copycat_message message;
    copycat_value *value;
    copycat_future *future;

    if (copycat_client_open(&client, servers, NULL, &message) != COPYCAT_OK) {
        fprintf(stderr, "%s\n", message.text);
        return 1;
    }

    copycat_map *colors = copycat_map_at(client, "/colors");

    future = copycat_map_put(colors, COPYCAT_STR("sky"), COPYCAT_STR("blue"), NULL);
    check(copycat_await(future, PATIENCE_MS, NULL), "put");
    future = copycat_map_get(colors, COPYCAT_STR("sky"), NULL);
    check(copycat_await(future, PATIENCE_MS, &value), "get");
    printf(
        "sky is %s, as of index %llu\n", (const char *)copycat_value_bytes(value).data,
        (unsigned long long)copycat_value_index(value));

    copycat_value_free(value);
    copycat_map_free(colors);
    copycat_client_close(client, NULL, NULL);
    return 0;
}

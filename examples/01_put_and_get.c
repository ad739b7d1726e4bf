/* SPDX-License-Identifier: Apache-2.0 */
/* 01 -- put a value into a map and read it back.  Start a server first: copycatd */
#include <copycat.h>

#include <stdio.h>
#include <stdlib.h>

#define CHECK(call)                                                           \
    do {                                                                      \
        copycat_status status_ = (call);                                      \
        if (status_ != COPYCAT_OK) {                                          \
            fprintf(stderr, "%s: %s\n", #call, copycat_status_text(status_)); \
            exit(1);                                                          \
        }                                                                     \
    } while (0)

int main(int argc, char **argv)
{
    const char *servers = argc > 1 ? argv[1] : "127.0.0.1:7458";
    copycat_client *client;
    copycat_value *value;

    CHECK(copycat_client_open(&client, servers, NULL, NULL));

    copycat_map *colors = copycat_map_at(client, "/colors");

    CHECK(copycat_await(
        copycat_map_put(colors, COPYCAT_STR("sky"), COPYCAT_STR("blue"), NULL), 10000, NULL));
    CHECK(copycat_await(copycat_map_get(colors, COPYCAT_STR("sky"), NULL), 10000, &value));
    printf(
        "sky is %s, as of index %llu\n", (const char *)copycat_value_bytes(value).data,
        (unsigned long long)copycat_value_index(value));

    copycat_value_free(value);
    copycat_map_free(colors);
    copycat_client_close(client, NULL, NULL);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* 02 -- a cluster of three members inside one process.  usage: 02_three_members DIRECTORY */
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
    const char *root = argc > 1 ? argv[1] : "three-members";
    const char *all = "1=local:a,2=local:b,3=local:c"; /* across machines: host:port */
    copycat_server *servers[3];
    copycat_client *client;
    copycat_value *value;

    for (uint32_t i = 0; i < 3; i++) {
        copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;
        copycat_message message;
        char directory[256];

        snprintf(directory, sizeof directory, "%s/%u", root, i + 1);
        options.id = i + 1;
        options.members = all;
        options.data_dir = directory; /* it belongs to this member for ever */
        if (copycat_server_open(&servers[i], &options, &message) != COPYCAT_OK) {
            fprintf(stderr, "member %u: %s\n", i + 1, message.text);
            return 1;
        }
    }
    CHECK(copycat_client_open(&client, all, NULL, NULL));

    copycat_map *colors = copycat_map_at(client, "/colors");

    CHECK(copycat_await(
        copycat_map_put(colors, COPYCAT_STR("sky"), COPYCAT_STR("blue"), NULL), 10000, NULL));

    /* One of three may go: the others go on. */
    copycat_server_close(servers[0]);
    CHECK(copycat_await(copycat_map_get(colors, COPYCAT_STR("sky"), NULL), 10000, &value));
    printf(
        "with two of three members, the sky is %s\n",
        (const char *)copycat_value_bytes(value).data);

    copycat_value_free(value);
    copycat_map_free(colors);
    copycat_client_close(client, NULL, NULL);
    copycat_server_close(servers[1]);
    copycat_server_close(servers[2]);
    return 0;
}

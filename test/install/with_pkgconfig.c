/* SPDX-License-Identifier: Apache-2.0 */
/*
 * with_pkgconfig -- an application outside the tree: it puts and gets, and has functions of its own
 * that are called as some inside the library are.  usage: with_pkgconfig SERVERS
 */
#include <copycat.h>

#include <stdio.h>
#include <string.h>

/* The library has functions of these names: it must go on calling its own. */
int cc_server_open(void);
int cc_crc32c(void);
int cc_memory_try(void);

int cc_server_open(void)
{
    return 1;
}

int cc_crc32c(void)
{
    return 2;
}

int cc_memory_try(void)
{
    return 3;
}

int main(int argc, char **argv)
{
    copycat_client *client;
    copycat_message message;
    copycat_value *value;
    copycat_map *map;
    int is_same;

    if (argc != 2 || copycat_client_open(&client, argv[1], NULL, &message) != COPYCAT_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? message.text : "usage: with_pkgconfig SERVERS");
        return 1;
    }
    map = copycat_map_at(client, "/installed");
    if (copycat_await(
            copycat_map_put(map, COPYCAT_STR("key"), COPYCAT_STR("value"), NULL), 20000, NULL) !=
            COPYCAT_OK ||
        copycat_await(copycat_map_get(map, COPYCAT_STR("key"), NULL), 20000, &value) !=
            COPYCAT_OK) {
        fprintf(stderr, "no answer\n");
        return 1;
    }
    is_same = strcmp((const char *)copycat_value_bytes(value).data, "value") == 0;
    copycat_value_free(value);
    copycat_map_free(map);
    copycat_client_close(client, NULL, NULL);
    printf("copycat %s, %d\n", copycat_version(), cc_server_open() + cc_crc32c() + cc_memory_try());
    return is_same ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* with_cmake -- puts and gets, from C++.  usage: with_copycat SERVERS */
#include <copycat.h>

#include <cstdio>
#include <string>

int main(int argc, char **argv)
{
    copycat_client_options options;
    copycat_client *client = nullptr;
    copycat_value *value = nullptr;

    copycat_client_options_init(&options, sizeof options);
    if (argc != 2 || copycat_client_open(&client, argv[1], &options, nullptr) != COPYCAT_OK) {
        return 1;
    }
    copycat_map *map = copycat_map_at(client, "/installed");
    copycat_status put = copycat_await(
        copycat_map_put(map, COPYCAT_STR("c++"), COPYCAT_STR("17"), nullptr), 20000, nullptr);
    copycat_status got =
        copycat_await(copycat_map_get(map, COPYCAT_STR("c++"), nullptr), 20000, &value);
    copycat_bytes bytes = copycat_value_bytes(value);
    std::string text(static_cast<const char *>(bytes.data), bytes.size);

    copycat_value_free(value);
    copycat_map_free(map);
    copycat_client_close(client, nullptr, nullptr);
    std::printf("c++%s\n", text.c_str());
    return put == COPYCAT_OK && got == COPYCAT_OK && text == "17" ? 0 : 1;
}

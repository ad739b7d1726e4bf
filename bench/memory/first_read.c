/* SPDX-License-Identifier: Apache-2.0 */
/*
 * first_read -- when a server that is being started has answered a read that must be right.
 *
 *   first_read HOST PORT
 *
 * Says "ready" once it looks, so that its own start is nobody's; then "answered NANOSECONDS", on the
 * clock that is never set.  The server opens its door when it has read its directory: that is looked
 * for each millisecond, for a client that is refused waits longer each time.
 */
#include "bench_clock.h"

#include <copycat.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_NS 1000000
#define AWAIT_MS 60000u

static void fail(const char *what)
{
    fprintf(stderr, "first_read: %s\n", what);
    exit(1);
}

static bool is_open(const struct sockaddr_in *address)
{
    int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_connected;

    if (handle < 0) {
        fail("no socket");
    }
    is_connected = connect(handle, (const struct sockaddr *)address, sizeof *address) == 0;
    close(handle);
    return is_connected;
}

static void read_once(const char *server)
{
    copycat_client *client;
    copycat_message message;
    copycat_status status;

    if (copycat_client_open(&client, server, NULL, &message) != COPYCAT_OK) {
        fail(message.text);
    }
    status =
        copycat_await(copycat_map_size(copycat_map_at(client, "/bench"), NULL), AWAIT_MS, NULL);
    if (status != COPYCAT_OK) {
        fail(copycat_status_text(status));
    }
}

int main(int argc, char **argv)
{
    const struct timespec pause = {0, LOOK_NS};
    struct sockaddr_in address = {.sin_family = AF_INET};
    char server[64];

    if (argc != 3 || inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) {
        fail("usage: first_read HOST PORT");
    }
    address.sin_port = htons((uint16_t)atoi(argv[2]));
    snprintf(server, sizeof server, "%s:%s", argv[1], argv[2]);
    puts("ready");
    fflush(stdout);
    while (!is_open(&address)) {
        (void)nanosleep(&pause, NULL);
    }
    read_once(server);
    printf("answered %llu\n", (unsigned long long)bench_now_ns());
    fflush(stdout);
    _Exit(0); /* closing the session would be a write */
}

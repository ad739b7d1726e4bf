/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_address -- "host:port", "[v6]:port" and "unix:/path", and what they stand for.
 *
 * A name is asked for on a thread of its own: getaddrinfo has no other form, and a name server that
 * does not answer takes seconds.
 */
#include "env/uv/uv_internal.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

static bool parse_unix(struct cc_uv_lookup *lookup, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);

    if (length == 0 || length >= sizeof address.sun_path) {
        return false;
    }
    memcpy(address.sun_path, path, length + 1);
    memcpy(&lookup->found[0].socket, &address, sizeof address);
    lookup->found[0].size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    lookup->count = 1;
    return true;
}

static bool is_port(const char *text)
{
    uint32_t number = 0;

    if (*text == '\0' || strlen(text) > 5) {
        return false;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (uint32_t)(*text - '0');
    }
    return *text == '\0' && number <= 65535;
}

bool cc_uv_lookup_parse(struct cc_uv_lookup *lookup, const char *text)
{
    size_t length = strlen(text);
    const char *colon = strrchr(text, ':');
    size_t host_length;

    if (length >= sizeof lookup->text) {
        return false;
    }
    memcpy(lookup->text, text, length + 1);
    if (strncmp(text, UNIX_PREFIX, sizeof UNIX_PREFIX - 1) == 0) {
        return parse_unix(lookup, text + sizeof UNIX_PREFIX - 1);
    }
    if (colon == NULL || !is_port(colon + 1)) {
        return false;
    }
    (void)snprintf(lookup->port, sizeof lookup->port, "%s", colon + 1);
    host_length = (size_t)(colon - text);
    if (host_length >= 2 && text[0] == '[' && colon[-1] == ']') {
        text++;
        host_length -= 2;
    } else if (memchr(text, ':', host_length) != NULL) {
        return false; /* a bare v6 address: which of its colons begins the port? */
    }
    memcpy(lookup->host, text, host_length);
    lookup->host[host_length] = '\0';
    return true;
}

void cc_uv_lookup_find(struct cc_uv_lookup *lookup, bool may_ask)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | AI_PASSIVE};
    struct addrinfo *list = NULL;

    if (lookup->count > 0) {
        return; /* a unix socket */
    }
    hints.ai_flags |= may_ask ? 0 : AI_NUMERICHOST;
    if (getaddrinfo(lookup->host[0] == '\0' ? NULL : lookup->host, lookup->port, &hints, &list) !=
        0) {
        return;
    }
    for (struct addrinfo *one = list; one != NULL && lookup->count < CC_UV_ADDRESSES_MAX;
         one = one->ai_next) {
        struct cc_uv_address *address = &lookup->found[lookup->count];

        if (one->ai_addrlen <= sizeof address->socket) {
            memcpy(&address->socket, one->ai_addr, one->ai_addrlen);
            address->size = one->ai_addrlen;
            lookup->count++;
        }
    }
    freeaddrinfo(list);
}

void cc_uv_address_print(const struct cc_uv_address *address, char *text_out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (address->socket.ss_family == AF_UNIX) {
        struct sockaddr_un local;

        memcpy(&local, &address->socket, sizeof local);
        (void)snprintf(text_out, size, UNIX_PREFIX "%s", local.sun_path);
    } else if (address->socket.ss_family == AF_INET6) {
        struct sockaddr_in6 six;

        memcpy(&six, &address->socket, sizeof six);
        (void)inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof host);
        (void)snprintf(text_out, size, "[%s]:%u", host, (unsigned)ntohs(six.sin6_port));
    } else {
        struct sockaddr_in four;

        memcpy(&four, &address->socket, sizeof four);
        (void)inet_ntop(AF_INET, &four.sin_addr, host, sizeof host);
        (void)snprintf(text_out, size, "%s:%u", host, (unsigned)ntohs(four.sin_port));
    }
}

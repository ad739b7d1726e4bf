/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_address -- "host:port", "[v6]:port", "unix:/path" and "local:name", and what they stand for.
 *
 * "local:name" is known within this process alone: an abstract unix socket, so that nothing is left
 * in the file system, whose name no other process has (docs/decisions/0005).
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
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

#define UNIX_PREFIX "unix:"
#define LOCAL_PREFIX "local:"
#define LOCAL_NAME_MAX 64u

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

/* ---- within this process --------------------------------------------------------------------- */

static uint64_t secret;

static void draw_secret(void)
{
    if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret) {
        secret = 0; /* then the process id alone tells processes apart */
    }
}

/* What stands before the name: of this process and no other, not even a child of it. */
static size_t local_begin(char *text_out, size_t size)
{
    static uv_once_t once = UV_ONCE_INIT;
    int length;

    uv_once(&once, draw_secret);
    length = snprintf(
        text_out, size, "copycat-%ld-%016llx-", (long)getpid(), (unsigned long long)secret);
    return (size_t)length;
}

static bool parse_local(struct cc_uv_lookup *lookup, const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    size_t begin;

    if (length == 0 || length > LOCAL_NAME_MAX) {
        return false;
    }
    /* The zero in front makes it abstract; there is none behind it. */
    begin = 1 + local_begin(address.sun_path + 1, sizeof address.sun_path - 1);
    if (length > sizeof address.sun_path - begin) {
        return false;
    }
    memcpy(address.sun_path + begin, name, length);
    memcpy(&lookup->found[0].socket, &address, sizeof address);
    lookup->found[0].size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + begin + length);
    lookup->count = 1;
    return true;
}

bool cc_uv_address_is_local(const struct cc_uv_address *address)
{
    struct sockaddr_un local;

    memcpy(&local, &address->socket, sizeof local);
    return local.sun_family == AF_UNIX && local.sun_path[0] == '\0' &&
           address->size > offsetof(struct sockaddr_un, sun_path) + 1;
}

bool cc_uv_peer_is_self(int descriptor)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.pid == getpid();
}

/* ---- all of them ----------------------------------------------------------------------------- */

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
    /* A number behind it is a port, of a host that has this name. */
    if (strncmp(text, LOCAL_PREFIX, sizeof LOCAL_PREFIX - 1) == 0 && !is_port(colon + 1)) {
        return parse_local(lookup, text + sizeof LOCAL_PREFIX - 1);
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

static void print_local(const struct cc_uv_address *address, char *text_out, size_t size)
{
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    char before[sizeof local.sun_path];
    size_t begin = local_begin(before, sizeof before);
    size_t length = address->size - offsetof(struct sockaddr_un, sun_path) - 1 - begin;

    memcpy(&local, &address->socket, sizeof local);
    (void)snprintf(text_out, size, LOCAL_PREFIX "%.*s", (int)length, local.sun_path + 1 + begin);
}

void cc_uv_address_print(const struct cc_uv_address *address, char *text_out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";

    if (cc_uv_address_is_local(address)) {
        print_local(address, text_out, size);
    } else if (address->socket.ss_family == AF_UNIX) {
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

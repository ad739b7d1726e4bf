/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "copycatd/config_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static const char unix_prefix[] = "unix:";
static const char learner[] = "/learner";

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

static bool is_unix(const char *text)
{
    return strncmp(text, unix_prefix, sizeof unix_prefix - 1) == 0;
}

static const char *check_unix(const char *path)
{
    size_t size = strlen(path);

    if (*path != '/') {
        return "needs a path from the root behind unix:";
    }
    if (size >= sizeof((struct sockaddr_un *)NULL)->sun_path) {
        return "is longer than the path of a socket may be (107 bytes)";
    }
    if (size >= sizeof learner - 1 && strcmp(path + size - (sizeof learner - 1), learner) == 0) {
        return "ends in /learner, which marks a member without a vote";
    }
    for (; *path != '\0'; path++) {
        if ((unsigned char)*path <= ' ' || *path == 0x7f || *path == ',') {
            return "holds a blank, a comma or a control character";
        }
    }
    return NULL;
}

static bool is_port(const char *text)
{
    unsigned long port = 0;
    const char *at = text;

    for (; is_digit(*at) && port <= 65535; at++) {
        port = port * 10 + (unsigned long)(*at - '0');
    }
    return *at == '\0' && port >= 1 && port <= 65535;
}

/* A name as DNS has it, or four numbers. */
static bool is_host(const char *host)
{
    bool only_numbers = true;
    struct in_addr address;

    if (!is_letter(*host) && !is_digit(*host)) {
        return false;
    }
    for (const char *at = host; *at != '\0'; at++) {
        if (!is_letter(*at) && !is_digit(*at) && strchr("-._", *at) == NULL) {
            return false;
        }
        only_numbers = only_numbers && (is_digit(*at) || *at == '.');
    }
    return !only_numbers || inet_pton(AF_INET, host, &address) == 1;
}

/* The host without its brackets; `text` is at most COPYCATD_ADDRESS_SIZE_MAX long and has a ':'. */
static bool split_host(const char *text, char host_out[COPYCATD_ADDRESS_SIZE_MAX + 1])
{
    size_t size = (size_t)(strrchr(text, ':') - text);
    bool is_bracketed = size >= 2 && text[0] == '[' && text[size - 1] == ']';

    text += is_bracketed;
    size -= is_bracketed ? 2 : 0;
    memcpy(host_out, text, size);
    host_out[size] = '\0';
    return is_bracketed;
}

const char *copycatd_address_check(const char *text)
{
    char host[COPYCATD_ADDRESS_SIZE_MAX + 1];
    struct in6_addr address;

    if (strlen(text) > COPYCATD_ADDRESS_SIZE_MAX) {
        return "is longer than an address may be (255 bytes)";
    }
    if (is_unix(text)) {
        return check_unix(text + sizeof unix_prefix - 1);
    }
    if (strrchr(text, ':') == NULL) {
        return "has no port: write HOST:PORT, [IPV6]:PORT or unix:PATH";
    }
    if (!is_port(strrchr(text, ':') + 1)) {
        return "has no port from 1 to 65535 behind its last ':'";
    }
    if (split_host(text, host)) {
        return inet_pton(AF_INET6, host, &address) == 1 ? NULL : "has no IPv6 address in brackets";
    }
    if (strchr(host, ':') != NULL) {
        return "needs brackets around its IPv6 address, as in [::1]:7458";
    }
    return is_host(host) ? NULL : "has no host in front of its port";
}

bool copycatd_address_is_local(const char *text)
{
    char host[COPYCATD_ADDRESS_SIZE_MAX + 1];
    unsigned char bytes[16];

    if (is_unix(text)) {
        return true;
    }
    if (split_host(text, host)) {
        return inet_pton(AF_INET6, host, bytes) == 1 &&
               memcmp(bytes, &in6addr_loopback, sizeof bytes) == 0;
    }
    if (inet_pton(AF_INET, host, bytes) == 1) {
        return bytes[0] == 127;
    }
    return strcmp(host, "localhost") == 0;
}

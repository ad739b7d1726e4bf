/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address -- see address.h.
 */
#include "api/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

copycat_status cc_fail(copycat_message *message_out, copycat_status status, const char *text)
{
    if (message_out != NULL) {
        snprintf(
            message_out->text, sizeof message_out->text, "%s",
            text == NULL ? copycat_status_text(status) : text);
    }
    return status;
}

void cc_addresses_free(struct cc_addresses *addresses)
{
    for (uint32_t i = 0; i < addresses->count; i++) {
        free((void *)(uintptr_t)addresses->at[i]);
    }
    free(addresses->at);
    *addresses = (struct cc_addresses){0};
}

/* One item of the list without its "id=" and its "/role". */
static char *address_of(const char *item, size_t size)
{
    const char *equals = memchr(item, '=', size);
    char *address;

    if (equals != NULL) {
        size -= (size_t)(equals + 1 - item);
        item = equals + 1;
    }
    if (strncmp(item, "unix:", 5) != 0) {
        const char *role = memchr(item, '/', size);

        size = role == NULL ? size : (size_t)(role - item);
    }
    address = calloc(1, size + 1);
    if (address != NULL) {
        memcpy(address, item, size);
    }
    return address;
}

static bool is_port(const char *text)
{
    unsigned long port = 0;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || port > 65535) {
            return false;
        }
        port = port * 10 + (unsigned long)(*at - '0');
    }
    return port >= 1 && port <= 65535;
}

static bool is_number(const char *text)
{
    return text[strspn(text, "0123456789")] == '\0';
}

/* NULL: none that shows without asking for it. */
static const char *fault_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    if (colon == NULL || colon == address || colon[1] == '\0') {
        return "is neither";
    }
    if (strncmp(address, "unix:", 5) == 0 ||
        (strncmp(address, "local:", 6) == 0 && !is_number(colon + 1))) {
        return NULL;
    }
    if (!is_port(colon + 1)) {
        return "has no port from 1 to 65535";
    }
    if (memchr(address, ':', (size_t)(colon - address)) != NULL &&
        (address[0] != '[' || colon[-1] != ']')) {
        return "is to be written as [v6]:port";
    }
    return NULL;
}

static copycat_status refuse(copycat_message *message_out, const char *address, const char *fault)
{
    char text[320];

    snprintf(
        text, sizeof text,
        "servers are listed as host:port or unix:/path, separated by commas; '%.200s' %s", address,
        fault);
    return cc_fail(message_out, COPYCAT_ERR_INVALID, text);
}

copycat_status cc_addresses_parse(
    const char *text, struct cc_addresses *addresses_out, copycat_message *message_out)
{
    *addresses_out = (struct cc_addresses){.at = calloc(CC_ADDRESSES_MAX, sizeof(char *))};
    if (addresses_out->at == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    for (const char *item = text == NULL ? "" : text; addresses_out->count < CC_ADDRESSES_MAX;) {
        size_t size = strcspn(item, ",");
        char *address = address_of(item, size);

        if (address == NULL) {
            cc_addresses_free(addresses_out);
            return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
        }

        const char *fault = fault_of(address);

        if (fault != NULL) {
            copycat_status status = refuse(message_out, address, fault);

            free(address);
            cc_addresses_free(addresses_out);
            return status;
        }
        addresses_out->at[addresses_out->count++] = address;
        if (item[size] == '\0') {
            return COPYCAT_OK;
        }
        item += size + 1;
    }
    cc_addresses_free(addresses_out);
    return cc_fail(message_out, COPYCAT_ERR_INVALID, "too many servers are listed");
}

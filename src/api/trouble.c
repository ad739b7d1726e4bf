/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trouble -- see trouble.h.
 */
#include "api/trouble.h"

#include "api/handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool cc_troubles_create(struct copycat_client *client)
{
    client->troubles = calloc(client->addresses.count, sizeof *client->troubles);
    return client->troubles != NULL;
}

/* ---- written ---------------------------------------------------------------------------------- */

/* "cannot connect to ADDRESS: reason": the address stands in front already. */
static const char *reason_behind(const char *sentence, const char *address)
{
    const char *place = strstr(sentence, address);

    if (place != NULL && strncmp(place + strlen(address), ": ", 2) == 0) {
        return place + strlen(address) + 2;
    }
    return sentence[0] == '\0' ? "no connection" : sentence;
}

static const char *words_for(copycat_status status)
{
    switch (status) {
    case COPYCAT_ERR_CLOSED:
        return "the connection was closed";
    case COPYCAT_ERR_TIMEOUT:
        return "does not answer";
    case COPYCAT_ERR_NO_LEADER:
        return "answers, but has no leader to go on with";
    case COPYCAT_ERR_MALFORMED:
    case COPYCAT_ERR_VERSION:
        return "what answers is no Copycat server, or one of another version";
    default:
        return copycat_status_text(status);
    }
}

static void write_trouble(
    struct cc_trouble *trouble, const char *address, const char *reason, size_t reason_size)
{
    int size = reason_size < sizeof trouble->text ? (int)reason_size : (int)sizeof trouble->text;

    snprintf(trouble->text, sizeof trouble->text, "%.100s: %.*s", address, size, reason);
}

void cc_troubles_take(void *owner, uint32_t server, copycat_status status, copycat_bytes said)
{
    struct copycat_client *client = owner;
    const char *address = client->addresses.at[server];
    const char *reason = said.data;
    size_t reason_size = said.size;

    if (said.size == 0) {
        reason = status == COPYCAT_ERR_UNAVAILABLE
                     ? reason_behind(cc_env_uv_last_error(client->env), address)
                     : words_for(status);
        reason_size = strlen(reason);
    }
    pthread_mutex_lock(&client->lock);
    if (status == COPYCAT_OK) {
        memset(client->troubles, 0, client->addresses.count * sizeof *client->troubles);
    } else {
        write_trouble(&client->troubles[server], address, reason, reason_size);
    }
    pthread_mutex_unlock(&client->lock);
}

/* ---- asked for -------------------------------------------------------------------------------- */

/* Those that have room, one behind the other. */
static void write_all(const struct copycat_client *client, copycat_message *message_out)
{
    size_t used = 0;

    for (uint32_t i = 0; i < client->addresses.count; i++) {
        const char *text = client->troubles[i].text;

        if (text[0] != '\0' && used + strlen(text) + 2 < sizeof message_out->text) {
            used += (size_t)snprintf(
                message_out->text + used, sizeof message_out->text - used, "%s%s",
                used == 0 ? "" : "; ", text);
        }
    }
}

int copycat_client_trouble(copycat_client *client, copycat_message *message_out)
{
    message_out->text[0] = '\0';
    if (cc_handle_is_foreign(client)) {
        return 0;
    }
    pthread_mutex_lock(&client->lock);
    write_all(client, message_out);
    pthread_mutex_unlock(&client->lock);
    return message_out->text[0] != '\0';
}

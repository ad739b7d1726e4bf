/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/property.h"

#include "support/suggest.h"
#include "support/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const log_formats[] = {"text", "json", NULL};
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

const struct copycatd_property copycatd_properties[COPYCATD_PROPERTY_COUNT] = {
    [COPYCATD_ID] =
        {
            .name = "id",
            .type = COPYCATD_TYPE_UINT,
            .section = "server",
            .initial = "1",
            .min = 1,
            .max = UINT32_MAX,
            .help = "number of this server among the members",
        },
    [COPYCATD_LISTEN] =
        {
            .name = "listen",
            .type = COPYCATD_TYPE_ADDRESS,
            .section = "server",
            .derived = "this server's address in members, else 127.0.0.1:7458",
            .sample = "127.0.0.1:7458",
            .help = "address at which clients and the other members reach this server",
        },
    [COPYCATD_MEMBERS] =
        {
            .name = "members",
            .type = COPYCATD_TYPE_MEMBERS,
            .section = "server",
            .derived = "this server alone",
            .sample = "1=127.0.0.1:7458",
            .help = "all members of the cluster, the same list at each of them",
        },
    [COPYCATD_DATA_DIR] =
        {
            .name = "data-dir",
            .type = COPYCATD_TYPE_PATH,
            .section = "server",
            .derived = "$STATE_DIRECTORY, else $XDG_STATE_HOME/copycat, else "
                       "~/.local/state/copycat",
            .sample = "/var/lib/copycat",
            .help = "directory of the journal; it belongs to one server for ever",
        },
    [COPYCATD_CONFIG] =
        {
            .name = "config",
            .type = COPYCATD_TYPE_PATH,
            .not_in_file = true,
            .derived = "no file is read",
            .help = "configuration file to read",
        },
    [COPYCATD_INSECURE] =
        {
            .name = "insecure",
            .type = COPYCATD_TYPE_BOOL,
            .section = "server",
            .initial = "false",
            .max = 1,
            .help = "listen beyond this machine, though nothing is encrypted or authenticated",
        },
    [COPYCATD_MAX_CONNECTIONS] =
        {
            .name = "max-connections",
            .type = COPYCATD_TYPE_UINT,
            .section = "server",
            .initial = "10000",
            .min = 1,
            .max = 1000000,
            .help = "connections accepted at a time, of clients and members, as far as the limit "
                    "of open files "
                    "lets it; the next one is refused, or takes the place of one that has never "
                    "said a word",
        },
    [COPYCATD_JOURNAL_FILE_SIZE] =
        {
            .name = "journal-file-size",
            .type = COPYCATD_TYPE_SIZE,
            .section = "server",
            .initial = "64MiB",
            .min = UINT64_C(1) << 20,
            .max = UINT64_C(1) << 30,
            .help = "size of one file of the journal at most, a multiple of 4KiB; beside a state "
                    "of less than 16 such files they are smaller, down to an eighth",
        },
    [COPYCATD_DISK_QUOTA] =
        {
            .name = "disk-quota",
            .type = COPYCATD_TYPE_SIZE,
            .section = "server",
            .initial = "0B",
            .max = UINT64_C(1) << 50,
            .help = "bytes of data-dir beyond which commands that store more are refused, at least "
                    "four times journal-file-size; 0B is no limit but the file system's, which is "
                    "heeded in any case",
        },
    [COPYCATD_STATE_QUOTA] =
        {
            .name = "state-quota",
            .type = COPYCATD_TYPE_SIZE,
            .section = "server",
            .initial = "0B",
            .max = UINT64_C(1) << 50,
            .help = "size of the state, as it is on disk in one image, beyond which the leader "
                    "refuses commands that store more, the same at each of them; 0B is no limit",
        },
    [COPYCATD_ELECTION_TIMEOUT] =
        {
            .name = "election-timeout",
            .type = COPYCATD_TYPE_DURATION,
            .section = "raft",
            .initial = "1s",
            .min = 50,
            .max = 60000,
            .help = "silence of the leader after which the others elect a new one",
        },
    [COPYCATD_HEARTBEAT_INTERVAL] =
        {
            .name = "heartbeat-interval",
            .type = COPYCATD_TYPE_DURATION,
            .section = "raft",
            .derived = "a fifth of election-timeout",
            .sample = "200ms",
            .min = 5,
            .max = 20000,
            .help = "how often an idle leader is heard; at most a third of election-timeout",
        },
    [COPYCATD_LOG_FORMAT] =
        {
            .name = "log-format",
            .type = COPYCATD_TYPE_CHOICE,
            .section = "log",
            .initial = "text",
            .max = 1,
            .choices = log_formats,
            .help = "form of a line of the log",
        },
    [COPYCATD_LOG_LEVEL] =
        {
            .name = "log-level",
            .type = COPYCATD_TYPE_CHOICE,
            .section = "log",
            .initial = "info",
            .max = 3,
            .choices = log_levels,
            .help = "the least that is worth a line",
        },
};

enum copycatd_property_id copycatd_property_find(const char *name, size_t size)
{
    unsigned id = 0;

    while (id < COPYCATD_PROPERTY_COUNT &&
           (strlen(copycatd_properties[id].name) != size ||
            memcmp(copycatd_properties[id].name, name, size) != 0)) {
        id++;
    }
    return (enum copycatd_property_id)id;
}

const char *copycatd_property_suggest(const char *word, bool in_file)
{
    const char *nearest = NULL;
    unsigned misfit = CMD_WORD_UNLIKE;

    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const struct copycatd_property *property = &copycatd_properties[id];
        unsigned its = cmd_word_misfit(word, property->name);

        if (its < misfit && !(in_file && property->not_in_file)) {
            misfit = its;
            nearest = property->name;
        }
    }
    return nearest;
}

void copycatd_property_variable(
    const struct copycatd_property *property, char name_out[COPYCATD_VARIABLE_SIZE])
{
    int size = snprintf(name_out, COPYCATD_VARIABLE_SIZE, "COPYCAT_%s", property->name);

    for (int i = 0; i < size; i++) {
        char letter = name_out[i];

        if (letter == '-') {
            name_out[i] = '_';
        } else if (letter >= 'a' && letter <= 'z') {
            name_out[i] = (char)(letter - 'a' + 'A');
        }
    }
}

void copycatd_property_format(
    const struct copycatd_property *property, uint64_t number, char text_out[COPYCATD_NUMBER_SIZE])
{
    switch (property->type) {
    case COPYCATD_TYPE_SIZE:
        cmd_size_format(number, text_out, COPYCATD_NUMBER_SIZE);
        break;
    case COPYCATD_TYPE_DURATION:
        cmd_duration_format(number, text_out, COPYCATD_NUMBER_SIZE);
        break;
    case COPYCATD_TYPE_BOOL:
        snprintf(text_out, COPYCATD_NUMBER_SIZE, "%s", number != 0 ? "true" : "false");
        break;
    case COPYCATD_TYPE_CHOICE:
        snprintf(text_out, COPYCATD_NUMBER_SIZE, "%s", property->choices[number]);
        break;
    case COPYCATD_TYPE_UINT:
    case COPYCATD_TYPE_PATH:
    case COPYCATD_TYPE_ADDRESS:
    case COPYCATD_TYPE_MEMBERS:
        snprintf(text_out, COPYCATD_NUMBER_SIZE, "%" PRIu64, number);
        break;
    }
}

static void list_choices(const char *const *choices, char *text_out, size_t text_size)
{
    size_t at = 0;

    for (size_t i = 0; choices[i] != NULL && at < text_size; i++) {
        int size = snprintf(text_out + at, text_size - at, "%s%s", i > 0 ? ", " : "", choices[i]);

        at += (size_t)size;
    }
}

void copycatd_property_accepts(
    const struct copycatd_property *property, char *text_out, size_t text_size)
{
    char min[COPYCATD_NUMBER_SIZE];
    char max[COPYCATD_NUMBER_SIZE];

    switch (property->type) {
    case COPYCATD_TYPE_PATH:
        snprintf(text_out, text_size, "a path");
        break;
    case COPYCATD_TYPE_ADDRESS:
        snprintf(text_out, text_size, "HOST:PORT, [IPV6]:PORT, unix:PATH");
        break;
    case COPYCATD_TYPE_MEMBERS:
        snprintf(text_out, text_size, "ID=ADDRESS,... with /learner behind those without a vote");
        break;
    case COPYCATD_TYPE_BOOL:
        snprintf(text_out, text_size, "true, false");
        break;
    case COPYCATD_TYPE_CHOICE:
        list_choices(property->choices, text_out, text_size);
        break;
    case COPYCATD_TYPE_SIZE:
    case COPYCATD_TYPE_DURATION:
    case COPYCATD_TYPE_UINT:
        copycatd_property_format(property, property->min, min);
        copycatd_property_format(property, property->max, max);
        snprintf(text_out, text_size, "%s to %s", min, max);
        break;
    }
}

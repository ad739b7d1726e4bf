/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_options -- see bench_options.h.
 */
#include "bench_options.h"

#include "arguments.h"
#include "support/suggest.h"
#include "support/units.h"

#include <copycat/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All is bounded: a measurement that nobody can stop is an accident. */
#define CLIENTS_MAX 4096u
#define OUTSTANDING_MAX 65536u
#define DURATION_MS_MAX 3600000u
#define WARM_UP_MS 500u
#define KEYS_MAX 10000000u
#define VALUE_SIZE_MAX (1u << 20)

enum kind {
    WORDS, /* as it is written */
    NUMBER,
    SIZE,
    DURATION,
    LEVEL,
    SWITCH,
};

struct flag {
    const char *name;
    const char *value; /* how help calls it; NULL: none */
    const char *help;
    enum kind kind;
    size_t offset; /* in struct bench_options */
    uint64_t min;
    uint64_t max;
};

#define AT(field) offsetof(struct bench_options, field)

static const struct flag flags[] = {
    {"servers", "LIST", "as everywhere ($COPYCAT_SERVERS, else " CLI_SERVERS ")", WORDS,
     AT(servers), 0, 0},
    {"clients", "COUNT", "connections, each with a session (1)", NUMBER, AT(clients), 1,
     CLIENTS_MAX},
    {"window", "COUNT", "calls under way on each of them (1)", NUMBER, AT(window), 1,
     OUTSTANDING_MAX},
    {"seconds", "TIME", "how long to measure, as in 5s, 1m (5s)", DURATION, AT(duration_ms), 1,
     DURATION_MS_MAX},
    {"warm-up", "TIME", "how long to run before that (500ms; with --count: 0)", DURATION,
     AT(warm_up_ms), 0, DURATION_MS_MAX},
    {"count", "COUNT", "stop after so many operations, if that comes first", NUMBER, AT(count), 1,
     UINT64_MAX},
    {"keys", "COUNT", "different keys, drawn at random (10000)", NUMBER, AT(keys), 1, KEYS_MAX},
    {"value-size", "BYTES", "as in 100, 1KiB (100)", SIZE, AT(value_size), 0, VALUE_SIZE_MAX},
    {"consistency", "LEVEL", "of get: linearizable, lease, sequential, eventual (linearizable)",
     LEVEL, AT(consistency), 0, 0},
    {"timeout", "TIME", "of each call (10s)", DURATION, AT(timeout_ms), 1, DURATION_MS_MAX},
    {"probe-dir", "DIRECTORY", "where the disk is probed: on the servers' disk, if you can (.)",
     WORDS, AT(probe_directory), 0, 0},
    {"keep", NULL, "leave what was stored, so that the next run need not store it", SWITCH,
     AT(is_kept), 0, 0},
    {"json", NULL, "the figures as JSON", SWITCH, AT(is_json), 0, 0},
    {"help", NULL, "this", SWITCH, AT(is_help), 0, 0},
};

#define FLAG_COUNT (sizeof flags / sizeof flags[0])

static const char *const levels[] = {
    [COPYCAT_LINEARIZABLE] = "linearizable",
    [COPYCAT_LEASE] = "lease",
    [COPYCAT_SEQUENTIAL] = "sequential",
    [COPYCAT_EVENTUAL] = "eventual",
};

const char *bench_consistency_name(uint32_t consistency)
{
    return levels[consistency];
}

/* ---- values ----------------------------------------------------------------------------------- */

static bool complain(copycat_message *message, const char *flag, const char *value, const char *why)
{
    snprintf(message->text, sizeof message->text, "--%s: '%.100s' %s", flag, value, why);
    return false;
}

static bool take_level(uint32_t *level_out, const char *value, copycat_message *message)
{
    for (uint32_t i = COPYCAT_LINEARIZABLE; i <= COPYCAT_EVENTUAL; i++) {
        if (strcmp(value, levels[i]) == 0) {
            *level_out = i;
            return true;
        }
    }
    return complain(
        message, "consistency", value,
        "is no level: write linearizable, lease, sequential or eventual");
}

/* A bare number of seconds is understood, too: `--seconds=5`. */
static const char *read_duration(const char *value, uint64_t *milliseconds_out)
{
    uint64_t seconds;

    if (cmd_uint_parse(value, &seconds) == NULL && seconds <= DURATION_MS_MAX) {
        *milliseconds_out = seconds * 1000;
        return NULL;
    }
    return cmd_duration_parse(value, milliseconds_out);
}

/* Likewise of bytes. */
static const char *read_size(const char *value, uint64_t *bytes_out)
{
    return cmd_uint_parse(value, bytes_out) == NULL ? NULL : cmd_size_parse(value, bytes_out);
}

static bool take_number(
    const struct flag *flag, uint64_t *number_out, const char *value, copycat_message *message)
{
    uint64_t number = 0;
    const char *wrong = flag->kind == SIZE       ? read_size(value, &number)
                        : flag->kind == DURATION ? read_duration(value, &number)
                                                 : cmd_uint_parse(value, &number);

    if (wrong != NULL) {
        return complain(message, flag->name, value, wrong);
    }
    if (number < flag->min || number > flag->max) {
        snprintf(
            message->text, sizeof message->text, "--%s: '%.100s' is not between %llu%s and %llu%s",
            flag->name, value, (unsigned long long)flag->min, flag->kind == DURATION ? "ms" : "",
            (unsigned long long)flag->max, flag->kind == DURATION ? "ms" : "");
        return false;
    }
    *number_out = number;
    return true;
}

static bool take_value(
    struct bench_options *options,
    const struct flag *flag,
    const char *value,
    copycat_message *message)
{
    char *field = (char *)options + flag->offset;

    switch (flag->kind) {
    case WORDS:
        memcpy(field, &value, sizeof value);
        return true;
    case LEVEL:
        return take_level(&options->consistency, value, message);
    default:
        return take_number(flag, (uint64_t *)(void *)field, value, message);
    }
}

/* ---- words ------------------------------------------------------------------------------------ */

static const struct flag *find_flag(const char *name, size_t size)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        if (strncmp(flags[i].name, name, size) == 0 && flags[i].name[size] == '\0') {
            return &flags[i];
        }
    }
    return NULL;
}

static bool complain_unknown(const char *name, const char *equals, copycat_message *message)
{
    const char *nearest = NULL;
    unsigned least = CMD_WORD_UNLIKE;
    char written[CMD_WORD_SIZE_MAX + 1];
    size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);

    snprintf(
        written, sizeof written, "%.*s", (int)(size < CMD_WORD_SIZE_MAX ? size : CMD_WORD_SIZE_MAX),
        name);
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        unsigned misfit = cmd_word_misfit(written, flags[i].name);

        nearest = misfit < least ? flags[i].name : nearest;
        least = misfit < least ? misfit : least;
    }
    snprintf(
        message->text, sizeof message->text, "there is no flag --%s%s%s%s", written,
        nearest == NULL ? "; `copycat bench --help` lists them" : ": did you mean --",
        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
    return false;
}

/* argv[*at] is "--..."; moves on to its value if that stands apart. */
static bool take_flag(
    struct bench_options *options, char **argv, int argc, int *at, copycat_message *message)
{
    const char *name = argv[*at] + 2;
    const char *equals = strchr(name, '=');
    const struct flag *flag =
        find_flag(name, equals == NULL ? strlen(name) : (size_t)(equals - name));
    const char *value = equals == NULL ? NULL : equals + 1;

    if (flag == NULL) {
        return complain_unknown(name, equals, message);
    }
    if (flag->kind == SWITCH) {
        *(bool *)((char *)options + flag->offset) = true;
        return value == NULL || complain(message, flag->name, value, "is not wanted: no value");
    }
    if (value == NULL && *at + 1 < argc) {
        value = argv[++*at];
    }
    if (value == NULL || value[0] == '\0') {
        snprintf(
            message->text, sizeof message->text, "--%s needs a value: --%s=%s", flag->name,
            flag->name, flag->value);
        return false;
    }
    return take_value(options, flag, value, message);
}

static bool take_word(
    struct bench_options *options, const char *word, bool is_first, copycat_message *message)
{
    bool is_get_meant = cmd_word_misfit(word, "get") < cmd_word_misfit(word, "put");
    bool is_like = is_get_meant || cmd_word_misfit(word, "put") < CMD_WORD_UNLIKE;

    options->is_get = strcmp(word, "get") == 0;
    if (is_first && (options->is_get || strcmp(word, "put") == 0)) {
        return true;
    }
    if (is_first && is_like) {
        snprintf(
            message->text, sizeof message->text,
            "there is no verb 'bench %.100s': did you mean 'bench %s'?", word,
            is_get_meant ? "get" : "put");
        return false;
    }
    snprintf(
        message->text, sizeof message->text,
        "'%.100s': write `copycat bench put` or `copycat bench get`", word);
    return false;
}

/* What only makes sense together. */
static bool check(const struct bench_options *options, bool has_word, copycat_message *message)
{
    const char *wrong = NULL;

    if (options->is_help) {
        return true;
    }
    if (!has_word) {
        wrong = "what is to be measured: `copycat bench put` or `copycat bench get`?";
    } else if (options->clients * options->window > OUTSTANDING_MAX) {
        wrong = "--clients times --window is more than 65536 calls under way";
    } else if (!options->is_get && options->consistency != COPYCAT_LINEARIZABLE) {
        wrong = "--consistency is for get: every put is linearizable";
    }
    if (wrong != NULL) {
        snprintf(message->text, sizeof message->text, "%s", wrong);
    }
    return wrong == NULL;
}

bool bench_options_parse(
    struct bench_options *options_out, int argc, char **argv, copycat_message *message_out)
{
    const char *servers = getenv("COPYCAT_SERVERS");
    bool has_word = false;

    *options_out = (struct bench_options){
        .servers = servers != NULL && servers[0] != '\0' ? servers : CLI_SERVERS,
        .probe_directory = ".",
        .consistency = COPYCAT_LINEARIZABLE,
        .clients = 1,
        .window = 1,
        .duration_ms = 5000,
        .warm_up_ms = UINT64_MAX,
        .keys = 10000,
        .value_size = 100,
        .timeout_ms = 10000,
    };
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!take_flag(options_out, argv, argc, &i, message_out)) {
                return false;
            }
        } else if (!take_word(options_out, argv[i], !has_word, message_out)) {
            return false;
        } else {
            has_word = true;
        }
    }
    if (options_out->warm_up_ms == UINT64_MAX) {
        options_out->warm_up_ms = options_out->count > 0 ? 0 : WARM_UP_MS;
    }
    return check(options_out, has_word, message_out);
}

void bench_options_print_help(void)
{
    char left[64];

    puts("usage: copycat bench put|get [FLAG...]\n\n"
         "Measures how fast the cluster is: operations in a second, how long they take, and what "
         "the\n"
         "servers did for each of them; beside a durable write of 4 KiB to this machine's disk and "
         "a\n"
         "round trip over its loopback, taken in the same run: what can be compared are the "
         "ratios.\n"
         "Keys are stored in the map /bench/VALUE-SIZE, which is cleared at the end, also after "
         "Ctrl-C.\nIt stops by itself.\n");
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        snprintf(
            left, sizeof left, "--%s%s%s", flags[i].name, flags[i].value == NULL ? "" : "=",
            flags[i].value == NULL ? "" : flags[i].value);
        printf("  %-24s%s\n", left, flags[i].help);
    }
}

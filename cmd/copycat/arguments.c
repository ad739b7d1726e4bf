/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arguments -- see arguments.h.
 */
#include "arguments.h"

#include "support/units.h"

#include <copycat/client.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* argv on the way through. */
struct reading {
    struct cli_arguments *into;
    copycat_message *message;
    char **argv;
    int argc;
    int at;
    const char *words[2 + CLI_OPERANDS_MAX]; /* what is no flag: the verb's, then the operands */
    uint32_t word_count;
    bool is_over; /* a "--" was seen */
};

static const char *const levels[] = {
    [COPYCAT_LINEARIZABLE] = "linearizable",
    [COPYCAT_LEASE] = "lease",
    [COPYCAT_SEQUENTIAL] = "sequential",
    [COPYCAT_EVENTUAL] = "eventual",
};

__attribute__((format(printf, 2, 3))) static bool complain(
    copycat_message *message, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(message->text, sizeof message->text, format, values);
    va_end(values);
    return false;
}

/* ---- flags ------------------------------------------------------------------------------------ */

static bool take_timeout(struct reading *reading, const char *value)
{
    const char *wrong = cmd_duration_parse(value, &reading->into->timeout_ms);

    if (wrong != NULL) {
        return complain(reading->message, "--timeout: '%s' %s", value, wrong);
    }
    if (reading->into->timeout_ms == 0 || reading->into->timeout_ms > UINT32_MAX) {
        return complain(
            reading->message, "--timeout: %s is not possible: write 1ms to 1000h", value);
    }
    return true;
}

static bool take_limit(struct reading *reading, const char *value)
{
    const char *wrong = cmd_uint_parse(value, &reading->into->limit);

    if (wrong != NULL) {
        return complain(reading->message, "--limit: '%s' %s", value, wrong);
    }
    if (reading->into->limit == 0) {
        return complain(reading->message, "--limit: write 1 or more");
    }
    return true;
}

static bool take_id(struct reading *reading, const char *value)
{
    const char *wrong = cmd_uint_parse(value, &reading->into->id);

    if (wrong != NULL) {
        return complain(reading->message, "--id: '%s' %s", value, wrong);
    }
    return (reading->into->id > 0 && reading->into->id <= UINT32_MAX) ||
           complain(reading->message, "--id: write 1 to 4294967295");
}

static bool take_index(struct reading *reading, enum cli_flag flag, const char *value)
{
    uint64_t *index = flag == CLI_FLAG_FROM ? &reading->into->from : &reading->into->to;
    const char *wrong = cmd_uint_parse(value, index);

    return wrong == NULL ||
           complain(reading->message, "--%s: '%s' %s", cli_flags[flag].name, value, wrong);
}

static bool take_consistency(struct reading *reading, const char *value)
{
    for (uint32_t i = COPYCAT_LINEARIZABLE; i <= COPYCAT_EVENTUAL; i++) {
        if (strcmp(value, levels[i]) == 0) {
            reading->into->consistency = i;
            return true;
        }
    }
    return complain(
        reading->message,
        "--consistency: '%s' is no level: write linearizable, lease, sequential or eventual",
        value);
}

static bool take_value(struct reading *reading, enum cli_flag flag, const char *value)
{
    switch (flag) {
    case CLI_FLAG_SERVERS:
        reading->into->servers = value;
        return true;
    case CLI_FLAG_PROGRESS_FILE:
        reading->into->progress_file = value;
        return true;
    case CLI_FLAG_FILE:
        reading->into->file = value;
        return true;
    case CLI_FLAG_DATA_DIR:
        reading->into->data_dir = value;
        return true;
    case CLI_FLAG_CLUSTER_ID:
        reading->into->cluster = value;
        return true;
    case CLI_FLAG_ID:
        return take_id(reading, value);
    case CLI_FLAG_FROM:
    case CLI_FLAG_TO:
        return take_index(reading, flag, value);
    case CLI_FLAG_TIMEOUT:
        return take_timeout(reading, value);
    case CLI_FLAG_LIMIT:
        return take_limit(reading, value);
    case CLI_FLAG_CONSISTENCY:
        return take_consistency(reading, value);
    default:
        return true; /* a switch: its presence is what it says */
    }
}

/* The value of a flag that has one: behind '=', else the next argument. */
static const char *value_of(struct reading *reading, const char *equals)
{
    if (equals != NULL) {
        return equals + 1;
    }
    return reading->at + 1 < reading->argc ? reading->argv[++reading->at] : NULL;
}

static bool complain_unknown(const struct reading *reading, const char *name, size_t size)
{
    char written[64];
    enum cli_flag nearest;

    snprintf(written, sizeof written, "%.*s", (int)(size < 63 ? size : 63), name);
    nearest = cli_flag_nearest(written, NULL);
    if (nearest == CLI_FLAG_COUNT) {
        return complain(
            reading->message,
            "there is no flag --%s (what begins with -- and is a value goes "
            "behind a -- of its own)",
            written);
    }
    return complain(
        reading->message, "there is no flag --%s: did you mean --%s?", written,
        cli_flags[nearest].name);
}

/* argv[at] is "--..." */
static bool take_flag(struct reading *reading)
{
    const char *name = reading->argv[reading->at] + 2;
    const char *equals = strchr(name, '=');
    size_t size = equals == NULL ? strlen(name) : (size_t)(equals - name);
    enum cli_flag flag = cli_flag_find(name, size);

    if (flag == CLI_FLAG_COUNT) {
        return complain_unknown(reading, name, size);
    }
    reading->into->flags |= CLI_FLAG_BIT(flag);
    if (cli_flags[flag].value == NULL) {
        return equals == NULL ||
               complain(reading->message, "--%s takes no value", cli_flags[flag].name);
    }

    const char *value = value_of(reading, equals);

    if (value == NULL || value[0] == '\0') {
        return complain(
            reading->message, "--%s needs a value: --%s=%s", cli_flags[flag].name,
            cli_flags[flag].name, cli_flags[flag].value);
    }
    return take_value(reading, flag, value);
}

/* ---- words ------------------------------------------------------------------------------------ */

static bool is_flag(const char *text)
{
    return strncmp(text, "--", 2) == 0;
}

static bool take_word(struct reading *reading, const char *word)
{
    size_t room = sizeof reading->words / sizeof reading->words[0];

    if (reading->word_count == 0 && strcmp(word, "-h") == 0) {
        reading->into->flags |= CLI_FLAG_BIT(CLI_FLAG_HELP);
        return true;
    }
    if (reading->word_count <= 1 && strcmp(word, "help") == 0 &&
        (reading->word_count == 0 || cli_verb_is_group(reading->words[0]))) {
        reading->into->flags |= CLI_FLAG_BIT(CLI_FLAG_HELP);
        return true;
    }
    if (reading->word_count == 0 && strcmp(word, "version") == 0) {
        reading->into->flags |= CLI_FLAG_BIT(CLI_FLAG_VERSION);
        return true;
    }
    if (reading->word_count == room) {
        return complain(
            reading->message, "too many arguments, from '%.100s' on; quote what has spaces", word);
    }
    reading->words[reading->word_count++] = word;
    return true;
}

static bool take_all(struct reading *reading)
{
    for (reading->at = 1; reading->at < reading->argc; reading->at++) {
        const char *text = reading->argv[reading->at];

        if (!reading->is_over && strcmp(text, "--") == 0) {
            reading->is_over = true;
        } else if (!reading->is_over && is_flag(text)) {
            if (!take_flag(reading)) {
                return false;
            }
        } else if (!take_word(reading, text)) {
            return false;
        }
    }
    return true;
}

/* ---- the verb --------------------------------------------------------------------------------- */

static bool complain_verb(const struct reading *reading)
{
    const char *first = reading->words[0];
    const char *second = reading->word_count > 1 ? reading->words[1] : NULL;
    bool is_group = cli_verb_is_group(first);
    char written[CLI_VERB_SIZE];
    char nearest[CLI_VERB_SIZE];

    snprintf(
        written, sizeof written, "%.30s%s%.30s", first, is_group ? " " : "",
        is_group ? second : "");
    if (cli_verb_nearest(first, second, nearest)) {
        return complain(
            reading->message, "there is no verb '%s': did you mean '%s'?", written, nearest);
    }
    return complain(
        reading->message, "there is no verb '%s'; `copycat %s%s--help` lists them", written,
        is_group ? first : "", is_group ? " " : "");
}

static bool take_operands(struct reading *reading, uint32_t first)
{
    struct cli_arguments *into = reading->into;
    const struct cli_verb *verb = into->verb;

    into->operand_count = reading->word_count - first;
    if (cli_arguments_has(into, CLI_FLAG_HELP)) {
        return true;
    }
    if (into->operand_count < verb->operands_min || into->operand_count > verb->operands_max) {
        return complain(
            reading->message, "%s arguments: copycat %s%s%s%s",
            into->operand_count < verb->operands_min ? "too few" : "too many", verb->name,
            verb->synopsis[0] == '\0' ? "" : " ", verb->synopsis,
            into->operand_count > verb->operands_max ? " (quote what has spaces)" : "");
    }
    for (uint32_t i = 0; i < into->operand_count; i++) {
        into->operands[i] = reading->words[first + i];
    }
    return true;
}

static bool check_flags(const struct reading *reading)
{
    const struct cli_arguments *into = reading->into;

    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        if (cli_arguments_has(into, (enum cli_flag)i) &&
            !cli_verb_takes(into->verb, (enum cli_flag)i)) {
            return complain(
                reading->message, "'%s' takes no --%s%s", into->verb->name, cli_flags[i].name,
                i == CLI_FLAG_CONSISTENCY ? ": it is for reads" : "");
        }
    }
    return true;
}

static bool take_verb(struct reading *reading)
{
    struct cli_arguments *into = reading->into;
    const char *second = reading->word_count > 1 ? reading->words[1] : NULL;

    if (reading->word_count == 0) {
        return (into->flags & (CLI_FLAG_BIT(CLI_FLAG_HELP) | CLI_FLAG_BIT(CLI_FLAG_VERSION))) !=
                   0 ||
               complain(reading->message, "nothing to do: name a verb");
    }
    into->verb = cli_verb_find(reading->words[0], second);
    if (into->verb != NULL) {
        return take_operands(reading, strchr(into->verb->name, ' ') == NULL ? 1 : 2) &&
               check_flags(reading);
    }
    if (second == NULL && cli_verb_is_group(reading->words[0])) {
        into->group = reading->words[0];
        return cli_arguments_has(into, CLI_FLAG_HELP) ||
               complain(
                   reading->message, "'%s' needs one more word; `copycat %s --help` lists them",
                   into->group, into->group);
    }
    return complain_verb(reading);
}

/* ---- from outside ----------------------------------------------------------------------------- */

bool cli_arguments_parse(
    struct cli_arguments *arguments_out,
    int argc,
    char **argv,
    const char *servers,
    copycat_message *message_out)
{
    struct reading reading = {
        .into = arguments_out, .message = message_out, .argv = argv, .argc = argc};

    *arguments_out = (struct cli_arguments){
        .servers = servers != NULL && servers[0] != '\0' ? servers : CLI_SERVERS, .to = UINT64_MAX};
    return take_all(&reading) && take_verb(&reading);
}

const struct cli_verb *cli_arguments_own(int argc, char **argv, int *place_out)
{
    for (int i = 1; i < argc; i++) {
        if (!is_flag(argv[i])) {
            const struct cli_verb *verb = cli_verb_find(argv[i], NULL);

            *place_out = i;
            return verb != NULL && verb->main != NULL ? verb : NULL;
        }
        if (strchr(argv[i], '=') == NULL) {
            enum cli_flag flag = cli_flag_find(argv[i] + 2, strlen(argv[i] + 2));

            i += flag != CLI_FLAG_COUNT && cli_flags[flag].value != NULL;
        }
    }
    return NULL;
}

bool cli_arguments_has(const struct cli_arguments *arguments, enum cli_flag flag)
{
    return (arguments->flags & CLI_FLAG_BIT(flag)) != 0;
}

uint64_t cli_arguments_timeout_ms(const struct cli_arguments *arguments)
{
    return arguments->timeout_ms == 0 ? CLI_TIMEOUT_MS : arguments->timeout_ms;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario -- see scenario.h.
 */
#include "sim/scenario.h"

#include <inttypes.h>
#include <string.h>

static const char *const kind_texts[] = {
    [CC_HISTORY_PUT] = "put",
    [CC_HISTORY_GET] = "get",
    [CC_HISTORY_REMOVE] = "remove",
    [CC_HISTORY_CONTAINS] = "contains",
    [CC_HISTORY_SIZE] = "size",
    [CC_HISTORY_CLEAR] = "clear",
    [CC_HISTORY_PUT_IF_ABSENT] = "put-if-absent",
    [CC_HISTORY_REPLACE] = "replace",
    [CC_HISTORY_CAS] = "cas",
    [CC_HISTORY_KEYS] = "keys",
};

#define KINDS (sizeof kind_texts / sizeof kind_texts[0])

/* A piece of the text. */
struct span {
    const char *at;
    size_t size;
};

static bool is_word(struct span span, const char *word)
{
    return span.size == strlen(word) && memcmp(span.at, word, span.size) == 0;
}

/* Cuts off what is before `separator`, and that. */
static struct span cut(struct span *rest, char separator)
{
    struct span piece = *rest;
    const char *end = rest->size == 0 ? NULL : memchr(rest->at, separator, rest->size);

    if (end != NULL) {
        piece.size = (size_t)(end - rest->at);
        rest->at += piece.size + 1;
        rest->size -= piece.size + 1;
    } else {
        rest->at += rest->size;
        rest->size = 0;
    }
    return piece;
}

static struct span trim(struct span span)
{
    while (span.size > 0 && (span.at[span.size - 1] == ' ' || span.at[span.size - 1] == '\r')) {
        span.size--;
    }
    while (span.size > 0 && span.at[0] == ' ') {
        span.at++;
        span.size--;
    }
    return span;
}

static bool read_number(struct span span, uint64_t max, uint64_t *number_out)
{
    uint64_t number = 0;

    for (size_t i = 0; i < span.size; i++) {
        uint64_t digit = (uint64_t)(span.at[i] - '0');

        if (span.at[i] < '0' || span.at[i] > '9' || number > (max - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    *number_out = number;
    return span.size > 0 && number <= max;
}

static bool read_small(struct span span, uint32_t min, uint32_t max, uint32_t *number_out)
{
    uint64_t number = 0;
    bool is_read = read_number(span, max, &number);

    *number_out = (uint32_t)number;
    return is_read && number >= min;
}

/* "12.5" as microseconds. */
static bool read_seconds(struct span span, uint64_t *time_us_out)
{
    struct span whole = cut(&span, '.');
    uint64_t seconds;
    uint64_t part = 0;

    if (!read_number(whole, 3600, &seconds) || span.size > 6 ||
        (span.size > 0 && !read_number(span, 999999, &part))) {
        return false;
    }
    for (size_t i = span.size; i < 6; i++) {
        part *= 10;
    }
    *time_us_out = seconds * 1000000 + part;
    return *time_us_out > 0;
}

static bool read_clients(struct span span, uint32_t *mask_out)
{
    while (span.size > 0) {
        uint32_t client;

        if (!read_small(cut(&span, ','), 1, 32, &client)) {
            return false;
        }
        *mask_out |= 1u << (client - 1);
    }
    return *mask_out != 0;
}

static bool read_kinds(struct span span, uint32_t *kinds_out)
{
    while (span.size > 0) {
        struct span word = cut(&span, ',');
        uint32_t kind = CC_HISTORY_PUT;

        while (kind < KINDS && !is_word(word, kind_texts[kind])) {
            kind++;
        }
        if (kind == KINDS) {
            return false;
        }
        *kinds_out |= 1u << kind;
    }
    return *kinds_out != 0;
}

static bool read_faults(struct span span, struct cc_fault_set *set)
{
    while (span.size > 0) {
        struct span word = cut(&span, ',');
        enum cc_fault fault;

        if (!cc_fault_find(word.at, word.size, &fault)) {
            return false;
        }
        cc_fault_set_add(set, fault);
    }
    return true;
}

static bool read_strikes(struct span span, struct cc_scenario *scenario)
{
    uint32_t before = 0;

    scenario->overrides.only = scenario->strikes;
    scenario->overrides.only_count = 0;
    if (is_word(span, "-")) {
        return true;
    }
    while (span.size > 0) {
        uint32_t *strike = &scenario->strikes[scenario->overrides.only_count];

        if (scenario->overrides.only_count == CC_SCENARIO_STRIKES_MAX ||
            !read_small(cut(&span, ','), before + 1, UINT32_MAX - 1, strike)) {
            return false;
        }
        before = *strike;
        scenario->overrides.only_count++;
    }
    return scenario->overrides.only_count > 0;
}

/* ---- the words ------------------------------------------------------------------------------- */

static bool read_seed(struct span rest, struct cc_scenario *scenario)
{
    scenario->has_seed = true;
    return read_number(rest, UINT64_MAX / 2, &scenario->seed);
}

static bool read_voters(struct span rest, struct cc_scenario *scenario)
{
    return read_small(rest, 1, CC_VOTERS_MAX, &scenario->overrides.voter_count);
}

static bool read_client_count(struct span rest, struct cc_scenario *scenario)
{
    return read_small(rest, 1, 32, &scenario->overrides.client_count);
}

static bool read_idle(struct span rest, struct cc_scenario *scenario)
{
    return read_clients(rest, &scenario->overrides.idle_clients);
}

static bool read_learners(struct span rest, struct cc_scenario *scenario)
{
    scenario->overrides.no_learners = true;
    return is_word(rest, "none");
}

static bool read_heal(struct span rest, struct cc_scenario *scenario)
{
    scenario->overrides.all_heal = true;
    return is_word(rest, "all");
}

static bool read_operations(struct span rest, struct cc_scenario *scenario)
{
    return read_small(rest, 1, 1000000, &scenario->overrides.operations_max);
}

static bool read_operation_kinds(struct span rest, struct cc_scenario *scenario)
{
    return read_kinds(rest, &scenario->overrides.operation_kinds);
}

static bool read_faults_for(struct span rest, struct cc_scenario *scenario)
{
    return read_seconds(rest, &scenario->overrides.faults_us);
}

static bool read_idle_for(struct span rest, struct cc_scenario *scenario)
{
    return read_seconds(rest, &scenario->overrides.idle_us);
}

static bool read_also(struct span rest, struct cc_scenario *scenario)
{
    return read_faults(rest, &scenario->overrides.asked);
}

static bool read_without(struct span rest, struct cc_scenario *scenario)
{
    return read_faults(rest, &scenario->overrides.without);
}

static const struct {
    const char *word;
    bool (*read)(struct span rest, struct cc_scenario *scenario);
    const char *hint;
} words[] = {
    {"seed", read_seed, "a number has to follow"},
    {"voters", read_voters, "1 to 7 have to follow"},
    {"clients", read_client_count, "1 to 32 have to follow"},
    {"idle-clients", read_idle, "numbers of clients have to follow"},
    {"learners", read_learners, "only none can follow"},
    {"heal", read_heal, "only all can follow"},
    {"operations", read_operations, "a number has to follow"},
    {"kinds", read_operation_kinds, "kinds of operations have to follow"},
    {"faults-for", read_faults_for, "seconds have to follow"},
    {"idle-for", read_idle_for, "seconds have to follow"},
    {"also", read_also, "kinds of faults have to follow"},
    {"without", read_without, "kinds of faults have to follow"},
    {"strikes", read_strikes, "ordinals have to follow, in ascending order"},
};

/* NULL: understood; else what is wrong. */
static const char *read_line(struct span line, struct cc_scenario *scenario)
{
    struct span rest = line;
    struct span word = cut(&rest, ' ');

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (is_word(word, words[i].word)) {
            return words[i].read(trim(rest), scenario) ? NULL : words[i].hint;
        }
    }
    return "no such word";
}

bool cc_scenario_read(
    const char *text,
    size_t size,
    struct cc_scenario *scenario_out,
    uint32_t *line_out,
    const char **reason_out)
{
    struct span rest = {text, size};

    memset(scenario_out, 0, sizeof *scenario_out);
    *reason_out = NULL;
    if (size > CC_SCENARIO_SIZE_MAX) {
        *line_out = 1;
        *reason_out = "the file is too large";
        return false;
    }
    for (*line_out = 1; rest.size > 0 && *reason_out == NULL; ++*line_out) {
        struct span line = trim(cut(&rest, '\n'));

        if (line.size > 0 && line.at[0] != '#') {
            *reason_out = read_line(line, scenario_out);
        }
    }
    if (*reason_out != NULL) {
        --*line_out;
    } else if (!scenario_out->has_seed) {
        *reason_out = "there is no seed";
    }
    return *reason_out == NULL;
}

/* ---- writing --------------------------------------------------------------------------------- */

static void write_faults(const char *word, const struct cc_fault_set *set, FILE *file)
{
    const char *separator = " ";

    if (set->words[0] == 0 && set->words[1] == 0) {
        return;
    }
    fputs(word, file);
    for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
        if (cc_fault_set_has(set, (enum cc_fault)i)) {
            fprintf(file, "%s%s", separator, cc_fault_text((enum cc_fault)i));
            separator = ",";
        }
    }
    fputc('\n', file);
}

static void write_bits(const char *word, uint32_t bits, uint32_t first, FILE *file)
{
    const char *separator = " ";

    if (bits == 0) {
        return;
    }
    fputs(word, file);
    for (uint32_t i = 0; i < 32; i++) {
        if ((bits >> i & 1) == 1 && first == 0) {
            fprintf(file, "%s%s", separator, kind_texts[i]);
            separator = ",";
        } else if ((bits >> i & 1) == 1) {
            fprintf(file, "%s%u", separator, i + first);
            separator = ",";
        }
    }
    fputc('\n', file);
}

static void write_number(const char *word, uint32_t number, FILE *file)
{
    if (number != 0) {
        fprintf(file, "%s %u\n", word, number);
    }
}

static void write_seconds(const char *word, uint64_t time_us, FILE *file)
{
    if (time_us != 0) {
        fprintf(file, "%s %" PRIu64 ".%06" PRIu64 "\n", word, time_us / 1000000, time_us % 1000000);
    }
}

void cc_scenario_write(const struct cc_scenario *scenario, FILE *file)
{
    const struct cc_run_overrides *overrides = &scenario->overrides;

    fprintf(file, "seed %" PRIu64 "\n", scenario->seed);
    write_number("voters", overrides->voter_count, file);
    write_number("clients", overrides->client_count, file);
    write_bits("idle-clients", overrides->idle_clients, 1, file);
    fputs(overrides->no_learners ? "learners none\n" : "", file);
    fputs(overrides->all_heal ? "heal all\n" : "", file);
    write_number("operations", overrides->operations_max, file);
    write_bits("kinds", overrides->operation_kinds, 0, file);
    write_seconds("faults-for", overrides->faults_us, file);
    write_seconds("idle-for", overrides->idle_us, file);
    write_faults("also", &overrides->asked, file);
    write_faults("without", &overrides->without, file);
    if (overrides->only != NULL) {
        fputs("strikes", file);
        for (size_t i = 0; i < overrides->only_count; i++) {
            fprintf(file, "%s%u", i == 0 ? " " : ",", overrides->only[i]);
        }
        fputs(overrides->only_count == 0 ? " -\n" : "\n", file);
    }
}

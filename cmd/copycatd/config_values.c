/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_values.h"

#include "support/suggest.h"
#include "support/units.h"

#include <stdio.h>
#include <string.h>

/* What was read from an offered text, or what is wrong with it. */
struct reading {
    uint64_t number;
    char text[COPYCATD_VALUE_SIZE];
    char wrong[COPYCATD_SENTENCE_SIZE_MAX]; /* the end of a sentence; empty: nothing */
};

_Static_assert(COPYCATD_MEMBERS_TEXT_SIZE <= COPYCATD_VALUE_SIZE, "every list of members fits");

static void complain(struct reading *reading, const char *wrong)
{
    snprintf(reading->wrong, sizeof reading->wrong, "%s", wrong);
}

static void judge_path(struct reading *reading, const char *text)
{
    if (strlen(text) >= 4096) {
        complain(reading, "is longer than a path may be (4095 bytes)");
    } else if (*text == '~') {
        complain(reading, "begins with '~', which shells alone understand: write the whole path");
    } else {
        memcpy(reading->text, text, strlen(text) + 1);
    }
}

static void judge_address(struct reading *reading, const char *text)
{
    const char *wrong = copycatd_address_check(text);

    if (wrong != NULL) {
        complain(reading, wrong);
    } else {
        memcpy(reading->text, text, strlen(text) + 1);
    }
}

static void judge_members(struct reading *reading, const char *text)
{
    struct copycatd_members members;

    if (copycatd_members_parse(text, &members, reading->wrong, sizeof reading->wrong)) {
        copycatd_members_format(&members, reading->text);
    }
}

static void judge_choice(
    struct reading *reading, const struct copycatd_property *property, const char *text)
{
    unsigned misfit = CMD_WORD_UNLIKE;
    const char *nearest = NULL;
    char accepts[128];

    for (uint64_t i = 0; property->choices[i] != NULL; i++) {
        unsigned its = cmd_word_misfit(text, property->choices[i]);

        if (strcmp(text, property->choices[i]) == 0) {
            reading->number = i;
            return;
        }
        if (its < misfit) {
            misfit = its;
            nearest = property->choices[i];
        }
    }
    copycatd_property_accepts(property, accepts, sizeof accepts);
    snprintf(
        reading->wrong, sizeof reading->wrong, "is none of %s%s%s%s", accepts,
        nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "'?" : "");
}

static void judge_number(
    struct reading *reading, const struct copycatd_property *property, const char *text)
{
    const char *wrong;
    char accepts[128];

    if (property->type == COPYCATD_TYPE_SIZE) {
        wrong = cmd_size_parse(text, &reading->number);
    } else if (property->type == COPYCATD_TYPE_DURATION) {
        wrong = cmd_duration_parse(text, &reading->number);
    } else if (property->type == COPYCATD_TYPE_BOOL) {
        wrong = cmd_bool_parse(text, &reading->number);
    } else {
        wrong = cmd_uint_parse(text, &reading->number);
    }
    if (wrong != NULL) {
        complain(reading, wrong);
    } else if (reading->number < property->min || reading->number > property->max) {
        copycatd_property_accepts(property, accepts, sizeof accepts);
        snprintf(reading->wrong, sizeof reading->wrong, "is out of range: it may be %s", accepts);
    }
}

static void judge(
    struct reading *reading, const struct copycatd_property *property, const char *text)
{
    switch (property->type) {
    case COPYCATD_TYPE_PATH:
        judge_path(reading, text);
        return;
    case COPYCATD_TYPE_ADDRESS:
        judge_address(reading, text);
        return;
    case COPYCATD_TYPE_MEMBERS:
        judge_members(reading, text);
        return;
    case COPYCATD_TYPE_CHOICE:
        judge_choice(reading, property, text);
        break;
    case COPYCATD_TYPE_SIZE:
    case COPYCATD_TYPE_DURATION:
    case COPYCATD_TYPE_BOOL:
    case COPYCATD_TYPE_UINT:
        judge_number(reading, property, text);
        break;
    }
    if (reading->wrong[0] == '\0') {
        copycatd_property_format(property, reading->number, reading->text);
    }
}

/* "listen in x.conf:3", "flag --listen", "COPYCAT_LISTEN". */
static void report(
    struct copycatd_problems *problems,
    enum copycatd_property_id id,
    const char *text,
    enum copycatd_origin origin,
    const char *from,
    const char *wrong)
{
    bool is_named = origin == COPYCATD_FROM_FLAG || origin == COPYCATD_FROM_VARIABLE;

    /* A list is long and its sentence quotes the member that matters. */
    if (copycatd_properties[id].type == COPYCATD_TYPE_MEMBERS) {
        text = "";
    }
    copycatd_problems_add(
        problems, "%s%s%s%s%.80s%s%s %s", is_named ? "" : copycatd_properties[id].name,
        is_named ? "" : " in ", from, *text != '\0' ? ": '" : "", text,
        strlen(text) > 80 ? "..." : "", *text != '\0' ? "'" : "", wrong);
}

void copycatd_values_offer(
    struct copycatd_values *values,
    enum copycatd_property_id id,
    const char *text,
    enum copycatd_origin origin,
    const char *from,
    struct copycatd_problems *problems)
{
    struct copycatd_value *value = &values->of[id];
    struct reading reading;

    reading.number = 0;
    reading.text[0] = '\0';
    reading.wrong[0] = '\0';
    if (*text == '\0') {
        complain(&reading, "is empty; leave it out to have the default");
    } else {
        judge(&reading, &copycatd_properties[id], text);
    }
    if (reading.wrong[0] != '\0') {
        value->is_doubtful = true;
        report(problems, id, text, origin, from, reading.wrong);
        return;
    }
    if (origin >= value->origin) { /* V1 */
        value->origin = origin;
        value->number = reading.number;
        memcpy(value->text, reading.text, strlen(reading.text) + 1);
        snprintf(value->from, sizeof value->from, "%s", from);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_config -- whatever a configuration holds, it is read to its end, complaints are sentences,
 * and what is taken has a normal form that is taken again as the same.
 *
 * The first byte chooses: a file; a list of members and an address; quantities; a whole command
 * line with its environment.
 */
#define _GNU_SOURCE

#include "base/assert.h"
#include "copycatd/config.h"
#include "copycatd/config_file.h"
#include "proto/member.h"
#include "support/suggest.h"
#include "support/units.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(const struct copycatd_problems *problems)
{
    CC_ASSERT((problems->count == 0) == (problems->size == 0 && problems->unwritten == 0));
    for (size_t i = 0; i < problems->size; i++) {
        unsigned char byte = (unsigned char)problems->text[i];

        CC_ASSERT(byte == '\n' || (byte >= ' ' && byte != 0x7f));
    }
}

/* Every value that was taken is offered again, in the form in which it would be shown. */
static void check_values(const struct copycatd_values *values)
{
    static struct copycatd_values again;
    struct copycatd_problems problems;

    memset(&again, 0, sizeof again);
    copycatd_problems_init(&problems);
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const struct copycatd_value *value = &values->of[id];

        if (value->origin == COPYCATD_FROM_NOWHERE) {
            continue;
        }
        copycatd_values_offer(
            &again, (enum copycatd_property_id)id, value->text, value->origin, value->from,
            &problems);
        CC_ASSERT(problems.count == 0);
        CC_ASSERT(again.of[id].number == value->number);
        CC_ASSERT(strcmp(again.of[id].text, value->text) == 0);
    }
}

static void try_file(const uint8_t *data, size_t size)
{
    static struct copycatd_values values;
    struct copycatd_problems problems;
    FILE *file;

    if (size == 0) {
        return; /* fmemopen opens no empty memory */
    }
    file = fmemopen((void *)(uintptr_t)data, size, "r");
    CC_ASSERT(file != NULL);
    memset(&values, 0, sizeof values);
    copycatd_problems_init(&problems);
    copycatd_config_file_read(&values, file, "fuzzed.conf", &problems);
    fclose(file);
    check_problems(&problems);
    check_values(&values);
}

/* The server reads the list again, with a parser of its own: it must find the same. */
static void check_server_agrees(const char *form, const struct copycatd_members *members)
{
    struct cc_members theirs;
    char wrong[256];

    CC_ASSERT(cc_members_parse(form, &theirs, wrong, sizeof wrong) == COPYCAT_OK);
    CC_ASSERT(theirs.count == members->count);
    for (uint32_t i = 0; i < theirs.count; i++) {
        CC_ASSERT(theirs.at[i].id == members->at[i].id);
        CC_ASSERT((theirs.at[i].role == CC_ROLE_LEARNER) == members->at[i].is_learner);
        CC_ASSERT(strcmp(theirs.at[i].address, members->at[i].address) == 0);
    }
}

static void try_members(const char *text)
{
    struct copycatd_members members;
    struct copycatd_members again;
    char form[COPYCATD_MEMBERS_TEXT_SIZE];
    char wrong[COPYCATD_SENTENCE_SIZE_MAX] = "";

    if (copycatd_address_check(text) == NULL) {
        (void)copycatd_address_is_local(text);
    }
    if (!copycatd_members_parse(text, &members, wrong, sizeof wrong)) {
        CC_ASSERT(wrong[0] != '\0');
        return;
    }
    CC_ASSERT(members.count >= 1 && members.count <= COPYCATD_MEMBERS_MAX);
    copycatd_members_format(&members, form);
    CC_ASSERT(copycatd_members_parse(form, &again, wrong, sizeof wrong));
    CC_ASSERT(again.count == members.count);
    for (uint32_t i = 0; i < members.count; i++) {
        CC_ASSERT(i == 0 || members.at[i - 1].id < members.at[i].id); /* M1 */
        CC_ASSERT(again.at[i].id == members.at[i].id);
        CC_ASSERT(again.at[i].is_learner == members.at[i].is_learner);
        CC_ASSERT(strcmp(again.at[i].address, members.at[i].address) == 0);
    }
    check_server_agrees(form, &members);
}

static void try_quantities(const char *text)
{
    char form[COPYCATD_NUMBER_SIZE];
    uint64_t number;
    uint64_t again;

    if (cmd_duration_parse(text, &number) == NULL) {
        cmd_duration_format(number, form, sizeof form);
        CC_ASSERT(cmd_duration_parse(form, &again) == NULL && again == number); /* U3 */
        CC_ASSERT(cmd_uint_parse(text, &again) != NULL);                        /* U1 */
    }
    if (cmd_size_parse(text, &number) == NULL) {
        cmd_size_format(number, form, sizeof form);
        CC_ASSERT(cmd_size_parse(form, &again) == NULL && again == number);
        CC_ASSERT(cmd_uint_parse(text, &again) != NULL);
    }
    (void)cmd_bool_parse(text, &number);
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const char *name = copycatd_properties[id].name;

        CC_ASSERT(cmd_word_distance(text, name) == cmd_word_distance(name, text));
    }
}

/* Lines of `text` are flags, until an empty one; the rest are variables.  No file is opened. */
static void try_words(char *text, FILE *sink)
{
    static struct copycatd_config config;
    char program[] = "copycatd";
    char *argv[WORDS_MAX + 2] = {program};
    char *environment[WORDS_MAX + 2];
    int argc = 1;
    int count = 0;
    char *rest = text;
    char *word;
    enum copycatd_verdict verdict;

    while ((word = strsep(&rest, "\n")) != NULL && *word != '\0' && argc < WORDS_MAX) {
        if (strstr(word, "config") == NULL) {
            argv[argc++] = word;
        }
    }
    argv[argc] = NULL;
    while ((word = strsep(&rest, "\n")) != NULL && count < WORDS_MAX) {
        if (strncmp(word, "COPYCAT_CONFIG", 14) != 0) {
            environment[count++] = word;
        }
    }
    environment[count] = NULL;
    verdict = copycatd_config_load(&config, argc, argv, environment, sink, sink);
    rewind(sink);
    if (verdict == COPYCATD_RUN) { /* C2 */
        const struct copycatd_member *self = copycatd_members_find(&config.members, config.id);

        CC_ASSERT(self != NULL && strcmp(self->address, config.listen) == 0);
        CC_ASSERT(config.is_insecure || copycatd_address_is_local(config.listen));
        CC_ASSERT(config.heartbeat_interval_ms <= config.election_timeout_ms / 3);
        CC_ASSERT(config.journal_file_size % 4096 == 0);
        check_values(&config.values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *sink;
    char *text;

    if (size == 0) {
        return 0;
    }
    if (sink == NULL) {
        sink = fopen("/dev/null", "w");
        CC_ASSERT(sink != NULL);
    }
    text = malloc(size);
    CC_ASSERT(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0:
        try_file(data + 1, size - 1);
        break;
    case 1:
        try_members(text);
        break;
    case 2:
        try_quantities(text);
        break;
    default:
        try_words(text, sink);
    }
    free(text);
    return 0;
}

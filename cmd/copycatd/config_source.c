/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_source.h"

#include "support/suggest.h"

#include <string.h>

static const char prefix[] = "COPYCAT_";

static const char *const action_names[] = {"help", "version", "check-config", "show-config"};

static bool *action_of(struct copycatd_actions *actions, const char *name)
{
    bool *flags[] = {
        &actions->help, &actions->version, &actions->check_config, &actions->show_config};

    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (strcmp(name, action_names[i]) == 0) {
            return flags[i];
        }
    }
    return strcmp(name, "h") == 0 ? &actions->help : NULL;
}

/* `name` is what stands between the dashes and '='. */
static void complain_unknown(
    struct copycatd_problems *problems, const char *argument, const char *name)
{
    const char *nearest = copycatd_property_suggest(name, false);

    for (size_t i = 0; i < sizeof action_names / sizeof action_names[0]; i++) {
        if (nearest == NULL ||
            cmd_word_misfit(name, action_names[i]) < cmd_word_misfit(name, nearest)) {
            nearest = action_names[i];
        }
    }
    if (cmd_word_misfit(name, nearest) >= CMD_WORD_UNLIKE) {
        copycatd_problems_add(
            problems, "unknown %s '%.80s'; copycatd --help lists what there is",
            argument[0] == '-' ? "flag" : "argument", argument);
    } else {
        copycatd_problems_add(
            problems, "unknown %s '%.80s'; did you mean '--%s'?",
            argument[0] == '-' ? "flag" : "argument", argument, nearest);
    }
}

/* Reads argv[at], and its value if that stands behind it; returns the place of the next. */
static int take_flag(
    struct copycatd_values *values,
    int argc,
    char *const *argv,
    int at,
    struct copycatd_actions *actions,
    struct copycatd_problems *problems)
{
    const char *argument = argv[at];
    const char *name = argument + strspn(argument, "-");
    size_t dashes = (size_t)(name - argument);
    size_t size = strcspn(name, "=");
    const char *value = name[size] == '=' ? name + size + 1 : NULL;
    enum copycatd_property_id id = copycatd_property_find(name, size);
    char word[COPYCATD_VARIABLE_SIZE];
    char from[COPYCATD_FROM_SIZE];

    snprintf(word, sizeof word, "%.*s", (int)(size < sizeof word ? size : sizeof word - 1), name);
    if (value == NULL && (dashes == 2 || strcmp(argument, "-h") == 0) &&
        action_of(actions, word) != NULL) {
        *action_of(actions, word) = true;
        return at + 1;
    }
    if (dashes != 2 || id == COPYCATD_PROPERTY_COUNT) {
        complain_unknown(problems, argument, word);
        /* What follows was meant as its value: one mistake, one complaint. */
        return dashes > 0 && value == NULL && at + 1 < argc && argv[at + 1][0] != '-' ? at + 2
                                                                                      : at + 1;
    }
    snprintf(from, sizeof from, "flag --%s", copycatd_properties[id].name);
    if (value == NULL && copycatd_properties[id].type == COPYCATD_TYPE_BOOL) {
        value = "true";
    } else if (value == NULL) {
        /* No value begins with two dashes: what does is the next flag. */
        if (at + 1 >= argc || strncmp(argv[at + 1], "--", 2) == 0) {
            copycatd_problems_add(problems, "%s needs a value", from);
            values->of[id].is_doubtful = true;
            return at + 1;
        }
        value = argv[++at];
    }
    copycatd_values_offer(values, id, value, COPYCATD_FROM_FLAG, from, problems);
    return at + 1;
}

void copycatd_config_flags(
    struct copycatd_values *values,
    int argc,
    char *const *argv,
    struct copycatd_actions *actions_out,
    struct copycatd_problems *problems)
{
    int at = 1;

    memset(actions_out, 0, sizeof *actions_out);
    while (at < argc) {
        at = take_flag(values, argc, argv, at, actions_out, problems);
    }
}

const char *copycatd_config_variable(char *const *environment, const char *name)
{
    size_t size = strlen(name);

    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=') {
            return (*environment)[size + 1] != '\0' ? *environment + size + 1 : NULL;
        }
    }
    return NULL;
}

static bool is_known(const char *variable, size_t size)
{
    char name[COPYCATD_VARIABLE_SIZE];

    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        copycatd_property_variable(&copycatd_properties[id], name);
        if (strlen(name) == size && memcmp(name, variable, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Of an unknown variable that is a letter or two away from a known one. */
static void note_unknown(const char *variable, struct copycatd_problems *notes)
{
    size_t size = strcspn(variable, "=");
    char word[COPYCATD_VARIABLE_SIZE];

    if (size >= sizeof word || is_known(variable, size)) {
        return;
    }
    memcpy(word, variable, size);
    word[size] = '\0';
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const char *known = copycatd_properties[id].name;
        char name[COPYCATD_VARIABLE_SIZE];

        if (cmd_word_misfit(word + sizeof prefix - 1, known) <= 2) {
            copycatd_property_variable(&copycatd_properties[id], name);
            copycatd_problems_add(
                notes, "nothing reads the variable %s; did you mean %s?", word, name);
            return;
        }
    }
}

void copycatd_config_variables(
    struct copycatd_values *values,
    char *const *environment,
    struct copycatd_problems *problems,
    struct copycatd_problems *notes)
{
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        char name[COPYCATD_VARIABLE_SIZE];
        const char *value;

        copycatd_property_variable(&copycatd_properties[id], name);
        value = copycatd_config_variable(environment, name);
        if (value != NULL) {
            copycatd_values_offer(
                values, (enum copycatd_property_id)id, value, COPYCATD_FROM_VARIABLE, name,
                problems);
        }
    }
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, prefix, sizeof prefix - 1) == 0) {
            note_unknown(*environment, notes);
        }
    }
}

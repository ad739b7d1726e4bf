/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config.h"

#include "copycatd/config_check.h"
#include "copycatd/config_file.h"
#include "copycatd/config_print.h"
#include "copycatd/config_source.h"
#include "copycatd/data_dir.h"

#include <string.h>

/* The typed fields, from values that are known to be good. */
static void settle(struct copycatd_config *config)
{
    const struct copycatd_value *of = config->values.of;
    char wrong[COPYCATD_SENTENCE_SIZE_MAX];

    config->id = (uint32_t)of[COPYCATD_ID].number;
    config->listen = of[COPYCATD_LISTEN].text;
    config->members_text = of[COPYCATD_MEMBERS].text;
    if (!copycatd_members_parse(config->members_text, &config->members, wrong, sizeof wrong)) {
        config->members.count = 0; /* never: the text was made from members that were parsed */
    }
    config->data_dir = of[COPYCATD_DATA_DIR].text;
    config->path =
        of[COPYCATD_CONFIG].origin == COPYCATD_FROM_NOWHERE ? NULL : of[COPYCATD_CONFIG].text;
    config->is_insecure = of[COPYCATD_INSECURE].number != 0;
    config->connections_max = (uint32_t)of[COPYCATD_MAX_CONNECTIONS].number;
    config->journal_file_size = of[COPYCATD_JOURNAL_FILE_SIZE].number;
    config->disk_quota = of[COPYCATD_DISK_QUOTA].number;
    config->state_quota = of[COPYCATD_STATE_QUOTA].number;
    config->election_timeout_ms = (uint32_t)of[COPYCATD_ELECTION_TIMEOUT].number;
    config->heartbeat_interval_ms = (uint32_t)of[COPYCATD_HEARTBEAT_INTERVAL].number;
    config->log_format = (enum copycatd_log_format)of[COPYCATD_LOG_FORMAT].number;
    config->log_level = (enum copycatd_log_level)of[COPYCATD_LOG_LEVEL].number;
}

static void read_sources(
    struct copycatd_config *config,
    char *const *environment,
    struct copycatd_problems *problems,
    struct copycatd_problems *notes)
{
    struct copycatd_values *values = &config->values;

    bool is_whole = true;

    copycatd_config_variables(values, environment, problems, notes);
    if (values->of[COPYCATD_CONFIG].origin != COPYCATD_FROM_NOWHERE) {
        is_whole = copycatd_config_file_load(values, values->of[COPYCATD_CONFIG].text, problems);
    }
    copycatd_config_complete(values, environment, problems);
    /* What is missing because the file is does not have to be told one by one. */
    if (is_whole) {
        copycatd_config_check(values, problems);
    }
}

/* Only looks: the server makes it. */
static bool try_data_dir(const struct copycatd_config *config, struct copycatd_problems *problems)
{
    char wrong[COPYCATD_SENTENCE_SIZE_MAX];

    if (copycatd_data_dir_check(config->data_dir, wrong, sizeof wrong)) {
        return true;
    }
    copycatd_problems_add(
        problems,
        "data-dir (from: %s) can neither be used nor made: %s; name another with --data-dir",
        config->values.of[COPYCATD_DATA_DIR].from, wrong);
    return false;
}

enum copycatd_verdict copycatd_config_load(
    struct copycatd_config *config_out,
    int argc,
    char *const *argv,
    char *const *environment,
    FILE *out,
    FILE *err)
{
    struct copycatd_problems problems;
    struct copycatd_problems notes;
    struct copycatd_actions actions;

    memset(config_out, 0, sizeof *config_out);
    copycatd_problems_init(&problems);
    copycatd_problems_init(&notes);
    copycatd_config_flags(&config_out->values, argc, argv, &actions, &problems);
    if (actions.help) {
        copycatd_print_help(out);
        return COPYCATD_DONE;
    }
    if (actions.version) {
        fprintf(out, "copycatd %s\n", COPYCATD_VERSION);
        return COPYCATD_DONE;
    }
    read_sources(config_out, environment, &problems, &notes);
    copycatd_problems_print(&notes, "copycatd: note: ", err);
    if (actions.show_config) {
        copycatd_print_values(&config_out->values, out);
    }
    if (problems.count > 0) {
        copycatd_problems_print(&problems, "copycatd: ", err);
        return COPYCATD_WRONG;
    }
    settle(config_out);
    if (actions.check_config && !try_data_dir(config_out, &problems)) {
        copycatd_problems_print(&problems, "copycatd: ", err);
        return COPYCATD_WRONG;
    }
    if (actions.check_config) {
        fputs("ok\n", out);
    }
    return actions.check_config || actions.show_config ? COPYCATD_DONE : COPYCATD_RUN;
}

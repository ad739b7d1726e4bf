/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_check.h"

#include "copycatd/config_source.h"

#include <inttypes.h>
#include <string.h>

#define LISTEN_DEFAULT "127.0.0.1:7458"

#define HEARTBEATS 5u /* in an election timeout */

/* What a disk writes at once; the journal is made of them. */
#define BLOCK_SIZE 4096u
#define DISK_QUOTA_FILES 4u

static bool is_absent(const struct copycatd_values *values, enum copycatd_property_id id)
{
    return values->of[id].origin == COPYCATD_FROM_NOWHERE;
}

/* The members as taken; count is 0 if there are none yet. */
static void members_of(const struct copycatd_values *values, struct copycatd_members *members_out)
{
    char wrong[COPYCATD_SENTENCE_SIZE_MAX];

    if (is_absent(values, COPYCATD_MEMBERS) ||
        !copycatd_members_parse(
            values->of[COPYCATD_MEMBERS].text, members_out, wrong, sizeof wrong)) {
        members_out->count = 0;
    }
}

static void complete_listen(struct copycatd_values *values, struct copycatd_problems *problems)
{
    struct copycatd_members members;
    const struct copycatd_member *self;

    members_of(values, &members);
    self = copycatd_members_find(&members, values->of[COPYCATD_ID].number);
    copycatd_values_offer(
        values, COPYCATD_LISTEN, self != NULL ? self->address : LISTEN_DEFAULT,
        COPYCATD_FROM_DEFAULT, self != NULL ? "default, from members" : "default", problems);
}

static void complete_members(struct copycatd_values *values, struct copycatd_problems *problems)
{
    char text[COPYCATD_ADDRESS_SIZE_MAX + 32];

    snprintf(
        text, sizeof text, "%" PRIu64 "=%.*s", values->of[COPYCATD_ID].number,
        (int)COPYCATD_ADDRESS_SIZE_MAX, values->of[COPYCATD_LISTEN].text);
    copycatd_values_offer(
        values, COPYCATD_MEMBERS, text, COPYCATD_FROM_DEFAULT, "default, this server alone",
        problems);
}

static void complete_heartbeat(struct copycatd_values *values, struct copycatd_problems *problems)
{
    char text[COPYCATD_NUMBER_SIZE];

    copycatd_property_format(
        &copycatd_properties[COPYCATD_HEARTBEAT_INTERVAL],
        values->of[COPYCATD_ELECTION_TIMEOUT].number / HEARTBEATS, text);
    copycatd_values_offer(
        values, COPYCATD_HEARTBEAT_INTERVAL, text, COPYCATD_FROM_DEFAULT,
        "default, from election-timeout", problems);
}

static void complete_data_dir(
    struct copycatd_values *values, char *const *environment, struct copycatd_problems *problems)
{
    const char *state = copycatd_config_variable(environment, "STATE_DIRECTORY");
    const char *xdg = copycatd_config_variable(environment, "XDG_STATE_HOME");
    const char *home = copycatd_config_variable(environment, "HOME");
    const char *from = "default, $STATE_DIRECTORY";
    char text[COPYCATD_VALUE_SIZE];

    if (state != NULL) {
        /* systemd lists several, if the unit does; the first is the one for this. */
        snprintf(text, sizeof text, "%.*s", (int)strcspn(state, ":"), state);
    } else if (xdg != NULL && *xdg == '/') {
        snprintf(text, sizeof text, "%s/copycat", xdg);
        from = "default, $XDG_STATE_HOME";
    } else if (home != NULL) {
        snprintf(text, sizeof text, "%s/.local/state/copycat", home);
        from = "default, $HOME";
    } else {
        values->of[COPYCATD_DATA_DIR].is_doubtful = true;
        copycatd_problems_add(
            problems, "data-dir has no default here, as neither $STATE_DIRECTORY, $XDG_STATE_HOME "
                      "nor $HOME is set: name a directory with --data-dir");
        return;
    }
    copycatd_values_offer(values, COPYCATD_DATA_DIR, text, COPYCATD_FROM_DEFAULT, from, problems);
}

void copycatd_config_complete(
    struct copycatd_values *values, char *const *environment, struct copycatd_problems *problems)
{
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const char *initial = copycatd_properties[id].initial;

        if (initial != NULL) {
            copycatd_values_offer(
                values, (enum copycatd_property_id)id, initial, COPYCATD_FROM_DEFAULT, "default",
                problems);
        }
    }
    /* Each of the two follows from the other: listen first, for it has a default of its own. */
    if (is_absent(values, COPYCATD_LISTEN)) {
        complete_listen(values, problems);
    }
    if (is_absent(values, COPYCATD_MEMBERS)) {
        complete_members(values, problems);
    }
    if (is_absent(values, COPYCATD_HEARTBEAT_INTERVAL)) {
        complete_heartbeat(values, problems);
    }
    if (is_absent(values, COPYCATD_DATA_DIR)) {
        complete_data_dir(values, environment, problems);
    }
}

/* Is there a good word on both? */
static bool are_certain(
    const struct copycatd_values *values,
    enum copycatd_property_id left,
    enum copycatd_property_id right)
{
    return !values->of[left].is_doubtful && !values->of[right].is_doubtful;
}

static void check_membership(
    const struct copycatd_values *values, struct copycatd_problems *problems)
{
    const struct copycatd_value *id = &values->of[COPYCATD_ID];
    const struct copycatd_value *listen = &values->of[COPYCATD_LISTEN];
    struct copycatd_members members;
    const struct copycatd_member *self;

    if (!are_certain(values, COPYCATD_ID, COPYCATD_MEMBERS)) {
        return;
    }
    members_of(values, &members);
    self = copycatd_members_find(&members, id->number);
    if (self == NULL) {
        copycatd_problems_add(
            problems,
            "id is %" PRIu64 " (from: %s), which is not among the members (from: %s): add "
            "%" PRIu64 "=ADDRESS to them, or say which of them this server is with --id",
            id->number, id->from, values->of[COPYCATD_MEMBERS].from, id->number);
    } else if (!listen->is_doubtful && strcmp(self->address, listen->text) != 0) {
        copycatd_problems_add(
            problems,
            "listen is %s (from: %s), but members name %s for server %" PRIu64
            " (from: %s): a server listens at the address by which the others know it, so leave "
            "listen out or make them equal",
            listen->text, listen->from, self->address, id->number,
            values->of[COPYCATD_MEMBERS].from);
    }
}

static void check_reach(const struct copycatd_values *values, struct copycatd_problems *problems)
{
    const struct copycatd_value *listen = &values->of[COPYCATD_LISTEN];

    if (!are_certain(values, COPYCATD_LISTEN, COPYCATD_INSECURE) ||
        values->of[COPYCATD_INSECURE].number != 0 || copycatd_address_is_local(listen->text)) {
        return;
    }
    copycatd_problems_add(
        problems,
        "listen is %s (from: %s), which other machines can reach, and this version has no TLS: "
        "whoever reaches it can read and change everything.  Listen at 127.0.0.1, [::1] or unix:, "
        "or, in a network you trust, say --insecure",
        listen->text, listen->from);
}

static void check_heartbeat(
    const struct copycatd_values *values, struct copycatd_problems *problems)
{
    const struct copycatd_value *heartbeat = &values->of[COPYCATD_HEARTBEAT_INTERVAL];
    const struct copycatd_value *election = &values->of[COPYCATD_ELECTION_TIMEOUT];

    if (are_certain(values, COPYCATD_HEARTBEAT_INTERVAL, COPYCATD_ELECTION_TIMEOUT) &&
        heartbeat->number > election->number / 3) {
        copycatd_problems_add(
            problems,
            "heartbeat-interval is %s (from: %s), more than a third of election-timeout, %s "
            "(from: %s): one lost message would unseat a leader that is well; lower "
            "--heartbeat-interval, or leave it out, or raise --election-timeout",
            heartbeat->text, heartbeat->from, election->text, election->from);
    }
}

static void check_journal(const struct copycatd_values *values, struct copycatd_problems *problems)
{
    const struct copycatd_value *size = &values->of[COPYCATD_JOURNAL_FILE_SIZE];

    if (!size->is_doubtful && size->number % BLOCK_SIZE != 0) {
        copycatd_problems_add(
            problems,
            "journal-file-size is %s (from: %s), no multiple of 4KiB: KB and MB are powers of "
            "1000, KiB and MiB of 1024",
            size->text, size->from);
    }
}

static void check_quota(const struct copycatd_values *values, struct copycatd_problems *problems)
{
    const struct copycatd_value *quota = &values->of[COPYCATD_DISK_QUOTA];
    const struct copycatd_value *size = &values->of[COPYCATD_JOURNAL_FILE_SIZE];

    if (!quota->is_doubtful && !size->is_doubtful && quota->number != 0 &&
        quota->number / DISK_QUOTA_FILES < size->number) {
        copycatd_problems_add(
            problems,
            "disk-quota is %s (from: %s), less than four times journal-file-size, %s (from: %s): "
            "the journal alone needs three or four files",
            quota->text, quota->from, size->text, size->from);
    }
}

void copycatd_config_check(const struct copycatd_values *values, struct copycatd_problems *problems)
{
    check_membership(values, problems);
    check_reach(values, problems);
    check_heartbeat(values, problems);
    check_journal(values, problems);
    check_quota(values, problems);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing -- see standing.h.
 */
#include "standing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(
    sizeof(((struct cli_standing *)0)->address) == sizeof(((copycat_probe_member *)0)->address),
    "copied whole");

struct question {
    pthread_t thread;
    struct cli_standing *standing;
    uint64_t timeout_ms;
    bool has_thread;
};

/* ---- whom to ask ------------------------------------------------------------------------------ */

/* One item of the list, without the "id=" and "/role" that lists of members have. */
static bool take_item(struct cli_standing *standing, const char *item, size_t size)
{
    const char *equals = memchr(item, '=', size);

    if (equals != NULL) {
        size -= (size_t)(equals + 1 - item);
        item = equals + 1;
    }
    if (strncmp(item, "unix:", 5) != 0) {
        const char *role = memchr(item, '/', size);

        size = role == NULL ? size : (size_t)(role - item);
    }
    *standing = (struct cli_standing){.status = COPYCAT_ERR_UNAVAILABLE};
    if (size >= sizeof standing->address) {
        return false;
    }
    memcpy(standing->address, item, size);

    return true;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long port = digits <= 5 ? strtoul(text, NULL, 10) : 0;

    return text[digits] == '\0' && port >= 1 && port <= 65535;
}

/* As the library finds it, which is asked only when a client is opened. NULL: none. */
static const char *fault_of(const char *address)
{
    const char *colon = strrchr(address, ':');

    if (colon == NULL || colon == address || colon[1] == '\0') {
        return "is neither";
    }
    if (strncmp(address, "unix:", 5) == 0 || is_port(colon + 1)) {
        return NULL;
    }
    return "has no port from 1 to 65535";
}

bool cli_standings_init(
    struct cli_standings *standings, const char *servers, copycat_message *message_out)
{
    standings->count = 0;
    while (standings->count < CLI_STANDINGS_MAX) {
        struct cli_standing *standing = &standings->at[standings->count++];
        size_t size = strcspn(servers, ",");
        const char *fault =
            take_item(standing, servers, size) ? fault_of(standing->address) : "is too long";

        if (fault != NULL) {
            snprintf(
                message_out->text, sizeof message_out->text,
                "servers are listed as host:port or unix:/path, separated by commas; '%.*s' %s",
                size > 200 ? 200 : (int)size, servers, fault);
            return false;
        }
        if (servers[size] == '\0') {
            return true;
        }
        servers += size + 1;
    }
    return true;
}

/* ---- asking ----------------------------------------------------------------------------------- */

static void *ask(void *argument)
{
    struct question *question = argument;
    struct cli_standing *standing = question->standing;

    standing->probe.size = sizeof standing->probe;
    standing->status = copycat_probe_server(
        standing->address, question->timeout_ms, &standing->probe, &standing->message);
    return NULL;
}

static void ask_from(struct cli_standings *standings, uint32_t first, uint64_t timeout_ms)
{
    struct question questions[CLI_STANDINGS_MAX];

    for (uint32_t i = first; i < standings->count; i++) {
        questions[i] = (struct question){
            .standing = &standings->at[i], .timeout_ms = timeout_ms, .has_thread = true};
        if (pthread_create(&questions[i].thread, NULL, ask, &questions[i]) != 0) {
            questions[i].has_thread = false;
            (void)ask(&questions[i]); /* in turn, then */
        }
    }
    for (uint32_t i = first; i < standings->count; i++) {
        if (questions[i].has_thread) {
            pthread_join(questions[i].thread, NULL);
        }
    }
}

void cli_standings_ask(struct cli_standings *standings, uint64_t timeout_ms)
{
    ask_from(standings, 0, timeout_ms);
}

/* The same server under two names, or one that is a member under the name it was asked by. */
static bool is_listed(
    const struct cli_standings *standings, const char *cluster, const copycat_probe_member *member)
{
    for (uint32_t i = 0; i < standings->count; i++) {
        const struct cli_standing *other = &standings->at[i];

        if (strcmp(other->address, member->address) == 0 ||
            (other->status == COPYCAT_OK && other->probe.id == member->id &&
             strcmp(other->probe.cluster, cluster) == 0)) {
            return true;
        }
    }
    return false;
}

static void add_members_of(struct cli_standings *standings, const copycat_probe *probe)
{
    for (uint32_t i = 0; i < probe->member_count; i++) {
        const copycat_probe_member *member = &probe->members[i];

        if (standings->count < CLI_STANDINGS_MAX && !is_listed(standings, probe->cluster, member)) {
            struct cli_standing *added = &standings->at[standings->count++];

            *added = (struct cli_standing){.status = COPYCAT_ERR_UNAVAILABLE};
            memcpy(added->address, member->address, sizeof added->address);
        }
    }
}

static bool is_repeated(const struct cli_standings *standings, uint32_t place)
{
    const struct cli_standing *standing = &standings->at[place];

    for (uint32_t i = 0; i < place; i++) {
        const struct cli_standing *other = &standings->at[i];

        if (strcmp(other->address, standing->address) == 0 ||
            (other->status == COPYCAT_OK && standing->status == COPYCAT_OK &&
             other->probe.id == standing->probe.id &&
             strcmp(other->probe.cluster, standing->probe.cluster) == 0)) {
            return true;
        }
    }
    return false;
}

static void drop_repeated(struct cli_standings *standings)
{
    for (uint32_t i = 0; i < standings->count;) {
        if (is_repeated(standings, i)) {
            standings->count--;
            memmove(
                &standings->at[i], &standings->at[i + 1],
                (standings->count - i) * sizeof standings->at[0]);
        } else {
            i++;
        }
    }
}

void cli_standings_ask_members(struct cli_standings *standings, uint64_t timeout_ms)
{
    uint32_t asked = standings->count;

    for (uint32_t i = 0; i < asked; i++) {
        if (standings->at[i].status == COPYCAT_OK) {
            add_members_of(standings, &standings->at[i].probe);
        }
    }
    ask_from(standings, asked, timeout_ms);
    drop_repeated(standings);
}

/* ---- telling ---------------------------------------------------------------------------------- */

const char *cli_role_name(uint32_t role)
{
    static const char *const names[] = {"follower", "pre-candidate", "candidate", "leader"};

    return role < sizeof names / sizeof names[0] ? names[role] : "?";
}

const char *cli_state_name(uint32_t state)
{
    static const char *const names[] = {"recovering", "founding", "member", "failed"};

    return state < sizeof names / sizeof names[0] ? names[state] : "?";
}

/* The ids of the members that it does not see, as "2, 3"; returns how many. */
static uint32_t list_missing(const copycat_probe *probe, char *text_out, size_t text_size)
{
    uint32_t count = 0;
    size_t used = 0;

    text_out[0] = '\0';
    for (uint32_t i = 0; i < probe->member_count; i++) {
        if (probe->members[i].id == probe->id || probe->members[i].is_up != 0) {
            continue;
        }
        count++;
        if (used < text_size) {
            used += (size_t)snprintf(
                text_out + used, text_size - used, "%s%u", count > 1 ? ", " : "",
                (unsigned)probe->members[i].id);
        }
    }
    return count;
}

static bool reaches(const copycat_probe *probe, uint32_t id)
{
    for (uint32_t i = 0; i < probe->member_count; i++) {
        if (probe->members[i].id == id) {
            return id == probe->id || probe->members[i].is_up != 0;
        }
    }
    return false;
}

static void describe_answer(const copycat_probe *probe, char *text_out, size_t text_size)
{
    char missing[128];
    uint32_t count = list_missing(probe, missing, sizeof missing);
    const char *members = count == 1 ? "member" : "members";

    if (probe->state == COPYCAT_SERVER_FOUNDING && count > 0) {
        snprintf(
            text_out, text_size, "waits for %s %s, to found the cluster with %s", members, missing,
            count == 1 ? "it" : "them");
    } else if (probe->state != COPYCAT_SERVER_MEMBER) {
        snprintf(text_out, text_size, "answers, but is %s", cli_state_name(probe->state));
    } else if (probe->leader == 0 && count > 0) {
        snprintf(
            text_out, text_size, "answers, but knows no leader; it does not reach %s %s", members,
            missing);
    } else if (probe->leader == 0) {
        snprintf(text_out, text_size, "answers, but knows no leader: an election is under way");
    } else {
        snprintf(
            text_out, text_size, "answers; its leader is member %u%s", (unsigned)probe->leader,
            reaches(probe, probe->leader) ? "" : ", which it does not reach");
    }
}

/* "cannot connect to ADDRESS: connection refused": the address stands in front already. */
static const char *cause_of(const struct cli_standing *standing)
{
    const char *place = strstr(standing->message.text, standing->address);
    size_t size = strlen(standing->address);

    if (strcmp(standing->message.text, copycat_status_text(COPYCAT_ERR_UNAVAILABLE)) == 0) {
        return "does not answer";
    }
    if (place != NULL && strncmp(place + size, ": ", 2) == 0) {
        return place + size + 2;
    }
    return standing->message.text;
}

void cli_standing_describe(const struct cli_standing *standing, char *text_out, size_t text_size)
{
    if (standing->status == COPYCAT_OK) {
        describe_answer(&standing->probe, text_out, text_size);
    } else {
        snprintf(text_out, text_size, "%s", cause_of(standing));
    }
}

/* ---- all together ----------------------------------------------------------------------------- */

struct tally {
    uint32_t answers;
    uint32_t leaders; /* answers of who reaches its leader */
    uint32_t servers; /* those that were asked, or the cluster if that is more */
};

static struct tally count_all(const struct cli_standings *standings)
{
    struct tally tally = {.servers = standings->count};

    for (uint32_t i = 0; i < standings->count; i++) {
        const copycat_probe *probe = &standings->at[i].probe;

        if (standings->at[i].status != COPYCAT_OK) {
            continue;
        }
        tally.answers++;
        tally.leaders += probe->state == COPYCAT_SERVER_MEMBER && probe->leader != 0 &&
                         reaches(probe, probe->leader);
        tally.servers = tally.servers < probe->member_count ? probe->member_count : tally.servers;
    }
    return tally;
}

/* In few words; returns their size. */
static size_t name_cause(const struct tally *tally, char *text_out, size_t text_size)
{
    if (tally->answers == 0) {
        return (size_t)snprintf(text_out, text_size, "nobody answers");
    }
    if (tally->leaders == 0) {
        return (size_t)snprintf(
            text_out, text_size, "no leader among %u server%s", (unsigned)tally->servers,
            tally->servers == 1 ? "" : "s");
    }
    return (size_t)snprintf(text_out, text_size, "a leader is there now");
}

void cli_standings_explain(const struct cli_standings *standings, char *text_out, size_t text_size)
{
    struct tally tally = count_all(standings);
    size_t used = name_cause(&tally, text_out, text_size);
    const char *remedy = "; try again, with a longer --timeout if need be";

    if (tally.answers == 0) {
        remedy = "; is copycatd running there? Other servers are named with --servers or "
                 "COPYCAT_SERVERS";
    } else if (tally.leaders == 0) {
        remedy = "; more than half of its members have to run copycatd and to reach each other";
    }
    if (used < text_size) {
        snprintf(text_out + used, text_size - used, "%s", remedy);
    }
}

struct line {
    char *at;
    size_t size; /* with its end */
    size_t used;
};

static void append(struct line *line, const char *first, const char *second)
{
    if (line->used < line->size) {
        line->used +=
            (size_t)snprintf(line->at + line->used, line->size - line->used, "%s%s", first, second);
    }
}

void cli_standings_describe(const struct cli_standings *standings, char *text_out, size_t text_size)
{
    struct tally tally = count_all(standings);
    struct line line = {.at = text_out, .size = text_size};
    bool is_named[CLI_STANDINGS_MAX] = {false};
    char said[256];
    char other[256];

    line.used = name_cause(&tally, text_out, text_size);
    for (uint32_t i = 0; i < standings->count; i++) {
        if (is_named[i]) {
            continue;
        }
        append(&line, i == 0 ? ": " : ", ", standings->at[i].address);
        cli_standing_describe(&standings->at[i], said, sizeof said);
        for (uint32_t j = i + 1; j < standings->count; j++) {
            cli_standing_describe(&standings->at[j], other, sizeof other);
            if (strcmp(said, other) == 0) {
                append(&line, ", ", standings->at[j].address);
                is_named[j] = true;
            }
        }
        append(&line, " (", said);
        append(&line, ")", "");
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status -- see status.h.
 */
#include "status.h"

#include "failure.h"
#include "status_print.h"

#include <string.h>
#include <time.h>

#define TIMEOUT_MS 1000u

/* While writes go on, members are seldom seen at the same index: a few looks more often do. */
#define LOOKS_MAX 5u
#define LOOK_PAUSE_NS 20000000

/* ---- summing up ------------------------------------------------------------------------------- */

static bool takes_part(const struct cli_standing *standing)
{
    return standing->status == COPYCAT_OK && standing->probe.state == COPYCAT_SERVER_MEMBER;
}

static const copycat_probe *find_leader(const struct cli_standings *standings)
{
    const copycat_probe *leader = NULL;

    for (uint32_t i = 0; i < standings->count; i++) {
        const copycat_probe *probe = &standings->at[i].probe;

        if (takes_part(&standings->at[i]) && probe->role == COPYCAT_ROLE_LEADER &&
            (leader == NULL || probe->term > leader->term)) {
            leader = probe;
        }
    }
    return leader;
}

static void compare_digests(const struct cli_standings *standings, struct cli_summary *summary)
{
    for (uint32_t i = 0; i < standings->count; i++) {
        const copycat_probe *probe = &standings->at[i].probe;
        uint32_t count = 1;

        for (uint32_t j = 0; takes_part(&standings->at[i]) && j < standings->count; j++) {
            const copycat_probe *other = &standings->at[j].probe;

            if (i == j || !takes_part(&standings->at[j]) || other->applied != probe->applied ||
                strcmp(other->cluster, probe->cluster) != 0) {
                continue;
            }
            count++;
            summary->differs = summary->differs || other->digest != probe->digest;
        }
        if (count > 1 && (summary->digest_count == 0 || probe->applied > summary->digest_index)) {
            summary->digest_index = probe->applied;
            summary->digest_count = count;
        }
    }
}

/* The list of members of who knows best: the leader, else anybody who has answered. */
static const copycat_probe *best_informed(
    const struct cli_standings *standings, const struct cli_summary *summary)
{
    const copycat_probe *best = summary->leader;

    for (uint32_t i = 0; i < standings->count && best == NULL; i++) {
        if (standings->at[i].status == COPYCAT_OK) {
            best = &standings->at[i].probe;
        }
    }
    return best;
}

static bool has_answered(const struct cli_standings *standings, uint32_t id)
{
    for (uint32_t i = 0; i < standings->count; i++) {
        if (takes_part(&standings->at[i]) && standings->at[i].probe.id == id) {
            return true;
        }
    }
    return false;
}

static bool is_of_many_clusters(const struct cli_standings *standings)
{
    const char *cluster = NULL;

    for (uint32_t i = 0; i < standings->count; i++) {
        const copycat_probe *probe = &standings->at[i].probe;

        if (standings->at[i].status != COPYCAT_OK || probe->cluster[0] == '\0') {
            continue;
        }
        if (cluster != NULL && strcmp(cluster, probe->cluster) != 0) {
            return true;
        }
        cluster = probe->cluster;
    }
    return false;
}

void cli_status_sum_up(const struct cli_standings *standings, struct cli_summary *summary_out)
{
    const copycat_probe *best;

    *summary_out = (struct cli_summary){.leader = find_leader(standings)};
    compare_digests(standings, summary_out);
    summary_out->is_mixed = is_of_many_clusters(standings);
    best = best_informed(standings, summary_out);
    for (uint32_t i = 0; best != NULL && i < best->member_count; i++) {
        if (best->members[i].is_learner == 0) {
            summary_out->voter_count++;
            summary_out->answer_count += has_answered(standings, best->members[i].id);
        }
    }
}

int cli_status_judge(const struct cli_summary *summary)
{
    if (summary->differs) {
        return CLI_EXIT_UNKNOWN;
    }
    return summary->leader != NULL && !summary->is_mixed &&
                   summary->answer_count * 2 > summary->voter_count
               ? CLI_EXIT_YES
               : CLI_EXIT_RETRY;
}

bool cli_status_lag(const struct cli_summary *summary, uint32_t id, uint64_t *lag_out)
{
    const copycat_probe *leader = summary->leader;

    for (uint32_t i = 0; leader != NULL && i < leader->member_count; i++) {
        const copycat_probe_member *member = &leader->members[i];

        if (member->id == id) {
            uint64_t match = id == leader->id ? leader->last : member->match;

            *lag_out = leader->last > match ? leader->last - match : 0;
            return true;
        }
    }
    return false;
}

/* ---- the verb --------------------------------------------------------------------------------- */

/* True if it is worth a second look: some answered, and not all at the same index. */
static bool is_moving(const struct cli_standings *standings)
{
    const copycat_probe *first = NULL;

    for (uint32_t i = 0; i < standings->count; i++) {
        if (!takes_part(&standings->at[i])) {
            continue;
        }
        if (first != NULL && standings->at[i].probe.applied != first->applied) {
            return true;
        }
        first = &standings->at[i].probe;
    }
    return false;
}

static void look(struct cli_standings *standings, uint64_t timeout_ms)
{
    const struct timespec pause = {.tv_nsec = LOOK_PAUSE_NS};

    cli_standings_ask(standings, timeout_ms);
    cli_standings_ask_members(standings, timeout_ms);
    for (uint32_t i = 1; i < LOOKS_MAX && is_moving(standings); i++) {
        (void)nanosleep(&pause, NULL);
        cli_standings_ask(standings, timeout_ms);
    }
}

int cli_status(const struct cli_arguments *arguments)
{
    static struct cli_standings standings;
    struct cli_summary summary;
    copycat_message message;

    if (!cli_standings_init(&standings, arguments->servers, &message)) {
        return cli_fail_with(arguments, CLI_EXIT_USAGE, "%s", message.text);
    }
    look(&standings, arguments->timeout_ms == 0 ? TIMEOUT_MS : arguments->timeout_ms);
    cli_status_sum_up(&standings, &summary);
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        cli_status_print_json(&standings, &summary);
    } else {
        cli_status_print_table(stdout, &standings, &summary);
    }
    return cli_status_judge(&summary);
}

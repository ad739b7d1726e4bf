/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_verify -- is a stopped server's directory sound?  Each finding in plain words, then one line.
 */
#include "failure.h"
#include "log.h"
#include "output.h"
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UNIT (UINT64_C(1) << 20) /* of progress */

struct verifying {
    struct cli_progress progress;
    json_t *findings; /* NULL: lines are printed */
    char advice[512]; /* the one that was printed last: it is not said twice on end */
    uint64_t damage_count;
    uint64_t newer_count;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_progress(uint64_t done, uint64_t total, void *user)
{
    struct verifying *verifying = user;
    uint64_t now = now_ms();

    verifying->progress.total = (total + UNIT - 1) / UNIT;
    cli_progress_note(&verifying->progress, now, done / UNIT, false);
    cli_progress_show(&verifying->progress, now);
}

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case COPYCAT_FINDING_LEFTOVER:
        return "leftover";
    case COPYCAT_FINDING_REPAIRED:
        return "repaired";
    case COPYCAT_FINDING_REPAIRABLE:
        return "repairable";
    case COPYCAT_FINDING_UNJUDGED:
        return "unjudged";
    case COPYCAT_FINDING_FATAL:
        return "fatal";
    case COPYCAT_FINDING_NEWER:
        return "newer";
    default:
        return "unreadable";
    }
}

static void print_finding(struct verifying *verifying, const copycat_inspect_finding *finding)
{
    printf("%s: ", kind_name(finding->kind));
    if (finding->file[0] != '\0') {
        printf("%s", finding->file);
        if (finding->offset != COPYCAT_NONE) {
            printf(" at offset %" PRIu64, finding->offset);
        }
        printf(": ");
    }
    printf("%s\n", finding->what);
    if (strcmp(verifying->advice, finding->advice) != 0) {
        printf("    %s\n", finding->advice);
        snprintf(verifying->advice, sizeof verifying->advice, "%s", finding->advice);
    }
}

static json_t *json_of(const copycat_inspect_finding *finding)
{
    json_t *object = json_object();

    cli_json_set(object, "kind", json_string(kind_name(finding->kind)));
    if (finding->file[0] != '\0') {
        cli_json_set(object, "file", json_string(finding->file));
    }
    if (finding->offset != COPYCAT_NONE) {
        cli_json_set(object, "offset", json_integer((json_int_t)finding->offset));
    }
    if (finding->first_index != 0) {
        cli_json_set(object, "first", json_integer((json_int_t)finding->first_index));
        cli_json_set(object, "last", json_integer((json_int_t)finding->last_index));
    }
    cli_json_set(object, "what", json_string(finding->what));
    cli_json_set(object, "advice", json_string(finding->advice));
    return object;
}

static int on_finding(const copycat_inspect_finding *finding, void *user)
{
    struct verifying *verifying = user;

    cli_progress_clear(&verifying->progress);
    verifying->newer_count += finding->kind == COPYCAT_FINDING_NEWER;
    verifying->damage_count +=
        finding->kind != COPYCAT_FINDING_NEWER && finding->kind != COPYCAT_FINDING_LEFTOVER;
    if (verifying->findings != NULL) {
        (void)json_array_append_new(verifying->findings, json_of(finding));
    } else {
        print_finding(verifying, finding);
    }
    return 0;
}

static uint64_t entry_count(const copycat_inspect_summary *summary)
{
    return summary->last_index + 1 - summary->first_index;
}

static void print_contents(const copycat_inspect_summary *summary)
{
    if (summary->image_index != 0) {
        printf("an image at %" PRIu64, summary->image_index);
        if (summary->segment_count > 0) {
            printf(
                " with %u segment%s", (unsigned)summary->segment_count,
                summary->segment_count == 1 ? "" : "s");
        }
        printf(" and ");
    }
    printf("%" PRIu64 " entries", entry_count(summary));
    if (entry_count(summary) > 0) {
        printf(" (%" PRIu64 " to %" PRIu64 ")", summary->first_index, summary->last_index);
    }
    printf(", term %" PRIu64 ", ", summary->term);
    if (summary->server != 0) {
        printf("server %u, ", (unsigned)summary->server);
    }
    if (summary->cluster[0] != '\0') {
        printf("cluster %s\n", summary->cluster);
    } else {
        printf("of no cluster yet\n");
    }
}

static void print_sentence(
    const copycat_inspect_summary *summary, const struct verifying *verifying)
{
    if (summary->is_sound != 0) {
        printf("sound: ");
        print_contents(summary);
    } else if (summary->does_start == 0) {
        printf("not sound: a server of this version does not start with this directory\n");
    } else if (summary->is_state_missing != 0) {
        printf("not sound, but a server starts with it, and fetches its state from another one: ");
        print_contents(summary);
    } else if (summary->missing_count > 0) {
        printf(
            "not sound, but a server starts with it, and fetches %" PRIu64 " entr%s: ",
            summary->missing_count, summary->missing_count == 1 ? "y" : "ies");
        print_contents(summary);
    } else {
        printf(
            "not sound, but a server starts with it, and nothing is missing (%" PRIu64
            " finding%s): ",
            verifying->damage_count + verifying->newer_count,
            verifying->damage_count + verifying->newer_count == 1 ? "" : "s");
        print_contents(summary);
    }
}

static void print_json(const copycat_inspect_summary *summary, json_t *findings_take)
{
    json_t *object = json_object();

    cli_json_set(object, "sound", json_boolean(summary->is_sound != 0));
    cli_json_set(object, "starts", json_boolean(summary->does_start != 0));
    if (summary->does_start != 0) {
        cli_json_set(object, "entries", json_integer((json_int_t)entry_count(summary)));
        cli_json_set(object, "first", json_integer((json_int_t)summary->first_index));
        cli_json_set(object, "last", json_integer((json_int_t)summary->last_index));
        cli_json_set(object, "missing", json_integer((json_int_t)summary->missing_count));
        cli_json_set(object, "term", json_integer((json_int_t)summary->term));
        cli_json_set(object, "vote", json_integer(summary->vote));
        cli_json_set(object, "image", json_integer((json_int_t)summary->image_index));
        cli_json_set(object, "segments", json_integer(summary->segment_count));
        cli_json_set(object, "state_missing", json_boolean(summary->is_state_missing != 0));
        cli_json_set(object, "time_us", json_integer((json_int_t)summary->time_us));
        cli_json_set(object, "starts_so_far", json_integer((json_int_t)summary->boots));
        cli_json_set(object, "server", json_integer(summary->server));
        cli_json_set(object, "cluster", json_string(summary->cluster));
    }
    cli_json_set(object, "findings", findings_take);
    cli_json_print(object);
}

static int judge(const copycat_inspect_summary *summary, const struct verifying *verifying)
{
    if (summary->is_sound != 0) {
        return CLI_EXIT_YES;
    }
    return verifying->damage_count == 0 && verifying->newer_count > 0 ? CLI_EXIT_USAGE
                                                                      : CLI_EXIT_NO;
}

int cli_log_verify(const struct cli_arguments *arguments)
{
    struct verifying verifying = {0};
    copycat_inspect_summary summary = {.size = sizeof summary};
    copycat_message message = {""};
    int code = CLI_EXIT_YES;
    copycat_inspection *inspection = cli_log_open(arguments, &code);
    copycat_status status;

    if (inspection == NULL) {
        return code;
    }
    cli_progress_init(&verifying.progress, now_ms(), NULL, false);
    verifying.progress.unit = " MiB";
    verifying.findings = cli_arguments_has(arguments, CLI_FLAG_JSON) ? json_array() : NULL;
    status =
        copycat_inspect_verify(inspection, on_finding, on_progress, &verifying, &summary, &message);
    copycat_inspect_close(inspection);
    cli_progress_clear(&verifying.progress);
    if (status != COPYCAT_OK) {
        json_decref(verifying.findings);
        return cli_log_fail(arguments, status, &message);
    }
    if (verifying.findings != NULL) {
        print_json(&summary, verifying.findings);
    } else {
        print_sentence(&summary, &verifying);
    }
    return judge(&summary, &verifying);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_dump -- a line for each record of the journal, of images and of segments.
 */
#include "log_dump.h"

#include "escape.h"
#include "failure.h"
#include "log.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A line is for the eye: of a long value there is its beginning, and its size. */
#define SHOWN_MAX 160u

/* ---- a line for people ----------------------------------------------------------------------- */

/* An empty value is a value: what an operation does not have is NULL. */
static void print_bytes(const char *name, copycat_bytes bytes)
{
    size_t shown = bytes.size < SHOWN_MAX ? bytes.size : SHOWN_MAX;

    if (bytes.data == NULL) {
        return;
    }
    printf(" %s=\"", name);
    cli_print_bytes(stdout, (copycat_bytes){bytes.data, shown});
    if (shown < bytes.size) {
        printf("...\" (%zu bytes)", bytes.size);
    } else {
        putchar('"');
    }
}

static void print_command(const copycat_inspect_record *record)
{
    printf(" session %" PRIu64 " #%" PRIu64, record->session, record->sequence);
    if (record->instance == 0) {
        printf(" catalogue");
    } else {
        printf(" resource %" PRIu64, record->instance);
    }
    if (record->operation[0] == '\0') {
        printf(" of a type that this tool does not know, %zu bytes", record->payload.size);
        return;
    }
    printf(" %s", record->operation);
    print_bytes("path", record->path);
    print_bytes("key", record->key);
    print_bytes("expected", record->expected);
    print_bytes("value", record->value);
}

static void print_entry(const copycat_inspect_record *record)
{
    char time[CLI_LOG_TIME_SIZE];

    cli_log_time(record->time_us, time);
    printf(
        " %" PRIu64 " term %" PRIu64 " %s %s", record->index, record->term, time,
        cli_log_entry_name(record->entry_kind));
    switch (record->entry_kind) {
    case COPYCAT_ENTRY_SESSION_OPEN:
        printf(" timeout %" PRIu64 "ms", record->timeout_us / 1000);
        break;
    case COPYCAT_ENTRY_SESSION_CLOSE:
    case COPYCAT_ENTRY_SESSION_EXPIRE:
        printf(" session %" PRIu64, record->session);
        break;
    case COPYCAT_ENTRY_COMMAND:
        print_command(record);
        break;
    case COPYCAT_ENTRY_REFUSAL:
        printf(" session %" PRIu64 " number %" PRIu64, record->session, record->sequence);
        break;
    case COPYCAT_ENTRY_MARK:
        printf(" digest %016" PRIx64 " at %" PRIu64, record->checksum, record->mark);
        break;
    default:
        break;
    }
}

static void print_of_image(const copycat_inspect_record *record)
{
    char time[CLI_LOG_TIME_SIZE];

    cli_log_time(record->time_us, time);
    switch (record->type) {
    case COPYCAT_RECORD_IMAGE:
        printf(" of entry %" PRIu64 " %s", record->index, time);
        break;
    case COPYCAT_RECORD_RESOURCE:
        printf(" %" PRIu64, record->instance);
        if (record->operation[0] != '\0') {
            printf(" %s", record->operation);
        } else {
            printf(" of type %u, which this tool does not know", (unsigned)record->resource_type);
        }
        printf(" version %u", (unsigned)record->version);
        break;
    case COPYCAT_RECORD_DEADLINE:
        printf(" %s resource %" PRIu64, time, record->instance);
        break;
    case COPYCAT_RECORD_SESSION:
        printf(
            " %" PRIu64 " timeout %" PRIu64 "ms newest entry %" PRIu64 " newest command #%" PRIu64,
            record->session, record->timeout_us / 1000, record->index, record->sequence);
        break;
    case COPYCAT_RECORD_ANSWER:
        printf(
            " to entry %" PRIu64 " status %d, %zu bytes", record->index, (int)record->status,
            record->value.size);
        break;
    case COPYCAT_RECORD_BLOB:
        printf(
            " resource %" PRIu64 " piece %" PRIu64 ", %zu bytes", record->instance, record->count,
            record->value.size);
        break;
    case COPYCAT_RECORD_LIVE:
        printf(
            " %" PRIu64 " of the entries %" PRIu64 " to %" PRIu64, record->count, record->first,
            record->last);
        break;
    case COPYCAT_RECORD_END:
        printf(
            " %" PRIu64 " commits in segments, digest %016" PRIx64, record->count,
            record->checksum);
        break;
    case COPYCAT_RECORD_SEGMENT:
        printf(
            " %s with %" PRIu64 " commits, %" PRIu64 " to %" PRIu64 ", %" PRIu64 " bytes",
            record->name, record->count, record->first, record->last, record->size);
        break;
    default:
        break;
    }
}

static void print_own(const copycat_inspect_record *record)
{
    switch (record->type) {
    case COPYCAT_RECORD_TABLE:
        printf(
            " server %u start %" PRIu64 " incarnation %s last %" PRIu64 " term %" PRIu64 " vote %u",
            (unsigned)record->server, record->boot, record->identity, record->index, record->term,
            (unsigned)record->vote);
        if (record->image_index != 0) {
            printf(" image %" PRIu64, record->image_index);
        }
        break;
    case COPYCAT_RECORD_BOOT:
        printf(" %" PRIu64, record->boot);
        break;
    case COPYCAT_RECORD_TRUNCATE:
        printf(" from %" PRIu64, record->index);
        break;
    case COPYCAT_RECORD_STATE:
        printf(" term %" PRIu64 " vote %u", record->term, (unsigned)record->vote);
        break;
    case COPYCAT_RECORD_BASE:
        printf(" cluster %s", record->identity);
        break;
    case COPYCAT_RECORD_SWITCH:
        printf(
            " image %" PRIu64 " term %" PRIu64 " checksum %016" PRIx64 "%s", record->image_index,
            record->term, record->checksum,
            record->is_tail_kept != 0 ? "" : ", all entries dropped");
        break;
    case COPYCAT_RECORD_GAP:
        printf(" %" PRIu64 " bytes", record->size);
        break;
    default:
        print_of_image(record);
        break;
    }
}

static void print_line(const copycat_inspect_record *record)
{
    printf("%s:%" PRIu64 " %s", record->file, record->offset, cli_log_record_name(record->type));
    if (cli_log_is_entry(record)) {
        print_entry(record);
    } else {
        print_own(record);
    }
    if (record->is_released != 0) {
        printf(" (released since)");
    }
    if (record->text[0] != '\0') {
        printf(" (%s)", record->text);
    }
    putchar('\n');
}

/* ---- the verb -------------------------------------------------------------------------------- */

/* Where a range was asked for: entries of it, and what may have held some. */
static bool is_wanted(const struct cli_arguments *arguments, const copycat_inspect_record *record)
{
    bool is_all =
        !cli_arguments_has(arguments, CLI_FLAG_FROM) && !cli_arguments_has(arguments, CLI_FLAG_TO);

    if (is_all || record->type == COPYCAT_RECORD_GAP) {
        return true;
    }
    return cli_log_is_entry(record) && record->index >= arguments->from &&
           record->index <= arguments->to;
}

static int on_record(const copycat_inspect_record *record, void *user)
{
    const struct cli_arguments *arguments = user;

    if (!is_wanted(arguments, record)) {
        return 0;
    }
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        cli_log_print_json(record);
    } else {
        print_line(record);
    }
    return ferror(stdout);
}

int cli_log_dump(const struct cli_arguments *arguments)
{
    struct cli_arguments asked = *arguments;
    copycat_message message = {""};
    int code = CLI_EXIT_YES;
    copycat_inspection *inspection;
    copycat_status status;

    if (cli_arguments_has(arguments, CLI_FLAG_FROM) && cli_arguments_has(arguments, CLI_FLAG_TO) &&
        arguments->to < arguments->from) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE, "no index is from %" PRIu64 " to %" PRIu64 ": swap them",
            arguments->from, arguments->to);
    }
    inspection = cli_log_open(arguments, &code);
    if (inspection == NULL) {
        return code;
    }
    status = copycat_inspect_records(inspection, arguments->file, on_record, &asked, &message);
    copycat_inspect_close(inspection);
    return status == COPYCAT_OK ? CLI_EXIT_YES : cli_log_fail(arguments, status, &message);
}

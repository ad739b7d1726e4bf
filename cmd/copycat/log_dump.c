/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_dump -- a line for each record of the journal.
 */
#include "escape.h"
#include "log.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A line is for the eye: of a long value there is its beginning, and its size. */
#define SHOWN_MAX 160u

static const char *const entry_names[] = {
    [COPYCAT_ENTRY_NOOP] = "noop",
    [COPYCAT_ENTRY_TICK] = "tick",
    [COPYCAT_ENTRY_SESSION_OPEN] = "session-open",
    [COPYCAT_ENTRY_SESSION_CLOSE] = "session-close",
    [COPYCAT_ENTRY_SESSION_EXPIRE] = "session-expire",
    [COPYCAT_ENTRY_COMMAND] = "command",
    [COPYCAT_ENTRY_MARK] = "mark",
    [COPYCAT_ENTRY_REFUSAL] = "refusal",
};

static const char *entry_name(uint32_t kind)
{
    bool is_known = kind < sizeof entry_names / sizeof entry_names[0] && entry_names[kind] != NULL;

    return is_known ? entry_names[kind] : "unknown";
}

static const char *type_name(uint32_t type)
{
    switch (type) {
    case COPYCAT_RECORD_TABLE:
        return "table";
    case COPYCAT_RECORD_ENTRY:
        return "entry";
    case COPYCAT_RECORD_TRUNCATE:
        return "truncate";
    case COPYCAT_RECORD_STATE:
        return "state";
    case COPYCAT_RECORD_BASE:
        return "founding";
    case COPYCAT_RECORD_REPAIR:
        return "repair";
    case COPYCAT_RECORD_SWITCH:
        return "switch";
    case COPYCAT_RECORD_GAP:
        return "unread";
    default:
        return "unknown";
    }
}

static bool is_entry(const copycat_inspect_record *record)
{
    return record->type == COPYCAT_RECORD_ENTRY || record->type == COPYCAT_RECORD_REPAIR;
}

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
        entry_name(record->entry_kind));
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
        break;
    }
}

static void print_line(const copycat_inspect_record *record)
{
    printf("%s:%" PRIu64 " %s", record->file, record->offset, type_name(record->type));
    if (is_entry(record)) {
        print_entry(record);
    } else {
        print_own(record);
    }
    if (record->text[0] != '\0') {
        printf(" (%s)", record->text);
    }
    putchar('\n');
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void set_number(json_t *object, const char *name, uint64_t number)
{
    cli_json_set(object, name, json_integer((json_int_t)number));
}

static void set_bytes(json_t *object, const char *name, copycat_bytes bytes)
{
    if (bytes.data != NULL) {
        cli_json_set_bytes(object, name, bytes);
    }
}

static void set_digest(json_t *object, const char *name, uint64_t digest)
{
    char text[24];

    snprintf(text, sizeof text, "%016" PRIx64, digest);
    cli_json_set(object, name, json_string(text));
}

static void set_entry(json_t *object, const copycat_inspect_record *record)
{
    uint32_t kind = record->entry_kind;

    cli_json_set(object, "entry", json_string(entry_name(kind)));
    set_number(object, "time_us", record->time_us);
    if (kind == COPYCAT_ENTRY_COMMAND || kind == COPYCAT_ENTRY_REFUSAL ||
        kind == COPYCAT_ENTRY_SESSION_CLOSE || kind == COPYCAT_ENTRY_SESSION_EXPIRE) {
        set_number(object, "session", record->session);
    }
    if (kind == COPYCAT_ENTRY_SESSION_OPEN) {
        set_number(object, "timeout_ms", record->timeout_us / 1000);
    }
    if (kind == COPYCAT_ENTRY_MARK) {
        set_number(object, "mark", record->mark);
        set_digest(object, "digest", record->checksum);
    }
    if (kind == COPYCAT_ENTRY_COMMAND || kind == COPYCAT_ENTRY_REFUSAL) {
        set_number(object, "sequence", record->sequence);
        set_number(object, "instance", record->instance);
    }
    if (kind == COPYCAT_ENTRY_COMMAND) {
        if (record->operation[0] != '\0') {
            cli_json_set(object, "operation", json_string(record->operation));
        }
        set_bytes(object, "path", record->path);
        set_bytes(object, "key", record->key);
        set_bytes(object, "expected", record->expected);
        set_bytes(object, "value", record->value);
    }
}

static void set_own(json_t *object, const copycat_inspect_record *record)
{
    switch (record->type) {
    case COPYCAT_RECORD_TABLE:
        set_number(object, "server", record->server);
        set_number(object, "start", record->boot);
        cli_json_set(object, "incarnation", json_string(record->identity));
        set_number(object, "vote", record->vote);
        set_number(object, "first", record->first);
        set_number(object, "image", record->image_index);
        break;
    case COPYCAT_RECORD_STATE:
        set_number(object, "vote", record->vote);
        break;
    case COPYCAT_RECORD_BASE:
        cli_json_set(object, "cluster", json_string(record->identity));
        break;
    case COPYCAT_RECORD_SWITCH:
        set_number(object, "image", record->image_index);
        set_number(object, "image_size", record->image_size);
        set_digest(object, "checksum", record->checksum);
        cli_json_set(object, "keeps_tail", json_boolean(record->is_tail_kept != 0));
        break;
    default:
        break;
    }
}

static void print_json(const copycat_inspect_record *record)
{
    json_t *object = json_object();

    cli_json_set(object, "record", json_string(type_name(record->type)));
    cli_json_set(object, "file", json_string(record->file));
    set_number(object, "offset", record->offset);
    set_number(object, "life", record->life);
    set_number(object, "batch", record->batch);
    if (record->index != 0) {
        set_number(object, "index", record->index);
    }
    if (record->term != 0) {
        set_number(object, "term", record->term);
    }
    if (record->size != 0) {
        set_number(object, "size", record->size);
    }
    if (is_entry(record)) {
        set_entry(object, record);
    } else {
        set_own(object, record);
    }
    if (record->text[0] != '\0') {
        cli_json_set(object, "text", json_string(record->text));
    }
    cli_json_print(object);
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
    return is_entry(record) && record->index >= arguments->from && record->index <= arguments->to;
}

static int on_record(const copycat_inspect_record *record, void *user)
{
    const struct cli_arguments *arguments = user;

    if (!is_wanted(arguments, record)) {
        return 0;
    }
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        print_json(record);
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
    copycat_inspection *inspection = cli_log_open(arguments, &code);
    copycat_status status;

    if (inspection == NULL) {
        return code;
    }
    status = copycat_inspect_records(inspection, arguments->file, on_record, &asked, &message);
    copycat_inspect_close(inspection);
    return status == COPYCAT_OK ? CLI_EXIT_YES : cli_log_fail(arguments, status, &message);
}

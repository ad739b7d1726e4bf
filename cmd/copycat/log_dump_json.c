/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_dump_json -- a record as an object of JSON, with all that is in it.
 */
#include "log_dump.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>

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

    cli_json_set(object, "entry", json_string(cli_log_entry_name(kind)));
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

static void set_range(json_t *object, const copycat_inspect_record *record)
{
    set_number(object, "entries", record->count);
    set_number(object, "first", record->first);
    set_number(object, "last", record->last);
}

static void set_of_image(json_t *object, const copycat_inspect_record *record)
{
    switch (record->type) {
    case COPYCAT_RECORD_IMAGE:
        set_number(object, "time_us", record->time_us);
        break;
    case COPYCAT_RECORD_RESOURCE:
        set_number(object, "instance", record->instance);
        set_number(object, "type", record->resource_type);
        set_number(object, "version", record->version);
        break;
    case COPYCAT_RECORD_DEADLINE:
        set_number(object, "instance", record->instance);
        set_number(object, "time_us", record->time_us);
        break;
    case COPYCAT_RECORD_SESSION:
        set_number(object, "session", record->session);
        set_number(object, "timeout_ms", record->timeout_us / 1000);
        set_number(object, "sequence", record->sequence);
        break;
    case COPYCAT_RECORD_ANSWER:
        cli_json_set(object, "status", json_integer(record->status));
        set_bytes(object, "value", record->value);
        break;
    case COPYCAT_RECORD_BLOB:
        set_number(object, "instance", record->instance);
        set_number(object, "piece", record->count);
        set_bytes(object, "value", record->value);
        break;
    case COPYCAT_RECORD_LIVE:
        set_range(object, record);
        break;
    case COPYCAT_RECORD_END:
        set_number(object, "entries", record->count);
        set_digest(object, "digest", record->checksum);
        break;
    case COPYCAT_RECORD_SEGMENT:
        cli_json_set(object, "segment", json_string(record->name));
        set_range(object, record);
        break;
    default:
        break;
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
    case COPYCAT_RECORD_BOOT:
        set_number(object, "start", record->boot);
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
        set_of_image(object, record);
        break;
    }
}

void cli_log_print_json(const copycat_inspect_record *record)
{
    json_t *object = json_object();

    cli_json_set(object, "record", json_string(cli_log_record_name(record->type)));
    cli_json_set(object, "file", json_string(record->file));
    set_number(object, "offset", record->offset);
    if (record->life != 0) {
        set_number(object, "life", record->life);
        set_number(object, "batch", record->batch);
    }
    if (record->index != 0) {
        set_number(object, "index", record->index);
    }
    if (record->term != 0) {
        set_number(object, "term", record->term);
    }
    if (record->size != 0) {
        set_number(object, "size", record->size);
    }
    if (cli_log_is_entry(record)) {
        set_entry(object, record);
        if (record->type == COPYCAT_RECORD_COMMIT) {
            cli_json_set(object, "released", json_boolean(record->is_released != 0));
        }
    } else {
        set_own(object, record);
    }
    if (record->text[0] != '\0') {
        cli_json_set(object, "text", json_string(record->text));
    }
    cli_json_print(object);
}

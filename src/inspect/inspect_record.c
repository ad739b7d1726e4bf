/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_record -- a record of the journal, for people: what an entry is, and what was asked of
 * which resource.
 *
 * Which type a resource has is said where it was opened.  That may be in an image, or in a file
 * that is gone: then an operation that reads as one of a map is told so, with that
 * reservation.
 */
#include "inspect/inspect.h"
#include "proto/catalog_operation.h"
#include "proto/entry.h"
#include "resource/map/map_operation.h"

#include <stdio.h>
#include <string.h>

static const char *const map_names[] = {
    [CC_MAP_PUT] = "put",         [CC_MAP_GET] = "get",
    [CC_MAP_REMOVE] = "remove",   [CC_MAP_CONTAINS] = "contains",
    [CC_MAP_SIZE] = "size",       [CC_MAP_KEYS] = "keys",
    [CC_MAP_CLEAR] = "clear",     [CC_MAP_PUT_IF_ABSENT] = "put-if-absent",
    [CC_MAP_REPLACE] = "replace", [CC_MAP_CAS] = "cas",
};

/* ---- resources ------------------------------------------------------------------------------- */

void cc_inspect_note_opened(copycat_inspection *inspection, uint64_t instance, uint32_t type)
{
    if (inspection->opened == NULL) {
        inspection->opened =
            cc_memory_try(inspection->memory, CC_INSPECT_OPENED_MAX * sizeof *inspection->opened);
    }
    if (inspection->opened != NULL) {
        uint64_t place = inspection->opened_count++ % CC_INSPECT_OPENED_MAX;

        inspection->opened[place] = (struct cc_inspect_opened){instance, type};
    }
}

/* 0: not known. */
static uint32_t type_of(const copycat_inspection *inspection, uint64_t instance)
{
    uint64_t count = inspection->opened_count;

    for (uint64_t i = 0; i < count && i < CC_INSPECT_OPENED_MAX; i++) {
        if (inspection->opened[i].instance == instance) {
            return inspection->opened[i].type;
        }
    }
    return 0;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void describe_catalog(
    copycat_inspection *inspection, copycat_bytes bytes, copycat_inspect_record *out)
{
    struct cc_catalog_operation operation;

    if (cc_catalog_operation_decode(bytes, &operation) != COPYCAT_OK) {
        return;
    }
    out->operation = operation.code == CC_CATALOG_OPEN ? "open" : "lookup";
    out->path = operation.path;
    if (operation.code == CC_CATALOG_OPEN) {
        cc_inspect_note_opened(inspection, out->index, operation.type);
    }
}

static void describe_map(uint32_t type, copycat_bytes bytes, copycat_inspect_record *out)
{
    struct cc_map_operation operation;

    if ((type != 0 && type != CC_MAP_TYPE_ID) ||
        cc_map_operation_decode(bytes, &operation) != COPYCAT_OK) {
        return;
    }
    out->operation = map_names[operation.code];
    out->text =
        type == 0 ? "read as one of a map: where it was opened is not in the directory" : "";
    out->key = operation.key;
    out->value = operation.value;
    out->expected = operation.expected;
}

static bool describe_command(
    copycat_inspection *inspection, copycat_bytes payload, copycat_inspect_record *out)
{
    struct cc_command command;

    if (!cc_command_decode(payload, &command)) {
        return false;
    }
    out->session = command.session;
    out->sequence = command.sequence;
    out->instance = command.instance;
    if (command.instance == CC_CATALOG_INSTANCE) {
        describe_catalog(inspection, command.operation, out);
    } else {
        describe_map(type_of(inspection, command.instance), command.operation, out);
    }
    return true;
}

/* Of a command that was answered QUOTA, nothing else is kept. */
static bool describe_refusal(copycat_bytes payload, copycat_inspect_record *out)
{
    struct cc_command command;

    if (!cc_command_decode(payload, &command)) {
        return false;
    }
    out->session = command.session;
    out->sequence = command.sequence;
    out->instance = command.instance;
    return true;
}

/* ---- entries --------------------------------------------------------------------------------- */

static bool describe_payload(
    copycat_inspection *inspection, const struct cc_entry *entry, copycat_inspect_record *out)
{
    struct cc_session_open open;
    struct cc_session_close close;
    struct cc_session_expire expire;
    struct cc_mark mark;

    switch (entry->kind) {
    case CC_ENTRY_SESSION_OPEN:
        if (!cc_session_open_decode(entry->payload, &open)) {
            return false;
        }
        out->timeout_us = open.timeout_us;
        return true;
    case CC_ENTRY_SESSION_CLOSE:
        if (!cc_session_close_decode(entry->payload, &close)) {
            return false;
        }
        out->session = close.session;
        return true;
    case CC_ENTRY_SESSION_EXPIRE:
        if (!cc_session_expire_decode(entry->payload, &expire)) {
            return false;
        }
        out->session = expire.session;
        return true;
    case CC_ENTRY_COMMAND:
        return describe_command(inspection, entry->payload, out);
    case CC_ENTRY_REFUSAL:
        return describe_refusal(entry->payload, out);
    case CC_ENTRY_MARK:
        if (!cc_mark_decode(entry->payload, &mark)) {
            return false;
        }
        out->mark = mark.index;
        out->checksum = mark.digest;
        return true;
    default:
        return true;
    }
}

bool cc_inspect_describe_entry(
    copycat_inspection *inspection, copycat_bytes payload, copycat_inspect_record *out)
{
    struct cc_entry entry;
    uint32_t size;

    if (cc_entry_decode(payload, &entry, &size) != COPYCAT_OK) {
        return false;
    }
    out->size = size;
    out->index = entry.index;
    out->term = entry.term;
    out->time_us = entry.time_us;
    out->group = entry.group;
    out->entry_kind = entry.kind;
    out->payload = entry.payload;
    return describe_payload(inspection, &entry, out);
}

/* ---- the journal's own ----------------------------------------------------------------------- */

static void write_hexadecimal(char *text, size_t room, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && 2 * i + 2 < room; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void describe_image(const struct cc_journal_base *image, copycat_inspect_record *out)
{
    out->image_index = image->index;
    out->image_size = image->size;
    out->checksum = image->checksum;
}

static bool describe_table(copycat_bytes payload, copycat_inspect_record *out)
{
    struct cc_journal_table table;

    if (!cc_table_record_decode(payload, &table)) {
        return false;
    }
    out->server = table.server;
    out->boot = table.boot;
    write_hexadecimal(out->identity, sizeof out->identity, table.incarnation, CC_INCARNATION_SIZE);
    if (table.group_count > 0) {
        out->term = table.groups[0].term;
        out->vote = table.groups[0].vote;
        out->index = table.groups[0].last;
        out->first = table.groups[0].first;
        describe_image(&table.groups[0].base, out);
    }
    return true;
}

static bool describe_own(const struct cc_record *record, copycat_inspect_record *out)
{
    struct cc_truncate_record truncate;
    struct cc_switch_record switched;
    struct cc_state_record state;
    struct cc_base base;

    switch (record->type) {
    case CC_RECORD_TABLE:
        return describe_table(record->payload, out);
    case CC_RECORD_TRUNCATE:
        if (!cc_truncate_record_decode(record->payload, &truncate)) {
            return false;
        }
        out->group = truncate.group;
        out->index = truncate.from;
        return true;
    case CC_RECORD_STATE:
        if (!cc_state_record_decode(record->payload, &state)) {
            return false;
        }
        out->group = state.group;
        out->term = state.term;
        out->vote = state.vote;
        return true;
    case CC_RECORD_BASE:
        if (!cc_base_record_decode(record->payload, &base)) {
            return false;
        }
        write_hexadecimal(out->identity, sizeof out->identity, base.cluster_id, CC_CLUSTER_ID_SIZE);
        return true;
    case CC_RECORD_SWITCH:
        if (!cc_switch_record_decode(record->payload, &switched)) {
            return false;
        }
        out->group = switched.group;
        out->term = switched.image.term;
        out->time_us = switched.image.time_us;
        out->is_tail_kept = switched.keep_tail;
        describe_image(&switched.image, out);
        return true;
    case CC_RECORD_BOOT:
        return cc_boot_record_decode(record->payload, &out->boot);
    default:
        return false;
    }
}

void cc_inspect_describe(
    copycat_inspection *inspection,
    const struct cc_inspect_batch *batch,
    const struct cc_record *record,
    copycat_inspect_record *out)
{
    bool is_entry = record->type == CC_RECORD_ENTRY || record->type == CC_RECORD_REPAIR;

    *out = (copycat_inspect_record){
        .file = batch->part->name,
        .operation = "",
        .text = "",
        .payload = record->payload,
        .offset = batch->offset,
        .life = batch->header->life,
        .batch = batch->header->number,
        .type = record->type,
    };
    if (is_entry ? !cc_inspect_describe_entry(inspection, record->payload, out)
                 : !describe_own(record, out)) {
        out->text = CC_INSPECT_NO_SENSE;
    }
}

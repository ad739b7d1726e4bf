/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_dump_names -- what records and entries are called.
 */
#include "log_dump.h"

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

const char *cli_log_entry_name(uint32_t kind)
{
    bool is_known = kind < sizeof entry_names / sizeof entry_names[0] && entry_names[kind] != NULL;

    return is_known ? entry_names[kind] : "unknown";
}

const char *cli_log_record_name(uint32_t type)
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
    case COPYCAT_RECORD_BOOT:
        return "start";
    case COPYCAT_RECORD_GAP:
        return "unread";
    case COPYCAT_RECORD_IMAGE:
        return "image";
    case COPYCAT_RECORD_RESOURCE:
        return "resource";
    case COPYCAT_RECORD_DEADLINE:
        return "deadline";
    case COPYCAT_RECORD_SESSION:
        return "session";
    case COPYCAT_RECORD_ANSWER:
        return "answer";
    case COPYCAT_RECORD_BLOB:
        return "blob";
    case COPYCAT_RECORD_LIVE:
        return "live";
    case COPYCAT_RECORD_END:
        return "end";
    case COPYCAT_RECORD_SEGMENT:
        return "needs";
    case COPYCAT_RECORD_COMMIT:
        return "commit";
    default:
        return "unknown";
    }
}

bool cli_log_is_entry(const copycat_inspect_record *record)
{
    return record->type == COPYCAT_RECORD_ENTRY || record->type == COPYCAT_RECORD_REPAIR ||
           record->type == COPYCAT_RECORD_COMMIT;
}

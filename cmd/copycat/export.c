/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export -- see export.h.
 *
 * Keys come by pages; the values of a page by many reads at a time, which answer in the order in
 * which they were made.
 */
#include "export.h"

#include "connection.h"
#include "failure.h"
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX 64u

/* A session may end under way, say because its servers were away; not again and again. */
#define RENEWALS_MAX 10u

struct entry {
    char *key;
    char *value;
    size_t key_size;
    size_t value_size;
};

struct export
{
    const struct cli_arguments *arguments;
    struct cli_connection connection;
    copycat_call_options options;
    FILE *file;
    struct entry *entries; /* held back, to be sorted */
    size_t entry_count;
    size_t entry_room;
    uint64_t count; /* of lines */
    uint32_t renewals;
    bool is_sorted;
};

/* ---- lines ------------------------------------------------------------------------------------ */

static void write_line(struct export *export, copycat_bytes key, copycat_bytes value)
{
    cli_print_bytes(export->file, key);
    fputc('\t', export->file);
    cli_print_bytes(export->file, value);
    fputc('\n', export->file);
}

static char *copy(copycat_bytes bytes)
{
    char *made = cli_take_memory(bytes.size);

    if (bytes.size > 0) {
        memcpy(made, bytes.data, bytes.size);
    }
    return made;
}

static void hold_back(struct export *export, copycat_bytes key, copycat_bytes value)
{
    if (export->entry_count == export->entry_room) {
        size_t room = export->entry_room == 0 ? 1024 : export->entry_room * 2;
        struct entry *larger = cli_take_memory(room * sizeof *larger);

        if (export->entry_count > 0) {
            memcpy(larger, export->entries, export->entry_count * sizeof *larger);
        }
        free(export->entries);
        export->entries = larger;
        export->entry_room = room;
    }
    export->entries[export->entry_count++] = (struct entry){
        .key = copy(key), .value = copy(value), .key_size = key.size, .value_size = value.size};
}

static void take_entry(struct export *export, copycat_bytes key, const copycat_value *value)
{
    if (copycat_value_is_absent(value) != 0) {
        return; /* removed since its key was read */
    }
    export->count++;
    if (export->is_sorted) {
        hold_back(export, key, copycat_value_bytes(value));
    } else {
        write_line(export, key, copycat_value_bytes(value));
    }
}

static int compare(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    size_t least = a->key_size < b->key_size ? a->key_size : b->key_size;
    int order = memcmp(a->key, b->key, least);

    return order != 0 ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

static void write_sorted(struct export *export)
{
    if (export->entry_count > 0) {
        qsort(export->entries, export->entry_count, sizeof *export->entries, compare);
    }
    for (size_t i = 0; i < export->entry_count; i++) {
        const struct entry *entry = &export->entries[i];

        write_line(
            export, (copycat_bytes){entry->key, entry->key_size},
            (copycat_bytes){entry->value, entry->value_size});
    }
}

static void forget_entries(struct export *export)
{
    for (size_t i = 0; i < export->entry_count; i++) {
        free(export->entries[i].key);
        free(export->entries[i].value);
    }
    free(export->entries);
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* The values of the keys from `*place` on, until one fails; then nothing is on its way. */
static copycat_status take_values(struct export *export, const copycat_value *page, uint32_t *place)
{
    uint32_t count = copycat_value_count(page);
    uint32_t asked = *place;
    uint32_t on_way = 0;
    copycat_status failure = COPYCAT_OK;

    while (on_way > 0 || (failure == COPYCAT_OK && *place < count)) {
        copycat_completion completion;

        if (failure == COPYCAT_OK && asked < count && on_way < WINDOW_MAX) {
            failure = copycat_future_into(
                copycat_map_get(
                    export->connection.map, copycat_value_at(page, asked), &export->options),
                export->connection.queue, asked);
            asked += failure == COPYCAT_OK;
            on_way += failure == COPYCAT_OK;
            continue;
        }
        cli_connection_next(&export->connection, &completion);
        on_way--;
        if (completion.status != COPYCAT_OK) {
            failure = failure == COPYCAT_OK ? completion.status : failure;
        } else if (failure == COPYCAT_OK && completion.tag == *place) {
            take_entry(export, copycat_value_at(page, *place), completion.value);
            (*place)++;
        }
        copycat_value_free(completion.value);
    }
    return failure;
}

/* After a failure: true if it is worth trying on, in a new session. */
static bool may_go_on(struct export *export, copycat_status status)
{
    return copycat_status_class(status) == COPYCAT_CLASS_FINISHED &&
           export->renewals++ < RENEWALS_MAX &&
           cli_connection_renew(&export->connection) == CLI_EXIT_YES;
}

static copycat_status take_page(struct export *export, const copycat_value *page)
{
    uint32_t place = 0;
    copycat_status status;

    do {
        status = take_values(export, page, &place);
    } while (status != COPYCAT_OK && may_go_on(export, status));
    return status;
}

/* The page behind `after`; the caller frees it. */
static copycat_status ask_page(struct export *export, copycat_bytes after, copycat_value **page_out)
{
    copycat_completion completion;
    copycat_status status;

    do {
        status = copycat_future_into(
            copycat_map_keys(export->connection.map, after, 0, &export->options),
            export->connection.queue, 0);
        if (status == COPYCAT_OK) {
            cli_connection_next(&export->connection, &completion);
            status = completion.status;
            *page_out = completion.value;
        }
    } while (status != COPYCAT_OK && may_go_on(export, status));
    return status;
}

static copycat_status take_all(struct export *export)
{
    copycat_value *page = NULL;
    copycat_status status = ask_page(export, (copycat_bytes){NULL, 0}, &page);

    while (status == COPYCAT_OK && !ferror(export->file)) {
        uint32_t count = copycat_value_count(page);
        copycat_value *next = NULL;

        status = take_page(export, page);
        if (status != COPYCAT_OK || count == 0 || copycat_value_is_more(page) == 0) {
            break;
        }
        status = ask_page(export, copycat_value_at(page, count - 1), &next);
        copycat_value_free(page);
        page = next;
    }
    copycat_value_free(page);
    return status;
}

/* ---- beginning and end ------------------------------------------------------------------------ */

static int open_output(struct export *export, const char *name)
{
    export->file = strcmp(name, "-") == 0 ? stdout : fopen(name, "w");
    if (export->file == NULL) {
        return cli_fail_with(
            export->arguments, CLI_EXIT_USAGE, "%s cannot be written: %s", name, strerror(errno));
    }
    return CLI_EXIT_YES;
}

/* True if all of it is where it should be. */
static bool close_output(struct export *export)
{
    bool is_good = fflush(export->file) == 0 && !ferror(export->file);

    return (export->file == stdout || fclose(export->file) == 0) && is_good;
}

static void tell(const struct export *export, const char *name)
{
    if (export->file == stdout) {
        return; /* that is where the lines are */
    }
    if (cli_arguments_has(export->arguments, CLI_FLAG_JSON)) {
        json_t *object = json_object();

        cli_json_set(object, "lines", json_integer((json_int_t) export->count));
        cli_json_print(object);
    } else {
        printf(
            "exported %" PRIu64 " line%s to %s\n", export->count, export->count == 1 ? "" : "s",
            name);
    }
}

static int finish(struct export *export, copycat_status status, const char *name)
{
    if (status == COPYCAT_OK && export->is_sorted) {
        write_sorted(export);
    }
    if (!close_output(export)) {
        return cli_fail_with(
            export->arguments, CLI_EXIT_RETRY,
            "%s is incomplete, writing failed: %s; make room and try again", name, strerror(errno));
    }
    if (status != COPYCAT_OK) {
        (void)cli_fail_with(
            export->arguments, 0, "incomplete: only %" PRIu64 " line%s read", export->count,
            export->count == 1 ? " was" : "s were");
        return cli_fail(export->arguments, status);
    }
    tell(export, name);
    return CLI_EXIT_YES;
}

int cli_export(const struct cli_arguments *arguments)
{
    const char *name = arguments->operand_count > 1 ? arguments->operands[1] : "-";
    struct export export = {
        .arguments = arguments, .is_sorted = cli_arguments_has(arguments, CLI_FLAG_SORT)};
    int code;

    if (strcmp(name, "-") == 0 && cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE,
            "--json tells how many lines a FILE got; to standard output go the lines themselves");
    }
    code = cli_connection_open(&export.connection, arguments);
    if (code != CLI_EXIT_YES) {
        return code;
    }
    export.options = cli_connection_options(&export.connection);
    code = open_output(&export, name);
    if (code == CLI_EXIT_YES) {
        code = finish(&export, take_all(&export), name);
    }
    forget_entries(&export);
    cli_connection_close(&export.connection);
    return code;
}

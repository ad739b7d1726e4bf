/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- see log.h: what its verbs share, and the list of files.
 */
#include "log.h"

#include "failure.h"
#include "output.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int exit_of(copycat_status status)
{
    switch (status) {
    case COPYCAT_ERR_LOCKED:
    case COPYCAT_ERR_IO:
    case COPYCAT_ERR_BUSY:
    case COPYCAT_ERR_MEMORY:
        return CLI_EXIT_RETRY;
    default:
        return CLI_EXIT_USAGE;
    }
}

int cli_log_fail(
    const struct cli_arguments *arguments, copycat_status status, const copycat_message *message)
{
    return cli_fail_with(
        arguments, exit_of(status), "%s",
        message->text[0] == '\0' ? copycat_status_text(status) : message->text);
}

copycat_inspection *cli_log_open(const struct cli_arguments *arguments, int *code_out)
{
    copycat_inspection *inspection = NULL;
    copycat_message message = {""};
    copycat_status status = copycat_inspect_open(&inspection, arguments->operands[0], &message);

    if (status != COPYCAT_OK) {
        *code_out = cli_log_fail(arguments, status, &message);
        return NULL;
    }
    return inspection;
}

void cli_log_time(uint64_t time_us, char text_out[CLI_LOG_TIME_SIZE])
{
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm broken_down;
    char day[32] = "";

    if (gmtime_r(&seconds, &broken_down) != NULL) {
        (void)strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &broken_down);
    }
    snprintf(text_out, CLI_LOG_TIME_SIZE, "%s.%06uZ", day, (unsigned)(time_us % 1000000));
}

/* ---- ls -------------------------------------------------------------------------------------- */

struct listing {
    json_t *files; /* NULL: a table is printed */
    uint64_t file_count;
    uint64_t size;
};

static const char *state_name(const copycat_inspect_file *file)
{
    switch (file->state) {
    case COPYCAT_FILE_USED:
        return "used";
    case COPYCAT_FILE_SPARE:
        return "spare";
    case COPYCAT_FILE_UNFINISHED:
        return "unfinished";
    case COPYCAT_FILE_STRAY:
        return "stray";
    case COPYCAT_FILE_NEWER:
        return "newer";
    case COPYCAT_FILE_GIVEN_UP:
        return "given up";
    case COPYCAT_FILE_MISSING:
        return "missing";
    case COPYCAT_FILE_UNJUDGED:
        return "unjudged";
    default:
        return "damaged";
    }
}

#define SIZE_TEXT 64u

/* For the eye: exact where that is short, else with one digit behind the point. */
static void write_size(uint64_t size, char text_out[SIZE_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    uint64_t unit = 1;
    size_t name = 0;

    while (size / unit >= 1024 && name + 1 < sizeof units / sizeof units[0]) {
        unit *= 1024;
        name++;
    }
    if (size % unit == 0) {
        snprintf(text_out, SIZE_TEXT, "%" PRIu64 "%s", size / unit, units[name]);
    } else {
        snprintf(
            text_out, SIZE_TEXT, "%" PRIu64 ".%" PRIu64 "%s", size / unit,
            size % unit / (unit / 10 + 1), units[name]);
    }
}

/* What an image needs, and who needs a segment, of which only what lives is wanted. */
static void write_needs(
    const copycat_inspect_file *file, const char *state, char *text_out, size_t text_size)
{
    bool is_image = file->kind == COPYCAT_FILE_IMAGE;
    bool is_read = file->state != COPYCAT_FILE_MISSING && file->state != COPYCAT_FILE_DAMAGED;

    if (is_image && file->segment_count > 0) {
        snprintf(
            text_out, text_size, "%s; needs %u segment%s", state, (unsigned)file->segment_count,
            file->segment_count == 1 ? "" : "s");
    } else if (!is_image && file->image_count > 0) {
        snprintf(
            text_out, text_size,
            "%s; image %" PRIu64 " needs it: %s%" PRIu64 " of %" PRIu64 " live", state,
            file->image_index, is_read ? "" : "up to ", file->live_count, file->entry_count);
    } else {
        snprintf(text_out, text_size, "%s", state);
    }
}

/* For people; JSON has the words alone. */
static void write_state(const copycat_inspect_file *file, char *text_out, size_t text_size)
{
    char size[SIZE_TEXT];
    char damage[256];

    switch (file->state) {
    case COPYCAT_FILE_SPARE:
        snprintf(text_out, text_size, "spare: holds nothing yet");
        break;
    case COPYCAT_FILE_UNFINISHED:
        snprintf(text_out, text_size, "unfinished: a start clears it away");
        break;
    case COPYCAT_FILE_STRAY:
        snprintf(text_out, text_size, "stray: nothing stands on it, a start removes it");
        break;
    case COPYCAT_FILE_MISSING:
        write_needs(file, "missing", text_out, text_size);
        break;
    case COPYCAT_FILE_UNJUDGED:
        snprintf(text_out, text_size, "unjudged: what says who needs it does not read");
        break;
    case COPYCAT_FILE_NEWER:
        snprintf(text_out, text_size, "newer: this version cannot read all of it");
        break;
    case COPYCAT_FILE_GIVEN_UP:
        snprintf(text_out, text_size, "given up: an image covers it, it is used again");
        break;
    case COPYCAT_FILE_DAMAGED:
        write_size(file->unread_bytes, size);
        snprintf(
            damage, sizeof damage,
            file->text[0] != '\0'     ? "damaged: %s"
            : file->unread_bytes == 0 ? "damaged"
                                      : "damaged: %s do not read",
            file->text[0] != '\0' ? file->text : size);
        write_needs(file, damage, text_out, text_size);
        break;
    default:
        write_needs(file, "used", text_out, text_size);
        break;
    }
}

static const char *kind_name(const copycat_inspect_file *file)
{
    switch (file->kind) {
    case COPYCAT_FILE_IMAGE:
        return "image";
    case COPYCAT_FILE_SEGMENT:
        return "segment";
    default:
        return "journal";
    }
}

static void print_row(const copycat_inspect_file *file)
{
    char indexes[48] = "-";
    char entries[24] = "-";
    char term[24] = "-";
    char size[SIZE_TEXT];
    char state[384];

    if (file->kind == COPYCAT_FILE_IMAGE) {
        snprintf(indexes, sizeof indexes, "%" PRIu64, file->last_index);
    } else if (file->life != 0 || file->entry_count > 0) {
        snprintf(entries, sizeof entries, "%" PRIu64, file->entry_count);
    }
    if (file->entry_count > 0) {
        snprintf(
            indexes, sizeof indexes, "%" PRIu64 "-%" PRIu64, file->first_index, file->last_index);
    }
    if (file->term > 0) {
        snprintf(term, sizeof term, "%" PRIu64, file->term);
    }
    write_size(file->size, size);
    write_state(file, state, sizeof state);
    printf(
        "%-50s  %-7s  %8s  %-17s  %6s  %8s  %s\n", file->name, kind_name(file), entries, indexes,
        term, size, state);
}

static json_t *json_of(const copycat_inspect_file *file)
{
    json_t *object = json_object();

    cli_json_set(object, "file", json_string(file->name));
    cli_json_set(object, "kind", json_string(kind_name(file)));
    cli_json_set(object, "state", json_string(state_name(file)));
    cli_json_set(object, "size", json_integer((json_int_t)file->size));
    if (file->kind == COPYCAT_FILE_IMAGE) {
        cli_json_set(object, "group", json_integer(file->group));
        cli_json_set(object, "index", json_integer((json_int_t)file->last_index));
        cli_json_set(object, "live", json_integer((json_int_t)file->live_count));
        cli_json_set(object, "segments", json_integer(file->segment_count));
    } else if (file->kind == COPYCAT_FILE_SEGMENT) {
        cli_json_set(object, "group", json_integer(file->group));
        cli_json_set(object, "entries", json_integer((json_int_t)file->entry_count));
        cli_json_set(object, "live", json_integer((json_int_t)file->live_count));
        cli_json_set(object, "first", json_integer((json_int_t)file->first_index));
        cli_json_set(object, "last", json_integer((json_int_t)file->last_index));
        cli_json_set(object, "images", json_integer(file->image_count));
        cli_json_set(object, "image", json_integer((json_int_t)file->image_index));
    } else {
        cli_json_set(object, "life", json_integer(file->life));
        cli_json_set(object, "batches", json_integer((json_int_t)file->batch_count));
        cli_json_set(object, "entries", json_integer((json_int_t)file->entry_count));
        cli_json_set(object, "first", json_integer((json_int_t)file->first_index));
        cli_json_set(object, "last", json_integer((json_int_t)file->last_index));
        cli_json_set(object, "unread_bytes", json_integer((json_int_t)file->unread_bytes));
    }
    cli_json_set(object, "term", json_integer((json_int_t)file->term));
    cli_json_set(object, "time_us", json_integer((json_int_t)file->time_us));
    if (file->text[0] != '\0') {
        cli_json_set(object, "text", json_string(file->text));
    }
    return object;
}

static int on_file(const copycat_inspect_file *file, void *user)
{
    struct listing *listing = user;

    if (listing->files != NULL) {
        (void)json_array_append_new(listing->files, json_of(file));
    } else {
        print_row(file);
    }
    listing->file_count += file->state != COPYCAT_FILE_MISSING;
    listing->size += file->size;
    return 0;
}

static void print_sums(const struct cli_arguments *arguments, const struct listing *listing)
{
    char size[SIZE_TEXT];

    if (listing->files != NULL) {
        json_t *object = json_object();

        cli_json_set(object, "directory", json_string(arguments->operands[0]));
        cli_json_set(object, "size", json_integer((json_int_t)listing->size));
        cli_json_set(object, "files", listing->files);
        cli_json_print(object);
        return;
    }
    write_size(listing->size, size);
    printf(
        "%" PRIu64 " file%s, %s; `copycat log verify` tells whether they are sound\n",
        listing->file_count, listing->file_count == 1 ? "" : "s", size);
}

int cli_log_ls(const struct cli_arguments *arguments)
{
    bool is_json = cli_arguments_has(arguments, CLI_FLAG_JSON);
    struct listing listing = {.files = is_json ? json_array() : NULL};
    copycat_message message = {""};
    int code = CLI_EXIT_YES;
    copycat_inspection *inspection = cli_log_open(arguments, &code);

    if (inspection == NULL) {
        json_decref(listing.files);
        return code;
    }
    if (!is_json) {
        printf(
            "%-50s  %-7s  %8s  %-17s  %6s  %8s  %s\n", "FILE", "KIND", "ENTRIES", "INDEXES", "TERM",
            "SIZE", "STATE");
    }

    copycat_status status = copycat_inspect_files(inspection, on_file, &listing, &message);

    copycat_inspect_close(inspection);
    if (status != COPYCAT_OK) {
        json_decref(listing.files);
        return cli_log_fail(arguments, status, &message);
    }
    print_sums(arguments, &listing);
    return CLI_EXIT_YES;
}

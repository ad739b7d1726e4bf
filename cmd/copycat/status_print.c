/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_print -- see status_print.h.
 */
#include "status_print.h"

#include "output.h"
#include "status_scrub.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define COLUMNS 11u
#define CELL_SIZE 272u
#define TEXT_SIZE 640u

enum column {
    ID,
    ADDRESS,
    ROLE,
    STATE,
    TERM,
    COMMIT,
    APPLIED,
    LAG,
    DIGEST,
    DISK,
    CONNECTIONS
};

struct row {
    char cells[COLUMNS][CELL_SIZE];
    char notice[TEXT_SIZE]; /* stands below the table, for it may be long */
};

static const char *const heads[COLUMNS] = {
    "ID",      "ADDRESS", "ROLE",   "STATE", "TERM",        "COMMIT",
    "APPLIED", "LAG",     "DIGEST", "DISK",  "CONNECTIONS",
};

/* ---- what both forms tell --------------------------------------------------------------------- */

/* The id that others know a silent member by; 0: nobody does. */
static uint32_t id_of(const struct cli_standings *standings, const char *address)
{
    for (uint32_t i = 0; i < standings->count; i++) {
        const copycat_probe *probe = &standings->at[i].probe;

        for (uint32_t j = 0; standings->at[i].status == COPYCAT_OK && j < probe->member_count;
             j++) {
            if (strcmp(probe->members[j].address, address) == 0) {
                return probe->members[j].id;
            }
        }
    }
    return 0;
}

/* What a server has to say, or what is to be said of it; without what would move the cursor. */
static void write_notice(const struct cli_standing *standing, char *text_out, size_t text_size)
{
    const copycat_probe *probe = &standing->probe;

    text_out[0] = '\0';
    if (standing->status == COPYCAT_OK && probe->notice[0] != '\0') {
        snprintf(text_out, text_size, "%s", probe->notice);
    } else if (
        standing->status != COPYCAT_OK || probe->state != COPYCAT_SERVER_MEMBER ||
        probe->leader == 0) {
        cli_standing_describe(standing, text_out, text_size);
    }
    for (; *text_out != '\0'; text_out++) {
        if ((unsigned char)*text_out < 0x20 || *text_out == 0x7f) {
            *text_out = '?';
        }
    }
}

/* ---- the table -------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void set_cell(
    struct row *row, enum column column, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(row->cells[column], CELL_SIZE, format, values);
    va_end(values);
}

static void fill_answer(
    struct row *row, const struct cli_standing *standing, const struct cli_summary *summary)
{
    const copycat_probe *probe = &standing->probe;
    uint64_t lag;

    set_cell(row, ID, "%u", (unsigned)probe->id);
    set_cell(row, STATE, "%s", cli_state_name(probe->state));
    set_cell(row, TERM, "%" PRIu64, probe->term);
    set_cell(row, COMMIT, "%" PRIu64, probe->commit);
    set_cell(row, APPLIED, "%" PRIu64, probe->applied);
    set_cell(row, CONNECTIONS, "%" PRIu64, probe->connections);
    if (probe->state == COPYCAT_SERVER_MEMBER) {
        set_cell(row, ROLE, "%s", cli_role_name(probe->role));
        set_cell(row, DIGEST, "%016" PRIx64, probe->digest);
        set_cell(row, DISK, "%" PRIu64 " MiB", probe->disk_bytes >> 20);
    }
    if (probe->state == COPYCAT_SERVER_MEMBER && cli_status_lag(summary, probe->id, &lag)) {
        set_cell(row, LAG, "%" PRIu64, lag);
    }
}

static void fill_row(
    struct row *row,
    const struct cli_standings *standings,
    uint32_t place,
    const struct cli_summary *summary)
{
    const struct cli_standing *standing = &standings->at[place];
    uint32_t id = id_of(standings, standing->address);

    for (uint32_t i = 0; i < COLUMNS; i++) {
        set_cell(row, (enum column)i, "-");
    }
    if (id != 0) {
        set_cell(row, ID, "%u", (unsigned)id);
    }
    set_cell(row, ADDRESS, "%s", standing->address);
    if (standing->status == COPYCAT_OK) {
        fill_answer(row, standing, summary);
    } else {
        set_cell(row, STATE, "no answer");
    }
    write_notice(standing, row->notice, sizeof row->notice);
}

static void print_row(FILE *file, const struct row *row, const int *widths)
{
    for (uint32_t i = 0; i < COLUMNS; i++) {
        bool is_last = i + 1 == COLUMNS;

        fprintf(file, "%-*s%s", is_last ? 0 : widths[i], row->cells[i], is_last ? "\n" : "  ");
    }
}

static void print_rows(
    FILE *file, const struct cli_standings *standings, const struct cli_summary *summary)
{
    static struct row rows[CLI_STANDINGS_MAX + 1];
    int widths[COLUMNS] = {0};
    uint32_t count = standings->count + 1;

    for (uint32_t i = 0; i < COLUMNS; i++) {
        set_cell(&rows[0], (enum column)i, "%s", heads[i]);
    }
    for (uint32_t i = 0; i < standings->count; i++) {
        fill_row(&rows[i + 1], standings, i, summary);
    }
    for (uint32_t i = 0; i < count * COLUMNS; i++) {
        int width = (int)strlen(rows[i / COLUMNS].cells[i % COLUMNS]);

        widths[i % COLUMNS] = width > widths[i % COLUMNS] ? width : widths[i % COLUMNS];
    }
    for (uint32_t i = 0; i < count; i++) {
        print_row(file, &rows[i], widths);
    }
    for (uint32_t i = 1; i < count; i++) {
        if (rows[i].notice[0] != '\0') {
            fprintf(file, "%s: %s\n", rows[i].cells[ADDRESS], rows[i].notice);
        }
    }
}

static void print_verdict(FILE *file, const struct cli_summary *summary)
{
    if (summary->differs) {
        fprintf(
            file,
            "DIGESTS DIFFER: members that stand at the same index hold different states. Stop "
            "writing, keep all data directories, and report it.\n");
    } else if (summary->digest_count > 0) {
        fprintf(
            file, "digests agree at index %" PRIu64 " (%u members)\n", summary->digest_index,
            (unsigned)summary->digest_count);
    } else if (summary->answer_count > 1) {
        fprintf(file, "digests: no two members were seen at the same index; ask again\n");
    }
    if (summary->is_mixed) {
        fprintf(file, "these servers belong to more than one cluster; name those of one\n");
    }
    if (summary->leader != NULL) {
        fprintf(
            file, "leader: member %u in term %" PRIu64 "; ", (unsigned)summary->leader->id,
            summary->leader->term);
    } else {
        fprintf(file, "no leader; ");
    }
    if (summary->voter_count == 0) {
        fprintf(file, "nobody answers: start the servers, or name others with --servers\n");
    } else {
        fprintf(
            file, "%u of %u voters answer%s\n", (unsigned)summary->answer_count,
            (unsigned)summary->voter_count,
            summary->answer_count * 2 > summary->voter_count
                ? ""
                : ": too few to go on; start the others");
    }
}

void cli_status_print_table(
    FILE *file, const struct cli_standings *standings, const struct cli_summary *summary)
{
    print_rows(file, standings, summary);
    print_verdict(file, summary);
    cli_scrub_print(file, standings);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void set_answer(
    json_t *object, const struct cli_standing *standing, const struct cli_summary *summary)
{
    const copycat_probe *probe = &standing->probe;
    char digest[20];
    uint64_t lag;

    snprintf(digest, sizeof digest, "%016" PRIx64, probe->digest);
    cli_json_set(object, "id", number(probe->id));
    cli_json_set(object, "cluster", json_string(probe->cluster));
    cli_json_set(object, "role", json_string(cli_role_name(probe->role)));
    cli_json_set(object, "state", json_string(cli_state_name(probe->state)));
    cli_json_set(object, "leader", probe->leader == 0 ? json_null() : number(probe->leader));
    cli_json_set(object, "term", number(probe->term));
    cli_json_set(object, "commit", number(probe->commit));
    cli_json_set(object, "applied", number(probe->applied));
    cli_json_set(object, "last", number(probe->last));
    cli_json_set(
        object, "lag", cli_status_lag(summary, probe->id, &lag) ? number(lag) : json_null());
    cli_json_set(object, "digest", json_string(digest));
    cli_json_set(object, "connections", number(probe->connections));
    cli_json_set(object, "sessions", number(probe->sessions));
    cli_json_set(object, "image", number(probe->image_index));
    cli_json_set(object, "disk_bytes", number(probe->disk_bytes));
    cli_json_set(object, "scrub", cli_scrub_as_json(&probe->scrub));
}

static json_t *member_as_json(
    const struct cli_standings *standings, uint32_t place, const struct cli_summary *summary)
{
    const struct cli_standing *standing = &standings->at[place];
    uint32_t id = id_of(standings, standing->address);
    char notice[TEXT_SIZE];
    json_t *object = json_object();

    write_notice(standing, notice, sizeof notice);
    cli_json_set(object, "address", json_string(standing->address));
    cli_json_set(object, "answers", json_boolean(standing->status == COPYCAT_OK));
    if (standing->status == COPYCAT_OK) {
        set_answer(object, standing, summary);
    } else if (id != 0) {
        cli_json_set(object, "id", number(id));
    }
    cli_json_set_bytes(object, "notice", copycat_str(notice));
    return object;
}

void cli_status_print_json(const struct cli_standings *standings, const struct cli_summary *summary)
{
    json_t *object = json_object();
    json_t *members = json_array();

    for (uint32_t i = 0; i < standings->count; i++) {
        (void)json_array_append_new(members, member_as_json(standings, i, summary));
    }
    cli_json_set(object, "members", members);
    cli_json_set(
        object, "leader", summary->leader == NULL ? json_null() : number(summary->leader->id));
    cli_json_set(object, "voters", number(summary->voter_count));
    cli_json_set(object, "voters_answering", number(summary->answer_count));
    cli_json_set(
        object, "digests",
        json_string(
            summary->differs            ? "differ"
            : summary->digest_count > 0 ? "agree"
                                        : "unknown"));
    cli_json_set(object, "digest_index", number(summary->digest_index));
    cli_json_set(object, "digest_members", number(summary->digest_count));
    cli_json_set(object, "healthy", json_boolean(cli_status_judge(summary) == CLI_EXIT_YES));
    cli_json_print(object);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_file.h"

#include "support/suggest.h"

#include <errno.h>
#include <ini.h>
#include <string.h>

#define FILE_SIZE_MAX 65536u
#define NAME_SIZE 256u

static const char byte_order_mark[] = "\xef\xbb\xbf";

/*
 * What is known while inih walks through the file.  Its handler is not told the line in which it
 * found something; but it asks for a line whenever it has done with the one before, so that the
 * line last given is the one it talks of.
 */
struct walk {
    struct copycatd_values *values;
    struct copycatd_problems *problems;
    FILE *file;
    const char *name;
    size_t bytes;                                 /* read so far */
    unsigned line;                                /* last given to inih, from 1 */
    bool is_blank;                                /* that line says nothing */
    bool is_heading;                              /* that line begins with '[' */
    bool is_taken;                                /* that line was understood, or complained of */
    bool is_continuation;                         /* that line goes on with the value above it */
    bool has_key;                                 /* there is a value above, in this section */
    char heading[64];                             /* the last unknown one that was complained of */
    unsigned first_line[COPYCATD_PROPERTY_COUNT]; /* of the key; 0: not seen */

    /* A value waits here for the lines that may go on with it. */
    enum copycatd_property_id pending; /* COPYCATD_PROPERTY_COUNT: none */
    unsigned pending_line;
    char text[COPYCATD_VALUE_SIZE];
};

static void flush_pending(struct walk *walk)
{
    char from[COPYCATD_FROM_SIZE];

    if (walk->pending != COPYCATD_PROPERTY_COUNT) {
        snprintf(from, sizeof from, "%.*s:%u", (int)NAME_SIZE, walk->name, walk->pending_line);
        copycatd_values_offer(
            walk->values, walk->pending, walk->text, COPYCATD_FROM_FILE, from, walk->problems);
        walk->pending = COPYCATD_PROPERTY_COUNT;
    }
}

/* What the line says, before inih sees it. */
static void look_at(struct walk *walk, const char *line)
{
    const char *start = line + strspn(line, " \t\r\n");
    bool is_indented = start > line;

    walk->is_blank = *start == '\0' || *start == ';' || *start == '#';
    walk->is_continuation = !walk->is_blank && is_indented && walk->has_key;
    walk->is_heading = !walk->is_blank && !walk->is_continuation && *start == '[';
    walk->is_taken = walk->is_blank;
    if (walk->is_heading) {
        walk->has_key = false;
        walk->is_taken = strchr(start, ']') != NULL;
    }
}

static void check_last_line(struct walk *walk)
{
    if (walk->line > 0 && !walk->is_taken) {
        copycatd_problems_add(
            walk->problems, "%.*s:%u is no 'key = value', no [heading] and no # comment",
            (int)NAME_SIZE, walk->name, walk->line);
    }
}

/* The next line without its end into `line`, cut at `room` bytes.  False at the end of the file. */
static bool read_line(struct walk *walk, char *line, size_t room, size_t *size_out, bool *has_nul)
{
    int byte = EOF;
    size_t size = 0;

    while (walk->bytes < FILE_SIZE_MAX && (byte = fgetc(walk->file)) != EOF) {
        walk->bytes++;
        if (byte == '\n') {
            break;
        }
        *has_nul = *has_nul || byte == '\0';
        if (size < room) {
            line[size] = (char)byte;
        }
        size++;
    }
    line[size < room ? size : room] = '\0';
    *size_out = size;
    return size > 0 || byte != EOF;
}

/* An ini_reader.  inih would go on with the rest of a long line as if it were a line of its own. */
static char *give_line(char *line, int size, void *user)
{
    struct walk *walk = user;
    size_t room = (size_t)size - 1;
    size_t line_size;
    bool has_nul = false;

    check_last_line(walk);
    walk->is_taken = true;
    walk->line++;
    if (!read_line(walk, line, room, &line_size, &has_nul)) {
        return NULL;
    }
    if (line_size > room) {
        copycatd_problems_add(
            walk->problems,
            "%.*s:%u is longer than %zu bytes; a list of members may go on in an indented line",
            (int)NAME_SIZE, walk->name, walk->line, room);
        line[0] = '\0';
    } else if (has_nul) {
        copycatd_problems_add(
            walk->problems, "%.*s:%u holds a zero byte", (int)NAME_SIZE, walk->name, walk->line);
        line[0] = '\0';
    }
    if (walk->line == 1 && strncmp(line, byte_order_mark, sizeof byte_order_mark - 1) == 0) {
        memmove(line, line + 3, strlen(line + 3) + 1);
    }
    look_at(walk, line);
    return line;
}

static bool knows_section(const char *section)
{
    for (unsigned id = 0; id < COPYCATD_PROPERTY_COUNT; id++) {
        const char *known = copycatd_properties[id].section;

        if (known != NULL && strcmp(known, section) == 0) {
            return true;
        }
    }
    return false;
}

/* Is the key `id` at home under this heading?  An unknown heading is told of once. */
static void check_section(
    struct walk *walk, const char *section, const struct copycatd_property *property)
{
    if (*section == '\0' || strcmp(section, property->section) == 0) {
        return;
    }
    if (knows_section(section)) {
        copycatd_problems_add(
            walk->problems, "key '%s' in %.*s:%u stands under [%s]; it belongs under [%s]",
            property->name, (int)NAME_SIZE, walk->name, walk->line, section, property->section);
    } else if (strncmp(section, walk->heading, sizeof walk->heading - 1) != 0) {
        snprintf(walk->heading, sizeof walk->heading, "%s", section);
        copycatd_problems_add(
            walk->problems,
            "unknown heading [%s] above %.*s:%u; there are [server], [raft] and [log]", section,
            (int)NAME_SIZE, walk->name, walk->line);
    }
}

static void complain_unknown(struct walk *walk, const char *key)
{
    const char *nearest = copycatd_property_suggest(key, true);

    copycatd_problems_add(
        walk->problems, "unknown key '%s' in %.*s:%u%s%s%s", key, (int)NAME_SIZE, walk->name,
        walk->line, nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
        nearest != NULL ? "'?" : "");
}

/* A value may stand in quotation marks, as in a shell; none of them can be part of one. */
static void unquote(char text[COPYCATD_VALUE_SIZE])
{
    size_t size = strlen(text);

    if (size >= 2 && (text[0] == '"' || text[0] == '\'') && text[size - 1] == text[0]) {
        memmove(text, text + 1, size - 2);
        text[size - 2] = '\0';
    }
}

static void continue_value(struct walk *walk, const char *value)
{
    size_t size = strlen(walk->text);

    if (walk->pending == COPYCATD_PROPERTY_COUNT) {
        return; /* the key above was wrong, and told of */
    }
    if (copycatd_properties[walk->pending].type != COPYCATD_TYPE_MEMBERS) {
        copycatd_problems_add(
            walk->problems,
            "%.*s:%u is indented, so it goes on with '%s' above it, which takes one line",
            (int)NAME_SIZE, walk->name, walk->line, copycatd_properties[walk->pending].name);
        return;
    }
    if (size + strlen(value) + 2 > sizeof walk->text) {
        copycatd_problems_add(
            walk->problems, "the list of members up to %.*s:%u is too long", (int)NAME_SIZE,
            walk->name, walk->line);
        walk->pending = COPYCATD_PROPERTY_COUNT;
        return;
    }
    snprintf(
        walk->text + size, sizeof walk->text - size, "%s%s",
        size > 0 && walk->text[size - 1] != ',' ? "," : "", value);
}

/* An ini_handler. */
static int take_key(void *user, const char *section, const char *key, const char *value)
{
    struct walk *walk = user;
    enum copycatd_property_id id;

    walk->is_taken = true;
    walk->has_key = true;
    if (walk->is_continuation) {
        continue_value(walk, value);
        return 1;
    }
    flush_pending(walk);
    id = copycatd_property_find(key, strlen(key));
    if (id == COPYCATD_PROPERTY_COUNT) {
        complain_unknown(walk, key);
        return 1;
    }
    if (copycatd_properties[id].not_in_file) {
        copycatd_problems_add(
            walk->problems, "key '%s' in %.*s:%u: this can only be a flag or a variable", key,
            (int)NAME_SIZE, walk->name, walk->line);
        return 1;
    }
    check_section(walk, section, &copycatd_properties[id]);
    if (walk->first_line[id] != 0) {
        copycatd_problems_add(
            walk->problems, "key '%s' is there twice: %.*s:%u and %.*s:%u", key, (int)NAME_SIZE,
            walk->name, walk->first_line[id], (int)NAME_SIZE, walk->name, walk->line);
        return 1;
    }
    walk->first_line[id] = walk->line;
    walk->pending = id;
    walk->pending_line = walk->line;
    snprintf(walk->text, sizeof walk->text, "%s", value);
    unquote(walk->text);
    return 1;
}

void copycatd_config_file_read(
    struct copycatd_values *values,
    FILE *file,
    const char *name,
    struct copycatd_problems *problems)
{
    struct walk walk = {
        .values = values,
        .problems = problems,
        .file = file,
        .name = name,
        .pending = COPYCATD_PROPERTY_COUNT,
    };
    unsigned count = problems->count;
    int bad_line;

    errno = 0;
    bad_line = ini_parse_stream(give_line, &walk, take_key, &walk);
    flush_pending(&walk);
    if (ferror(file)) {
        copycatd_problems_add(
            problems, "cannot read %.*s: %s", (int)NAME_SIZE, name, strerror(errno));
    } else if (!feof(file) && fgetc(file) != EOF) {
        copycatd_problems_add(
            problems, "%.*s is longer than a configuration may be (64 KiB)", (int)NAME_SIZE, name);
    } else if (bad_line != 0 && problems->count == count) {
        copycatd_problems_add(
            problems, "%.*s:%d is not understood", (int)NAME_SIZE, name, bad_line);
    }
}

bool copycatd_config_file_load(
    struct copycatd_values *values, const char *path, struct copycatd_problems *problems)
{
    FILE *file = fopen(path, "r");

    if (file == NULL) {
        copycatd_problems_add(
            problems, "cannot open %.*s: %s", (int)NAME_SIZE, path, strerror(errno));
        return false;
    }
    copycatd_config_file_read(values, file, path, problems);
    fclose(file);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario_runner -- tells stories to a cluster of cores and compares what they do.
 *
 *     scenario_runner [--rewrite] story.txt ...
 *
 * A story is a text file: a comment that says what happens and why it matters, then blocks of
 *
 *     command ...
 *     ----
 *     the whole reaction, up to an empty line
 *
 * `ok file` or `not ok file` with the lines that differ; exit 1 if any does.  --rewrite puts what
 * was seen into the file, for a person to read before it is committed.  Commands: see story.c.
 */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct story_text text = {NULL, 0, 0};
    char buffer[4096];
    size_t size;

    if (file == NULL) {
        return NULL;
    }
    while ((size = fread(buffer, 1, sizeof buffer, file)) > 0) {
        story_text_add(&text, buffer, size);
    }
    (void)fclose(file);
    story_text_add(&text, "", 1);
    return text.data;
}

static bool write_file(const char *path, const struct story_text *text)
{
    FILE *file = fopen(path, "wb");
    bool is_written = file != NULL && fwrite(text->data, 1, text->size, file) == text->size;

    if (file != NULL && fclose(file) != 0) {
        is_written = false;
    }
    return is_written;
}

/* The next line, without its end; NULL at the end of the text.  Moves `at` behind it. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end;

    if (line == NULL || *line == '\0') {
        return NULL;
    }
    end = strchr(line, '\n');
    if (end == NULL) {
        *at = NULL;
        return line;
    }
    *end = '\0';
    *at = end + 1;
    return line;
}

/* Plays the story in `source`, which it takes apart, and writes down what happens. */
static void play(char *source, struct story_text *seen)
{
    struct story *story = story_create(seen);
    bool is_reaction = false;
    char *line;

    while ((line = next_line(&source)) != NULL) {
        if (is_reaction) {
            is_reaction = line[0] != '\0';
            if (is_reaction) {
                continue; /* what was seen before; compared as a whole */
            }
        }
        story_text_add(seen, line, strlen(line));
        story_text_add(seen, "\n", 1);
        if (strcmp(line, "----") == 0) {
            is_reaction = true;
            story_play(story);
        } else if (line[0] != '#' && line[0] != '\0') {
            story_command(story, line);
        }
    }
    story_destroy(story);
}

static void print_difference(char *expected, char *seen)
{
    char *wanted = next_line(&expected);
    char *got = next_line(&seen);
    int shown = 0;

    for (int number = 1; (wanted != NULL || got != NULL) && shown < 12; number++) {
        if (wanted == NULL || got == NULL || strcmp(wanted, got) != 0) {
            printf("  %4d - %s\n", number, wanted == NULL ? "(end)" : wanted);
            printf("  %4d + %s\n", number, got == NULL ? "(end)" : got);
            shown++;
        }
        wanted = next_line(&expected);
        got = next_line(&seen);
    }
}

/* False if the story did not go as its file says. */
static bool run(const char *path, bool is_rewrite)
{
    struct story_text seen = {NULL, 0, 0};
    char *expected = read_file(path);
    char *source = read_file(path);
    bool is_same = false;

    if (expected == NULL || source == NULL) {
        printf("not ok %s\n  cannot be read\n", path);
        free(expected);
        free(source);
        return false;
    }
    play(source, &seen);
    is_same = strlen(expected) == seen.size && memcmp(expected, seen.data, seen.size) == 0;
    if (!is_same && is_rewrite) {
        is_same = write_file(path, &seen);
    }
    printf("%s %s\n", is_same ? "ok" : "not ok", path);
    if (!is_same) {
        story_text_add(&seen, "", 1);
        print_difference(expected, seen.data);
    }
    free(expected);
    free(source);
    free(seen.data);
    return is_same;
}

int main(int argument_count, char **arguments)
{
    bool is_rewrite = argument_count > 1 && strcmp(arguments[1], "--rewrite") == 0;
    int failed = 0;

    for (int i = is_rewrite ? 2 : 1; i < argument_count; i++) {
        failed += !run(arguments[i], is_rewrite);
    }
    if (argument_count <= (is_rewrite ? 2 : 1)) {
        (void)fprintf(stderr, "usage: scenario_runner [--rewrite] story.txt ...\n");
        return 2;
    }
    return failed == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_refusal -- why recovery refuses a directory: its sentence, taken apart and made longer
 * where there is time to read.
 *
 *     "DIRECTORY/FILE: WHAT, at offset OFFSET, life LIFE, batch NUMBER"
 */
#include "inspect/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OFFSET ", at offset "

/* The part behind the path; the file, if one is named. */
static const char *split_path(
    const copycat_inspection *inspection, const char *text, struct cc_inspect_refusal *refusal)
{
    size_t size = strlen(inspection->path);
    const char *colon;

    if (strncmp(text, inspection->path, size) != 0) {
        return text;
    }
    text += size;
    if (text[0] == ':' && text[1] == ' ') {
        return text + 2;
    }
    colon = strstr(text, ": ");
    if (text[0] != '/' || colon == NULL) {
        return text;
    }
    snprintf(refusal->file, sizeof refusal->file, "%.*s", (int)(colon - text - 1), text + 1);
    return colon + 2;
}

/* The offset has a place of its own. */
static void split_offset(struct cc_inspect_refusal *refusal)
{
    char *offset = strstr(refusal->what, OFFSET);
    const char *rest;

    if (offset == NULL) {
        return;
    }
    if (refusal->file[0] != '\0') {
        refusal->offset = strtoull(offset + strlen(OFFSET), NULL, 10);
    }
    rest = strchr(offset + strlen(OFFSET), ',');
    memmove(offset, rest == NULL ? "" : rest, rest == NULL ? 1 : strlen(rest) + 1);
}

/* Numbers in names have no gaps. */
static uint32_t missing_slot(const copycat_inspection *inspection)
{
    for (uint32_t slot = 1; slot <= inspection->part_count; slot++) {
        bool is_there = false;

        for (uint32_t i = 0; i < inspection->part_count && !is_there; i++) {
            const struct cc_inspect_part *part = &inspection->parts[i];

            is_there = part->kind == COPYCAT_FILE_JOURNAL && part->slot == slot;
        }
        if (!is_there) {
            return slot;
        }
    }
    return 0;
}

static void replace(struct cc_inspect_refusal *refusal, const char *words, const char *by)
{
    char rest[sizeof refusal->what];
    size_t size = strlen(words);

    if (strncmp(refusal->what, words, size) == 0 &&
        (refusal->what[size] == '\0' || refusal->what[size] == ',')) {
        snprintf(rest, sizeof rest, "%s", refusal->what + size);
        snprintf(refusal->what, sizeof refusal->what, "%s%.200s", by, rest);
    }
}

void cc_inspect_split(
    const copycat_inspection *inspection, const char *text, struct cc_inspect_refusal *refusal_out)
{
    *refusal_out = (struct cc_inspect_refusal){.offset = COPYCAT_NONE};
    snprintf(
        refusal_out->what, sizeof refusal_out->what, "%s",
        split_path(inspection, text, refusal_out));
    split_offset(refusal_out);
}

/* The reader of both speaks of images. */
static void say_segment(struct cc_inspect_refusal *refusal)
{
    char *at = strstr(refusal->what, "image");
    char rest[sizeof refusal->what];

    if (at != NULL && strstr(refusal->what, "segment") == NULL) {
        snprintf(rest, sizeof rest, "%s", at + strlen("image"));
        snprintf(at, sizeof refusal->what - (size_t)(at - refusal->what), "segment%.700s", rest);
    }
}

void cc_inspect_split_image(
    const copycat_inspection *inspection,
    const struct cc_inspect_image *image,
    struct cc_inspect_refusal *refusal_out)
{
    cc_inspect_split(inspection, image->text, refusal_out);
    if (image->id.is_segment) {
        say_segment(refusal_out);
    }
}

void cc_inspect_explain(
    const copycat_inspection *inspection,
    const struct cc_inspect_verdict *verdict,
    struct cc_inspect_refusal *refusal_out)
{
    uint32_t slot = missing_slot(inspection);

    cc_inspect_split(inspection, verdict->text, refusal_out);
    replace(
        refusal_out, "damaged", "a batch does not read, and nothing that does says what was in it");
    replace(
        refusal_out, "records make no sense",
        "a batch reads, but its records make no sense behind those before");
    if (strcmp(refusal_out->what, "a journal file is missing") == 0 && slot != 0 &&
        slot < inspection->part_count + 1) {
        snprintf(refusal_out->file, sizeof refusal_out->file, "journal-%08u", (unsigned)slot);
        snprintf(refusal_out->what, sizeof refusal_out->what, "this file is missing");
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_words -- what is wrong, and where, in words for a person.
 */
#include "log/journal_internal.h"

#include <string.h>

static void say(struct cc_writer *text, const char *words)
{
    cc_write_raw(text, words, strlen(words));
}

static void say_number(struct cc_writer *text, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    cc_write_raw(text, digits + at, sizeof digits - at);
}

void cc_journal_describe(
    struct cc_journal *journal,
    const char *path,
    const char *what,
    uint64_t offset,
    const struct cc_batch_header *header)
{
    struct cc_writer text;

    cc_writer_init_fixed(&text, journal->text, sizeof journal->text - 1);
    say(&text, path);
    say(&text, ": ");
    say(&text, what);
    if (offset != COPYCAT_NONE) {
        say(&text, ", at offset ");
        say_number(&text, offset);
    }
    if (header != NULL) {
        say(&text, ", life ");
        say_number(&text, header->life);
        say(&text, ", batch ");
        say_number(&text, header->number);
    }
    if (header != NULL && header->summary.touched != 0) {
        say(&text, ", behind which the log ends with entry ");
        say_number(&text, header->summary.last);
    }
    journal->text[text.size] = '\0';
}

/* What would be damage if the disk had given it: another time it may give it whole. */
static void refuse_unread(struct cc_journal *journal, const char *path, const char *what)
{
    uint64_t at = journal->scan.refused_at;
    struct cc_writer text;

    cc_writer_init_fixed(&text, journal->text, sizeof journal->text - 1);
    say(&text, path);
    say(&text, ": ");
    if (at != COPYCAT_NONE) {
        say(&text, "the disk refuses to read this file, at offset ");
        say_number(&text, at);
    } else {
        say(&text, what);
        say(&text, ", and the disk refuses to read some of the journal");
    }
    say(&text, ": start again when it does, or restore a backup");
    journal->text[text.size] = '\0';
    cc_journal_fail(journal, COPYCAT_ERR_IO, journal->text);
}

void cc_journal_refuse(
    struct cc_journal *journal,
    copycat_status status,
    const char *what,
    uint64_t offset,
    const struct cc_batch_header *header)
{
    const struct cc_journal_file *file = journal->scan.file;
    const char *path = file == NULL ? journal->directory : file->path;

    if (status == COPYCAT_ERR_DAMAGED && journal->scan.is_unreadable) {
        refuse_unread(journal, path, what);
        return;
    }
    cc_journal_describe(
        journal, path, what, status == COPYCAT_ERR_DAMAGED ? offset : COPYCAT_NONE, header);
    cc_journal_fail(journal, status, journal->text);
}

const char *cc_journal_where(
    struct cc_journal *journal, uint32_t life, uint64_t offset, uint64_t index, const char *what)
{
    struct cc_writer text;

    cc_writer_init_fixed(&text, journal->words, sizeof journal->words - 1);
    say(&text, cc_journal_path(journal, life));
    say(&text, ": entry ");
    say_number(&text, index);
    say(&text, " ");
    say(&text, what);
    say(&text, " (offset ");
    say_number(&text, offset);
    say(&text, ")");
    journal->words[text.size] = '\0';
    return journal->words;
}

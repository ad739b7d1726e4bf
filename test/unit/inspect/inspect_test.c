/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect -- what a sound directory holds is told in full; what is no such directory is refused.
 */
#include "image_files.h"
#include "memory_view.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct stand_script script;
static struct memory_disk disk;
static struct stand stand;
static struct memory_view view;

/* A script of several files; the entries of it that were ever written are counted. */
static uint64_t make_journal(void)
{
    uint64_t entries = 0;

    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    stand_script_draw(&script, 9, 120, 3000);
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    for (uint32_t i = 0; i < script.count; i++) {
        stand_add(&stand, &script.records[i]);
        entries += script.records[i].type == STAND_ENTRY;
        if (i % 5 == 4) {
            stand_flush(&stand);
            stand_settle(&stand);
        }
    }
    stand_flush(&stand);
    stand_settle(&stand);
    stand_close(&stand);
    return entries;
}

static void a_sound_directory_is_told_in_full(void **state)
{
    struct stand_state expected;
    uint64_t entries = make_journal();
    uint64_t counted = 0;
    uint32_t spares = 0;

    (void)state;
    stand_script_state(&script, script.count, &expected);
    memory_view_look(&view, &disk);
    assert_int_equal(view.status, COPYCAT_OK);
    assert_int_equal(view.summary.is_sound, 1);
    assert_int_equal(view.summary.does_start, 1);
    assert_int_equal(view.finding_count, 0);
    assert_int_equal(view.summary.first_index, 1);
    assert_int_equal(view.summary.last_index, expected.last);
    assert_int_equal(view.summary.term, expected.term);
    assert_int_equal(view.summary.vote, expected.vote);
    assert_int_equal(view.summary.server, STAND_SERVER);
    assert_int_equal(view.summary.boots, 1);
    assert_int_equal(view.entries, entries);
    assert_int_equal(view.gaps, 0);
    for (uint32_t i = 0; i < view.file_count; i++) {
        counted += view.parts[i].entry_count;
        spares += view.parts[i].state == COPYCAT_FILE_SPARE;
        assert_int_equal(view.parts[i].unread_bytes, 0);
        if (view.parts[i].state != COPYCAT_FILE_SPARE) {
            assert_int_equal(view.parts[i].state, COPYCAT_FILE_USED);
            assert_int_equal(view.parts[i].life, i + 1);
        }
    }
    assert_true(view.file_count > spares + 1);
    assert_int_equal(counted, entries);
    memory_disk_deinit(&disk);
}

static void an_image_that_nothing_stands_on_is_a_leftover(void **state)
{
    static struct image_records records;
    const copycat_inspect_finding *finding;

    (void)state;
    (void)make_journal();
    image_records_begin(&records, &disk);
    image_records_head(&records, image_head.index);
    image_records_end(&records, 0);
    (void)image_records_write_image(&records, &image_head, NULL, 0);
    memory_view_look(&view, &disk);
    assert_int_equal(view.summary.is_sound, 1);
    finding = memory_view_find(&view, COPYCAT_FINDING_LEFTOVER);
    assert_non_null(finding);
    assert_string_equal(finding->file, "image-0003-00000000000000070000");
    assert_int_equal(view.parts[view.file_count - 1].kind, COPYCAT_FILE_IMAGE);
    assert_int_equal(view.parts[view.file_count - 1].state, COPYCAT_FILE_STRAY);
    assert_int_equal(view.parts[view.file_count - 1].last_index, 70000);
    memory_disk_deinit(&disk);
}

static int stop_at_once(const copycat_inspect_record *record, void *user)
{
    uint32_t *count = user;

    (void)record;
    ++*count;
    return 1;
}

static void who_has_seen_enough_is_told_no_more(void **state)
{
    copycat_inspection *inspection;
    copycat_message message;
    uint32_t count = 0;

    (void)state;
    (void)make_journal();
    assert_int_equal(memory_view_open(&inspection, &disk, &message), COPYCAT_OK);
    assert_int_equal(
        copycat_inspect_records(inspection, NULL, stop_at_once, &count, &message), COPYCAT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(
        copycat_inspect_records(inspection, "journal-00000099", stop_at_once, &count, &message),
        COPYCAT_ERR_INVALID);
    assert_non_null(
        strstr(message.text, "no journal, image or segment with the name journal-00000099"));
    cc_inspect_destroy(inspection);
    memory_disk_deinit(&disk);
}

static void what_is_no_directory_of_a_server_is_refused(void **state)
{
    char path[] = "/tmp/copycat-inspect-XXXXXX";
    copycat_inspection *inspection = NULL;
    copycat_message message;

    (void)state;
    assert_int_equal(
        copycat_inspect_open(&inspection, "/nowhere/at/all", &message), COPYCAT_ERR_INVALID);
    assert_non_null(strstr(message.text, "there is no such directory"));
    assert_int_equal(copycat_inspect_open(&inspection, "/dev/null", &message), COPYCAT_ERR_INVALID);
    assert_non_null(strstr(message.text, "is no directory"));
    assert_int_equal(copycat_inspect_open(&inspection, "", &message), COPYCAT_ERR_INVALID);
    assert_non_null(mkdtemp(path));
    assert_int_equal(copycat_inspect_open(&inspection, path, &message), COPYCAT_ERR_INVALID);
    assert_non_null(strstr(message.text, "holds no file of a server"));
    assert_int_equal(rmdir(path), 0);
    assert_null(inspection);
    copycat_inspect_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_directory_is_told_in_full),
        cmocka_unit_test(an_image_that_nothing_stands_on_is_a_leftover),
        cmocka_unit_test(who_has_seen_enough_is_told_no_more),
        cmocka_unit_test(what_is_no_directory_of_a_server_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

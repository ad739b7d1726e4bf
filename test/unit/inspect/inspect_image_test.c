/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect -- directories that stand on an image: what is there, what is missing, and what is only on
 * its way to be used again.
 */
#include "image_files.h"
#include "memory_view.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRY_SIZE 3000u /* some fifteen of them fill a file */
#define IMAGE_INDEX UINT64_C(40)
#define LAST 60u
#define IMAGE_NAME "image-0000-00000000000000000040"
#define STRIDE 389u

static struct memory_disk disk;
static struct memory_disk copy;
static struct stand stand;
static struct memory_view view;
static struct image_records records;
static const struct cc_image_head head = {
    .group = 0, .index = IMAGE_INDEX, .term = 1, .time_us = 77};

static void add_entries(uint64_t first, uint64_t last)
{
    for (uint64_t index = first; index <= last; index++) {
        stand_add(
            &stand, &(struct stand_record){
                        .type = STAND_ENTRY, .index = index, .term = 1, .size = ENTRY_SIZE});
        stand_flush(&stand);
        stand_settle(&stand);
    }
}

static void settle_and_seal(void)
{
    while (memory_disk_step_time(&disk)) {
    }
}

static struct cc_image_id write_image(void)
{
    image_records_begin(&records, &disk);
    image_records_head(&records, IMAGE_INDEX);
    image_records_instance(&records, 0, 1);
    image_records_blob(&records, 0, 5000);
    image_records_end(&records, 0);
    return image_records_write_image(&records, &head, NULL, 0);
}

/* Several files of entries, and an image that covers most of them. */
static void make_journal(void)
{
    struct cc_image_id id;

    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    add_entries(1, LAST);
    id = write_image();
    cc_journal_switch(
        stand.journal, 0,
        &(struct cc_journal_base){
            .index = id.index,
            .term = id.term,
            .time_us = id.time_us,
            .size = id.size,
            .checksum = id.checksum,
        },
        true);
    stand_flush(&stand);
    settle_and_seal();
}

static void give_up_files(void)
{
    cc_journal_keep(stand.journal, 0, IMAGE_INDEX);
    stand_flush(&stand);
}

static int note_switch(const copycat_inspect_record *record, void *user)
{
    uint64_t *index = user;

    if (record->type == COPYCAT_RECORD_SWITCH) {
        *index = record->image_index;
        assert_int_equal(record->is_tail_kept, 1);
        assert_int_equal(record->term, 1);
    }
    return 0;
}

static void an_image_and_what_is_behind_it_is_sound(void **state)
{
    copycat_inspection *inspection;
    copycat_message message;
    uint64_t switched = 0;
    uint32_t given_up = 0;

    (void)state;
    make_journal();
    assert_int_equal(memory_view_open(&inspection, &disk, &message), COPYCAT_OK);
    assert_int_equal(
        copycat_inspect_records(inspection, NULL, note_switch, &switched, &message), COPYCAT_OK);
    assert_int_equal(switched, IMAGE_INDEX);
    cc_inspect_destroy(inspection);
    give_up_files();
    settle_and_seal();
    assert_true(cc_journal_counters(stand.journal)->reused > 0);
    stand_close(&stand);
    memory_view_look(&view, &disk);
    assert_int_equal(view.finding_count, 0);
    assert_int_equal(view.summary.is_sound, 1);
    assert_int_equal(view.summary.image_index, IMAGE_INDEX);
    assert_true(view.summary.first_index > 1);
    assert_true(view.summary.first_index <= IMAGE_INDEX + 1);
    assert_int_equal(view.summary.last_index, LAST);
    assert_string_equal(view.parts[view.file_count - 1].name, IMAGE_NAME);
    assert_int_equal(view.parts[view.file_count - 1].state, COPYCAT_FILE_USED);
    for (uint32_t i = 0; i < view.file_count; i++) {
        given_up += view.parts[i].state == COPYCAT_FILE_GIVEN_UP;
        assert_true(
            view.parts[i].state == COPYCAT_FILE_USED || view.parts[i].state == COPYCAT_FILE_SPARE ||
            view.parts[i].state == COPYCAT_FILE_GIVEN_UP);
    }
    assert_int_equal(given_up, 1); /* the other one is a spare already */
    memory_disk_deinit(&disk);
}

static void a_missing_image_stops_a_start(void **state)
{
    const copycat_inspect_finding *finding;

    (void)state;
    make_journal();
    stand_close(&stand);
    image_file_named(&disk, IMAGE_NAME)->is_named = false;
    memory_view_look(&view, &disk);
    assert_int_equal(view.summary.is_sound, 0);
    assert_int_equal(view.summary.does_start, 0);
    finding = memory_view_find(&view, COPYCAT_FINDING_FATAL);
    assert_non_null(finding);
    assert_string_equal(finding->file, IMAGE_NAME);
    assert_string_equal(finding->what, "the image is missing");
    memory_disk_deinit(&disk);
}

static void each_flipped_byte_of_the_image_is_told(void **state)
{
    (void)state;
    make_journal();
    stand_close(&stand);
    for (uint64_t at = 0; at < image_file_named(&disk, IMAGE_NAME)->size; at += STRIDE) {
        struct memory_file *file;

        memory_disk_clone(&copy, &disk);
        file = image_file_named(&copy, IMAGE_NAME);
        file->seen[at] ^= 4;
        memory_view_look(&view, &copy);
        assert_int_equal(view.summary.is_sound, 0);
        assert_int_equal(view.summary.does_start, 0);
        assert_int_equal(view.finding_count, 1);
        assert_string_equal(view.findings[0].file, IMAGE_NAME);
        assert_true(view.findings[0].offset <= at);
        assert_int_not_equal(view.parts[view.file_count - 1].state, COPYCAT_FILE_USED);
        assert_true(
            view.findings[0].kind == COPYCAT_FINDING_FATAL ||
            view.findings[0].kind == COPYCAT_FINDING_NEWER);
        memory_disk_deinit(&copy);
    }
    memory_disk_deinit(&disk);
}

/* Recovery of the same disk, and what an inspection says of it. */
static void check_verdict(const char *name, uint64_t at)
{
    struct cc_inspect_verdict verdict;
    copycat_inspection *inspection;
    copycat_message message;
    struct memory_disk third;

    memory_view_look(&view, &copy);
    memory_disk_clone(&third, &copy);
    stand_open(&stand, &third, UINT64_MAX);
    if (view.status == COPYCAT_ERR_NEWER) {
        assert_false(stand.is_open);
    } else {
        assert_int_equal(memory_view_open(&inspection, &copy, &message), COPYCAT_OK);
        assert_int_equal(cc_inspect_recover(inspection, &verdict), COPYCAT_OK);
        if ((verdict.status == COPYCAT_OK) != stand.is_open) {
            fail_msg("%s at %llu: recovery says %s", name, (unsigned long long)at, stand.text);
        }
        if (stand.is_open) {
            assert_int_equal(verdict.last, stand.found.last);
            assert_int_equal(verdict.image.index, stand.found.base.index);
            assert_int_equal(verdict.image.checksum, stand.found.base.checksum);
        }
        cc_inspect_verdict_deinit(inspection, &verdict);
        cc_inspect_destroy(inspection);
    }
    stand_close(&stand);
    memory_disk_deinit(&third);
}

static bool is_given_up(const char *name)
{
    for (uint32_t i = 0; i < view.file_count; i++) {
        if (strcmp(view.parts[i].name, name) == 0) {
            return view.parts[i].state == COPYCAT_FILE_GIVEN_UP;
        }
    }
    return false;
}

static void each_flipped_byte_of_the_journal_is_told_as_recovery_takes_it(void **state)
{
    bool given_up[MEMORY_DISK_FILES_MAX];
    uint32_t unheeded = 0;

    (void)state;
    make_journal();
    give_up_files();
    settle_and_seal();
    stand_close(&stand);
    memory_view_look(&view, &disk);
    for (uint32_t i = 0; memory_disk_file(&disk, i) != NULL; i++) {
        given_up[i] = is_given_up(disk.files[i].name);
    }
    for (uint32_t i = 0; memory_disk_file(&disk, i) != NULL; i++) {
        for (uint64_t at = 0; disk.files[i].is_named && at < disk.files[i].size; at += STRIDE) {
            memory_disk_clone(&copy, &disk);
            copy.files[i].seen[at] ^= 0x20;
            copy.files[i].platter[at] ^= 0x20;
            check_verdict(copy.files[i].name, at);
            if (given_up[i] && view.summary.does_start != 0) {
                assert_int_equal(view.summary.is_sound, 1); /* what it holds is nobody's loss */
                unheeded++;
            }
            memory_disk_deinit(&copy);
        }
    }
    assert_true(unheeded > 10);
    memory_disk_deinit(&disk);
}

static void no_crash_while_files_are_given_up_looks_like_damage(void **state)
{
    uint32_t given_up = 0;
    bool is_over = false;

    (void)state;
    for (uint32_t steps = 0; !is_over; steps++) {
        make_journal();
        give_up_files();
        for (uint32_t i = 0; i < steps && !is_over; i++) {
            is_over = !memory_disk_step(&disk);
        }
        stand_crash(&stand, steps % 2 == 0 ? MEMORY_CRASH_PREFIX : MEMORY_CRASH_SUBSET, steps + 1);
        memory_disk_clone(&copy, &disk);
        check_verdict("a crash", steps);
        if (view.summary.is_sound == 0 || view.summary.image_index != IMAGE_INDEX) {
            fail_msg(
                "after %u steps: %s", steps,
                view.finding_count > 0 ? view.findings[0].what : "no image");
        }
        for (uint32_t i = 0; i < view.file_count; i++) {
            given_up += view.parts[i].state == COPYCAT_FILE_GIVEN_UP;
        }
        memory_disk_deinit(&copy);
        memory_disk_deinit(&disk);
    }
    assert_true(given_up > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_and_what_is_behind_it_is_sound),
        cmocka_unit_test(a_missing_image_stops_a_start),
        cmocka_unit_test(each_flipped_byte_of_the_image_is_told),
        cmocka_unit_test(each_flipped_byte_of_the_journal_is_told_as_recovery_takes_it),
        cmocka_unit_test(no_crash_while_files_are_given_up_looks_like_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

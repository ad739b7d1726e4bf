/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect -- directories that stand on an image whose commits lie in segments: who needs which, what
 * of them lives, and what is said of one that does not read, or is not there.
 */
#include "image_files.h"
#include "memory_view.h"
#include "resource/map/map_operation.h"
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IMAGE_INDEX UINT64_C(40)
#define IMAGE_NAME "image-0000-00000000000000000040"
#define MAP UINT64_C(3)

static struct memory_disk disk;
static struct memory_disk copy;
static struct stand stand;
static struct memory_view view;
static struct image_records records;
static struct cc_image_segment segments[3]; /* two that are needed, one that is not */
static char names[3][CC_INSPECT_NAME_SIZE];

static void write_segment(uint32_t number, uint64_t first, uint64_t step, uint32_t count)
{
    struct cc_image_id id;
    char key[16];

    image_records_begin(&records, &disk);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key %u", (unsigned)(first + i * step));
        image_records_commit(&records, first + i * step, MAP, key);
    }
    segments[number] = image_records_write_segment(&records);
    id = cc_image_segment_id(0, &segments[number]);
    cc_inspect_write_name(&id, names[number]);
}

/* Of the commits 4, 6, ... 22 those through 9 live, and of 30 to 33 all. */
static struct cc_image_id write_image(void)
{
    const struct cc_image_head head = {.index = IMAGE_INDEX, .term = 1, .time_us = 77};

    write_segment(0, 4, 2, 10);
    write_segment(1, 30, 1, 4);
    write_segment(2, 34, 1, 2);
    image_records_begin(&records, &disk);
    image_records_head(&records, IMAGE_INDEX);
    image_records_instance(&records, MAP, CC_MAP_TYPE_ID);
    image_records_live(&records, 3, 7);
    image_records_live(&records, 30, 4);
    image_records_end(&records, 7);
    return image_records_write_image(&records, &head, segments, 2);
}

static int make_directory(void **state)
{
    struct cc_image_id id;

    (void)state;
    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    for (uint64_t index = 1; index <= 45; index++) {
        stand_add(
            &stand,
            &(struct stand_record){.type = STAND_ENTRY, .index = index, .term = 1, .size = 20});
    }
    stand_flush(&stand);
    stand_settle(&stand);
    id = write_image();
    cc_journal_switch(
        stand.journal, 0,
        &(struct cc_journal_base){id.index, id.term, id.time_us, id.size, id.checksum}, true);
    stand_flush(&stand);
    while (memory_disk_step_time(&disk)) {
    }
    stand_close(&stand);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    memory_disk_deinit(&disk);
    return 0;
}

static const copycat_inspect_file *row(const char *name)
{
    for (uint32_t i = 0; i < view.file_count; i++) {
        if (strcmp(view.parts[i].name, name) == 0) {
            return &view.parts[i];
        }
    }
    fail_msg("%s is not told", name);
    return NULL;
}

static void each_segment_is_told_with_the_image_that_needs_it(void **state)
{
    (void)state;
    memory_view_look(&view, &disk);
    assert_int_equal(row(IMAGE_NAME)->state, COPYCAT_FILE_USED);
    assert_int_equal(row(IMAGE_NAME)->segment_count, 2);
    assert_int_equal(row(IMAGE_NAME)->live_count, 11);
    assert_int_equal(row(names[0])->state, COPYCAT_FILE_USED);
    assert_int_equal(row(names[0])->image_index, IMAGE_INDEX);
    assert_int_equal(row(names[0])->image_count, 1);
    assert_int_equal(row(names[0])->first_index, 4);
    assert_int_equal(row(names[0])->last_index, 22);
    assert_int_equal(row(names[0])->entry_count, 10);
    assert_int_equal(row(names[0])->live_count, 3);
    assert_int_equal(row(names[1])->live_count, 4);
    assert_int_equal(row(names[2])->state, COPYCAT_FILE_STRAY);
    assert_int_equal(row(names[2])->image_count, 0);
    assert_int_equal(row(names[2])->entry_count, 2);
    assert_int_equal(view.summary.is_sound, 1); /* what nobody needs is a leftover */
    assert_int_equal(view.summary.segment_count, 2);
    assert_string_equal(memory_view_find(&view, COPYCAT_FINDING_LEFTOVER)->file, names[2]);
}

struct dump {
    uint32_t commits;
    uint32_t released;
    uint32_t needs;
    uint32_t strangers; /* commands of which it is not known what they do */
    uint64_t lives;
    char keys[256];
};

static int note(const copycat_inspect_record *record, void *user)
{
    struct dump *dump = user;

    dump->lives += record->type == COPYCAT_RECORD_LIVE ? record->count : 0;
    if (record->type == COPYCAT_RECORD_SEGMENT) {
        assert_string_equal(record->name, names[dump->needs++]);
        assert_string_equal(record->text, "");
    }
    if (record->type == COPYCAT_RECORD_COMMIT) {
        size_t size = strlen(dump->keys);

        dump->commits++;
        dump->released += record->is_released;
        dump->strangers += strcmp(record->operation, "put") != 0 || record->text[0] != '\0';
        snprintf(
            dump->keys + size, sizeof dump->keys - size, "%.*s ", (int)record->key.size,
            (const char *)record->key.data);
    }
    return 0;
}

static struct dump dump_of(struct memory_disk *of, const char *file)
{
    struct dump dump = {0};
    copycat_inspection *inspection;
    copycat_message message;

    assert_int_equal(memory_view_open(&inspection, of, &message), COPYCAT_OK);
    assert_int_equal(copycat_inspect_records(inspection, file, note, &dump, &message), COPYCAT_OK);
    cc_inspect_destroy(inspection);
    return dump;
}

static void a_dump_tells_the_commits_of_segments_and_which_were_released(void **state)
{
    struct dump dump;

    (void)state;
    dump = dump_of(&disk, NULL);
    assert_int_equal(dump.commits, 16);
    assert_int_equal(dump.released, 7);
    assert_int_equal(dump.needs, 2);
    assert_int_equal(dump.lives, 11);
    assert_int_equal(dump.strangers, 0); /* the image says that the resource is a map */
    dump = dump_of(&disk, names[1]);
    assert_int_equal(dump.commits, 4);
    assert_int_equal(dump.needs, 0);
    assert_string_equal(dump.keys, "key 30 key 31 key 32 key 33 ");
}

static void a_missing_segment_is_told_with_what_it_is_needed_for(void **state)
{
    const copycat_inspect_finding *finding;

    (void)state;
    image_file_named(&disk, names[0])->is_named = false;
    memory_view_look(&view, &disk);
    assert_int_equal(row(names[0])->state, COPYCAT_FILE_MISSING);
    assert_int_equal(row(names[0])->entry_count, 10);
    assert_int_equal(view.summary.is_sound, 0);
    assert_int_equal(view.summary.does_start, 0);
    finding = memory_view_find(&view, COPYCAT_FINDING_FATAL);
    assert_non_null(finding);
    assert_string_equal(finding->file, names[0]);
    assert_string_equal(
        finding->what, "the segment is missing; the image of entry 40 needs its commits, 10 from 4 "
                       "to 22, for those that live");
}

/* A start would pass over it: then nobody says that there is none. */
static void a_server_that_has_others_fetches_what_is_missing(void **state)
{
    static const struct cc_base base = {
        .cluster_id = {1},
        .feature_level = 1,
        .members = {
            .count = 2,
            .at = {{1, CC_ROLE_VOTER, {1}, "one:7458"}, {2, CC_ROLE_VOTER, {2}, "two:7458"}}}};

    (void)state;
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    cc_journal_found(stand.journal, &base);
    stand_flush(&stand);
    stand_settle(&stand);
    stand_close(&stand);
    memory_view_look(&view, &disk);
    assert_int_equal(view.summary.is_state_missing, 0);
    image_file_named(&disk, names[1])->seen[5000] ^= 1;
    memory_view_look(&view, &disk);
    assert_non_null(memory_view_find(&view, COPYCAT_FINDING_REPAIRABLE));
    assert_int_equal(view.summary.is_sound, 0);
    assert_int_equal(view.summary.does_start, 1);
    assert_int_equal(view.summary.is_state_missing, 1);
}

/* What is damaged is told with its file, by everyone who looks, and what reads is told yet. */
static void each_flipped_byte_of_a_segment_is_told(void **state)
{
    (void)state;
    for (uint64_t at = 0; at < segments[0].size; at += 97) {
        memory_disk_clone(&copy, &disk);
        image_file_named(&copy, names[0])->seen[at] ^= 8;
        memory_view_look(&view, &copy);
        assert_int_equal(view.summary.is_sound, 0);
        assert_int_equal(view.finding_count, 2); /* and the leftover */
        assert_string_equal(view.findings[1].file, names[0]);
        assert_int_not_equal(row(names[0])->state, COPYCAT_FILE_USED);
        assert_string_not_equal(row(names[0])->text, "");
        assert_int_equal(row(names[1])->state, COPYCAT_FILE_USED);
        assert_true(view.gaps > 0);
        assert_true(dump_of(&copy, NULL).commits >= 6);
        memory_disk_deinit(&copy);
    }
}

/* Nobody can say whether they are needed, so nobody says that a start removes them. */
static void segments_of_an_image_that_does_not_read_are_not_called_strays(void **state)
{
    (void)state;
    image_file_named(&disk, IMAGE_NAME)->seen[5000] ^= 1;
    memory_view_look(&view, &disk);
    assert_int_equal(row(IMAGE_NAME)->state, COPYCAT_FILE_DAMAGED);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(row(names[i])->state, COPYCAT_FILE_UNJUDGED);
    }
    assert_null(memory_view_find(&view, COPYCAT_FINDING_LEFTOVER));
}

/* Of one content, and another than the image thinks: only who reads its records can tell. */
static void a_segment_with_other_commits_than_the_table_says_is_damage(void **state)
{
    struct cc_inspect_image image;
    struct cc_inspect_content content;
    copycat_inspection *inspection;
    copycat_message message;
    struct cc_inspect_need need = {NULL, &segments[0], 1};
    struct cc_image_id id = cc_image_segment_id(0, &segments[0]);

    (void)state;
    assert_int_equal(memory_view_open(&inspection, &disk, &message), COPYCAT_OK);
    assert_int_equal(
        cc_inspect_read_segment(inspection, &id, &need, NULL, &image, &content), COPYCAT_OK);
    assert_int_equal(image.status, COPYCAT_OK);
    cc_inspect_image_deinit(inspection, &image);
    segments[0].count++;
    assert_int_equal(
        cc_inspect_read_segment(inspection, &id, &need, NULL, &image, &content), COPYCAT_OK);
    assert_int_equal(image.status, COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(image.text, "the segment has other commits than those"));
    cc_inspect_image_deinit(inspection, &image);
    cc_inspect_destroy(inspection);
}

/* Whoever has thrown away "the log files" would begin anew, and throw away the state, too. */
static void an_image_without_its_journal_is_no_new_server(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        disk.files[i].is_named =
            disk.files[i].is_named && strncmp(disk.files[i].name, "journal-", 8) != 0;
    }
    memory_view_look(&view, &disk);
    assert_int_equal(view.summary.does_start, 0);
    assert_int_equal(view.finding_count, 1);
    assert_int_equal(view.findings[0].kind, COPYCAT_FINDING_FATAL);
    assert_non_null(strstr(view.findings[0].what, "the journal is missing"));
    memory_disk_clone(&copy, &disk);
    stand_open(&stand, &copy, UINT64_MAX);
    assert_int_equal(stand.status, COPYCAT_ERR_DAMAGED);
    assert_null(strstr(stand.text, "offset")); /* of what is not there */
    stand_close(&stand);
    memory_disk_deinit(&copy);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)
    const struct CMUnitTest tests[] = {
        TEST(each_segment_is_told_with_the_image_that_needs_it),
        TEST(a_dump_tells_the_commits_of_segments_and_which_were_released),
        TEST(a_missing_segment_is_told_with_what_it_is_needed_for),
        TEST(a_server_that_has_others_fetches_what_is_missing),
        TEST(each_flipped_byte_of_a_segment_is_told),
        TEST(segments_of_an_image_that_does_not_read_are_not_called_strays),
        TEST(a_segment_with_other_commits_than_the_table_says_is_damage),
        TEST(an_image_without_its_journal_is_no_new_server),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}

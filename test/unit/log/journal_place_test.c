/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_place -- a batch that came to lie where another was, whole and with right checksums, is
 * told from the one that belongs there (T-059).
 */
#include "unit/log/journal_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define VOTES 6u
#define ENTRIES 3u

static struct memory_disk disk;
static struct memory_disk copy;
static struct stand stand;
static struct stand_state expected;

static void add(const struct stand_record *record)
{
    stand_add(&stand, record);
    stand_flush(&stand);
    stand_settle(&stand);
    stand_state_play(&expected, record);
}

/* As elections leave it: batches that hold a vote and nothing else, then entries.  Returns the file,
 * whose block n + 1 is the batch of the n-th record, as the first is the file's own. */
static const struct memory_file *make_journal(void)
{
    stand.options = (struct cc_journal_options){.batch_size_max = 8192};
    memory_disk_init(&disk);
    stand_open(&stand, &disk, UINT64_MAX);
    assert_true(stand.is_open);
    memset(&expected, 0, sizeof expected);
    for (uint32_t i = 0; i < VOTES; i++) {
        add(&(struct stand_record){.type = STAND_STATE, .term = 2 + i / 2, .vote = i % 2 * 3});
    }
    for (uint32_t i = 0; i < ENTRIES; i++) {
        add(&(struct stand_record){
            .type = STAND_ENTRY, .index = 1 + i, .term = 2 + (VOTES - 1) / 2, .size = 40});
    }
    stand_close(&stand);
    return memory_disk_file(&disk, 0);
}

/* What the batch behind says of its predecessor is what counts. */
static void a_vote_is_not_replaced_by_an_older_one(void **state)
{
    const struct memory_file *file = make_journal();

    (void)state;
    assert_true(file->platter_size >= (1 + VOTES + ENTRIES) * CC_DISK_BLOCK);
    for (uint32_t to = 1; to <= VOTES; to++) {
        for (uint32_t from = 1; from <= VOTES; from++) {
            struct memory_file *changed;

            memory_disk_clone(&copy, &disk);
            changed = memory_disk_file(&copy, 0);
            memcpy(
                changed->seen + to * CC_DISK_BLOCK, file->platter + from * CC_DISK_BLOCK,
                CC_DISK_BLOCK);
            stand_open(&stand, &copy, UINT64_MAX);
            assert_true(stand.is_open);
            assert_true(stand_states_match(&expected, &stand.found));
            assert_int_equal(cc_journal_counters(stand.journal)->damaged, from != to);
            stand_close(&stand);
            memory_disk_deinit(&copy);
        }
    }
    memory_disk_deinit(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vote_is_not_replaced_by_an_older_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

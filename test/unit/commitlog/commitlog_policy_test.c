/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that are decided at a position of the log: by key, by predicate, by age and by size. */
#include "commitlog/files_memory.h"
#include "log_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS 60u
#define STEPS 400u
#define KEYS 40u

static struct limited_memory memory;

/* A log, and how its files are cut, which must not matter. */
struct twin {
    struct cc_files_memory *disk;
    copycat_log_options options;
    struct cc_commitlog *log;
};

static void open_twin(struct twin *twin)
{
    struct cc_files files = cc_files_memory_files(twin->disk);

    assert_int_equal(
        cc_commitlog_open(&twin->log, &memory.memory, &files, &twin->options, NULL), COPYCAT_OK);
}

static void make_twin(struct twin *twin, uint64_t segment_size, uint32_t segment_count)
{
    *twin = (struct twin){.options = COPYCAT_LOG_OPTIONS_INIT};
    twin->options.segment_size = segment_size;
    twin->options.segment_count = segment_count;
    twin->disk = cc_files_memory_create(&memory.memory);
    assert_non_null(twin->disk);
    open_twin(twin);
}

static void reopen_twin(struct twin *twin)
{
    assert_int_equal(cc_commitlog_close(twin->log), COPYCAT_OK);
    open_twin(twin);
}

static void free_twin(struct twin *twin)
{
    assert_int_equal(cc_commitlog_close(twin->log), COPYCAT_OK);
    cc_files_memory_destroy(twin->disk);
}

static struct twin one;
static struct twin other;

static int set_up(void **state)
{
    (void)state;
    limited_memory_init(&memory);
    make_twin(&one, 4096, 0);
    make_twin(&other, 64u << 10, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free_twin(&one);
    free_twin(&other);
    assert_int_equal(memory.blocks, 0);
    return 0;
}

static void append(struct twin *twin, const char *key, const char *text, uint64_t time_us)
{
    copycat_log_entry entry = {
        .key = {key, strlen(key)}, .bytes = {text, strlen(text)}, .time_us = time_us, .type = 1};

    assert_int_equal(cc_commitlog_append(twin->log, &entry, NULL), COPYCAT_OK);
}

/* ---- by key ----------------------------------------------------------------------------------- */

static void a_key_is_cleaned_by_what_came_before_the_position_alone(void **state)
{
    uint64_t cleaned;

    (void)state;
    append(&one, "sky", "grey", 0);
    append(&one, "sky", "blue", 0);
    append(&one, "grass", "green", 0);
    append(&one, "sky", "red", 0);
    assert_int_equal(cc_commitlog_clean_keys_to(one.log, 5, &cleaned), COPYCAT_ERR_INVALID);
    assert_int_equal(cleaned, 0);
    assert_int_equal(cc_commitlog_clean_keys_to(one.log, 3, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 1);
    assert_false(cc_commitlog_contains(one.log, 1));
    assert_true(cc_commitlog_contains(one.log, 2));
    assert_int_equal(cc_commitlog_clean_keys_to(one.log, 4, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 1);
    assert_false(cc_commitlog_contains(one.log, 2));
}

/* ---- by predicate ----------------------------------------------------------------------------- */

struct asked {
    uint64_t indexes[8];
    uint32_t count;
};

static int is_without_text(const copycat_log_entry *entry, void *user)
{
    struct asked *asked = user;

    asked->indexes[asked->count++] = entry->index;
    return entry->bytes.size == 0;
}

static void a_predicate_is_asked_in_order_of_what_can_be_read_up_to_the_position(void **state)
{
    struct asked asked = {.count = 0};
    uint64_t cleaned;

    (void)state;
    append(&one, "a", "x", 0);
    append(&one, "b", "", 0);
    append(&one, "c", "x", 0);
    append(&one, "d", "", 0);
    append(&one, "e", "", 0);
    assert_int_equal(cc_commitlog_clean(one.log, 3), COPYCAT_OK);
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 6, is_without_text, &asked, &cleaned),
        COPYCAT_ERR_INVALID);
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 4, NULL, NULL, &cleaned), COPYCAT_ERR_INVALID);
    assert_int_equal(asked.count, 0);
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 4, is_without_text, &asked, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 2);
    assert_int_equal(asked.count, 3);
    assert_int_equal(asked.indexes[0], 1);
    assert_int_equal(asked.indexes[1], 2);
    assert_int_equal(asked.indexes[2], 4);
    assert_true(cc_commitlog_contains(one.log, 5)); /* behind the position */
    reopen_twin(&one);
    assert_false(cc_commitlog_contains(one.log, 2));
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 4, is_without_text, &asked, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 0);
}

/* The tombstone goes after what it has voided, or that would be back. */
static void a_tombstone_goes_once_what_it_voids_is_cleaned(void **state)
{
    struct asked asked = {.count = 0};

    (void)state;
    append(&one, "sky", "blue", 0);
    append(&one, "sky", "", 0);
    assert_int_equal(cc_commitlog_clean_keys_to(one.log, 2, NULL), COPYCAT_OK);
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 2, is_without_text, &asked, NULL), COPYCAT_OK);
    assert_int_equal(asked.count, 1);
    assert_int_equal(cc_commitlog_next(one.log, 0), 0);
}

/* ---- by age and by size ------------------------------------------------------------------------ */

static void retention_goes_by_entries_and_not_by_segments(void **state)
{
    uint64_t first;

    (void)state;
    for (uint64_t i = 1; i <= 100; i++) {
        append(&one, "", "eight...", i * 10); /* 48 bytes as it is stored */
    }
    assert_int_equal(cc_commitlog_retain_to(one.log, 101, 0, 1, &first), COPYCAT_ERR_INVALID);
    assert_int_equal(cc_commitlog_retain_to(one.log, 100, 0, 0, &first), COPYCAT_OK);
    assert_int_equal(first, 1);
    assert_int_equal(cc_commitlog_retain_to(one.log, 80, 110, 0, &first), COPYCAT_OK);
    assert_int_equal(first, 11);
    assert_int_equal(cc_commitlog_next(one.log, 0), 11);
    assert_int_equal(cc_commitlog_retain_to(one.log, 80, 110, 48 * 60, &first), COPYCAT_OK);
    assert_int_equal(first, 21);
    assert_int_equal(cc_commitlog_retain_to(one.log, 80, 0, 48 * 59 - 1, &first), COPYCAT_OK);
    assert_int_equal(first, 23);
    assert_int_equal(cc_commitlog_clean(one.log, 24), COPYCAT_OK);
    assert_int_equal(cc_commitlog_retain_to(one.log, 80, 231, 0, &first), COPYCAT_OK);
    assert_int_equal(first, 25); /* 24 says nothing any more */
    assert_int_equal(cc_commitlog_retain_to(one.log, 80, UINT64_MAX, 0, &first), COPYCAT_OK);
    assert_int_equal(first, 81);
    assert_int_equal(cc_commitlog_next(one.log, 0), 81); /* behind the position all stays */
}

static void an_entry_without_a_time_is_older_than_any(void **state)
{
    uint64_t first;

    (void)state;
    append(&one, "", "x", 0);
    append(&one, "", "x", 5);
    append(&one, "", "x", 1);
    assert_int_equal(cc_commitlog_retain_to(one.log, 3, 2, 0, &first), COPYCAT_OK);
    assert_int_equal(first, 2);
    assert_int_equal(cc_commitlog_next(one.log, 3), 3); /* the oldest first, and no further */
}

/* ---- what goes wrong --------------------------------------------------------------------------- */

static void refused_memory_is_an_answer_and_the_next_call_does_it(void **state)
{
    static char large[100000];
    struct asked asked = {.count = 0};
    uint64_t first;
    uint64_t cleaned;

    (void)state;
    memset(large, 'x', sizeof large - 1);
    append(&one, "a", large, 1);
    append(&one, "a", "", 2);
    append(&one, "b", "x", 3);
    reopen_twin(&one); /* so that what is read is not at hand */
    memory.bytes_max = memory.bytes;
    assert_int_equal(cc_commitlog_retain_to(one.log, 3, 2, 0, &first), COPYCAT_ERR_MEMORY);
    assert_int_equal(cc_commitlog_clean_keys_to(one.log, 3, &cleaned), COPYCAT_ERR_MEMORY);
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 3, is_without_text, &asked, &cleaned),
        COPYCAT_ERR_MEMORY);
    assert_int_equal(cleaned, 0);
    assert_int_equal(asked.count, 0);
    assert_int_equal(cc_commitlog_next(one.log, 0), 1);
    memory.bytes_max = SIZE_MAX;
    assert_int_equal(cc_commitlog_retain_to(one.log, 3, 2, 0, &first), COPYCAT_OK);
    assert_int_equal(first, 2);
    assert_int_equal(
        cc_commitlog_clean_where(one.log, 3, is_without_text, &asked, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 1);
}

static int is_any(const copycat_log_entry *entry, void *user)
{
    (void)entry;
    (void)user;
    return 1;
}

static void at_damage_nothing_is_forgotten_and_what_was_cleaned_stays_so(void **state)
{
    static struct log_stand stand;
    uint64_t first = 0;
    uint64_t cleaned = 0;
    uint64_t left;
    struct crash_file *file;

    (void)state;
    log_stand_init(&stand);
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(log_stand_append(&stand, 0), COPYCAT_OK);
    }
    assert_int_equal(log_stand_close(&stand), COPYCAT_OK);
    file = crash_files_at(&stand.disk, 0);
    file->seen[file->size / 2] ^= 1;
    assert_int_equal(log_stand_open(&stand), COPYCAT_OK);
    assert_int_equal(
        cc_commitlog_retain_to(stand.log, 100, 0, 4096 * 100, &first), COPYCAT_ERR_DAMAGED);
    assert_int_equal(first, 0);
    assert_int_equal(cc_commitlog_next(stand.log, 0), 1);
    assert_int_equal(
        cc_commitlog_clean_where(stand.log, 100, is_any, NULL, &cleaned), COPYCAT_ERR_DAMAGED);
    left = cc_commitlog_next(stand.log, 0);
    assert_true(cleaned > 1);
    assert_int_equal(left, cleaned + 1);
    assert_int_equal(cc_commitlog_clean(stand.log, left), COPYCAT_OK); /* by its index it may go */
    assert_int_equal(cc_commitlog_clean_where(stand.log, 100, is_any, NULL, &cleaned), COPYCAT_OK);
    assert_int_equal(cleaned, 100 - left);
    log_stand_deinit(&stand);
}

/* ---- twins ------------------------------------------------------------------------------------ */

static uint64_t append_to_both(struct cc_prng *prng, uint64_t time_us)
{
    static uint8_t body[600];
    uint64_t key = cc_prng_below(prng, KEYS);
    copycat_log_entry entry = {.time_us = cc_prng_below(prng, 9) == 0 ? 0 : time_us, .type = 1};
    uint64_t last = cc_commitlog_last(one.log);

    entry.index = cc_prng_below(prng, 8) == 0 ? last + 1 + cc_prng_below(prng, 20) : 0;
    entry.key = (copycat_bytes){&key, cc_prng_below(prng, 3) == 0 ? 0 : sizeof key};
    entry.bytes = (copycat_bytes){body, (size_t)cc_prng_below(prng, sizeof body)};
    memset(body, (int)key, sizeof body);
    assert_int_equal(cc_commitlog_append(one.log, &entry, NULL), COPYCAT_OK);
    assert_int_equal(cc_commitlog_append(other.log, &entry, NULL), COPYCAT_OK);
    return time_us + cc_prng_below(prng, 100);
}

static int is_small_or_of_a_key(const copycat_log_entry *entry, void *user)
{
    uint64_t below = *(const uint64_t *)user;

    return entry->bytes.size < below ||
           (entry->key.size > 0 && *(const uint8_t *)entry->key.data == below % KEYS);
}

static void decide(struct cc_prng *prng, uint64_t time_us)
{
    uint64_t index = cc_prng_below(prng, cc_commitlog_last(one.log) + 1);
    uint64_t which = cc_prng_below(prng, 3);
    uint64_t number = cc_prng_below(prng, 60);
    uint64_t bytes = cc_prng_below(prng, 2) == 0 ? 0 : 1 + cc_prng_below(prng, 80000);
    uint64_t from_us = cc_prng_below(prng, 2) == 0 ? 0 : cc_prng_below(prng, time_us + 1);
    uint64_t mine = 0;
    uint64_t theirs = 0;
    copycat_status status;

    if (which == 0) {
        status = cc_commitlog_clean_keys_to(one.log, index, &mine);
        assert_int_equal(cc_commitlog_clean_keys_to(other.log, index, &theirs), status);
    } else if (which == 1) {
        status = cc_commitlog_clean_where(one.log, index, is_small_or_of_a_key, &number, &mine);
        assert_int_equal(
            cc_commitlog_clean_where(other.log, index, is_small_or_of_a_key, &number, &theirs),
            status);
    } else {
        status = cc_commitlog_retain_to(one.log, index, from_us, bytes, &mine);
        assert_int_equal(cc_commitlog_retain_to(other.log, index, from_us, bytes, &theirs), status);
    }
    assert_int_equal(status, COPYCAT_OK);
    assert_int_equal(mine, theirs);
}

/* What each does with its files is its own business. */
static void keep_house(struct twin *twin, struct cc_prng *prng)
{
    uint64_t what = cc_prng_below(prng, 30);

    if (what < 3) {
        bool is_more;

        assert_int_equal(
            cc_commitlog_clean_some(twin->log, cc_prng_below(prng, 40000), &is_more), COPYCAT_OK);
    } else if (what == 3) {
        assert_int_equal(cc_commitlog_flush(twin->log), COPYCAT_OK);
    } else if (what == 4) {
        reopen_twin(twin);
    }
}

static void assert_twins(void)
{
    uint64_t mine = cc_commitlog_next(one.log, 0);
    uint64_t theirs = cc_commitlog_next(other.log, 0);

    while (mine != 0 && mine == theirs) {
        mine = cc_commitlog_next(one.log, mine + 1);
        theirs = cc_commitlog_next(other.log, theirs + 1);
    }
    assert_int_equal(mine, theirs);
}

static void logs_that_are_cut_otherwise_decide_the_same(void **state)
{
    static const uint64_t sizes[] = {4096, 5000, 12000, 64u << 10, 1u << 20};

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct cc_prng prng = {seed};
        uint64_t time_us = 1;

        free_twin(&one);
        free_twin(&other);
        make_twin(&one, sizes[cc_prng_below(&prng, 5)], (uint32_t)cc_prng_below(&prng, 60));
        make_twin(&other, sizes[cc_prng_below(&prng, 5)], 0);
        other.options.clean_rule = (uint32_t)(seed % 3);
        reopen_twin(&other);
        for (uint32_t i = 0; i < STEPS; i++) {
            time_us = append_to_both(&prng, time_us);
            keep_house(&one, &prng);
            keep_house(&other, &prng);
            if (cc_prng_below(&prng, 12) == 0) {
                decide(&prng, time_us);
                assert_twins();
            }
        }
        assert_true(cc_commitlog_next(one.log, 0) > 1); /* there was something to decide */
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_cleaned_by_what_came_before_the_position_alone),
        TEST(a_predicate_is_asked_in_order_of_what_can_be_read_up_to_the_position),
        TEST(a_tombstone_goes_once_what_it_voids_is_cleaned),
        TEST(retention_goes_by_entries_and_not_by_segments),
        TEST(an_entry_without_a_time_is_older_than_any),
        TEST(refused_memory_is_an_answer_and_the_next_call_does_it),
        TEST(at_damage_nothing_is_forgotten_and_what_was_cleaned_stays_so),
        TEST(logs_that_are_cut_otherwise_decide_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_refusal_test -- an image that is not whole, or of more than one state, is refused in words.
 */
#include "actor.h"
#include "base/assert.h"
#include "base/list.h"
#include "catalog/catalog_machine.h"
#include "resource/map/map_machine.h"
#include "support/probe_machine.h"
#include "taken.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const copycat_machine_type *const types[] = {
    &probe_machine_type, &cc_map_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type};

static struct cc_image_record records[TAKEN_RECORDS_MAX];
static uint32_t record_count;
static struct taken whole;
static uint64_t whole_digest;

static int setup(void **state)
{
    struct cc_prng prng = {41};
    struct actor actor;

    (void)state;
    actor_begin(&actor, &options);
    actor.lag = 6;
    for (int i = 0; i < 150; i++) {
        actor_random_entry(&actor, &prng);
    }
    for (uint8_t nonce = 20; nonce < 24; nonce++) {
        (void)history_open(&actor.history, nonce);
    }
    for (uint64_t key = 20; key < 24; key++) {
        actor_command(
            &actor, actor.instances[1],
            probe_operation('t', key, actor.history.now_us + 500 * key));
    }
    taken_take(&whole, &actor.history);
    whole_digest = cc_apply_digest(actor.history.apply);
    record_count = taken_records(&whole, records);
    history_deinit(&actor.history);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    taken_free(&whole);
    return 0;
}

/* The status of what `taken` makes, which if OK has to be the state itself. */
static copycat_status outcome_of(const struct taken *taken, char text[256])
{
    struct counted_memory counted;
    struct cc_apply *restored = NULL;

    counted_memory_init(&counted, 0x77);

    copycat_status status = taken_restore(taken, &options, &counted.memory, &restored, text);

    if (status == COPYCAT_OK) {
        assert_true(cc_apply_digest(restored) == whole_digest);
    }
    cc_apply_destroy(restored);
    assert_int_equal(counted.blocks, 0);
    return status;
}

static void assert_damaged(struct taken *taken)
{
    char text[256];

    assert_int_equal(outcome_of(taken, text), COPYCAT_ERR_DAMAGED);
    assert_true(strlen(text) > 10);
    taken_free(taken);
}

static void add_records(struct taken *taken, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        taken_add(taken, records[i].whole);
    }
}

static void the_whole_image_is_taken(void **state)
{
    uint32_t counts[CC_IMAGE_TYPES] = {0};

    (void)state;
    assert_int_equal(outcome_of(&whole, NULL), COPYCAT_OK);
    for (uint32_t i = 0; i < record_count; i++) {
        counts[records[i].type]++;
    }
    for (int type = CC_IMAGE_HEAD; type <= CC_IMAGE_END; type++) {
        assert_true(counts[type] > 0);
    }
}

static void a_missing_record_is_noticed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < record_count; i++) {
        struct taken taken = {0};

        add_records(&taken, 0, i);
        add_records(&taken, i + 1, record_count);
        assert_damaged(&taken);
    }
}

static void a_doubled_record_is_noticed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < record_count; i++) {
        struct taken taken = {0};

        add_records(&taken, 0, i + 1);
        add_records(&taken, i, record_count);
        assert_damaged(&taken);
    }
}

static void two_records_that_changed_places_are_noticed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i + 1 < record_count; i++) {
        for (uint32_t other = i + 1; other < record_count && other < i + 40; other += 13) {
            struct taken taken = {0};

            add_records(&taken, 0, i);
            taken_add(&taken, records[other].whole);
            add_records(&taken, i + 1, other);
            taken_add(&taken, records[i].whole);
            add_records(&taken, other + 1, record_count);
            assert_damaged(&taken);
        }
    }
}

static void an_image_that_ends_early_is_noticed(void **state)
{
    (void)state;
    for (size_t size = 0; size < whole.size; size += 1 + size / 100) {
        struct taken taken = {0};

        taken_add(&taken, (copycat_bytes){whole.bytes, size});
        assert_damaged(&taken);
    }
}

/* Some bytes do not matter: a lower version of a type, the term of a live commit. */
static void a_changed_byte_is_noticed_or_does_not_matter(void **state)
{
    uint32_t taken_as_they_were = 0;

    (void)state;
    for (size_t at = 0; at < whole.size; at++) {
        struct taken taken = {0};

        taken_add(&taken, (copycat_bytes){whole.bytes, whole.size});
        taken.bytes[at] ^= (uint8_t)(1u << (at % 8));
        taken_as_they_were += outcome_of(&taken, NULL) == COPYCAT_OK;
        taken_free(&taken);
    }
    assert_in_range(taken_as_they_were, 0, 10);
}

/* ---- parts that nobody wrote ----------------------------------------------------------------- */

/* The end that says how many records there are, with the digest of the whole. */
static void add_end(struct taken *taken, uint64_t commits)
{
    static struct cc_image_record of_it[TAKEN_RECORDS_MAX];
    uint64_t counts[CC_IMAGE_TYPES] = {0};
    uint8_t bytes[200];
    struct cc_writer writer;
    uint32_t count = taken_records(taken, of_it);

    for (uint32_t i = 0; i < count; i++) {
        counts[of_it[i].type]++;
    }
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);

    size_t start = cc_image_record_begin(&writer, CC_IMAGE_END);

    for (int type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_BLOB; type++) {
        cc_write_varint(&writer, counts[type]);
    }
    cc_write_varint(&writer, counts[CC_IMAGE_LIVE]);
    cc_write_varint(&writer, commits);
    cc_write_u64(&writer, whole_digest);
    cc_image_record_end(&writer, start);
    taken_add(taken, (copycat_bytes){writer.data, writer.size});
}

static bool is_type(uint32_t place, int type, int other)
{
    return records[place].type == type || records[place].type == other;
}

/* All but the records of two types, and an end that fits. */
static copycat_status outcome_without(int type, int other, char text[256])
{
    struct taken taken = {0};
    uint64_t commits = 0;

    for (uint32_t i = 0; i < record_count; i++) {
        commits += records[i].type == CC_IMAGE_COMMIT && !is_type(i, type, other);
    }
    for (uint32_t i = 0; i < record_count; i++) {
        if (records[i].type == CC_IMAGE_END) {
            add_end(&taken, type == CC_IMAGE_LIVE ? 0 : commits);
        } else if (!is_type(i, type, other)) {
            taken_add(&taken, records[i].whole);
        }
    }

    copycat_status status = outcome_of(&taken, text);

    taken_free(&taken);
    return status;
}

static void an_image_that_misses_a_part_of_the_state_is_noticed_though_it_says_so_itself(
    void **state)
{
    static const char digest[] = "digest";
    char text[256];

    (void)state;
    assert_int_equal(outcome_without(0, 0, text), COPYCAT_OK);
    assert_int_equal(outcome_without(CC_IMAGE_SESSION, CC_IMAGE_ANSWER, text), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(text, digest));
    assert_int_equal(outcome_without(CC_IMAGE_ANSWER, 0, text), COPYCAT_ERR_DAMAGED);
    assert_int_equal(outcome_without(CC_IMAGE_DEADLINE, 0, text), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(text, digest));
    assert_int_equal(outcome_without(CC_IMAGE_BLOB, 0, text), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(text, "blob"));
    assert_int_equal(outcome_without(CC_IMAGE_COMMIT, 0, text), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(text, digest));
    assert_int_equal(outcome_without(CC_IMAGE_LIVE, 0, text), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(text, digest));
    assert_int_equal(outcome_without(CC_IMAGE_INSTANCE, 0, text), COPYCAT_ERR_DAMAGED);
    assert_non_null(strstr(text, "catalogue"));
}

/* ---- what this server does not know ---------------------------------------------------------- */

static copycat_status outcome_here(const copycat_machine_type *const here[], char text[256])
{
    struct cc_apply_options own = {.types = here, .catalog = &cc_catalog_machine_type};
    struct counted_memory counted;
    struct cc_apply *restored = NULL;

    counted_memory_init(&counted, 0x77);

    copycat_status status = taken_restore(&whole, &own, &counted.memory, &restored, text);

    cc_apply_destroy(restored);
    assert_int_equal(counted.blocks, 0);
    return status;
}

static void a_type_that_is_not_known_here_is_told(void **state)
{
    const copycat_machine_type *const fewer[] = {&cc_map_machine_type, NULL};
    char text[256];

    (void)state;
    assert_int_equal(outcome_here(fewer, text), COPYCAT_ERR_INVALID);
    assert_string_equal(
        text, "the image has a resource of a type that this server does not know, number 1");
}

static void a_newer_version_of_a_type_is_told_and_an_older_one_is_welcome(void **state)
{
    copycat_machine_type map = cc_map_machine_type;
    const copycat_machine_type *const here[] = {&probe_machine_type, &map, NULL};
    char text[256];

    (void)state;
    map.version++;
    assert_int_equal(outcome_here(here, text), COPYCAT_OK);
    map.version -= 2;
    assert_int_equal(outcome_here(here, text), COPYCAT_ERR_INVALID);
    assert_string_equal(
        text, "the image has a resource of a newer version than this server knows, of type 160");
}

static void a_newer_format_is_told(void **state)
{
    struct taken taken = {0};
    char text[256];

    (void)state;
    taken_add(&taken, (copycat_bytes){whole.bytes, whole.size});
    assert_int_equal(taken.bytes[CC_IMAGE_RECORD_HEADER_SIZE], CC_IMAGE_VERSION);
    taken.bytes[CC_IMAGE_RECORD_HEADER_SIZE]++;
    assert_int_equal(outcome_of(&taken, text), COPYCAT_ERR_NEWER);
    assert_non_null(strstr(text, "newer version of Copycat, number 2"));
    taken_free(&taken);
}

/* ---- without memory -------------------------------------------------------------------------- */

struct scarce {
    struct cc_memory memory;
    struct history *history;
    uint64_t left; /* requests that are granted */
};

static void *scarce_resize(void *context, void *block, size_t size)
{
    struct scarce *scarce = context;
    const struct cc_memory *memory = &scarce->history->counted.memory;

    if (size > 0 && scarce->left == 0) {
        return NULL;
    }
    scarce->left -= size > 0;
    return memory->resize(memory->context, block, size);
}

/* A state whose memory may end, of so many random entries. */
static struct cc_apply *scarce_state(struct scarce *scarce, struct actor *actor, int entries)
{
    struct cc_apply_options own = options;
    struct cc_prng prng = {42};
    struct cc_apply *apply;

    actor_begin(actor, &options);
    actor->lag = 20;
    for (int i = 0; i < entries; i++) {
        actor_random_entry(actor, &prng);
    }
    *scarce = (struct scarce){
        .memory = {scarce_resize, scarce}, .history = &actor->history, .left = UINT64_MAX};
    own.memory = &scarce->memory;
    apply = cc_apply_create(&own);
    for (uint64_t index = 1; index <= actor->history.count; index++) {
        struct cc_entry entry;
        struct cc_outcome outcome;

        assert_true(history_entry_at(&actor->history, index, &entry));
        cc_apply_entry(apply, &entry, &outcome);
    }
    return apply;
}

static void beginning_without_memory_is_refused_and_changes_nothing(void **state)
{
    struct actor actor;
    struct scarce scarce;
    struct cc_apply *apply = scarce_state(&scarce, &actor, 300);
    int64_t blocks = actor.history.counted.blocks;
    uint64_t granted = 0;

    (void)state;
    for (;; granted++) {
        scarce.left = granted;
        if (cc_apply_image_begin(apply)) {
            break;
        }
        assert_int_equal(actor.history.counted.blocks, blocks);
        assert_int_equal(cc_apply_image_index(apply), 0);
    }
    assert_in_range(granted, 3, 20); /* two blocks and what is in one of them */
    assert_true(cc_apply_digest(apply) == cc_apply_digest(actor.history.apply));
    cc_apply_destroy(apply);
    history_deinit(&actor.history);
}

/* Be it for the caller's writer or for what waits in between: the image is to be given up, and the
 * server goes on. */
static void a_step_without_memory_says_so(void **state)
{
    struct actor actor;
    struct scarce scarce;
    struct cc_apply *apply = scarce_state(&scarce, &actor, 300);
    int64_t blocks = actor.history.counted.blocks;
    bool is_more = true;
    uint64_t granted = 0;

    (void)state;
    for (; is_more; granted++) {
        struct cc_writer writer;

        scarce.left = UINT64_MAX;
        assert_true(cc_apply_image_begin(apply));
        cc_writer_init(&writer, &scarce.memory, 64u << 20);
        scarce.left = granted;
        is_more = cc_apply_image_step(apply, &writer, 32u << 20);
        assert_int_equal(writer.failed, is_more);
        cc_apply_image_end(apply);
        cc_writer_deinit(&writer);
        assert_int_equal(actor.history.counted.blocks, blocks);
    }
    assert_in_range(granted, 6, 100);
    cc_apply_destroy(apply);
    history_deinit(&actor.history);
}

/* ---- without memory for what replicated state is of ------------------------------------------ */

static jmp_buf stopped;
static const char *reason;

static void panic(const char *file, int line, const char *expression)
{
    (void)file;
    (void)line;
    reason = expression;
    longjmp(stopped, 1);
}

/* A list node stands before each block, so that what a panic leaves behind can be given back. */
struct listed {
    struct cc_memory memory;
    struct cc_list blocks;
    uint64_t left; /* requests that are granted */
};

static void *listed_resize(void *context, void *bytes, size_t size)
{
    struct listed *listed = context;
    struct cc_list *node = bytes == NULL ? NULL : (struct cc_list *)bytes - 1;

    if (size > 0 && listed->left == 0) {
        return NULL;
    }
    listed->left -= size > 0;
    if (node != NULL) {
        cc_list_remove(node);
    }
    if (size == 0) {
        free(node);
        return NULL;
    }
    node = realloc(node, sizeof *node + size);
    assert_non_null(node);
    cc_list_append(&listed->blocks, node);
    return node + 1;
}

/* True if the image was restored though memory ended after `granted` requests. */
static bool restores(uint64_t granted)
{
    static struct listed listed;
    static struct cc_apply *restored;
    volatile bool is_restored = false;

    listed = (struct listed){.memory = {listed_resize, &listed}, .left = granted};
    cc_list_init(&listed.blocks);
    restored = NULL;
    if (setjmp(stopped) == 0) {
        cc_panic_set(panic);

        copycat_status status = taken_restore(&whole, &options, &listed.memory, &restored, NULL);

        cc_panic_set(NULL);
        assert_int_equal(status, COPYCAT_OK);
        assert_true(cc_apply_digest(restored) == whole_digest);
        cc_apply_destroy(restored);
        assert_true(cc_list_is_empty(&listed.blocks));
        is_restored = true;
    } else {
        cc_panic_set(NULL);
        assert_true(strcmp(reason, "block != NULL") == 0 || strcmp(reason, "grown != NULL") == 0);
        cc_list_each_safe(node, following, &listed.blocks) {
            free(node);
        }
    }
    return is_restored;
}

static void restoring_without_memory_stops_and_makes_nothing_else(void **state)
{
    uint64_t granted = 0;

    (void)state;
    while (!restores(granted)) {
        granted++;
    }
    assert_in_range(granted, 50, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_image_is_taken),
        cmocka_unit_test(a_missing_record_is_noticed),
        cmocka_unit_test(a_doubled_record_is_noticed),
        cmocka_unit_test(two_records_that_changed_places_are_noticed),
        cmocka_unit_test(an_image_that_ends_early_is_noticed),
        cmocka_unit_test(a_changed_byte_is_noticed_or_does_not_matter),
        cmocka_unit_test(
            an_image_that_misses_a_part_of_the_state_is_noticed_though_it_says_so_itself),
        cmocka_unit_test(a_type_that_is_not_known_here_is_told),
        cmocka_unit_test(a_newer_version_of_a_type_is_told_and_an_older_one_is_welcome),
        cmocka_unit_test(a_newer_format_is_told),
        cmocka_unit_test(beginning_without_memory_is_refused_and_changes_nothing),
        cmocka_unit_test(a_step_without_memory_says_so),
        cmocka_unit_test(restoring_without_memory_stops_and_makes_nothing_else),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}

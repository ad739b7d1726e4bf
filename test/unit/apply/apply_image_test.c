/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_image_test -- an image is of one index, whatever is applied meanwhile, and makes the state it
 * was taken of, with the same future.
 */
#include "actor.h"
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
    .types = types, .catalog = &cc_catalog_machine_type, .answers_max = 64};

static void begin(struct actor *actor, struct cc_prng *prng, int entries)
{
    probe_reset();
    actor_begin(actor, &options);
    actor->lag = 20;
    for (int i = 0; i < entries; i++) {
        actor_random_entry(actor, prng);
    }
}

static void assert_same_outcome(const struct cc_outcome *left, const struct cc_outcome *right)
{
    assert_int_equal(left->kind, right->kind);
    assert_int_equal(left->session, right->session);
    assert_int_equal(left->timeout_us, right->timeout_us);
    assert_int_equal(left->is_refused, right->is_refused);
    assert_int_equal(left->is_ended, right->is_ended);
    assert_int_equal(left->answer.status, right->answer.status);
    assert_int_equal(left->answer.index, right->answer.index);
    assert_int_equal(left->answer.result.size, right->answer.result.size);
    if (left->answer.result.size > 0) {
        assert_memory_equal(
            left->answer.result.data, right->answer.result.data, left->answer.result.size);
    }
}

/* Applies to `other` what the actor's state has and it has not. */
static void catch_up(struct cc_apply *other, struct actor *actor)
{
    for (uint64_t index = cc_apply_index(other) + 1; index <= actor->history.count; index++) {
        struct cc_entry entry;
        struct cc_outcome outcome;

        assert_true(history_entry_at(&actor->history, index, &entry));
        cc_apply_entry(other, &entry, &outcome);
        if (index == actor->history.count) {
            assert_same_outcome(&outcome, &actor->history.outcome);
        }
    }
    assert_true(cc_apply_digest(other) == cc_apply_digest(actor->history.apply));
}

/* The last answers once more: they are remembered, and nothing runs again. */
static void repeat(struct actor *actor, uint64_t back)
{
    (void)history_command(
        &actor->history, &(struct cc_command){
                             .session = actor->session,
                             .sequence = actor->sequence - back,
                             .instance = actor->instances[1],
                             .operation = probe_operation('n', 0, 0)});
}

static void a_state_that_was_restored_has_the_digest_and_the_future_of_the_one_it_was_taken_of(
    void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct cc_prng prng = {seed};
        struct actor actor;
        struct taken taken = {0};
        struct cc_apply *restored = NULL;
        struct counted_memory counted;

        begin(&actor, &prng, (int)(seed * seed * 40));
        counted_memory_init(&counted, 0x77);
        taken_take(&taken, &actor.history);
        assert_int_equal(
            taken_restore(&taken, &options, &counted.memory, &restored, NULL), COPYCAT_OK);
        assert_int_equal(cc_apply_index(restored), actor.history.count);
        assert_true(cc_apply_digest(restored) == cc_apply_digest(actor.history.apply));
        for (uint64_t back = 0; back < 20; back++) {
            repeat(&actor, back);
            catch_up(restored, &actor);
        }
        for (int i = 0; i < 400; i++) {
            actor_random_entry(&actor, &prng);
            catch_up(restored, &actor);
        }
        cc_apply_destroy(restored);
        assert_int_equal(counted.blocks, 0);
        taken_free(&taken);
        history_deinit(&actor.history);
    }
}

static void what_is_applied_while_an_image_is_taken_is_not_in_it(void **state)
{
    (void)state;
    for (uint64_t seed = 11; seed <= 16; seed++) {
        struct cc_prng prng = {seed};
        struct actor actor;
        struct taken at_once = {0};
        struct taken slowly = {0};
        struct cc_apply *restored = NULL;
        struct counted_memory counted;

        begin(&actor, &prng, 600);
        counted_memory_init(&counted, 0x77);
        taken_take(&at_once, &actor.history);

        uint64_t digest = cc_apply_digest(actor.history.apply);
        uint64_t index = actor.history.count;

        taken_begin(&actor.history);
        assert_int_equal(cc_apply_image_index(actor.history.apply), index);
        assert_true(cc_apply_image_digest(actor.history.apply) == digest);
        do {
            for (uint64_t i = cc_prng_below(&prng, 12); i > 0; i--) {
                actor_random_entry(&actor, &prng);
            }
        } while (taken_step(&slowly, &actor.history, 1 + cc_prng_below(&prng, 200)));
        cc_apply_image_end(actor.history.apply);
        assert_int_equal(cc_apply_image_index(actor.history.apply), 0);

        assert_int_equal(slowly.size, at_once.size);
        assert_memory_equal(slowly.bytes, at_once.bytes, at_once.size);
        assert_int_equal(
            taken_restore(&slowly, &options, &counted.memory, &restored, NULL), COPYCAT_OK);
        assert_true(cc_apply_digest(restored) == digest);
        catch_up(restored, &actor);
        cc_apply_destroy(restored);
        taken_free(&at_once);
        taken_free(&slowly);
        history_deinit(&actor.history);
    }
}

/* Another member has the same state from another past: it restored it, long ago. */
static void members_with_other_pasts_take_the_same_image(void **state)
{
    struct cc_prng prng = {21};
    struct actor actor;
    struct taken first = {0};
    struct taken own = {0};
    struct taken others = {0};
    struct counted_memory counted;
    struct history other = {0};

    (void)state;
    begin(&actor, &prng, 500);
    counted_memory_init(&counted, 0x77);
    taken_take(&first, &actor.history);
    assert_int_equal(
        taken_restore(&first, &options, &counted.memory, &other.apply, NULL), COPYCAT_OK);
    for (int i = 0; i < 1500; i++) {
        actor_random_entry(&actor, &prng);
    }
    catch_up(other.apply, &actor);
    taken_take(&own, &actor.history);
    other.counted = actor.history.counted;
    other.entries = actor.history.entries;
    other.count = actor.history.count;
    taken_take(&others, &other);
    assert_int_equal(own.size, others.size);
    assert_memory_equal(own.bytes, others.bytes, own.size);
    cc_apply_destroy(other.apply);
    taken_free(&first);
    taken_free(&own);
    taken_free(&others);
    history_deinit(&actor.history);
}

/* ---- segments --------------------------------------------------------------------------------- */

/* The commits of an image, which a segment would have. */
static copycat_bytes commits_of(const struct taken *taken)
{
    copycat_bytes left = {taken->bytes, taken->size};
    struct cc_image_record record;

    while (cc_image_record_next(&left, &record) && record.type != CC_IMAGE_END) {
    }
    return left;
}

/* An image that is being taken later, after the one that `before` is. */
struct later {
    struct actor actor;
    struct taken before;
    struct taken expected;
    uint64_t covered;
    struct cc_writer root;
    struct cc_writer commits;
};

static void begin_later(struct later *later, uint64_t seed)
{
    struct cc_prng prng = {seed};
    const struct cc_memory *memory = &later->actor.history.counted.memory;

    *later = (struct later){0};
    begin(&later->actor, &prng, 700);
    taken_take(&later->before, &later->actor.history);
    later->covered = later->actor.history.count;
    for (int i = 0; i < 300; i++) {
        actor_random_entry(&later->actor, &prng);
    }
    taken_take(&later->expected, &later->actor.history);
    taken_begin(&later->actor.history);
    cc_writer_init(&later->root, memory, 64u << 20);
    cc_writer_init(&later->commits, memory, 64u << 20);
    while (cc_apply_image_step(later->actor.history.apply, &later->root, 4096)) {
    }
}

/* Those of the log, then the end. */
static void finish_later(struct later *later)
{
    struct cc_apply *apply = later->actor.history.apply;
    struct cc_entry entry;

    for (uint64_t index = cc_apply_image_next_commit(apply, later->covered); index != 0;
         index = cc_apply_image_next_commit(apply, index)) {
        assert_true(history_entry_at(&later->actor.history, index, &entry));
        (void)cc_apply_image_commit(apply, &later->commits, &entry);
    }
    assert_true(cc_apply_image_finish(apply, &later->root));
    cc_apply_image_end(apply);
}

static void end_later(struct later *later)
{
    cc_writer_deinit(&later->root);
    cc_writer_deinit(&later->commits);
    taken_free(&later->before);
    taken_free(&later->expected);
    history_deinit(&later->actor.history);
}

/* The log may have forgotten what an image covers: commits come from its segments. */
static void live_commits_that_are_copied_out_of_a_segment_make_the_same_image(void **state)
{
    struct later later;
    struct cc_image_record record;
    struct taken merged = {0};
    uint64_t again = 0;
    uint64_t dead = 0;

    (void)state;
    begin_later(&later, 22);
    for (copycat_bytes left = commits_of(&later.before); left.size > 0;) {
        struct cc_apply *apply = later.actor.history.apply;

        assert_true(cc_image_record_next(&left, &record));

        bool is_live = cc_apply_image_has_commit(apply, cc_image_record_index(&record));

        assert_int_equal(cc_apply_image_commit_again(apply, &later.commits, &record), is_live);
        again += is_live;
        dead += !is_live;
    }
    assert_in_range(again, 10, 1000);
    assert_in_range(dead, 10, 1000);
    finish_later(&later);
    taken_add(&merged, (copycat_bytes){later.root.data, later.root.size});
    taken_add(&merged, (copycat_bytes){later.commits.data, later.commits.size});
    assert_int_equal(merged.size, later.expected.size);
    assert_memory_equal(merged.bytes, later.expected.bytes, merged.size);
    taken_free(&merged);
    end_later(&later);
}

static void a_segment_that_is_kept_gives_what_lives_of_it_and_nothing_else(void **state)
{
    struct later later;
    struct cc_image_record record;
    struct taken merged = {0};
    struct cc_apply *restored = NULL;
    struct cc_apply *apply;
    uint64_t live = 0;

    (void)state;
    begin_later(&later, 23);
    apply = later.actor.history.apply;
    for (copycat_bytes left = commits_of(&later.before); left.size > 0;) {
        assert_true(cc_image_record_next(&left, &record));
        live += cc_apply_image_has_commit(apply, cc_image_record_index(&record));
    }
    cc_apply_image_keep(apply, later.covered, live);
    finish_later(&later);
    taken_add(&merged, (copycat_bytes){later.root.data, later.root.size});
    taken_add(&merged, commits_of(&later.before));
    taken_add(&merged, (copycat_bytes){later.commits.data, later.commits.size});
    assert_true(merged.size > later.expected.size);
    assert_int_equal(
        taken_restore(&merged, &options, &later.actor.history.counted.memory, &restored, NULL),
        COPYCAT_OK);
    assert_true(cc_apply_digest(restored) == cc_apply_digest(apply));
    cc_apply_destroy(restored);
    taken_free(&merged);
    end_later(&later);
}

/* Where no blob stands for any, a commit that lives must have its record somewhere. */
static void an_image_whose_segments_have_not_all_that_lives_is_not_finished(void **state)
{
    static const copycat_machine_type *const maps[] = {&cc_map_machine_type, NULL};
    const struct cc_apply_options own = {.types = maps, .catalog = &cc_catalog_machine_type};
    struct history history;
    struct cc_writer writer;
    uint64_t session;
    uint64_t instance;

    (void)state;
    history_init(&history, &own);
    session = history_open(&history, 1);
    assert_int_equal(
        history_create(&history, session, 1, "/map", cc_map_machine_type.id, &instance),
        COPYCAT_OK);
    taken_begin(&history);
    cc_writer_init(&writer, &history.counted.memory, 64u << 20);
    while (cc_apply_image_step(history.apply, &writer, 4096)) {
    }
    assert_int_equal(cc_apply_image_commit_count(history.apply), 1);
    assert_false(cc_apply_image_finish(history.apply, &writer));
    cc_apply_image_keep(history.apply, history.count, 1);
    assert_true(cc_apply_image_finish(history.apply, &writer));
    cc_apply_image_end(history.apply);
    cc_writer_deinit(&writer);
    history_deinit(&history);
}

static void an_image_that_is_given_up_leaves_nothing_behind(void **state)
{
    struct cc_prng prng = {23};
    struct actor actor;
    struct taken whole = {0};
    bool is_more = true;

    (void)state;
    begin(&actor, &prng, 300);

    int64_t blocks = actor.history.counted.blocks;
    uint64_t digest = cc_apply_digest(actor.history.apply);

    taken_take(&whole, &actor.history);
    for (int steps = 0; is_more; steps++) {
        struct taken part = {0};

        taken_begin(&actor.history);
        for (int i = 0; i < steps && is_more; i++) {
            is_more = taken_step(&part, &actor.history, 1);
        }
        cc_apply_image_end(actor.history.apply);
        assert_int_equal(actor.history.counted.blocks, blocks);
        assert_memory_equal(part.bytes == NULL ? whole.bytes : part.bytes, whole.bytes, part.size);
        taken_free(&part);
    }
    assert_true(cc_apply_digest(actor.history.apply) == digest);
    taken_begin(&actor.history);
    taken_free(&whole);
    history_deinit(&actor.history); /* which ends it */
}

/* ---- sessions that change meanwhile ---------------------------------------------------------- */

static void any_session_command(struct history *history, struct cc_prng *prng, uint64_t session)
{
    struct cc_session_view view;

    if (cc_apply_session(history->apply, session, &view)) {
        uint64_t kept = cc_prng_below(prng, 6);

        (void)history_command(
            history, &(struct cc_command){
                         .session = session,
                         .sequence = view.last_sequence + cc_prng_below(prng, 2) + 1,
                         .answered = view.last_sequence > kept ? view.last_sequence - kept : 0,
                         .instance = 2,
                         .operation = probe_operation('z', cc_prng_below(prng, 3000), 0)});
    }
}

static void any_session_entry(struct history *history, struct cc_prng *prng)
{
    uint64_t session =
        cc_apply_session_after(history->apply, cc_prng_below(prng, history->count + 1));

    switch (cc_prng_below(prng, 8)) {
    case 0:
        (void)history_open(history, (uint8_t)cc_prng_below(prng, 120));
        break;
    case 1:
        history_close(history, session);
        break;
    case 2:
        history_expire(history, session, cc_prng_below(prng, 2 * history->count));
        break;
    default:
        any_session_command(history, prng, session);
        break;
    }
}

static void sessions_are_in_the_image_as_they_were_whatever_becomes_of_them(void **state)
{
    (void)state;
    for (uint64_t seed = 31; seed <= 50; seed++) {
        struct cc_prng prng = {seed};
        struct history history;
        struct taken at_once = {0};
        struct taken slowly = {0};
        uint64_t probe = 0;

        history_init(&history, &options);
        (void)history_create(
            &history, history_open(&history, 200), 1, "/probe", PROBE_TYPE_ID, &probe);
        for (uint8_t nonce = 0; nonce < 80; nonce++) {
            (void)history_open(&history, nonce);
        }
        for (int i = 0; i < 300; i++) {
            any_session_entry(&history, &prng);
        }
        taken_take(&at_once, &history);
        taken_begin(&history);
        do {
            for (uint64_t i = cc_prng_below(&prng, seed % 4 == 0 ? 40 : 3); i > 0; i--) {
                any_session_entry(&history, &prng);
            }
        } while (taken_step(&slowly, &history, 1 + cc_prng_below(&prng, 20000)));
        cc_apply_image_end(history.apply);
        assert_int_equal(slowly.size, at_once.size);
        assert_memory_equal(slowly.bytes, at_once.bytes, at_once.size);

        /* Given up, with sessions that were kept for it; then once more. */
        taken_begin(&history);
        for (int i = 0; i < 20; i++) {
            any_session_entry(&history, &prng);
        }
        cc_apply_image_end(history.apply);
        assert_true(history_can_be_restored(&history));
        taken_free(&at_once);
        taken_free(&slowly);
        history_deinit(&history);
    }
}

/* ---- answers and pieces of any size ---------------------------------------------------------- */

static void large_answers_are_in_the_image(void **state)
{
    static const uint64_t sizes[] = {0, 1, 60000, 70000, 1u << 20, 300, CC_RESULT_SIZE_MAX};
    struct cc_prng prng = {24};
    struct actor actor;
    struct taken taken = {0};
    struct cc_apply *restored = NULL;
    struct counted_memory counted;
    struct cc_answer answer;

    (void)state;
    begin(&actor, &prng, 10);
    counted_memory_init(&counted, 0x77);
    for (uint32_t i = 0; i < 7; i++) {
        actor_command(&actor, actor.instances[1], probe_operation('z', sizes[i], 0));
    }
    taken_take(&taken, &actor.history);
    assert_int_equal(taken_restore(&taken, &options, &counted.memory, &restored, NULL), COPYCAT_OK);
    for (uint32_t i = 0; i < 7; i++) {
        assert_true(cc_apply_cached(restored, actor.session, actor.sequence - 6 + i, &answer));
        assert_int_equal(answer.result.size, sizes[i]);
    }
    cc_apply_destroy(restored);
    taken_free(&taken);
    history_deinit(&actor.history);
}

/* A machine of more than one piece, some of them empty at the end. */
struct bulk {
    copycat_memory *memory;
    uint64_t pieces; /* restored */
    int step;
};

static void *bulk_create(copycat_memory *memory)
{
    struct bulk *bulk = copycat_memory_take(memory, sizeof *bulk);

    bulk->memory = memory;
    return bulk;
}

static void bulk_destroy(void *machine)
{
    struct bulk *bulk = machine;

    copycat_memory_give(bulk->memory, bulk);
}

static void bulk_apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    (void)machine;
    copycat_context_release(context, commit->index);
}

static void bulk_query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    const struct bulk *bulk = machine;

    copycat_reading_answer(reading, COPYCAT_OK, (copycat_bytes){&bulk->pieces, 8});
    (void)operation;
}

static uint64_t bulk_digest(const void *machine)
{
    (void)machine;
    return 7;
}

static void bulk_freeze(void *machine)
{
    ((struct bulk *)machine)->step = 0;
}

/* 128 KiB always fit, then as much as there is room for, then nothing. */
static bool bulk_step(void *machine, copycat_blob_writer *writer)
{
    static uint8_t bytes[128u << 10];
    struct bulk *bulk = machine;

    bytes[0] = (uint8_t)bulk->step;
    if (bulk->step < 3) {
        assert_true(copycat_blob_write(writer, (copycat_bytes){bytes, sizeof bytes}));
        while (bulk->step == 1 && copycat_blob_write(writer, (copycat_bytes){bytes, 1000})) {
            continue;
        }
    }
    return ++bulk->step <= 3;
}

static void bulk_done(void *machine)
{
    ((struct bulk *)machine)->step = -1;
}

static copycat_status bulk_restore(void *machine, copycat_bytes piece)
{
    struct bulk *bulk = machine;
    const uint8_t *bytes = piece.data;

    assert_int_equal(piece.size >= (128u << 10), bulk->pieces < 3);
    assert_true(piece.size == 0 || bytes[0] == bulk->pieces);
    bulk->pieces++;
    return COPYCAT_OK;
}

static const copycat_machine_type bulk_type = {
    .id = 3,
    .version = 1,
    .name = "bulk",
    .create = bulk_create,
    .destroy = bulk_destroy,
    .apply = bulk_apply,
    .query = bulk_query,
    .digest = bulk_digest,
    .blob_freeze = bulk_freeze,
    .blob_step = bulk_step,
    .blob_done = bulk_done,
    .blob_restore = bulk_restore,
};

static void a_blob_comes_back_in_the_pieces_it_was_written_in(void **state)
{
    static const copycat_machine_type *const bulk_types[] = {&bulk_type, NULL};
    static const struct cc_apply_options bulk_options = {
        .types = bulk_types, .catalog = &cc_catalog_machine_type};
    struct history history;
    struct taken taken = {0};
    struct cc_apply *restored = NULL;
    struct cc_answer answer;
    uint64_t instance = 0;

    (void)state;
    history_init(&history, &bulk_options);
    assert_int_equal(
        history_create(&history, history_open(&history, 1), 1, "/bulk", 3, &instance), COPYCAT_OK);
    taken_take(&taken, &history);
    assert_int_equal(
        taken_restore(&taken, &bulk_options, &history.counted.memory, &restored, NULL), COPYCAT_OK);
    cc_apply_query(restored, instance, (copycat_bytes){"", 0}, &answer);
    assert_int_equal(*(const uint64_t *)answer.result.data, 4);
    cc_apply_destroy(restored);
    taken_free(&taken);
    history_deinit(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_state_that_was_restored_has_the_digest_and_the_future_of_the_one_it_was_taken_of),
        cmocka_unit_test(what_is_applied_while_an_image_is_taken_is_not_in_it),
        cmocka_unit_test(members_with_other_pasts_take_the_same_image),
        cmocka_unit_test(live_commits_that_are_copied_out_of_a_segment_make_the_same_image),
        cmocka_unit_test(a_segment_that_is_kept_gives_what_lives_of_it_and_nothing_else),
        cmocka_unit_test(an_image_whose_segments_have_not_all_that_lives_is_not_finished),
        cmocka_unit_test(an_image_that_is_given_up_leaves_nothing_behind),
        cmocka_unit_test(sessions_are_in_the_image_as_they_were_whatever_becomes_of_them),
        cmocka_unit_test(large_answers_are_in_the_image),
        cmocka_unit_test(a_blob_comes_back_in_the_pieces_it_was_written_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

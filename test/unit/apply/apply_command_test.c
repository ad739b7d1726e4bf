/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_command_test -- a command runs exactly once, whatever is sent twice, early or late.
 */
#include "base/prng.h"
#include "catalog/catalog_machine.h"
#include "support/apply_history.h"
#include "support/probe_machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const copycat_machine_type *const types[] = {&probe_machine_type, NULL};
static const struct cc_apply_options options = {
    .types = types, .catalog = &cc_catalog_machine_type, .answers_max = 8};

static struct history history;
static uint64_t session;
static uint64_t probe;

/* One session, and a probe made by its first command. */
static int setup(void **state)
{
    (void)state;
    history_init(&history, &options);
    session = history_open(&history, 1);
    assert_int_equal(
        history_create(&history, session, 1, "/probe", PROBE_TYPE_ID, &probe), COPYCAT_OK);
    probe_reset();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    history_deinit(&history);
    return 0;
}

static struct cc_answer send(uint64_t sequence, uint64_t answered, copycat_bytes operation)
{
    return history_command(
        &history, &(struct cc_command){
                      .session = session,
                      .sequence = sequence,
                      .answered = answered,
                      .instance = probe,
                      .operation = operation});
}

static struct cc_answer count(uint64_t sequence, uint64_t answered)
{
    return send(sequence, answered, probe_operation('n', 0, 0));
}

static uint64_t number_of(copycat_bytes result)
{
    assert_int_equal(result.size, 8);
    return cc_load_u64(result.data);
}

static uint64_t counted(void)
{
    struct cc_answer answer;

    cc_apply_query(history.apply, probe, (copycat_bytes){NULL, 0}, &answer);
    assert_int_equal(answer.status, COPYCAT_OK);
    return cc_load_u64(answer.result.data);
}

static void a_command_is_answered_by_its_machine(void **state)
{
    struct cc_answer answer = count(2, 1);

    (void)state;
    assert_int_equal(answer.status, COPYCAT_OK);
    assert_int_equal(answer.session, session);
    assert_int_equal(answer.sequence, 2);
    assert_int_equal(answer.index, history.count);
    assert_int_equal(number_of(answer.result), 1);
    assert_int_equal(history.outcome.kind, CC_ENTRY_COMMAND);
    assert_int_equal(history.outcome.session, session);
    assert_int_equal(history.outcome.sequence, 2);
}

static void a_repeated_command_is_answered_again_and_does_not_run(void **state)
{
    struct cc_answer first = count(2, 1);

    (void)state;
    (void)count(3, 1);

    struct cc_answer again = count(2, 1);

    assert_int_equal(again.index, first.index);
    assert_int_equal(number_of(again.result), 1);
    assert_int_equal(counted(), 2);
    assert_true(cc_apply_is_released(history.apply, history.count));
}

static void a_command_whose_answer_was_acknowledged_never_runs_again(void **state)
{
    (void)state;
    (void)count(2, 1);
    (void)count(3, 2);

    struct cc_answer again = count(2, 1);

    assert_int_equal(again.status, COPYCAT_ERR_INVALID);
    assert_false(history.outcome.is_refused);
    assert_int_equal(counted(), 2);
}

static struct cc_answer refusal(uint64_t sequence, uint64_t answered)
{
    uint8_t bytes[64];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_command_encode(
        &writer,
        &(struct cc_command){
            .session = session, .sequence = sequence, .answered = answered, .instance = probe});
    (void)history_add(&history, CC_ENTRY_REFUSAL, (copycat_bytes){writer.data, writer.size});
    return history.outcome.answer;
}

static void a_refused_command_uses_its_number_up_and_does_nothing_else(void **state)
{
    struct cc_answer answer = refusal(2, 1);

    (void)state;
    assert_int_equal(answer.status, COPYCAT_ERR_QUOTA);
    assert_int_equal(answer.session, session);
    assert_int_equal(answer.sequence, 2);
    assert_int_equal(history.outcome.kind, CC_ENTRY_REFUSAL);
    assert_true(cc_apply_is_released(history.apply, history.count));
    assert_int_equal(counted(), 0);
    assert_int_equal(number_of(count(3, 1).result), 1);
    assert_true(history_can_be_restored(&history));
}

/* Another copy of it may be under way, to whoever leads next. */
static void a_command_that_was_refused_never_runs(void **state)
{
    (void)state;
    (void)refusal(2, 1);
    assert_int_equal(count(2, 1).status, COPYCAT_ERR_QUOTA);
    assert_int_equal(counted(), 0);
    assert_true(cc_apply_is_released(history.apply, history.count));
}

static void a_refusal_of_what_has_run_gives_its_answer_again(void **state)
{
    (void)state;
    (void)count(2, 1);

    struct cc_answer again = refusal(2, 1);

    assert_int_equal(again.status, COPYCAT_OK);
    assert_int_equal(number_of(again.result), 1);
    assert_int_equal(refusal(4, 1).status, COPYCAT_ERR_BUSY); /* the third is missing */
    assert_true(history.outcome.is_refused);
    assert_int_equal(counted(), 1);
}

static void a_command_that_comes_before_its_predecessor_waits_for_it(void **state)
{
    (void)state;

    struct cc_answer early = count(3, 1);

    assert_int_equal(early.status, COPYCAT_ERR_BUSY);
    assert_true(history.outcome.is_refused);
    assert_int_equal(counted(), 0);
    assert_int_equal(number_of(count(2, 1).result), 1);
    assert_int_equal(number_of(count(3, 1).result), 2);
    assert_false(history.outcome.is_refused);
}

static void a_full_cache_refuses_without_consuming_and_takes_the_same_number_later(void **state)
{
    (void)state;
    for (uint64_t sequence = 2; sequence < 10; sequence++) {
        assert_int_equal(count(sequence, 1).status, COPYCAT_OK);
    }
    assert_int_equal(count(10, 1).status, COPYCAT_ERR_BUSY);
    assert_true(history.outcome.is_refused);
    assert_int_equal(count(11, 1).status, COPYCAT_ERR_BUSY);
    assert_int_equal(counted(), 8);
    assert_int_equal(number_of(count(10, 9).result), 9);
    assert_int_equal(number_of(count(11, 9).result), 10);
    assert_int_equal(number_of(count(11, 9).result), 10);
}

static void an_acknowledgement_of_the_future_is_not_heard(void **state)
{
    (void)state;
    (void)count(2, 1);
    assert_int_equal(number_of(count(3, 1000).result), 2);
    assert_int_equal(number_of(count(2, 1000).result), 1);
}

static void a_command_of_nobody_is_told_that_its_session_is_gone(void **state)
{
    (void)state;
    session += 1000;
    assert_int_equal(count(1, 0).status, COPYCAT_ERR_SESSION);
    assert_true(cc_apply_is_released(history.apply, history.count));
}

static void an_unknown_resource_is_an_answer_and_consumes_the_number(void **state)
{
    uint64_t known = probe;

    (void)state;
    probe = 12345;
    assert_int_equal(count(2, 1).status, COPYCAT_ERR_UNKNOWN_RESOURCE);
    assert_int_equal(count(2, 1).status, COPYCAT_ERR_UNKNOWN_RESOURCE);
    probe = known;
    assert_int_equal(number_of(count(3, 1).result), 1);
}

static void an_unknown_operation_is_an_answer(void **state)
{
    (void)state;
    assert_int_equal(send(2, 1, probe_operation('?', 0, 0)).status, COPYCAT_ERR_UNKNOWN_OPERATION);
}

static void a_result_that_is_too_large_is_left_out(void **state)
{
    (void)state;

    struct cc_answer answer = send(2, 1, probe_operation('z', CC_RESULT_SIZE_MAX + 1, 0));

    assert_int_equal(answer.status, COPYCAT_ERR_TOO_LARGE);
    assert_int_equal(answer.result.size, 0);
    answer = send(3, 2, probe_operation('z', CC_RESULT_SIZE_MAX, 0));
    assert_int_equal(answer.status, COPYCAT_OK);
    assert_int_equal(answer.result.size, CC_RESULT_SIZE_MAX);
}

static void a_machine_cannot_answer_that_its_command_did_not_run(void **state)
{
    (void)state;
    assert_int_equal(send(2, 1, probe_operation('s', 201, 0)).status, COPYCAT_ERR_INVALID);
    assert_int_equal(send(3, 1, probe_operation('s', 402, 0)).status, COPYCAT_ERR_INVALID);
    assert_int_equal(send(4, 1, probe_operation('s', 107, 0)).status, COPYCAT_ERR_QUOTA);
}

static void only_the_first_answer_counts_and_none_is_ok_and_empty(void **state)
{
    (void)state;

    struct cc_answer answer = send(2, 1, probe_operation('2', 0, 0));

    assert_int_equal(answer.result.size, 5);
    answer = send(3, 1, probe_operation('t', 1, COPYCAT_NONE));
    assert_int_equal(answer.status, COPYCAT_OK);
    assert_int_equal(answer.result.size, 0);
}

static void cached_answers_can_be_asked_for(void **state)
{
    struct cc_answer answer;

    (void)state;
    (void)count(2, 1);
    assert_true(cc_apply_cached(history.apply, session, 2, &answer));
    assert_int_equal(number_of(answer.result), 1);
    assert_int_equal(answer.session, session);
    assert_false(cc_apply_cached(history.apply, session, 1, &answer));
    assert_false(cc_apply_cached(history.apply, session, 3, &answer));
    assert_false(cc_apply_cached(history.apply, session + 1, 1, &answer));
}

static void a_malformed_command_is_answered_as_such_and_changes_nothing(void **state)
{
    struct cc_session_view before;
    struct cc_session_view after;

    (void)state;
    assert_true(cc_apply_session(history.apply, session, &before));
    (void)history_add(&history, CC_ENTRY_COMMAND, (copycat_bytes){"\xff\xff\xff", 3});
    assert_int_equal(history.outcome.answer.status, COPYCAT_ERR_MALFORMED);
    assert_int_equal(history.outcome.session, 0);
    assert_true(cc_apply_session(history.apply, session, &after));
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(cc_apply_is_released(history.apply, history.count));
}

static void a_query_of_nothing_says_so_and_of_something_sees_index_and_time(void **state)
{
    struct cc_answer answer;

    (void)state;
    cc_apply_query(history.apply, 777, (copycat_bytes){NULL, 0}, &answer);
    assert_int_equal(answer.status, COPYCAT_ERR_UNKNOWN_RESOURCE);
    cc_apply_query(history.apply, probe, (copycat_bytes){NULL, 0}, &answer);
    assert_int_equal(cc_load_u64((const uint8_t *)answer.result.data + 8), history.count);
    assert_int_equal(cc_load_u64((const uint8_t *)answer.result.data + 16), history.now_us);
    assert_int_equal(answer.index, history.count);
}

/* One client of the random test: what it has sent and what must have become of it. */
struct client {
    uint64_t session;
    uint64_t last;
    uint64_t acked;
    uint64_t results[4096]; /* by sequence */
};

static void check_random_command(
    struct client *client, const struct cc_command *command, uint64_t *total)
{
    struct cc_answer answer = history_command(&history, command);

    if (command->answered <= client->last && command->answered > client->acked) {
        client->acked = command->answered;
    }
    if (command->sequence <= client->acked) {
        assert_int_equal(answer.status, COPYCAT_ERR_INVALID);
    } else if (command->sequence <= client->last) {
        assert_int_equal(number_of(answer.result), client->results[command->sequence]);
    } else if (command->sequence == client->last + 1 && client->last - client->acked < 8) {
        client->last++;
        client->results[client->last] = ++*total;
        assert_int_equal(number_of(answer.result), *total);
    } else {
        assert_int_equal(answer.status, COPYCAT_ERR_BUSY);
    }
}

static void random_duplicates_gaps_and_late_commands_run_exactly_once(void **state)
{
    enum {
        CLIENTS = 4
    };
    static struct client clients[CLIENTS];
    struct cc_prng prng = {2024};
    uint64_t total = 0;

    (void)state;
    memset(clients, 0, sizeof clients);
    for (uint8_t i = 0; i < CLIENTS; i++) {
        clients[i].session = history_open(&history, (uint8_t)(i + 10));
    }
    for (int step = 0; step < 20000; step++) {
        struct client *client = &clients[cc_prng_below(&prng, CLIENTS)];
        uint64_t sequence = client->last + 3 - cc_prng_below(&prng, 10);

        if (client->last > 4000) {
            break;
        }
        check_random_command(
            client,
            &(struct cc_command){
                .session = client->session,
                .sequence = sequence > INT64_MAX || sequence == 0 ? 1 : sequence,
                .answered = client->last + 1 - cc_prng_below(&prng, client->last + 2) % 9,
                .instance = probe,
                .operation = probe_operation('n', 0, 0)},
            &total);
    }
    assert_true(total > 1000);
    assert_int_equal(counted(), total);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_is_answered_by_its_machine),
        TEST(a_repeated_command_is_answered_again_and_does_not_run),
        TEST(a_command_whose_answer_was_acknowledged_never_runs_again),
        TEST(a_refused_command_uses_its_number_up_and_does_nothing_else),
        TEST(a_command_that_was_refused_never_runs),
        TEST(a_refusal_of_what_has_run_gives_its_answer_again),
        TEST(a_command_that_comes_before_its_predecessor_waits_for_it),
        TEST(a_full_cache_refuses_without_consuming_and_takes_the_same_number_later),
        TEST(an_acknowledgement_of_the_future_is_not_heard),
        TEST(a_command_of_nobody_is_told_that_its_session_is_gone),
        TEST(an_unknown_resource_is_an_answer_and_consumes_the_number),
        TEST(an_unknown_operation_is_an_answer),
        TEST(a_result_that_is_too_large_is_left_out),
        TEST(a_machine_cannot_answer_that_its_command_did_not_run),
        TEST(only_the_first_answer_counts_and_none_is_ok_and_empty),
        TEST(cached_answers_can_be_asked_for),
        TEST(a_malformed_command_is_answered_as_such_and_changes_nothing),
        TEST(a_query_of_nothing_says_so_and_of_something_sees_index_and_time),
        TEST(random_duplicates_gaps_and_late_commands_run_exactly_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_options_test -- what a core is not made from, and what it makes of what recovery found.
 */
#include "raft/raft.h"
#include "support/limited_memory.h"
#include "support/raft_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_US UINT64_C(3600000000)

static struct limited_memory limited;
static struct cc_raft_effects effects;
static struct cc_raft_options options;
static struct cc_raft_start start;
static const struct cc_raft_run runs[] = {{1, 1}, {3, 3}};

static void begin(void)
{
    start = (struct cc_raft_start){.term = 3, .last_index = 5, .runs = runs, .run_count = 2};
    options = (struct cc_raft_options){
        RAFT_PLAIN,
        RAFT_THREE_VOTERS,
    };
    limited_memory_init(&limited);
}

static copycat_status create(void)
{
    struct cc_raft *core = NULL;
    copycat_status status = cc_raft_create(&core, &limited.memory, &options, &start);

    assert_int_equal(status == COPYCAT_OK, core != NULL);
    cc_raft_destroy(core);
    assert_int_equal(limited.blocks, 0);
    return status;
}

/* Each as it may be, and one step beyond. */
#define BOUND(name, field, good, bad)     \
    static void name(bool is_good)        \
    {                                     \
        field = is_good ? (good) : (bad); \
    }

BOUND(id_of_a_member, options.id, 3, 4)
BOUND(id_at_all, options.id, 1, 0)
BOUND(members_at_all, options.member_count, 3, 0)
BOUND(members_that_fit, options.member_count, 3, CC_MEMBERS_MAX + 1)
BOUND(timeout_at_all, options.election_timeout_us, 150000, 0)
BOUND(timeout_that_is_short, options.election_timeout_us, HOUR_US, HOUR_US + 1)
BOUND(longest_promise, options.promise_us_max, HOUR_US, HOUR_US + 1)
BOUND(three_heartbeats, options.heartbeat_interval_us, 50000, 50001)
BOUND(promise_within_the_longest, options.promise_us_max, 100000, 99999)
BOUND(time_that_entries_are_kept, options.keep_us_max, HOUR_US, HOUR_US + 1)
BOUND(drift, options.drift_ppm_max, 499999, 500000)
BOUND(window_of_bytes, options.window_bytes, 1, 0)
BOUND(bytes_of_an_append, options.append_bytes_max, 1, 0)
BOUND(window_of_messages, options.window_messages, 1, 0)
BOUND(window_that_fits, options.window_messages, CC_RAFT_INFLIGHT_MAX, CC_RAFT_INFLIGHT_MAX + 1)
BOUND(uncommitted_at_all, options.uncommitted_max, 1, 0)
BOUND(last_index, start.last_index, CC_INDEX_MAX, CC_INDEX_MAX + 1)
BOUND(term, start.term, CC_TERM_MAX, CC_TERM_MAX + 1)
BOUND(terms_of_the_log, start.run_count, 2, 0)
BOUND(image_within_the_log, start.base_index, 5, 6)
BOUND(damage_within_the_log, start.damaged_from, 5, 6)

static void log_that_follows_its_image(bool is_good)
{
    start.base_index = 4;
    start.first_index = is_good ? 5 : 6;
}

static void log_without_an_image(bool is_good)
{
    start.first_index = is_good ? 1 : 2;
}

static void term_before_the_log(bool is_good)
{
    start.runs = runs + 1; /* of 3 and what follows */
    start.run_count = 1;
    start.base_index = 4;
    start.first_index = is_good ? 4 : 3;
}

static void damage_behind_the_image(bool is_good)
{
    start.base_index = 3;
    start.damaged_from = is_good ? 4 : 3;
}

static void promise_within_a_timeout(bool is_good)
{
    options.promise_us_max = 300000;
    options.promise_us = is_good ? 150000 : 150001;
}

static void voter_at_all(bool is_good)
{
    for (uint32_t i = 0; i < 3; i++) {
        options.members[i].is_voter = is_good && i == 2;
    }
}

static void voters_that_fit(bool is_good)
{
    options.member_count = CC_VOTERS_MAX + 1;
    for (uint32_t i = 0; i <= CC_VOTERS_MAX; i++) {
        options.members[i] = (struct cc_raft_peer_options){i + 1, i < CC_VOTERS_MAX || !is_good};
    }
}

static void makes_no_core_from_options_that_make_no_sense(void **state)
{
    static void (*const bounds[])(bool is_good) = {
        id_of_a_member,
        id_at_all,
        members_at_all,
        members_that_fit,
        voter_at_all,
        voters_that_fit,
        timeout_at_all,
        timeout_that_is_short,
        longest_promise,
        three_heartbeats,
        promise_within_a_timeout,
        promise_within_the_longest,
        time_that_entries_are_kept,
        drift,
        window_of_bytes,
        bytes_of_an_append,
        window_of_messages,
        window_that_fits,
        uncommitted_at_all,
        last_index,
        term,
        terms_of_the_log,
        image_within_the_log,
        damage_within_the_log,
        log_that_follows_its_image,
        log_without_an_image,
        term_before_the_log,
        damage_behind_the_image,
    };

    (void)state;
    for (uint32_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        begin();
        options.heartbeat_interval_us = bounds[i] == timeout_at_all ? 0 : 50000;
        options.promise_us = bounds[i] == timeout_at_all ? 0 : 100000;
        bounds[i](true);
        assert_int_equal(create(), COPYCAT_OK);
        bounds[i](false);
        if (create() != COPYCAT_ERR_INVALID) {
            fail_msg("option %u beyond its bound was taken", i);
        }
    }
}

static void says_that_there_is_no_memory_and_keeps_none(void **state)
{
    size_t refused = 0;

    (void)state;
    begin();
    assert_int_equal(create(), COPYCAT_OK);
    for (size_t bytes = 0; bytes < limited.bytes_peak; bytes += 997) {
        size_t peak = limited.bytes_peak;

        limited_memory_init(&limited);
        limited.bytes_max = bytes;
        assert_int_equal(create(), COPYCAT_ERR_MEMORY);
        limited.bytes_peak = peak;
        refused++;
    }
    assert_true(refused > 10);
}

/* T-001: what is in the log was promised in that term, whatever the record of it says. */
static void believes_an_entry_more_than_a_lower_term(void **state)
{
    struct cc_raft *core;

    (void)state;
    begin();
    start.vote = 2;
    assert_int_equal(cc_raft_create(&core, &limited.memory, &options, &start), COPYCAT_OK);
    assert_int_equal(cc_raft_term(core), 3);
    assert_int_equal(cc_raft_vote(core), 2);
    cc_raft_destroy(core);
    start.term = 2;
    assert_int_equal(cc_raft_create(&core, &limited.memory, &options, &start), COPYCAT_OK);
    assert_int_equal(cc_raft_term(core), 3);
    assert_int_equal(cc_raft_vote(core), 0); /* it was given in another term */
    cc_raft_destroy(core);
}

/* T-067: the life before may have promised the most that is legal. */
static void campaigns_only_when_the_longest_promise_is_over(void **state)
{
    struct cc_raft *core;

    (void)state;
    begin();
    options.promise_us_max = 10 * options.election_timeout_us;
    for (options.seed = 0; options.seed < 50; options.seed++) {
        struct cc_raft_event event = {.kind = CC_RAFT_EVENT_START, .now_us = 1000};

        assert_int_equal(cc_raft_create(&core, &limited.memory, &options, &start), COPYCAT_OK);
        assert_int_equal(cc_raft_step(core, &event, &effects), COPYCAT_OK);
        assert_true(effects.wake_at_us >= 1000 + options.promise_us_max);
        assert_true(
            effects.wake_at_us < 1000 + options.promise_us_max + options.election_timeout_us);
        cc_raft_destroy(core);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_no_core_from_options_that_make_no_sense),
        cmocka_unit_test(says_that_there_is_no_memory_and_keeps_none),
        cmocka_unit_test(believes_an_entry_more_than_a_lower_term),
        cmocka_unit_test(campaigns_only_when_the_longest_promise_is_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

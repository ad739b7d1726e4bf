/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_replies_test -- the window of answers: what is fresh, what is kept, what is forgotten.
 */
#include "base/prng.h"
#include "session/session_replies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t asked; /* for memory, so far */

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    asked += size > 0;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory memory = {resize, NULL};
static const struct cc_reply_limits limits = {.answers_max = 8, .bytes_max = 100};

static void record(struct cc_session_replies *replies, const char *text)
{
    cc_session_replies_record(
        replies, &memory, replies->applied + 100, COPYCAT_OK, (copycat_bytes){text, strlen(text)});
}

static enum cc_reply_verdict verdict(const struct cc_session_replies *replies, uint64_t sequence)
{
    return cc_session_replies_classify(replies, &limits, sequence);
}

static void the_first_sequence_is_one(void **state)
{
    struct cc_session_replies replies;

    (void)state;
    cc_session_replies_init(&replies);
    assert_int_equal(verdict(&replies, 0), CC_REPLY_GONE);
    assert_int_equal(verdict(&replies, 1), CC_REPLY_FRESH);
    assert_int_equal(verdict(&replies, 2), CC_REPLY_EARLY);
    cc_session_replies_deinit(&replies, &memory);
}

static void an_answer_is_kept_until_it_is_acknowledged(void **state)
{
    struct cc_session_replies replies;

    (void)state;
    cc_session_replies_init(&replies);
    record(&replies, "one");
    record(&replies, "a second answer, quite a bit longer than one");
    assert_int_equal(verdict(&replies, 2), CC_REPLY_REPEATED);

    copycat_bytes result = cc_reply_result(cc_session_replies_find(&replies, 2));

    assert_int_equal(result.size, 44);
    assert_memory_equal(result.data, "a second answer", 15);
    assert_true(cc_session_replies_acknowledge(&replies, &memory, 1));
    assert_int_equal(verdict(&replies, 1), CC_REPLY_GONE);
    assert_null(cc_session_replies_find(&replies, 1));
    assert_int_equal(verdict(&replies, 2), CC_REPLY_REPEATED);
    cc_session_replies_deinit(&replies, &memory);
}

static void an_acknowledgement_of_the_future_changes_nothing(void **state)
{
    struct cc_session_replies replies;

    (void)state;
    cc_session_replies_init(&replies);
    record(&replies, "one");
    assert_false(cc_session_replies_acknowledge(&replies, &memory, 2));
    assert_non_null(cc_session_replies_find(&replies, 1));
    cc_session_replies_deinit(&replies, &memory);
}

static void an_old_acknowledgement_is_ignored(void **state)
{
    struct cc_session_replies replies;

    (void)state;
    cc_session_replies_init(&replies);
    record(&replies, "one");
    record(&replies, "two");
    assert_true(cc_session_replies_acknowledge(&replies, &memory, 2));
    assert_true(cc_session_replies_acknowledge(&replies, &memory, 1));
    assert_int_equal(replies.acked, 2);
    cc_session_replies_deinit(&replies, &memory);
}

static void a_full_window_refuses_and_forgets_that_it_was_asked(void **state)
{
    struct cc_session_replies replies;

    (void)state;
    cc_session_replies_init(&replies);
    for (uint32_t i = 0; i < limits.answers_max; i++) {
        assert_int_equal(verdict(&replies, i + 1), CC_REPLY_FRESH);
        record(&replies, "");
    }
    assert_int_equal(verdict(&replies, 9), CC_REPLY_FULL);
    assert_true(cc_session_replies_acknowledge(&replies, &memory, 1));
    assert_int_equal(verdict(&replies, 9), CC_REPLY_FRESH);
    cc_session_replies_deinit(&replies, &memory);
}

static void bytes_fill_the_window_too(void **state)
{
    char text[101] = {0};
    struct cc_session_replies replies;

    (void)state;
    memset(text, 'x', 100);
    cc_session_replies_init(&replies);
    record(&replies, text);
    assert_int_equal(verdict(&replies, 2), CC_REPLY_FULL);
    assert_int_equal(verdict(&replies, 1), CC_REPLY_REPEATED);
    assert_true(cc_session_replies_acknowledge(&replies, &memory, 1));
    assert_int_equal(replies.bytes, 0);
    assert_int_equal(verdict(&replies, 2), CC_REPLY_FRESH);
    cc_session_replies_deinit(&replies, &memory);
}

/* Two windows that were filled and emptied in different steps, so that their rings differ. */
static void answers_of_usual_size_take_the_memory_of_those_before(void **state)
{
    struct cc_session_replies replies;
    char text[100];

    (void)state;
    memset(text, 'a', sizeof text);
    cc_session_replies_init(&replies);
    for (uint32_t i = 0; i < 200; i++) {
        text[60 + i % 30] = '\0';
        if (i == 8) {
            asked = 0;
        }
        record(&replies, text);
        assert_int_equal(
            cc_reply_result(cc_session_replies_find(&replies, i + 1)).size, strlen(text));
        text[60 + i % 30] = 'a';
        assert_true(i < 3 || cc_session_replies_acknowledge(&replies, &memory, i - 2));
    }
    assert_in_range(asked, 0, 4); /* each slot's has grown once more at most */
    cc_session_replies_deinit(&replies, &memory);
}

static void the_memory_of_a_large_answer_goes_with_its_acknowledgement(void **state)
{
    struct cc_session_replies replies;
    char text[CC_REPLY_KEPT_MAX + 2];

    (void)state;
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = '\0';
    cc_session_replies_init(&replies);
    record(&replies, text);
    assert_non_null(replies.slots[1].result);
    assert_true(cc_session_replies_acknowledge(&replies, &memory, 1));
    assert_null(replies.slots[1].result);
    assert_int_equal(replies.slots[1].room, 0);
    cc_session_replies_deinit(&replies, &memory);
}

static void the_digest_is_that_of_what_is_stored_and_not_of_the_ring(void **state)
{
    struct cc_session_replies wide;
    struct cc_session_replies narrow;

    (void)state;
    cc_session_replies_init(&wide);
    cc_session_replies_init(&narrow);
    for (uint64_t i = 0; i < 8; i++) {
        record(&wide, "an answer of more than sixteen bytes");
    }
    assert_true(cc_session_replies_acknowledge(&wide, &memory, 7));
    for (uint64_t i = 0; i < 8; i++) {
        record(&narrow, "an answer of more than sixteen bytes");
        assert_true(cc_session_replies_acknowledge(&narrow, &memory, i));
    }
    assert_true(cc_session_replies_acknowledge(&narrow, &memory, 7));
    assert_int_not_equal(wide.capacity, narrow.capacity);
    assert_int_equal(wide.digest, narrow.digest);
    assert_int_not_equal(wide.digest, 0);
    cc_session_replies_deinit(&wide, &memory);
    cc_session_replies_deinit(&narrow, &memory);
}

/* The window against a plain array of every answer there ever was. */
static void random_records_and_acknowledgements_agree_with_an_array(void **state)
{
    enum {
        STEPS = 20000
    };
    struct cc_prng prng = {7};
    struct cc_session_replies replies;
    char(*texts)[40] = calloc(STEPS + 2, sizeof *texts);

    (void)state;
    assert_non_null(texts);
    cc_session_replies_init(&replies);
    for (int i = 0; i < STEPS; i++) {
        uint64_t sequence = replies.applied + 3 - cc_prng_below(&prng, 14);

        if (cc_prng_below(&prng, 3) == 0) {
            uint64_t ack = replies.applied + 2 - cc_prng_below(&prng, 6);

            assert_int_equal(
                cc_session_replies_acknowledge(&replies, &memory, ack), ack <= replies.applied);
        }
        sequence = sequence > INT64_MAX ? 0 : sequence;
        switch (verdict(&replies, sequence)) {
        case CC_REPLY_FRESH:
            assert_int_equal(sequence, replies.applied + 1);
            memset(texts[sequence], 'a' + (int)(sequence % 26), cc_prng_below(&prng, 39));
            record(&replies, texts[sequence]);
            break;
        case CC_REPLY_REPEATED: {
            copycat_bytes result = cc_reply_result(cc_session_replies_find(&replies, sequence));

            assert_int_equal(result.size, strlen(texts[sequence]));
            assert_memory_equal(result.data, texts[sequence], result.size);
            break;
        }
        case CC_REPLY_EARLY:
            assert_true(sequence > replies.applied + 1);
            break;
        case CC_REPLY_GONE:
            assert_true(sequence <= replies.acked);
            break;
        case CC_REPLY_FULL:
            assert_true(
                replies.applied - replies.acked == limits.answers_max ||
                replies.bytes >= limits.bytes_max);
            break;
        }
    }
    assert_true(replies.applied > STEPS / 40);
    cc_session_replies_deinit(&replies, &memory);
    free(texts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_sequence_is_one),
        cmocka_unit_test(an_answer_is_kept_until_it_is_acknowledged),
        cmocka_unit_test(an_acknowledgement_of_the_future_changes_nothing),
        cmocka_unit_test(an_old_acknowledgement_is_ignored),
        cmocka_unit_test(a_full_window_refuses_and_forgets_that_it_was_asked),
        cmocka_unit_test(bytes_fill_the_window_too),
        cmocka_unit_test(answers_of_usual_size_take_the_memory_of_those_before),
        cmocka_unit_test(the_memory_of_a_large_answer_goes_with_its_acknowledgement),
        cmocka_unit_test(the_digest_is_that_of_what_is_stored_and_not_of_the_ring),
        cmocka_unit_test(random_records_and_acknowledgements_agree_with_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

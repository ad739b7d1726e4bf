/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_table_test -- sessions by id, by nonce and in order.
 */
#include "session/session_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory memory = {resize, NULL};

static void make_nonce(uint64_t number, uint8_t nonce_out[CC_NONCE_SIZE])
{
    memset(nonce_out, 0, CC_NONCE_SIZE);
    memcpy(nonce_out, &number, sizeof number);
}

static struct cc_session *open_session(struct cc_session_table *table, uint64_t id)
{
    uint8_t nonce[CC_NONCE_SIZE];

    make_nonce(id, nonce);
    return cc_session_table_open(table, id, nonce, 5000000);
}

static void a_session_is_found_by_its_id_and_by_its_nonce(void **state)
{
    uint8_t nonce[CC_NONCE_SIZE];
    struct cc_session_table table;

    (void)state;
    cc_session_table_init(&table, &memory);

    struct cc_session *session = open_session(&table, 7);

    make_nonce(7, nonce);
    assert_ptr_equal(cc_session_table_find(&table, 7), session);
    assert_ptr_equal(cc_session_table_find_nonce(&table, nonce), session);
    make_nonce(8, nonce);
    assert_null(cc_session_table_find_nonce(&table, nonce));
    assert_null(cc_session_table_find(&table, 0));
    cc_session_table_deinit(&table);
}

static void an_ended_session_is_found_no_more(void **state)
{
    uint8_t nonce[CC_NONCE_SIZE];
    struct cc_session_table table;

    (void)state;
    cc_session_table_init(&table, &memory);
    cc_session_table_end(&table, open_session(&table, 7));
    make_nonce(7, nonce);
    assert_null(cc_session_table_find(&table, 7));
    assert_null(cc_session_table_find_nonce(&table, nonce));
    assert_int_equal(table.count, 0);
    assert_int_equal(table.digest, 0);
    cc_session_table_deinit(&table);
}

static void sessions_are_walked_in_order_of_id_also_from_one_that_has_ended(void **state)
{
    struct cc_session_table table;
    uint64_t seen = 0;
    uint64_t id = 0;

    (void)state;
    cc_session_table_init(&table, &memory);
    for (uint64_t i = 1; i <= 1000; i++) {
        (void)open_session(&table, i * 3);
    }
    for (struct cc_session *session; (session = cc_session_table_after(&table, id)) != NULL;) {
        assert_true(session->id > id);
        id = session->id;
        seen++;
        if (seen % 2 == 0) {
            cc_session_table_end(&table, session);
        }
    }
    assert_int_equal(seen, 1000);
    assert_int_equal(table.count, 500);
    assert_int_equal(cc_session_table_after(&table, 4)->id, 9);
    assert_null(cc_session_table_after(&table, 5000));
    cc_session_table_deinit(&table);
}

static void the_digest_changes_with_everything_that_is_replicated(void **state)
{
    struct cc_session_table table;

    (void)state;
    cc_session_table_init(&table, &memory);

    struct cc_session *session = open_session(&table, 7);
    uint64_t opened = table.digest;

    cc_session_touch(&table, session, 8);

    uint64_t touched = table.digest;

    cc_session_replies_record(&session->replies, &memory, 9, COPYCAT_OK, (copycat_bytes){"yes", 3});
    cc_session_settle(&table, session);

    uint64_t recorded = table.digest;

    assert_true(cc_session_replies_acknowledge(&session->replies, &memory, 1));
    cc_session_settle(&table, session);
    assert_int_not_equal(opened, touched);
    assert_int_not_equal(touched, recorded);
    assert_int_not_equal(recorded, table.digest);
    cc_session_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_found_by_its_id_and_by_its_nonce),
        cmocka_unit_test(an_ended_session_is_found_no_more),
        cmocka_unit_test(sessions_are_walked_in_order_of_id_also_from_one_that_has_ended),
        cmocka_unit_test(the_digest_changes_with_everything_that_is_replicated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

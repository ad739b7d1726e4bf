/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_table_test -- the table of a map, under its machine.
 */
#include "apply/apply_internal.h"
#include "base/hash.h"
#include "base/prng.h"
#include "resource/map/map_table.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct counted_memory counted;
static struct copycat_memory memory;

struct key {
    char text[16];
    copycat_bytes bytes;
};

static copycat_bytes key_of(struct key *key, uint64_t number)
{
    key->bytes.data = key->text;
    key->bytes.size = (size_t)snprintf(key->text, sizeof key->text, "k%u", (unsigned)number);
    return key->bytes;
}

static uint64_t store(
    struct cc_map_table *table, copycat_bytes key, copycat_bytes value, uint64_t index)
{
    struct cc_map_place place = cc_map_table_place(table, key);

    return cc_map_table_put(table, &place, key, value, index);
}

static void put(struct cc_map_table *table, uint64_t number, uint64_t index)
{
    struct key key;
    copycat_bytes value = {&index, sizeof index};

    (void)store(table, key_of(&key, number), value, index);
}

static void drop(struct cc_map_table *table, uint64_t number)
{
    struct key key;

    cc_map_record_give(table, cc_map_table_remove(table, key_of(&key, number)));
}

static void a_record_is_a_key_and_a_value_and_a_result(void **state)
{
    struct cc_map_table table;

    (void)state;
    cc_map_table_init(&table, &memory);
    assert_null(cc_map_table_find(&table, (copycat_bytes){"a", 1}));
    assert_null(cc_map_table_remove(&table, (copycat_bytes){"a", 1}));
    assert_int_equal(store(&table, (copycat_bytes){"a", 1}, (copycat_bytes){"value", 5}, 12), 0);

    const struct cc_map_record *record = cc_map_table_find(&table, (copycat_bytes){"a", 1});

    assert_int_equal(record->index, 12);
    assert_memory_equal(cc_map_record_key(record).data, "a", 1);
    assert_memory_equal(cc_map_record_value(record).data, "value", 5);
    assert_int_equal(cc_map_record_result(record).size, 6);
    assert_memory_equal(cc_map_record_result(record).data, "\1value", 6);
    cc_map_table_clear(&table);
    assert_int_equal(table.digest, 0);
    assert_int_equal(counted.blocks, 0);
}

/* Also to a value that lies where another one lay; and what is not there any more leaves nothing. */
static void a_new_value_takes_the_place_of_the_one_before(void **state)
{
    static const char *const values[] = {"one", "two", "", "three", "threes", "seven"};
    copycat_bytes key = {"a", 1};
    struct cc_map_table table;
    struct cc_map_table plain;

    (void)state;
    cc_map_table_init(&table, &memory);
    for (uint64_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        copycat_bytes value = {values[i], strlen(values[i])};

        assert_int_equal(store(&table, key, value, i + 1), i);
        assert_int_equal(counted.blocks, 2); /* the slots and the record */

        const struct cc_map_record *record = cc_map_table_find(&table, key);

        assert_int_equal(record->index, i + 1);
        assert_int_equal(cc_map_record_value(record).size, value.size);
        assert_memory_equal(cc_map_record_value(record).data, value.data, value.size);
        assert_memory_equal(cc_map_record_key(record).data, "a", 1);
        cc_map_table_verify(&table);
    }
    assert_int_equal(table.count, 1);
    cc_map_table_init(&plain, &memory);
    (void)store(&plain, key, (copycat_bytes){"seven", 5}, 6);
    assert_int_equal(table.digest, plain.digest);
    cc_map_table_clear(&plain);
    cc_map_table_clear(&table);
    assert_int_equal(counted.blocks, 0);
}

static void the_order_depends_neither_on_capacity_nor_on_history(void **state)
{
    struct cc_map_table plain;
    struct cc_map_table winding;
    uint64_t left = 0;
    uint64_t right = 0;

    (void)state;
    cc_map_table_init(&plain, &memory);
    cc_map_table_init(&winding, &memory);
    for (uint64_t i = 0; i < 900; i++) {
        put(&plain, i, i + 1);
    }
    for (uint64_t i = 5000; i > 0; i--) {
        put(&winding, i - 1, i + 70000);
    }
    for (uint64_t i = 0; i < 5000; i++) {
        if (i < 900) {
            put(&winding, i, i + 1);
        } else if (i < 4000) {
            drop(&winding, i);
        }
    }
    for (uint64_t i = 5000; i > 4000; i--) {
        drop(&winding, i - 1);
    }
    assert_int_equal(plain.count, winding.count);
    assert_int_equal(plain.digest, winding.digest);
    for (;;) {
        const struct cc_map_record *one = cc_map_table_next(&plain, &left);
        const struct cc_map_record *two = cc_map_table_next(&winding, &right);

        if (one == NULL || two == NULL) {
            assert_ptr_equal(one, two);
            break;
        }
        assert_int_equal(one->key_size, two->key_size);
        assert_memory_equal(one->bytes, two->bytes, one->key_size);
    }
    cc_map_table_verify(&winding);
    cc_map_table_clear(&plain);
    cc_map_table_clear(&winding);
    assert_int_equal(counted.blocks, 0);
}

/* Records whose hashes are all at the end are made by hand: the run goes on into the tail. */
static void hashes_that_crowd_at_the_end_grow_the_tail(void **state)
{
    struct cc_map_table table;
    uint64_t crowded = 0;

    (void)state;
    cc_map_table_init(&table, &memory);
    for (uint64_t i = 0; i < 4000000 && crowded < 600; i++) {
        struct key key;

        put(&table, i, i + 1);
        if (cc_map_table_find(&table, key_of(&key, i))->hash >> 55 == 511) {
            crowded++;
        } else {
            drop(&table, i);
        }
    }
    assert_int_equal(table.count, 600);
    assert_true(table.tail > 16);
    cc_map_table_verify(&table);
    cc_map_table_clear(&table);
    assert_int_equal(counted.blocks, 0);
}

/* The numbers of `count` keys whose hashes begin with the same seven bits, and some others. */
static void crowd(uint64_t *numbers, uint32_t count, struct cc_prng *prng)
{
    uint64_t number = 0;

    for (uint32_t i = 0; i < count;) {
        struct key key;
        copycat_bytes bytes = key_of(&key, ++number);
        bool is_other = i % 7 == 0;

        if (is_other || cc_hash_bytes(bytes.data, bytes.size, 0) >> 57 == 64) {
            numbers[i++] = number;
        }
    }
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)cc_prng_below(prng, i);
        uint64_t kept = numbers[i - 1];

        numbers[i - 1] = numbers[other];
        numbers[other] = kept;
    }
}

static void keys_that_crowd_one_run_are_found_and_no_others(void **state)
{
    static uint64_t numbers[2000];
    uint32_t count = sizeof numbers / sizeof numbers[0];
    struct cc_prng prng = {5};
    struct cc_map_table table;
    struct key key;

    (void)state;
    crowd(numbers, count, &prng);
    cc_map_table_init(&table, &memory);
    for (uint32_t step = 0; step < 2 * count; step++) {
        if (step < count) {
            put(&table, numbers[step], step + 1);
        } else {
            drop(&table, numbers[step - count]);
        }
        for (uint32_t i = step % 50; i < count; i += 50) {
            bool is_there = step < count ? i <= step : i > step - count;

            assert_true((cc_map_table_find(&table, key_of(&key, numbers[i])) != NULL) == is_there);
        }
        if (step % 100 == 0) {
            cc_map_table_verify(&table);
        }
    }
    assert_int_equal(table.count, 0);
    cc_map_table_clear(&table);
    assert_int_equal(counted.blocks, 0);
}

static void a_walk_begins_after_any_key_be_it_there_or_not(void **state)
{
    struct cc_map_table table;
    struct key key;
    uint64_t position = 0;
    const struct cc_map_record *record;

    (void)state;
    cc_map_table_init(&table, &memory);
    for (uint64_t i = 0; i < 300; i++) {
        put(&table, i, i + 1);
    }
    while ((record = cc_map_table_next(&table, &position)) != NULL) {
        uint64_t from = cc_map_table_seek(&table, cc_map_record_key(record));
        uint64_t again = position;

        assert_ptr_equal(cc_map_table_next(&table, &from), cc_map_table_next(&table, &again));
    }
    for (uint64_t i = 300; i < 600; i++) {
        uint64_t absent = cc_map_table_seek(&table, key_of(&key, i));
        const struct cc_map_record *next = cc_map_table_next(&table, &absent);

        put(&table, i, i + 1);

        uint64_t present = cc_map_table_seek(&table, key.bytes);

        assert_ptr_equal(cc_map_table_next(&table, &present), next);
        drop(&table, i);
    }
    cc_map_table_clear(&table);
}

static void a_table_is_drained_in_parts(void **state)
{
    struct cc_map_table table;

    (void)state;
    for (uint64_t count = 0; count < 3000; count = 3 * count + 1) {
        uint64_t slot = 0;
        uint32_t parts = 1;

        cc_map_table_init(&table, &memory);
        for (uint64_t i = 0; i < count; i++) {
            put(&table, i, i + 1);
        }
        for (; cc_map_table_drain(&table, &slot, 100); parts++) {
            assert_true(counted.blocks > 0);
        }
        assert_int_equal(counted.blocks, count > 0); /* the slots */
        assert_in_range(parts, count / 75 + (count == 0), count / 12 + 2);
        cc_map_table_clear(&table);
        assert_int_equal(counted.blocks, 0);
    }
    cc_map_table_init(&table, &memory);
    for (uint64_t i = 0, slot = 0; i < 1000; i++) {
        put(&table, i, i + 1);
        if (i == 999) {
            (void)cc_map_table_drain(&table, &slot, 100);
        }
    }
    cc_map_table_clear(&table);
    assert_int_equal(counted.blocks, 0);
}

static void random_changes_keep_every_invariant(void **state)
{
    struct cc_prng prng = {77};
    struct cc_map_table table;
    uint64_t range = 10;

    (void)state;
    cc_map_table_init(&table, &memory);
    for (uint64_t i = 1; i < 60000; i++) {
        if (i % 6000 == 0) {
            range = 10 + cc_prng_below(&prng, 3000);
        }
        if (cc_prng_below(&prng, 5) < 2) {
            drop(&table, cc_prng_below(&prng, 3010));
        } else {
            put(&table, cc_prng_below(&prng, range), i);
        }
        if (i % 97 == 0) {
            cc_map_table_verify(&table);
        }
    }
    cc_map_table_clear(&table);
    assert_int_equal(counted.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_a_key_and_a_value_and_a_result),
        cmocka_unit_test(a_new_value_takes_the_place_of_the_one_before),
        cmocka_unit_test(the_order_depends_neither_on_capacity_nor_on_history),
        cmocka_unit_test(hashes_that_crowd_at_the_end_grow_the_tail),
        cmocka_unit_test(keys_that_crowd_one_run_are_found_and_no_others),
        cmocka_unit_test(a_walk_begins_after_any_key_be_it_there_or_not),
        cmocka_unit_test(a_table_is_drained_in_parts),
        cmocka_unit_test(random_changes_keep_every_invariant),
    };

    counted_memory_init(&counted, 0xff);
    memory.memory = &counted.memory;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

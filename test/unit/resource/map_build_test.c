/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map_build_test -- a table that is built at once is the one that putting the records one by one
 * makes, whatever their hashes.
 */
#include "apply/apply_internal.h"
#include "base/prng.h"
#include "resource/map/map_build.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/apply_history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY_SIZE 32u

static struct counted_memory counted;
static struct copycat_memory memory;

struct key {
    uint8_t bytes[KEY_SIZE];
    size_t size;
};

static struct key *keys;
static uint64_t key_count;
static uint64_t key_capacity;

static void add_key(const void *bytes, size_t size)
{
    if (key_count == key_capacity) {
        key_capacity = key_capacity * 2 + 64;
        keys = realloc(keys, key_capacity * sizeof *keys);
        assert_non_null(keys);
    }
    keys[key_count].size = size;
    memcpy(keys[key_count++].bytes, bytes, size);
}

static copycat_bytes key_at(uint64_t i)
{
    return (copycat_bytes){keys[i].bytes, keys[i].size};
}

static void shuffle(struct cc_prng *prng)
{
    for (uint64_t i = key_count; i > 1; i--) {
        uint64_t other = cc_prng_below(prng, i);
        struct key kept = keys[i - 1];

        keys[i - 1] = keys[other];
        keys[other] = kept;
    }
}

/* Keys whose hashes are even, or begin with the bits that are asked for. */
static void make_keys(uint64_t count, uint64_t first_bits, uint32_t bit_count)
{
    char text[KEY_SIZE];

    key_count = 0;
    for (uint64_t number = 0; key_count < count; number++) {
        copycat_bytes key = {text, (size_t)snprintf(text, sizeof text, "k%u", (unsigned)number)};

        if (bit_count == 0 || cc_map_key_hash(key) >> (64 - bit_count) == first_bits) {
            add_key(key.data, key.size);
        }
    }
}

/*
 * Anybody can do that: the first eight bytes are those that the hash mixes them with, so a zero is
 * multiplied by what follows.
 */
static void make_keys_of_one_hash(uint64_t count)
{
    uint8_t key[KEY_SIZE] = {0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe};
    uint64_t hash = 0;

    key_count = 0;
    for (uint64_t number = 0; number < count; number++) {
        copycat_bytes bytes = {key, sizeof key};

        memcpy(key + 8, &number, sizeof number);
        hash = number == 0 ? cc_map_key_hash(bytes) : hash;
        assert_true(cc_map_key_hash(bytes) == hash);
        add_key(key, sizeof key);
    }
}

static struct cc_map_build *gathered(void)
{
    struct cc_map_build *build = cc_map_build_create(&memory);

    for (uint64_t i = 0; i < key_count; i++) {
        cc_map_build_add(build, key_at(i), (copycat_bytes){&i, i % 9}, i + 1);
    }
    return build;
}

static uint64_t build_table(struct cc_map_table *table)
{
    struct cc_map_build *build = gathered();
    uint64_t steps = 1;

    cc_map_table_init(table, &memory);
    for (; cc_map_build_step(build, table); steps++) {
    }
    cc_map_build_destroy(build);
    cc_map_table_verify(table);
    return steps;
}

/* Of equal keys the first stays. */
static void put_table(struct cc_map_table *table)
{
    cc_map_table_init(table, &memory);
    for (uint64_t i = 0; i < key_count; i++) {
        struct cc_map_place place = cc_map_table_place(table, key_at(i));

        if (!place.is_there) {
            (void)cc_map_table_put(table, &place, key_at(i), (copycat_bytes){&i, i % 9}, i + 1);
        }
    }
}

static void assert_built_as_put(void)
{
    struct cc_map_table built;
    struct cc_map_table put;
    uint64_t left = 0;
    uint64_t right = 0;
    const struct cc_map_record *record;

    (void)build_table(&built);
    put_table(&put);
    assert_int_equal(built.count, put.count);
    assert_int_equal(built.capacity, put.capacity);
    assert_true(built.digest == put.digest);
    while ((record = cc_map_table_next(&put, &right)) != NULL) {
        const struct cc_map_record *other = cc_map_table_next(&built, &left);

        assert_non_null(other);
        assert_int_equal(other->index, record->index);
        assert_int_equal(other->value_size, record->value_size);
        assert_memory_equal(other->bytes, record->bytes, record->key_size + 1 + record->value_size);
    }
    assert_null(cc_map_table_next(&built, &left));
    cc_map_table_clear(&built);
    cc_map_table_clear(&put);
    assert_int_equal(counted.blocks, 0);
}

static void a_table_that_is_built_is_the_one_that_putting_makes(void **state)
{
    static const uint64_t counts[] = {1,    2,    11,   12,    13,    24,    25,    1000,
                                      8191, 8192, 8193, 16384, 16385, 50000, 200000};
    struct cc_prng prng = {1};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        make_keys(counts[i], 0, 0);
        shuffle(&prng);
        assert_built_as_put();
    }
}

static void it_takes_what_comes_later_like_any_other(void **state)
{
    struct cc_map_table built;
    struct cc_map_table put;

    (void)state;
    make_keys(9000, 0, 0);
    key_count = 6000;
    (void)build_table(&built);
    put_table(&put);
    key_count = 9000;
    for (uint64_t i = 3000; i < 9000; i++) {
        struct cc_map_table *tables[] = {&built, &put};

        for (int side = 0; side < 2; side++) {
            struct cc_map_place place = cc_map_table_place(tables[side], key_at(i));

            assert_int_equal(place.is_there, i < 6000);
            (void)cc_map_table_put(
                tables[side], &place, key_at(i), (copycat_bytes){"later", 5}, i + 10000);
        }
    }
    for (uint64_t i = 0; i < 8000; i++) {
        cc_map_record_give(&built, cc_map_table_remove(&built, key_at(i)));
        cc_map_record_give(&put, cc_map_table_remove(&put, key_at(i)));
    }
    cc_map_table_verify(&built);
    assert_int_equal(built.count, 1000);
    assert_true(built.digest == put.digest);
    cc_map_table_clear(&built);
    cc_map_table_clear(&put);
    assert_int_equal(counted.blocks, 0);
}

static void of_equal_keys_the_first_stays(void **state)
{
    struct cc_prng prng = {2};

    (void)state;
    for (uint64_t distinct = 1; distinct < 30000; distinct = distinct * 7 + 1) {
        make_keys(distinct, 0, 0);
        for (uint64_t i = 0; i < 20000; i++) {
            struct key again = keys[cc_prng_below(&prng, distinct)];

            add_key(again.bytes, again.size);
        }
        shuffle(&prng);
        assert_built_as_put();
    }
}

/* More of them than one part may have, and than a place of a part. */
static void hashes_that_crowd_or_are_equal_are_sorted_too(void **state)
{
    static const uint64_t counts[] = {2, 15, 16, 17, 18, 100, 20000};
    struct cc_prng prng = {3};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        make_keys_of_one_hash(counts[i]);
        shuffle(&prng);
        assert_built_as_put();
    }
    make_keys(40000, 5, 3);
    shuffle(&prng);
    assert_built_as_put();
    make_keys(3000, 1023, 10);
    assert_built_as_put();
    make_keys_of_one_hash(100);
    for (uint64_t number = 0; number < 30000; number++) {
        add_key(&number, sizeof number);
    }
    shuffle(&prng);
    assert_built_as_put();
}

static void a_large_table_is_built_in_many_small_steps(void **state)
{
    struct cc_map_table table;

    (void)state;
    make_keys(1000, 0, 0);
    assert_int_equal(build_table(&table), 1);
    cc_map_table_clear(&table);
    make_keys(200000, 0, 0);
    assert_in_range(build_table(&table), 200000 / 16384 * 2, 1000);
    cc_map_table_clear(&table);
    make_keys_of_one_hash(40000);
    assert_in_range(build_table(&table), 40000 / 1024, 1000);
    cc_map_table_clear(&table);
}

static void give_up_after(uint64_t steps)
{
    struct cc_map_table table;
    struct cc_map_build *build = gathered();
    bool is_more = true;

    cc_map_table_init(&table, &memory);
    for (uint64_t i = 0; i < steps && is_more; i++) {
        is_more = cc_map_build_step(build, &table);
    }
    cc_map_build_destroy(build);
    cc_map_table_clear(&table);
    assert_int_equal(counted.blocks, 0);
}

static void a_table_that_is_given_up_leaves_nothing_behind(void **state)
{
    struct cc_map_table table;
    struct cc_prng prng = {4};
    uint64_t steps;

    (void)state;
    make_keys_of_one_hash(17000);
    for (uint64_t number = 0; number < 30000; number++) {
        add_key(&number, sizeof number);
    }
    shuffle(&prng);
    steps = build_table(&table);
    cc_map_table_clear(&table);
    for (uint64_t i = 0; i <= steps; i++) {
        give_up_after(i);
    }
    cc_map_build_destroy(NULL);
}

static void *map_with_records(uint64_t restore_steps)
{
    void *map = cc_map_machine_type.create(&memory);
    uint8_t bytes[64];

    for (uint64_t i = 0; i < key_count; i++) {
        struct cc_map_operation operation = {.code = CC_MAP_PUT, .key = key_at(i)};
        struct copycat_commit commit = {.index = i + 1};
        struct cc_writer writer;

        cc_writer_init_fixed(&writer, bytes, sizeof bytes);
        cc_map_operation_encode(&writer, &operation);
        commit.operation = (copycat_bytes){writer.data, writer.size};
        cc_map_machine_type.restore_commit(map, &commit);
    }
    for (uint64_t i = 0; i < restore_steps; i++) {
        (void)cc_map_machine_type.restore_step(map);
    }
    return map;
}

/* Of a large map, all at once would hold up everybody else. */
static void a_map_that_is_given_up_while_it_is_built_goes_in_small_steps(void **state)
{
    (void)state;
    make_keys(50000, 0, 0);
    for (uint64_t steps = 0; steps < 12; steps += 2) {
        int64_t before = counted.blocks;
        void *map = map_with_records(steps);
        int64_t blocks = counted.blocks;
        bool is_more = true;

        assert_true(blocks - before > 50000);
        while (is_more) {
            is_more = cc_map_machine_type.destroy_step(map);
            assert_true(blocks - counted.blocks <= 4096 + 8);
            blocks = counted.blocks;
        }
        cc_map_machine_type.destroy(map);
        assert_true(blocks - counted.blocks <= 8);
        assert_int_equal(counted.blocks, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_that_is_built_is_the_one_that_putting_makes),
        cmocka_unit_test(it_takes_what_comes_later_like_any_other),
        cmocka_unit_test(of_equal_keys_the_first_stays),
        cmocka_unit_test(hashes_that_crowd_or_are_equal_are_sorted_too),
        cmocka_unit_test(a_large_table_is_built_in_many_small_steps),
        cmocka_unit_test(a_table_that_is_given_up_leaves_nothing_behind),
        cmocka_unit_test(a_map_that_is_given_up_while_it_is_built_goes_in_small_steps),
    };
    int failed;

    counted_memory_init(&counted, 0xff);
    memory.memory = &counted.memory;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(keys);
    return failed;
}

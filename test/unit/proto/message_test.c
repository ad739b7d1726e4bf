/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_test -- what is accepted is canonical, tried on the documented vectors with random
 * damage.
 */
#include "base/prng.h"
#include "support/limited_memory.h"
#include "support/message_again.h"
#include "wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 400u

static struct limited_memory limited;
static struct wire_vector vectors[WIRE_VECTORS_MAX];
static size_t vector_count;
static struct cc_writer writer;

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    vector_count = wire_vectors_read(vectors);
    cc_writer_init(&writer, &limited.memory, 65536);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_writer_deinit(&writer);
    return limited.blocks == 0 ? 0 : -1;
}

/* The kind of a vector, and where its body begins. */
static uint16_t kind_of(const struct wire_vector *vector, copycat_bytes *body_out)
{
    static const struct {
        const char *name;
        uint16_t kind;
    } bare[] = {
        {"entry", AGAIN_ENTRY},
        {"session-expire", AGAIN_SESSION_EXPIRE},
        {"mark", AGAIN_MARK},
        {"catalog-open", AGAIN_CATALOG_OPERATION},
        {"catalog-lookup", AGAIN_CATALOG_OPERATION},
        {"catalog-place", AGAIN_CATALOG_PLACE},
    };

    *body_out = (copycat_bytes){vector->bytes, vector->size};
    for (size_t i = 0; i < sizeof bare / sizeof bare[0]; i++) {
        if (strcmp(bare[i].name, vector->name) == 0) {
            return bare[i].kind;
        }
    }
    body_out->data = vector->bytes + CC_FRAME_HEADER_SIZE;
    body_out->size = vector->size - CC_FRAME_HEADER_SIZE;
    return cc_load_u16(vector->bytes + 8);
}

/* The body lies in memory of its own size, so that reading past it is found out. */
static bool is_accepted(uint16_t kind, const uint8_t *bytes, size_t size)
{
    uint8_t *exact = cc_memory_take(&limited.memory, size + 1);
    bool accepted;

    memcpy(exact + 1, bytes, size);
    cc_writer_clear(&writer);
    accepted = message_again(kind, (copycat_bytes){exact + 1, size}, &writer);
    if (accepted) {
        assert_int_equal(writer.size, size);
        assert_memory_equal(writer.data, bytes, size);
    }
    cc_memory_give(&limited.memory, exact);
    return accepted;
}

static void are_coded_again_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        copycat_bytes body;
        uint16_t kind = kind_of(&vectors[i], &body);

        if (!is_accepted(kind, body.data, body.size)) {
            fail_msg("vector %s is refused", vectors[i].name);
        }
    }
}

static bool has_entries(uint16_t kind)
{
    return kind == CC_MESSAGE_APPEND || kind == CC_MESSAGE_REPAIR;
}

static void are_refused_when_they_are_cut_or_something_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        uint8_t bytes[WIRE_VECTOR_SIZE_MAX + 1];
        copycat_bytes body;
        uint16_t kind = kind_of(&vectors[i], &body);

        memcpy(bytes, body.data, body.size);
        bytes[body.size] = 0;
        for (size_t size = 0; size < body.size; size++) {
            if (has_entries(kind) && size + 56 >= body.size) {
                continue; /* entries are checked one by one, behind the head */
            }
            if (is_accepted(kind, bytes, size)) {
                fail_msg("vector %s is accepted when cut to %zu", vectors[i].name, size);
            }
        }
        if (!has_entries(kind)) {
            assert_false(is_accepted(kind, bytes, body.size + 1));
        }
    }
}

/* One or two bytes are changed, added, taken away or doubled. */
static size_t damage(struct cc_prng *prng, uint8_t *bytes, size_t size)
{
    for (uint64_t changes = 1 + cc_prng_below(prng, 2); changes > 0; changes--) {
        size_t at = (size_t)cc_prng_below(prng, size);
        uint8_t random = (uint8_t)cc_prng_next(prng);

        switch (cc_prng_below(prng, 5)) {
        case 0:
            bytes[at] = random;
            break;
        case 1:
            bytes[at] ^= (uint8_t)(1u << random % 8);
            break;
        case 2:
            bytes[at] |= 0x80;
            break;
        case 3:
            memmove(bytes + at + 1, bytes + at, size - at);
            bytes[at] = random % 3 == 0 ? 0xff : random;
            size++;
            break;
        default:
            if (size > 1) {
                memmove(bytes + at, bytes + at + 1, size - at - 1);
                size--;
            }
            break;
        }
    }
    return size;
}

static void are_canonical_or_refused_whatever_is_changed(void **state)
{
    struct cc_prng prng = {2024};
    uint32_t accepted = 0;
    uint32_t refused = 0;

    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        copycat_bytes body;
        uint16_t kind = kind_of(&vectors[i], &body);

        for (uint32_t round = 0; round < ROUNDS; round++) {
            uint8_t bytes[WIRE_VECTOR_SIZE_MAX + 8];
            size_t size;

            memcpy(bytes, body.data, body.size);
            size = damage(&prng, bytes, body.size);
            if (is_accepted(kind, bytes, size)) {
                accepted++;
            } else {
                refused++;
            }
        }
    }
    assert_true(accepted > 500 && refused > 500); /* both were tried */
}

static void are_canonical_or_refused_as_any_other_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        copycat_bytes body;

        (void)kind_of(&vectors[i], &body);
        for (uint32_t kind = 0; kind < AGAIN_KINDS; kind++) {
            (void)is_accepted(again_kinds[kind], body.data, body.size);
        }
    }
}

/* Every field at its largest, coded and read back. */
static void keep_the_largest_numbers(void **state)
{
    struct cc_vote vote = {CC_TERM_MAX, CC_INDEX_MAX, CC_TERM_MAX, true, true};
    struct cc_append_reply reply = {CC_TERM_MAX, true,       CC_INDEX_MAX, CC_INDEX_MAX,
                                    CC_TERM_MAX, UINT64_MAX, UINT64_MAX,   UINT64_MAX};
    struct cc_append append = {
        .term = CC_TERM_MAX,
        .prev_index = CC_INDEX_MAX,
        .prev_term = CC_TERM_MAX,
        .commit = CC_INDEX_MAX,
        .floor = CC_INDEX_MAX,
        .round = UINT64_MAX,
        .sent_at_us = UINT64_MAX};
    struct cc_writer coded;
    uint8_t bytes[128];

    (void)state;
    cc_writer_init_fixed(&coded, bytes, sizeof bytes);
    cc_vote_encode(&coded, &vote);
    assert_true(is_accepted(CC_MESSAGE_VOTE, bytes, coded.size));
    cc_writer_clear(&coded);
    cc_append_reply_encode(&coded, &reply);
    assert_true(is_accepted(CC_MESSAGE_APPEND_REPLY, bytes, coded.size));
    cc_writer_clear(&coded);
    cc_append_encode_head(&coded, &append);
    assert_true(is_accepted(CC_MESSAGE_APPEND, bytes, coded.size));
}

/* What a server passes on, and what the head of a message takes, fits into what peers may send. */
static void fit_into_their_frames(void **state)
{
    (void)state;
    assert_true(CC_FRAME_BODY_CLIENT_MAX + 32 <= CC_FRAME_BODY_PEER_MAX);
    assert_true(CC_RESULT_SIZE_MAX + 64 <= CC_FRAME_BODY_CLIENT_MAX);
    assert_true(CC_ENTRY_PAYLOAD_SIZE_MAX + 64 <= CC_FRAME_BODY_CLIENT_MAX);
    assert_true(
        cc_entry_size(CC_ENTRY_PAYLOAD_SIZE_MAX) + 7 * CC_VARINT_SIZE_MAX <=
        CC_FRAME_BODY_PEER_MAX);
}

/* A HELLO with as many members as there may be is not refused for its size. */
static void lets_the_longest_hello_in(void **state)
{
    struct cc_hello hello = {
        .version_min = 1, .version_max = 1, .kind = CC_HELLO_PEER, .server = 1};

    (void)state;
    hello.members.count = CC_MEMBERS_MAX;
    for (uint32_t i = 0; i < CC_MEMBERS_MAX; i++) {
        hello.members.at[i].id = UINT32_MAX - CC_MEMBERS_MAX + i;
        hello.members.at[i].role = CC_ROLE_LEARNER;
        memset(hello.members.at[i].address, 'a', CC_ADDRESS_SIZE_MAX);
    }
    cc_writer_clear(&writer);
    cc_hello_encode(&writer, &hello);
    assert_true(writer.size <= CC_FRAME_BODY_STRANGER_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(are_coded_again_to_the_same_bytes),
        TEST(are_refused_when_they_are_cut_or_something_follows),
        TEST(are_canonical_or_refused_whatever_is_changed),
        TEST(are_canonical_or_refused_as_any_other_kind),
        TEST(keep_the_largest_numbers),
        TEST(fit_into_their_frames),
        TEST(lets_the_longest_hello_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_test -- lists as people write them, and what is wrong with them in a sentence.
 */
#include "proto/member.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char sentence[200];
static struct cc_members members;

static copycat_status parse(const char *text)
{
    memset(sentence, 0, sizeof sentence);
    return cc_members_parse(text, &members, sentence, sizeof sentence);
}

static void are_parsed_with_ids_roles_and_addresses(void **state)
{
    (void)state;
    assert_int_equal(parse("1=10.0.0.1:4000,2=local:b,40=[::1]:5/learner"), COPYCAT_OK);
    assert_int_equal(members.count, 3);
    assert_int_equal(members.at[0].id, 1);
    assert_int_equal(members.at[0].role, CC_ROLE_VOTER);
    assert_string_equal(members.at[0].address, "10.0.0.1:4000");
    assert_string_equal(members.at[1].address, "local:b");
    assert_int_equal(members.at[2].id, 40);
    assert_int_equal(members.at[2].role, CC_ROLE_LEARNER);
    assert_string_equal(members.at[2].address, "[::1]:5");
    assert_ptr_equal(cc_members_find(&members, 40), &members.at[2]);
    assert_null(cc_members_find(&members, 3));
}

static void check_complaint(const char *text, const char *expected)
{
    assert_int_equal(parse(text), COPYCAT_ERR_INVALID);
    assert_string_equal(sentence, expected);
}

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    check_complaint("", "a member is written ID=ADDRESS, not: ");
    check_complaint("a:1", "a member is written ID=ADDRESS, not: a:1");
    check_complaint("0=a:1", "a member is written ID=ADDRESS, not: 0=a:1");
    check_complaint("4294967296=a:1", "a member is written ID=ADDRESS, not: 4294967296=a:1");
    check_complaint("1=a,x=b,3=c", "a member is written ID=ADDRESS, not: x=b");
    check_complaint("1=a,", "a member is written ID=ADDRESS, not: ");
    check_complaint("1=", "a member is written ID=ADDRESS or ID=ADDRESS/learner, not: 1=");
    check_complaint("1=a b", "a member is written ID=ADDRESS or ID=ADDRESS/learner, not: 1=a b");
    check_complaint("1=a/", "a member is written ID=ADDRESS or ID=ADDRESS/learner, not: 1=a/");
    check_complaint(
        "1=a/witness", "a member is written ID=ADDRESS or ID=ADDRESS/learner, not: 1=a/witness");
    check_complaint("2=a,1=b", "ids must ascend and be listed once: 1=b");
    check_complaint("1=a,1=b", "ids must ascend and be listed once: 1=b");
    check_complaint("1=a/learner", "there must be 1 to 7 voters: 1=a/learner");
    check_complaint("1=a,2=a,3=a,4=a,5=a,6=a,7=a,8=a", "there must be 1 to 7 voters: 1=a");
}

static void knows_how_many_there_may_be(void **state)
{
    char text[400] = "1=a";
    size_t at = 3;

    (void)state;
    for (uint32_t id = 2; id <= CC_MEMBERS_MAX; id++) {
        at += (size_t)snprintf(text + at, sizeof text - at, ",%u=a/learner", id);
    }
    assert_int_equal(parse(text), COPYCAT_OK);
    assert_int_equal(members.count, CC_MEMBERS_MAX);
    (void)snprintf(text + at, sizeof text - at, ",99=b/learner");
    check_complaint(text, "more members than a group may have, from: 99=b/learner");
}

static void takes_addresses_up_to_the_limit(void **state)
{
    char text[CC_ADDRESS_SIZE_MAX + 4] = "1=";

    (void)state;
    memset(text + 2, 'x', CC_ADDRESS_SIZE_MAX);
    assert_int_equal(parse(text), COPYCAT_OK);
    text[CC_ADDRESS_SIZE_MAX + 2] = 'x';
    assert_int_equal(parse(text), COPYCAT_ERR_INVALID);
}

static void leaves_what_was_there_when_it_refuses(void **state)
{
    (void)state;
    assert_int_equal(parse("1=a"), COPYCAT_OK);
    assert_int_equal(parse("2=b,1=c"), COPYCAT_ERR_INVALID);
    assert_int_equal(members.count, 1);
    assert_string_equal(members.at[0].address, "a");
}

static void cuts_its_sentence_to_the_room_there_is(void **state)
{
    char text[8];

    (void)state;
    memset(text, 'z', sizeof text);
    assert_int_equal(cc_members_parse("", &members, text, 5), COPYCAT_ERR_INVALID);
    assert_string_equal(text, "a me");
    assert_int_equal(text[5], 'z');
    assert_int_equal(cc_members_parse("", &members, NULL, 0), COPYCAT_ERR_INVALID);
}

static void match_by_id_role_and_address_but_not_incarnation(void **state)
{
    struct cc_members other;

    (void)state;
    assert_int_equal(parse("1=a,2=b/learner"), COPYCAT_OK);
    other = members;
    other.at[0].incarnation[3] = 1;
    assert_true(cc_members_match(&members, &other));
    other.at[0].address[0] = 'x';
    assert_false(cc_members_match(&members, &other));
    other = members;
    other.at[1].role = CC_ROLE_VOTER;
    assert_false(cc_members_match(&members, &other));
    other = members;
    other.at[1].id = 3;
    assert_false(cc_members_match(&members, &other));
    other = members;
    other.count = 1;
    assert_false(cc_members_match(&members, &other));
}

/* Whether the list is accepted by whoever reads it from the wire. */
static bool is_decoded(void)
{
    uint8_t bytes[8192];
    struct cc_writer writer;
    struct cc_reader reader;
    struct cc_members decoded;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_members_encode(&writer, &members);
    assert_false(writer.failed);
    cc_reader_init(&reader, bytes, writer.size);
    return cc_members_decode(&reader, &decoded) && cc_reader_is_done(&reader) &&
           cc_members_match(&members, &decoded);
}

static void are_read_from_the_wire_as_strictly_as_from_a_person(void **state)
{
    (void)state;
    assert_int_equal(parse("1=a,2=b/learner"), COPYCAT_OK);
    assert_true(is_decoded());
    members.at[1].id = 1;
    assert_false(is_decoded());
    members.at[1].id = 2;
    members.at[0].id = 0;
    assert_false(is_decoded());
    members.at[0].id = 1;
    members.at[1].role = CC_ROLE_WITNESS;
    assert_false(is_decoded());
    members.at[1].role = 0;
    assert_false(is_decoded());
    members.at[1].role = CC_ROLE_LEARNER;
    members.at[1].address[0] = '\n';
    assert_false(is_decoded());
    members.at[1].address[0] = '/';
    assert_false(is_decoded());
    members.at[1].address[0] = '\0';
    assert_false(is_decoded());
    members.count = 1;
    assert_true(is_decoded());
}

static bool is_base(struct cc_base *base)
{
    uint8_t bytes[8192];
    struct cc_writer writer;
    struct cc_base decoded;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_base_encode(&writer, base);
    return cc_base_decode((copycat_bytes){bytes, writer.size}, &decoded);
}

static void make_a_base_only_with_one_to_seven_voters(void **state)
{
    struct cc_base base = {.feature_level = 1};

    (void)state;
    assert_int_equal(parse("1=a,2=b,3=c,4=d,5=e,6=f,7=g,8=h/learner"), COPYCAT_OK);
    base.members = members;
    assert_true(is_base(&base));
    base.members.at[7].role = CC_ROLE_VOTER;
    assert_false(is_base(&base));
    base.members.at[0].role = CC_ROLE_LEARNER;
    base.members.count = 1;
    assert_false(is_base(&base));
    base.members.count = 0;
    assert_false(is_base(&base));
    base.members = members;
    base.feature_level = 0;
    assert_false(is_base(&base));
}

static void are_printed_as_they_are_parsed(void **state)
{
    static const char text[] = "1=a:1,2=unix:/run/copycat/2.socket,30=[::1]:7458/learner";
    uint8_t printed[256];
    struct cc_writer writer;
    char why[128];

    (void)state;
    assert_int_equal(cc_members_parse(text, &members, why, sizeof why), COPYCAT_OK);
    cc_writer_init_fixed(&writer, printed, sizeof printed);
    cc_members_print(&writer, &members);
    assert_int_equal(writer.size, sizeof text - 1);
    assert_memory_equal(printed, text, sizeof text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_parsed_with_ids_roles_and_addresses),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(knows_how_many_there_may_be),
        cmocka_unit_test(takes_addresses_up_to_the_limit),
        cmocka_unit_test(leaves_what_was_there_when_it_refuses),
        cmocka_unit_test(cuts_its_sentence_to_the_room_there_is),
        cmocka_unit_test(match_by_id_role_and_address_but_not_incarnation),
        cmocka_unit_test(are_read_from_the_wire_as_strictly_as_from_a_person),
        cmocka_unit_test(make_a_base_only_with_one_to_seven_voters),
        cmocka_unit_test(are_printed_as_they_are_parsed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

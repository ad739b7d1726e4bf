/* SPDX-License-Identifier: Apache-2.0 */
#include "copycatd/config_members.h"

#include "support/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char learner[] = "/learner";

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t';
}

/* A slash has no place in an address, but for the path of a socket. */
static bool has_bad_role(const char *address)
{
    return strncmp(address, "unix:", 5) != 0 && strchr(address, '/') != NULL;
}

/* One "id=address" without blanks around it; `what` is its text. */
static bool parse_member(
    char *what, struct copycatd_member *member_out, char *wrong_out, size_t wrong_size)
{
    char *address = strchr(what, '=');
    size_t size = strlen(what);
    uint64_t id;

    member_out->is_learner =
        size >= sizeof learner - 1 && strcmp(what + size - (sizeof learner - 1), learner) == 0;
    if (member_out->is_learner) {
        what[size - (sizeof learner - 1)] = '\0';
    }
    if (address == NULL) {
        snprintf(
            wrong_out, wrong_size, "has '%s' where ID=ADDRESS is needed, as in 1=127.0.0.1:7458",
            what);
        return false;
    }
    *address++ = '\0';

    const char *wrong = cmd_uint_parse(what, &id);

    if (wrong != NULL || id == 0 || id > UINT32_MAX) {
        snprintf(
            wrong_out, wrong_size, "has the id '%s', which is no number from 1 to 4294967295",
            what);
        return false;
    }
    if (has_bad_role(address)) {
        snprintf(
            wrong_out, wrong_size, "has '%s', where '%s' is no role; did you mean '/learner'?",
            address, strchr(address, '/'));
        return false;
    }
    wrong = copycatd_address_check(address);
    if (wrong != NULL) {
        snprintf(wrong_out, wrong_size, "has '%s' as address %s, which %s", address, what, wrong);
        return false;
    }
    member_out->id = (uint32_t)id;
    memcpy(member_out->address, address, strlen(address) + 1);
    return true;
}

/* Keeps ids ascending (M1). */
static bool insert_member(
    struct copycatd_members *members,
    const struct copycatd_member *member,
    char *wrong_out,
    size_t wrong_size)
{
    uint32_t place = members->count;

    for (uint32_t i = 0; i < members->count; i++) {
        if (members->at[i].id == member->id) {
            snprintf(wrong_out, wrong_size, "has the id %" PRIu32 " twice", member->id);
            return false;
        }
        if (strcmp(members->at[i].address, member->address) == 0) {
            snprintf(
                wrong_out, wrong_size, "has the address '%s' twice, for %" PRIu32 " and %" PRIu32,
                member->address, members->at[i].id, member->id);
            return false;
        }
    }
    for (; place > 0 && members->at[place - 1].id > member->id; place--) {
        members->at[place] = members->at[place - 1];
    }
    members->at[place] = *member;
    members->count++;
    return true;
}

static bool check_votes(const struct copycatd_members *members, char *wrong_out, size_t wrong_size)
{
    unsigned voters = 0;

    for (uint32_t i = 0; i < members->count; i++) {
        voters += !members->at[i].is_learner;
    }
    if (voters >= 1 && voters <= COPYCATD_VOTERS_MAX) {
        return true;
    }
    snprintf(
        wrong_out, wrong_size, "has %u members with a vote, and there must be 1 to %u", voters,
        COPYCATD_VOTERS_MAX);
    return false;
}

bool copycatd_members_parse(
    const char *text, struct copycatd_members *members_out, char *wrong_out, size_t wrong_size)
{
    /* As long as one member may be, and somewhat longer so that the sentence shows what it is. */
    char what[COPYCATD_ADDRESS_SIZE_MAX + 64];

    members_out->count = 0;
    for (;;) {
        size_t size = strcspn(text, ",");
        const char *next = text + size;
        struct copycatd_member member;

        for (; size > 0 && is_blank(*text); size--) {
            text++;
        }
        while (size > 0 && is_blank(text[size - 1])) {
            size--;
        }
        if (size >= sizeof what || size == 0) {
            snprintf(
                wrong_out, wrong_size, "has a member that is %s",
                size == 0 ? "empty" : "longer than any address");
            return false;
        }
        memcpy(what, text, size);
        what[size] = '\0';
        if (members_out->count == COPYCATD_MEMBERS_MAX) {
            snprintf(wrong_out, wrong_size, "has more than %u members", COPYCATD_MEMBERS_MAX);
            return false;
        }
        if (!parse_member(what, &member, wrong_out, wrong_size) ||
            !insert_member(members_out, &member, wrong_out, wrong_size)) {
            return false;
        }
        if (*next == '\0') {
            return check_votes(members_out, wrong_out, wrong_size);
        }
        text = next + 1;
    }
}

void copycatd_members_format(
    const struct copycatd_members *members, char text_out[COPYCATD_MEMBERS_TEXT_SIZE])
{
    size_t at = 0;

    text_out[0] = '\0';
    for (uint32_t i = 0; i < members->count; i++) {
        const struct copycatd_member *member = &members->at[i];

        at += (size_t)snprintf(
            text_out + at, COPYCATD_MEMBERS_TEXT_SIZE - at, "%s%" PRIu32 "=%s%s", i > 0 ? "," : "",
            member->id, member->address, member->is_learner ? learner : "");
    }
}

const struct copycatd_member *copycatd_members_find(
    const struct copycatd_members *members, uint64_t id)
{
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->at[i].id == id) {
            return &members->at[i];
        }
    }
    return NULL;
}

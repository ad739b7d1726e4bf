/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member -- see member.h.
 */
#include "proto/member.h"

#include "base/assert.h"

#include <string.h>

const struct cc_member *cc_members_find(const struct cc_members *members, uint32_t id)
{
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->at[i].id == id) {
            return &members->at[i];
        }
    }
    return NULL;
}

bool cc_members_match(const struct cc_members *left, const struct cc_members *right)
{
    if (left->count != right->count) {
        return false;
    }
    for (uint32_t i = 0; i < left->count; i++) {
        const struct cc_member *mine = &left->at[i];
        const struct cc_member *theirs = &right->at[i];

        if (mine->id != theirs->id || mine->role != theirs->role ||
            strcmp(mine->address, theirs->address) != 0) {
            return false;
        }
    }
    return true;
}

/* ---- the form in which people write it ------------------------------------------------------- */

/*
 * No blanks, no control characters, no comma; slashes only in unix:/path, the address of a socket
 * in the file system.
 */
static bool is_address(copycat_bytes address)
{
    const char *bytes = address.data;
    bool has_path = address.size > 5 && memcmp(bytes, "unix:", 5) == 0;

    for (size_t i = 0; i < address.size; i++) {
        if ((unsigned char)bytes[i] <= ' ' || bytes[i] == 0x7f || bytes[i] == ',' ||
            (bytes[i] == '/' && !has_path)) {
            return false;
        }
    }
    return address.size > 0;
}

static copycat_status complain(
    char *text_out, size_t text_size, const char *what, const char *where)
{
    size_t at = 0;

    for (; *what != '\0' && at + 1 < text_size; what++) {
        text_out[at++] = *what;
    }
    for (; *where != '\0' && *where != ',' && at + 1 < text_size; where++) {
        text_out[at++] = *where;
    }
    if (text_size > 0) {
        text_out[at] = '\0';
    }
    return COPYCAT_ERR_INVALID;
}

static bool parse_id(const char **at, uint32_t *id_out)
{
    uint64_t id = 0;

    while (**at >= '0' && **at <= '9' && id <= UINT32_MAX) {
        id = id * 10 + (uint64_t)(**at - '0');
        (*at)++;
    }
    *id_out = (uint32_t)id;
    return id > 0 && id <= UINT32_MAX && **at == '=';
}

/* The address and the role after it, up to the comma or the end. */
static bool parse_rest(const char **at, struct cc_member *member)
{
    static const char learner[] = "/learner";
    const size_t suffix = sizeof learner - 1;
    size_t size = 0;
    const char *start = *at;

    while (start[size] != ',' && start[size] != '\0') {
        size++;
    }
    *at = start + size;
    member->role = CC_ROLE_VOTER;
    if (size > suffix && memcmp(start + size - suffix, learner, suffix) == 0) {
        member->role = CC_ROLE_LEARNER;
        size -= suffix;
    }
    if (size > CC_ADDRESS_SIZE_MAX || !is_address((copycat_bytes){start, size})) {
        return false;
    }
    memcpy(member->address, start, size);
    return true;
}

copycat_status cc_members_parse(
    const char *text, struct cc_members *members_out, char *text_out, size_t text_size)
{
    struct cc_members members = {0};
    const char *at = text;
    uint32_t voters = 0;

    for (;;) {
        const char *start = at;

        if (members.count == CC_MEMBERS_MAX) {
            return complain(
                text_out, text_size, "more members than a group may have, from: ", start);
        }

        struct cc_member *member = &members.at[members.count];

        if (!parse_id(&at, &member->id)) {
            return complain(text_out, text_size, "a member is written ID=ADDRESS, not: ", start);
        }
        at++;
        if (!parse_rest(&at, member)) {
            return complain(
                text_out, text_size,
                "a member is written ID=ADDRESS or ID=ADDRESS/learner, not: ", start);
        }
        if (members.count > 0 && member->id <= members.at[members.count - 1].id) {
            return complain(text_out, text_size, "ids must ascend and be listed once: ", start);
        }
        voters += member->role == CC_ROLE_VOTER;
        members.count++;
        if (*at == '\0') {
            break;
        }
        at++;
    }
    if (voters == 0 || voters > CC_VOTERS_MAX) {
        return complain(text_out, text_size, "there must be 1 to 7 voters: ", text);
    }
    *members_out = members;
    return COPYCAT_OK;
}

static void print_number(struct cc_writer *writer, uint32_t number)
{
    char digits[10];
    size_t count = 0;

    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0) {
        cc_write_u8(writer, (uint8_t)digits[--count]);
    }
}

void cc_members_print(struct cc_writer *writer, const struct cc_members *members)
{
    for (uint32_t i = 0; i < members->count; i++) {
        const struct cc_member *member = &members->at[i];

        cc_write_raw(writer, ",", i == 0 ? 0 : 1);
        print_number(writer, member->id);
        cc_write_raw(writer, "=", 1);
        cc_write_raw(writer, member->address, strlen(member->address));
        if (member->role == CC_ROLE_LEARNER) {
            cc_write_raw(writer, "/learner", 8);
        }
    }
}

/* ---- coding ---------------------------------------------------------------------------------- */

void cc_members_encode(struct cc_writer *writer, const struct cc_members *members)
{
    CC_ASSERT(members->count <= CC_MEMBERS_MAX);
    cc_write_varint(writer, members->count);
    for (uint32_t i = 0; i < members->count; i++) {
        const struct cc_member *member = &members->at[i];

        cc_write_varint(writer, member->id);
        cc_write_u8(writer, member->role);
        cc_write_raw(writer, member->incarnation, CC_INCARNATION_SIZE);
        cc_write_counted(writer, (copycat_bytes){member->address, strlen(member->address)});
    }
}

static bool decode_member(struct cc_reader *reader, struct cc_member *member)
{
    uint64_t id = cc_read_varint(reader);

    member->role = cc_read_u8(reader);

    const void *incarnation = cc_read_raw(reader, CC_INCARNATION_SIZE);
    copycat_bytes address = cc_read_counted(reader, CC_ADDRESS_SIZE_MAX);

    if (reader->failed || id == 0 || id > UINT32_MAX || !is_address(address) ||
        (member->role != CC_ROLE_VOTER && member->role != CC_ROLE_LEARNER)) {
        return false;
    }
    member->id = (uint32_t)id;
    memcpy(member->incarnation, incarnation, CC_INCARNATION_SIZE);
    memset(member->address, 0, sizeof member->address);
    memcpy(member->address, address.data, address.size);
    return true;
}

bool cc_members_decode(struct cc_reader *reader, struct cc_members *members_out)
{
    uint64_t count = cc_read_varint(reader);

    *members_out = (struct cc_members){0};
    if (count > CC_MEMBERS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (!decode_member(reader, &members_out->at[i]) ||
            (i > 0 && members_out->at[i].id <= members_out->at[i - 1].id)) {
            return false;
        }
        members_out->count++;
    }
    return !reader->failed;
}

void cc_base_encode(struct cc_writer *writer, const struct cc_base *base)
{
    cc_write_raw(writer, base->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_write_varint(writer, base->feature_level);
    cc_members_encode(writer, &base->members);
}

bool cc_base_decode(copycat_bytes bytes, struct cc_base *base_out)
{
    struct cc_reader reader;
    uint32_t voters = 0;

    cc_reader_init(&reader, bytes.data, bytes.size);

    const void *cluster_id = cc_read_raw(&reader, CC_CLUSTER_ID_SIZE);
    uint64_t feature_level = cc_read_varint(&reader);

    if (!cc_members_decode(&reader, &base_out->members) || !cc_reader_is_done(&reader) ||
        feature_level == 0 || feature_level > UINT32_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < base_out->members.count; i++) {
        voters += base_out->members.at[i].role == CC_ROLE_VOTER;
    }
    base_out->feature_level = (uint32_t)feature_level;
    memcpy(base_out->cluster_id, cluster_id, CC_CLUSTER_ID_SIZE);
    return voters >= 1 && voters <= CC_VOTERS_MAX;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member -- who belongs to a cluster, and the base that says so once and for all.
 */
#ifndef CC_PROTO_MEMBER_H
#define CC_PROTO_MEMBER_H

#include "proto/limits.h"
#include "wire/bytes.h"

#define CC_CLUSTER_ID_SIZE 16u
#define CC_INCARNATION_SIZE 16u

enum cc_role {
    CC_ROLE_VOTER = 1,
    CC_ROLE_LEARNER = 2, /* gets the log, is never counted */
    CC_ROLE_WITNESS = 3, /* reserved in the format: refused by this version */
};

struct cc_member {
    uint32_t id; /* from 1 */
    uint8_t role;
    uint8_t incarnation[CC_INCARNATION_SIZE]; /* random, drawn with the directory (T-012) */
    char address[CC_ADDRESS_SIZE_MAX + 1];
};

/* Ascending by id. */
struct cc_members {
    uint32_t count;
    struct cc_member at[CC_MEMBERS_MAX];
};

/* The founding decision of a cluster (section 6 of the design: unanimous, once). */
struct cc_base {
    uint8_t cluster_id[CC_CLUSTER_ID_SIZE];
    uint32_t feature_level;
    struct cc_members members;
};

/* NULL if not listed. */
const struct cc_member *cc_members_find(const struct cc_members *members, uint32_t id);

/* True if both list the same ids, roles and addresses; incarnations are not compared. */
bool cc_members_match(const struct cc_members *left, const struct cc_members *right);

/*
 * Parses "1=host:port,2=host:port,3=host:port/learner".  INVALID with a sentence in `text_out`
 * (`text_size` bytes) that says what is wrong where.
 */
copycat_status cc_members_parse(
    const char *text, struct cc_members *members_out, char *text_out, size_t text_size);

/* The list as cc_members_parse reads it; cut where the writer is full. */
void cc_members_print(struct cc_writer *writer, const struct cc_members *members);

void cc_members_encode(struct cc_writer *writer, const struct cc_members *members);
bool cc_members_decode(struct cc_reader *reader, struct cc_members *members_out);
void cc_base_encode(struct cc_writer *writer, const struct cc_base *base);
bool cc_base_decode(copycat_bytes bytes, struct cc_base *base_out);

#endif /* CC_PROTO_MEMBER_H */

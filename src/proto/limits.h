/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits -- what bounds every message and entry.  A number that two sides must agree on stands
 * here.
 */
#ifndef CC_PROTO_LIMITS_H
#define CC_PROTO_LIMITS_H

#define CC_VALUE_SIZE_MAX (1u << 20) /* bytes of one value */
#define CC_KEY_SIZE_MAX 4096u        /* bytes of one key */
#define CC_PATH_SIZE_MAX 1024u       /* bytes of one path */
#define CC_RESOURCES_MAX 65536u      /* of one group; every member must have the same limit */
#define CC_OPERATION_SIZE_MAX (2u * CC_VALUE_SIZE_MAX + CC_KEY_SIZE_MAX + 64u) /* a cas */
#define CC_ENTRY_PAYLOAD_SIZE_MAX (CC_OPERATION_SIZE_MAX + 128u)
#define CC_RESULT_SIZE_MAX (CC_VALUE_SIZE_MAX + 1024u)
#define CC_APPEND_BYTES_MAX (4u << 20)   /* encoded entries in one append; one entry always fits */
#define CC_FRAME_BODY_STRANGER_MAX 8192u /* before hello is done; the longest hello fits */
#define CC_FRAME_BODY_CLIENT_MAX (CC_ENTRY_PAYLOAD_SIZE_MAX + 1024u)
#define CC_FRAME_BODY_PEER_MAX (CC_APPEND_BYTES_MAX + CC_ENTRY_PAYLOAD_SIZE_MAX + 4096u)
#define CC_SESSION_ANSWERS_MAX 1024u /* kept for a session; commands under way wait beyond it */
#define CC_SESSION_ANSWER_BYTES_MAX (4u << 20) /* of them; one answer may exceed it */
#define CC_REFUSE_TEXT_SIZE_MAX 1024u
#define CC_MEMBERS_MAX 16u /* voters and learners of one group */
#define CC_VOTERS_MAX 7u
#define CC_ADDRESS_SIZE_MAX 255u
#define CC_IMAGE_PART_SIZE_MAX (64u << 10)
#define CC_BACKUP_PART_SIZE_MAX (256u << 10)
#define CC_BACKUP_WINDOW (1u << 20) /* bytes of a backup on their way to whoever makes it */
#define CC_IMAGE_SIZE_MAX (UINT64_C(1) << 50)
#define CC_RUNS_PER_APPEND_MAX 8u       /* changes of term inside one append */
#define CC_TERM_MAX (UINT64_C(1) << 46) /* above: corruption, not politics (T-011) */
#define CC_INDEX_MAX (UINT64_C(1) << 62)
#define CC_TIME_US_MAX (UINT64_C(1) << 62) /* log time: a deadline can still come after it */
#define CC_SESSION_TIMEOUT_US_MIN UINT64_C(100000)
#define CC_SESSION_TIMEOUT_US_MAX UINT64_C(3600000000)

#endif /* CC_PROTO_LIMITS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_options -- what a server is opened with: does it make sense, and what if it is not said.
 */
#include "server/node/node.h"

#define FILE_SIZE (UINT64_C(64) << 20)
#define BATCH_SIZE_MAX (1u << 20)
#define ELECTION_TIMEOUT_US UINT64_C(1000000)
#define APPEND_BYTES_MAX (256u << 10)
#define WINDOW_BYTES (4u << 20)
#define UNCOMMITTED_MAX 65536u
#define CACHE_BYTES_MAX (UINT64_C(64) << 20)
#define LEND_BYTES_PER_SECOND (UINT64_C(64) << 20)
#define SCRUB_INTERVAL_US (UINT64_C(7) * 24 * 3600 * 1000000)
#define IMAGE_ENTRIES (UINT64_C(1) << 20)
#define SEGMENT_BYTES (UINT64_C(4) << 20)
#define GUESTS_MAX 10000u
#define WAITING_MAX 65536u

copycat_status cc_server_check_options(const struct cc_server_options *options)
{
    uint32_t voters = 0;

    if (options->id == 0 || options->members == NULL || options->directory == NULL ||
        options->types == NULL || cc_members_find(options->members, options->id) == NULL) {
        return COPYCAT_ERR_INVALID;
    }
    for (uint32_t i = 0; i < options->members->count; i++) {
        voters += options->members->at[i].role == CC_ROLE_VOTER;
    }
    return voters >= 1 && voters <= CC_VOTERS_MAX ? COPYCAT_OK : COPYCAT_ERR_INVALID;
}

void cc_server_fill_options(struct cc_server_options *options)
{
#define DEFAULT(field, value) options->field = options->field == 0 ? (value) : options->field
    DEFAULT(file_size, FILE_SIZE);
    DEFAULT(batch_size_max, BATCH_SIZE_MAX);
    DEFAULT(election_timeout_us, ELECTION_TIMEOUT_US);
    DEFAULT(heartbeat_interval_us, options->election_timeout_us / 5);
    DEFAULT(append_bytes_max, APPEND_BYTES_MAX);
    DEFAULT(window_bytes, WINDOW_BYTES);
    DEFAULT(uncommitted_max, UNCOMMITTED_MAX);
    DEFAULT(cache_bytes_max, CACHE_BYTES_MAX);
    DEFAULT(lend_bytes_per_second, LEND_BYTES_PER_SECOND);
    DEFAULT(scrub_interval_us, SCRUB_INTERVAL_US);
    DEFAULT(image_entries, IMAGE_ENTRIES);
    DEFAULT(segment_bytes, SEGMENT_BYTES);
    DEFAULT(keep_bytes, options->file_size);
    DEFAULT(guests_max, GUESTS_MAX);
    DEFAULT(waiting_max, WAITING_MAX);
#undef DEFAULT
}

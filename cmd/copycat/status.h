/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status -- how the members and the cluster are.
 */
#ifndef CLI_STATUS_H
#define CLI_STATUS_H

#include "arguments.h"
#include "standing.h"

/* Returns an exit code. */
int cli_status(const struct cli_arguments *arguments);

/* What the answers say when they are seen together. */
struct cli_summary {
    const copycat_probe *leader; /* what the leader of the newest term says of itself, or NULL */
    uint64_t digest_index;       /* of the digests that were compared; 0: none could be */
    uint32_t digest_count;       /* how many of them were, of the newest index that two share */
    uint32_t voter_count;
    uint32_t answer_count; /* of voters, and only where they take part */
    bool differs;          /* two members at the same index have different digests */
    bool is_mixed;         /* they are of more than one cluster */
};

void cli_status_sum_up(const struct cli_standings *standings, struct cli_summary *summary_out);

/* Exit code of `copycat status`. */
int cli_status_judge(const struct cli_summary *summary);

/* How far the member is behind what the leader has; false if nobody knows. */
bool cli_status_lag(const struct cli_summary *summary, uint32_t id, uint64_t *lag_out);

#endif /* CLI_STATUS_H */

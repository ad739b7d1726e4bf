/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run -- consecutive log entries of one term.  Terms ascend along a log and change rarely, so a
 * log's terms are kept as runs.
 */
#ifndef CC_PROTO_RUN_H
#define CC_PROTO_RUN_H

#include <stdint.h>

/* The entries from `first` up to the next run, or the end, bear `term`. */
struct cc_raft_run {
    uint64_t first;
    uint64_t term;
};

#endif /* CC_PROTO_RUN_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_options -- member 1 of a small cluster, as tests of the core want it: initialisers of a
 * struct cc_raft_options, which a test may follow up with its own.
 */
#ifndef CC_TEST_RAFT_OPTIONS_H
#define CC_TEST_RAFT_OPTIONS_H

#define RAFT_THREE_VOTERS .member_count = 3, .members = {{1, true}, {2, true}, {3, true}}

#define RAFT_THREE_VOTERS_AND_A_LEARNER \
    .member_count = 4, .members = {{1, true}, {2, true}, {3, true}, {4, false}}

/* Timeouts that are told apart easily; a window of four appends, or of one that is full. */
#define RAFT_PLAIN                                                                                \
    .id = 1, .election_timeout_us = 150000, .heartbeat_interval_us = 50000, .promise_us = 100000, \
    .promise_us_max = 150000, .window_bytes = 1000, .window_messages = 4,                         \
    .append_bytes_max = 1000, .uncommitted_max = 100

#endif /* CC_TEST_RAFT_OPTIONS_H */

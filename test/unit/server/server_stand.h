/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_stand -- a small cluster in the simulated world, what its servers say, and bodies to put
 * before them as a peer or a client would.
 */
#ifndef CC_TEST_SERVER_STAND_H
#define CC_TEST_SERVER_STAND_H

#include "sim/cluster.h"

#define STAND_TIMEOUT_US UINT64_C(300000)

extern struct cc_cluster *cluster;

/* Three voters, of whom so many are started.  All of them have a leader, and a log of two terms. */
void stand_make(uint32_t started);
void stand_free(void);

/* Lets things happen for so long; whatever the judge finds fails the test. */
void stand_run(uint64_t time_us);

struct cc_server *stand_server(uint32_t place);
struct cc_group *stand_group(uint32_t place);
uint32_t stand_leader(void);
uint32_t stand_follower(void);

/* The body of the newest frame of that type that a server sent; no data if there was none. */
copycat_bytes stand_said(uint32_t place, uint16_t type);
void stand_forget(void);

/* A body to be written, and what was. */
struct cc_writer *stand_begin(void);
copycat_bytes stand_body(void);

/* As if the body had come from that peer; false: its connection would end. */
bool stand_receive(uint32_t place, uint32_t peer, uint16_t type, copycat_bytes body);

#endif /* CC_TEST_SERVER_STAND_H */

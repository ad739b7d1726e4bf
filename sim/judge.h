/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge -- watches every server after every step, with an eye that no server has: all logs and all
 * platters at once.
 *
 *   one founding         all servers that take part have the same base, for ever
 *   election safety      one leader a term (dissertation 3.4)
 *   one vote             a vote of a term never changes within a life, nor once it was revealed
 *   leader append-only   a leader's log never gets shorter or other (3.5)
 *   log matching         equal (index, term) means equal entry, and equal term before it
 *   leader completeness  a new leader holds every entry applied anywhere in an earlier term
 *   same state           equal index means equal entry and equal digest
 *   durable commit       a committed entry is on the platters of a quorum
 *   safe commit          nobody could be elected any more without a committed entry (figure 3.8)
 *   votes                nobody votes for a log without what he has acknowledged (T-051)
 *   promises             nobody votes while a leader counts on his promise (T-067)
 *   leases               nobody leads a newer term while another's lease holds (6.4.1)
 *   rounds               no leadership is confirmed from when another led a newer term (6.4)
 *   kept promises        what was durable before a crash is there after it; what a server has told
 *                        others (term, vote, match) was durable when it said so
 *   patience             no leader expires a session that it has not waited a timeout for (T-077)
 *   monotony             term, commit, applied and log time never go back within a life
 *   bounds               queues stay within their limits
 *   strangers            who has not said who he is changes nothing
 *   old disks            a server that was put back to an old image is not heard any more
 *
 * All checks look only at what has changed since the last step of that server.
 */
#ifndef CC_SIM_JUDGE_H
#define CC_SIM_JUDGE_H

#include "server/node/node.h"

#include <stdbool.h>
#include <stdint.h>

struct cc_judge;

struct cc_judge *cc_judge_create(uint32_t server_count, uint32_t voter_count);
void cc_judge_destroy(struct cc_judge *judge);

/* A server stands on an image now; from its own callback. */
void cc_judge_restored(
    struct cc_judge *judge, uint32_t place, uint64_t index, uint64_t time_us, uint64_t digest);

/* One entry was applied by a server (0-based place) in its `term`; from the server's own callback.
 */
void cc_judge_applied(
    struct cc_judge *judge,
    uint32_t place,
    uint64_t term,
    const struct cc_entry *entry,
    uint64_t digest);

/* A server has done a step. */
void cc_judge_step(struct cc_judge *judge, uint32_t place, const struct cc_server *server);

/* A server has nothing under way. */
void cc_judge_memory(struct cc_judge *judge, uint32_t place, const struct cc_server *server);

/* A server hands bytes to its network: whole frames.  Checks what it reveals. */
void cc_judge_sends(struct cc_judge *judge, uint32_t place, const void *data, size_t size);

/* A server has crashed, or was closed. */
void cc_judge_down(struct cc_judge *judge, uint32_t place);

/* Comes before it: what was acknowledged in the very pass in which it fails counts. */
void cc_judge_failing(struct cc_judge *judge, uint32_t place, const struct cc_server *server);

/* A server that is down has lost its disk, and with it its identity: it must never take part again. */
void cc_judge_lost(struct cc_judge *judge, uint32_t place);

/* A server that is down goes on with an old image of its disk: it may not be heard any more. */
void cc_judge_rolled_back(struct cc_judge *judge, uint32_t place);

/* Something on a server's disk is not what was written: it may miss what it promised to keep. */
void cc_judge_damaged(struct cc_judge *judge, uint32_t place);

/* A server's state is not what it should be: its digests are not asked for, until it is again. */
void cc_judge_spoiled(struct cc_judge *judge, uint32_t place, bool is_spoiled);

/* What was committed before this judge was there to see it. */
void cc_judge_committed(struct cc_judge *judge, uint64_t index);

/* Would all that is committed survive without this server and those that are lost already? */
bool cc_judge_can_lose(struct cc_judge *judge, uint32_t place);

/* A server has done a step in which it heard nobody but a stranger. */
void cc_judge_stranger(struct cc_judge *judge, uint32_t place, const struct cc_server *server);

/* Clocks may differ by more than leases allow for: then nothing is asked of leases. */
void cc_judge_trusts_clocks(struct cc_judge *judge, bool does);

/* NULL as long as nothing is wrong; else the first thing that was. */
const char *cc_judge_verdict(const struct cc_judge *judge);

/* Somebody else has found something wrong. */
void cc_judge_blame(struct cc_judge *judge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

uint64_t cc_judge_leader_changes(const struct cc_judge *judge);
uint64_t cc_judge_commits(const struct cc_judge *judge);

/* The entry that was applied at an index anywhere; false if there was none. */
struct cc_judged_entry {
    uint64_t term;
    uint64_t applied_term; /* of the server that applied it first */
    uint64_t hash;
    uint64_t digest;
    bool has_digest;     /* else only servers have applied it whose memory is spoiled */
    uint64_t timeout_us; /* SESSION_OPEN: what was asked for */
};

bool cc_judge_entry(
    const struct cc_judge *judge, uint64_t index, struct cc_judged_entry *entry_out);

#endif /* CC_SIM_JUDGE_H */

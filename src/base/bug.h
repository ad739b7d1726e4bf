/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bug -- planted bugs: a build with -DCOPYCAT_BUG=Tnnn lacks the rule that docs/traps.md gives for
 * that trap, so that the tests can be seen to catch it.
 *
 * `CC_BUG(T004)` is a compile-time constant: 1 in a build that plants T004, else 0.  A rule is
 * written `if (!CC_BUG(T004) && ...)`, and the assertion beside it is switched off with it, for the
 * bug has to be found by the judges of the simulator and not by its neighbour.
 */
#ifndef CC_BASE_BUG_H
#define CC_BASE_BUG_H

enum cc_trap {
    CC_TRAP_NONE,
    CC_TRAP_T001, /* term and vote not durable before the reply */
    CC_TRAP_T003, /* votes counted wrongly */
    CC_TRAP_T004, /* old-term entries committed by counting replicas */
    CC_TRAP_T006, /* pre-vote reply carries the voter's stale term */
    CC_TRAP_T007, /* the lower side does not learn the higher term from a refusal */
    CC_TRAP_T008, /* pre-vote without leader stickiness */
    CC_TRAP_T009, /* a leader without a quorum never steps down */
    CC_TRAP_T010, /* alone, a member leads the same term again */
    CC_TRAP_T011, /* a term that nobody can have reached is learned */
    CC_TRAP_T012, /* a server without its disk takes part under its old name */
    CC_TRAP_T013, /* a leader whose disk hangs stays leader */
    CC_TRAP_T015, /* a start is not counted: an earlier life looks like this one */
    CC_TRAP_T016, /* follower acknowledges before its write is durable */
    CC_TRAP_T017, /* leader counts its own copy before its write is durable */
    CC_TRAP_T018, /* a mark is reported with the batch before its own */
    CC_TRAP_T019, /* follower commits beyond what it verified */
    CC_TRAP_T020, /* an old or short append truncates good entries */
    CC_TRAP_T021, /* a follower's commit index goes back with its leader's */
    CC_TRAP_T022, /* answers keyed by index alone */
    CC_TRAP_T023, /* an entry larger than an append is never sent */
    CC_TRAP_T025, /* without memory the answer is an error, on this member alone */
    CC_TRAP_T026, /* the state's digest depends on where it lies in memory */
    CC_TRAP_T031, /* the term of the last entry that was forgotten is forgotten, too */
    CC_TRAP_T032, /* a journal file whose number is left out is not missed */
    CC_TRAP_T034, /* what is released while an image is taken is missing in it */
    CC_TRAP_T036, /* entries are kept for who lags, for ever and without bound */
    CC_TRAP_T039, /* a file is given up before the image that covers it is durable */
    CC_TRAP_T040, /* the table of a file says nothing of term and vote */
    CC_TRAP_T041, /* a file is given up while it is read */
    CC_TRAP_T042, /* an image takes the log's place, and the log stays */
    CC_TRAP_T043, /* an image is fetched and installed while one is taken */
    CC_TRAP_T044, /* an image takes the place of what is committed beyond it */
    CC_TRAP_T045, /* an image without the timers */
    CC_TRAP_T046, /* who could not read the image reads and leads without the state */
    CC_TRAP_T047, /* parts of images go on the connection of heartbeats */
    CC_TRAP_T048, /* an image counts before it is durable */
    CC_TRAP_T050, /* damage taken for a torn tail */
    CC_TRAP_T051, /* what cannot be read is forgotten when voting */
    CC_TRAP_T052, /* damage that reading again finds is left for the next start */
    CC_TRAP_T053, /* a failed sync is tried again */
    CC_TRAP_T054, /* directory not synced */
    CC_TRAP_T056, /* a disk that was full once is never tried again */
    CC_TRAP_T057, /* the size of a record is believed */
    CC_TRAP_T058, /* a file is used again with what is left of its former life */
    CC_TRAP_T059, /* a batch is believed wherever it lies */
    CC_TRAP_T060, /* newcomers get the last descriptor, and without one the journal fails */
    CC_TRAP_T063, /* read before the first commit of the term */
    CC_TRAP_T064, /* read confirmed by a round begun before it */
    CC_TRAP_T065, /* lease counted from the reply */
    CC_TRAP_T066, /* lease kept during a transfer */
    CC_TRAP_T067, /* a restarted voter forgets its promise */
    CC_TRAP_T070, /* follower reads go back in time */
    CC_TRAP_T073, /* expiry that something newer should have stopped */
    CC_TRAP_T074, /* a session that is being expired is confirmed */
    CC_TRAP_T075, /* log time goes backwards */
    CC_TRAP_T077, /* a new leader expires sessions it has never heard */
    CC_TRAP_T078, /* a repeated command runs again once its answer is gone */
    CC_TRAP_T079, /* a command is sent again in a new session */
    CC_TRAP_T080, /* gaps in a session's sequence are accepted */
    CC_TRAP_T084, /* a repeated open makes a second session */
    CC_TRAP_T085, /* a client counts on its session from the answer */
    CC_TRAP_T086, /* a client stays with a server that does not get it on */
    CC_TRAP_T094, /* a machine releases the commit that it has just stored */
    CC_TRAP_T098, /* a server that finds nobody starts a cluster */
    CC_TRAP_T103, /* a restored server founds with one that is empty, or of another restore */
    CC_TRAP_T104, /* a slow follower gets more than its window */
    CC_TRAP_T105, /* what has been applied stays in memory, too */
    CC_TRAP_T107, /* a frame that comes in pieces is forgotten */
    CC_TRAP_T108, /* the size of a frame is believed, and room made for it */
    CC_TRAP_T110, /* output piles up for who does not read */

    /* Another rule of the same trap. */
    CC_TRAP_T026B, /* the digest that the leader alone had is what all have to have */
    CC_TRAP_T034B, /* what a segment has is restored, though it was released since */
    CC_TRAP_T034C, /* a live commit is left out when its segment is written anew */
    CC_TRAP_T036B, /* proposals do not wait for images that lag behind */
    CC_TRAP_T039B, /* the image before is removed before the switch to the new one is durable */
    CC_TRAP_T039C, /* segments of the image before are removed before the switch is durable */
    CC_TRAP_T042B, /* an image is switched to before its file is durable */
    CC_TRAP_T042C, /* an image is not read back before it is switched to */
    CC_TRAP_T043B, /* an image is begun while files of images are swept away */
    CC_TRAP_T052B, /* a segment that the disk refused once is written over */
    CC_TRAP_T056B, /* a server that was short of room once stays so */
    CC_TRAP_T056C, /* an image that would give room is not thought of */
    CC_TRAP_T056D, /* QUOTA is answered before anything in the log says so */
    CC_TRAP_T058B, /* what a process that is gone still writes comes over what is written since */
    CC_TRAP_T043C, /* parts of another image are given, and accepted */
    CC_TRAP_T046B, /* an image is believed whatever its checksums say */
};

#ifndef COPYCAT_BUG
#    define COPYCAT_BUG NONE
#endif

#define CC_BUG_JOIN_(name) CC_TRAP_##name
#define CC_BUG_JOIN(name) CC_BUG_JOIN_(name)
#define CC_BUG(name) (CC_BUG_JOIN(COPYCAT_BUG) == CC_TRAP_##name)

#endif /* CC_BASE_BUG_H */

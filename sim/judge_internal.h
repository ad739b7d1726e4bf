/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge_internal -- what the judge knows, for its own files.
 *
 *     judge.c            who is watched, step by step; founding
 *     judge_log.c        logs: append-only, and equal where their ends are
 *     judge_state.c      what is applied
 *     judge_leaders.c    terms, leases, rounds
 *     judge_votes.c      what a vote may not be given for
 *     judge_platters.c   what is durable
 *     judge_sends.c      what is revealed
 *     judge_images.c     what stands for entries that are no more
 *     judge_bounds.c     how long queues may be
 *     judge_memory.c     what may be held when nothing is under way
 */
#ifndef CC_SIM_JUDGE_INTERNAL_H
#define CC_SIM_JUDGE_INTERNAL_H

#include "sim/judge.h"

/* What is known of one server, also while it is down. */
struct watched {
    const struct cc_server *server; /* NULL: down */
    bool is_up;                     /* has a core, and was seen in this life */
    bool is_lost;                   /* its disk was */
    bool is_rolled_back;            /* to an image that was older */
    bool is_damaged;                /* something on its disk may be */
    bool is_spoiled;                /* its state is another one than it should be */
    uint64_t term;
    uint32_t vote;
    uint64_t last;
    uint64_t stable; /* on its platter */
    uint64_t commit;
    uint64_t applied; /* in this life */
    uint64_t time_us; /* log time of the last applied entry */
    uint64_t *terms;  /* of its entries by index */
    size_t term_capacity;
    uint64_t told_term; /* newest term revealed to others */
    uint32_t told_vote; /* whom a vote of told_vote_term was given to */
    uint64_t told_vote_term;
    uint64_t told_match;  /* newest index acknowledged and not truncated since */
    uint64_t handed_term; /* newest term whose leadership it has offered to another */
    uint64_t asked_term;  /* newest term it has asked votes for, and the end of its log then */
    uint64_t asked_last;
    uint64_t asked_last_term;
    bool asked_as_told; /* by a leader that handed over */
    enum cc_raft_role role;
    uint64_t round; /* newest leadership round begun, and newest confirmed */
    uint64_t confirmed;
    uint64_t *round_terms; /* by round: the newest term that was led when it began */
    size_t round_capacity;
};

struct seen_entry {
    uint64_t key; /* of (index, term); 0: free */
    uint64_t hash;
};

struct cc_judge {
    uint32_t server_count;
    uint32_t voter_count; /* the first of them */
    uint32_t quorum;
    struct watched servers[CC_MEMBERS_MAX];
    struct seen_entry *seen; /* every entry any server ever appended, by (index, term) */
    size_t seen_capacity;
    size_t seen_count;
    struct cc_judged_entry *applied; /* by index */
    uint64_t applied_count;
    size_t applied_capacity;
    uint64_t commit; /* newest anywhere, and its term */
    uint64_t commit_term;
    uint64_t *leaders; /* by term */
    size_t leader_capacity;
    uint64_t leader_term;
    uint64_t leader_changes;
    uint64_t base;        /* hash of the one base; 0: none seen yet */
    uint64_t opened_term; /* of the newest applied entry ... */
    uint64_t opened_us;   /* ... and the log time of the first entry of that term */
    bool trusts_clocks;
    char verdict[512];
};

/* Room for so many, zeroed where it is new. */
void *cc_judge_grow(void *block, size_t *capacity, size_t needed, size_t size);

/* Of all that an entry says but where it stands. */
uint64_t cc_judge_hash(const struct cc_entry *entry);

/* Takes over what a server's log has become since the last look, and what of it is durable. */
void cc_judge_follow(struct cc_judge *judge, uint32_t place, const struct cc_group *group);

/* At the first look into a life: what was promised before must be there. */
void cc_judge_check_promises(struct cc_judge *judge, uint32_t place, const struct cc_group *group);

/* After each step: the term and the vote, and who leads. */
void cc_judge_check_vote(struct cc_judge *judge, uint32_t place, const struct cc_group *group);
void cc_judge_check_role(struct cc_judge *judge, uint32_t place, const struct cc_group *group);
void cc_judge_check_lease(struct cc_judge *judge, uint32_t place, const struct cc_server *server);
void cc_judge_check_rounds(struct cc_judge *judge, uint32_t place, const struct cc_group *group);
void cc_judge_check_commit(struct cc_judge *judge, uint32_t place, const struct cc_group *group);
void cc_judge_check_bounds(struct cc_judge *judge, uint32_t place, const struct cc_server *server);

/* Figure 3.8 of the dissertation: who could still be elected without the entry; UINT32_MAX: nobody.
 */
uint32_t cc_judge_find_usurper(const struct cc_judge *judge, uint64_t index, uint64_t term);

/* The term of an entry of a server's log, or of what its image stands for: that was applied. */
uint64_t cc_judge_term(const struct cc_judge *judge, const struct cc_raft *core, uint64_t index);

/* What a server stands on, after each of its steps. */
void cc_judge_images(struct cc_judge *judge, uint32_t place, const struct cc_group *group);

/* The vote that a server has given in the step at hand, if it has given one. */
void cc_judge_votes(struct cc_judge *judge, uint32_t place, const struct cc_group *group);

#endif /* CC_SIM_JUDGE_INTERNAL_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image -- cleaning by images: taking, switching, forgetting, reusing files, getting, and a crash
 * between any two steps that matter for the disk.  docs/models/README.md says what is left out.
 *
 * An entry is named by its index and its term, so a log, a state and the contents of an image are
 * all the same thing: the terms of the entries 1, 2, ...  Two bits each: a byte holds four.
 *
 * Each option of the loop at the end is one step of one server, or one message.  BUG=number in the
 * environment removes one rule; tools/check_models sees that each of them is missed.
 */
#define MEMBERS 3
#define ENTRIES_MAX 3

/* The rules that can be removed.  tools/check_models reads these lines. */
#define UNCOMMITTED 1  /* an image of what is not committed yet */
#define UNSYNCED 2     /* SWITCH though the file is not durable */
#define REMOVE_EARLY 3 /* the former image goes before SWITCH is durable */
#define FORGET_EARLY 4 /* so do the entries */
#define OVERTAKE 5     /* SWITCH is durable before the entries that it covers */
#define GO_BACK 6      /* an own image, begun before an install, switches after it */
#define SAME_FILE 7    /* an image is taken and fetched at one index at a time */
#define SWEEP_LATE 8   /* strays of the last start are removed while new images are written */
#define INSTALL_OLD 9  /* an image at or below the commit index is installed */
#define DROP_TAIL 10   /* a tail that follows the image is dropped */
#define KEEP_TAIL 11   /* a tail that contradicts the image is kept */
#define STORED_STAYS 12 /* entries that were dropped still count as stored */
#define ACK_EARLY 13   /* an image counts as stored before SWITCH is durable */
#define REUSE_NEEDED 14 /* a file goes though an entry above the base is in it */
#define NO_TABLE 15    /* a file goes before a table says that it may */
#define UNKNOWN_TERM 16 /* the entry before the first matches whatever the follower has there */
#define RAW_VOTE 17    /* an image does not count as log when votes are given */
#define HEAL_EARLY 18  /* damage: what an image covers counts as whole before SWITCH is durable */
#define COMMIT_ONLY 19 /* damage: an image below the commit index is refused all the same */
#define HOLE 20        /* damage: an entry that does not read stays in the log below the base */
#define ALONE 21       /* fault: what one server has had is enough to stand on its image */

c_decl {
    \#include <stdlib.h>
    static int planted;

    static int given(const char *name, int otherwise)
    {
        return getenv(name) == NULL ? otherwise : atoi(getenv(name));
    }
};

#define BUG(number) c_expr { planted == number }
#define QUEUE 3

#define AT(terms, index) (((terms) >> (2 * (index) - 2)) & 3)
#define TERM(terms, index) ((index) == 0 -> 0 : AT(terms, ((index) == 0 -> 1 : (index))))
#define UPTO(index) ((1 << (2 * (index))) - 1)
#define PUT(terms, index, term) \
    terms = ((terms) & ~(3 << (2 * (index) - 2))) | ((term) << (2 * (index) - 2))
#define LEAST(left, right) ((left) < (right) -> (left) : (right))
#define MOST(left, right) ((left) > (right) -> (left) : (right))

/* Records of the journal, in a byte each. */
#define REPAIR_RECORD(index) ((index) << 2)
#define APPEND_RECORD(index, term) (64 | (index) << 2 | (term))
#define TRUNCATE_RECORD(from) (128 | (from) << 2)
#define SWITCH_RECORD(index, keep) (192 | (keep) << 5 | (index) << 2)
#define KIND(record) ((record) >> 6)
#define INDEX(record) (((record) >> 2) & 7)
#define HAS_TAIL(record) (((record) >> 5) & 1)

/* An image file. */
#define NONE 0
#define WRITTEN 1 /* whole, but a crash takes it away */
#define SYNCED 2

typedef server {
    /* in memory */
    bit leads;
    byte log;      /* all that is known: the state through commit, raw entries above */
    byte first;    /* the oldest raw entry */
    byte last;
    byte commit;   /* applied as well */
    byte base;
    byte stable;   /* durable through here */
    byte verified; /* matches the leader of this term through here */
    byte taking;   /* an image at this index is under way; 0: none */
    byte getting;  /* likewise, from another server */
    byte added;    /* of the newest SWITCH that was added */
    byte strays;   /* names that the last start has listed and not removed yet, as bits */
    byte damaged;  /* an entry that the last start could not read; 0: none */
    bit is_wrong;  /* a bit of the state has flipped in memory */
    bit is_known;  /* what is rotten on disk is still in the log, and it was told */

    /* on disk */
    byte term;
    byte disk;     /* entries in the journal, as replay would give them */
    byte lives;    /* the life of the file that each lies in */
    byte disk_last;
    byte disk_base;
    byte life;     /* of the newest file */
    byte oldest;   /* of the files that the newest table wants */
    byte zeroed;   /* files through this life are gone */
    byte rotten;   /* an entry in the journal that does not read; 0: none */
    byte files[ENTRIES_MAX + 1];
    byte images[ENTRIES_MAX + 1]; /* their contents */
    byte wrong; /* those that were taken of a wrong state, as bits */

    /* on its way to the disk */
    byte queue[QUEUE];
    byte queued;
};

server S[MEMBERS];
byte committed; /* what any leader ever committed */
byte committed_last;
byte crashes;
byte images;
byte damages;
byte faults;
byte m;
byte n;

/* How large this world is; the environment says so, by these names in capitals. */
hidden byte terms_max;   /* 2: member 0 leads the first, 0 or 1 the second: 2 is like 1 */
hidden byte entries_max; /* of a log; 3 at most */
hidden byte images_max;  /* that are taken, by all */
hidden byte lives_max;   /* files of one journal */
hidden byte crashes_max; /* of all */
hidden byte damages_max; /* entries that rot, of all */
hidden byte faults_max;  /* bits that flip in memory, of all */
hidden byte voters;      /* 2: the third is a learner */

hidden byte i;
hidden byte count;
hidden byte record;
hidden byte old;
hidden byte tail;

/* What is promised, by the name that a run prints if it is broken. */
hidden byte states_agree;
hidden byte log_and_base_adjoin;
hidden byte logs_match;
hidden byte a_quorum_has_what_is_committed;
hidden byte acknowledged_is_on_disk;
hidden byte a_leader_has_what_is_committed;
hidden byte the_journal_replays;
hidden byte a_start_finds_its_base;
hidden byte what_is_kept_reads;
hidden byte damage_can_be_healed;
hidden byte a_base_is_right;

/* Is this entry on the disk of m for good? */
#define IN_JOURNAL(m, index) \
    (S[m].disk_last >= (index) && AT(S[m].lives, index) >= S[m].oldest && \
     AT(S[m].lives, index) > S[m].zeroed && AT(S[m].disk, index) != 0 && \
     S[m].rotten != (index))
#define IN_IMAGE(m, index) (S[m].disk_base >= (index) && S[m].files[S[m].disk_base] == SYNCED)
#define HOLDS(m, index, value) \
    (IN_IMAGE(m, index) -> AT(S[m].images[S[m].disk_base], index) == (value) \
                        : (IN_JOURNAL(m, index) && AT(S[m].disk, index) == (value)))

#define ADD(m, what) \
    S[m].queue[S[m].queued] = what; \
    S[m].queued++

/* What is compared for a vote: the end of the log, though the entries there are forgotten. */
#define END(k) (BUG(RAW_VOTE) && S[k].first > S[k].last -> 0 : S[k].last)
#define IS_NEWER \
    (TERM(S[m].log, END(m)) > TERM(S[n].log, END(n)) || \
     (TERM(S[m].log, END(m)) == TERM(S[n].log, END(n)) && END(m) >= END(n)))

/* A copy that cannot be read is no copy, and nothing behind it is applied. */
#define STABLE(k) \
    (S[k].damaged > 0 && S[k].damaged <= S[k].stable -> S[k].damaged - 1 : S[k].stable)
#define APPLIED(k) \
    (S[k].damaged > S[k].base && S[k].damaged <= S[k].commit -> S[k].damaged - 1 : S[k].commit)
#define ACKNOWLEDGED(k) LEAST(STABLE(k), MOST(S[k].verified, S[k].commit))
#define COUNT(k, index) \
    ((k) < voters && S[k].term == S[m].term && \
     ((k) == m -> STABLE(k) : ACKNOWLEDGED(k)) >= (index))
#define IS_COMMITTED(index) \
    (AT(S[m].log, index) == S[m].term && \
     COUNT(0, index) + COUNT(1, index) + COUNT(2, index) >= voters / 2 + 1)

inline append_own()
{
    S[m].last++;
    PUT(S[m].log, S[m].last, S[m].term);
    ADD(m, APPEND_RECORD(S[m].last, S[m].term));
}

inline advance()
{
    i = S[m].last;
    do
    :: i > S[m].commit && !IS_COMMITTED(i) -> i--
    :: else -> break
    od;
    S[m].commit = i;
    a_leader_has_what_is_committed =
        ((S[m].log ^ committed) & UPTO(LEAST(i, committed_last))) == 0;
    assert(a_leader_has_what_is_committed);
    committed_last = MOST(committed_last, i);
    committed = committed | (S[m].log & UPTO(i))
}

inline step_down(m)
{
    S[m].leads = 0;
    S[m].verified = S[m].commit;
}

inline elect()
{
    step_down(m);
    step_down(n);
    S[m].term++;
    S[n].term = S[m].term;
    S[m].leads = 1;
    S[m].verified = 0;
    a_leader_has_what_is_committed =
        S[m].last >= committed_last && ((S[m].log ^ committed) & UPTO(committed_last)) == 0;
    assert(a_leader_has_what_is_committed);
    append_own();
}

/* What the base covers need not be read any more, and is not offered to anybody. */
inline forget_damage()
{
    if
    :: S[m].is_known && S[m].rotten > 0 && S[m].rotten <= S[m].disk_base ->
        S[m].damaged = (S[m].damaged <= S[m].disk_base -> 0 : S[m].damaged);
        S[m].first = (BUG(HOLE) -> S[m].first : MOST(S[m].first, S[m].rotten + 1))
    :: else
    fi
}

inline remove(m, index)
{
    S[m].files[index] = NONE;
    S[m].wrong = S[m].wrong & ~(1 << (index));
    S[m].images[index] = 0;
}

/* What follows when the oldest record has become durable. */
inline flush()
{
    record = S[m].queue[0];
    S[m].queue[0] = S[m].queue[1];
    S[m].queue[1] = S[m].queue[2];
    S[m].queue[2] = 0;
    S[m].queued--;
    i = INDEX(record);
    if
    :: KIND(record) == 1 ->
        the_journal_replays = i == S[m].disk_last + 1;
        assert(the_journal_replays);
        PUT(S[m].disk, i, record & 3);
        PUT(S[m].lives, i, S[m].life);
        S[m].disk_last = i;
        if
        :: i == S[m].stable + 1 && i <= S[m].last && AT(S[m].log, i) == (record & 3) ->
            S[m].stable = i
        :: else
        fi
    :: KIND(record) == 0 -> /* a repair: the entry lies in the newest file now */
        if
        :: S[m].rotten == i ->
            S[m].rotten = 0;
            S[m].is_known = 0;
            PUT(S[m].lives, i, S[m].life)
        :: else
        fi;
        if
        :: S[m].damaged == i -> S[m].damaged = 0
        :: else
        fi
    :: KIND(record) == 2 ->
        S[m].rotten = (S[m].rotten < i -> S[m].rotten : 0);
        S[m].disk = S[m].disk & UPTO(i - 1);
        S[m].lives = S[m].lives & UPTO(i - 1);
        S[m].disk_last = i - 1
    :: else ->
        old = S[m].disk_base;
        the_journal_replays = i > old && (!HAS_TAIL(record) || S[m].disk_last >= i);
        assert(the_journal_replays);
        if
        :: HAS_TAIL(record)
        :: else ->
            S[m].disk = 0;
            S[m].lives = 0;
            S[m].rotten = 0;
            S[m].disk_last = i
        fi;
        S[m].disk_base = i;
        S[m].base = MOST(S[m].base, i);
        S[m].stable = MOST(S[m].stable, i);
        forget_damage();
        if
        :: old > 0 -> remove(m, old)
        :: else
        fi
    fi
}

inline flush_all()
{
    do
    :: S[m].queued > 0 -> flush()
    :: else -> break
    od
}

/* The follower n takes the entry after prev, or a heartbeat, from m. */
inline take_append(prev)
{
    if
    :: S[n].term < S[m].term ->
        step_down(n);
        S[n].term = S[m].term
    :: else
    fi;
    if
    :: prev <= S[n].commit ||
       (prev <= S[n].last && (TERM(S[n].log, prev) == TERM(S[m].log, prev) ||
                              (prev + 1 == S[m].first && BUG(UNKNOWN_TERM)))) ->
        i = prev;
        if
        :: prev < S[m].last ->
            i++;
            if
            :: i > S[n].commit && i <= S[n].last && AT(S[n].log, i) != AT(S[m].log, i) ->
                ADD(n, TRUNCATE_RECORD(i));
                S[n].last = i - 1;
                S[n].log = S[n].log & UPTO(i - 1);
                if
                :: S[n].rotten >= i ->
                    S[n].damaged = 0;
                    S[n].is_known = 0
                :: else
                fi;
                S[n].stable = LEAST(S[n].stable, i - 1)
            :: else
            fi;
            if
            :: i > S[n].last ->
                S[n].last = i;
                PUT(S[n].log, i, AT(S[m].log, i));
                ADD(n, APPEND_RECORD(i, AT(S[m].log, i)))
            :: else
            fi
        :: else
        fi;
        S[n].verified = MOST(S[n].verified, i);
        S[n].commit = MOST(S[n].commit, LEAST(i, S[m].commit))
    :: else
    fi
}

/* ---- images ---- */

inline begin_taking()
{
    S[m].taking = (BUG(UNCOMMITTED) -> S[m].last : APPLIED(m));
    images++;
    if
    :: S[m].getting > 0 && S[m].getting <= S[m].taking && !BUG(SAME_FILE) ->
        remove(m, S[m].getting);
        S[m].getting = 0
    :: else
    fi;
    S[m].files[S[m].taking] = WRITTEN;
    S[m].images[S[m].taking] = S[m].log & UPTO(S[m].taking);
    S[m].wrong = (S[m].wrong & ~(1 << S[m].taking)) | S[m].is_wrong << S[m].taking;
}

/* A majority of the voters had the digest of the state that was taken.  Right states are equal, and a
 * wrong one is like no other.  Without faults nobody need wait, which is more than what happens. */
#define IS_WRONG(k, index) ((S[k].wrong >> (index)) & 1)
#define VOUCHES(k, index) \
    ((k) < voters && \
     ((k) == m || (APPLIED(k) >= (index) && !S[k].is_wrong && !IS_WRONG(m, index))))
#define IS_AGREED(index) \
    (faults_max == 0 || BUG(ALONE) || \
     VOUCHES(0, index) + VOUCHES(1, index) + VOUCHES(2, index) >= voters / 2 + 1)

/* It finds its state anew from its disk. */
#define CONTRADICTS(k) ((k) < voters && (k) != m && APPLIED(k) > 0 && !S[k].is_wrong)
#define HAS_TO_STOP \
    (S[m].is_wrong && CONTRADICTS(0) + CONTRADICTS(1) + CONTRADICTS(2) >= voters / 2 + 1)

inline finish_taking()
{
    if
    :: !BUG(UNSYNCED) -> S[m].files[S[m].taking] = SYNCED
    :: else
    fi;
    if
    :: BUG(OVERTAKE) ->
        S[m].disk_base = S[m].taking;
        S[m].base = S[m].taking
    :: else -> ADD(m, SWITCH_RECORD(S[m].taking, 1))
    fi;
    if
    :: BUG(REMOVE_EARLY) && S[m].base > 0 -> remove(m, S[m].base)
    :: else
    fi;
    S[m].added = S[m].taking;
    S[m].taking = 0;
}

inline begin_getting()
{
    S[m].getting = S[n].base;
    S[m].files[S[n].base] = WRITTEN;
    S[m].images[S[n].base] = S[n].images[S[n].base];
    S[m].wrong = (S[m].wrong & ~(1 << S[n].base)) | IS_WRONG(n, S[n].base) << S[n].base;
}

/* The image is here as a whole, and was verified. */
/* Only a newer image is of use. */
#define NEEDED(k) (BUG(COMMIT_ONLY) -> S[k].commit : APPLIED(k))

inline install()
{
    i = S[m].getting;
    S[m].getting = 0;
    if
    :: i > NEEDED(m) || (BUG(INSTALL_OLD) && i > S[m].base) ->
        if
        :: !BUG(UNSYNCED) -> S[m].files[i] = SYNCED
        :: else
        fi;
        if
        :: S[m].taking > 0 && !BUG(GO_BACK) ->
            remove(m, S[m].taking);
            S[m].taking = 0
        :: else
        fi;
        tail = S[m].last >= i && !BUG(DROP_TAIL) && !BUG(INSTALL_OLD) &&
               (AT(S[m].log, i) == AT(S[m].images[i], i) || BUG(KEEP_TAIL));
        if
        :: tail -> S[m].log = (S[m].log & ~UPTO(i)) | S[m].images[i]
        :: else ->
            S[m].log = S[m].images[i];
            S[m].stable = (BUG(STORED_STAYS) -> LEAST(S[m].stable, i)
                                             : LEAST(S[m].stable, LEAST(APPLIED(m), i)));
            S[m].damaged = 0;
            S[m].is_known = 0;
            S[m].last = i;
            S[m].first = i + 1;
            S[m].verified = LEAST(S[m].verified, i)
        fi;
        S[m].commit = (BUG(INSTALL_OLD) -> i : MOST(S[m].commit, i));
        S[m].damaged = (BUG(HEAL_EARLY) && S[m].damaged <= i -> 0 : S[m].damaged);
        S[m].stable = (BUG(ACK_EARLY) -> MOST(S[m].stable, i) : S[m].stable);
        S[m].base = i;
        S[m].added = i;
        S[m].is_wrong = IS_WRONG(m, i);
        ADD(m, SWITCH_RECORD(i, tail))
    :: else -> remove(m, i)
    fi
}

/* ---- files ---- */

#define FORGETTABLE (BUG(FORGET_EARLY) -> S[m].added : S[m].disk_base)

/* The oldest life that an entry of the log lies in: one that was repaired lies in a later one. */
inline roll()
{
    S[m].first = FORGETTABLE + 1;
    S[m].oldest = S[m].life;
    i = S[m].first;
    do
    :: i <= S[m].disk_last ->
        if
        :: AT(S[m].lives, i) > 0 ->
            S[m].oldest = LEAST(S[m].oldest, AT(S[m].lives, i))
        :: else
        fi;
        i++
    :: else -> break
    od;
    S[m].life++;
    S[m].oldest = (BUG(REUSE_NEEDED) -> S[m].life : S[m].oldest)
}

inline reuse()
{
    S[m].zeroed++;
    i = 1;
    do
    :: i <= ENTRIES_MAX ->
        if
        :: AT(S[m].lives, i) == S[m].zeroed ->
            PUT(S[m].disk, i, 0);
            PUT(S[m].lives, i, 0);
            S[m].is_known = (S[m].rotten == i -> 0 : S[m].is_known);
            S[m].rotten = (S[m].rotten == i -> 0 : S[m].rotten)
        :: else
        fi;
        i++
    :: else -> break
    od
}

#define REUSABLE \
    (BUG(NO_TABLE) -> S[m].zeroed + 1 < S[m].life && S[m].first > S[m].disk_last \
                   : S[m].zeroed + 1 < S[m].oldest)

/* ---- a crash, and the start after it ---- */

inline crash()
{
    crashes++;
    step_down(m);
    S[m].queue[0] = 0;
    S[m].queue[1] = 0;
    S[m].queue[2] = 0;
    S[m].queued = 0;
    S[m].strays = 0;
    i = 1;
    do
    :: i <= ENTRIES_MAX ->
        if
        :: S[m].files[i] == WRITTEN -> remove(m, i)
        :: S[m].files[i] == SYNCED && i != S[m].disk_base ->
            S[m].strays = S[m].strays | 1 << i
        :: else
        fi;
        i++
    :: else -> break
    od;
    a_start_finds_its_base =
        (S[m].disk_base == 0 || S[m].files[S[m].disk_base] == SYNCED) &&
        S[m].disk_last >= S[m].disk_base;
    assert(a_start_finds_its_base);
    the_journal_replays = S[m].zeroed < S[m].oldest; /* the files that are wanted are there */
    assert(the_journal_replays);
    S[m].base = S[m].disk_base;
    S[m].is_wrong = IS_WRONG(m, S[m].disk_base);
    S[m].commit = S[m].disk_base;
    S[m].added = S[m].disk_base;
    S[m].verified = S[m].disk_base;
    S[m].last = S[m].disk_last;
    S[m].stable = S[m].disk_last;
    S[m].log = (S[m].disk & UPTO(S[m].disk_last) & ~UPTO(S[m].base)) | S[m].images[S[m].base];
    S[m].first = S[m].last + 1;
    do
    :: S[m].first > 1 && (IN_JOURNAL(m, S[m].first - 1) || S[m].rotten == S[m].first - 1) ->
        S[m].first--
    :: else -> break
    od;
    S[m].damaged = S[m].rotten;
    S[m].is_known = S[m].rotten > 0;
    forget_damage();
    S[m].taking = 0;
    S[m].getting = 0;
}

inline sweep()
{
    i = 1;
    do
    :: i <= ENTRIES_MAX ->
        if
        :: (S[m].strays >> i & 1) && i != S[m].disk_base -> remove(m, i)
        :: else
        fi;
        i++
    :: else -> break
    od;
    S[m].strays = 0
}

#define SWEPT (S[m].strays == 0 || BUG(SWEEP_LATE))

/* ---- what always holds ---- */

#define SHARED(m, n, index) \
    (index > S[m].last || index > S[n].last || AT(S[m].log, index) != AT(S[n].log, index) || \
     ((S[m].log ^ S[n].log) & UPTO(index)) == 0)
#define MATCH(m, n) (SHARED(m, n, 1) && SHARED(m, n, 2) && SHARED(m, n, 3))
#define KEPT(index) \
    ((index) > committed_last || \
     HOLDS(0, index, AT(committed, index)) + HOLDS(1, index, AT(committed, index)) + \
     (voters > 2 && HOLDS(2, index, AT(committed, index))) + damages >= voters / 2 + 1)
#define IS_HELD(m, index) \
    (ACKNOWLEDGED(m) < (index) || HOLDS(m, index, AT(S[m].log, index)) || \
     (S[m].rotten == (index) && !S[m].is_known))
#define IS_TRUE(m) (S[m].leads || (IS_HELD(m, 1) && IS_HELD(m, 2) && IS_HELD(m, 3)))
#define IS_RIGHT(m) \
    (S[m].commit <= committed_last && ((S[m].log ^ committed) & UPTO(S[m].commit)) == 0)
#define IS_WHOLE(m) \
    (S[m].first <= S[m].base + 1 && S[m].base <= S[m].commit && S[m].commit <= S[m].last && \
     S[m].stable <= S[m].last)

#define READS(m) (!S[m].is_known || S[m].rotten < S[m].first || S[m].damaged == S[m].rotten)
#define HELPS(m, n) \
    ((S[n].first <= S[m].damaged && S[n].last >= S[m].damaged && \
      S[n].damaged != S[m].damaged && \
      AT(S[n].log, S[m].damaged) == AT(S[m].log, S[m].damaged)) || \
     (S[n].base >= S[m].damaged && S[n].base > NEEDED(m)))
#define HAS_HELP(m, n, o) \
    (S[m].damaged <= S[m].base || S[m].damaged > committed_last || \
     AT(S[m].log, S[m].damaged) != AT(committed, S[m].damaged) || /* a leader overrules it */ \
     HELPS(m, n) || HELPS(m, o))

inline judge()
{
    a_base_is_right = !IS_WRONG(0, S[0].base) && !IS_WRONG(1, S[1].base) && !IS_WRONG(2, S[2].base);
    assert(a_base_is_right);
    what_is_kept_reads = READS(0) && READS(1) && READS(2);
    damage_can_be_healed = HAS_HELP(0, 1, 2) && HAS_HELP(1, 0, 2) && HAS_HELP(2, 0, 1);
    assert(what_is_kept_reads);
    assert(damage_can_be_healed);
    states_agree = IS_RIGHT(0) && IS_RIGHT(1) && IS_RIGHT(2);
    log_and_base_adjoin = IS_WHOLE(0) && IS_WHOLE(1) && IS_WHOLE(2);
    logs_match = MATCH(0, 1) && MATCH(0, 2) && MATCH(1, 2);
    a_quorum_has_what_is_committed = KEPT(1) && KEPT(2) && KEPT(3);
    acknowledged_is_on_disk = IS_TRUE(0) && IS_TRUE(1) && IS_TRUE(2);
    assert(states_agree);
    assert(log_and_base_adjoin);
    assert(logs_match);
    assert(a_quorum_has_what_is_committed);
    assert(acknowledged_is_on_disk)
}

#define SERVES(prev) (S[m].leads && (prev) + 1 >= S[m].first && (prev) <= S[m].last)
#define TELLS(prev) \
    (S[n].term < S[m].term || S[n].verified < (prev) || S[n].commit < S[m].commit || \
     S[n].verified < (prev) + 1 && (prev) < S[m].last)

inline serve(prev)
{
    SERVES(prev) && S[n].term <= S[m].term && S[n].queued + 2 <= QUEUE && TELLS(prev) ->
        d_step { take_append(prev); judge() }
}

init
{
    c_code {
        planted = given("BUG", 0);
        terms_max = given("TERMS", 2);
        entries_max = given("ENTRIES", 2);
        images_max = given("IMAGES", 2);
        lives_max = given("LIVES", 2);
        crashes_max = given("CRASHES", 1);
        damages_max = given("DAMAGES", 0);
        faults_max = given("FAULTS", 0);
        voters = given("VOTERS", 3);
    };
    d_step {
        i = 0;
        do
        :: i < MEMBERS ->
            S[i].first = 1;
            S[i].life = 1;
            S[i].oldest = 1;
            S[i].term = 1;
            i++
        :: else -> break
        od;
        S[0].leads = 1;
        i = 0
    }
    do
    :: atomic {
        if :: m = 0 :: m = 1 :: m = 2 fi;
        if
        :: S[m].leads && S[m].last < entries_max && S[m].queued < QUEUE ->
            d_step { append_own(); judge() }
        :: S[m].queued > 0 ->
            d_step { flush_all(); judge() }
        :: S[m].leads && S[m].commit < S[m].last &&
           (IS_COMMITTED(S[m].last) || IS_COMMITTED(S[m].commit + 1)) ->
            d_step { advance(); judge() }
        :: S[m].taking == 0 && APPLIED(m) > S[m].added && images < images_max && SWEPT ->
            d_step { begin_taking(); judge() }
        :: S[m].taking > 0 && S[m].queued < QUEUE && IS_AGREED(S[m].taking) ->
            d_step { finish_taking(); judge() }
        :: S[m].getting > 0 && !S[m].leads && S[m].queued < QUEUE ->
            d_step { install(); judge() }
        :: S[m].life < lives_max && FORGETTABLE >= S[m].first ->
            d_step { roll(); judge() }
        :: REUSABLE ->
            d_step { reuse(); judge() }
        :: crashes < crashes_max ->
            d_step { crash(); judge() }
        :: S[m].strays != 0 ->
            d_step { sweep(); judge() }
        :: faults < faults_max && !S[m].is_wrong && APPLIED(m) > 0 ->
            d_step { S[m].is_wrong = 1; faults++; judge() }
        :: HAS_TO_STOP ->
            d_step { crash(); crashes--; judge() }
        :: damages < damages_max && IN_JOURNAL(m, 1) ->
            d_step { S[m].rotten = 1; damages++; judge() }
        :: damages < damages_max && IN_JOURNAL(m, 2) ->
            d_step { S[m].rotten = 2; damages++; judge() }
        :: else
        fi;
        m = 0;
        n = 0
    }
    :: atomic {
        if :: m = 0 :: m = 1 :: m = 2 fi;
        if :: m != 0 -> n = 0 :: m != 1 -> n = 1 :: m != 2 -> n = 2 fi;
        if
        :: m < 2 && n < voters && !S[m].leads && S[m].damaged == 0 && S[m].term < terms_max &&
           S[n].term <= S[m].term && S[m].last < entries_max && S[m].queued == 0 &&
           S[n].queued == 0 && IS_NEWER ->
            d_step { elect(); judge() }
        :: !S[m].leads && S[m].getting == 0 && S[n].base > NEEDED(m) &&
           S[n].files[S[n].base] == SYNCED && SWEPT ->
            d_step { begin_getting(); judge() }
        :: S[m].damaged > 0 && S[m].queued < QUEUE && S[n].first <= S[m].damaged &&
           S[n].last >= S[m].damaged && S[n].damaged == 0 &&
           AT(S[n].log, S[m].damaged) == AT(S[m].log, S[m].damaged) ->
            d_step { ADD(m, REPAIR_RECORD(S[m].damaged)); judge() }
        :: serve(0)
        :: serve(1)
        :: serve(2)
        :: serve(3)
        :: else
        fi;
        m = 0;
        n = 0
    }
    od
}

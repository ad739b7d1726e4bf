/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image -- cleaning by images: taking, switching, forgetting, reusing files, getting, and a crash
 * between any two steps that matter for the disk.  docs/models/README.md says what is left out.
 *
 * An entry is named by its index and its term, so a log, a state and the contents of an image are
 * all the same thing: the terms of the entries 1, 2, ...  Two bits each: a byte holds four.
 *
 * Each option of the loop at the end is one step of one server, or one message.  -D of a name in
 * capitals removes one rule; tools/check_models sees that each of them is missed.
 */
#ifndef TERMS
#define TERMS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef IMAGES
#define IMAGES 2
#endif
#ifndef LIVES
#define LIVES 2
#endif
#ifndef ENTRIES
#define ENTRIES 3
#endif
#ifndef VOTERS
#define VOTERS 3
#endif
#ifndef CANDIDATES
#define CANDIDATES 2 /* the third is like the second */
#endif
#define MEMBERS 3
#define QUEUE 3

#define AT(terms, index) (((terms) >> (2 * (index) - 2)) & 3)
#define TERM(terms, index) ((index) == 0 -> 0 : AT(terms, ((index) == 0 -> 1 : (index))))
#define UPTO(index) ((1 << (2 * (index))) - 1)
#define PUT(terms, index, term) \
    terms = ((terms) & ~(3 << (2 * (index) - 2))) | ((term) << (2 * (index) - 2))
#define LEAST(left, right) ((left) < (right) -> (left) : (right))
#define MOST(left, right) ((left) > (right) -> (left) : (right))

/* Records of the journal, in a byte each. */
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

    /* on disk */
    byte term;
    byte disk;     /* entries in the journal, as replay would give them */
    byte lives;    /* the life of the file that each lies in */
    byte disk_last;
    byte disk_base;
    byte life;     /* of the newest file */
    byte oldest;   /* of the files that the newest table wants */
    byte zeroed;   /* files through this life are gone */
    byte files[ENTRIES + 1];
    byte images[ENTRIES + 1]; /* their contents */

    /* on its way to the disk */
    byte queue[QUEUE];
    byte queued;
};

server S[MEMBERS];
byte committed; /* what any leader ever committed */
byte committed_last;
byte crashes;
byte images;
byte m;
byte n;
hidden byte i;
hidden byte count;
hidden byte record;
hidden byte old;
hidden byte tail;

/* Is this entry on the disk of m for good? */
#define IN_JOURNAL(m, index) \
    (S[m].disk_last >= (index) && AT(S[m].lives, index) >= S[m].oldest && \
     AT(S[m].lives, index) > S[m].zeroed && AT(S[m].disk, index) != 0)
#define IN_IMAGE(m, index) (S[m].disk_base >= (index) && S[m].files[S[m].disk_base] == SYNCED)
#define HOLDS(m, index, value) \
    (IN_IMAGE(m, index) -> AT(S[m].images[S[m].disk_base], index) == (value) \
                        : (IN_JOURNAL(m, index) && AT(S[m].disk, index) == (value)))

#define ADD(m, what) \
    S[m].queue[S[m].queued] = what; \
    S[m].queued++

#define IS_NEWER \
    (TERM(S[m].log, S[m].last) > TERM(S[n].log, S[n].last) || \
     (TERM(S[m].log, S[m].last) == TERM(S[n].log, S[n].last) && S[m].last >= S[n].last))

#define ACKNOWLEDGED(k) LEAST(S[k].stable, MOST(S[k].verified, S[k].commit))
#define COUNT(k, index) \
    ((k) < VOTERS && S[k].term == S[m].term && \
     ((k) == m -> S[k].stable : ACKNOWLEDGED(k)) >= (index))
#define IS_COMMITTED(index) \
    (AT(S[m].log, index) == S[m].term && \
     COUNT(0, index) + COUNT(1, index) + COUNT(2, index) >= VOTERS / 2 + 1)

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
    assert(((S[m].log ^ committed) & UPTO(LEAST(i, committed_last))) == 0);
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
    assert(S[m].last >= committed_last);
    assert(((S[m].log ^ committed) & UPTO(committed_last)) == 0);
    append_own();
}

inline remove(m, index)
{
    S[m].files[index] = NONE;
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
        assert(i == S[m].disk_last + 1); /* or replay would refuse it */
        PUT(S[m].disk, i, record & 3);
        PUT(S[m].lives, i, S[m].life);
        S[m].disk_last = i;
        if
        :: i == S[m].stable + 1 && i <= S[m].last && AT(S[m].log, i) == (record & 3) ->
            S[m].stable = i
        :: else
        fi
    :: KIND(record) == 2 ->
        S[m].disk = S[m].disk & UPTO(i - 1);
        S[m].lives = S[m].lives & UPTO(i - 1);
        S[m].disk_last = i - 1
    :: else ->
        if
        :: HAS_TAIL(record) -> assert(S[m].disk_last >= i)
        :: else ->
            S[m].disk = 0;
            S[m].lives = 0;
            S[m].disk_last = i
        fi;
        old = S[m].disk_base;
        assert(i > old);
        S[m].disk_base = i;
        S[m].base = MOST(S[m].base, i);
        S[m].stable = MOST(S[m].stable, i);
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
       (prev <= S[n].last && TERM(S[n].log, prev) == TERM(S[m].log, prev)) ->
        i = prev;
        if
        :: prev < S[m].last ->
            i++;
            if
            :: i > S[n].commit && i <= S[n].last && AT(S[n].log, i) != AT(S[m].log, i) ->
                ADD(n, TRUNCATE_RECORD(i));
                S[n].last = i - 1;
                S[n].log = S[n].log & UPTO(i - 1);
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
#ifdef UNCOMMITTED
    S[m].taking = S[m].last;
#else
    S[m].taking = S[m].commit;
#endif
    images++;
#ifndef SAME_FILE
    if
    :: S[m].getting > 0 ->
        remove(m, S[m].getting);
        S[m].getting = 0
    :: else
    fi;
#endif
    S[m].files[S[m].taking] = WRITTEN;
    S[m].images[S[m].taking] = S[m].log & UPTO(S[m].taking);
}

inline finish_taking()
{
#ifndef UNSYNCED
    S[m].files[S[m].taking] = SYNCED;
#endif
#ifdef OVERTAKE
    S[m].disk_base = S[m].taking;
    S[m].base = S[m].taking;
#else
    ADD(m, SWITCH_RECORD(S[m].taking, 1));
#endif
#ifdef REMOVE_EARLY
    if
    :: S[m].base > 0 -> remove(m, S[m].base)
    :: else
    fi;
#endif
    S[m].added = S[m].taking;
    S[m].taking = 0;
}

inline begin_getting()
{
    S[m].getting = S[n].base;
    S[m].files[S[n].base] = WRITTEN;
    S[m].images[S[n].base] = S[n].images[S[n].base];
}

/* The image is here as a whole, and was verified. */
inline install()
{
    i = S[m].getting;
    S[m].getting = 0;
    if
#ifdef INSTALL_OLD
    :: i > S[m].base && S[m].last > 0 ->
#else
    :: i > S[m].commit ->
#endif
#ifndef UNSYNCED
        S[m].files[i] = SYNCED;
#endif
#ifndef GO_BACK
        if
        :: S[m].taking > 0 ->
            remove(m, S[m].taking);
            S[m].taking = 0
        :: else
        fi;
#endif
        tail = S[m].last >= i && AT(S[m].log, i) == AT(S[m].images[i], i);
#ifdef DROP_TAIL
        tail = 0;
#endif
#ifdef KEEP_TAIL
        tail = S[m].last >= i;
#endif
        if
        :: tail -> S[m].log = (S[m].log & ~UPTO(i)) | S[m].images[i]
        :: else ->
            S[m].log = S[m].images[i];
#ifndef STORED_STAYS
            S[m].stable = LEAST(S[m].stable, S[m].commit);
#endif
            S[m].last = i;
            S[m].first = i + 1;
            S[m].verified = LEAST(S[m].verified, i)
        fi;
        S[m].commit = MOST(S[m].commit, i);
#ifdef ACK_EARLY
        S[m].stable = MOST(S[m].stable, i);
#endif
        S[m].base = i;
        S[m].added = i;
        ADD(m, SWITCH_RECORD(i, tail))
    :: else -> remove(m, i)
    fi
}

/* ---- files ---- */

#ifdef FORGET_EARLY
#define FORGETTABLE S[m].added
#else
#define FORGETTABLE S[m].disk_base
#endif

/* The life that the log's first raw entry on the disk lies in. */
inline roll()
{
    S[m].first = FORGETTABLE + 1;
    i = S[m].first;
    do
    :: i <= S[m].disk_last && AT(S[m].lives, i) == 0 -> i++
    :: else -> break
    od;
    S[m].oldest = (i <= S[m].disk_last -> AT(S[m].lives, i) : S[m].life);
#ifdef REUSE_NEEDED
    S[m].oldest = S[m].life + 1;
#endif
    S[m].life++;
}

inline reuse()
{
    S[m].zeroed++;
    i = 1;
    do
    :: i <= ENTRIES ->
        if
        :: AT(S[m].lives, i) == S[m].zeroed ->
            PUT(S[m].disk, i, 0);
            PUT(S[m].lives, i, 0)
        :: else
        fi;
        i++
    :: else -> break
    od
}

#ifdef NO_TABLE
#define REUSABLE (S[m].zeroed + 1 < S[m].life && S[m].first > S[m].disk_last)
#else
#define REUSABLE (S[m].zeroed + 1 < S[m].oldest)
#endif

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
    :: i <= ENTRIES ->
        if
        :: S[m].files[i] == WRITTEN -> remove(m, i)
        :: S[m].files[i] == SYNCED && i != S[m].disk_base ->
            S[m].strays = S[m].strays | 1 << i
        :: else
        fi;
        i++
    :: else -> break
    od;
    assert(S[m].disk_base == 0 || S[m].files[S[m].disk_base] == SYNCED); /* I5 */
    assert(S[m].zeroed < S[m].oldest || S[m].zeroed == 0);
    assert(S[m].disk_last >= S[m].disk_base);
    S[m].base = S[m].disk_base;
    S[m].commit = S[m].disk_base;
    S[m].added = S[m].disk_base;
    S[m].verified = S[m].disk_base;
    S[m].last = S[m].disk_last;
    S[m].stable = S[m].disk_last;
    S[m].log = (S[m].disk & UPTO(S[m].disk_last) & ~UPTO(S[m].base)) | S[m].images[S[m].base];
    S[m].first = S[m].last + 1;
    do
    :: S[m].first > 1 && IN_JOURNAL(m, S[m].first - 1) -> S[m].first--
    :: else -> break
    od;
    assert(S[m].first <= S[m].base + 1);
    S[m].taking = 0;
    S[m].getting = 0;
}

inline sweep()
{
    i = 1;
    do
    :: i <= ENTRIES ->
        if
        :: (S[m].strays >> i & 1) && i != S[m].disk_base -> remove(m, i)
        :: else
        fi;
        i++
    :: else -> break
    od;
    S[m].strays = 0
}

#ifdef SWEEP_LATE
#define SWEPT true
#else
#define SWEPT (S[m].strays == 0)
#endif

/* ---- what always holds ---- */

#define SHARED(m, n, index) \
    (index > S[m].last || index > S[n].last || AT(S[m].log, index) != AT(S[n].log, index) || \
     ((S[m].log ^ S[n].log) & UPTO(index)) == 0)
#define MATCH(m, n) (SHARED(m, n, 1) && SHARED(m, n, 2) && SHARED(m, n, 3))
#define KEPT(index) \
    ((index) > committed_last || \
     HOLDS(0, index, AT(committed, index)) + HOLDS(1, index, AT(committed, index)) + \
     (VOTERS > 2 && HOLDS(2, index, AT(committed, index))) >= VOTERS / 2 + 1)
#define IS_HELD(m, index) (ACKNOWLEDGED(m) < (index) || HOLDS(m, index, AT(S[m].log, index)))
#define IS_TRUE(m) (S[m].leads || (IS_HELD(m, 1) && IS_HELD(m, 2) && IS_HELD(m, 3)))
#define RIGHT(m) \
    (S[m].commit <= committed_last && ((S[m].log ^ committed) & UPTO(S[m].commit)) == 0 && \
     S[m].first <= S[m].base + 1 && S[m].base <= S[m].commit && S[m].commit <= S[m].last && \
     S[m].stable <= S[m].last)

inline judge()
{
    assert(RIGHT(0) && RIGHT(1) && RIGHT(2));
    assert(MATCH(0, 1) && MATCH(0, 2) && MATCH(1, 2));
    assert(KEPT(1) && KEPT(2) && KEPT(3));
    assert(IS_TRUE(0) && IS_TRUE(1) && IS_TRUE(2))
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
        :: S[m].leads && S[m].last < ENTRIES && S[m].queued < QUEUE ->
            d_step { append_own(); judge() }
        :: S[m].queued > 0 ->
            d_step { flush_all(); judge() }
        :: S[m].leads && S[m].commit < S[m].last &&
           (IS_COMMITTED(S[m].last) || IS_COMMITTED(S[m].commit + 1)) ->
            d_step { advance(); judge() }
        :: S[m].taking == 0 && S[m].commit > S[m].added && images < IMAGES && SWEPT ->
            d_step { begin_taking(); judge() }
        :: S[m].taking > 0 && S[m].queued < QUEUE ->
            d_step { finish_taking(); judge() }
        :: S[m].getting > 0 && !S[m].leads && S[m].queued < QUEUE ->
            d_step { install(); judge() }
        :: S[m].life < LIVES && FORGETTABLE >= S[m].first ->
            d_step { roll(); judge() }
        :: REUSABLE ->
            d_step { reuse(); judge() }
        :: crashes < CRASHES ->
            d_step { crash(); judge() }
        :: S[m].strays != 0 ->
            d_step { sweep(); judge() }
        :: else
        fi;
        m = 0;
        n = 0
    }
    :: atomic {
        if :: m = 0 :: m = 1 :: m = 2 fi;
        if :: m != 0 -> n = 0 :: m != 1 -> n = 1 :: m != 2 -> n = 2 fi;
        if
        :: m < CANDIDATES && n < VOTERS && !S[m].leads && S[m].term < TERMS &&
           S[n].term <= S[m].term && S[m].last < ENTRIES && S[m].queued == 0 &&
           S[n].queued == 0 && IS_NEWER ->
            d_step { elect(); judge() }
        :: !S[m].leads && S[m].getting == 0 && S[n].base > S[m].commit &&
           S[n].files[S[n].base] == SYNCED && S[m].taking == 0 && SWEPT ->
            d_step { begin_getting(); judge() }
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history -- what clients asked of maps, and what they were told.
 *
 * Where it sits:   workload -> [history] -> linear, session.  Knows nothing of the product.
 * Memory:          grows by malloc up to the bounds given at creation; beyond them operations are
 *                  refused and the history is incomplete, which no checker accepts.
 *
 * The order of the calls to invoke and complete is the true order of events: an operation whose
 * answer was recorded before another was invoked came before it.  Times may be equal, and are for
 * the reader; they never go back.  Whoever cannot order two events of one instant records the
 * invocations first, which claims less.
 *
 * Byte strings are kept once and known by a symbol: equal bytes, equal symbol.  0 means absent.
 *
 * Invariants
 *   H1  an operation is completed at most once
 *   H2  times never decrease from call to call
 *   H3  symbols are equal if and only if their bytes are
 */
#ifndef CC_SIM_CHECK_HISTORY_H
#define CC_SIM_CHECK_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CC_HISTORY_NONE SIZE_MAX
#define CC_HISTORY_PENDING UINT64_MAX

enum cc_history_kind {
    CC_HISTORY_PUT = 1,       /* the value before */
    CC_HISTORY_GET,           /* the value */
    CC_HISTORY_REMOVE,        /* the value before */
    CC_HISTORY_CONTAINS,      /* flag */
    CC_HISTORY_SIZE,          /* count */
    CC_HISTORY_CLEAR,         /* nothing */
    CC_HISTORY_PUT_IF_ABSENT, /* the value that is there already; absent: stored */
    CC_HISTORY_REPLACE,       /* the value before; absent: not stored */
    CC_HISTORY_CAS,           /* flag: stored */
    CC_HISTORY_KEYS,          /* all keys, in any order */
};

/* How a query was made; the level of a command is LINEARIZABLE. */
enum cc_history_level {
    CC_HISTORY_LINEARIZABLE,
    CC_HISTORY_LEASE,
    CC_HISTORY_SEQUENTIAL,
    CC_HISTORY_EVENTUAL,
};

enum cc_history_outcome {
    CC_HISTORY_UNKNOWN, /* not answered: may take effect at any time after the invocation, or never
                         */
    CC_HISTORY_OK,
    CC_HISTORY_FAILED, /* did not happen and will not */
};

/* Borrowed bytes; data NULL: absent. */
struct cc_history_bytes {
    const void *data;
    size_t size;
};

struct cc_history_invocation {
    uint64_t client; /* whose order counts: one session */
    uint64_t stream; /* of the client; answers of one stream come in the order of invocation */
    uint64_t at;
    enum cc_history_kind kind;
    enum cc_history_level level;
    uint32_t map;
    struct cc_history_bytes key;
    struct cc_history_bytes value;    /* PUT, PUT_IF_ABSENT, REPLACE, CAS: what to store */
    struct cc_history_bytes expected; /* CAS: what must be there */
};

struct cc_history_answer {
    uint64_t at;
    enum cc_history_outcome outcome;
    uint64_t index;                /* of the command, or the newest applied when read; 0: unknown */
    uint32_t server;               /* that answered; 0: unknown */
    struct cc_history_bytes value; /* absent: there was none */
    uint64_t count;
    bool flag;
    const struct cc_history_bytes *keys;
    size_t key_count;
};

struct cc_history_operation {
    size_t id;
    uint64_t client;
    uint64_t stream;
    uint64_t sequence; /* of a command in its session; 0: never sent, as far as is known */
    uint64_t fingerprint;
    uint64_t invoked_at;
    uint64_t completed_at; /* CC_HISTORY_PENDING */
    uint64_t invoked_order;
    uint64_t completed_order; /* CC_HISTORY_PENDING */
    enum cc_history_kind kind;
    enum cc_history_level level;
    enum cc_history_outcome outcome;
    uint32_t map;
    uint32_t key;
    uint32_t value;
    uint32_t expected;
    uint64_t index;
    uint32_t server;
    uint32_t result; /* symbol; 0: absent */
    bool flag;
    uint64_t count;
    size_t key_first; /* of KEYS, in cc_history_keys */
    size_t key_count;
};

struct cc_history;

/* Partner: cc_history_destroy. */
struct cc_history *cc_history_create(size_t operations_max, size_t bytes_max);
void cc_history_destroy(struct cc_history *history);

/* An operation begins; its id, counted from 0.  CC_HISTORY_NONE beyond the bounds. */
size_t cc_history_invoke(
    struct cc_history *history, const struct cc_history_invocation *invocation);

/* It ends.  CC_HISTORY_NONE is ignored: it was counted when it was refused. */
void cc_history_complete(
    struct cc_history *history, size_t id, const struct cc_history_answer *answer);

/*
 * The command's sequence in its session.  Tell it of every command that may have been sent, also of
 * those without an answer, before cc_check_session is asked.
 */
void cc_history_number(struct cc_history *history, size_t id, uint64_t sequence);

size_t cc_history_count(const struct cc_history *history);
const struct cc_history_operation *cc_history_at(const struct cc_history *history, size_t id);

/* Symbols of the keys that a KEYS operation was told. */
const uint32_t *cc_history_keys(
    const struct cc_history *history, const struct cc_history_operation *operation);

/* NULL, or why nothing can be concluded from this history. */
const char *cc_history_defect(const struct cc_history *history);

/* What a command does, as a number: kind, map and those of key, value and expected value that the
 * kind has.  The rest of the invocation is not looked at. */
uint64_t cc_history_fingerprint(const struct cc_history_invocation *invocation);

bool cc_history_is_query(enum cc_history_kind kind);
bool cc_history_has_key(enum cc_history_kind kind);

/* The bytes of a symbol; data NULL for 0. */
struct cc_history_bytes cc_history_symbol(const struct cc_history *history, uint32_t symbol);

/* An operation in one line for a reader, cut to fit and terminated. */
void cc_history_describe(
    const struct cc_history *history,
    const struct cc_history_operation *operation,
    char *text,
    size_t text_size);

#endif /* CC_SIM_CHECK_HISTORY_H */

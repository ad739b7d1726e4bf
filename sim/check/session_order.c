/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_order -- the log's order against the clients': order, time, back.
 *
 * Where it sits:   session -> [session_order].
 * Memory:          by malloc, freed before the return.
 *
 * One walk over all events in their true order tells what had been seen when an operation was
 * invoked: by anybody (time) and by its own session (back).  One walk over each stream tells what
 * its earlier answers said (order, back).
 */
#include "sim/check/session_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An index that was seen, and by whom. */
struct sight {
    uint64_t index;
    const struct cc_history_operation *witness; /* NULL: nothing seen */
};

/* The index that an operation's answer stands for; 0: none is known. */
static uint64_t index_of(
    const struct cc_check_session_work *work, const struct cc_history_operation *operation)
{
    return cc_history_is_query(operation->kind) ? operation->index : work->effects[operation->id];
}

static void see(
    const struct cc_check_session_work *work,
    struct sight *sight,
    const struct cc_history_operation *operation)
{
    uint64_t index = operation->outcome == CC_HISTORY_OK ? index_of(work, operation) : 0;

    if (index > sight->index) {
        *sight = (struct sight){index, operation};
    }
}

static bool blame_pair(
    struct cc_check_session_work *work,
    const char *complaint,
    const struct cc_history_operation *first,
    const struct cc_history_operation *second)
{
    cc_check_blame(work->report, CC_CHECK_BROKEN, "%s", complaint);
    cc_check_show(work->report, work->history, first);
    cc_check_show(work->report, work->history, second);
    return false;
}

/* ---- streams ------------------------------------------------------------------------------------
 */

static bool check_streams(struct cc_check_session_work *work)
{
    const struct cc_history_operation *latest = NULL;   /* answered last of the stream so far */
    const struct cc_history_operation *numbered = NULL; /* the stream's newest command */
    struct sight seen = {0};

    for (size_t i = 0; i < cc_history_count(work->history); i++) {
        const struct cc_history_operation *operation = work->streams[i];
        bool is_answered = operation->outcome == CC_HISTORY_OK;

        if (i == 0 || work->streams[i - 1]->client != operation->client ||
            work->streams[i - 1]->stream != operation->stream) {
            latest = NULL;
            numbered = NULL;
            seen = (struct sight){0};
        }
        if (is_answered && latest != NULL && latest->completed_order > operation->completed_order) {
            return blame_pair(
                work,
                "order: the second was answered before the first, "
                "which was asked earlier on the same stream",
                latest, operation);
        }
        if (numbered != NULL && operation->sequence != 0 &&
            operation->sequence < numbered->sequence) {
            return blame_pair(
                work,
                "order: the second has the lower sequence, "
                "but was asked later on the same stream",
                numbered, operation);
        }
        if (is_answered && operation->level != CC_HISTORY_EVENTUAL) {
            uint64_t index = index_of(work, operation);

            if (cc_history_is_query(operation->kind) && index != 0 && index < seen.index) {
                return blame_pair(
                    work,
                    "back: the second read an older state than the first, "
                    "which was asked earlier on the same stream",
                    seen.witness, operation);
            }
            see(work, &seen, operation);
        }
        if (latest == NULL || operation->completed_order > latest->completed_order) {
            latest = operation;
        }
        numbered = operation->sequence != 0 ? operation : numbered;
    }
    return true;
}

/* ---- all events ---------------------------------------------------------------------------------
 */

struct walk {
    struct cc_check_session_work *work;
    const struct cc_history_operation **events; /* by order; each operation has one or two */
    size_t *sessions;                           /* by id: its client, counted from 0 */
    struct sight *seen;                         /* by session, not counting EVENTUAL reads */
    struct sight *floors;                       /* by id: what anybody had seen at its invocation */
    struct sight *session_floors;               /* by id: what its own session had seen */
};

static void *reserved(size_t count, size_t size)
{
    void *block = calloc(count + 1, size);

    if (block == NULL) {
        abort();
    }
    return block;
}

static void prepare(struct walk *walk, struct cc_check_session_work *work)
{
    size_t count = cc_history_count(work->history);
    size_t session = 0;

    walk->work = work;
    walk->events = reserved(2 * count, sizeof *walk->events);
    walk->sessions = reserved(count, sizeof *walk->sessions);
    walk->seen = reserved(count, sizeof *walk->seen);
    walk->floors = reserved(count, sizeof *walk->floors);
    walk->session_floors = reserved(count, sizeof *walk->session_floors);
    for (size_t i = 0; i < count; i++) {
        const struct cc_history_operation *operation = work->streams[i];

        session += i > 0 && work->streams[i - 1]->client != operation->client;
        walk->sessions[operation->id] = session;
        walk->events[operation->invoked_order] = operation;
        if (operation->completed_order != CC_HISTORY_PENDING) {
            walk->events[operation->completed_order] = operation;
        }
    }
}

static void walk_events(struct walk *walk)
{
    struct sight seen = {0};

    for (size_t order = 1; order <= 2 * cc_history_count(walk->work->history); order++) {
        const struct cc_history_operation *operation = walk->events[order];

        if (operation == NULL) {
            return;
        }

        struct sight *session_seen = &walk->seen[walk->sessions[operation->id]];

        if (operation->invoked_order == order) {
            walk->floors[operation->id] = seen;
            walk->session_floors[operation->id] = *session_seen;
            continue;
        }
        see(walk->work, &seen, operation);
        if (operation->level != CC_HISTORY_EVENTUAL) {
            see(walk->work, session_seen, operation);
        }
    }
}

static bool check_floors(const struct walk *walk)
{
    struct cc_check_session_work *work = walk->work;

    for (size_t i = 0; i < cc_history_count(work->history); i++) {
        const struct cc_history_operation *operation = cc_history_at(work->history, i);
        bool is_query = cc_history_is_query(operation->kind);
        uint64_t index = index_of(work, operation);
        struct sight floor = walk->floors[i];
        struct sight session_floor = walk->session_floors[i];

        if (index == 0 || (is_query && operation->outcome != CC_HISTORY_OK)) {
            continue;
        }
        if (!is_query && index <= floor.index) {
            return blame_pair(
                work,
                "time: the second took effect no later than the state that "
                "the first was answered from, before it was invoked",
                floor.witness, operation);
        }
        if (is_query && operation->level != CC_HISTORY_EVENTUAL && index < session_floor.index) {
            return blame_pair(
                work,
                "back: the second read an older state than its session had "
                "seen before",
                session_floor.witness, operation);
        }
        if (is_query && operation->level <= CC_HISTORY_LEASE && index < floor.index) {
            return blame_pair(
                work,
                "time: the second read an older state than the first, which "
                "was answered before it was invoked",
                floor.witness, operation);
        }
    }
    return true;
}

bool cc_check_session_order(struct cc_check_session_work *work)
{
    struct walk walk = {0};
    bool is_right;

    if (!check_streams(work)) {
        return false;
    }
    prepare(&walk, work);
    walk_events(&walk);
    is_right = check_floors(&walk);
    free(walk.events);
    free(walk.sessions);
    free(walk.seen);
    free(walk.floors);
    free(walk.session_floors);
    return is_right;
}

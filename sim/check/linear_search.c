/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linear_search -- see linear_search.h.
 *
 * Two lists hold what is not yet in the order.  The list of the certain has invocations and returns
 * of operations whose answer is known, as they happened; those invoked before its first return may
 * come next.  The list of the possible has the invocations of the others: they may come next as
 * well, and need never come.  The certain are tried first, because every one of them has to be
 * placed.
 *
 * Invariants
 *   N1  the state at depth d is what the first d operations of the order lead to
 *   N2  a pair of (operations placed, state) is entered at most once
 */
#include "sim/check/linear_search.h"

#include "sim/check/linear_state.h"

#include <stdlib.h>
#include <string.h>

#define CERTAIN 0u /* heads of the two lists, and their ends */
#define POSSIBLE 1u
#define HEADS 2u

struct mark {
    uint64_t high;
    uint64_t low;
};

struct node {
    uint32_t previous;
    uint32_t next;
    uint32_t operation; /* place in the question */
    uint32_t back;      /* node of its return; 0: none */
    uint64_t order;
    bool is_return;
};

struct frame {
    uint32_t node;    /* placed here */
    struct mark mark; /* before it was placed */
};

struct search {
    const struct cc_check_question *question;
    struct node *nodes;
    uint32_t node_count;
    uint32_t *slots; /* of each operation's key in the state */
    size_t certain_left;
    uint64_t limit; /* the first return in the list of the certain: nothing later may come next */
    struct frame *stack;
    uint32_t *states;  /* key_count for each depth */
    uint32_t *scratch; /* one more state */
    size_t depth;
    struct mark mark;
    struct mark *seen;
    size_t seen_size;
    size_t seen_count;
};

static void *reserved(size_t count, size_t size)
{
    void *block = calloc(count == 0 ? 1 : count, size);

    if (block == NULL) {
        abort();
    }
    return block;
}

/* ---- memory of failures -------------------------------------------------------------------------
 */

static uint64_t mix(uint64_t word)
{
    word += UINT64_C(0x9e3779b97f4a7c15);
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

/* Adds a fact to a mark, or takes it away again. */
static void toggle(struct mark *mark, uint64_t kind, uint64_t what, uint64_t value)
{
    uint64_t seed = mix(mix(mix(kind) ^ what) ^ value);

    mark->high ^= mix(seed ^ UINT64_C(0x243f6a8885a308d3));
    mark->low ^= mix(seed ^ UINT64_C(0x13198a2e03707344));
}

static struct mark *seen_place(struct mark *seen, size_t seen_size, struct mark mark)
{
    size_t place = (size_t)mark.low & (seen_size - 1);

    while ((seen[place].high != 0 || seen[place].low != 0) &&
           (seen[place].high != mark.high || seen[place].low != mark.low)) {
        place = (place + 1) & (seen_size - 1);
    }
    return &seen[place];
}

/* False if the mark was there already. */
static bool remember(struct search *search, struct mark mark)
{
    if (search->seen_count * 4 >= search->seen_size * 3) {
        size_t larger = search->seen_size == 0 ? 64 : search->seen_size * 2;
        struct mark *seen = reserved(larger, sizeof *seen);

        for (size_t i = 0; i < search->seen_size; i++) {
            if (search->seen[i].high != 0 || search->seen[i].low != 0) {
                *seen_place(seen, larger, search->seen[i]) = search->seen[i];
            }
        }
        free(search->seen);
        search->seen = seen;
        search->seen_size = larger;
    }

    struct mark *place = seen_place(search->seen, search->seen_size, mark);

    if (place->high != 0 || place->low != 0) {
        return false;
    }
    *place = mark;
    search->seen_count++;
    return true;
}

/* ---- the two lists ------------------------------------------------------------------------------
 */

static int by_order(const void *left, const void *right)
{
    const struct node *a = left;
    const struct node *b = right;

    return a->order < b->order ? -1 : a->order > b->order;
}

static void append(struct search *search, uint32_t head, uint32_t node)
{
    struct node *nodes = search->nodes;

    nodes[node].previous = nodes[head].previous;
    nodes[node].next = head;
    nodes[nodes[head].previous].next = node;
    nodes[head].previous = node;
}

static void unlink_node(struct search *search, uint32_t node)
{
    search->nodes[search->nodes[node].previous].next = search->nodes[node].next;
    search->nodes[search->nodes[node].next].previous = search->nodes[node].previous;
}

static void relink_node(struct search *search, uint32_t node)
{
    search->nodes[search->nodes[node].previous].next = node;
    search->nodes[search->nodes[node].next].previous = node;
}

/* An unanswered query tells nothing and does nothing. */
static bool takes_part(
    const struct cc_check_question *question, const struct cc_history_operation *operation)
{
    return cc_check_is_certain(question, operation) || !cc_history_is_query(operation->kind);
}

static void build_nodes(struct search *search)
{
    const struct cc_check_question *question = search->question;
    uint32_t *invocations = reserved(question->operation_count, sizeof *invocations);
    uint32_t count = HEADS;

    for (size_t i = 0; i < question->operation_count; i++) {
        const struct cc_history_operation *operation = question->operations[i];
        struct node node = {.operation = (uint32_t)i, .order = operation->invoked_order};

        if (takes_part(question, operation)) {
            search->nodes[count++] = node;
            if (cc_check_is_certain(question, operation)) {
                node.order = operation->completed_order;
                node.is_return = true;
                search->nodes[count++] = node;
            }
        }
    }
    qsort(search->nodes + HEADS, count - HEADS, sizeof *search->nodes, by_order);
    search->nodes[CERTAIN] = (struct node){.previous = CERTAIN, .next = CERTAIN};
    search->nodes[POSSIBLE] = (struct node){.previous = POSSIBLE, .next = POSSIBLE};
    for (uint32_t i = HEADS; i < count; i++) {
        struct node *node = &search->nodes[i];
        bool certain = cc_check_is_certain(question, question->operations[node->operation]);

        append(search, certain ? CERTAIN : POSSIBLE, i);
        if (node->is_return) {
            search->nodes[invocations[node->operation]].back = i;
            search->certain_left++;
        } else {
            invocations[node->operation] = i;
        }
    }
    search->node_count = count;
    free(invocations);
}

/*
 * From a node on, itself included: the next invocation that may come next in the order, or 0.  The
 * limit need not be restored when one of the possible is taken back: it has no return, so the first
 * return was the same with it and without it.
 */
static uint32_t candidate(struct search *search, uint32_t node)
{
    if (node != POSSIBLE && search->nodes[node].is_return) {
        search->limit = search->nodes[node].order;
        node = search->nodes[POSSIBLE].next;
    } else if (search->nodes[node].back != 0) {
        return node;
    }
    return node == POSSIBLE || search->nodes[node].order > search->limit ? 0 : node;
}

/* ---- the search ---------------------------------------------------------------------------------
 */

/*
 * True if the order would do as well without the newest operation in it: that one need not have
 * happened, and this one answers and leaves the same without it.  Then the shorter order, which is
 * tried as well, succeeds if this one does.  Without this rule every set of unanswered writes that
 * nobody has seen would be tried.
 */
static bool is_idle_detour(struct search *search, uint32_t node, const uint32_t *after)
{
    size_t state_size = search->question->key_count;
    uint32_t place = search->nodes[node].operation;

    if (search->depth == 0 || search->nodes[search->stack[search->depth - 1].node].back != 0) {
        return false;
    }
    memcpy(
        search->scratch, search->states + (search->depth - 1) * state_size,
        state_size * sizeof *after);
    return cc_check_carry_out(
               search->question, search->question->operations[place], search->slots[place],
               search->nodes[node].back != 0, search->scratch) &&
           memcmp(search->scratch, after, state_size * sizeof *after) == 0;
}

/* Places an operation next in the order, unless it cannot be or has been tried. */
static bool place_next(struct search *search, uint32_t node)
{
    size_t state_size = search->question->key_count;
    uint32_t *before = search->states + search->depth * state_size;
    uint32_t *after = before + state_size;
    uint32_t operation = search->nodes[node].operation;
    uint32_t back = search->nodes[node].back;
    struct mark mark = search->mark;

    memcpy(after, before, state_size * sizeof *after);
    if (!cc_check_carry_out(
            search->question, search->question->operations[operation], search->slots[operation],
            back != 0, after) ||
        is_idle_detour(search, node, after)) {
        return false;
    }
    for (size_t i = 0; i < state_size; i++) {
        if (before[i] != after[i]) {
            toggle(&mark, 2, i, before[i]);
            toggle(&mark, 2, i, after[i]);
        }
    }
    toggle(&mark, 1, operation, 0);
    if (!remember(search, mark)) { /* N2 */
        return false;
    }
    search->stack[search->depth++] = (struct frame){node, search->mark};
    search->mark = mark;
    unlink_node(search, node);
    if (back != 0) {
        unlink_node(search, back);
        search->certain_left--;
    }
    return true;
}

/* Undoes the newest placement; the node that was placed. */
static uint32_t take_back(struct search *search)
{
    struct frame frame = search->stack[--search->depth];
    uint32_t back = search->nodes[frame.node].back;

    if (back != 0) {
        relink_node(search, back);
        search->certain_left++;
    }
    relink_node(search, frame.node);
    search->mark = frame.mark;
    return frame.node;
}

static enum cc_check_search_result run(struct search *search, uint64_t *steps)
{
    uint64_t left = search->question->steps_max;
    uint32_t node = search->nodes[CERTAIN].next;

    while (search->certain_left > 0) {
        node = candidate(search, node);
        if (node == 0) {
            if (search->depth == 0) {
                return CC_CHECK_SEARCH_IMPOSSIBLE;
            }
            node = search->nodes[take_back(search)].next;
            continue;
        }
        if (left-- == 0) {
            return CC_CHECK_SEARCH_EXHAUSTED;
        }
        ++*steps;
        node = place_next(search, node) ? search->nodes[CERTAIN].next : search->nodes[node].next;
    }
    return CC_CHECK_SEARCH_FOUND;
}

enum cc_check_search_result cc_check_search(
    const struct cc_check_question *question, uint64_t *steps)
{
    size_t count = question->operation_count;
    struct search search = {
        .question = question,
        .nodes = reserved(2 * count + HEADS, sizeof *search.nodes),
        .slots = reserved(count, sizeof *search.slots),
        .stack = reserved(count, sizeof *search.stack),
        .states = reserved((count + 1) * question->key_count, sizeof *search.states),
        .scratch = reserved(question->key_count, sizeof *search.scratch),
    };
    enum cc_check_search_result result;

    for (size_t i = 0; i < count; i++) {
        search.slots[i] = cc_check_slot_of(question, question->operations[i]->key);
    }
    build_nodes(&search);
    result = run(&search, steps);
    free(search.nodes);
    free(search.slots);
    free(search.stack);
    free(search.states);
    free(search.scratch);
    free(search.seen);
    return result;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_log -- what the core knows of its log: runs of terms, the end, and what of it is durable.
 *
 * Where it sits:   raft_*.c ask it; the entries themselves are with the driver.
 * Memory:          the run table is taken at create; the ring of tickets is part of the core.
 *
 * A ticket stands for "durable through this index".  A truncation lowers what older tickets stand
 * for, so a write that is completed late never makes its successor at the same index look durable.
 */
#include "base/assert.h"
#include "raft/raft_internal.h"

#include <string.h>

static struct cc_raft_ticket *ticket_at(struct cc_raft_log *log, uint32_t position)
{
    CC_ASSERT(position < log->tickets_count);
    return &log->tickets[(log->tickets_head + position) % CC_RAFT_TICKETS_MAX];
}

void cc_raft_log_init(
    struct cc_raft_log *log,
    struct cc_raft_run *runs,
    uint32_t capacity,
    const struct cc_raft_start *start)
{
    uint32_t skipped = start->run_count > capacity ? start->run_count - capacity : 0;

    CC_ASSERT(capacity >= CC_RAFT_RUN_CAPACITY_MIN);
    memset(log, 0, sizeof *log);
    log->runs = runs;
    log->run_capacity = capacity;
    log->run_count = start->run_count - skipped;
    if (log->run_count > 0) {
        memcpy(log->runs, start->runs + skipped, log->run_count * sizeof *log->runs);
    }
    log->last = start->last_index;
    log->stable = start->last_index;
}

/* The run that holds `index`, or run_count if it is forgotten or past the end. */
static uint32_t run_of(const struct cc_raft_log *log, uint64_t index)
{
    uint32_t low = 0;
    uint32_t high = log->run_count;

    if (index > log->last || log->run_count == 0 || index < log->runs[0].first) {
        return log->run_count;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (log->runs[middle].first <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    CC_ASSERT(log->runs[low].first <= index);
    return low;
}

uint64_t cc_raft_log_term_at(const struct cc_raft_log *log, uint64_t index)
{
    uint32_t run = run_of(log, index);

    return run == log->run_count ? 0 : log->runs[run].term;
}

uint64_t cc_raft_log_run_end(const struct cc_raft_log *log, uint64_t index)
{
    uint32_t run = run_of(log, index);

    CC_ASSERT(run < log->run_count);
    return run + 1 == log->run_count ? log->last : log->runs[run + 1].first - 1;
}

uint64_t cc_raft_log_find(const struct cc_raft_log *log, uint64_t index, uint64_t term)
{
    index = cc_raft_min(index, log->last);
    for (uint32_t i = log->run_count; i > 0; i--) {
        const struct cc_raft_run *run = &log->runs[i - 1];

        if (index < run->first) {
            continue;
        }
        if (run->term <= term) {
            return index;
        }
        index = run->first - 1;
    }
    return index;
}

void cc_raft_log_append(struct cc_raft_log *log, uint64_t count, uint64_t term)
{
    uint64_t newest = log->run_count == 0 ? 0 : log->runs[log->run_count - 1].term;

    CC_ASSERT(count > 0);
    CC_ASSERT(term >= newest); /* R6 */
    if (newest != term) {
        if (log->run_count == log->run_capacity) {
            memmove(log->runs, log->runs + 1, (log->run_count - 1) * sizeof *log->runs);
            log->run_count--;
        }
        log->runs[log->run_count++] = (struct cc_raft_run){log->last + 1, term};
    }
    log->last += count;
}

void cc_raft_log_truncate(struct cc_raft_log *log, uint64_t from)
{
    CC_ASSERT(from > 0);
    CC_ASSERT(from <= log->last);
    log->last = from - 1;
    log->stable = cc_raft_min(log->stable, log->last);
    while (log->run_count > 0 && log->runs[log->run_count - 1].first > log->last) {
        log->run_count--;
    }
    for (uint32_t i = 0; i < log->tickets_count; i++) {
        struct cc_raft_ticket *ticket = ticket_at(log, i);

        ticket->last = cc_raft_min(ticket->last, log->last);
    }
}

void cc_raft_log_promise(struct cc_raft_log *log)
{
    CC_ASSERT(log->ticket > log->ticket_durable);
    if (log->tickets_count == CC_RAFT_TICKETS_MAX) {
        /* Full: the newest two become one.  What the older stood for is told a little later. */
        struct cc_raft_ticket *newest = ticket_at(log, log->tickets_count - 1);

        *newest = (struct cc_raft_ticket){log->ticket, log->last};
        return;
    }
    log->tickets_count++;
    *ticket_at(log, log->tickets_count - 1) = (struct cc_raft_ticket){log->ticket, log->last};
}

void cc_raft_log_stored(struct cc_raft_log *log, uint64_t ticket)
{
    CC_ASSERT(ticket <= log->ticket);
    log->ticket_durable = cc_raft_max(log->ticket_durable, ticket);
    while (log->tickets_count > 0 && ticket_at(log, 0)->ticket <= ticket) {
        log->stable = cc_raft_max(log->stable, ticket_at(log, 0)->last);
        log->tickets_head = (log->tickets_head + 1) % CC_RAFT_TICKETS_MAX;
        log->tickets_count--;
    }
    CC_ASSERT(log->stable <= log->last); /* R1 */
}

void cc_raft_log_verify(const struct cc_raft_log *log)
{
    CC_ASSERT(log->stable <= log->last); /* R1 */
    CC_ASSERT(log->run_count <= log->run_capacity);
    for (uint32_t i = 0; i < log->run_count; i++) { /* R6 */
        CC_ASSERT(log->runs[i].first > 0);
        CC_ASSERT(log->runs[i].first <= log->last);
        CC_ASSERT(i == 0 || log->runs[i - 1].first < log->runs[i].first);
        CC_ASSERT(i == 0 || log->runs[i - 1].term < log->runs[i].term);
    }
    for (uint32_t i = 0; i < log->tickets_count; i++) {
        const struct cc_raft_ticket *ticket =
            &log->tickets[(log->tickets_head + i) % CC_RAFT_TICKETS_MAX];

        CC_ASSERT(ticket->last <= log->last);
        CC_ASSERT(ticket->ticket > log->ticket_durable);
        CC_ASSERT(ticket->ticket <= log->ticket);
    }
}

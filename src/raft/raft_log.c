/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_log -- the log as the core knows it: runs of terms, and how far it is durable.
 */
#include "raft/raft_internal.h"

#include <string.h>

void cc_raft_log_init(struct cc_raft *core, const struct cc_raft_start *start)
{
    if (start->run_count > 0) {
        memcpy(core->runs, start->runs, start->run_count * sizeof *core->runs);
    }
    core->run_count = start->run_count;
    core->first = start->first_index == 0 ? 1 : start->first_index;
    core->last = start->last_index;
    core->stored = start->last_index;
    cc_raft_log_repaired(core, start->damaged_from);
}

/* R7: what lies behind a damaged entry may be on the disk, and still does not count. */
static void settle(struct cc_raft *core)
{
    core->stable = core->damaged_from != 0 && core->damaged_from <= core->stored
                       ? core->damaged_from - 1
                       : core->stored;
}

void cc_raft_log_repaired(struct cc_raft *core, uint64_t damaged_from)
{
    CC_ASSERT(damaged_from <= core->last);
    core->damaged_from = damaged_from;
    settle(core);
}

/* The run that `index` is in: the last one that begins at or before it. */
static uint32_t run_of(const struct cc_raft *core, uint64_t index)
{
    uint32_t low = 0;
    uint32_t high = core->run_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (core->runs[middle].first <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t cc_raft_log_term(const struct cc_raft *core, uint64_t index)
{
    if (index == 0 || index > core->last || core->run_count == 0 || index < core->runs[0].first) {
        return 0;
    }
    return core->runs[run_of(core, index)].term;
}

uint64_t cc_raft_log_run_end(const struct cc_raft *core, uint64_t index)
{
    uint32_t run = run_of(core, index);

    CC_ASSERT(core->run_count > 0 && core->runs[run].first <= index);
    return run + 1 < core->run_count ? core->runs[run + 1].first - 1 : core->last;
}

uint64_t cc_raft_log_find(const struct cc_raft *core, uint64_t index, uint64_t term)
{
    uint64_t at = index < core->last ? index : core->last;

    while (at > 0 && cc_raft_log_term(core, at) > term) {
        at = core->runs[run_of(core, at)].first - 1;
    }
    return at;
}

/* Room for one more run; the oldest goes if all of it is committed and something behind it as well:
 * nobody compares that any more, and the term of the last entry stays known whatever is truncated.
 */
bool cc_raft_log_has_room(struct cc_raft *core)
{
    if (core->run_count < core->run_capacity) {
        return true;
    }
    if (core->runs[1].first > core->commit) {
        return false;
    }
    core->run_count--;
    memmove(core->runs, core->runs + 1, core->run_count * sizeof *core->runs);
    return true;
}

/* The run that the newest forgotten entry is in stays: appends lean on that entry (T-031). */
void cc_raft_log_forget(struct cc_raft *core, uint64_t index)
{
    uint32_t run = core->run_count == 0 ? 0 : run_of(core, index);

    core->first = index + 1;
    core->run_count -= run;
    memmove(core->runs, core->runs + run, core->run_count * sizeof *core->runs);
    if (CC_BUG(T031) && core->last > index) {
        core->runs[0].first = core->first;
    }
}

/*
 * What was stable and committed is on the disk, in the log that is dropped or in the image that
 * replaces it, whichever a crash leaves.  No write that is under way says anything of the new log,
 * and the image itself counts when its ticket is durable (T-048).
 */
void cc_raft_log_reset(struct cc_raft *core, uint64_t index, uint64_t term)
{
    core->stored = core->stable < core->commit ? core->stable : core->commit;
    core->stored = CC_BUG(T048) ? index : core->stored;
    core->damaged_from = 0;
    core->runs[0] = (struct cc_raft_run){index, term};
    core->run_count = 1;
    core->first = index + 1;
    core->last = index;
    core->ticket_count = 0;
    settle(core);
    cc_raft_log_note_append(core);
}

void cc_raft_log_extend(struct cc_raft *core, uint64_t last, uint64_t term)
{
    CC_ASSERT(last > core->last);
    CC_ASSERT(core->run_count == 0 || core->runs[core->run_count - 1].term <= term); /* R6 */
    if (core->run_count == 0 || core->runs[core->run_count - 1].term != term) {
        CC_ASSERT(core->run_count < core->run_capacity);
        core->runs[core->run_count++] = (struct cc_raft_run){core->last + 1, term};
    }
    core->last = last;
}

void cc_raft_log_truncate(struct cc_raft *core, uint64_t from)
{
    CC_ASSERT(from > core->commit || CC_BUG(T020)); /* R3 */
    CC_ASSERT(from > 0 && from <= core->last);
    while (core->run_count > 0 && core->runs[core->run_count - 1].first >= from) {
        core->run_count--;
    }
    core->last = from - 1;
    core->stored = core->stored < core->last ? core->stored : core->last;
    core->damaged_from = core->damaged_from < from ? core->damaged_from : 0;
    settle(core);

    /* What is written for the dropped entries promises nothing about those that take their place.
     */
    for (uint32_t i = 0; i < core->ticket_count; i++) {
        if (core->tickets[i].index > core->last) {
            core->tickets[i].index = core->last;
            core->tickets[i].term = cc_raft_log_term(core, core->last);
        }
    }
    core->effects->truncate_from = from;
    (void)cc_raft_log_ticket(core);
}

uint64_t cc_raft_log_ticket(struct cc_raft *core)
{
    if (core->effects->ticket == 0) {
        core->effects->ticket = ++core->ticket_newest;
    }
    return core->effects->ticket;
}

/* The step's ticket covers the log as it now is.  Beyond the bound the newest two become one, which
 * only delays what the former would have said. */
void cc_raft_log_note_append(struct cc_raft *core)
{
    struct cc_raft_ticket ticket = {
        cc_raft_log_ticket(core), core->last, cc_raft_log_term(core, core->last)};

    if (core->ticket_count == CC_RAFT_TICKETS_MAX) {
        core->ticket_count--;
    }
    core->tickets[core->ticket_count++] = ticket;
}

void cc_raft_log_stored(struct cc_raft *core, uint64_t ticket)
{
    uint32_t done = 0;

    if (ticket <= core->ticket_durable || ticket > core->ticket_newest) {
        return;
    }
    core->ticket_durable = ticket;
    while (done < core->ticket_count && core->tickets[done].ticket <= ticket) {
        const struct cc_raft_ticket *slot = &core->tickets[done++];

        if (slot->index > core->stored && slot->term == cc_raft_log_term(core, slot->index)) {
            core->stored = slot->index;
        }
    }
    settle(core);
    core->ticket_count -= done;
    memmove(core->tickets, core->tickets + done, core->ticket_count * sizeof *core->tickets);
    CC_ASSERT(core->stored <= core->last && core->stable <= core->stored); /* R1 */
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_recover -- what would a start make of the directory?  The journal and the log of a server
 * are asked: they recover on a view, and are ended where they would write.
 */
#include "base/assert.h"
#include "inspect/inspect.h"
#include "log/log.h"

#include <string.h>

struct recovery {
    copycat_inspection *inspection;
    struct cc_inspect_verdict *verdict;
    struct cc_journal *journal;
    struct cc_log *log;
    bool is_opened;
    bool is_closed;
};

/* ---- what it tells --------------------------------------------------------------------------- */

static void on_entry(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    struct recovery *recovery = owner;

    cc_log_recover_entry(recovery->log, entry, place);
}

static void on_truncate(void *owner, uint32_t group, uint64_t from)
{
    struct recovery *recovery = owner;

    (void)group;
    cc_log_recover_truncate(recovery->log, from);
}

static void note_damage(struct recovery *recovery, const struct cc_journal_damage *damage)
{
    struct cc_inspect_verdict *verdict = recovery->verdict;

    if (verdict->damage_count == verdict->damage_capacity) {
        uint32_t capacity = verdict->damage_capacity == 0 ? 16 : verdict->damage_capacity * 2;

        verdict->damages = cc_memory_grow(
            recovery->inspection->memory, verdict->damages, capacity * sizeof *verdict->damages);
        verdict->damage_capacity = capacity;
    }
    verdict->damages[verdict->damage_count++] = (struct cc_inspect_damage){
        .life = damage->file,
        .offset = damage->offset,
        .first = damage->first,
        .last = damage->last,
    };
}

static void on_damage(void *owner, const struct cc_journal_damage *damage)
{
    struct recovery *recovery = owner;

    note_damage(recovery, damage);
    cc_log_recover_damage(recovery->log, damage);
}

static bool on_repair(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    struct recovery *recovery = owner;

    return cc_log_recover_repair(recovery->log, entry, place);
}

static bool on_switch(
    void *owner, uint32_t group, const struct cc_journal_base *base, bool keep_tail)
{
    struct recovery *recovery = owner;

    recovery->verdict->image = (struct cc_image_id){
        .group = group,
        .index = base->index,
        .term = base->term,
        .time_us = base->time_us,
        .size = base->size,
        .checksum = base->checksum,
    };
    return cc_log_recover_switch(recovery->log, base, keep_tail);
}

static void on_forgotten(void *owner, uint32_t group, uint64_t first)
{
    struct recovery *recovery = owner;

    (void)group;
    cc_log_recover_forgotten(recovery->log, first);
}

static void on_state(void *owner, uint32_t group, uint64_t term, uint32_t vote)
{
    struct recovery *recovery = owner;

    (void)group;
    recovery->verdict->term = term;
    recovery->verdict->vote = vote;
}

static void on_open(void *owner, copycat_status status, const char *text)
{
    struct recovery *recovery = owner;
    struct cc_inspect_verdict *verdict = recovery->verdict;
    size_t size = strlen(text);

    recovery->is_opened = true;
    if (recovery->inspection->view.is_write_wanted) {
        return; /* all was accepted: the next thing would have been the start itself */
    }
    size = size < sizeof verdict->text ? size : sizeof verdict->text - 1;
    memcpy(verdict->text, text, size);
    verdict->text[size] = '\0';
    verdict->status = status;
}

static void on_durable(void *owner, uint64_t mark)
{
    (void)owner;
    (void)mark;
}

static void on_placed(
    void *owner, uint32_t group, uint64_t index, const struct cc_journal_place *place)
{
    (void)owner;
    (void)group;
    (void)index;
    (void)place;
}

static void on_failed(void *owner, copycat_status status, const char *text)
{
    (void)owner;
    (void)status;
    (void)text;
}

static void on_closed(void *owner)
{
    struct recovery *recovery = owner;

    recovery->is_closed = true;
}

static const struct cc_journal_callbacks callbacks = {
    .on_entry = on_entry,
    .on_truncate = on_truncate,
    .on_damage = on_damage,
    .on_repair = on_repair,
    .on_switch = on_switch,
    .on_state = on_state,
    .on_forgotten = on_forgotten,
    .on_open = on_open,
    .on_durable = on_durable,
    .on_placed = on_placed,
    .on_failed = on_failed,
    .on_closed = on_closed,
};

/* ---- the verdict ----------------------------------------------------------------------------- */

static void count_missing(struct recovery *recovery)
{
    struct cc_inspect_verdict *verdict = recovery->verdict;

    for (uint32_t i = 0; i < verdict->damage_count; i++) {
        struct cc_inspect_damage *damage = &verdict->damages[i];

        for (uint64_t index = damage->first; index <= damage->last; index++) {
            damage->missing += cc_log_is_damaged(recovery->log, index);
        }
    }
    /* One entry may have been in several batches that do not read: it is missing once. */
    while (cc_log_damage(recovery->log) != NULL) {
        const struct cc_log_damage *range = cc_log_damage(recovery->log);

        verdict->missing += range->last - range->first + 1;
        cc_log_forget(recovery->log, range->last);
    }
}

static void sum_up(struct recovery *recovery)
{
    struct cc_inspect_verdict *verdict = recovery->verdict;
    const struct cc_base *base = cc_journal_base(recovery->journal);

    verdict->first = cc_log_first(recovery->log);
    verdict->last = cc_log_last(recovery->log);
    verdict->time_us = cc_log_last_time_us(recovery->log);
    verdict->boot = cc_journal_boot(recovery->journal);
    if (verdict->status == COPYCAT_OK) {
        verdict->boot -= verdict->boot > 0; /* the start that never was */
    }
    if (base != NULL) {
        verdict->has_founding = true;
        verdict->has_others = base->members.count > 1;
        memcpy(verdict->cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
    }
    count_missing(recovery);
}

copycat_status cc_inspect_recover(
    copycat_inspection *inspection, struct cc_inspect_verdict *verdict_out)
{
    struct recovery recovery = {.inspection = inspection, .verdict = verdict_out};
    const struct cc_journal_options options = {
        .directory = inspection->path,
        .server = inspection->server == 0 ? 1 : inspection->server,
    };
    copycat_status status;

    *verdict_out = (struct cc_inspect_verdict){0};
    inspection->view.is_write_wanted = false;
    recovery.log = cc_log_create(&inspection->view.env, 0, 0);
    status =
        cc_journal_open(&recovery.journal, &inspection->view.env, &options, &callbacks, &recovery);
    if (status != COPYCAT_OK) {
        cc_log_destroy(recovery.log);
        return status;
    }
    cc_view_run(&inspection->view, &recovery.is_opened);
    CC_ASSERT(recovery.is_opened);
    sum_up(&recovery);
    cc_journal_close(recovery.journal);
    cc_view_run(&inspection->view, &recovery.is_closed);
    CC_ASSERT(recovery.is_closed);
    cc_log_destroy(recovery.log);
    return COPYCAT_OK;
}

void cc_inspect_verdict_deinit(copycat_inspection *inspection, struct cc_inspect_verdict *verdict)
{
    cc_memory_give(inspection->memory, verdict->damages);
    verdict->damages = NULL;
}

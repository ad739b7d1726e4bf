/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_verify -- is it sound?  Recovery's verdict, and in words what of each file does not read.
 *
 * Recovery stops at the first thing that it cannot pass over.  What a walk finds besides is told
 * too: who has to decide what to do with a disk wants to know all of it.
 */
#include "inspect/inspect_verify.h"

#include <stdio.h>
#include <string.h>

#define ADVICE_LEFTOVER "a crash leaves that behind; a start clears it away, nothing is lost"
#define ADVICE_REPAIRED "what it held was written again since; nothing is missing"
#define ADVICE_PASSED "its neighbours say what it did, and no entry is missing"
#define ADVICE_REPAIRABLE                                                                  \
    "a start passes over it and fetches these entries from the other servers; look after " \
    "the disk, and change nothing in the directory"
#define ADVICE_REPAIRABLE_BUT                                                             \
    "of itself it would be passed over, and its entries fetched from the other servers; " \
    "but a start does not come to that"
#define ADVICE_UNJUDGED \
    "whether a start could pass over it cannot be told, for it does not come so far"
#define ADVICE_FATAL "a server does not start with it. " CC_ADVICE_WAY_OUT

void cc_inspect_tell(struct cc_inspect_verifying *verifying, const copycat_inspect_finding *finding)
{
    if (finding->kind != COPYCAT_FINDING_LEFTOVER) {
        verifying->summary->is_sound = 0;
    }
    if (!verifying->is_over && verifying->on_finding != NULL) {
        verifying->is_over = verifying->on_finding(finding, verifying->user) != 0;
    }
}

/* ---- what recovery stopped at ---------------------------------------------------------------- */

static void tell_refusal(struct cc_inspect_verifying *verifying)
{
    const struct cc_inspect_refusal *refusal = &verifying->refusal;
    copycat_inspect_finding finding = {
        .kind = COPYCAT_FINDING_FATAL,
        .file = refusal->file,
        .what = refusal->what,
        .advice = ADVICE_FATAL,
        .offset = refusal->offset,
    };

    if (verifying->verdict.status == COPYCAT_OK) {
        return;
    }
    cc_inspect_explain(verifying->inspection, &verifying->verdict, &verifying->refusal);
    finding.offset = refusal->offset;
    if (verifying->verdict.status == COPYCAT_ERR_NEWER) {
        finding.kind = COPYCAT_FINDING_NEWER;
        finding.advice = CC_ADVICE_NEWER;
    } else if (verifying->verdict.status == COPYCAT_ERR_IO) {
        finding.kind = COPYCAT_FINDING_UNREADABLE;
        finding.advice = CC_ADVICE_UNREADABLE;
    }
    cc_inspect_tell(verifying, &finding);
}

/* ---- what a walk finds ----------------------------------------------------------------------- */

static bool on_batch(void *owner, const struct cc_inspect_batch *batch)
{
    const struct cc_inspect_verifying *verifying = owner;

    (void)batch;
    return !verifying->is_over;
}

static const struct cc_inspect_damage *damage_at(
    const struct cc_inspect_verdict *verdict, const struct cc_inspect_gap *gap, uint32_t *at)
{
    for (; *at < verdict->damage_count; (*at)++) {
        const struct cc_inspect_damage *damage = &verdict->damages[*at];

        if (damage->life == gap->life && damage->offset >= gap->offset &&
            damage->offset < gap->offset + gap->size) {
            (*at)++;
            return damage;
        }
    }
    return NULL;
}

static void tell_damage(
    struct cc_inspect_verifying *verifying,
    copycat_inspect_finding *finding,
    const struct cc_inspect_damage *damage)
{
    char what[160];

    finding->what = what;
    finding->offset = damage->offset;
    finding->first_index = damage->first;
    finding->last_index = damage->last;
    snprintf(
        what, sizeof what, "a batch does not read, with the entries %llu to %llu",
        (unsigned long long)damage->first, (unsigned long long)damage->last);
    finding->kind =
        damage->missing > 0 ? COPYCAT_FINDING_REPAIRABLE : (uint32_t)COPYCAT_FINDING_REPAIRED;
    finding->advice = damage->missing == 0                      ? ADVICE_REPAIRED
                      : verifying->verdict.status == COPYCAT_OK ? ADVICE_REPAIRABLE
                                                                : ADVICE_REPAIRABLE_BUT;
    cc_inspect_tell(verifying, finding);
}

static void tell_gap(struct cc_inspect_verifying *verifying, const struct cc_inspect_gap *gap)
{
    const struct cc_inspect_damage *damage;
    copycat_inspect_finding finding = {
        .file = gap->part->name,
        .what =
            gap->is_unreadable ? "a batch cannot be read from the disk" : "a batch does not read",
        .offset = gap->offset,
    };
    uint32_t at = 0;
    bool is_told = false;

    while ((damage = damage_at(&verifying->verdict, gap, &at)) != NULL) {
        tell_damage(verifying, &finding, damage);
        is_told = true;
    }
    if (is_told) {
        return;
    }
    if (verifying->verdict.status != COPYCAT_OK) {
        finding.kind = COPYCAT_FINDING_UNJUDGED;
        finding.advice = ADVICE_UNJUDGED;
    } else {
        finding.kind = COPYCAT_FINDING_REPAIRED;
        finding.advice = ADVICE_PASSED;
    }
    cc_inspect_tell(verifying, &finding);
}

static bool on_gap(void *owner, const struct cc_inspect_gap *gap)
{
    struct cc_inspect_verifying *verifying = owner;
    copycat_inspect_finding finding = {.file = gap->part->name, .offset = gap->offset};

    if (verifying->refusal.offset == gap->offset &&
        strcmp(verifying->refusal.file, gap->part->name) == 0) {
        return true; /* it is what stopped recovery */
    }
    switch (gap->kind) {
    case CC_GAP_TORN:
        finding.kind = COPYCAT_FINDING_LEFTOVER;
        finding.what = "the last batch was not written to its end; nobody was told of it";
        finding.advice = ADVICE_LEFTOVER;
        cc_inspect_tell(verifying, &finding);
        break;
    case CC_GAP_NEWER:
        finding.kind = COPYCAT_FINDING_NEWER;
        finding.what = "a batch was written by a newer version of Copycat, or its head is damaged";
        finding.advice = CC_ADVICE_NEWER;
        cc_inspect_tell(verifying, &finding);
        break;
    case CC_GAP_DAMAGED:
        tell_gap(verifying, gap);
        break;
    }
    return !verifying->is_over;
}

/* ---- files without a part of the log --------------------------------------------------------- */

static void tell_lifeless(
    struct cc_inspect_verifying *verifying, const struct cc_inspect_part *part)
{
    copycat_inspect_finding finding = {.file = part->name, .offset = COPYCAT_NONE};

    if (strcmp(verifying->refusal.file, part->name) == 0) {
        return;
    }
    switch (part->state) {
    case COPYCAT_FILE_UNFINISHED:
        finding.kind = COPYCAT_FINDING_LEFTOVER;
        finding.what = "the file was being made or begun when the server ended";
        finding.advice = ADVICE_LEFTOVER;
        break;
    case COPYCAT_FILE_NEWER:
        finding.kind = COPYCAT_FINDING_NEWER;
        finding.what = "the file was written by a newer version of Copycat, or its head is damaged";
        finding.advice = CC_ADVICE_NEWER;
        break;
    case COPYCAT_FILE_DAMAGED:
        finding.kind =
            part->is_unreadable ? COPYCAT_FINDING_UNREADABLE : (uint32_t)COPYCAT_FINDING_UNJUDGED;
        finding.what =
            part->is_unreadable ? "the file cannot be read" : "nothing in the file reads";
        finding.advice = part->is_unreadable ? CC_ADVICE_UNREADABLE : ADVICE_UNJUDGED;
        break;
    default:
        return;
    }
    cc_inspect_tell(verifying, &finding);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void sum_up(const struct cc_inspect_verifying *verifying, copycat_inspect_summary *summary)
{
    const struct cc_inspect_verdict *verdict = &verifying->verdict;
    size_t size = summary->size;

    *summary = (copycat_inspect_summary){
        .size = size,
        .first_index = verdict->first,
        .last_index = verdict->last,
        .missing_count = verdict->missing,
        .term = verdict->term,
        .time_us = verdict->time_us,
        .image_index = verdict->image.index,
        .boots = verdict->boot,
        .server = verifying->inspection->server,
        .vote = verdict->vote,
        .is_sound = 1,
        .does_start = verdict->status == COPYCAT_OK,
    };
    for (size_t i = 0; verdict->has_founding && i < CC_CLUSTER_ID_SIZE; i++) {
        snprintf(summary->cluster + 2 * i, 3, "%02x", verdict->cluster_id[i]);
    }
}

static copycat_status verify_parts(struct cc_inspect_verifying *verifying, copycat_message *message)
{
    const struct cc_inspect_walker walker = {on_batch, on_gap, verifying};
    copycat_inspection *inspection = verifying->inspection;

    for (uint32_t i = 0; i < inspection->part_count && !verifying->is_over; i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];
        copycat_status status = COPYCAT_OK;

        if (part->kind != COPYCAT_FILE_JOURNAL) {
            cc_inspect_tell_stray(verifying, part);
        } else if (part->life == 0) {
            tell_lifeless(verifying, part);
        } else {
            status = cc_inspect_walk(inspection, part, &walker);
        }
        if (status != COPYCAT_OK) {
            return cc_inspect_fail_reading(inspection, part, status, message);
        }
    }
    return COPYCAT_OK;
}

copycat_status copycat_inspect_verify(
    copycat_inspection *inspection,
    copycat_inspect_finding_callback *on_finding,
    copycat_inspect_progress_callback *on_progress,
    void *user,
    copycat_inspect_summary *summary_out,
    copycat_message *message_out)
{
    struct cc_inspect_verifying verifying = {
        .inspection = inspection,
        .on_finding = on_finding,
        .user = user,
        .summary = summary_out,
        .refusal.offset = COPYCAT_NONE,
    };
    copycat_status status;

    if (summary_out->size < sizeof *summary_out) {
        return cc_inspect_fail(message_out, COPYCAT_ERR_INVALID, "the summary's size is not set");
    }
    inspection->on_progress = on_progress;
    inspection->user = user;
    inspection->done = 0;
    status = cc_inspect_recover(inspection, &verifying.verdict);
    if (status == COPYCAT_OK && verifying.verdict.status == COPYCAT_ERR_BUSY) {
        status = cc_inspect_fail(
            message_out, COPYCAT_ERR_BUSY,
            "%s has more files than this process may open: raise that limit (ulimit -n)",
            inspection->path);
    }
    if (status == COPYCAT_OK) {
        status = cc_inspect_read_images(inspection, &verifying.verdict, &verifying.images);
    }
    if (status == COPYCAT_OK) {
        sum_up(&verifying, summary_out);
        tell_refusal(&verifying);
        status = verify_parts(&verifying, message_out);
    }
    if (status == COPYCAT_OK && verifying.verdict.status == COPYCAT_OK) {
        status = cc_inspect_verify_image(&verifying);
    }
    inspection->on_progress = NULL;
    cc_inspect_images_deinit(inspection, &verifying.images);
    cc_inspect_verdict_deinit(inspection, &verifying.verdict);
    return status;
}

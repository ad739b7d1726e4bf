/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_verify -- is it sound?  Recovery's verdict, and in words what of each file does not read.
 *
 * Recovery stops at the first thing that it cannot pass over.  What a walk finds besides is told
 * too: who has to decide what to do with a disk wants to know all of it.
 */
#include "inspect/inspect.h"

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
#define WAY_OUT                                                                                \
    "If this is a copy, copy again while no server runs. Put the file back as it was, or, if " \
    "other "                                                                                   \
    "members have the state, keep the majority running, back it up, restore that as a new "    \
    "cluster. An empty "                                                                       \
    "directory under the same id is no way out: the other servers refuse it"
#define ADVICE_FATAL "a server does not start with it. " WAY_OUT
#define ADVICE_NEWER "use the tool, and the server, of the version that wrote it"
#define ADVICE_UNREADABLE \
    "the disk does not give it out; look into the system's log, and save a copy of the rest"
#define ADVICE_STRAY "a start removes it, nothing is lost"
#define ADVICE_IMAGE \
    "the log goes on from it: a server that is alone does not start without it. " WAY_OUT
#define ADVICE_RESTORED                                                                     \
    "no server has started with what was restored here: restore the backup again, into an " \
    "empty directory"
#define ADVICE_FETCHED                                                                         \
    "a start fetches the state from another server, and waits until one can be reached; look " \
    "after the disk, and change nothing in the directory"

struct verifying {
    copycat_inspection *inspection;
    copycat_inspect_finding_callback *on_finding;
    void *user;
    struct cc_inspect_verdict verdict;
    struct cc_inspect_images images;
    copycat_inspect_summary *summary;
    struct cc_inspect_refusal refusal; /* what recovery stopped at: it is told once */
    bool is_over;
};

static void tell(struct verifying *verifying, const copycat_inspect_finding *finding)
{
    if (finding->kind != COPYCAT_FINDING_LEFTOVER) {
        verifying->summary->is_sound = 0;
    }
    if (!verifying->is_over && verifying->on_finding != NULL) {
        verifying->is_over = verifying->on_finding(finding, verifying->user) != 0;
    }
}

/* ---- what recovery stopped at ---------------------------------------------------------------- */

static void tell_refusal(struct verifying *verifying)
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
        finding.advice = ADVICE_NEWER;
    } else if (verifying->verdict.status == COPYCAT_ERR_IO) {
        finding.kind = COPYCAT_FINDING_UNREADABLE;
        finding.advice = ADVICE_UNREADABLE;
    }
    tell(verifying, &finding);
}

/* ---- what a walk finds ----------------------------------------------------------------------- */

static bool on_batch(void *owner, const struct cc_inspect_batch *batch)
{
    const struct verifying *verifying = owner;

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
    struct verifying *verifying,
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
    tell(verifying, finding);
}

static void tell_gap(struct verifying *verifying, const struct cc_inspect_gap *gap)
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
    tell(verifying, &finding);
}

static bool on_gap(void *owner, const struct cc_inspect_gap *gap)
{
    struct verifying *verifying = owner;
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
        tell(verifying, &finding);
        break;
    case CC_GAP_NEWER:
        finding.kind = COPYCAT_FINDING_NEWER;
        finding.what = "a batch was written by a newer version of Copycat, or its head is damaged";
        finding.advice = ADVICE_NEWER;
        tell(verifying, &finding);
        break;
    case CC_GAP_DAMAGED:
        tell_gap(verifying, gap);
        break;
    }
    return !verifying->is_over;
}

/* ---- files without a part of the log --------------------------------------------------------- */

static void tell_lifeless(struct verifying *verifying, const struct cc_inspect_part *part)
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
        finding.advice = ADVICE_NEWER;
        break;
    case COPYCAT_FILE_DAMAGED:
        finding.kind =
            part->is_unreadable ? COPYCAT_FINDING_UNREADABLE : (uint32_t)COPYCAT_FINDING_UNJUDGED;
        finding.what =
            part->is_unreadable ? "the file cannot be read" : "nothing in the file reads";
        finding.advice = part->is_unreadable ? ADVICE_UNREADABLE : ADVICE_UNJUDGED;
        break;
    default:
        return;
    }
    tell(verifying, &finding);
}

/* ---- images ---------------------------------------------------------------------------------- */

/* As a server does: one that has others starts without a state, and gets it from them. */
static void judge_image(
    struct verifying *verifying,
    const struct cc_inspect_image *image,
    copycat_inspect_finding *finding)
{
    copycat_inspect_summary *summary = verifying->summary;

    if (image->status == COPYCAT_ERR_NEWER) {
        finding->kind = COPYCAT_FINDING_NEWER;
        finding->advice = ADVICE_NEWER;
        summary->does_start = 0;
    } else if (verifying->verdict.has_others) {
        finding->kind = COPYCAT_FINDING_REPAIRABLE;
        finding->advice = ADVICE_FETCHED;
        summary->is_state_missing = 1;
    } else if (image->status == COPYCAT_ERR_IO) {
        finding->kind = COPYCAT_FINDING_UNREADABLE;
        finding->advice = ADVICE_UNREADABLE;
        summary->does_start = 0;
    } else {
        finding->kind = COPYCAT_FINDING_FATAL;
        finding->advice = verifying->verdict.has_founding ? ADVICE_IMAGE : ADVICE_RESTORED;
        summary->does_start = 0;
    }
}

/* `words` come behind what is wrong. */
static void tell_image(
    struct verifying *verifying, const struct cc_inspect_image *image, const char *words)
{
    struct cc_inspect_refusal refusal;
    char what[1024];
    copycat_inspect_finding finding = {.file = refusal.file, .what = what};

    if (image->status != COPYCAT_OK) {
        cc_inspect_split_image(verifying->inspection, image, &refusal);
        snprintf(what, sizeof what, "%s%s", refusal.what, words);
        finding.offset = refusal.offset;
        judge_image(verifying, image, &finding);
        tell(verifying, &finding);
    }
}

static copycat_status verify_segment(
    struct verifying *verifying, const struct cc_image_segment *segment)
{
    const struct cc_inspect_image *base = verifying->images.base;
    struct cc_image_id id = cc_image_segment_id(base->id.group, segment);
    struct cc_inspect_need need = {base, segment, 1};
    struct cc_inspect_content content;
    struct cc_inspect_image found;
    copycat_status status =
        cc_inspect_read_segment(verifying->inspection, &id, &need, NULL, &found, &content);
    char words[160];

    if (status == COPYCAT_OK) {
        snprintf(
            words, sizeof words,
            "; the image of entry %llu needs its commits, %llu from %llu to %llu, for those that "
            "live",
            (unsigned long long)base->id.index, (unsigned long long)segment->count,
            (unsigned long long)segment->first, (unsigned long long)segment->last);
        tell_image(verifying, &found, words);
        cc_inspect_image_deinit(verifying->inspection, &found);
    }
    return status;
}

/* The images were read already; here are the segments of the one that is stood on. */
static copycat_status verify_image(struct verifying *verifying)
{
    const struct cc_inspect_image *base = verifying->images.base;
    copycat_status status = COPYCAT_OK;

    if (base == NULL) {
        return COPYCAT_OK;
    }
    verifying->summary->segment_count = (uint32_t)base->segment_count;
    tell_image(verifying, base, "");
    for (size_t i = 0; i < base->segment_count && status == COPYCAT_OK; i++) {
        status = verify_segment(verifying, &base->segments[i]);
    }
    return status;
}

static bool is_stood_on(const struct verifying *verifying, const struct cc_inspect_part *part)
{
    const struct cc_inspect_images *images = &verifying->images;

    if (part->kind == COPYCAT_FILE_SEGMENT) {
        struct cc_inspect_need need = cc_inspect_find_need(images, &part->image);

        return need.image != NULL && need.image == images->base;
    }
    return images->base != NULL && cc_inspect_find_image(images, &part->image) == images->base;
}

/* While the journal does not recover nobody knows which image it stands on, and while that does not
 * read nobody knows which segments. */
static void tell_stray(struct verifying *verifying, const struct cc_inspect_part *part)
{
    bool is_segment = part->kind == COPYCAT_FILE_SEGMENT;
    const copycat_inspect_finding finding = {
        .kind = COPYCAT_FINDING_LEFTOVER,
        .file = part->name,
        .what = is_segment ? "a segment that the image does not need"
                           : "an image that the journal does not stand on",
        .advice = ADVICE_STRAY,
        .offset = COPYCAT_NONE,
    };

    if (verifying->verdict.status == COPYCAT_OK && !is_stood_on(verifying, part) &&
        !(is_segment && !verifying->images.is_known)) {
        tell(verifying, &finding);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void sum_up(const struct verifying *verifying, copycat_inspect_summary *summary)
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

static copycat_status verify_parts(struct verifying *verifying, copycat_message *message)
{
    const struct cc_inspect_walker walker = {on_batch, on_gap, verifying};
    copycat_inspection *inspection = verifying->inspection;

    for (uint32_t i = 0; i < inspection->part_count && !verifying->is_over; i++) {
        const struct cc_inspect_part *part = &inspection->parts[i];
        copycat_status status = COPYCAT_OK;

        if (part->kind != COPYCAT_FILE_JOURNAL) {
            tell_stray(verifying, part);
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
    struct verifying verifying = {
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
        status = verify_image(&verifying);
    }
    inspection->on_progress = NULL;
    cc_inspect_images_deinit(inspection, &verifying.images);
    cc_inspect_verdict_deinit(inspection, &verifying.verdict);
    return status;
}

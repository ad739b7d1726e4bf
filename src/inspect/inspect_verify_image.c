/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_verify_image -- findings about images and their segments: those that a start needs, and
 * those that nobody does.
 */
#include "inspect/inspect_verify.h"

#include <stdio.h>

#define ADVICE_STRAY "a start removes it, nothing is lost"
#define ADVICE_IMAGE                                                          \
    "the log goes on from it: a server that is alone does not start without " \
    "it. " CC_ADVICE_WAY_OUT
#define ADVICE_RESTORED                                                                     \
    "no server has started with what was restored here: restore the backup again, into an " \
    "empty directory"
#define ADVICE_FETCHED                                                                         \
    "a start fetches the state from another server, and waits until one can be reached; look " \
    "after the disk, and change nothing in the directory"

/* As a server does: one that has others starts without a state, and gets it from them. */
static void judge_image(
    struct cc_inspect_verifying *verifying,
    const struct cc_inspect_image *image,
    copycat_inspect_finding *finding)
{
    copycat_inspect_summary *summary = verifying->summary;

    if (image->status == COPYCAT_ERR_NEWER) {
        finding->kind = COPYCAT_FINDING_NEWER;
        finding->advice = CC_ADVICE_NEWER;
        summary->does_start = 0;
    } else if (verifying->verdict.has_others) {
        finding->kind = COPYCAT_FINDING_REPAIRABLE;
        finding->advice = ADVICE_FETCHED;
        summary->is_state_missing = 1;
    } else if (image->status == COPYCAT_ERR_IO) {
        finding->kind = COPYCAT_FINDING_UNREADABLE;
        finding->advice = CC_ADVICE_UNREADABLE;
        summary->does_start = 0;
    } else {
        finding->kind = COPYCAT_FINDING_FATAL;
        finding->advice = verifying->verdict.has_founding ? ADVICE_IMAGE : ADVICE_RESTORED;
        summary->does_start = 0;
    }
}

/* `words` come behind what is wrong. */
static void tell_image(
    struct cc_inspect_verifying *verifying, const struct cc_inspect_image *image, const char *words)
{
    struct cc_inspect_refusal refusal;
    char what[1024];
    copycat_inspect_finding finding = {.file = refusal.file, .what = what};

    if (image->status != COPYCAT_OK) {
        cc_inspect_split_image(verifying->inspection, image, &refusal);
        snprintf(what, sizeof what, "%s%s", refusal.what, words);
        finding.offset = refusal.offset;
        judge_image(verifying, image, &finding);
        cc_inspect_tell(verifying, &finding);
    }
}

static copycat_status verify_segment(
    struct cc_inspect_verifying *verifying, const struct cc_image_segment *segment)
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

copycat_status cc_inspect_verify_image(struct cc_inspect_verifying *verifying)
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

static bool is_stood_on(
    const struct cc_inspect_verifying *verifying, const struct cc_inspect_part *part)
{
    const struct cc_inspect_images *images = &verifying->images;

    if (part->kind == COPYCAT_FILE_SEGMENT) {
        struct cc_inspect_need need = cc_inspect_find_need(images, &part->image);

        return need.image != NULL && need.image == images->base;
    }
    return images->base != NULL && cc_inspect_find_image(images, &part->image) == images->base;
}

void cc_inspect_tell_stray(
    struct cc_inspect_verifying *verifying, const struct cc_inspect_part *part)
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
        cc_inspect_tell(verifying, &finding);
    }
}

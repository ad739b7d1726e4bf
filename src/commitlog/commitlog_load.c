/* SPDX-License-Identifier: Apache-2.0 */
/*
 * commitlog_load -- which files of the directory count, and for which indexes.  Nothing is changed
 * here.
 *
 * Of two files that are about an index, the one of the higher generation counts.  One that is
 * appended to is about all indexes from its first on: so it hides what a truncation dropped.  One
 * that was rewritten counts only with its footer: without, its sources must still be there.
 */
#include "base/assert.h"
#include "commitlog/commitlog_internal.h"
#include "wire/bytes.h"

#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

struct listing {
    struct cc_commitlog *log;
    struct cc_commitlog_found *found;
    uint32_t count;
    uint32_t capacity;
    copycat_status status;
};

static void on_name(void *owner, const char *name)
{
    struct listing *listing = owner;
    struct cc_commitlog_head head = {.kind = CC_COMMITLOG_APPENDED};
    const struct cc_memory *memory = listing->log->memory;

    if (listing->status != COPYCAT_OK ||
        !cc_commitlog_name_decode(name, &head.first, &head.generation) || head.first == 0) {
        return;
    }
    if (!cc_commitlog_reserve(
            memory, &listing->found, &listing->capacity, (uint64_t)listing->count + 1,
            sizeof *listing->found)) {
        listing->status = COPYCAT_ERR_MEMORY;
        return;
    }
    listing->found[listing->count] =
        (struct cc_commitlog_found){.segment = cc_commitlog_segment_create(memory, &head)};
    if (listing->found[listing->count].segment == NULL) {
        listing->status = COPYCAT_ERR_MEMORY;
        return;
    }
    listing->count++;
}

/* By generation; Shell's way, for there may be thousands and libc's is not ours to use here. */
static void sort_found(struct cc_commitlog_found *found, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            struct cc_commitlog_found moved = found[i];
            uint32_t at = i;

            for (; at >= gap &&
                   found[at - gap].segment->head.generation > moved.segment->head.generation;
                 at -= gap) {
                found[at] = found[at - gap];
            }
            found[at] = moved;
        }
    }
}

static void sort_segments(struct cc_commitlog_segment **segments, uint32_t count)
{
    for (uint32_t gap = count / 2; gap > 0; gap /= 2) {
        for (uint32_t i = gap; i < count; i++) {
            struct cc_commitlog_segment *moved = segments[i];
            uint32_t at = i;

            for (; at >= gap && segments[at - gap]->head.first > moved->head.first; at -= gap) {
                segments[at] = segments[at - gap];
            }
            segments[at] = moved;
        }
    }
}

/* ---- heads and footers ----------------------------------------------------------------------- */

static bool is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* A file without a head was being made when the machine stopped. */
static copycat_status read_head(struct cc_commitlog *log, struct cc_commitlog_found *found)
{
    struct cc_commitlog_segment *segment = found->segment;
    struct cc_commitlog_head head;
    const uint8_t *bytes;
    copycat_status status = cc_commitlog_segment_file(log, segment);

    if (status != COPYCAT_OK || segment->size < CC_COMMITLOG_HEAD_SIZE) {
        return status;
    }
    status = cc_commitlog_window_at(
        log, &log->window, segment, 0, CC_COMMITLOG_HEAD_SIZE, CC_COMMITLOG_HEAD_SIZE, &bytes);
    if (status != COPYCAT_OK || is_zero(bytes, CC_COMMITLOG_HEAD_SIZE)) {
        return status;
    }
    status = cc_commitlog_head_decode(bytes, &head);
    if (status == COPYCAT_OK &&
        (head.first != segment->head.first || head.generation != segment->head.generation)) {
        status = COPYCAT_ERR_DAMAGED;
    }
    if (status == COPYCAT_ERR_NEWER) {
        return cc_commitlog_complain(
            log, status, segment, "the file was written by a newer version", 8);
    }
    if (status != COPYCAT_OK) {
        return cc_commitlog_complain(log, status, segment, "the head is damaged", 0);
    }
    if (head.given_end > segment->size) {
        return cc_commitlog_complain(
            log, COPYCAT_ERR_DAMAGED, segment, "the file is too short", segment->size);
    }
    segment->head = head;
    segment->passes = head.passes;
    found->is_whole = true;
    return COPYCAT_OK;
}

static copycat_status read_ends(struct cc_commitlog *log, struct cc_commitlog_found *found)
{
    struct cc_commitlog_segment *segment = found->segment;
    copycat_status status = read_head(log, found);

    if (status == COPYCAT_OK && found->is_whole) {
        status = cc_commitlog_footer_read(log, segment);
        if (status == COPYCAT_ERR_DAMAGED) {
            found->is_whole = segment->head.kind == CC_COMMITLOG_APPENDED;
            status = COPYCAT_OK;
        }
    }
    cc_commitlog_segment_shut(log, segment);
    if (segment->head.generation > log->generation) {
        log->generation = segment->head.generation;
    }
    return status;
}

/* ---- which count ----------------------------------------------------------------------------- */

static uint64_t about_last(const struct cc_commitlog_segment *segment)
{
    return segment->head.kind == CC_COMMITLOG_APPENDED ? UINT64_MAX : segment->last;
}

/* What files of higher generation leave of this one: the first part of it, all, or nothing. */
static copycat_status hide(
    struct cc_commitlog *log, struct cc_commitlog_found *found, uint32_t count, uint32_t number)
{
    struct cc_commitlog_found *hidden = &found[number];
    uint64_t first = hidden->segment->head.first;

    hidden->is_visible = hidden->is_whole;
    hidden->last = hidden->segment->is_sealed ? hidden->segment->last : UINT64_MAX;
    for (uint32_t i = number + 1; i < count && hidden->is_visible; i++) {
        const struct cc_commitlog_segment *other = found[i].segment;
        uint64_t other_last = about_last(other);

        if (!found[i].is_whole || other->head.first > hidden->last || other_last < first) {
            continue;
        }
        if (other->head.first > first) {
            hidden->last = other->head.first - 1;
        } else if (other_last >= hidden->last) {
            hidden->is_visible = false;
        } else {
            return cc_commitlog_complain(
                log, COPYCAT_ERR_DAMAGED, other, "it begins within another file", COPYCAT_NONE);
        }
    }
    return COPYCAT_OK;
}

/* The one that is appended to; NULL: there is none. */
static struct cc_commitlog_found *find_tail(struct cc_commitlog_found *found, uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        if (found[i - 1].is_visible && found[i - 1].segment->head.kind == CC_COMMITLOG_APPENDED) {
            return &found[i - 1];
        }
    }
    return NULL;
}

/* The next one was begun, and so all of it durable, but it was not sealed. */
static copycat_status scan_unsealed(
    struct cc_commitlog *log,
    struct cc_commitlog_segment *segment,
    const struct cc_commitlog_found *found,
    uint32_t count)
{
    copycat_status status;

    for (uint32_t i = 0; i < count; i++) {
        const struct cc_commitlog_head *head = &found[i].segment->head;

        if (found[i].is_whole && head->previous_generation == segment->head.generation) {
            status = cc_commitlog_scan(log, segment, head->previous_end);
            cc_commitlog_segment_shut(log, segment);
            return status;
        }
    }
    return cc_commitlog_complain(
        log, COPYCAT_ERR_DAMAGED, segment, "the file behind it is gone, and it has no footer",
        COPYCAT_NONE);
}

static copycat_status read_visible(
    struct cc_commitlog *log,
    struct cc_commitlog_found *found,
    uint32_t count,
    const struct cc_commitlog_found *tail)
{
    copycat_status status;

    if (tail->segment->is_sealed) {
        return cc_commitlog_complain(
            log, COPYCAT_ERR_DAMAGED, tail->segment, "the file behind it is gone", COPYCAT_NONE);
    }
    status = cc_commitlog_scan_open(log, tail->segment);
    for (uint32_t i = 0; i < count && status == COPYCAT_OK; i++) {
        struct cc_commitlog_segment *segment = found[i].segment;

        if (!found[i].is_visible) {
            continue;
        }
        log->floor = segment->head.floor > log->floor ? segment->head.floor : log->floor;
        if (!segment->is_sealed && &found[i] != tail) {
            status = scan_unsealed(log, segment, found, count);
        }
    }
    return status;
}

/* ---- putting them together ------------------------------------------------------------------- */

static copycat_status gather(
    struct cc_commitlog *log,
    struct cc_commitlog_found *found,
    uint32_t count,
    const struct cc_commitlog_found *tail)
{
    if (!cc_commitlog_reserve(
            log->memory, &log->segments, &log->segment_capacity, count,
            sizeof(struct cc_commitlog_segment *))) {
        return COPYCAT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (&found[i] != tail && found[i].is_visible && found[i].last < log->floor) {
            found[i].is_visible = false; /* forgotten, and was about to be removed */
        }
        if (!found[i].is_visible) {
            continue;
        }
        if (&found[i] != tail) {
            cc_commitlog_segment_cut(found[i].segment, found[i].last);
        }
        log->segments[log->segment_count++] = found[i].segment;
    }
    sort_segments(log->segments, log->segment_count);
    log->last = cc_commitlog_tail(log)->last;
    log->last =
        log->last + 1 < log->floor ? log->floor - 1 : log->last; /* skipped, then forgotten */
    return COPYCAT_OK;
}

/* L1 */
static copycat_status check_order(struct cc_commitlog *log)
{
    uint64_t next =
        log->segments[0]->head.first < log->floor ? log->segments[0]->head.first : log->floor;

    for (uint32_t i = 0; i < log->segment_count; i++) {
        const struct cc_commitlog_segment *segment = log->segments[i];

        if (segment->head.first != next) {
            return cc_commitlog_complain(
                log, COPYCAT_ERR_DAMAGED, segment, "the file before it is gone, or damaged",
                COPYCAT_NONE);
        }
        next = segment->last + 1;
    }
    return COPYCAT_OK;
}

/* What one record says is cleaned, in segments that are not younger than it. */
static void apply_cleaned(struct cc_commitlog *log, uint64_t generation, copycat_bytes body)
{
    const uint8_t *bytes = body.data;

    for (size_t at = 0; at + 8 <= body.size; at += 8) {
        uint64_t index = cc_load_u64(bytes + at);
        uint32_t number = cc_commitlog_segment_of(log, index);

        if (number < log->segment_count && log->segments[number]->head.generation <= generation &&
            cc_commitlog_segment_has(log->segments[number], index)) {
            struct cc_commitlog_segment *segment = log->segments[number];

            cc_commitlog_segment_clean(segment, cc_commitlog_segment_find(segment, index));
        }
    }
}

static copycat_status read_notes(struct cc_commitlog *log, struct cc_commitlog_segment *segment)
{
    struct cc_commitlog_record record;
    copycat_status status = COPYCAT_OK;
    const uint8_t *bytes;

    for (uint32_t i = 0; i < segment->note_count && status == COPYCAT_OK; i++) {
        status = cc_commitlog_record_at(
            log, &log->window, segment, segment->notes[i], 0, &record, &bytes);
        if (status == COPYCAT_OK && record.kind != CC_COMMITLOG_CLEANED) {
            status = cc_commitlog_complain(
                log, COPYCAT_ERR_DAMAGED, segment, "a record does not belong here",
                segment->notes[i]);
        }
        if (status == COPYCAT_OK) {
            log->generation = record.index > log->generation ? record.index : log->generation;
            apply_cleaned(
                log, record.index, (copycat_bytes){bytes + CC_COMMITLOG_RECORD_SIZE, record.size});
        }
    }
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static copycat_status find_out(struct cc_commitlog *log, struct listing *listing)
{
    struct cc_commitlog_found *found = listing->found;
    const struct cc_commitlog_found *tail;
    copycat_status status = COPYCAT_OK;

    sort_found(found, listing->count);
    for (uint32_t i = 0; i < listing->count && status == COPYCAT_OK; i++) {
        status = read_ends(log, &found[i]);
    }
    for (uint32_t i = 0; i < listing->count && status == COPYCAT_OK; i++) {
        status = hide(log, found, listing->count, i);
    }
    if (status != COPYCAT_OK) {
        return status;
    }
    tail = find_tail(found, listing->count);
    if (tail == NULL) {
        /* Only the first file that was ever made may stand alone without its head. */
        return listing->count == 0 ||
                       (listing->count == 1 && found[0].segment->size <= CC_COMMITLOG_HEAD_SIZE)
                   ? COPYCAT_OK
                   : cc_commitlog_complain(
                         log, COPYCAT_ERR_DAMAGED, found[listing->count - 1].segment,
                         "the file that was appended to is gone, or its head", COPYCAT_NONE);
    }
    status = read_visible(log, found, listing->count, tail);
    if (status == COPYCAT_OK) {
        status = gather(log, found, listing->count, tail);
    }
    if (status == COPYCAT_OK) {
        status = check_order(log);
    }
    for (uint32_t i = 0; i < log->segment_count && status == COPYCAT_OK; i++) {
        status = read_notes(log, log->segments[i]);
    }
    return status;
}

copycat_status cc_commitlog_load(struct cc_commitlog *log)
{
    struct listing listing = {.log = log};
    copycat_status status = log->files.table->list(log->files.context, on_name, &listing);

    if (status != COPYCAT_OK) {
        status = cc_commitlog_complain(
            log, status, NULL, log->files.table->reason(log->files.context), COPYCAT_NONE);
    } else {
        status = listing.status;
    }
    if (status == COPYCAT_OK) {
        status = find_out(log, &listing);
    }
    if (status == COPYCAT_OK) {
        status = cc_commitlog_mend(log, listing.found, listing.count);
    }
    for (uint32_t i = 0; i < listing.count; i++) {
        bool is_ours = listing.found[i].is_visible && log->segment_count > 0;

        if (!is_ours) {
            cc_commitlog_segment_destroy(log, listing.found[i].segment);
        }
    }
    cc_memory_give(log->memory, listing.found);
    return status;
}

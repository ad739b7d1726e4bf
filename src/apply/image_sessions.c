/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_sessions -- sessions as they were at H, though entries go on.
 *
 * They may be many, with large answers, so they are encoded in slices, in order of their ids.  One
 * that is about to change, or to end, before its turn is encoded at that moment, and waits for its
 * turn in a heap.
 *
 *     id of a session    what happens when it changes
 *     up to passed       nothing: it is in the image
 *     passed to H        it is saved first, once
 *     above H            nothing: it is not in this image
 */
#include "apply/apply_internal.h"
#include "base/assert.h"

#define BATCH_SIZE (16u << 10) /* of small sessions that are encoded together */

/* One that waits for its turn. */
struct saved {
    struct cc_list chunks;
    uint32_t place; /* in the heap */
};

static void moved(void *item, uint32_t place)
{
    struct saved *saved = item;

    saved->place = place;
}

void cc_image_sessions_begin(struct cc_apply *apply)
{
    cc_heap_init(&apply->image->saved, apply->memory, moved);
    apply->image->session_next = cc_session_table_after(&apply->sessions, 0);
}

/* Moves its chunks behind those that are written next; it is over then. */
static void give(struct cc_apply *apply, struct saved *saved)
{
    cc_list_each_safe(node, following, &saved->chunks) {
        cc_list_remove(node);
        cc_list_append(&apply->image->chunks, node);
    }
    cc_heap_remove(&apply->image->saved, saved->place);
    cc_memory_give(apply->memory, saved);
}

void cc_image_sessions_end(struct cc_apply *apply)
{
    const struct cc_heap_slot *least;

    while ((least = cc_heap_least(&apply->image->saved)) != NULL) {
        give(apply, least->item);
    }
    cc_heap_deinit(&apply->image->saved);
}

/* ---- before a change ------------------------------------------------------------------------- */

void cc_image_save_session(struct cc_apply *apply, struct cc_session *session)
{
    struct cc_image *image = apply->image;

    if (image == NULL || session->id > image->index || session->id <= image->session_passed ||
        session->saved == image->index) {
        return;
    }

    struct saved *saved = cc_memory_take(apply->memory, sizeof *saved);

    cc_list_init(&saved->chunks);

    bool is_saved = cc_image_capture_session(apply, session, &saved->chunks);

    CC_ASSERT(is_saved); /* T-025: without memory the member stops */
    cc_heap_push(&image->saved, session->id, saved);
    session->saved = image->index;
}

static void advance(struct cc_apply *apply)
{
    apply->image->session_next =
        cc_session_table_after(&apply->sessions, apply->image->session_next->id);
}

void cc_image_end_session(struct cc_apply *apply, struct cc_session *session)
{
    cc_image_save_session(apply, session);
    if (apply->image != NULL && apply->image->session_next == session) {
        advance(apply);
    }
}

/* ---- in turn --------------------------------------------------------------------------------- */

/* The next that lives and is of the image; NULL if there is none. */
static const struct cc_session *next_living(const struct cc_image *image)
{
    return image->session_next != NULL && image->session_next->id <= image->index
               ? image->session_next
               : NULL;
}

bool cc_image_has_sessions(const struct cc_image *image)
{
    return next_living(image) != NULL || cc_heap_least(&image->saved) != NULL;
}

static bool capture_next(struct cc_apply *apply)
{
    struct cc_image *image = apply->image;
    const struct cc_heap_slot *least = cc_heap_least(&image->saved);
    const struct cc_session *living = next_living(image);
    bool is_captured = true;

    if (least != NULL && (living == NULL || least->key <= living->id)) {
        image->session_passed = least->key;
        give(apply, least->item);
    } else {
        image->session_passed = living->id;
        is_captured = cc_image_capture_session(apply, living, &image->chunks);
    }
    if (living != NULL && living->id == image->session_passed) {
        advance(apply);
    }
    return is_captured;
}

bool cc_image_capture_sessions(struct cc_apply *apply)
{
    uint64_t until = apply->image->captured_bytes + BATCH_SIZE;
    bool is_captured = true;

    do {
        is_captured = capture_next(apply);
    } while (is_captured && cc_image_has_sessions(apply->image) &&
             apply->image->captured_bytes < until);
    return is_captured;
}

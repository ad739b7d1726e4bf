/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_restore -- the check that makes forgetting trustworthy: what is kept gives the same state.
 *
 * A machine that released a commit which still matters, or a part of the state that no image has,
 * would go unnoticed until the day a server starts from one.  So an image is taken, restored beside
 * the living state and compared; and an image of what was restored has to be the same bytes, for
 * other members may have taken it.
 */
#include "apply/apply_internal.h"
#include "apply/restore.h"
#include "base/assert.h"
#include "base/hash.h"

#define STEP_SIZE (64u << 10)

/* One image that is taken at once. */
struct taking {
    struct cc_apply *apply;
    bool (*entry_at)(void *owner, uint64_t index, struct cc_entry *entry_out);
    void *owner;
    struct cc_restoring *restoring; /* gets all records; NULL: nobody */
    struct cc_writer writer;
    uint64_t size;
    uint64_t digest; /* over all records, by steps: their boundaries follow from the records */
};

/* Hands on what is in the writer; false if it is refused. */
static bool hand_on(struct taking *taking, struct cc_writer *writer)
{
    copycat_bytes records = {writer->data, writer->size};

    CC_ASSERT(!writer->failed); /* T-025 */
    taking->size += records.size;
    taking->digest = cc_hash_bytes(records.data, records.size, taking->digest);

    bool is_taken =
        taking->restoring == NULL || cc_restore_take(taking->restoring, records) == COPYCAT_OK;

    cc_writer_clear(writer);
    return is_taken;
}

static bool take_state(struct taking *taking)
{
    bool is_more = true;
    bool is_taken = true;

    while (is_more && is_taken) {
        is_more = cc_apply_image_step(taking->apply, &taking->writer, STEP_SIZE);
        is_taken = hand_on(taking, &taking->writer);
    }
    return is_taken;
}

/* Into `commits`: they come last, and the end before them says how many there are. */
static bool take_commits(struct taking *taking, struct cc_writer *commits)
{
    struct cc_entry entry;

    for (uint64_t index = cc_apply_image_next_commit(taking->apply, 0); index != 0;
         index = cc_apply_image_next_commit(taking->apply, index)) {
        if (!taking->entry_at(taking->owner, index, &entry)) {
            return false;
        }
        (void)cc_apply_image_commit(taking->apply, commits, &entry);
    }
    return true;
}

/* False if an entry is missing or a record is refused. */
static bool take(struct taking *taking)
{
    bool is_begun = cc_apply_image_begin(taking->apply);
    struct cc_writer commits;

    CC_ASSERT(is_begun); /* T-025 */
    cc_writer_init(&taking->writer, taking->apply->memory, STEP_SIZE + CC_IMAGE_RECORD_SIZE_MAX);
    cc_writer_init(&commits, taking->apply->memory, SIZE_MAX);

    bool is_taken = take_state(taking) && take_commits(taking, &commits);

    if (is_taken) {
        is_taken = cc_apply_image_finish(taking->apply, &taking->writer) &&
                   hand_on(taking, &taking->writer) && hand_on(taking, &commits);
    }
    cc_writer_deinit(&commits);
    cc_writer_deinit(&taking->writer);
    cc_apply_image_end(taking->apply);
    return is_taken;
}

static bool is_the_same(const struct taking *first, struct cc_apply *restored)
{
    struct taking second = {.apply = restored, .entry_at = first->entry_at, .owner = first->owner};

    return cc_apply_digest(restored) == cc_apply_digest(first->apply) && take(&second) &&
           second.size == first->size && second.digest == first->digest;
}

bool cc_apply_restore_check(
    struct cc_apply *apply,
    bool (*entry_at)(void *owner, uint64_t index, struct cc_entry *entry_out),
    void *owner)
{
    if (apply->index == 0) {
        return true;
    }

    struct cc_apply_options options = {
        .memory = apply->memory,
        .types = apply->types,
        .catalog = apply->catalog,
        .sessions_max = apply->sessions_max,
        .answers_max = apply->limits.answers_max,
        .answer_bytes_max = apply->limits.bytes_max};
    struct taking first = {
        .apply = apply,
        .entry_at = entry_at,
        .owner = owner,
        .restoring = cc_restore_begin(&options)};
    struct cc_apply *restored = NULL;
    bool is_equal = take(&first) && cc_restore_end(first.restoring, &restored) == COPYCAT_OK &&
                    is_the_same(&first, restored);

    cc_apply_destroy(restored);
    cc_restore_destroy(first.restoring);
    return is_equal;
}

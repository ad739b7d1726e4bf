/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release -- see release.h.
 */
#include "apply/release.h"

#include "base/assert.h"
#include "base/hash.h"

#include <string.h>

#define WORD_COUNT_MIN 16u

void cc_release_init(struct cc_release *release, const struct cc_memory *memory)
{
    *release = (struct cc_release){.memory = memory};
}

void cc_release_deinit(struct cc_release *release)
{
    cc_memory_give(release->memory, release->words);
    *release = (struct cc_release){0};
}

static void reach(struct cc_release *release, uint64_t word)
{
    uint64_t count = release->word_count == 0 ? WORD_COUNT_MIN : release->word_count;

    while (count <= word) {
        count *= 2;
    }
    if (count == release->word_count) {
        return;
    }
    release->words =
        cc_memory_grow(release->memory, release->words, count * sizeof *release->words);
    memset(
        release->words + release->word_count, 0,
        (count - release->word_count) * sizeof *release->words);
    release->word_count = count;
}

void cc_release_add(struct cc_release *release, uint64_t index)
{
    CC_ASSERT(index > 0);
    CC_ASSERT(!cc_release_has(release, index)); /* L1 */
    reach(release, index / 64);
    release->words[index / 64] |= UINT64_C(1) << (index % 64);
    release->count++;
    release->digest += cc_hash_words(index, 0);
}

bool cc_release_has(const struct cc_release *release, uint64_t index)
{
    return index / 64 < release->word_count &&
           (release->words[index / 64] >> (index % 64) & 1u) != 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage -- see salvage.h.
 */
#include "server/image/salvage.h"

void cc_salvage_init(struct cc_salvage *salvage, const struct cc_memory *memory)
{
    *salvage = (struct cc_salvage){.memory = memory};
}

void cc_salvage_drop(struct cc_salvage *salvage)
{
    cc_memory_give(salvage->memory, salvage->at);
    salvage->at = NULL;
    salvage->count = 0;
}

void cc_salvage_deinit(struct cc_salvage *salvage)
{
    cc_salvage_drop(salvage);
}

bool cc_salvage_has(const struct cc_salvage *salvage, const struct cc_image_segment *segment)
{
    for (size_t i = 0; i < salvage->count; i++) {
        const struct cc_image_segment *own = &salvage->at[i];

        if (own->first == segment->first && own->size == segment->size &&
            own->checksum == segment->checksum) {
            return true;
        }
    }
    return false;
}

void cc_salvage_keep(
    struct cc_salvage *salvage,
    const struct cc_image_segment *table,
    size_t table_count,
    size_t whole_count)
{
    struct cc_image_segment *kept;
    size_t count = 0;

    if (table_count == 0) {
        return; /* it broke off before it was known what the image needs */
    }
    kept = cc_memory_take(salvage->memory, table_count * sizeof *kept);
    for (size_t i = 0; i < table_count; i++) {
        if (i < whole_count || cc_salvage_has(salvage, &table[i])) {
            kept[count++] = table[i];
        }
    }
    cc_salvage_drop(salvage);
    salvage->at = kept;
    salvage->count = count;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record -- see record.h.
 */
#include "fault/record.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#define PLACE 0u /* whoever it was that applied them */

void record_applied(void *owner, const struct cc_entry *entry, uint64_t digest)
{
    struct record *record = owner;
    struct record_entry *known = &record->entries[entry->index];
    uint8_t *payload;

    CC_ASSERT(entry->index < RECORD_ENTRIES_MAX);
    if (entry->index <= record->last) {
        return;
    }
    payload = malloc(entry->payload.size + 1);
    CC_ASSERT(payload != NULL);
    if (entry->payload.size > 0) {
        memcpy(payload, entry->payload.data, entry->payload.size);
    }
    known->entry = *entry;
    known->entry.payload.data = payload;
    known->digest = digest;
    record->last = entry->index;
}

void record_copy(struct record *target, const struct record *source, uint64_t last)
{
    CC_ASSERT(target->last == 0 && last <= source->last);
    for (uint64_t index = 1; index <= last; index++) {
        record_applied(target, &source->entries[index].entry, source->entries[index].digest);
    }
}

void record_clear(struct record *record)
{
    for (uint64_t index = 1; index <= record->last; index++) {
        free((void *)(uintptr_t)record->entries[index].entry.payload.data);
    }
    record->last = 0;
}

void record_tell(const struct record *record, struct cc_judge *judge, uint64_t last)
{
    CC_ASSERT(last <= record->last);
    for (uint64_t index = 1; index <= last; index++) {
        const struct record_entry *known = &record->entries[index];

        cc_judge_applied(judge, PLACE, known->entry.term, &known->entry, known->digest);
    }
    cc_judge_down(judge, PLACE);
    cc_judge_committed(judge, last);
}

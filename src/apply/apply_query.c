/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_query -- reads: a machine is shown a query and may answer, and nothing else.
 */
#include "apply/apply_internal.h"
#include "base/assert.h"

void cc_apply_query(
    struct cc_apply *apply, uint64_t instance, copycat_bytes operation, struct cc_answer *answer)
{
    const struct cc_instance *found = cc_instance_find(apply, instance);
    struct copycat_reading reading = {.apply = apply};

    *answer = (struct cc_answer){.index = apply->index};
    if (found == NULL) {
        answer->status = COPYCAT_ERR_UNKNOWN_RESOURCE;
        return;
    }

    uint64_t before = found->type->digest(found->machine);

    cc_writer_clear(&apply->result);
    found->type->query(found->machine, &reading, operation);
    CC_ASSERT(found->type->digest(found->machine) == before); /* reads differ between members */
    answer->status = reading.status;
    answer->result = (copycat_bytes){apply->result.data, apply->result.size};
}

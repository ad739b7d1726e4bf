/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_load -- entries that fell out of memory come back from the journal, a batch at a time.
 */
#include "log/log_internal.h"

/* A read of the journal outlives the log that asked for it, so it has memory of its own. */
struct cc_log_pending {
    struct cc_journal_read read;
    const struct cc_memory *memory;
    struct cc_log *log;
    struct cc_log_load *load; /* NULL: the log is gone, and its owner was told */
};

void cc_log_end_loads(struct cc_log *log)
{
    cc_list_each_safe(node, following, &log->loads) {
        struct cc_log_load *load = cc_container_of(node, struct cc_log_load, node);

        cc_list_remove(&load->node);
        load->pending->load = NULL;
        load->status = COPYCAT_ERR_CLOSED;
        load->done(load);
    }
}

/* Every entry of the batch that the log still has there comes back with the one that was asked for.
 */
static copycat_status take_batch(
    struct cc_log *log, const struct cc_log_load *load, const struct cc_journal_read *read)
{
    if (load->index < log->first) {
        return COPYCAT_OK; /* forgotten meanwhile, as it may have been truncated */
    }
    for (uint64_t index = load->index; index <= log->last; index++) {
        struct cc_log_slot *slot = cc_log_slot(log, index);
        struct cc_entry entry;

        if (slot->place.file != read->place.file ||
            slot->place.batch_block != read->place.batch_block) {
            break;
        }
        if (slot->block != NULL) {
            continue;
        }
        if (cc_journal_read_entry(read, &slot->place, &entry) != COPYCAT_OK ||
            entry.index != index) {
            return COPYCAT_ERR_DAMAGED;
        }
        slot->block = cc_entry_copy(log->memory, &entry);
        log->cache_bytes += slot->block->size;
    }
    log->oldest = log->oldest < load->index ? log->oldest : load->index;
    return COPYCAT_OK;
}

static void loaded(struct cc_journal_read *read)
{
    struct cc_log_pending *pending = cc_container_of(read, struct cc_log_pending, read);
    struct cc_log_load *load = pending->load;
    struct cc_log *log = pending->log;

    if (load != NULL) {
        cc_list_remove(&load->node);
        load->status = read->status == COPYCAT_OK ? take_batch(log, load, read) : read->status;
        cc_log_evict_later(log);
        load->done(load);
    }
    cc_memory_give(pending->memory, pending);
}

void cc_log_load(struct cc_log *log, struct cc_log_load *load)
{
    const struct cc_log_slot *slot = cc_log_slot(log, load->index);
    struct cc_log_pending *pending = cc_memory_take(log->memory, sizeof *pending);

    CC_ASSERT(slot->block == NULL);
    CC_ASSERT(slot->place.file != 0); /* L2, and nobody asks for what is damaged */
    pending->memory = log->memory;
    pending->log = log;
    pending->load = load;
    load->pending = pending;
    cc_list_append(&log->loads, &load->node);
    pending->read = (struct cc_journal_read){
        .place = slot->place, .done = loaded, .is_optional = load->is_optional};
    cc_journal_read(log->journal, &pending->read);
}

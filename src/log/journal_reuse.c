/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_reuse -- files that nothing needs any more: the oldest life is given up when images cover
 * all its entries, and its file is zeroed for another.
 *
 *     needed -> its head is zeros, durably: of no life any more -> blank -> zeroed, a spare
 *                                                                       `-> removed, if the last
 *
 * The order is what makes each crash harmless.  The image that covers the entries was switched to by
 * a record that is durable, and known by the batch behind it as well.  The head goes first, in one
 * durable write: what is left behind it is of a life below all that have a head.  One file goes at a
 * time, the oldest, so that the lives that are left follow one another.
 *
 * Names are numbered without a gap, and the last is never in use: so the loss of any that is in use
 * leaves a gap.  For that reason only the last is ever removed, and only if the one before it is
 * not in use either.
 */
#include "log/journal_internal.h"

/* ---- which entries lie in which file --------------------------------------------------------- */

void cc_journal_extend(struct cc_journal_file *file, uint64_t index)
{
    file->highest = index > file->highest ? index : file->highest;
}

void cc_journal_cut(struct cc_journal *journal, uint64_t from)
{
    CC_ASSERT(from > 0);
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        file->highest = file->highest < from ? file->highest : from - 1;
    }
}

/* ---- which file is not needed ---------------------------------------------------------------- */

struct cc_journal_file *cc_journal_oldest(const struct cc_journal *journal)
{
    struct cc_journal_file *oldest = NULL;

    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->life != 0 && (oldest == NULL || file->life < oldest->life)) {
            oldest = file;
        }
    }
    return oldest;
}

/* Entries through this one may go: nobody wants them, and a durable image covers them (T-039). */
static uint64_t limit(const struct cc_journal *journal)
{
    return journal->keep < journal->vouched || CC_BUG(T039) ? journal->keep : journal->vouched;
}

static bool is_needed(const struct cc_journal *journal, const struct cc_journal_file *file)
{
    bool is_read = file->reads > 0 && !CC_BUG(T041);

    return file == journal->current || is_read || file->highest > limit(journal);
}

static bool is_free(const struct cc_journal_file *file)
{
    return file->life == 0 && file->claimed == 0;
}

static uint32_t free_files(const struct cc_journal *journal)
{
    uint32_t count = 0;

    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        count += is_free(file) && file->size > 0;
    }
    return count;
}

/* ---- giving one up --------------------------------------------------------------------------- */

/* True if the journal still goes on. */
static bool is_going_on(struct cc_disk_request *request, const char *what)
{
    struct cc_journal *journal = request->owner;

    journal->requests--;
    if (journal->is_closing) {
        cc_journal_go_on_closing(journal);
        return false;
    }
    if (request->status != COPYCAT_OK) {
        cc_journal_fail(journal, COPYCAT_ERR_IO, what);
    }
    return journal->trouble == COPYCAT_OK;
}

static void go_on(struct cc_journal *journal)
{
    journal->reusing = NULL;
    journal->is_removing = false;
    cc_journal_make_spare(journal);
    cc_journal_reuse(journal);
}

static void wiped(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (is_going_on(request, "a journal file that is not needed any more could not be zeroed")) {
        journal->reusing->life = 0;
        journal->reusing->highest = 0;
        journal->counters.reused++;
        cc_journal_stop_waiting(journal); /* for room: here it is */
        go_on(journal);
    }
}

static void give_up(struct cc_journal *journal, struct cc_journal_file *file)
{
    struct cc_journal_group *group = &journal->table.groups[0];

    journal->reusing = file;
    if (file->highest > 0 && file->highest >= group->first) {
        group->first = file->highest + 1;
        journal->callbacks.on_forgotten(journal->owner, group->group, group->first);
    }
    if (journal->is_closing || journal->trouble != COPYCAT_OK) {
        return;
    }
    journal->reuse_request = (struct cc_disk_request){
        .durable = true,
        .file = file->file,
        .data = cc_journal_zeros(journal),
        .size = CC_JOURNAL_TABLE_SIZE_MAX,
    };
    cc_journal_disk(journal, &journal->reuse_request, CC_DISK_WRITE, wiped);
}

/* ---- removing the last ----------------------------------------------------------------------- */

#define NOT_REMOVED "a journal file that is not needed any more could not be removed"

static void name_gone(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    struct cc_journal_file *file = journal->reusing;

    if (!is_going_on(request, NOT_REMOVED)) {
        return;
    }
    cc_list_remove(&file->node);
    cc_memory_give(journal->memory, file);
    journal->slot_next--;
    cc_journal_slot(journal, journal->slot_next - 1)->is_ready = false; /* it is the last now */
    journal->counters.removed++;
    go_on(journal);
}

/* Before another name is made or removed: else a gap might be found. */
static void removed(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (is_going_on(request, NOT_REMOVED)) {
        journal->reuse_request = (struct cc_disk_request){.name = journal->directory};
        cc_journal_disk(journal, &journal->reuse_request, CC_DISK_SYNC_DIR, name_gone);
    }
}

static void last_closed(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (is_going_on(request, NOT_REMOVED)) {
        journal->reuse_request = (struct cc_disk_request){.name = journal->reusing->path};
        cc_journal_disk(journal, &journal->reuse_request, CC_DISK_REMOVE, removed);
    }
}

static void remove_last(struct cc_journal *journal)
{
    struct cc_journal_file *last = cc_journal_slot(journal, journal->slot_next - 1);

    journal->reusing = last;
    journal->is_removing = true;
    journal->reuse_request = (struct cc_disk_request){.file = last->file};
    last->file = NULL;
    last->is_ready = false;
    cc_journal_disk(journal, &journal->reuse_request, CC_DISK_CLOSE, last_closed);
}

static bool has_too_many(const struct cc_journal *journal)
{
    const struct cc_journal_file *last = cc_journal_slot(journal, journal->slot_next - 1);
    const struct cc_journal_file *before = cc_journal_slot(journal, journal->slot_next - 2);

    return journal->making == NULL && free_files(journal) > journal->options.spare_files + 1 &&
           before != NULL && is_free(last) && is_free(before) && last->file != NULL;
}

void cc_journal_reuse(struct cc_journal *journal)
{
    struct cc_journal_file *oldest = cc_journal_oldest(journal);

    if (journal->phase != CC_JOURNAL_OPEN || journal->trouble != COPYCAT_OK ||
        journal->is_closing || journal->is_table || journal->reusing != NULL) {
        return;
    }
    if (!is_needed(journal, oldest)) {
        give_up(journal, oldest);
    } else if (has_too_many(journal)) {
        remove_last(journal);
    }
}

void cc_journal_keep(struct cc_journal *journal, uint32_t group, uint64_t index)
{
    CC_ASSERT(group < CC_JOURNAL_GROUPS_MAX);
    if (index > journal->keep) {
        journal->keep = index;
        cc_env_later(journal->env, &journal->task);
    }
}

uint64_t cc_journal_disk_bytes(const struct cc_journal *journal)
{
    uint64_t bytes = 0;

    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        bytes += file == journal->making && journal->made_bytes > file->size ? journal->made_bytes
                                                                             : file->size;
    }
    return bytes;
}

uint64_t cc_journal_free_bytes(const struct cc_journal *journal)
{
    uint64_t bytes = 0;

    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        bytes += is_free(file) ? file->size : 0;
    }
    return bytes;
}

bool cc_journal_is_waiting(const struct cc_journal *journal)
{
    return journal->shortage != COPYCAT_OK;
}

/* What was added and is in no batch yet; tiny batches have one record each. */
static uint64_t waiting_bytes(const struct cc_journal *journal)
{
    uint64_t bytes = journal->pending_bytes + journal->pending_bytes / 8;

    if (journal->options.batch_size_max < CC_DISK_BLOCK) {
        cc_list_each(node, &journal->pending) {
            bytes += CC_DISK_BLOCK;
        }
    }
    return bytes;
}

uint64_t cc_journal_ready_bytes(const struct cc_journal *journal)
{
    uint64_t bytes = 0;

    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        bytes += file->is_ready ? file->size : 0;
    }
    bytes += journal->current == NULL ? 0 : journal->current->size - journal->position;
    return bytes > waiting_bytes(journal) ? bytes - waiting_bytes(journal) : 0;
}

bool cc_journal_would_free(const struct cc_journal *journal, uint64_t index)
{
    cc_list_each(node, &journal->files) {
        const struct cc_journal_file *file =
            cc_container_of(node, const struct cc_journal_file, node);

        if (file->life != 0 && file != journal->current && file->highest > limit(journal) &&
            file->highest <= index) {
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal -- see journal.h: open, close, adding records, failing.
 */
#include "log/journal_internal.h"

#include <string.h>

#define FILE_SIZE (UINT64_C(64) << 20)
#define FILE_SIZE_MIN (2 * CC_JOURNAL_TABLE_SIZE_MAX)
#define BATCH_SIZE_MAX (1u << 20)
#define SCAN_SIZE (1u << 20)
#define SEAL_DELAY_US UINT64_C(1000000)
#define RECORD_PAYLOAD_MAX 16384u

/* ---- small things ---------------------------------------------------------------------------- */

/* Every request is counted, so that closing can wait for the last one. */
void cc_journal_disk(
    struct cc_journal *journal,
    struct cc_disk_request *request,
    enum cc_disk_operation operation,
    void (*done)(struct cc_disk_request *request))
{
    request->operation = operation;
    request->done = done;
    request->owner = journal;
    journal->requests++;
    if (request == &journal->make_request) {
        journal->making_since_us = cc_env_now_us(journal->env);
    }
    cc_env_disk(journal->env, request);
}

void *cc_journal_aligned(struct cc_journal *journal, size_t size, void **memory_out)
{
    uint8_t *memory = cc_memory_grow(journal->memory, NULL, size + CC_DISK_BLOCK);
    size_t over = (size_t)((uintptr_t)memory % CC_DISK_BLOCK);

    *memory_out = memory;
    return memory + (over == 0 ? 0 : CC_DISK_BLOCK - over);
}

/* Rule 4 of the house: a failed write is never tried again (T-053). */
void cc_journal_fail(struct cc_journal *journal, copycat_status status, const char *text)
{
    if (journal->phase == CC_JOURNAL_FAILED) {
        return;
    }

    size_t size = strlen(text);

    size = size < sizeof journal->text ? size : sizeof journal->text - 1;
    if (text != journal->text) {
        memcpy(journal->text, text, size);
        journal->text[size] = '\0';
    }
    journal->trouble = status;
    cc_env_timer_disarm(journal->env, &journal->again);
    cc_env_timer_disarm(journal->env, &journal->seal);
    cc_env_later(journal->env, &journal->task);
}

static void release(struct cc_journal *journal);

/* What may not be said inside a call is said at the end of the pass. */
static void report(struct cc_task *task)
{
    struct cc_journal *journal = task->owner;
    bool was_open = journal->phase == CC_JOURNAL_OPEN;

    if (journal->is_closing) {
        if (journal->requests == 0 && !journal->is_locked) {
            release(journal);
        }
        return;
    }
    if (journal->trouble == COPYCAT_OK) {
        if (journal->is_asked) {
            journal->is_asked = false;
            journal->callbacks.on_durable(journal->owner, journal->writing_mark);
        }
        cc_journal_reuse(journal);
        return;
    }
    if (journal->phase == CC_JOURNAL_FAILED) {
        return;
    }
    journal->phase = CC_JOURNAL_FAILED;
    if (was_open) {
        journal->callbacks.on_failed(journal->owner, journal->trouble, journal->text);
    } else {
        journal->callbacks.on_open(journal->owner, journal->trouble, journal->text);
    }
}

struct cc_journal_file *cc_journal_file_create(struct cc_journal *journal, uint32_t slot)
{
    struct cc_journal_file *file = cc_memory_take(journal->memory, sizeof *file);
    struct cc_writer path;
    uint32_t divisor = 10000000;

    file->slot = slot;
    cc_writer_init_fixed(&path, file->path, sizeof file->path - 1);
    cc_write_raw(&path, journal->directory, strlen(journal->directory));
    cc_write_raw(&path, "/journal-", 9);
    for (; divisor > 0; divisor /= 10) {
        cc_write_u8(&path, (uint8_t)('0' + slot / divisor % 10));
    }
    CC_ASSERT(!path.failed);
    cc_list_append(&journal->files, &file->node);
    if (journal->slot_next <= slot) {
        journal->slot_next = slot + 1;
    }
    return file;
}

struct cc_journal_file *cc_journal_file_of(const struct cc_journal *journal, uint32_t life)
{
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->life == life) {
            return file;
        }
    }
    return NULL;
}

struct cc_journal_file *cc_journal_slot(const struct cc_journal *journal, uint32_t slot)
{
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->slot == slot) {
            return file;
        }
    }
    return NULL;
}

const char *cc_journal_path(const struct cc_journal *journal, uint32_t life)
{
    const struct cc_journal_file *file = cc_journal_file_of(journal, life);

    return file == NULL ? journal->directory : file->path;
}

/* ---- open and close -------------------------------------------------------------------------- */

copycat_status cc_journal_open(
    struct cc_journal **journal_out,
    struct cc_env *env,
    const struct cc_journal_options *options,
    const struct cc_journal_callbacks *callbacks,
    void *owner)
{
    size_t directory_size = strlen(options->directory) + 1;
    struct cc_journal *journal;

    if (options->server == 0 || directory_size <= 1 ||
        directory_size + CC_JOURNAL_NAME_SIZE > CC_JOURNAL_PATH_SIZE ||
        options->file_size % CC_DISK_BLOCK != 0 || options->file_size_min % CC_DISK_BLOCK != 0) {
        return COPYCAT_ERR_INVALID;
    }
    journal = cc_memory_try(env->memory, sizeof *journal);
    if (journal == NULL) {
        return COPYCAT_ERR_MEMORY;
    }
    journal->env = env;
    journal->memory = env->memory;
    journal->options = *options;
    journal->options.file_size = options->file_size == 0 ? FILE_SIZE : options->file_size;
    if (journal->options.file_size < FILE_SIZE_MIN) {
        journal->options.file_size = FILE_SIZE_MIN;
    }
    journal->options.file_size_min =
        options->file_size_min == 0 ? journal->options.file_size : options->file_size_min;
    if (journal->options.file_size_min < FILE_SIZE_MIN) {
        journal->options.file_size_min = FILE_SIZE_MIN;
    }
    journal->options.batch_size_max =
        options->batch_size_max == 0 ? BATCH_SIZE_MAX : options->batch_size_max;
    journal->options.scan_size = options->scan_size == 0 ? SCAN_SIZE : options->scan_size;
    journal->options.spare_files = options->spare_files == 0 ? 1 : options->spare_files;
    journal->options.seal_delay_us =
        options->seal_delay_us == 0 ? SEAL_DELAY_US : options->seal_delay_us;
    journal->directory = cc_memory_take(env->memory, directory_size);
    memcpy(journal->directory, options->directory, directory_size);
    journal->options.directory = journal->directory;
    journal->callbacks = *callbacks;
    journal->owner = owner;
    journal->slot_next = 1;
    journal->task = (struct cc_task){.run = report, .owner = journal};
    cc_list_init(&journal->files);
    cc_list_init(&journal->pending);
    cc_list_init(&journal->writing);
    cc_journal_seal_init(journal);
    cc_journal_files_init(journal);
    *journal_out = journal;
    cc_journal_scan(journal);
    return COPYCAT_OK;
}

static void release(struct cc_journal *journal)
{
    void (*on_closed)(void *owner) = journal->callbacks.on_closed;
    void *owner = journal->owner;

    cc_env_task_cancel(journal->env, &journal->task);
    cc_journal_drop_items(journal, &journal->pending);
    cc_journal_drop_items(journal, &journal->writing);
    cc_list_each_safe(node, following, &journal->files) {
        cc_memory_give(journal->memory, cc_container_of(node, struct cc_journal_file, node));
    }
    cc_memory_give(journal->memory, journal->batch_memory);
    cc_memory_give(journal->memory, journal->zeros_memory);
    cc_scan_release_windows(journal);
    cc_memory_give(journal->memory, journal->directory);
    cc_memory_give(journal->memory, journal);
    on_closed(owner);
}

static void unlocked(struct cc_disk_request *request)
{
    release(request->owner);
}

static void file_closed(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    journal->requests--;
    cc_journal_go_on_closing(journal);
}

/* Once nothing is under way: each file, then the lock. */
void cc_journal_go_on_closing(struct cc_journal *journal)
{
    if (!journal->is_closing || journal->requests > 0) {
        return;
    }
    journal->scan_request = (struct cc_disk_request){.name = journal->directory};
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->file != NULL) {
            journal->scan_request.file = file->file;
            file->file = NULL;
            cc_journal_disk(journal, &journal->scan_request, CC_DISK_CLOSE, file_closed);
            return;
        }
    }
    if (journal->is_locked) {
        cc_journal_disk(journal, &journal->scan_request, CC_DISK_UNLOCK, unlocked);
    } else {
        cc_env_later(journal->env, &journal->task); /* the lock is another's to release */
    }
}

void cc_journal_close(struct cc_journal *journal)
{
    CC_ASSERT(!journal->is_closing);
    journal->is_closing = true;
    cc_env_timer_disarm(journal->env, &journal->seal);
    cc_env_timer_disarm(journal->env, &journal->again);
    cc_journal_go_on_closing(journal);
}

/* ---- records --------------------------------------------------------------------------------- */

static void add(struct cc_journal *journal, uint8_t type, struct cc_block *block_take)
{
    struct cc_journal_item *item;

    journal->added++;
    if (journal->trouble != COPYCAT_OK) {
        cc_block_release(block_take); /* its mark never comes */
        return;
    }
    item = cc_memory_take(journal->memory, sizeof *item);
    journal->drops += type == CC_RECORD_TRUNCATE || type == CC_RECORD_SWITCH;
    item->type = type;
    item->block = block_take;
    cc_list_append(&journal->pending, &item->node);
    journal->pending_bytes += cc_record_size(block_take->size);
}

static void add_encoded(struct cc_journal *journal, uint8_t type, const struct cc_writer *encoded)
{
    CC_ASSERT(!encoded->failed);
    struct cc_block *block = cc_block_create(journal->memory, (uint32_t)encoded->size);

    memcpy(block->data, encoded->data, encoded->size);
    add(journal, type, block);
}

void cc_journal_entry(struct cc_journal *journal, struct cc_block *entry)
{
    add(journal, CC_RECORD_ENTRY, cc_block_acquire(entry));
}

void cc_journal_repair(struct cc_journal *journal, struct cc_block *entry)
{
    add(journal, CC_RECORD_REPAIR, cc_block_acquire(entry));
}

void cc_journal_truncate(struct cc_journal *journal, uint32_t group, uint64_t from)
{
    uint8_t bytes[32];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_truncate_record_encode(&writer, &(struct cc_truncate_record){group, from});
    add_encoded(journal, CC_RECORD_TRUNCATE, &writer);
}

void cc_journal_state(struct cc_journal *journal, uint32_t group, uint64_t term, uint32_t vote)
{
    uint8_t bytes[32];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_state_record_encode(&writer, &(struct cc_state_record){group, term, vote});
    add_encoded(journal, CC_RECORD_STATE, &writer);
}

void cc_journal_switch(
    struct cc_journal *journal, uint32_t group, const struct cc_journal_base *base, bool keep_tail)
{
    uint8_t bytes[64];
    struct cc_writer writer;

    CC_ASSERT(group < CC_JOURNAL_GROUPS_MAX && base->index >= journal->switched);
    journal->switched = base->index;
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_switch_record_encode(&writer, &(struct cc_switch_record){group, *base, keep_tail});
    add_encoded(journal, CC_RECORD_SWITCH, &writer);
}

void cc_journal_found(struct cc_journal *journal, const struct cc_base *base)
{
    uint8_t bytes[RECORD_PAYLOAD_MAX];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_base_record_encode(&writer, base);
    add_encoded(journal, CC_RECORD_BASE, &writer);
}

uint64_t cc_journal_mark(struct cc_journal *journal)
{
    if (cc_list_is_empty(&journal->writing) && cc_list_is_empty(&journal->pending)) {
        journal->is_asked = true;
        cc_env_later(journal->env, &journal->task);
    }
    return journal->added;
}

/* ---- asked for ------------------------------------------------------------------------------- */

const uint8_t *cc_journal_incarnation(const struct cc_journal *journal)
{
    return journal->table.incarnation;
}

uint64_t cc_journal_boot(const struct cc_journal *journal)
{
    return journal->table.boot;
}

const struct cc_base *cc_journal_base(const struct cc_journal *journal)
{
    return journal->table.has_base ? &journal->table.base : NULL;
}

uint64_t cc_journal_pending(const struct cc_journal *journal)
{
    return journal->pending_bytes + journal->writing_bytes;
}

uint64_t cc_journal_writing_since_us(const struct cc_journal *journal)
{
    bool is_made_for = journal->size_needed > 0 && journal->making != NULL && !journal->is_waiting;

    if (journal->is_writing) {
        return journal->writing_since_us;
    }
    return is_made_for ? journal->making_since_us : 0;
}

const char *cc_journal_trouble(const struct cc_journal *journal)
{
    return journal->text;
}

const struct cc_journal_counters *cc_journal_counters(const struct cc_journal *journal)
{
    return &journal->counters;
}

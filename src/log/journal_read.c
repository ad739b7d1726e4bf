/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_read -- entries read back: a whole batch at a time, verified before it is believed; beside
 * the loop, where that takes long.
 */
#include "log/journal_internal.h"

/* What is smaller is checked sooner than another thread has heard of it. */
#define CHECKED_ASIDE_SIZE_MIN 65536u

static void end(struct cc_journal_read *read, copycat_status status)
{
    struct cc_journal *journal = read->journal;
    void *memory = read->memory;

    read->status = status;
    read->done(read); /* which may free it */
    cc_memory_give(journal->memory, memory);
}

/* With the words first: whoever is told will want them. */
static void fail(struct cc_journal_read *read, copycat_status status, const char *what)
{
    struct cc_journal *journal = read->journal;

    if (!read->is_optional) {
        cc_journal_describe(
            journal, cc_journal_path(journal, read->place.file), what, read->request.offset, NULL);
        cc_journal_fail(journal, status, journal->text);
    }
    end(read, status);
}

/* Is what was read the batch of that place, whole?  On whatever thread: touches the read alone. */
static void check(struct cc_disk_request *request)
{
    struct cc_journal_read *read = cc_container_of(request, struct cc_journal_read, request);
    struct cc_batch_header header;

    read->is_whole = cc_batch_read_header(read->batch, &header) == CC_HEADER_VALID &&
                     header.life == read->place.file && header.blocks == read->place.batch_blocks &&
                     header.tag == read->tag && cc_batch_restore(read->batch, &header);
}

static copycat_status judge(struct cc_journal_read *read)
{
    if (read->request.status != COPYCAT_OK) {
        return COPYCAT_ERR_IO;
    }
    if (read->request.work == NULL) {
        check(&read->request);
    }
    return read->is_whole ? COPYCAT_OK : COPYCAT_ERR_DAMAGED;
}

static void ask(struct cc_journal_read *read);

/* What is given up may be the last copy there is, and one failure says little: it is asked again. */
static void finished(struct cc_disk_request *request)
{
    struct cc_journal_read *read = cc_container_of(request, struct cc_journal_read, request);
    struct cc_journal *journal = read->journal;
    copycat_status status;

    journal->requests--;
    read->source->reads--;
    if (journal->is_closing) {
        end(read, COPYCAT_ERR_CLOSED);
        cc_journal_go_on_closing(journal);
        return;
    }
    status = judge(read);
    if (status != COPYCAT_OK && !read->is_again) {
        read->is_again = true;
        ask(read);
        return;
    }
    if (status == COPYCAT_ERR_IO) {
        fail(read, status, "a journal file could not be read back");
    } else if (status != COPYCAT_OK) {
        fail(
            read, status,
            "a batch that was written whole is damaged, and nobody else has its entries: put the "
            "file back as it was, or restore a backup");
    } else {
        end(read, COPYCAT_OK);
    }
    cc_journal_reuse(journal);
}

static void ask(struct cc_journal_read *read)
{
    read->source->reads++; /* it is not given up meanwhile (T-041) */
    read->request = (struct cc_disk_request){
        .file = read->source->file,
        .data = read->batch,
        .offset = (uint64_t)read->place.batch_block * CC_DISK_BLOCK,
        .size = read->batch_size,
        .work = read->batch_size < CHECKED_ASIDE_SIZE_MIN ? NULL : check,
    };
    cc_journal_disk(read->journal, &read->request, CC_DISK_READ, finished);
}

void cc_journal_read(struct cc_journal *journal, struct cc_journal_read *read)
{
    struct cc_journal_file *file = cc_journal_file_of(journal, read->place.file);

    CC_ASSERT(file != NULL);
    read->source = file;
    read->journal = journal;
    read->tag = journal->tag;
    read->is_again = false;
    read->batch_size = read->place.batch_blocks * CC_DISK_BLOCK;
    read->batch = cc_journal_aligned(journal, read->batch_size, &read->memory);
    ask(read);
}

bool cc_journal_is_written(const struct cc_journal *journal, const struct cc_journal_place *place)
{
    return !journal->is_writing || place->file != journal->header.life ||
           (uint64_t)place->batch_block * CC_DISK_BLOCK != journal->write_request.offset;
}

copycat_status cc_journal_read_entry(
    const struct cc_journal_read *read,
    const struct cc_journal_place *place,
    struct cc_entry *entry_out)
{
    uint32_t size;

    if (place->file != read->place.file || place->batch_block != read->place.batch_block ||
        place->offset > read->batch_size || place->size > read->batch_size - place->offset) {
        return COPYCAT_ERR_INVALID;
    }
    return cc_entry_decode(
        (copycat_bytes){read->batch + place->offset, place->size}, entry_out, &size);
}

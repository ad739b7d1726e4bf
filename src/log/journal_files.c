/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_files -- files are made ahead: created, really written with zeros, synced, and their name
 * synced, before any of them is a spare.  A write into such a file changes no metadata (T-054), and
 * cannot fail for want of space: a full disk is met here, where nothing has been promised yet, and
 * so is a process that has no descriptor left.
 */
#include "log/journal_internal.h"

#include <string.h>

#define ZERO_CHUNK (256u << 10)
#define AGAIN_US UINT64_C(1000000) /* until a shortage is looked at again */
#define FILES_USUAL 8u
#define RESERVE_MAX (UINT64_C(8) << 20)

/* The lowest, so that the last files are those that are free when there are too many. */
struct cc_journal_file *cc_journal_spare(struct cc_journal *journal, uint64_t size)
{
    struct cc_journal_file *lowest = NULL;

    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->is_ready && file->size >= size && (lowest == NULL || file->slot < lowest->slot)) {
            lowest = file;
        }
    }
    CC_ASSERT(lowest == NULL || lowest->slot + 1 < journal->slot_next);
    return lowest;
}

void *cc_journal_zeros(struct cc_journal *journal)
{
    if (journal->zeros_memory == NULL) {
        journal->zeros = cc_journal_aligned(journal, ZERO_CHUNK, &journal->zeros_memory);
        memset(journal->zeros, 0, ZERO_CHUNK);
    }
    return journal->zeros;
}

static void make_failed(struct cc_journal *journal, copycat_status status)
{
    const char *text = "a journal file could not be made; is the directory writable?";

    if (status == COPYCAT_ERR_DISK_FULL) {
        text = "the disk is full: there is no space for a journal file; free some and start again";
    } else if (status == COPYCAT_ERR_BUSY) {
        text = "a journal file could not be made, for too many files are open; raise the limit "
               "(ulimit -n, or LimitNOFILE= of systemd) and start again";
    }
    cc_journal_fail(journal, status, text);
}

/* Who begins for the first time is told at once; who has been here before waits, and goes on. */
static bool has_lived(const struct cc_journal *journal)
{
    return journal->phase == CC_JOURNAL_RECOVERING && journal->scan.life_newest > 0;
}

/* Neither says anything about what is on the disk already. */
static bool is_waited_out(copycat_status status)
{
    return status == COPYCAT_ERR_DISK_FULL || (status == COPYCAT_ERR_BUSY && !CC_BUG(T060));
}

static void tell(struct cc_journal *journal, copycat_status shortage)
{
    journal->shortage = shortage;
    if (journal->callbacks.on_short != NULL) {
        journal->callbacks.on_short(journal->owner, shortage);
    }
}

static void wait_for(struct cc_journal *journal, copycat_status shortage)
{
    journal->is_waiting = true;
    if (!CC_BUG(T056)) {
        cc_env_timer_arm(journal->env, &journal->again, cc_env_now_us(journal->env) + AGAIN_US);
    }
    tell(journal, shortage);
}

/* What has been written stays ours; a sync that failed may have lost any of it. */
static void wait_and_try_again(struct cc_journal *journal, const struct cc_disk_request *request)
{
    if (request->operation == CC_DISK_SYNC || request->operation == CC_DISK_SYNC_DIR) {
        journal->made_bytes = 0;
    }
    wait_for(journal, request->status);
}

bool cc_journal_is_short(const struct cc_journal *journal)
{
    const struct cc_journal_file *file = journal->current;
    uint64_t reserve = file == NULL ? 0 : file->size / 4;

    reserve = reserve < RESERVE_MAX ? reserve : RESERVE_MAX;
    return journal->shortage != COPYCAT_OK && file != NULL &&
           file->size - journal->position < reserve;
}

static void zeroed(struct cc_disk_request *request);

/* True if making may go on. */
static bool is_going_on(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    journal->requests--;
    if (journal->is_closing) {
        if (request->operation == CC_DISK_OPEN && request->status == COPYCAT_OK) {
            journal->naming->file = request->file;
        }
        cc_journal_go_on_closing(journal);
        return false;
    }
    if (is_waited_out(request->status) && journal->trouble == COPYCAT_OK &&
        (journal->phase == CC_JOURNAL_OPEN || has_lived(journal))) {
        wait_and_try_again(journal, request);
        return false;
    }
    if (request->status != COPYCAT_OK) {
        make_failed(journal, request->status);
        return false;
    }
    return true;
}

static void made(struct cc_journal *journal)
{
    struct cc_journal_file *file = journal->making;

    file->size = journal->make_size;
    file->is_ready = true;
    file->claimed = 0;
    file->is_torn = false;
    journal->making = NULL;
    if (journal->shortage != COPYCAT_OK) {
        tell(journal, COPYCAT_OK);
    }
    if (journal->current == NULL) {
        cc_journal_begin(journal);
    } else {
        if (journal->size_needed > 0) {
            cc_journal_flush(journal); /* a batch has waited for it */
        }
        cc_journal_make_spare(journal);
    }
}

static void name_both(struct cc_journal *journal);

static void names_synced(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (is_going_on(request)) {
        cc_list_each(node, &journal->files) {
            struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

            file->is_named = file->file != NULL;
        }
        name_both(journal);
    }
}

static void open_file(
    struct cc_journal *journal,
    struct cc_journal_file *file,
    void (*done)(struct cc_disk_request *request))
{
    journal->naming = file;
    journal->make_request =
        (struct cc_disk_request){.name = file->path, .create = true, .exclusive = !CC_BUG(T058B)};
    cc_journal_disk(journal, &journal->make_request, CC_DISK_OPEN, done);
}

static void next_opened(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (is_going_on(request)) {
        journal->naming->file = request->file;
        name_both(journal);
    }
}

/* The last file is never in use, so one is made behind it, which is empty for now: first the name of
 * this one is durable, then that of the next, or a gap might be found. */
static void name_both(struct cc_journal *journal)
{
    struct cc_journal_file *next = cc_journal_slot(journal, journal->making->slot + 1);

    if (CC_BUG(T054)) {
        journal->making->is_named = true;
    }
    if (journal->making->is_named && next == NULL) {
        next = cc_journal_file_create(journal, journal->slot_next);
    }
    if (journal->making->is_named && next->file == NULL) {
        open_file(journal, next, next_opened);
    } else if (journal->making->is_named && (next->is_named || CC_BUG(T054))) {
        made(journal);
    } else {
        journal->make_request = (struct cc_disk_request){.name = journal->directory};
        cc_journal_disk(journal, &journal->make_request, CC_DISK_SYNC_DIR, names_synced);
    }
}

static void synced(struct cc_disk_request *request)
{
    if (is_going_on(request)) {
        name_both(request->owner);
    }
}

static void zero_more(struct cc_journal *journal)
{
    struct cc_journal_file *file = journal->making;
    uint64_t left = journal->make_size - journal->made_bytes;

    journal->make_request = (struct cc_disk_request){
        .file = file->file,
        .data = journal->zeros,
        .offset = journal->made_bytes,
        .size = left < ZERO_CHUNK ? (size_t)left : ZERO_CHUNK,
    };
    if (left == 0) {
        cc_journal_disk(journal, &journal->make_request, CC_DISK_SYNC, synced);
    } else {
        cc_journal_disk(journal, &journal->make_request, CC_DISK_WRITE, zeroed);
    }
}

static void zeroed(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;
    uint64_t size = request->size;

    if (is_going_on(request)) {
        journal->made_bytes += size;
        zero_more(journal);
    }
}

static void opened(struct cc_disk_request *request)
{
    struct cc_journal *journal = request->owner;

    if (is_going_on(request)) {
        journal->naming->file = request->file;
        zero_more(journal);
    }
}

static uint32_t spares(const struct cc_journal *journal)
{
    uint32_t count = 0;

    cc_list_each(node, &journal->files) {
        count += cc_container_of(node, struct cc_journal_file, node)->is_ready;
    }
    return count;
}

/* A file of recovery whose first batch is torn; it claims the life that will be the next. */
static struct cc_journal_file *torn(struct cc_journal *journal)
{
    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);

        if (file->claimed != 0) {
            return file;
        }
    }
    return NULL;
}

/* A file that holds nothing is used before a new one is made; one that has its room already, if
 * there is such a one. */
static struct cc_journal_file *blank(struct cc_journal *journal)
{
    struct cc_journal_file *best = NULL;
    uint64_t size = cc_journal_file_size(journal);

    cc_list_each(node, &journal->files) {
        struct cc_journal_file *file = cc_container_of(node, struct cc_journal_file, node);
        bool has_room = file->size >= size;

        if (file->life == 0 && !file->is_ready &&
            (best == NULL || has_room > (best->size >= size) ||
             (has_room == (best->size >= size) && file->slot < best->slot))) {
            best = file;
        }
    }
    return best != NULL ? best : cc_journal_file_create(journal, journal->slot_next);
}

void cc_journal_hold_back(struct cc_journal *journal, bool is_held_back)
{
    journal->is_held_back = is_held_back;
}

static void make(struct cc_journal *journal)
{
    if (journal->is_held_back && journal->make_size > journal->making->size) {
        wait_for(journal, COPYCAT_ERR_DISK_FULL);
    } else if (journal->making->file != NULL) {
        zero_more(journal);
    } else {
        open_file(journal, journal->making, opened);
    }
}

static void try_again(struct cc_timer *timer)
{
    struct cc_journal *journal = timer->owner;

    journal->is_waiting = false;
    make(journal);
}

void cc_journal_stop_waiting(struct cc_journal *journal)
{
    if (journal->is_waiting) {
        cc_env_timer_disarm(journal->env, &journal->again);
        journal->is_waiting = false;
        journal->making = NULL;
    }
}

static uint64_t larger(uint64_t left, uint64_t right)
{
    return left > right ? left : right;
}

void cc_journal_aim(struct cc_journal *journal, uint64_t file_size)
{
    uint64_t least = journal->options.file_size_min;

    journal->file_size = larger(file_size - file_size % least, least);
}

void cc_journal_be_sparing(struct cc_journal *journal, bool is_sparing)
{
    journal->is_sparing = is_sparing;
}

/* A journal that grows has larger files, too: each of them holds two descriptors. */
uint64_t cc_journal_file_size(const struct cc_journal *journal)
{
    uint64_t most = journal->options.file_size;
    uint64_t part = journal->is_sparing ? 0 : cc_journal_disk_bytes(journal) / FILES_USUAL;
    uint64_t size = larger(journal->file_size, part);

    size -= size % CC_DISK_BLOCK;
    return size < most ? size : most;
}

void cc_journal_files_init(struct cc_journal *journal)
{
    journal->again = (struct cc_timer){.fire = try_again, .owner = journal};
    cc_journal_aim(journal, 0);
}

void cc_journal_make_spare(struct cc_journal *journal)
{
    bool is_needed =
        journal->size_needed > 0 && cc_journal_spare(journal, journal->size_needed) == NULL;

    if (journal->making != NULL || journal->is_removing || journal->is_closing ||
        journal->trouble != COPYCAT_OK ||
        (spares(journal) >= journal->options.spare_files && !is_needed && torn(journal) == NULL)) {
        return;
    }
    (void)cc_journal_zeros(journal);
    journal->making = torn(journal) != NULL ? torn(journal) : blank(journal);
    journal->make_size = larger(cc_journal_file_size(journal), journal->size_needed);
    journal->make_size = larger(journal->make_size, journal->making->size); /* zeroed to its end */
    journal->made_bytes = CC_BUG(T058) && journal->making->size == journal->make_size
                              ? journal->make_size /* what is left of its former life stays */
                              : 0;
    make(journal);
}

void cc_journal_begin(struct cc_journal *journal)
{
    struct cc_journal_file *spare = cc_journal_spare(journal, CC_JOURNAL_TABLE_SIZE_MAX);

    /* What a torn file claims is wiped first: no two files may ever claim the same life, and nothing be
     * written behind what one vouches for. */
    if (torn(journal) != NULL) {
        cc_journal_make_spare(journal);
    } else if (cc_scan_may_go_on(journal)) {
        cc_journal_write_boot(journal);
    } else if (spare == NULL) {
        cc_journal_make_spare(journal);
    } else {
        cc_journal_write_table(journal, spare);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_journal -- see floor_journal.h.
 */
#include "floor_journal.h"

#include "floor_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BLOCK 4096u
#define WRITE_MAX (4u << 20)
#define FILE_SIZE (64u << 20)

static void write_zeros(const char *path)
{
    size_t size = 1u << 20;
    unsigned char *zeros = calloc(1, size);
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (zeros == NULL || file < 0) {
        floor_fail(path);
    }
    for (size_t i = 0; i < FILE_SIZE; i += size) {
        if (pwrite(file, zeros, size, (off_t)i) != (ssize_t)size) {
            floor_fail(path);
        }
    }
    if (fsync(file) != 0) {
        floor_fail(path);
    }
    close(file);
    free(zeros);
}

void floor_journal_open(struct floor_journal *journal, const char *path)
{
    void *block = NULL;

    memset(journal, 0, sizeof *journal);
    write_zeros(path);
    journal->file = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (journal->file < 0) {
        floor_fail(path);
    }
    errno = -io_uring_queue_init(8, &journal->ring, 0);
    if (errno != 0) {
        floor_fail("io_uring");
    }
    journal->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (journal->bell < 0 || io_uring_register_eventfd(&journal->ring, journal->bell) != 0) {
        floor_fail("eventfd");
    }
    if (posix_memalign(&block, BLOCK, WRITE_MAX) != 0) {
        floor_fail("memory");
    }
    journal->block = block;
}

void floor_journal_write(struct floor_journal *journal, const void *data, size_t size)
{
    size_t padded = (size + BLOCK - 1) / BLOCK * BLOCK;
    struct io_uring_sqe *entry = io_uring_get_sqe(&journal->ring);

    if (journal->is_writing || padded > WRITE_MAX || entry == NULL) {
        floor_fail("a batch does not fit");
    }
    memcpy(journal->block, data, size);
    memset(journal->block + size, 0, padded - size);
    if (journal->offset + padded > FILE_SIZE) {
        journal->offset = 0;
    }
    io_uring_prep_write(entry, journal->file, journal->block, (unsigned)padded, journal->offset);
    entry->rw_flags = RWF_DSYNC;
    journal->is_writing = true;
    journal->offset += padded;
    if (io_uring_submit(&journal->ring) != 1) {
        floor_fail("io_uring");
    }
}

bool floor_journal_is_done(struct floor_journal *journal)
{
    struct io_uring_cqe *completion;
    uint64_t count;

    (void)!read(journal->bell, &count, sizeof count);
    if (io_uring_peek_cqe(&journal->ring, &completion) != 0) {
        return false;
    }
    if (completion->res <= 0) {
        errno = -completion->res;
        floor_fail("a durable write");
    }
    io_uring_cqe_seen(&journal->ring, completion);
    journal->is_writing = false;
    return true;
}

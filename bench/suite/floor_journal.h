/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_journal -- one durable write at a time into a file of zeros, past the page cache, by
 * io_uring.  Any error ends the process.
 */
#ifndef BENCH_FLOOR_JOURNAL_H
#define BENCH_FLOOR_JOURNAL_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct floor_journal {
    struct io_uring ring;
    int file;
    int bell; /* readable: a write is complete */
    unsigned char *block;
    uint64_t offset;
    bool is_writing;
};

void floor_journal_open(struct floor_journal *journal, const char *path);

/* Nothing may be under way.  The data is free again at once. */
void floor_journal_write(struct floor_journal *journal, const void *data, size_t size);

/* To be asked when the bell has rung: true once the write under way is durable. */
bool floor_journal_is_done(struct floor_journal *journal);

#endif /* BENCH_FLOOR_JOURNAL_H */

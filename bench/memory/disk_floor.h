/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_floor -- what the same bytes cost at least: files are read, or copied, with a checksum over
 * each piece, and nothing else is done with them.
 */
#ifndef BENCH_MEMORY_DISK_FLOOR_H
#define BENCH_MEMORY_DISK_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#define DISK_FLOOR_PATH_SIZE 4096u

/* A file of a server's directory that is no journal, lock or anything that is not there for good. */
bool disk_floor_is_image(const char *name);
bool disk_floor_is_any(const char *name);

/* All files of `directory` that `is_meant`: bytes read.
 * A directory that cannot be read ends the process: so of all here. */
uint64_t disk_floor_read(
    const char *directory, bool (*is_meant)(const char *name), uint32_t *crc_out);

/* About `size_max` bytes at most into one file at `target`, which is made durable and then removed: bytes
 * copied. */
uint64_t disk_floor_copy(
    const char *directory,
    bool (*is_meant)(const char *name),
    const char *target,
    uint64_t size_max);

#endif /* BENCH_MEMORY_DISK_FLOOR_H */

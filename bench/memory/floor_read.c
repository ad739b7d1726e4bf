/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_read -- how long it takes to read a server's directory with checksums: the least that a
 * restart could take.
 *
 *   floor_read DIRECTORY
 *
 * With files of the journal that lie ready: a restart looks through them, too, for what was begun there.
 */
#include "bench_clock.h"
#include "disk_floor.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    uint32_t crc;

    if (argc != 2) {
        fprintf(stderr, "usage: floor_read DIRECTORY\n");
        return 2;
    }

    uint64_t begun_ns = bench_now_ns();
    uint64_t size = disk_floor_read(argv[1], disk_floor_is_any, &crc);

    printf(
        "{\"bytes\":%llu,\"seconds\":%.4f,\"crc\":%u}\n", (unsigned long long)size,
        (double)(bench_now_ns() - begun_ns) / 1e9, crc);
    return 0;
}

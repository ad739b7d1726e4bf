/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor_read -- how long it takes to read a server's directory with checksums: the least that a
 * restart could take.
 *
 *   floor_read cold|warm DIRECTORY
 */
#include "bench_clock.h"
#include "disk_floor.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    uint32_t crc;

    if (argc != 3) {
        fprintf(stderr, "usage: floor_read cold|warm DIRECTORY\n");
        return 2;
    }

    uint64_t begun_ns = bench_now_ns();
    uint64_t size = disk_floor_read(argv[2], disk_floor_is_any, strcmp(argv[1], "cold") == 0, &crc);

    printf(
        "{\"bytes\":%llu,\"seconds\":%.4f,\"crc\":%u}\n", (unsigned long long)size,
        (double)(bench_now_ns() - begun_ns) / 1e9, crc);
    return 0;
}

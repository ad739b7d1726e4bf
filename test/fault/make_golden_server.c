/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_golden_server -- writes the directory of server_golden.h.
 *
 * usage: make_golden_server DIRECTORY
 */
#include "fault/server_golden.h"

#include <stdio.h>

static struct memory_disk disk;
static struct solo solo;

static bool write_file(const char *directory, const struct memory_file *file)
{
    char path[512];
    FILE *out;
    bool is_written;

    snprintf(path, sizeof path, "%s/%s", directory, file->name);
    out = fopen(path, "wbx"); /* what is there already stays */
    if (out == NULL) {
        perror(path);
        return false;
    }
    is_written = fwrite(file->platter, 1, file->platter_size, out) == file->platter_size;
    return fclose(out) == 0 && is_written;
}

int main(int argc, char **argv)
{
    bool is_good = argc == 2;

    if (!is_good) {
        fprintf(stderr, "usage: make_golden_server DIRECTORY\n");
        return 2;
    }
    memory_disk_init(&disk);
    solo_begin(&solo, &disk, 1);
    is_good = server_golden_live(&solo);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX && is_good; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        is_good = file == NULL || write_file(argv[1], file);
    }
    solo_end(&solo);
    memory_disk_deinit(&disk);
    return is_good ? 0 : 1;
}

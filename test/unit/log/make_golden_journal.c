/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_golden_journal -- writes the directory of journal_golden.h.
 *
 * usage: make_golden_journal DIRECTORY
 */
#include "unit/log/journal_golden.h"

#include <stdio.h>

static struct memory_disk disk;
static struct stand stand;

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
        fprintf(stderr, "usage: make_golden_journal DIRECTORY\n");
        return 2;
    }
    memory_disk_init(&disk);
    golden_live(&stand, &disk);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX && is_good; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        is_good = file == NULL || write_file(argv[1], file);
    }
    memory_disk_deinit(&disk);
    return is_good ? 0 : 1;
}

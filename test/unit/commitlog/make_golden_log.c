/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_golden_log -- writes the directory of log_golden.h.
 *
 * usage: make_golden_log DIRECTORY
 */
#include "log_golden.h"

#include <stdio.h>

static struct log_stand stand;

static bool write_file(const char *directory, const struct crash_file *file)
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
    is_written = fwrite(file->seen, 1, (size_t)file->size, out) == file->size;
    return fclose(out) == 0 && is_written;
}

int main(int argc, char **argv)
{
    bool is_good = argc == 2;

    if (!is_good) {
        fprintf(stderr, "usage: make_golden_log DIRECTORY\n");
        return 2;
    }
    log_stand_init(&stand);
    is_good = golden_log_live(&stand);
    for (uint32_t i = 0; is_good && crash_files_at(&stand.disk, i) != NULL; i++) {
        is_good = write_file(argv[1], crash_files_at(&stand.disk, i));
    }
    log_stand_deinit(&stand);
    return is_good ? 0 : 1;
}

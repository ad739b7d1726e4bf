/* SPDX-License-Identifier: Apache-2.0 */
/*
 * golden_write -- see golden_write.h.
 */
#include "golden_write.h"

#include <stdio.h>

bool golden_write(const char *directory, const char *name, const void *bytes, size_t size)
{
    char path[512];
    FILE *out;
    bool is_written;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    out = fopen(path, "wbx");
    if (out == NULL) {
        perror(path);
        return false;
    }
    is_written = fwrite(bytes, 1, size, out) == size;
    return fclose(out) == 0 && is_written;
}

const char *golden_directory(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return NULL;
    }
    return argv[1];
}

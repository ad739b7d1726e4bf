/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_golden_log -- writes the directory of log_golden.h.
 *
 * usage: make_golden_log DIRECTORY
 */
#include "log_golden.h"
#include "support/golden_write.h"

static struct log_stand stand;

int main(int argc, char **argv)
{
    const char *directory = golden_directory(argc, argv);
    bool is_good = true;

    if (directory == NULL) {
        return 2;
    }
    log_stand_init(&stand);
    is_good = golden_log_live(&stand);
    for (uint32_t i = 0; is_good && crash_files_at(&stand.disk, i) != NULL; i++) {
        const struct crash_file *file = crash_files_at(&stand.disk, i);

        is_good = golden_write(directory, file->name, file->seen, (size_t)file->size);
    }
    log_stand_deinit(&stand);
    return is_good ? 0 : 1;
}

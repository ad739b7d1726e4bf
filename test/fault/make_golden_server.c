/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_golden_server -- writes the directory of server_golden.h.
 *
 * usage: make_golden_server DIRECTORY
 */
#include "fault/server_golden.h"
#include "support/golden_write.h"

static struct memory_disk disk;
static struct solo solo;

int main(int argc, char **argv)
{
    const char *directory = golden_directory(argc, argv);
    bool is_good = true;

    if (directory == NULL) {
        return 2;
    }
    memory_disk_init(&disk);
    solo_begin(&solo, &disk, 1);
    is_good = server_golden_live(&solo);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX && is_good; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        is_good =
            file == NULL || golden_write(directory, file->name, file->platter, file->platter_size);
    }
    solo_end(&solo);
    memory_disk_deinit(&disk);
    return is_good ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_golden_journal -- writes a directory of journal_golden.h.
 *
 * usage: make_golden_journal DIRECTORY [damaged | repaired | refused]
 */
#include "support/golden_write.h"
#include "unit/log/journal_golden.h"

#include <stdio.h>
#include <string.h>

static struct memory_disk disk;
static struct stand stand;

/* False if there is no life of that name. */
static bool live(const char *name)
{
    static const char *const names[] = {"damaged", "repaired", "refused"};

    if (name == NULL) {
        golden_live(&stand, &disk);
        return true;
    }
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) == 0) {
            golden_live_with_damage(&stand, &disk, (enum golden_damage)i);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    bool is_good = argc == 2 || argc == 3;

    memory_disk_init(&disk);
    if (!is_good || !live(argv[2])) {
        fprintf(stderr, "usage: make_golden_journal DIRECTORY [damaged | repaired | refused]\n");
        return 2;
    }
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX && is_good; i++) {
        const struct memory_file *file = memory_disk_file(&disk, i);

        is_good =
            file == NULL || golden_write(argv[1], file->name, file->platter, file->platter_size);
    }
    memory_disk_deinit(&disk);
    return is_good ? 0 : 1;
}

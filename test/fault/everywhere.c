/* SPDX-License-Identifier: Apache-2.0 */
/*
 * everywhere -- see everywhere.h.
 */
#include "fault/everywhere.h"

#include <stdio.h>
#include <string.h>

#define WHILE_US UINT64_C(3000000)

bool everywhere_is_image(const struct trio_file *file)
{
    return strstr(file->name, "journal-") == NULL;
}

/* Twice is as it was. */
static void change_images(struct trio_disk *disk, size_t offset)
{
    for (uint32_t i = 0; i < disk->file_count; i++) {
        struct trio_file *file = &disk->files[i];

        if (everywhere_is_image(file) && file->size > 0) {
            file->data[offset % file->size] ^= 0x10;
        }
    }
}

static bool is_any_settled(void *owner)
{
    return trio_is_settled(owner, 1);
}

static void check_all_say_where(struct trio *trio)
{
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        const struct trio_seat *seat = &trio->seats[i];

        if (!seat->has_lost_image || strstr(seat->image_notice, seat->directory) == NULL ||
            strstr(seat->image_notice, "offset") == NULL) {
            cc_judge_blame(
                trio->judge, "the image of server %u is changed, and it says \"%s\"", i + 1,
                seat->has_lost_image ? seat->image_notice : seat->notice);
        }
    }
}

const char *everywhere_try(struct trio *trio, struct past *past, size_t offset)
{
    static const struct trio_fault none = {.machine = TRIO_MACHINES};
    static char text[512];

    trio_create(trio, PAST_SEED + 1, &none);
    past_set(past, trio);
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        change_images(&past->disks[i], offset);
        trio_disk_put(trio, i, &past->disks[i]);
        change_images(&past->disks[i], offset);
    }
    record_tell(&past->record, trio->judge, past->record.last);
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        trio_start(trio, i);
    }
    if (trio_run(trio, WHILE_US, is_any_settled, trio)) {
        cc_judge_blame(trio->judge, "nobody can have the state, and some serve");
    }
    if (trio_verdict(trio) == NULL) {
        check_all_say_where(trio);
    }
    snprintf(text, sizeof text, "%s", trio_verdict(trio) == NULL ? "" : trio_verdict(trio));
    trio_destroy(trio);
    return text[0] == '\0' ? NULL : text;
}

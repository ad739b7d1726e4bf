/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_disk_crash -- what the end of a life leaves on the disk.
 *
 * When power is lost, what was not synced is kept, lost or torn.  When only the process dies, the
 * kernel still has all of it: the next life reads what no platter holds yet, and a write may come
 * when the next life has long begun.
 */
#include "base/assert.h"
#include "sim/sim_disk_internal.h"

#include <stdlib.h>
#include <string.h>

#define LATE_US_MAX 3000000u

enum fate {
    LOST,
    KEPT,
    PREFIX,
    SECTORS,
    SIZE_ALONE
};

/* In order of writing; with CC_LOSS_PREFIX nothing is kept behind the first that is not whole. */
static enum fate draw_fate(struct cc_sim_disk *disk)
{
    switch (disk->loss) {
    case CC_LOSS_PREFIX:
        return cc_decide_below(&disk->choices, 2) == 0 ? KEPT : PREFIX;
    case CC_LOSS_SUBSET:
        return cc_decide_below(&disk->choices, 2) == 0 ? KEPT : LOST;
    case CC_LOSS_TORN:
        return SECTORS;
    case CC_LOSS_NAMES:
        return KEPT;
    case CC_LOSS_SIZE:
        return SIZE_ALONE;
    case CC_LOSS_ANY:
        break;
    }
    return (enum fate)cc_decide_below(&disk->choices, SIZE_ALONE);
}

static void count(struct cc_sim_disk *disk, enum fate fate, bool is_torn)
{
    struct cc_world_counters *counters = &disk->machine->world->counters;

    counters->torn_writes += is_torn && (fate == PREFIX || fate == SECTORS);
    counters->lost_writes += fate == LOST;
    counters->bare_sizes += fate == SIZE_ALONE;
    counters->prefixes += is_torn && fate == PREFIX;
}

static void tear_by(
    struct cc_sim_disk *disk,
    struct cc_sim_file *file,
    uint64_t offset,
    const unsigned char *data,
    size_t size,
    enum fate fate)
{
    size_t done = 0;
    uint64_t prefix = cc_decide_below(&disk->choices, size + 1);
    bool is_torn = false;

    while (done < size) {
        size_t piece = CC_DISK_SECTOR - (offset + done) % CC_DISK_SECTOR;
        bool is_kept = fate == KEPT || (fate == PREFIX && done < prefix) ||
                       (fate == SECTORS && cc_decide_below(&disk->choices, 2) == 0);

        piece = piece < size - done ? piece : size - done;
        if (is_kept) {
            cc_sim_file_to_platter(file, offset + done, data + done, piece);
        }
        is_torn = is_torn || !is_kept;
        done += piece;
    }
    if (fate == SIZE_ALONE && file->platter_size < offset + size) {
        file->platter_size = offset + size;
    }
    count(disk, fate, is_torn);
}

void cc_sim_disk_tear(
    struct cc_sim_disk *disk,
    struct cc_sim_file *file,
    uint64_t offset,
    const unsigned char *data,
    size_t size)
{
    tear_by(disk, file, offset, data, size, draw_fate(disk));
}

void cc_sim_disk_forget_writes(struct cc_sim_disk *disk)
{
    while (disk->writes != NULL) {
        struct cc_sim_under_way *way = disk->writes;

        disk->writes = way->next;
        free(way);
    }
}

/* A name in doubt; false if the file is gone. */
static bool settle_name(struct cc_sim_disk *disk, struct cc_sim_file *file)
{
    if (file->is_named != file->is_name_durable) {
        bool is_named = disk->loss == CC_LOSS_NAMES ? file->is_name_durable
                                                    : cc_decide_below(&disk->choices, 2) == 0;

        disk->machine->world->counters.lost_names += file->is_named && !is_named;
        file->is_named = is_named;
    }
    file->is_name_durable = file->is_named;
    return file->is_named;
}

static void settle_doubts(struct cc_sim_disk *disk, struct cc_sim_file *file, bool *is_cut)
{
    for (struct cc_sim_doubt *doubt = file->doubts; doubt != NULL; doubt = doubt->next) {
        enum fate fate = *is_cut ? LOST : draw_fate(disk);

        tear_by(disk, file, doubt->offset, doubt->data, doubt->size, fate);
        *is_cut = *is_cut || fate == PREFIX;
    }
    cc_sim_file_forget_doubts(file);
    cc_sim_file_fall_back(file);
}

static void end_life(struct cc_sim_disk *disk)
{
    cc_sim_disk_forget_writes(disk);
    memset(disk->armed, 0, sizeof disk->armed);
    disk->is_locked = false;
    disk->loss = CC_LOSS_ANY;
    disk->alarm_in = 0;
}

/* ---- what comes late ------------------------------------------------------------------------- */

void cc_sim_file_forget_late(struct cc_sim_file *file)
{
    while (file->late != NULL) {
        struct cc_sim_late *late = file->late;

        file->late = late->next;
        free(late);
    }
}

void cc_sim_file_land(struct cc_sim_file *file)
{
    for (const struct cc_sim_late *late = file->late; late != NULL; late = late->next) {
        cc_sim_file_extend(file, late->offset + late->size);
        cc_sim_file_to_both(file, late->offset, late->data, late->size);
    }
    cc_sim_file_forget_late(file);
}

static void land_all(void *owner)
{
    const struct cc_sim_disk *disk = owner;

    for (struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        cc_sim_file_land(file);
    }
}

static void keep_for_late(
    struct cc_sim_disk *disk, const struct cc_disk_request *request, size_t size)
{
    struct cc_world *world = disk->machine->world;
    struct cc_sim_file *file = request->file->file;
    struct cc_sim_late *late = malloc(sizeof *late + size);

    CC_ASSERT(late != NULL);
    late->next = file->late;
    late->offset = request->offset;
    late->size = size;
    memcpy(late->data, request->data, size);
    file->late = late;
    world->counters.late_writes++;
    cc_world_call(
        world, world->now_us + cc_decide_below(&disk->choices, LATE_US_MAX), land_all, disk);
}

/* ---- the end of a life ------------------------------------------------------------------------ */

void cc_sim_disk_crash(struct cc_sim_disk *disk)
{
    struct cc_sim_file **link = &disk->files;
    bool is_cut = false;

    while (*link != NULL) {
        struct cc_sim_file *file = *link;
        bool is_prefix = disk->loss == CC_LOSS_PREFIX;

        cc_sim_file_forget_late(file);
        settle_doubts(disk, file, &is_cut);
        is_cut = is_cut && is_prefix;
        link = &file->next;
    }
    for (struct cc_sim_under_way *way = disk->writes; way != NULL; way = way->next) {
        struct cc_disk_request *request = way->request;
        struct cc_sim_file *file = request->file->file;

        cc_sim_file_extend(file, request->offset + request->size);
        tear_by(
            disk, file, request->offset, request->data, request->size,
            is_cut ? LOST : draw_fate(disk));
        cc_sim_file_fall_back(file);
    }
    for (link = &disk->files; *link != NULL;) {
        struct cc_sim_file *file = *link;

        if (settle_name(disk, file)) {
            link = &file->next;
        } else {
            *link = file->next;
            cc_sim_file_free(file);
        }
    }
    end_life(disk);
}

/* The kernel goes on with what it was given, now or late; of a write that is under way, with any of
 * its first sectors. */
void cc_sim_disk_kill(struct cc_sim_disk *disk)
{
    for (struct cc_sim_under_way *way = disk->writes; way != NULL; way = way->next) {
        struct cc_disk_request *request = way->request;
        struct cc_sim_file *file = request->file->file;
        uint64_t draw = cc_decide_below(&disk->choices, 3);
        size_t size = draw == 0   ? 0
                      : draw == 1 ? request->size
                                  : (size_t)cc_decide_below(&disk->choices, request->size + 1) /
                                        CC_DISK_SECTOR * CC_DISK_SECTOR;

        if (size > 0 && cc_decide_below(&disk->choices, 3) != 0) {
            keep_for_late(disk, request, size);
        } else if (size > 0) {
            cc_sim_file_extend(file, request->offset + size);
            cc_sim_file_to_reader(file, request->offset, request->data, size);
            cc_sim_file_add_doubt(file, request->offset, request->data, size);
        }
    }
    end_life(disk);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_disk_fault -- what can be wrong with a disk: requests that fail, hang or do something else
 * than they say, space and handles that run out, bytes that rot, an image of long ago.
 */
#include "base/assert.h"
#include "sim/sim_disk_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROT_TRIES 16u

/* ---- requests ---------------------------------------------------------------------------------
 */

static bool concerns(enum cc_disk_fault fault, const struct cc_disk_request *request)
{
    enum cc_disk_operation operation = request->operation;
    bool is_write = operation == CC_DISK_WRITE && request->size > 0;

    switch (fault) {
    case CC_DISK_FAULT_READ_ERROR:
    case CC_DISK_FAULT_MISDIRECTED_READ:
        return operation == CC_DISK_READ && request->size > 0;
    case CC_DISK_FAULT_WRITE_ERROR:
    case CC_DISK_FAULT_LOST_WRITE:
    case CC_DISK_FAULT_MISDIRECTED_WRITE:
        return is_write;
    case CC_DISK_FAULT_SYNC_OLD:
    case CC_DISK_FAULT_SYNC_NEW:
    case CC_DISK_FAULT_SYNC_MIXED:
        return operation == CC_DISK_SYNC || (is_write && request->durable);
    default:
        return true;
    }
}

static bool is_due(
    struct cc_sim_disk *disk, enum cc_disk_fault fault, const struct cc_disk_request *request)
{
    if (disk->armed[fault] == 0 || !concerns(fault, request) || --disk->armed[fault] > 0) {
        return false;
    }
    disk->machine->world->counters.disk_faults[fault]++;
    return true;
}

bool cc_sim_disk_hangs(struct cc_sim_disk *disk, const struct cc_disk_request *request)
{
    return is_due(disk, CC_DISK_FAULT_HANG, request);
}

/* A failed write leaves any mixture of old and new behind. */
static void fail_write(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct cc_sim_file *file = request->file->file;

    cc_sim_disk_forget_write(disk, request);
    cc_sim_file_extend(file, request->offset + request->size);
    cc_sim_disk_tear(disk, file, request->offset, request->data, request->size);
    cc_sim_file_see_platter(file, request->offset, request->size);
}

/* The sync of one piece fails; what a reader sees from now on depends on the file system.  No later
 * sync tries it again: the pages count as clean. */
static void fail_piece(
    struct cc_sim_disk *disk,
    struct cc_sim_file *file,
    uint64_t offset,
    const void *data,
    size_t size,
    enum cc_disk_fault fault)
{
    cc_sim_file_extend(file, offset + size);
    if (fault == CC_DISK_FAULT_SYNC_NEW) {
        cc_sim_file_to_reader(file, offset, data, size);
        return;
    }
    if (fault == CC_DISK_FAULT_SYNC_MIXED) {
        disk->loss = CC_LOSS_TORN;
        cc_sim_disk_tear(disk, file, offset, data, size);
        disk->loss = CC_LOSS_ANY;
    }
    cc_sim_file_see_platter(file, offset, size);
}

static void fail_sync(
    struct cc_sim_disk *disk, struct cc_disk_request *request, enum cc_disk_fault fault)
{
    struct cc_sim_file *file = request->file->file;

    request->status = COPYCAT_ERR_IO;
    if (request->operation == CC_DISK_WRITE) {
        cc_sim_disk_forget_write(disk, request);
        fail_piece(disk, file, request->offset, request->data, request->size, fault);
        return;
    }
    for (struct cc_sim_doubt *doubt = file->doubts; doubt != NULL; doubt = doubt->next) {
        fail_piece(disk, file, doubt->offset, doubt->data, doubt->size, fault);
    }
    cc_sim_file_forget_doubts(file);
}

static void fail(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    request->status = COPYCAT_ERR_IO;
    if (request->operation == CC_DISK_WRITE) {
        fail_write(disk, request);
    } else if (request->operation == CC_DISK_SYNC) {
        fail_sync(disk, request, CC_DISK_FAULT_SYNC_OLD);
    } else if (request->operation == CC_DISK_CLOSE) {
        cc_memory_give(&disk->machine->memory, request->file); /* dead all the same */
        request->file = NULL;
    }
}

/* A place where the same amount of bytes could also lie. */
static uint64_t elsewhere(
    struct cc_sim_disk *disk, const struct cc_sim_file *file, const struct cc_disk_request *request)
{
    uint64_t blocks =
        file->size <= request->size ? 0 : (file->size - request->size) / CC_DISK_BLOCK;

    return cc_decide_below(&disk->choices, blocks + 1) * CC_DISK_BLOCK;
}

static void misdirect_write(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct cc_sim_file *file = request->file->file;
    uint64_t offset = elsewhere(disk, file, request);

    cc_sim_disk_forget_write(disk, request);
    cc_sim_file_extend(file, offset + request->size);
    cc_sim_file_to_both(file, offset, request->data, request->size);
}

static void misdirect_read(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    const struct cc_sim_file *file = request->file->file;
    uint64_t offset = elsewhere(disk, file, request);

    if (offset + request->size > file->size) {
        request->status = COPYCAT_ERR_IO;
        return;
    }
    cc_sim_file_read(file, offset, request->data, request->size);
}

bool cc_sim_disk_interfere(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    if (disk->is_denied && request->operation == CC_DISK_OPEN) {
        request->status = COPYCAT_ERR_BUSY;
        disk->machine->world->counters.denied_opens++;
        return true;
    }
    if (is_due(disk, CC_DISK_FAULT_ANY, request)) {
        fail(disk, request);
        return true;
    }
    if (is_due(disk, CC_DISK_FAULT_READ_ERROR, request)) {
        request->status = COPYCAT_ERR_IO;
        return true;
    }
    if (is_due(disk, CC_DISK_FAULT_WRITE_ERROR, request)) {
        fail_write(disk, request);
        request->status = COPYCAT_ERR_IO;
        return true;
    }
    for (enum cc_disk_fault fault = CC_DISK_FAULT_SYNC_OLD; fault <= CC_DISK_FAULT_SYNC_MIXED;
         fault++) {
        if (is_due(disk, fault, request)) {
            fail_sync(disk, request, fault);
            return true;
        }
    }
    if (is_due(disk, CC_DISK_FAULT_LOST_WRITE, request)) {
        cc_sim_disk_forget_write(disk, request);
        return true;
    }
    if (is_due(disk, CC_DISK_FAULT_MISDIRECTED_WRITE, request)) {
        misdirect_write(disk, request);
        return true;
    }
    if (is_due(disk, CC_DISK_FAULT_MISDIRECTED_READ, request)) {
        misdirect_read(disk, request);
        return true;
    }
    return false;
}

/* ---- bytes at rest ----------------------------------------------------------------------------
 */

bool cc_sim_file_is_scarred(const struct cc_sim_file *file, uint64_t offset, size_t size)
{
    for (const struct cc_sim_scar *scar = file->scars; scar != NULL; scar = scar->next) {
        if (scar->offset < offset + size && offset < scar->offset + scar->size) {
            return true;
        }
    }
    return false;
}

void cc_sim_file_heal_scars(struct cc_sim_file *file, uint64_t offset, size_t size)
{
    struct cc_sim_scar **link = &file->scars;

    while (*link != NULL) {
        struct cc_sim_scar *scar = *link;

        if (scar->offset >= offset && scar->offset - offset + scar->size <= size) {
            *link = scar->next;
            free(scar);
        } else {
            link = &scar->next;
        }
    }
}

/* The newest file that is in use: the last of those, by name, that begin with something. */
static const struct cc_sim_file *newest_of(const struct cc_sim_disk *disk)
{
    static const unsigned char zeros[CC_DISK_SECTOR];
    const struct cc_sim_file *newest = NULL;

    for (const struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        if (file->is_named && file->platter_size >= sizeof zeros &&
            memcmp(file->platter, zeros, sizeof zeros) != 0 &&
            (newest == NULL || strcmp(newest->name, file->name) < 0)) {
            newest = file;
        }
    }
    return newest;
}

static uint64_t sectors_of(
    const struct cc_sim_file *file, const struct cc_sim_file *newest, bool is_of_image)
{
    bool is_meant = file->is_named && file != newest &&
                    (!is_of_image || strstr(file->name, "/image-") != NULL ||
                     strstr(file->name, "/segment-") != NULL);

    return is_meant ? file->platter_size / CC_DISK_SECTOR : 0;
}

/* A sector that holds something, so that its loss is felt.  What was written last is spared: nobody
 * can tell whether it has rotted or was never written to its end. */
static struct cc_sim_file *choose_sector(struct cc_sim_disk *disk, uint64_t *offset_out)
{
    static const unsigned char zeros[CC_DISK_SECTOR];
    const struct cc_sim_file *newest = newest_of(disk);

    for (uint32_t i = 0; i < ROT_TRIES; i++) {
        bool is_of_image = cc_decide_below(&disk->choices, 3) == 0; /* small, but all there is */
        uint64_t count = 0;
        uint64_t place;

        for (struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
            count += sectors_of(file, newest, is_of_image);
        }
        place = cc_decide_below(&disk->choices, count);
        for (struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
            uint64_t sectors = sectors_of(file, newest, is_of_image);

            if (place >= sectors) {
                place -= sectors;
                continue;
            }
            *offset_out = place * CC_DISK_SECTOR;
            if (memcmp(file->platter + *offset_out, zeros, sizeof zeros) != 0) {
                return file;
            }
            break;
        }
    }
    return NULL;
}

bool cc_world_disk_rot(
    struct cc_world *world, uint32_t machine, bool is_latent, char *where, size_t where_size)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;
    uint64_t offset;
    struct cc_sim_file *file = choose_sector(disk, &offset);

    if (file == NULL) {
        return false;
    }
    snprintf(where, where_size, "%s at %llu", file->name, (unsigned long long)offset);
    if (is_latent) {
        struct cc_sim_scar *scar = malloc(sizeof *scar);

        CC_ASSERT(scar != NULL);
        *scar = (struct cc_sim_scar){file->scars, offset, CC_DISK_SECTOR};
        file->scars = scar;
        return true;
    }
    offset += cc_decide_below(&disk->choices, CC_DISK_SECTOR);

    unsigned char bit = (unsigned char)(1u << cc_decide_below(&disk->choices, 8));

    file->platter[offset] ^= bit;
    file->seen[offset] ^= bit;
    return true;
}

/* ---- images -----------------------------------------------------------------------------------
 */

static struct cc_sim_file *copy_of(const struct cc_sim_file *file)
{
    struct cc_sim_file *copy = calloc(1, sizeof *copy);

    CC_ASSERT(copy != NULL);
    memcpy(copy->name, file->name, sizeof copy->name);
    copy->is_named = true;
    copy->is_name_durable = true;
    copy->doubts_end = &copy->doubts;
    cc_sim_file_extend(copy, file->platter_size);
    cc_sim_file_to_both(copy, 0, file->platter, file->platter_size);
    return copy;
}

static void copy_files(const struct cc_sim_file *files, struct cc_sim_file **copies)
{
    cc_sim_files_free(copies);
    for (; files != NULL; files = files->next) {
        if (files->is_named && files->is_name_durable) {
            *copies = copy_of(files);
            copies = &(*copies)->next;
        }
    }
}

void cc_world_disk_keep(struct cc_world *world, uint32_t machine)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;

    copy_files(disk->files, &disk->image);
}

bool cc_world_disk_roll_back(struct cc_world *world, uint32_t machine)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;

    CC_ASSERT(!world->machines[machine].is_up);
    if (disk->image == NULL) {
        return false;
    }
    copy_files(disk->image, &disk->files);
    return true;
}

/* ---- switches ---------------------------------------------------------------------------------
 */

void cc_world_disk_stick(struct cc_world *world, uint32_t machine, bool is_stuck)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;

    disk->is_stuck = is_stuck;
    if (!is_stuck) {
        cc_held_release(world, &disk->held);
    }
}

void cc_world_disk_full(struct cc_world *world, uint32_t machine, bool is_full)
{
    world->machines[machine].disk->is_full = is_full;
}

void cc_world_disk_bound(struct cc_world *world, uint32_t machine, uint64_t room)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;

    disk->size_max = 0;
    for (const struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        disk->size_max += file->is_named ? file->size : 0;
    }
    disk->size_max = room < COPYCAT_NONE - disk->size_max ? disk->size_max + room : COPYCAT_NONE;
}

void cc_world_disk_size(struct cc_world *world, uint32_t machine, uint64_t size_max)
{
    world->machines[machine].disk->size_max = size_max;
}

void cc_world_disk_deny(struct cc_world *world, uint32_t machine, bool is_denied)
{
    world->machines[machine].disk->is_denied = is_denied;
}

void cc_world_disk_slow(struct cc_world *world, uint32_t machine, uint32_t factor)
{
    world->machines[machine].disk->slow = factor;
}

void cc_world_disk_strike(
    struct cc_world *world, uint32_t machine, enum cc_disk_fault fault, uint32_t nth)
{
    world->machines[machine].disk->armed[fault] = nth;
}

void cc_world_disk_calm(struct cc_world *world, uint32_t machine)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;

    memset(disk->armed, 0, sizeof disk->armed);
    disk->alarm_in = 0;
}

void cc_world_disk_alarm(
    struct cc_world *world,
    uint32_t machine,
    enum cc_disk_operation operation,
    uint32_t nth,
    void (*call)(void *owner),
    void *owner)
{
    struct cc_sim_disk *disk = world->machines[machine].disk;

    disk->alarm_in = nth;
    disk->alarm_at = operation;
    disk->alarm = call;
    disk->alarm_owner = owner;
}

void cc_world_disk_loss(struct cc_world *world, uint32_t machine, enum cc_loss loss)
{
    world->machines[machine].disk->loss = loss;
}

void cc_world_disk_wipe(struct cc_world *world, uint32_t machine)
{
    CC_ASSERT(!world->machines[machine].is_up);
    cc_sim_files_free(&world->machines[machine].disk->files);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio_disk -- what is on the disk of a machine that is down: taken and put through the same calls
 * that a server makes, in a short life of the machine without one.
 */
#include "base/assert.h"
#include "fault/trio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void done(struct cc_disk_request *request)
{
    *(bool *)request->owner = true;
}

static void carry_out(struct trio *trio, uint32_t place, struct cc_disk_request *request)
{
    bool is_done = false;
    uint32_t machine;

    request->done = done;
    request->owner = &is_done;
    cc_env_disk(cc_world_env(trio->world, place), request);
    while (!is_done && cc_world_step(trio->world, UINT64_MAX / 2, &machine)) {
    }
    CC_ASSERT(request->status == COPYCAT_OK);
}

static void close_file(struct trio *trio, uint32_t place, struct cc_file *file)
{
    carry_out(trio, place, &(struct cc_disk_request){.operation = CC_DISK_CLOSE, .file = file});
}

/* ---- take ------------------------------------------------------------------------------------ */

struct listing {
    struct cc_disk_request request;
    struct trio_disk *disk;
};

static void on_name(struct cc_disk_request *request, const char *name)
{
    struct trio_disk *disk = cc_container_of(request, struct listing, request)->disk;
    struct trio_file *file = &disk->files[disk->file_count++];

    CC_ASSERT(disk->file_count <= TRIO_FILES_MAX);
    snprintf(file->name, sizeof file->name, "%.7s/%.60s", request->name, name);
}

static void take_file(struct trio *trio, uint32_t place, struct trio_file *file)
{
    struct cc_disk_request open = {.operation = CC_DISK_OPEN, .name = file->name};
    struct cc_disk_request read = {.operation = CC_DISK_READ};

    carry_out(trio, place, &open);
    file->size = (size_t)open.size;
    file->data = malloc(file->size + 1);
    CC_ASSERT(file->data != NULL);
    read.file = open.file;
    read.data = file->data;
    read.size = file->size;
    carry_out(trio, place, &read);
    close_file(trio, place, open.file);
}

void trio_disk_take(struct trio *trio, uint32_t place, struct trio_disk *disk)
{
    struct listing listing = {
        .request =
            {.operation = CC_DISK_LIST, .name = trio->seats[place].directory, .on_name = on_name},
        .disk = disk,
    };

    memset(disk, 0, sizeof *disk);
    (void)cc_world_boot(trio->world, place);
    carry_out(trio, place, &listing.request);
    for (uint32_t i = 0; i < disk->file_count; i++) {
        take_file(trio, place, &disk->files[i]);
    }
    cc_world_crash(trio->world, place);
}

void trio_disk_clear(struct trio_disk *disk)
{
    for (uint32_t i = 0; i < disk->file_count; i++) {
        free(disk->files[i].data);
    }
    memset(disk, 0, sizeof *disk);
}

/* ---- put ------------------------------------------------------------------------------------- */

static void put_file(struct trio *trio, uint32_t place, const struct trio_file *file)
{
    struct cc_disk_request open = {.operation = CC_DISK_OPEN, .name = file->name, .create = true};
    struct cc_disk_request write = {.operation = CC_DISK_WRITE, .durable = true};

    carry_out(trio, place, &open);
    write.file = open.file;
    write.data = file->data;
    write.size = file->size;
    carry_out(trio, place, &write);
    carry_out(trio, place, &(struct cc_disk_request){.operation = CC_DISK_SYNC, .file = open.file});
    close_file(trio, place, open.file);
}

void trio_disk_put(struct trio *trio, uint32_t place, const struct trio_disk *disk)
{
    (void)cc_world_boot(trio->world, place);
    for (uint32_t i = 0; i < disk->file_count; i++) {
        if (disk->files[i].data != NULL) {
            put_file(trio, place, &disk->files[i]);
        }
    }
    carry_out(
        trio, place,
        &(struct cc_disk_request){
            .operation = CC_DISK_SYNC_DIR, .name = trio->seats[place].directory});
    cc_world_crash(trio->world, place);
}

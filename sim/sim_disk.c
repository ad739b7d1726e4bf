/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_disk -- one machine's disk: files, each with what is on the platter and what a reader sees.
 *
 * A durable write reaches the platter when it completes.  Other writes, and names, stay in doubt
 * until they are synced; a crash keeps each 512-byte sector in doubt or loses it, by choice.
 * A durable write under way at a crash is torn likewise.
 */
#include "base/assert.h"
#include "sim/sim_disk_internal.h"

#include <stdlib.h>
#include <string.h>

#define LATENCY_US_MIN 60u
#define LATENCY_US_MAX 4000u
#define BYTES_PER_US 400u

struct cc_sim_disk *cc_sim_disk_create(struct cc_machine *machine)
{
    struct cc_sim_disk *disk = calloc(1, sizeof *disk);

    CC_ASSERT(disk != NULL);
    disk->machine = machine;
    disk->slow = 1;
    disk->size_max = COPYCAT_NONE;
    disk->choices = cc_decider_make(machine->world->seed, CC_STREAM_DISK, machine->number);
    return disk;
}

void cc_sim_file_forget_doubts(struct cc_sim_file *file)
{
    while (file->doubts != NULL) {
        struct cc_sim_doubt *doubt = file->doubts;

        file->doubts = doubt->next;
        free(doubt);
    }
    file->doubts_end = &file->doubts;
}

void cc_sim_file_add_doubt(struct cc_sim_file *file, uint64_t offset, const void *data, size_t size)
{
    struct cc_sim_doubt *doubt = malloc(sizeof *doubt + size);

    CC_ASSERT(doubt != NULL);
    doubt->next = NULL;
    doubt->offset = offset;
    doubt->size = size;
    memcpy(doubt->data, data, size);
    *file->doubts_end = doubt;
    file->doubts_end = &doubt->next;
}

void cc_sim_file_free(struct cc_sim_file *file)
{
    cc_sim_file_forget_doubts(file);
    cc_sim_file_forget_late(file);
    cc_sim_file_heal_scars(file, 0, SIZE_MAX);
    free(file->seen);
    free(file->platter);
    free(file->pages);
    free(file);
}

void cc_sim_files_free(struct cc_sim_file **files)
{
    while (*files != NULL) {
        struct cc_sim_file *file = *files;

        *files = file->next;
        cc_sim_file_free(file);
    }
}

void cc_sim_disk_destroy(struct cc_sim_disk *disk)
{
    for (struct cc_event *event = disk->held.first; event != NULL;) {
        struct cc_event *next = event->next;

        cc_world_free_event(disk->machine->world, event);
        event = next;
    }
    cc_sim_disk_forget_writes(disk);
    cc_sim_files_free(&disk->files);
    cc_sim_files_free(&disk->image);
    free(disk);
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct cc_sim_file *find(struct cc_sim_disk *disk, const char *name)
{
    for (struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        if (file->is_named && strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static struct cc_sim_file *make(struct cc_sim_disk *disk, const char *name)
{
    struct cc_sim_file *file = calloc(1, sizeof *file);
    struct cc_sim_file **end = &disk->files;

    CC_ASSERT(file != NULL);
    CC_ASSERT(strlen(name) < CC_SIM_FILE_NAME_SIZE);
    strcpy(file->name, name);
    file->is_named = true;
    file->doubts_end = &file->doubts;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = file;
    return file;
}

static void sync_file(struct cc_sim_file *file)
{
    for (struct cc_sim_doubt *doubt = file->doubts; doubt != NULL; doubt = doubt->next) {
        cc_sim_file_to_platter(file, doubt->offset, doubt->data, doubt->size);
    }
    cc_sim_file_forget_doubts(file);
    if (file->platter_size < file->size) {
        file->platter_size = file->size;
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

static void carry_out_lock(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    if (disk->is_locked) {
        request->status = COPYCAT_ERR_LOCKED;
    }
    disk->is_locked = true;
}

/* Names are reported without their directory. */
static void carry_out_list(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    size_t prefix = strlen(request->name);

    for (struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        if (file->is_named && strncmp(file->name, request->name, prefix) == 0 &&
            file->name[prefix] == '/') {
            request->on_name(request, file->name + prefix + 1);
        }
    }
}

static void carry_out_open(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct cc_sim_file *file = find(disk, request->name);

    if (file == NULL && !request->create) {
        request->status = COPYCAT_ERR_INVALID;
        return;
    }
    if (file == NULL) {
        file = make(disk, request->name);
    }
    if (request->exclusive) {
        cc_sim_file_land(file);
    }
    request->file = cc_memory_take(&disk->machine->memory, sizeof *request->file);
    request->file->file = file;
    request->size = file->size;
}

static void carry_out_read(struct cc_disk_request *request)
{
    const struct cc_sim_file *file = request->file->file;

    if (request->offset + request->size > file->size ||
        cc_sim_file_is_scarred(file, request->offset, request->size)) {
        request->status = COPYCAT_ERR_IO;
        return;
    }
    cc_sim_file_read(file, request->offset, request->data, request->size);
}

void cc_sim_disk_forget_write(struct cc_sim_disk *disk, const struct cc_disk_request *request)
{
    struct cc_sim_under_way **link = &disk->writes;

    while ((*link)->request != request) {
        link = &(*link)->next;
    }

    struct cc_sim_under_way *way = *link;

    *link = way->next;
    free(way);
}

/* What is durable now is in doubt no more. */
static void forget_covered(struct cc_sim_file *file, uint64_t offset, size_t size)
{
    struct cc_sim_doubt **link = &file->doubts;

    while (*link != NULL) {
        struct cc_sim_doubt *doubt = *link;

        if (doubt->offset >= offset && doubt->offset + doubt->size <= offset + size) {
            *link = doubt->next;
            free(doubt);
        } else {
            link = &doubt->next;
        }
    }
    file->doubts_end = link;
}

static void carry_out_write(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct cc_sim_file *file = request->file->file;

    cc_sim_disk_forget_write(disk, request);
    if (request->size == 0) {
        return;
    }
    cc_sim_file_heal_scars(file, request->offset, request->size);
    cc_sim_file_extend(file, request->offset + request->size);
    if (request->durable) {
        cc_sim_file_to_both(file, request->offset, request->data, request->size);
        forget_covered(file, request->offset, request->size);
        return;
    }
    cc_sim_file_to_reader(file, request->offset, request->data, request->size);
    cc_sim_file_add_doubt(file, request->offset, request->data, request->size);
}

static void carry_out_sync_dir(struct cc_sim_disk *disk)
{
    for (struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        file->is_name_durable = file->is_named;
    }
}

static void carry_out_remove(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct cc_sim_file *file = find(disk, request->name);

    if (file == NULL) {
        request->status = COPYCAT_ERR_INVALID;
    } else {
        file->is_named = false;
    }
}

uint64_t cc_sim_disk_room(const struct cc_sim_disk *disk)
{
    uint64_t used = 0;

    for (const struct cc_sim_file *file = disk->files; file != NULL; file = file->next) {
        used += file->is_named ? file->size : 0;
    }
    return disk->is_full || used > disk->size_max ? 0 : disk->size_max - used;
}

/* True if the request needs space that is not there; a write then leaves the file as it was. */
static bool finds_no_space(struct cc_sim_disk *disk, const struct cc_disk_request *request)
{
    uint64_t end = request->offset + request->size;

    if (request->operation == CC_DISK_OPEN) {
        return request->create && find(disk, request->name) == NULL && cc_sim_disk_room(disk) == 0;
    }
    return request->operation == CC_DISK_WRITE && end > request->file->file->size &&
           end - request->file->file->size > cc_sim_disk_room(disk);
}

static void carry_out(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    switch (request->operation) {
    case CC_DISK_LOCK:
        carry_out_lock(disk, request);
        break;
    case CC_DISK_UNLOCK:
        disk->is_locked = false;
        break;
    case CC_DISK_LIST:
        carry_out_list(disk, request);
        break;
    case CC_DISK_OPEN:
        carry_out_open(disk, request);
        break;
    case CC_DISK_READ:
        carry_out_read(request);
        break;
    case CC_DISK_WRITE:
        carry_out_write(disk, request);
        break;
    case CC_DISK_SYNC:
        sync_file(request->file->file);
        break;
    case CC_DISK_SYNC_DIR:
        carry_out_sync_dir(disk);
        break;
    case CC_DISK_CLOSE:
        cc_memory_give(&disk->machine->memory, request->file);
        request->file = NULL;
        break;
    case CC_DISK_REMOVE:
        carry_out_remove(disk, request);
        break;
    case CC_DISK_ROOM:
        request->offset = cc_sim_disk_room(disk);
        break;
    }
}

bool cc_sim_disk_deliver(struct cc_sim_disk *disk, struct cc_event *event)
{
    struct cc_disk_request *request = event->subject;

    if (disk->is_stuck) {
        cc_held_add(&disk->held, event);
        return false;
    }
    if (cc_sim_disk_hangs(disk, request)) {
        return true; /* it never completes in this life */
    }
    request->status = COPYCAT_OK;
    if (cc_sim_disk_interfere(disk, request)) {
        disk->machine->world->counters.disk_errors += request->status != COPYCAT_OK;
    } else if (finds_no_space(disk, request)) {
        request->status = COPYCAT_ERR_DISK_FULL;
        if (request->operation == CC_DISK_WRITE) {
            cc_sim_disk_forget_write(disk, request);
        }
    } else {
        carry_out(disk, request);
    }
    cc_disk_request_work(request);
    request->done(request);
    return true;
}

/* Somebody waits for such a request to be under way. */
static void ring(struct cc_sim_disk *disk, enum cc_disk_operation operation, uint64_t wait_us)
{
    struct cc_world *world = disk->machine->world;

    if (disk->alarm_in > 0 && disk->alarm_at == operation && --disk->alarm_in == 0) {
        cc_world_call(
            world, world->now_us + cc_decide_below(&disk->choices, wait_us), disk->alarm,
            disk->alarm_owner);
    }
}

void cc_sim_disk_request(struct cc_env *env, struct cc_disk_request *request)
{
    struct cc_machine *machine = env->backend;
    struct cc_sim_disk *disk = machine->disk;
    uint64_t wait = cc_decide_latency(&disk->choices, LATENCY_US_MIN, LATENCY_US_MAX);

    if (request->operation == CC_DISK_WRITE || request->operation == CC_DISK_READ) {
        wait += request->size / BYTES_PER_US;
    }
    if (request->operation == CC_DISK_WRITE) {
        struct cc_sim_under_way *way = malloc(sizeof *way);

        CC_ASSERT(way != NULL);
        *way = (struct cc_sim_under_way){disk->writes, request};
        disk->writes = way;
    }
    ring(disk, request->operation, wait * disk->slow);
    cc_world_post(
        machine->world, cc_world_event(machine->world, CC_EVENT_DISK, machine, request),
        machine->world->now_us + wait * disk->slow);
}

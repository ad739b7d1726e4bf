/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_disk -- one machine's disk: files, each with what is on the platter and what a reader sees.
 *
 * A durable write reaches the platter when it completes.  Other writes, and names, stay in doubt
 * until they are synced; a crash keeps each 512-byte sector in doubt or loses it, by choice.
 * A durable write under way at a crash is torn likewise.
 */
#include "base/assert.h"
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#define NAME_MAX_SIZE 128u
#define LATENCY_US_MIN 60u
#define LATENCY_US_MAX 4000u
#define BYTES_PER_US 400u

/* Written and not synced. */
struct doubt {
    struct doubt *next;
    uint64_t offset;
    size_t size;
    unsigned char data[];
};

struct sim_file {
    struct sim_file *next;
    char name[NAME_MAX_SIZE];
    bool is_named;        /* a reader of the directory sees it */
    bool is_name_durable; /* and still will after a crash */
    unsigned char *seen;
    unsigned char *platter;
    size_t size;
    size_t platter_size;
    size_t capacity;
    struct doubt *doubts;
    struct doubt **doubts_end;
};

/* What env hands out; in the machine's memory, so that it ends with its life. */
struct cc_file {
    struct sim_file *file;
};

struct under_way {
    struct under_way *next;
    struct cc_disk_request *request;
};

struct cc_sim_disk {
    struct cc_machine *machine;
    struct cc_decider choices;
    struct sim_file *files;
    struct under_way *writes;
    bool is_locked;
    bool is_stuck;
    bool is_full;
    uint32_t slow;
    uint32_t fail_in;
    struct cc_held held;
};

static void *reserve(void *block, size_t size)
{
    block = realloc(block, size);
    CC_ASSERT(block != NULL);
    return block;
}

struct cc_sim_disk *cc_sim_disk_create(struct cc_machine *machine)
{
    struct cc_sim_disk *disk = calloc(1, sizeof *disk);

    CC_ASSERT(disk != NULL);
    disk->machine = machine;
    disk->slow = 1;
    disk->choices = cc_decider_make(machine->world->seed, CC_STREAM_DISK, machine->number);
    return disk;
}

static void forget_doubts(struct sim_file *file)
{
    while (file->doubts != NULL) {
        struct doubt *doubt = file->doubts;

        file->doubts = doubt->next;
        free(doubt);
    }
    file->doubts_end = &file->doubts;
}

static void free_files(struct cc_sim_disk *disk)
{
    while (disk->files != NULL) {
        struct sim_file *file = disk->files;

        disk->files = file->next;
        forget_doubts(file);
        free(file->seen);
        free(file->platter);
        free(file);
    }
}

static void forget_writes(struct cc_sim_disk *disk)
{
    while (disk->writes != NULL) {
        struct under_way *way = disk->writes;

        disk->writes = way->next;
        free(way);
    }
}

void cc_sim_disk_destroy(struct cc_sim_disk *disk)
{
    for (struct cc_event *event = disk->held.first; event != NULL;) {
        struct cc_event *next = event->next;

        cc_world_free_event(disk->machine->world, event);
        event = next;
    }
    forget_writes(disk);
    free_files(disk);
    free(disk);
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct sim_file *find(struct cc_sim_disk *disk, const char *name)
{
    for (struct sim_file *file = disk->files; file != NULL; file = file->next) {
        if (file->is_named && strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static struct sim_file *make(struct cc_sim_disk *disk, const char *name)
{
    struct sim_file *file = calloc(1, sizeof *file);
    struct sim_file **end = &disk->files;

    CC_ASSERT(file != NULL);
    CC_ASSERT(strlen(name) < NAME_MAX_SIZE);
    strcpy(file->name, name);
    file->is_named = true;
    file->doubts_end = &file->doubts;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = file;
    return file;
}

static void extend(struct sim_file *file, size_t size)
{
    if (size > file->capacity) {
        size_t capacity = file->capacity == 0 ? 65536 : file->capacity;

        while (capacity < size) {
            capacity *= 2;
        }
        file->seen = reserve(file->seen, capacity);
        file->platter = reserve(file->platter, capacity);
        memset(file->seen + file->capacity, 0, capacity - file->capacity);
        memset(file->platter + file->capacity, 0, capacity - file->capacity);
        file->capacity = capacity;
    }
    if (size > file->size) {
        file->size = size;
    }
}

static void write_platter(struct sim_file *file, uint64_t offset, const void *data, size_t size)
{
    memcpy(file->platter + offset, data, size);
    if (offset + size > file->platter_size) {
        file->platter_size = offset + size;
    }
}

static void sync_file(struct sim_file *file)
{
    for (struct doubt *doubt = file->doubts; doubt != NULL; doubt = doubt->next) {
        write_platter(file, doubt->offset, doubt->data, doubt->size);
    }
    forget_doubts(file);
    if (file->platter_size < file->size) {
        file->platter_size = file->size;
    }
}

/* Any subset of the sectors of a write may have reached the platter. */
static void tear(
    struct cc_sim_disk *disk,
    struct sim_file *file,
    uint64_t offset,
    const unsigned char *data,
    size_t size)
{
    size_t done = 0;
    uint64_t mode = cc_decide_below(&disk->choices, 4); /* nothing, all, prefix, any subset */
    uint64_t prefix = cc_decide_below(&disk->choices, size + 1);
    bool is_torn = false;

    while (done < size) {
        size_t piece = CC_DISK_SECTOR - (offset + done) % CC_DISK_SECTOR;
        bool is_kept = mode == 1 || (mode == 2 && done < prefix) ||
                       (mode == 3 && cc_decide_below(&disk->choices, 2) == 0);

        piece = piece < size - done ? piece : size - done;
        if (is_kept) {
            write_platter(file, offset + done, data + done, piece);
        }
        is_torn = is_torn || !is_kept;
        done += piece;
    }
    disk->machine->world->counters.torn_writes += is_torn && mode > 1;
    disk->machine->world->counters.lost_writes += mode == 0;
}

void cc_sim_disk_crash(struct cc_sim_disk *disk)
{
    struct sim_file **link = &disk->files;

    for (struct under_way *way = disk->writes; way != NULL; way = way->next) {
        struct cc_disk_request *request = way->request;

        extend(request->file->file, request->offset + request->size);
        tear(disk, request->file->file, request->offset, request->data, request->size);
    }
    forget_writes(disk);
    while (*link != NULL) {
        struct sim_file *file = *link;

        for (struct doubt *doubt = file->doubts; doubt != NULL; doubt = doubt->next) {
            tear(disk, file, doubt->offset, doubt->data, doubt->size);
        }
        forget_doubts(file);
        if (file->is_named != file->is_name_durable) {
            file->is_named = cc_decide_below(&disk->choices, 2) == 0;
            disk->machine->world->counters.lost_names += !file->is_named;
        }
        file->is_name_durable = file->is_named;
        if (!file->is_named) {
            *link = file->next;
            free(file->seen);
            free(file->platter);
            free(file);
            continue;
        }
        file->size = file->platter_size;
        if (file->capacity > 0) {
            memcpy(file->seen, file->platter, file->capacity);
        }
        link = &file->next;
    }
    disk->is_locked = false;
    disk->fail_in = 0;
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

    for (struct sim_file *file = disk->files; file != NULL; file = file->next) {
        if (file->is_named && strncmp(file->name, request->name, prefix) == 0 &&
            file->name[prefix] == '/') {
            request->on_name(request, file->name + prefix + 1);
        }
    }
}

static void carry_out_open(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct sim_file *file = find(disk, request->name);

    if (file == NULL && !request->create) {
        request->status = COPYCAT_ERR_INVALID;
        return;
    }
    if (file == NULL) {
        file = make(disk, request->name);
    }
    request->file = cc_memory_take(&disk->machine->memory, sizeof *request->file);
    request->file->file = file;
    request->size = file->size;
}

static void carry_out_read(struct cc_disk_request *request)
{
    const struct sim_file *file = request->file->file;

    if (request->offset + request->size > file->size) {
        request->status = COPYCAT_ERR_IO;
        return;
    }
    memcpy(request->data, file->seen + request->offset, request->size);
}

static void no_longer_under_way(struct cc_sim_disk *disk, const struct cc_disk_request *request)
{
    struct under_way **link = &disk->writes;

    while ((*link)->request != request) {
        link = &(*link)->next;
    }

    struct under_way *way = *link;

    *link = way->next;
    free(way);
}

static void carry_out_write(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct sim_file *file = request->file->file;

    no_longer_under_way(disk, request);
    if (request->size == 0) {
        return;
    }
    extend(file, request->offset + request->size);
    memcpy(file->seen + request->offset, request->data, request->size);
    if (request->durable) {
        write_platter(file, request->offset, request->data, request->size);
        return;
    }

    struct doubt *doubt = malloc(sizeof *doubt + request->size);

    CC_ASSERT(doubt != NULL);
    doubt->next = NULL;
    doubt->offset = request->offset;
    doubt->size = request->size;
    memcpy(doubt->data, request->data, request->size);
    *file->doubts_end = doubt;
    file->doubts_end = &doubt->next;
}

static void carry_out_sync_dir(struct cc_sim_disk *disk)
{
    for (struct sim_file *file = disk->files; file != NULL; file = file->next) {
        file->is_name_durable = file->is_named;
    }
}

static void carry_out_remove(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    struct sim_file *file = find(disk, request->name);

    if (file == NULL) {
        request->status = COPYCAT_ERR_INVALID;
    } else {
        file->is_named = false;
    }
}

/* True if the request needs space that is not there; a write then leaves the file as it was. */
static bool finds_no_space(struct cc_sim_disk *disk, const struct cc_disk_request *request)
{
    if (!disk->is_full) {
        return false;
    }
    if (request->operation == CC_DISK_OPEN) {
        return request->create && find(disk, request->name) == NULL;
    }
    return request->operation == CC_DISK_WRITE &&
           request->offset + request->size > request->file->file->size;
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
    }
}

/* A failed write leaves any mixture of old and new behind; a failed sync loses what it was for. */
static void carry_out_failure(struct cc_sim_disk *disk, struct cc_disk_request *request)
{
    request->status = COPYCAT_ERR_IO;
    disk->machine->world->counters.disk_errors++;
    if (request->operation == CC_DISK_WRITE) {
        struct sim_file *file = request->file->file;

        no_longer_under_way(disk, request);
        extend(file, request->offset + request->size);
        tear(disk, file, request->offset, request->data, request->size);
        memcpy(file->seen + request->offset, file->platter + request->offset, request->size);
    } else if (request->operation == CC_DISK_SYNC) {
        forget_doubts(request->file->file);
    } else if (request->operation == CC_DISK_CLOSE) {
        cc_memory_give(&disk->machine->memory, request->file); /* dead all the same */
        request->file = NULL;
    }
}

bool cc_sim_disk_deliver(struct cc_sim_disk *disk, struct cc_event *event)
{
    struct cc_disk_request *request = event->subject;

    if (disk->is_stuck) {
        cc_held_add(&disk->held, event);
        return false;
    }
    request->status = COPYCAT_OK;
    if (disk->fail_in > 0 && --disk->fail_in == 0) {
        carry_out_failure(disk, request);
    } else if (finds_no_space(disk, request)) {
        request->status = COPYCAT_ERR_DISK_FULL;
        if (request->operation == CC_DISK_WRITE) {
            no_longer_under_way(disk, request);
        }
    } else {
        carry_out(disk, request);
    }
    request->done(request);
    return true;
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
        struct under_way *way = malloc(sizeof *way);

        CC_ASSERT(way != NULL);
        *way = (struct under_way){disk->writes, request};
        disk->writes = way;
    }
    cc_world_post(
        machine->world, cc_world_event(machine->world, CC_EVENT_DISK, machine, request),
        machine->world->now_us + wait * disk->slow);
}

/* ---- faults ---------------------------------------------------------------------------------- */

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

void cc_world_disk_slow(struct cc_world *world, uint32_t machine, uint32_t factor)
{
    world->machines[machine].disk->slow = factor;
}

void cc_world_disk_fail(struct cc_world *world, uint32_t machine, uint32_t nth)
{
    world->machines[machine].disk->fail_in = nth;
}

void cc_world_disk_wipe(struct cc_world *world, uint32_t machine)
{
    CC_ASSERT(!world->machines[machine].is_up);
    free_files(world->machines[machine].disk);
}

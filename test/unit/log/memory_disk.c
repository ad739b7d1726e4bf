/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_disk -- see memory_disk.h.
 */
#include "unit/log/memory_disk.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) /* gcc */
#    include <sanitizer/asan_interface.h>
#elif defined(__has_feature) /* clang */
#    if __has_feature(address_sanitizer)
#        include <sanitizer/asan_interface.h>
#    endif
#endif

#ifndef ASAN_POISON_MEMORY_REGION
#    define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#    define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define KEPT_MAX 8u
#define KEPT_SIZE_MIN ((size_t)128 << 10)

struct cc_file {
    struct memory_file *file;
};

/* Each block knows its neighbours, so that a crash can take them all. */
struct memory_block {
    struct cc_list node;
    size_t size;
    max_align_t data[];
};

/* ---- memory ---------------------------------------------------------------------------------- */

/* Large blocks are kept for those who want one of the same size: to get their pages from the system
 * each time took most of the time of a test that opens a journal, or of a fuzzer's run.  Nobody may
 * touch one that is kept. */
static struct memory_block *kept[KEPT_MAX]; /* the oldest first */

static void free_block(struct memory_block *block)
{
    if (block == NULL || block->size < KEPT_SIZE_MIN) {
        free(block);
        return;
    }
    free(kept[0]);
    memmove(&kept[0], &kept[1], sizeof kept - sizeof kept[0]);
    kept[KEPT_MAX - 1] = block;
    ASAN_POISON_MEMORY_REGION(block->data, block->size);
}

/* NULL: none of that size is kept. */
static struct memory_block *take_kept(size_t size)
{
    for (uint32_t i = 0; i < KEPT_MAX; i++) {
        struct memory_block *block = kept[i];

        if (block != NULL && block->size == size) {
            kept[i] = NULL;
            ASAN_UNPOISON_MEMORY_REGION(block->data, size);
            return block;
        }
    }
    return NULL;
}

static void *resize(void *context, void *block, size_t size)
{
    struct memory_disk *disk = context;
    struct memory_block *old =
        block == NULL
            ? NULL
            : (struct memory_block *)(void *)((char *)block - offsetof(struct memory_block, data));
    struct memory_block *kept_one;

    if (old != NULL) {
        cc_list_remove(&old->node);
        disk->blocks_out--;
        disk->bytes_out -= old->size;
    }
    if (size == 0) {
        free_block(old);
        return NULL;
    }
    kept_one = old == NULL && size >= KEPT_SIZE_MIN ? take_kept(size) : NULL;
    old = kept_one != NULL ? kept_one : realloc(old, sizeof *old + size);
    CC_ASSERT(old != NULL);
    cc_list_append(&disk->blocks, &old->node);
    old->size = size;
    disk->blocks_out++;
    disk->bytes_out += size;
    disk->bytes_most = disk->bytes_out > disk->bytes_most ? disk->bytes_out : disk->bytes_most;
    disk->block_largest = size > disk->block_largest ? size : disk->block_largest;
    return old->data;
}

static void forget_blocks(struct memory_disk *disk)
{
    cc_list_each_safe(node, following, &disk->blocks) {
        cc_list_remove(node);
        free_block(cc_container_of(node, struct memory_block, node));
    }
    disk->blocks_out = 0;
    disk->bytes_out = 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static struct memory_file *find(struct memory_disk *disk, const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk->files[i].is_named && strcmp(disk->files[i].name, name) == 0) {
            return &disk->files[i];
        }
    }
    return NULL;
}

static struct memory_file *make(struct memory_disk *disk, const char *path)
{
    const char *name = strrchr(path, '/') + 1;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk->files[i].name[0] == '\0') {
            CC_ASSERT(strlen(name) < sizeof disk->files[i].name);
            strcpy(disk->files[i].name, name);
            disk->files[i].is_named = true;
            return &disk->files[i];
        }
    }
    CC_ASSERT(false);
    return NULL;
}

static void extend(uint8_t **bytes, size_t *size, uint64_t needed)
{
    if (needed > *size) {
        *bytes = realloc(*bytes, needed);
        CC_ASSERT(*bytes != NULL);
        memset(*bytes + *size, 0, needed - *size);
        *size = needed;
    }
}

static void put(uint8_t **bytes, size_t *size, uint64_t offset, const void *data, size_t count)
{
    extend(bytes, size, offset + count);
    if (count > 0) {
        memcpy(*bytes + offset, data, count);
    }
}

static void forget_doubts(struct memory_file *file)
{
    for (uint32_t i = 0; i < file->doubt_count; i++) {
        free(file->doubts[i].data);
    }
    free(file->doubts);
    file->doubts = NULL;
    file->doubt_count = 0;
}

static void drop_file(struct memory_file *file)
{
    forget_doubts(file);
    free(file->seen);
    free(file->platter);
    *file = (struct memory_file){0};
}

static void tear(
    struct memory_file *file,
    uint64_t offset,
    const uint8_t *data,
    size_t size,
    enum memory_crash crash,
    struct cc_prng *prng)
{
    uint64_t prefix = cc_prng_below(prng, size / CC_DISK_SECTOR + 1);

    for (size_t done = 0; done < size; done += CC_DISK_SECTOR) {
        bool is_kept = crash == MEMORY_CRASH_ALL ||
                       (crash == MEMORY_CRASH_PREFIX && done / CC_DISK_SECTOR < prefix) ||
                       (crash == MEMORY_CRASH_SUBSET && cc_prng_below(prng, 2) == 0);

        if (is_kept) {
            put(&file->platter, &file->platter_size, offset + done, data + done, CC_DISK_SECTOR);
        }
    }
}

/* ---- requests -------------------------------------------------------------------------------- */

static void carry_out_write(struct memory_disk *disk, struct cc_disk_request *request)
{
    struct memory_file *file = request->file->file;

    put(&file->seen, &file->size, request->offset, request->data, request->size);
    if (request->durable) {
        disk->durable_writes++;
        put(&file->platter, &file->platter_size, request->offset, request->data, request->size);
        return;
    }
    file->doubts = realloc(file->doubts, (file->doubt_count + 1) * sizeof *file->doubts);
    CC_ASSERT(file->doubts != NULL);

    struct memory_doubt *doubt = &file->doubts[file->doubt_count++];

    *doubt = (struct memory_doubt){request->offset, request->size, malloc(request->size)};
    CC_ASSERT(doubt->data != NULL);
    memcpy(doubt->data, request->data, request->size);
}

static void carry_out_sync(struct memory_file *file)
{
    for (uint32_t i = 0; i < file->doubt_count; i++) {
        put(&file->platter, &file->platter_size, file->doubts[i].offset, file->doubts[i].data,
            file->doubts[i].size);
    }
    forget_doubts(file);
    extend(&file->platter, &file->platter_size, file->size);
}

static void carry_out_open(struct memory_disk *disk, struct cc_disk_request *request)
{
    struct memory_file *file = find(disk, request->name);

    if (file == NULL && !request->create) {
        request->status = COPYCAT_ERR_INVALID;
        return;
    }
    if (file == NULL) {
        file = make(disk, request->name);
    }
    request->file = resize(disk, NULL, sizeof *request->file);
    request->file->file = file;
    request->size = file->size;
}

static void carry_out_names(struct memory_disk *disk, struct cc_disk_request *request)
{
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = &disk->files[i];

        if (request->operation == CC_DISK_SYNC_DIR) {
            file->is_name_durable = file->is_named;
        } else if (file->is_named) {
            request->on_name(request, file->name);
        }
    }
}

static void carry_out_lock(struct memory_disk *disk, struct cc_disk_request *request)
{
    request->status = disk->is_locked ? COPYCAT_ERR_LOCKED : COPYCAT_OK;
    disk->is_locked = true;
}

static void carry_out(struct memory_disk *disk, struct cc_disk_request *request)
{
    struct memory_file *file;

    switch (request->operation) {
    case CC_DISK_LOCK:
        carry_out_lock(disk, request);
        break;
    case CC_DISK_UNLOCK:
        disk->is_locked = false;
        break;
    case CC_DISK_ROOM:
        request->offset = COPYCAT_NONE;
        break;
    case CC_DISK_SYNC_DIR:
        disk->syncs_of_directory++;
        carry_out_names(disk, request);
        break;
    case CC_DISK_LIST:
        carry_out_names(disk, request);
        break;
    case CC_DISK_OPEN:
        carry_out_open(disk, request);
        break;
    case CC_DISK_READ:
        file = request->file->file;
        if (request->offset + request->size > file->size ||
            (file->scar > request->offset && file->scar <= request->offset + request->size)) {
            request->status = COPYCAT_ERR_IO;
        } else {
            memcpy(request->data, file->seen + request->offset, request->size);
        }
        break;
    case CC_DISK_WRITE:
        carry_out_write(disk, request);
        break;
    case CC_DISK_SYNC:
        carry_out_sync(request->file->file);
        break;
    case CC_DISK_CLOSE:
        resize(disk, request->file, 0);
        request->file = NULL;
        break;
    case CC_DISK_REMOVE:
        file = find(disk, request->name);
        if (file == NULL) {
            request->status = COPYCAT_ERR_INVALID;
        } else {
            file->is_named = false;
        }
        break;
    }
}

/* A failed write leaves half of its sectors behind, a failed sync loses what it was for. */
static void carry_out_failure(struct memory_disk *disk, struct cc_disk_request *request)
{
    struct cc_prng prng = {disk->calls};

    request->status = disk->fail_with == COPYCAT_OK ? COPYCAT_ERR_IO : disk->fail_with;
    if (request->operation == CC_DISK_WRITE) {
        struct memory_file *file = request->file->file;

        tear(file, request->offset, request->data, request->size, MEMORY_CRASH_SUBSET, &prng);
        extend(&file->platter, &file->platter_size, request->offset + request->size);
        put(&file->seen, &file->size, request->offset, file->platter + request->offset,
            request->size);
    } else if (request->operation == CC_DISK_SYNC) {
        forget_doubts(request->file->file);
    } else if (request->operation == CC_DISK_CLOSE) {
        resize(disk, request->file, 0); /* dead all the same */
    }
}

static void run_tasks(struct memory_disk *disk)
{
    while (!cc_list_is_empty(&disk->tasks)) {
        struct cc_task *task = cc_container_of(disk->tasks.next, struct cc_task, node);

        cc_list_remove(&task->node);
        task->queued = false;
        task->run(task);
    }
}

bool memory_disk_step(struct memory_disk *disk)
{
    if (disk->request_count == 0) {
        bool had_tasks = !cc_list_is_empty(&disk->tasks);

        run_tasks(disk);
        return had_tasks;
    }

    struct cc_disk_request *request = disk->requests[0];

    disk->request_count--;
    memmove(disk->requests, disk->requests + 1, disk->request_count * sizeof disk->requests[0]);
    disk->calls++;
    disk->now_us += 100;
    request->status = COPYCAT_OK;
    if (disk->fail_at != 0 && disk->calls == disk->fail_at) {
        carry_out_failure(disk, request);
    } else {
        carry_out(disk, request);
    }
    cc_disk_request_work(request);
    request->done(request);
    run_tasks(disk);
    return true;
}

bool memory_disk_step_time(struct memory_disk *disk)
{
    if (memory_disk_step(disk)) {
        return true;
    }
    if (disk->timer == NULL) {
        return false;
    }

    struct cc_timer *timer = disk->timer;

    disk->timer = disk->timer_after;
    disk->timer_after = NULL;
    timer->armed = false;
    disk->now_us = timer->deadline_us > disk->now_us ? timer->deadline_us : disk->now_us;
    timer->fire(timer);
    run_tasks(disk);
    return true;
}

/* ---- the table ------------------------------------------------------------------------------- */

static uint64_t now_us(struct cc_env *env)
{
    return ((struct memory_disk *)env->backend)->now_us;
}

static void entropy(struct cc_env *env, void *data, size_t size)
{
    struct cc_prng prng = {((struct memory_disk *)env->backend)->entropy++};
    uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)cc_prng_next(&prng);
    }
}

static void timer_disarm(struct cc_env *env, struct cc_timer *timer)
{
    struct memory_disk *disk = env->backend;

    timer->armed = false;
    if (disk->timer == timer) {
        disk->timer = disk->timer_after;
        disk->timer_after = NULL;
    } else if (disk->timer_after == timer) {
        disk->timer_after = NULL;
    }
}

static void timer_arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    struct memory_disk *disk = env->backend;

    timer_disarm(env, timer);
    CC_ASSERT(disk->timer_after == NULL);
    timer->deadline_us = deadline_us;
    timer->armed = true;
    if (disk->timer != NULL && disk->timer->deadline_us <= deadline_us) {
        disk->timer_after = timer;
    } else {
        disk->timer_after = disk->timer;
        disk->timer = timer;
    }
}

static void later(struct cc_env *env, struct cc_task *task)
{
    struct memory_disk *disk = env->backend;

    if (!task->queued) {
        task->queued = true;
        cc_list_append(&disk->tasks, &task->node);
    }
}

static void task_cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    if (task->queued) {
        task->queued = false;
        cc_list_remove(&task->node);
    }
}

static void request_disk(struct cc_env *env, struct cc_disk_request *request)
{
    struct memory_disk *disk = env->backend;

    CC_ASSERT(disk->request_count < MEMORY_DISK_REQUESTS_MAX);
    if (request->operation == CC_DISK_READ || request->operation == CC_DISK_WRITE) {
        CC_ASSERT((uintptr_t)request->data % CC_DISK_BLOCK == 0);
        CC_ASSERT(request->offset % CC_DISK_BLOCK == 0 && request->size % CC_DISK_BLOCK == 0);
    }
    disk->requests[disk->request_count++] = request;
}

static const struct cc_env_table table = {
    .now_us = now_us,
    .entropy = entropy,
    .timer_arm = timer_arm,
    .timer_disarm = timer_disarm,
    .later = later,
    .task_cancel = task_cancel,
    .disk = request_disk,
};

void memory_disk_init(struct memory_disk *disk)
{
    *disk = (struct memory_disk){.now_us = 1, .entropy = 1};
    disk->memory = (struct cc_memory){resize, disk};
    disk->env = (struct cc_env){.table = &table, .memory = &disk->memory, .backend = disk};
    cc_list_init(&disk->blocks);
    cc_list_init(&disk->tasks);
}

void memory_disk_deinit(struct memory_disk *disk)
{
    forget_blocks(disk);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        drop_file(&disk->files[i]);
    }
}

void memory_disk_crash(struct memory_disk *disk, enum memory_crash crash, uint64_t seed)
{
    struct cc_prng prng = {seed};

    for (uint32_t i = 0; i < disk->request_count; i++) {
        struct cc_disk_request *request = disk->requests[i];

        if (request->operation == CC_DISK_WRITE) {
            tear(request->file->file, request->offset, request->data, request->size, crash, &prng);
        }
    }
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = &disk->files[i];
        bool is_kept = file->is_name_durable || crash == MEMORY_CRASH_ALL ||
                       (crash != MEMORY_CRASH_NOTHING && cc_prng_below(&prng, 2) == 0);

        for (uint32_t j = 0; j < file->doubt_count; j++) {
            tear(
                file, file->doubts[j].offset, file->doubts[j].data, file->doubts[j].size, crash,
                &prng);
        }
        forget_doubts(file);
        if (file->is_named && !is_kept) {
            drop_file(file);
            continue;
        }
        free(file->seen);
        file->seen = NULL;
        file->size = 0;
        put(&file->seen, &file->size, 0, file->platter, file->platter_size);
        file->is_name_durable = file->is_named;
    }
    forget_blocks(disk);
    disk->request_count = 0;
    disk->timer = NULL;
    disk->timer_after = NULL;
    disk->is_locked = false;
    disk->fail_at = 0;
    cc_list_init(&disk->tasks);
}

void memory_disk_put(struct memory_disk *disk, const char *name, const void *data, size_t size)
{
    char path[80] = "/";
    struct memory_file *file;

    CC_ASSERT(strlen(name) + 1 < sizeof path);
    strcpy(path + 1, name);
    file = make(disk, path);
    file->is_name_durable = true;
    put(&file->seen, &file->size, 0, data, size);
    put(&file->platter, &file->platter_size, 0, data, size);
}

void memory_disk_clone(struct memory_disk *target, const struct memory_disk *source)
{
    memory_disk_init(target);
    target->entropy = source->entropy + 1000;
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *file = &source->files[i];

        if (file->is_named) {
            memory_disk_put(target, file->name, file->platter, file->platter_size);
        }
    }
}

struct memory_file *memory_disk_file_of(const struct cc_file *file)
{
    return file->file;
}

struct memory_file *memory_disk_file(struct memory_disk *disk, uint32_t number)
{
    return number < MEMORY_DISK_FILES_MAX && disk->files[number].is_named ? &disk->files[number]
                                                                          : NULL;
}

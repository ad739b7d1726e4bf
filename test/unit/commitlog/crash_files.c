/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_files -- see crash_files.h.
 */
#include "crash_files.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

struct cc_files_file {
    struct crash_file *file;
};

/* False: the call is not made, or fails. */
static bool goes(struct crash_files *files)
{
    files->calls++;
    if (files->crash_at != 0 && files->calls >= files->crash_at) {
        files->has_failed = true;
        return false;
    }
    if (files->fail_at != 0 && files->calls == files->fail_at) {
        files->has_failed = true;
        return false;
    }
    return true;
}

static copycat_status failure(const struct crash_files *files)
{
    return files->fail_with == COPYCAT_OK ? COPYCAT_ERR_IO : files->fail_with;
}

static struct crash_file *find(struct crash_files *files, const char *name)
{
    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        if (files->files[i].is_named && strcmp(files->files[i].name, name) == 0) {
            return &files->files[i];
        }
    }
    return NULL;
}

static void forget_changes(struct crash_file *file)
{
    for (uint32_t i = 0; i < file->change_count; i++) {
        free(file->changes[i].data);
    }
    free(file->changes);
    file->changes = NULL;
    file->change_count = 0;
}

static void drop(struct crash_file *file)
{
    forget_changes(file);
    free(file->seen);
    free(file->platter);
    *file = (struct crash_file){.is_named = false};
}

static void stretch(uint8_t **bytes, uint64_t *size, uint64_t wanted)
{
    if (wanted > *size) {
        *bytes = realloc(*bytes, wanted);
        CC_ASSERT(*bytes != NULL);
        memset(*bytes + *size, 0, wanted - *size);
    }
    *size = wanted;
}

static void note(
    struct crash_file *file, bool is_resize, uint64_t offset, const void *data, size_t size)
{
    struct crash_change *change;

    file->changes = realloc(file->changes, (file->change_count + 1) * sizeof *file->changes);
    CC_ASSERT(file->changes != NULL);
    change = &file->changes[file->change_count++];
    *change = (struct crash_change){is_resize, offset, size, NULL};
    if (size > 0) {
        change->data = malloc(size);
        CC_ASSERT(change->data != NULL);
        memcpy(change->data, data, size);
    }
}

/* ---- the table ------------------------------------------------------------------------------- */

static copycat_status lock(void *context)
{
    struct crash_files *files = context;

    if (!goes(files)) {
        return failure(files);
    }
    if (files->is_locked) {
        return COPYCAT_ERR_LOCKED;
    }
    files->is_locked = true;
    return COPYCAT_OK;
}

static void unlock(void *context)
{
    ((struct crash_files *)context)->is_locked = false;
}

static copycat_status list(
    void *context, void (*on_name)(void *owner, const char *name), void *owner)
{
    struct crash_files *files = context;

    if (!goes(files)) {
        return failure(files);
    }
    for (uint32_t i = CRASH_FILES_MAX; i > 0; i--) {
        if (files->files[i - 1].is_named) {
            on_name(owner, files->files[i - 1].name);
        }
    }
    return COPYCAT_OK;
}

static copycat_status open(
    void *context,
    const char *name,
    bool is_new,
    struct cc_files_file **file_out,
    uint64_t *size_out)
{
    struct crash_files *files = context;
    struct crash_file *file = find(files, name);

    if (!goes(files)) {
        return failure(files);
    }
    if ((file != NULL) == is_new) {
        return COPYCAT_ERR_INVALID;
    }
    for (uint32_t i = 0; i < CRASH_FILES_MAX && file == NULL; i++) {
        if (files->files[i].name[0] == '\0') {
            file = &files->files[i];
            memcpy(file->name, name, strlen(name) + 1);
            file->is_named = true;
        }
    }
    CC_ASSERT(file != NULL);
    *file_out = malloc(sizeof **file_out);
    CC_ASSERT(*file_out != NULL);
    (*file_out)->file = file;
    *size_out = file->size;
    files->open_count++;
    return COPYCAT_OK;
}

static void close(void *context, struct cc_files_file *file)
{
    ((struct crash_files *)context)->open_count--;
    free(file);
}

static copycat_status read(
    void *context, struct cc_files_file *handle, uint64_t offset, void *data, size_t size)
{
    struct crash_files *files = context;

    if (!goes(files) || offset + size > handle->file->size) {
        return failure(files);
    }
    memcpy(data, handle->file->seen + offset, size);
    return COPYCAT_OK;
}

static copycat_status write(
    void *context, struct cc_files_file *handle, uint64_t offset, const void *data, size_t size)
{
    struct crash_files *files = context;
    bool is_first_failure = !files->has_failed;
    bool is_going = goes(files);

    /* The one that is cut short may have got as far as anything in doubt. */
    if (is_going || is_first_failure) {
        note(handle->file, false, offset, data, size);
    }
    if (!is_going) {
        return failure(files);
    }
    if (offset + size > handle->file->size) {
        stretch(&handle->file->seen, &handle->file->size, offset + size);
    }
    memcpy(handle->file->seen + offset, data, size);
    return COPYCAT_OK;
}

static copycat_status resize(void *context, struct cc_files_file *handle, uint64_t size)
{
    struct crash_files *files = context;

    if (!goes(files)) {
        return failure(files);
    }
    note(handle->file, true, size, NULL, 0);
    stretch(&handle->file->seen, &handle->file->size, size);
    return COPYCAT_OK;
}

static copycat_status sync(void *context, struct cc_files_file *handle)
{
    struct crash_files *files = context;
    struct crash_file *file = handle->file;

    if (!goes(files)) {
        return failure(files);
    }
    forget_changes(file);
    stretch(&file->platter, &file->platter_size, file->size);
    if (file->size > 0) {
        memcpy(file->platter, file->seen, file->size);
    }
    return COPYCAT_OK;
}

static copycat_status sync_directory(void *context)
{
    struct crash_files *files = context;

    if (!goes(files)) {
        return failure(files);
    }
    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        struct crash_file *file = &files->files[i];

        file->is_name_durable = file->is_named;
        if (!file->is_named && file->name[0] != '\0') {
            drop(file);
        }
    }
    return COPYCAT_OK;
}

static copycat_status remove_file(void *context, const char *name)
{
    struct crash_files *files = context;
    struct crash_file *file = find(files, name);

    if (!goes(files)) {
        return failure(files);
    }
    if (file == NULL) {
        return COPYCAT_ERR_INVALID;
    }
    file->is_named = false;
    return COPYCAT_OK;
}

static const char *reason(void *context)
{
    (void)context;
    return "the disk says no";
}

static const struct cc_files_table table = {
    .lock = lock,
    .unlock = unlock,
    .list = list,
    .open = open,
    .close = close,
    .read = read,
    .write = write,
    .resize = resize,
    .sync = sync,
    .sync_directory = sync_directory,
    .remove = remove_file,
    .reason = reason,
};

struct cc_files crash_files_of(struct crash_files *files)
{
    return (struct cc_files){.table = &table, .context = files};
}

void crash_files_deinit(struct crash_files *files)
{
    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        drop(&files->files[i]);
    }
    *files = (struct crash_files){.calls = 0};
}

/* ---- the crash ------------------------------------------------------------------------------- */

/* One sector as it was after so many changes. */
static void replay_sector(
    struct crash_file *file, uint8_t *bytes, uint64_t begin, uint64_t end, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct crash_change *change = &file->changes[i];
        uint64_t low = change->offset > begin ? change->offset : begin;
        uint64_t high = change->offset + change->size < end ? change->offset + change->size : end;

        if (change->is_resize && low < end) {
            memset(bytes + low, 0, end - low);
        } else if (!change->is_resize && low < high) {
            memcpy(bytes + low, change->data + (low - change->offset), high - low);
        }
    }
}

static uint64_t replay_size(const struct crash_file *file, uint32_t count)
{
    uint64_t size = file->platter_size;

    for (uint32_t i = 0; i < count; i++) {
        const struct crash_change *change = &file->changes[i];
        uint64_t end = change->offset + change->size;

        size = change->is_resize || end > size ? end : size;
    }
    return size;
}

static void settle(struct crash_file *file, enum crash_mode mode, struct cc_prng *prng)
{
    uint32_t all = file->change_count;
    uint32_t prefix = (uint32_t)cc_prng_below(prng, all + 1);
    uint32_t count = mode == CRASH_NOTHING ? 0 : mode == CRASH_ALL ? all : prefix;
    uint64_t size = replay_size(file, count);
    uint64_t room = size > file->platter_size ? size : file->platter_size;
    uint8_t *bytes = calloc(1, room + CC_FILES_SECTOR);

    CC_ASSERT(bytes != NULL);
    if (file->platter_size > 0) {
        memcpy(bytes, file->platter, file->platter_size);
    }
    for (uint64_t begin = 0; begin < size; begin += CC_FILES_SECTOR) {
        uint64_t end = begin + CC_FILES_SECTOR < size ? begin + CC_FILES_SECTOR : size;

        replay_sector(
            file, bytes, begin, end,
            mode == CRASH_SUBSET ? (uint32_t)cc_prng_below(prng, all + 1) : count);
    }
    forget_changes(file);
    free(file->platter);
    free(file->seen);
    file->platter = bytes;
    file->platter_size = size;
    file->seen = malloc(size + 1);
    CC_ASSERT(file->seen != NULL);
    memcpy(file->seen, bytes, size);
    file->size = size;
}

void crash_files_crash(struct crash_files *files, enum crash_mode mode, uint64_t seed)
{
    struct cc_prng prng = {seed};

    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        struct crash_file *file = &files->files[i];
        bool is_there = file->is_named;

        if (file->name[0] == '\0') {
            continue;
        }
        if (file->is_named != file->is_name_durable && mode != CRASH_ALL) {
            is_there = mode == CRASH_NOTHING ? file->is_name_durable : cc_prng_below(&prng, 2) == 0;
        }
        if (!is_there) {
            drop(file);
            continue;
        }
        settle(file, mode, &prng);
        file->is_named = true;
        file->is_name_durable = true;
    }
    CC_ASSERT(files->open_count == 0);
    files->is_locked = false;
    files->crash_at = 0;
    files->fail_at = 0;
    files->has_failed = false;
}

void crash_files_put(struct crash_files *files, const char *name, const void *data, size_t size)
{
    struct crash_file *file = files->files;

    while (file->is_named) {
        file++;
    }
    CC_ASSERT(file < files->files + CRASH_FILES_MAX && strlen(name) < sizeof file->name);
    strcpy(file->name, name);
    file->is_named = true;
    file->is_name_durable = true;
    stretch(&file->seen, &file->size, size);
    stretch(&file->platter, &file->platter_size, size);
    if (size > 0) {
        memcpy(file->seen, data, size);
        memcpy(file->platter, data, size);
    }
}

void crash_files_clone(struct crash_files *target, const struct crash_files *source)
{
    *target = (struct crash_files){.calls = 0};
    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        const struct crash_file *file = &source->files[i];

        if (file->is_named) {
            crash_files_put(target, file->name, file->seen, (size_t)file->size);
        }
    }
}

struct crash_file *crash_files_at(struct crash_files *files, uint32_t number)
{
    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        if (files->files[i].is_named && number-- == 0) {
            return &files->files[i];
        }
    }
    return NULL;
}

uint64_t crash_files_bytes(const struct crash_files *files)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < CRASH_FILES_MAX; i++) {
        bytes += files->files[i].is_named ? files->files[i].size : 0;
    }
    return bytes;
}

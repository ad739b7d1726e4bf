/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_memory -- see files_memory.h.
 */
#include "commitlog/files_memory.h"

#include "base/list.h"

#include <string.h>

#define GROWTH_MIN 4096u

struct cc_files_file {
    struct cc_list node;
    char name[CC_FILES_NAME_MAX + 1];
    uint8_t *data;
    size_t size;
    size_t capacity;
};

struct cc_files_memory {
    const struct cc_memory *memory;
    struct cc_list files;
};

static copycat_status nothing(void *context)
{
    (void)context;
    return COPYCAT_OK;
}

static void unlock(void *context)
{
    (void)context;
}

static copycat_status list(
    void *context, void (*on_name)(void *owner, const char *name), void *owner)
{
    struct cc_files_memory *files = context;

    cc_list_each(node, &files->files) {
        on_name(owner, cc_container_of(node, struct cc_files_file, node)->name);
    }
    return COPYCAT_OK;
}

static struct cc_files_file *find(struct cc_files_memory *files, const char *name)
{
    cc_list_each(node, &files->files) {
        struct cc_files_file *file = cc_container_of(node, struct cc_files_file, node);

        if (strcmp(file->name, name) == 0) {
            return file;
        }
    }
    return NULL;
}

static copycat_status open(
    void *context,
    const char *name,
    bool is_new,
    struct cc_files_file **file_out,
    uint64_t *size_out)
{
    struct cc_files_memory *files = context;
    struct cc_files_file *file = find(files, name);

    if ((file != NULL) == is_new || strlen(name) > CC_FILES_NAME_MAX) {
        return COPYCAT_ERR_INVALID;
    }
    if (is_new) {
        file = cc_memory_try(files->memory, sizeof *file);
        if (file == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        memcpy(file->name, name, strlen(name));
        cc_list_append(&files->files, &file->node);
    }
    *file_out = file;
    *size_out = file->size;
    return COPYCAT_OK;
}

/* It lasts until it is removed. */
static void close(void *context, struct cc_files_file *file)
{
    (void)context;
    (void)file;
}

static copycat_status read(
    void *context, struct cc_files_file *file, uint64_t offset, void *data, size_t size)
{
    (void)context;
    if (offset > file->size || size > file->size - offset) {
        return COPYCAT_ERR_IO;
    }
    if (size > 0) {
        memcpy(data, file->data + offset, size);
    }
    return COPYCAT_OK;
}

static copycat_status resize(void *context, struct cc_files_file *file, uint64_t size)
{
    struct cc_files_memory *files = context;
    size_t wanted = file->capacity * 2 > GROWTH_MIN ? file->capacity * 2 : GROWTH_MIN;
    uint8_t *grown;

    if (size > file->capacity) {
        wanted = size > wanted ? (size_t)size : wanted;
        grown = files->memory->resize(files->memory->context, file->data, wanted);
        if (grown == NULL) {
            return COPYCAT_ERR_MEMORY;
        }
        file->data = grown;
        file->capacity = wanted;
    }
    if (size > file->size) {
        memset(file->data + file->size, 0, (size_t)size - file->size);
    }
    file->size = (size_t)size;
    return COPYCAT_OK;
}

static copycat_status write(
    void *context, struct cc_files_file *file, uint64_t offset, const void *data, size_t size)
{
    copycat_status status =
        offset + size > file->size ? resize(context, file, offset + size) : COPYCAT_OK;

    if (status == COPYCAT_OK) {
        memcpy(file->data + offset, data, size);
    }
    return status;
}

static copycat_status sync(void *context, struct cc_files_file *file)
{
    (void)context;
    (void)file;
    return COPYCAT_OK;
}

static void drop(struct cc_files_memory *files, struct cc_files_file *file)
{
    cc_list_remove(&file->node);
    cc_memory_give(files->memory, file->data);
    cc_memory_give(files->memory, file);
}

static copycat_status remove_file(void *context, const char *name)
{
    struct cc_files_memory *files = context;
    struct cc_files_file *file = find(files, name);

    if (file == NULL) {
        return COPYCAT_ERR_INVALID;
    }
    drop(files, file);
    return COPYCAT_OK;
}

static const char *reason(void *context)
{
    (void)context;
    return "out of memory";
}

static const struct cc_files_table table = {
    .lock = nothing,
    .unlock = unlock,
    .list = list,
    .open = open,
    .close = close,
    .read = read,
    .write = write,
    .resize = resize,
    .sync = sync,
    .sync_directory = nothing,
    .remove = remove_file,
    .reason = reason,
};

struct cc_files_memory *cc_files_memory_create(const struct cc_memory *memory)
{
    struct cc_files_memory *files = cc_memory_try(memory, sizeof *files);

    if (files != NULL) {
        files->memory = memory;
        cc_list_init(&files->files);
    }
    return files;
}

void cc_files_memory_destroy(struct cc_files_memory *files)
{
    cc_list_each_safe(node, following, &files->files) {
        drop(files, cc_container_of(node, struct cc_files_file, node));
    }
    cc_memory_give(files->memory, files);
}

struct cc_files cc_files_memory_files(struct cc_files_memory *files)
{
    return (struct cc_files){.table = &table, .context = files};
}

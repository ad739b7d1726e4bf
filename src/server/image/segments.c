/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segments -- see segments.h.
 */
#include "server/image/segments.h"

#include "apply/image.h"
#include "base/assert.h"

#include <string.h>

#define INDEX_SIZE_MAX (64u << 20)

/* ---- one segment ------------------------------------------------------------------------------ */

void cc_segment_builder_init(struct cc_segment_builder *builder, const struct cc_memory *memory)
{
    builder->name = (struct cc_image_segment){0};
    cc_writer_init(&builder->index, memory, INDEX_SIZE_MAX);
}

void cc_segment_builder_deinit(struct cc_segment_builder *builder)
{
    cc_writer_deinit(&builder->index);
}

bool cc_segment_builder_add(struct cc_segment_builder *builder, uint64_t index, size_t record_size)
{
    struct cc_image_segment *name = &builder->name;

    if (index <= name->last) {
        return false;
    }
    cc_write_varint(&builder->index, index - name->last);
    cc_write_varint(&builder->index, record_size);
    name->first = name->count == 0 ? index : name->first;
    name->last = index;
    name->count++;
    name->bytes += record_size;
    CC_ASSERT(!builder->index.is_short); /* T-025 */
    return !builder->index.failed;
}

struct cc_segment *cc_segment_builder_finish(
    struct cc_segment_builder *builder, uint64_t size, uint64_t checksum)
{
    const struct cc_memory *memory = builder->index.memory;
    struct cc_segment *segment = cc_memory_take(memory, sizeof *segment);

    segment->users = 1;
    segment->name = builder->name;
    segment->name.size = size;
    segment->name.checksum = checksum;
    segment->index_size = builder->index.size;
    segment->index = cc_memory_take(memory, segment->index_size);
    memcpy(segment->index, builder->index.data, segment->index_size);
    cc_segment_builder_deinit(builder);
    cc_segment_builder_init(builder, memory);
    return segment;
}

void cc_segment_release(const struct cc_memory *memory, struct cc_segment *segment)
{
    if (--segment->users == 0) {
        cc_memory_give(memory, segment->index);
        cc_memory_give(memory, segment);
    }
}

void cc_segment_weigh(
    const struct cc_segment *segment,
    const struct cc_apply *apply,
    uint64_t *count_out,
    uint64_t *bytes_out)
{
    struct cc_reader reader;
    uint64_t index = 0;

    *count_out = 0;
    *bytes_out = 0;
    cc_reader_init(&reader, segment->index, segment->index_size);
    while (cc_reader_left(&reader) > 0) {
        index += cc_read_varint(&reader);

        uint64_t size = cc_read_varint(&reader);

        if (cc_apply_image_has_commit(apply, index)) {
            ++*count_out;
            *bytes_out += size;
        }
    }
    CC_ASSERT(!reader.failed && index == segment->name.last);
}

/* ---- lists ------------------------------------------------------------------------------------ */

struct cc_segment_list *cc_segment_list_create(const struct cc_memory *memory)
{
    struct cc_segment_list *list = cc_memory_take(memory, sizeof *list);

    list->memory = memory;
    list->users = 1;
    return list;
}

struct cc_segment_list *cc_segment_list_retain(struct cc_segment_list *list)
{
    if (list != NULL) {
        list->users++;
    }
    return list;
}

void cc_segment_list_release(struct cc_segment_list *list)
{
    if (list == NULL || --list->users > 0) {
        return;
    }

    const struct cc_memory *memory = list->memory;

    for (size_t i = 0; i < list->count; i++) {
        cc_segment_release(memory, list->at[i]);
    }
    cc_memory_give(memory, list->at);
    cc_memory_give(memory, list);
}

static uint64_t live_size(const struct cc_image_segment *name, uint64_t live_bytes)
{
    uint64_t size = name->size < name->bytes ? name->size : name->bytes;

    return (uint64_t)((double)size * (double)live_bytes / (double)name->bytes);
}

void cc_segment_list_add(
    struct cc_segment_list *list, struct cc_segment *segment_take, uint64_t live_bytes)
{
    CC_ASSERT(list->users == 1);
    CC_ASSERT(list->count == 0 || list->at[list->count - 1]->name.last < segment_take->name.first);
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 8 : list->capacity * 2;
        list->at = cc_memory_grow(list->memory, list->at, list->capacity * sizeof *list->at);
    }
    list->at[list->count++] = segment_take;
    list->live_size += live_size(&segment_take->name, live_bytes);
}

static bool is_name(const struct cc_image_segment *left, const struct cc_image_segment *right)
{
    return left->first == right->first && left->last == right->last &&
           left->count == right->count && left->bytes == right->bytes &&
           left->size == right->size && left->checksum == right->checksum;
}

struct cc_segment *cc_segment_list_share(
    const struct cc_segment_list *list, const struct cc_image_segment *name)
{
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        if (is_name(&list->at[i]->name, name)) {
            list->at[i]->users++;
            return list->at[i];
        }
    }
    return NULL;
}

uint64_t cc_segment_list_size(const struct cc_segment_list *list)
{
    uint64_t size = 0;

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        size += list->at[i]->name.size;
    }
    return size;
}

uint64_t cc_segment_list_bytes(const struct cc_segment_list *list)
{
    uint64_t bytes = 0;

    for (size_t i = 0; list != NULL && i < list->count; i++) {
        bytes += list->at[i]->name.bytes;
    }
    return bytes;
}

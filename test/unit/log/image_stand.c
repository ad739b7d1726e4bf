/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_stand -- see image_stand.h.
 */
#include "unit/log/image_stand.h"

#include "base/assert.h"

#include <string.h>

const struct cc_image_head image_head = {
    .group = 3, .index = 70000, .term = 9, .time_us = 123456789, .cluster_id = {1, 2, 3}};

copycat_bytes image_addition(const struct image_script *script, uint32_t number)
{
    static uint8_t bytes[CC_IMAGE_ADD_SIZE_MAX];
    struct cc_prng prng = {script->sizes[number] * 1000u + number};
    uint64_t word = 0;

    for (size_t i = 0; i < script->sizes[number]; i++) {
        word = i % 8 == 0 ? cc_prng_next(&prng) : word >> 8;
        bytes[i] =
            script->is_dull ? (uint8_t)((uint32_t) "copycat "[i % 8] + number) : (uint8_t)word;
    }
    return (copycat_bytes){bytes, script->sizes[number]};
}

static void copy_text(char target[1024], const char *text)
{
    CC_ASSERT(strlen(text) < 1024);
    memcpy(target, text, strlen(text) + 1);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void on_room(void *owner)
{
    struct image_writing *writing = owner;

    CC_ASSERT(!writing->is_calling && writing->refusals > 0 && !writing->is_finished);
    image_write_more(writing);
}

static void on_done(
    void *owner, copycat_status status, const struct cc_image_id *id, const char *text)
{
    struct image_writing *writing = owner;

    CC_ASSERT(!writing->is_calling);
    writing->writer = NULL;
    writing->dones++;
    writing->status = status;
    writing->id = *id;
    copy_text(writing->text, text);
}

void image_write_begin(
    struct image_writing *writing,
    struct memory_disk *disk,
    const struct cc_image_head *head,
    const struct image_script *script)
{
    static const struct cc_image_write_callbacks callbacks = {on_room, on_done};
    copycat_status status;

    *writing = (struct image_writing){.disk = disk, .script = script, .is_calling = true};
    status = cc_image_write_begin(
        &writing->writer, &disk->env, IMAGE_DIRECTORY, head, &callbacks, writing);
    CC_ASSERT(status == COPYCAT_OK);
    writing->is_calling = false;
}

void image_write_more(struct image_writing *writing)
{
    writing->is_calling = true;
    while (writing->added < writing->script->count) {
        if (!cc_image_write_add(writing->writer, image_addition(writing->script, writing->added))) {
            writing->refusals++;
            writing->is_calling = false;
            return;
        }
        writing->added++;
    }
    writing->is_finished = true;
    cc_image_write_finish(writing->writer);
    writing->is_calling = false;
}

void image_write_abandon(struct image_writing *writing)
{
    writing->is_calling = true;
    cc_image_write_abandon(writing->writer);
    writing->is_calling = false;
}

void image_write_run(struct image_writing *writing, uint64_t calls_max)
{
    while (writing->writer != NULL && writing->disk->calls < calls_max &&
           memory_disk_step(writing->disk)) {
    }
}

struct cc_image_id image_write(
    struct memory_disk *disk, const struct cc_image_head *head, const struct image_script *script)
{
    struct image_writing writing;

    image_write_begin(&writing, disk, head, script);
    image_write_more(&writing);
    image_write_run(&writing, UINT64_MAX);
    CC_ASSERT(writing.dones == 1 && writing.status == COPYCAT_OK);
    return writing.id;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void ask_next(struct image_reading *reading)
{
    reading->is_waiting = false;
    reading->is_calling = true;
    cc_image_read_next(reading->reader);
    reading->is_calling = false;
}

static void want_next(struct image_reading *reading)
{
    reading->is_waiting = image_ahead_size > 0;
    if (!reading->is_waiting) {
        ask_next(reading);
    }
}

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    struct image_reading *reading = owner;

    CC_ASSERT(!reading->is_calling && !reading->is_open);
    reading->is_open = true;
    reading->is_ended = status != COPYCAT_OK;
    reading->status = status;
    reading->id = *id;
    reading->head = *head;
    copy_text(reading->text, text);
    if (status == COPYCAT_OK) {
        want_next(reading);
    }
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    struct image_reading *reading = owner;
    const uint8_t *data = bytes.data;
    size_t at = 0;

    CC_ASSERT(!reading->is_calling && bytes.size > 0);
    while (at < bytes.size && !reading->is_wrong) {
        if (reading->seen == reading->script->count ||
            reading->script->sizes[reading->seen] > bytes.size - at) {
            reading->is_wrong = true;
            break;
        }

        copycat_bytes expected = image_addition(reading->script, reading->seen++);

        reading->is_wrong = memcmp(expected.data, data + at, expected.size) != 0;
        at += expected.size;
    }
    reading->pieces++;
    want_next(reading);
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    struct image_reading *reading = owner;

    CC_ASSERT(!reading->is_calling && !reading->is_ended);
    reading->is_ended = true;
    reading->status = status;
    copy_text(reading->text, text);
}

static void on_closed(void *owner)
{
    struct image_reading *reading = owner;

    CC_ASSERT(!reading->is_calling);
    reading->reader = NULL;
}

size_t image_ahead_size;

void image_read_begin(
    struct image_reading *reading,
    struct memory_disk *disk,
    const struct cc_image_id *id,
    const struct image_script *script)
{
    static const struct cc_image_read_callbacks callbacks = {on_open, on_piece, on_end, on_closed};
    copycat_status status;

    *reading = (struct image_reading){.disk = disk, .script = script, .is_calling = true};
    status =
        cc_image_read_begin(&reading->reader, &disk->env, IMAGE_DIRECTORY, id, &callbacks, reading);
    CC_ASSERT(status == COPYCAT_OK);
    if (image_ahead_size > 0) {
        cc_image_read_ahead(reading->reader, image_ahead_size);
    }
    reading->is_calling = false;
}

bool image_read_step(struct image_reading *reading)
{
    if (memory_disk_step(reading->disk)) {
        return true;
    }
    if (reading->reader == NULL || !reading->is_waiting) {
        return false;
    }
    ask_next(reading);
    return true;
}

void image_read_close(struct image_reading *reading)
{
    reading->is_calling = true;
    cc_image_read_close(reading->reader);
    reading->is_calling = false;
}

copycat_status image_read(
    struct image_reading *reading,
    struct memory_disk *disk,
    const struct cc_image_id *id,
    const struct image_script *script)
{
    image_read_begin(reading, disk, id, script);
    while (!reading->is_ended && image_read_step(reading)) {
    }
    CC_ASSERT(reading->is_ended);
    image_read_close(reading);
    while (reading->reader != NULL && memory_disk_step(disk)) {
    }
    CC_ASSERT(reading->reader == NULL);
    CC_ASSERT(!reading->is_wrong);
    CC_ASSERT(reading->status != COPYCAT_OK || reading->seen == script->count);
    return reading->status;
}

/* ---- sweeping -------------------------------------------------------------------------------- */

struct sweeping {
    bool is_done;
    copycat_status status;
};

static void on_swept(void *owner, copycat_status status, const char *text)
{
    struct sweeping *sweeping = owner;

    CC_ASSERT((status == COPYCAT_OK) == (text[0] == '\0'));
    *sweeping = (struct sweeping){true, status};
}

copycat_status image_sweep(
    struct memory_disk *disk, const struct cc_image_id *keep, size_t keep_count)
{
    struct sweeping sweeping = {false, COPYCAT_OK};
    struct cc_image_sweep *sweep;
    copycat_status status = cc_image_sweep_begin(
        &sweep, &disk->env, IMAGE_DIRECTORY, keep, keep_count, false, on_swept, &sweeping);

    CC_ASSERT(status == COPYCAT_OK && !sweeping.is_done);
    while (!sweeping.is_done && memory_disk_step(disk)) {
    }
    CC_ASSERT(sweeping.is_done);
    return sweeping.status;
}

/* ---- files ----------------------------------------------------------------------------------- */

uint32_t image_files(struct memory_disk *disk)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        count += disk->files[i].is_named;
    }
    return count;
}

struct memory_file *image_file(struct memory_disk *disk)
{
    CC_ASSERT(image_files(disk) == 1);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        if (disk->files[i].is_named) {
            return &disk->files[i];
        }
    }
    return NULL;
}

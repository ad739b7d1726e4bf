/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture -- see picture.h.
 */
#include "fault/picture.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

#define UNITS_WHOLE 8u /* so many are settled in every way */
#define COARSE_SAMPLES 256u
#define EACH_SAMPLES 48u /* of prefixes, of one missing, of one alone */
#define FINE_SAMPLES 256u

static void *take_bytes(const void *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    CC_ASSERT(bytes != NULL);
    if (size > 0) {
        memcpy(bytes, data, size);
    }
    return bytes;
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void take_file(struct picture *picture, const struct memory_file *source)
{
    struct picture_file *file = &picture->files[picture->file_count++];

    *file = (struct picture_file){
        .is_doubtful = source->is_named != source->is_name_durable,
        .platter = take_bytes(source->platter, source->platter_size),
        .platter_size = source->platter_size,
        .size_max = source->size > source->platter_size ? source->size : source->platter_size,
    };
    strcpy(file->name, source->name);
    file->hash = cc_hash_bytes(
        file->platter, file->platter_size, cc_hash_bytes(file->name, strlen(file->name), 0));
}

static void take_write(
    struct picture *picture, uint32_t file, uint64_t offset, const void *data, size_t size)
{
    struct picture_file *target = &picture->files[file];
    struct picture_write *write = &picture->writes[picture->write_count++];

    CC_ASSERT(picture->write_count <= PICTURE_WRITES_MAX);
    CC_ASSERT(size % CC_DISK_SECTOR == 0 && size / CC_DISK_SECTOR <= PICTURE_SECTORS_MAX);
    *write = (struct picture_write){
        file, offset, (uint32_t)(size / CC_DISK_SECTOR), take_bytes(data, size)};
    target->is_touched = true;
    target->size_max = offset + size > target->size_max ? offset + size : target->size_max;
}

static void take_requests(
    struct picture *picture, const struct memory_disk *disk, const struct memory_file *source)
{
    for (uint32_t i = 0; i < disk->request_count; i++) {
        const struct cc_disk_request *request = disk->requests[i];

        if (request->operation == CC_DISK_WRITE && memory_disk_file_of(request->file) == source) {
            take_write(
                picture, picture->file_count - 1, request->offset, request->data, request->size);
        }
    }
}

/* Equal pictures need not be looked at twice. */
static uint64_t hash_of(const struct picture *picture)
{
    uint64_t hash = 0;

    for (uint32_t i = 0; i < picture->file_count; i++) {
        const struct picture_file *file = &picture->files[i];

        hash = cc_hash_words(hash, file->hash);
        hash = cc_hash_words(hash, file->size_max * 2 + file->is_doubtful);
    }
    for (uint32_t i = 0; i < picture->write_count; i++) {
        const struct picture_write *write = &picture->writes[i];

        hash = cc_hash_words(hash, write->offset * MEMORY_DISK_FILES_MAX + write->file);
        hash = cc_hash_bytes(write->data, (size_t)write->sectors * CC_DISK_SECTOR, hash);
    }
    return hash;
}

void picture_take(struct picture *picture, const struct memory_disk *disk)
{
    memset(picture, 0, sizeof *picture);
    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        const struct memory_file *source = &disk->files[i];

        if (!source->is_named && !source->is_name_durable) {
            continue;
        }
        take_file(picture, source);
        for (uint32_t j = 0; j < source->doubt_count; j++) {
            const struct memory_doubt *doubt = &source->doubts[j];

            take_write(picture, picture->file_count - 1, doubt->offset, doubt->data, doubt->size);
        }
        take_requests(picture, disk, source);
    }
    picture->unit_count = picture->write_count;
    for (uint32_t i = 0; i < picture->file_count; i++) {
        struct picture_file *file = &picture->files[i];
        bool is_growing = file->size_max > file->platter_size;

        file->is_touched = file->is_touched || is_growing;
        file->scratch = file->is_touched ? take_bytes(NULL, 0) : NULL;
        picture->unit_count += (uint32_t)file->is_doubtful + (uint32_t)is_growing;
    }
    picture->hash = hash_of(picture);
}

void picture_clear(struct picture *picture)
{
    for (uint32_t i = 0; i < picture->file_count; i++) {
        free(picture->files[i].platter);
        free(picture->files[i].scratch);
    }
    for (uint32_t i = 0; i < picture->write_count; i++) {
        free(picture->writes[i].data);
    }
    memset(picture, 0, sizeof *picture);
}

/* ---- states ---------------------------------------------------------------------------------- */

static uint32_t coarse_states(const struct picture *picture)
{
    return picture->unit_count <= UNITS_WHOLE ? 1u << picture->unit_count : COARSE_SAMPLES;
}

static uint32_t fine_states(const struct picture_write *write)
{
    return write->sectors <= UNITS_WHOLE ? 1u << write->sectors : FINE_SAMPLES;
}

uint32_t picture_states(const struct picture *picture)
{
    uint32_t count = coarse_states(picture);

    for (uint32_t i = 0; i < picture->write_count; i++) {
        count += fine_states(&picture->writes[i]);
    }
    return count;
}

static void keep(struct picture_choice *choice, uint32_t write, uint32_t sector, bool is_kept)
{
    uint64_t bit = UINT64_C(1) << sector % 64;
    uint64_t *word = &choice->sectors[write][sector / 64];

    *word = is_kept ? *word | bit : *word & ~bit;
}

/* Settles whole units by the bits of a mask, the first unit by the lowest. */
static void choose_units(
    const struct picture *picture, uint64_t mask, struct picture_choice *choice)
{
    for (uint32_t i = 0; i < picture->write_count; i++, mask >>= 1) {
        memset(choice->sectors[i], mask & 1 ? 0xff : 0, sizeof choice->sectors[i]);
    }
    for (uint32_t i = 0; i < picture->file_count; i++) {
        const struct picture_file *file = &picture->files[i];

        choice->names[i] = !file->is_doubtful || (mask & 1) != 0;
        mask >>= file->is_doubtful;
        choice->lengths[i] = file->size_max > file->platter_size && (mask & 1) != 0;
        mask >>= file->size_max > file->platter_size;
    }
}

static bool is_sector_kept(uint32_t sectors, uint32_t number, uint32_t sector, struct cc_prng *prng)
{
    uint32_t one = number % EACH_SAMPLES * sectors / EACH_SAMPLES;

    if (sectors <= UNITS_WHOLE) {
        return (number >> sector & 1) != 0;
    }
    switch (number / EACH_SAMPLES) {
    case 0:
        return sector < one;
    case 1:
        return sector != one;
    case 2:
        return sector == one;
    default:
        return cc_prng_below(prng, 2) == 0;
    }
}

void picture_choose(
    const struct picture *picture, uint32_t number, uint64_t seed, struct picture_choice *choice)
{
    struct cc_prng prng = {cc_hash_words(seed, number)};
    uint64_t mask = cc_prng_next(&prng);
    uint32_t coarse = coarse_states(picture);

    if (number < coarse) {
        bool is_drawn = picture->unit_count > UNITS_WHOLE && number > 0;

        choose_units(picture, !is_drawn ? number : number == 1 ? UINT64_MAX : mask, choice);
        return;
    }
    choose_units(picture, mask, choice);
    number -= coarse;
    for (uint32_t i = 0; i < picture->write_count; i++) {
        const struct picture_write *write = &picture->writes[i];

        if (number < fine_states(write)) {
            for (uint32_t sector = 0; sector < write->sectors; sector++) {
                keep(choice, i, sector, is_sector_kept(write->sectors, number, sector, &prng));
            }
            /* What is torn in a file without a name is not seen. */
            choice->names[write->file] = choice->names[write->file] || number % 4 > 0;
            return;
        }
        number -= fine_states(write);
    }
    CC_ASSERT(false);
}

/* ---- developing ------------------------------------------------------------------------------ */

static size_t apply_write(
    struct picture_file *file, const struct picture_write *write, const uint64_t *kept, size_t size)
{
    for (uint32_t sector = 0; sector < write->sectors; sector++) {
        size_t offset = (size_t)write->offset + (size_t)sector * CC_DISK_SECTOR;

        if ((kept[sector / 64] >> sector % 64 & 1) != 0) {
            memcpy(
                file->scratch + offset, write->data + (size_t)sector * CC_DISK_SECTOR,
                CC_DISK_SECTOR);
            size = offset + CC_DISK_SECTOR > size ? offset + CC_DISK_SECTOR : size;
        }
    }
    return size;
}

static uint64_t develop_file(
    struct picture *picture, uint32_t number, const struct picture_choice *choice, size_t *size_out)
{
    struct picture_file *file = &picture->files[number];
    size_t size = file->platter_size;

    *size_out = size;
    if (!file->is_touched) {
        return file->hash;
    }
    file->scratch = realloc(file->scratch, file->size_max + 1);
    CC_ASSERT(file->scratch != NULL);
    memcpy(file->scratch, file->platter, file->platter_size);
    memset(file->scratch + file->platter_size, 0, file->size_max - file->platter_size);
    for (uint32_t i = 0; i < picture->write_count; i++) {
        if (picture->writes[i].file == number) {
            size = apply_write(file, &picture->writes[i], choice->sectors[i], size);
        }
    }
    *size_out = choice->lengths[number] ? file->size_max : size;
    return cc_hash_bytes(
        file->scratch, *size_out, cc_hash_bytes(file->name, strlen(file->name), 0));
}

void picture_develop(
    struct picture *picture, const struct picture_choice *choice, struct picture_image *image_out)
{
    memset(image_out, 0, sizeof *image_out);
    for (uint32_t i = 0; i < picture->file_count; i++) {
        const struct picture_file *file = &picture->files[i];
        size_t size;

        if (!choice->names[i]) {
            continue;
        }
        /* Their sum: the order of files does not make another image. */
        image_out->hash += develop_file(picture, i, choice, &size);
        image_out->files[image_out->file_count].name = file->name;
        image_out->files[image_out->file_count].data =
            file->is_touched ? file->scratch : file->platter;
        image_out->files[image_out->file_count++].size = size;
    }
}

void picture_print(const struct picture_image *image, struct memory_disk *disk)
{
    memory_disk_init(disk);
    for (uint32_t i = 0; i < image->file_count; i++) {
        memory_disk_put(disk, image->files[i].name, image->files[i].data, image->files[i].size);
    }
}

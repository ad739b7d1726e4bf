/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture -- a disk at the moment power is lost, and everything that it may be found to hold.
 *
 * In doubt are: each 512-byte sector of a write that was not synced or was still under way, each
 * name that was made or removed and not synced, and the length of a file that grew.  A choice
 * settles all of it; to develop a picture with a choice gives a disk image.
 *
 * The states of a picture are numbered.  First come whole writes, names and lengths: every subset
 * of up to eight of them, else a sample.  Then each write is torn: every subset of up to eight
 * sectors; of more, prefixes, one missing, one alone, and subsets drawn.
 */
#ifndef CC_TEST_FAULT_PICTURE_H
#define CC_TEST_FAULT_PICTURE_H

#include "unit/log/memory_disk.h"

#define PICTURE_WRITES_MAX 32u
#define PICTURE_SECTORS_MAX 512u

struct picture_file {
    char name[64];
    bool is_doubtful; /* its name */
    bool is_touched;  /* by a write or a length in doubt */
    uint8_t *platter;
    size_t platter_size;
    size_t size_max; /* with all that is in doubt */
    uint8_t *scratch;
    uint64_t hash; /* of name and platter */
};

struct picture_write {
    uint32_t file;
    uint64_t offset;
    uint32_t sectors;
    uint8_t *data;
};

struct picture {
    struct picture_file files[MEMORY_DISK_FILES_MAX];
    uint32_t file_count;
    struct picture_write writes[PICTURE_WRITES_MAX];
    uint32_t write_count;
    uint32_t unit_count; /* writes, names and lengths in doubt */
    uint64_t hash;       /* of all of it: equal pictures have equal states */
};

struct picture_choice {
    bool names[MEMORY_DISK_FILES_MAX];   /* kept */
    bool lengths[MEMORY_DISK_FILES_MAX]; /* as long as it was seen, with zeros if need be */
    uint64_t sectors[PICTURE_WRITES_MAX][PICTURE_SECTORS_MAX / 64];
};

struct picture_image {
    struct {
        const char *name;
        const uint8_t *data;
        size_t size;
    } files[MEMORY_DISK_FILES_MAX];

    uint32_t file_count;
    uint64_t hash;
};

/* Partner: picture_clear.  The disk is left as it is. */
void picture_take(struct picture *picture, const struct memory_disk *disk);
void picture_clear(struct picture *picture);

uint32_t picture_states(const struct picture *picture);

/* What state `number` settles; what is drawn for it depends on the seed and the number alone. */
void picture_choose(
    const struct picture *picture,
    uint32_t number,
    uint64_t seed,
    struct picture_choice *choice_out);

/* The image borrows from the picture, until that is developed again. */
void picture_develop(
    struct picture *picture, const struct picture_choice *choice, struct picture_image *image_out);

/* A fresh disk with that on its platter. */
void picture_print(const struct picture_image *image, struct memory_disk *disk);

#endif /* CC_TEST_FAULT_PICTURE_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known -- see known.h: a table with open addressing that doubles at half full.
 */
#include "fault/known.h"

#include "base/assert.h"

#include <stdlib.h>

#define CAPACITY 65536u

static struct known_image *take_images(size_t capacity)
{
    struct known_image *images = calloc(capacity, sizeof *images);

    CC_ASSERT(images != NULL);
    return images;
}

void known_init(struct known *known)
{
    *known = (struct known){take_images(CAPACITY), CAPACITY, 0};
}

void known_deinit(struct known *known)
{
    free(known->images);
    *known = (struct known){0};
}

static struct known_image *place_of(const struct known *known, uint64_t hash)
{
    size_t at = hash % known->capacity;

    while (known->images[at].hash != 0 && known->images[at].hash != hash) {
        at = (at + 1) % known->capacity;
    }
    return &known->images[at];
}

static void grow(struct known *known)
{
    struct known old = *known;

    known->capacity *= 2;
    known->images = take_images(known->capacity);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.images[i].hash != 0) {
            *place_of(known, old.images[i].hash) = old.images[i];
        }
    }
    free(old.images);
}

struct known_image *known_image(struct known *known, uint64_t hash, bool *is_new_out)
{
    struct known_image *image;

    hash = hash == 0 ? 1 : hash;
    if (known->count >= known->capacity / 2) {
        grow(known);
    }
    image = place_of(known, hash);
    *is_new_out = image->hash == 0;
    known->count += *is_new_out;
    image->hash = hash;
    return image;
}

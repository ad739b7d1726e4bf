/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live_part -- see live_part.h.
 */
#include "apply/live_part.h"

#include "base/assert.h"

#include <string.h>

#define ARRAY_COUNT_MAX 4096u  /* as large as a bitmap */
#define ARRAY_COUNT_BACK 2048u /* so that a set of about the maximum does not go to and fro */
#define ARRAY_COUNT_MIN 4u
#define WORD_COUNT (CC_LIVE_PART_SIZE / 64u)
#define BITMAP_SIZE (CC_LIVE_PART_SIZE / 8u)

static bool is_bitmap(const struct cc_live_part *part)
{
    return part->capacity == CC_LIVE_PART_SIZE;
}

/* The first position of the array whose number is not below `number`. */
static uint32_t position_of(const struct cc_live_part *part, uint32_t number)
{
    const uint16_t *numbers = part->data;
    uint32_t low = 0;
    uint32_t high = part->count;

    /* Most are added in ascending order. */
    if (high == 0 || numbers[high - 1] < number) {
        return high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void cc_live_part_clear(struct cc_live_part *part, const struct cc_memory *memory)
{
    cc_memory_give(memory, part->data);
    *part = (struct cc_live_part){0};
}

static void resize_array(
    struct cc_live_part *part, const struct cc_memory *memory, uint32_t capacity)
{
    part->data = cc_memory_grow(memory, part->data, capacity * sizeof(uint16_t));
    part->capacity = capacity;
}

static void set_bit(uint64_t *words, uint32_t number)
{
    words[number / 64] |= UINT64_C(1) << (number % 64);
}

/* A full array is as large as the bitmap, so it takes no more memory, and none is asked for. */
static void to_bitmap(struct cc_live_part *part)
{
    uint16_t numbers[ARRAY_COUNT_MAX];

    CC_ASSERT(part->count == ARRAY_COUNT_MAX && part->capacity == ARRAY_COUNT_MAX);
    memcpy(numbers, part->data, sizeof numbers);
    memset(part->data, 0, BITMAP_SIZE);
    for (uint32_t i = 0; i < ARRAY_COUNT_MAX; i++) {
        set_bit(part->data, numbers[i]);
    }
    part->capacity = CC_LIVE_PART_SIZE;
}

static void to_array(struct cc_live_part *part, const struct cc_memory *memory)
{
    uint16_t numbers[ARRAY_COUNT_BACK];
    uint32_t count = 0;

    for (uint32_t number = cc_live_part_next(part, 0); number < CC_LIVE_PART_SIZE;
         number = cc_live_part_next(part, number + 1)) {
        CC_ASSERT(count < ARRAY_COUNT_BACK);
        numbers[count++] = (uint16_t)number;
    }
    CC_ASSERT(count == part->count);
    memcpy(part->data, numbers, count * sizeof numbers[0]);
    resize_array(part, memory, ARRAY_COUNT_BACK);
}

void cc_live_part_add(struct cc_live_part *part, const struct cc_memory *memory, uint32_t number)
{
    CC_ASSERT(number < CC_LIVE_PART_SIZE);
    if (!is_bitmap(part) && part->count == ARRAY_COUNT_MAX) {
        to_bitmap(part);
    }
    if (is_bitmap(part)) {
        CC_ASSERT(!cc_live_part_has(part, number));
        set_bit(part->data, number);
        part->count++;
        return;
    }
    if (part->count == part->capacity) {
        resize_array(part, memory, part->count == 0 ? ARRAY_COUNT_MIN : 2 * part->count);
    }

    uint16_t *numbers = part->data;
    uint32_t position = position_of(part, number);

    CC_ASSERT(position == part->count || numbers[position] != number);
    memmove(
        numbers + position + 1, numbers + position, (part->count - position) * sizeof numbers[0]);
    numbers[position] = (uint16_t)number;
    part->count++;
}

static void remove_from_array(
    struct cc_live_part *part, const struct cc_memory *memory, uint32_t position)
{
    uint16_t *numbers = part->data;

    part->count--;
    memmove(
        numbers + position, numbers + position + 1, (part->count - position) * sizeof numbers[0]);
    if (part->count == 0) {
        cc_live_part_clear(part, memory);
    } else if (part->capacity > ARRAY_COUNT_MIN && part->count <= part->capacity / 4) {
        resize_array(part, memory, part->capacity / 2);
    }
}

bool cc_live_part_remove(struct cc_live_part *part, const struct cc_memory *memory, uint32_t number)
{
    if (!cc_live_part_has(part, number)) {
        return false;
    }
    if (!is_bitmap(part)) {
        remove_from_array(part, memory, position_of(part, number));
        return true;
    }

    uint64_t *words = part->data;

    words[number / 64] &= ~(UINT64_C(1) << (number % 64));
    part->count--;
    if (part->count == ARRAY_COUNT_BACK) {
        to_array(part, memory);
    }
    return true;
}

bool cc_live_part_has(const struct cc_live_part *part, uint32_t number)
{
    CC_ASSERT(number < CC_LIVE_PART_SIZE);
    if (is_bitmap(part)) {
        const uint64_t *words = part->data;

        return (words[number / 64] >> (number % 64) & 1u) != 0;
    }

    const uint16_t *numbers = part->data;
    uint32_t position = position_of(part, number);

    return position < part->count && numbers[position] == number;
}

static uint32_t lowest_bit(uint64_t word)
{
    return (uint32_t)__builtin_ctzll(word);
}

uint32_t cc_live_part_next(const struct cc_live_part *part, uint32_t from)
{
    if (from >= CC_LIVE_PART_SIZE || part->count == 0) {
        return CC_LIVE_PART_SIZE;
    }
    if (!is_bitmap(part)) {
        const uint16_t *numbers = part->data;
        uint32_t position = position_of(part, from);

        return position < part->count ? numbers[position] : CC_LIVE_PART_SIZE;
    }

    const uint64_t *words = part->data;
    uint32_t at = from / 64;
    uint64_t word = words[at] & ~UINT64_C(0) << (from % 64);

    while (word == 0 && ++at < WORD_COUNT) {
        word = words[at];
    }
    return word == 0 ? CC_LIVE_PART_SIZE : at * 64 + lowest_bit(word);
}

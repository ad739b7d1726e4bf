/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live -- see live.h.
 */
#include "apply/live.h"

#include "base/assert.h"
#include "base/bug.h"
#include "base/hash.h"

#define PAGE_COUNT_MIN 4u

void cc_live_init(struct cc_live *live, const struct cc_memory *memory)
{
    *live = (struct cc_live){.memory = memory};
}

void cc_live_deinit(struct cc_live *live)
{
    for (uint32_t i = 0; i < live->page_count; i++) {
        cc_live_part_clear(&live->pages[i].now, live->memory);
        cc_live_part_clear(&live->pages[i].late, live->memory);
    }
    cc_memory_give(live->memory, live->pages);
    *live = (struct cc_live){0};
}

static uint64_t page_number(uint64_t index)
{
    return index / CC_LIVE_PART_SIZE;
}

static uint32_t number_of(uint64_t index)
{
    return (uint32_t)(index % CC_LIVE_PART_SIZE);
}

static bool is_empty(const struct cc_live_page *page)
{
    return page->now.count == 0 && page->late.count == 0;
}

/* The first page whose number is not below `number`. */
static uint32_t position_of(const struct cc_live *live, uint64_t number)
{
    uint32_t low = 0;
    uint32_t high = live->page_count;

    /* What is released is often new. */
    if (high > 0 && live->pages[high - 1].number <= number) {
        return live->pages[high - 1].number == number ? high - 1 : high;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (live->pages[middle].number < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* NULL if there is none. */
static struct cc_live_page *page_of(const struct cc_live *live, uint64_t index)
{
    uint32_t position = position_of(live, page_number(index));

    return position < live->page_count && live->pages[position].number == page_number(index)
               ? &live->pages[position]
               : NULL;
}

/* Pages are taken out many at a time: one by one, each would move all that are behind it. */
static void drop_empty_pages(struct cc_live *live)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < live->page_count; i++) {
        if (!is_empty(&live->pages[i])) {
            live->pages[kept++] = live->pages[i];
        }
    }
    CC_ASSERT(live->page_count - kept == live->empty_count); /* L3 */
    live->page_count = kept;
    live->empty_count = 0;
    if (live->page_capacity > PAGE_COUNT_MIN && kept <= live->page_capacity / 4) {
        live->page_capacity /= 2;
        live->pages =
            cc_memory_grow(live->memory, live->pages, live->page_capacity * sizeof *live->pages);
    }
}

static void note_if_empty(struct cc_live *live, const struct cc_live_page *page)
{
    if (is_empty(page)) {
        live->empty_count++;
    }
    if (live->empty_count > live->page_count / 2 + 1) {
        drop_empty_pages(live); /* L3 */
    }
}

/* The last page, made if need be. */
static struct cc_live_page *last_page(struct cc_live *live, uint64_t number)
{
    if (live->page_count > 0 && live->pages[live->page_count - 1].number == number) {
        struct cc_live_page *page = &live->pages[live->page_count - 1];

        live->empty_count -= is_empty(page);
        return page;
    }
    if (live->page_count == live->page_capacity) {
        live->page_capacity = live->page_capacity == 0 ? PAGE_COUNT_MIN : live->page_capacity * 2;
        live->pages =
            cc_memory_grow(live->memory, live->pages, live->page_capacity * sizeof *live->pages);
    }
    live->pages[live->page_count] = (struct cc_live_page){.number = number};
    return &live->pages[live->page_count++];
}

void cc_live_add(struct cc_live *live, uint64_t index)
{
    CC_ASSERT(index > live->newest); /* L1 */
    cc_live_part_add(&last_page(live, page_number(index))->now, live->memory, number_of(index));
    live->newest = index;
    live->count++;
    live->digest += cc_hash_words(index, 0);
}

void cc_live_remove(struct cc_live *live, uint64_t index)
{
    struct cc_live_page *page = page_of(live, index);
    bool was_live = page != NULL && cc_live_part_remove(&page->now, live->memory, number_of(index));

    if (CC_BUG(T094) && !was_live) {
        return;
    }
    CC_ASSERT(was_live); /* L2 */
    live->count--;
    live->digest -= cc_hash_words(index, 0);
    if (live->is_frozen && index <= live->frozen_index && !CC_BUG(T034)) {
        cc_live_part_add(&page->late, live->memory, number_of(index));
    }
    note_if_empty(live, page);
}

bool cc_live_has(const struct cc_live *live, uint64_t index)
{
    const struct cc_live_page *page = page_of(live, index);

    return page != NULL && cc_live_part_has(&page->now, number_of(index));
}

bool cc_live_has_next(const struct cc_live *live, uint64_t index, uint32_t *page)
{
    uint64_t number = page_number(index);

    while (*page < live->page_count && live->pages[*page].number < number) {
        ++*page;
    }
    return *page < live->page_count && live->pages[*page].number == number &&
           cc_live_part_has(&live->pages[*page].now, number_of(index));
}

void cc_live_freeze(struct cc_live *live, uint64_t index)
{
    CC_ASSERT(!live->is_frozen && index >= live->newest);
    live->is_frozen = true;
    live->frozen_index = index;
    live->frozen_count = live->count; /* L4 */
}

void cc_live_thaw(struct cc_live *live)
{
    CC_ASSERT(live->is_frozen);
    live->is_frozen = false;
    live->empty_count = 0;
    for (uint32_t i = 0; i < live->page_count; i++) {
        cc_live_part_clear(&live->pages[i].late, live->memory);
        live->empty_count += is_empty(&live->pages[i]);
    }
    drop_empty_pages(live);
}

static uint64_t next_of(const struct cc_live_page *page, uint32_t from)
{
    uint32_t now = cc_live_part_next(&page->now, from);
    uint32_t late = cc_live_part_next(&page->late, from);

    return now < late ? now : late;
}

bool cc_live_frozen_has(const struct cc_live *live, uint64_t index)
{
    const struct cc_live_page *page = page_of(live, index);

    CC_ASSERT(live->is_frozen);
    return page != NULL && index <= live->frozen_index &&
           (cc_live_part_has(&page->now, number_of(index)) ||
            cc_live_part_has(&page->late, number_of(index)));
}

uint64_t cc_live_frozen_next(const struct cc_live *live, uint64_t after)
{
    uint64_t above = after + 1;

    CC_ASSERT(live->is_frozen);
    for (uint32_t i = position_of(live, page_number(above)); i < live->page_count; i++) {
        const struct cc_live_page *page = &live->pages[i];
        uint64_t number = next_of(page, page->number == page_number(above) ? number_of(above) : 0);

        if (number < CC_LIVE_PART_SIZE) {
            uint64_t index = page->number * CC_LIVE_PART_SIZE + number;

            return index <= live->frozen_index ? index : 0;
        }
    }
    return 0;
}

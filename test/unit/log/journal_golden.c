/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_golden -- see journal_golden.h.
 */
#include "unit/log/journal_golden.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

uint64_t golden_term_of(uint64_t index)
{
    return index <= 10 ? 1 : index <= 16 ? 3 : 5;
}

uint32_t golden_size_of(uint64_t index)
{
    return (uint32_t)index % 4 == 0 ? 3000 : 100 + (uint32_t)index;
}

static void add(struct stand *stand, struct stand_record record)
{
    stand_add(stand, &record);
    stand_flush(stand);
    stand_settle(stand);
}

static void add_entries(struct stand *stand, uint64_t first, uint64_t last)
{
    for (uint64_t index = first; index <= last; index++) {
        add(stand, (struct stand_record){
                       .type = STAND_ENTRY,
                       .index = index,
                       .term = golden_term_of(index),
                       .size = golden_size_of(index)});
    }
}

static void found(struct stand *stand)
{
    struct cc_base base = {.feature_level = 1};

    for (uint32_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        base.cluster_id[i] = (uint8_t)(0xa0 + i);
    }
    base.members.count = 1;
    base.members.at[0].id = STAND_SERVER;
    base.members.at[0].role = CC_ROLE_VOTER;
    snprintf(base.members.at[0].address, sizeof base.members.at[0].address, "s3:7458");
    stand->is_calling = true;
    cc_journal_found(stand->journal, &base);
    stand->added++;
    stand->is_calling = false;
    stand_flush(stand);
    stand_settle(stand);
}

void golden_live(struct stand *stand, struct memory_disk *disk)
{
    stand->options = (struct cc_journal_options){.file_size = 16384};
    stand_open(stand, disk, UINT64_MAX);
    found(stand);
    add(stand, (struct stand_record){.type = STAND_STATE, .term = 1, .vote = 3});
    add_entries(stand, 1, 10);
    add(stand, (struct stand_record){.type = STAND_ENTRY, .index = 11, .term = 1, .size = 50});
    add(stand, (struct stand_record){.type = STAND_TRUNCATE, .index = 11});
    add(stand, (struct stand_record){.type = STAND_STATE, .term = 3, .vote = 1});
    add_entries(stand, 11, 12);
    add(stand,
        (struct stand_record){.type = STAND_SWITCH, .index = 6, .term = 1, .keep_tail = true});
    add_entries(stand, 13, 16);
    stand_close(stand);
    stand_open(stand, disk, UINT64_MAX);
    CC_ASSERT(stand->is_open);
    add(stand, (struct stand_record){
                   .type = STAND_SWITCH, .index = GOLDEN_BASE, .term = 3, .keep_tail = true});
    add(stand,
        (struct stand_record){.type = STAND_STATE, .term = GOLDEN_TERM, .vote = GOLDEN_VOTE});
    add_entries(stand, 17, GOLDEN_LAST);
    while (memory_disk_step_time(disk)) {
    }
    CC_ASSERT(stand->durable == stand->added && stand->failures == 0);
    stand_close(stand);
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* A bit of a batch's header: no file is used again in such a life, so its number is its life. */
static void spoil(struct memory_disk *disk, const struct cc_journal_place *place)
{
    char name[32];

    snprintf(name, sizeof name, "journal-%08llu", (unsigned long long)place->file);
    for (uint32_t i = 0; memory_disk_file(disk, i) != NULL; i++) {
        struct memory_file *file = memory_disk_file(disk, i);

        if (strcmp(file->name, name) == 0) {
            file->platter[(size_t)place->batch_block * CC_DISK_BLOCK + 100] ^= 0x04;
            file->seen[(size_t)place->batch_block * CC_DISK_BLOCK + 100] ^= 0x04;
            return;
        }
    }
    CC_ASSERT(false);
}

void golden_live_with_damage(
    struct stand *stand, struct memory_disk *disk, enum golden_damage damage)
{
    struct cc_journal_place lost;
    struct cc_journal_place neighbour;

    stand->options = (struct cc_journal_options){.file_size = 16384};
    stand_open(stand, disk, UINT64_MAX);
    found(stand);
    add(stand, (struct stand_record){.type = STAND_STATE, .term = 1, .vote = 3});
    add_entries(stand, 1, GOLDEN_DAMAGED_LAST);
    while (memory_disk_step_time(disk)) {
    }
    lost = stand->places[GOLDEN_LOST];
    neighbour = stand->places[GOLDEN_LOST + 1];
    stand_close(stand);
    CC_ASSERT(lost.file == neighbour.file && lost.batch_block != neighbour.batch_block);
    spoil(disk, &lost);
    if (damage == GOLDEN_REFUSED) {
        spoil(disk, &neighbour);
    }
    if (damage == GOLDEN_REPAIRED) {
        stand_open(stand, disk, UINT64_MAX);
        CC_ASSERT(stand->is_open && stand->found.damaged[GOLDEN_LOST]);
        stand_repair(stand, GOLDEN_LOST, 1, golden_size_of(GOLDEN_LOST));
        stand_flush(stand);
        stand_settle(stand);
        stand_close(stand);
    }
}

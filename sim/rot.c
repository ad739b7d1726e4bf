/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rot -- see rot.h.
 */
#include "sim/rot.h"

#include "log/journal_internal.h"
#include "server/node/node.h"
#include "sim/sim_disk_internal.h"

#include <stdlib.h>
#include <string.h>

static struct cc_sim_file *file_of(const struct cc_sim_disk *disk, const char *path)
{
    struct cc_sim_file *file = disk->files;

    while (file != NULL && (!file->is_named || strcmp(file->name, path) != 0)) {
        file = file->next;
    }
    return file;
}

static bool is_sound(
    const struct cc_journal *journal,
    const struct cc_sim_disk *disk,
    const struct cc_journal_place *place)
{
    const struct cc_sim_file *file = file_of(disk, cc_journal_path(journal, place->file));
    size_t size = (size_t)place->batch_blocks * CC_DISK_BLOCK;
    uint64_t offset = (uint64_t)place->batch_block * CC_DISK_BLOCK;
    struct cc_batch_header header;
    uint8_t *batch;
    bool is_good;

    if (file == NULL || offset + size > file->size || cc_sim_file_is_scarred(file, offset, size)) {
        return false;
    }
    batch = malloc(size);
    CC_ASSERT(batch != NULL);
    memcpy(batch, file->seen + offset, size);
    is_good = cc_batch_read_header(batch, &header) == CC_HEADER_VALID &&
              header.life == place->file && header.blocks == place->batch_blocks &&
              cc_batch_restore(batch, &header);
    free(batch);
    return is_good;
}

static bool is_same(const struct cc_journal_place *one, const struct cc_journal_place *other)
{
    return one->file == other->file && one->batch_block == other->batch_block;
}

/* The oldest entry that no image covers. */
static uint64_t first_needed(const struct cc_group *group)
{
    uint64_t first = cc_log_first(group->log);

    return first > group->base.index ? first : group->base.index + 1;
}

uint64_t cc_rot_left(const struct cc_cluster *cluster, uint32_t place)
{
    const struct cc_group *group = cluster->seats[place].server->group;
    struct cc_journal_place former = {0};

    if (group == NULL) {
        return 0;
    }
    for (uint64_t index = first_needed(group); index <= cc_log_last(group->log); index++) {
        struct cc_journal_place at;

        if (!cc_log_place(group->log, index, &at)) {
            if (cc_log_is_damaged(group->log, index)) {
                return index;
            }
            continue; /* on its way to the disk */
        }
        if (!is_same(&at, &former) &&
            !is_sound(group->journal, cluster->world->machines[place].disk, &at)) {
            return index;
        }
        former = at;
    }
    return 0;
}

uint64_t cc_rot_strike(struct cc_cluster *cluster, uint32_t place, struct cc_decider *choices)
{
    const struct cc_group *group = cluster->seats[place].server->group;
    struct cc_journal_place at;
    struct cc_journal_place newest;
    struct cc_sim_file *file;
    uint64_t offset;
    uint64_t index;

    if (group == NULL || first_needed(group) >= cc_log_last(group->log)) {
        return 0;
    }
    index = cc_decide_range(choices, first_needed(group), cc_log_last(group->log) - 1);
    if (!cc_log_place(group->log, index, &at) ||
        !cc_log_place(group->log, cc_log_last(group->log), &newest) || is_same(&at, &newest)) {
        return 0;
    }
    file = file_of(cluster->world->machines[place].disk, cc_journal_path(group->journal, at.file));
    if (file == NULL) {
        return 0;
    }
    offset = (uint64_t)at.batch_block * CC_DISK_BLOCK +
             cc_decide_below(choices, (uint64_t)at.batch_blocks * CC_DISK_BLOCK);
    file->platter[offset] ^= 4;
    file->seen[offset] ^= 4;
    cc_cluster_damaged(cluster, place);
    cc_cluster_tell(
        cluster, "nemesis", "damages the batch of entry %llu of server %u, in %s at %llu",
        (unsigned long long)index, place + 1, file->name, (unsigned long long)offset);
    return index;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup_format -- see backup_format.h.
 */
#include "backup/backup_format.h"

#include "base/crc32c.h"
#include "wire/bytes.h"

#include <string.h>

#define HEAD_MAGIC 0x4b424343u /* "CCBK" */
#define HEAD_SIZE 64u
#define END_MAGIC 0x45424343u /* "CCBE" */
#define END_SIZE 48u
#define CRC_AT 4u
#define SEALED_AT 8u /* what the CRC is of begins here */

static uint32_t crc_of(const uint8_t *block)
{
    return cc_crc32c(0, block + SEALED_AT, CC_DISK_BLOCK - SEALED_AT);
}

static void seal(uint8_t *block, uint32_t magic)
{
    cc_store_u32(block, magic);
    cc_store_u32(block + CRC_AT, crc_of(block));
}

static bool is_zero(const uint8_t *block, size_t from)
{
    for (size_t i = from; i < CC_DISK_BLOCK; i++) {
        if (block[i] != 0) {
            return false;
        }
    }
    return true;
}

void cc_backup_head_seal(uint8_t *block, const struct cc_backup_file_head *head)
{
    memset(block, 0, CC_DISK_BLOCK);
    cc_store_u16(block + 8, CC_BACKUP_VERSION);
    cc_store_u32(block + 12, head->group);
    cc_store_u64(block + 16, head->index);
    cc_store_u64(block + 24, head->term);
    cc_store_u64(block + 32, head->time_us);
    memcpy(block + 40, head->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_store_u64(block + 56, head->made_us);
    seal(block, HEAD_MAGIC);
}

copycat_status cc_backup_head_open(const uint8_t *block, struct cc_backup_file_head *head_out)
{
    if (cc_load_u32(block) != HEAD_MAGIC) {
        return COPYCAT_ERR_INVALID;
    }
    if (cc_load_u32(block + CRC_AT) != crc_of(block)) {
        return COPYCAT_ERR_DAMAGED;
    }
    if (cc_load_u16(block + 8) > CC_BACKUP_VERSION) {
        return COPYCAT_ERR_NEWER;
    }
    head_out->group = cc_load_u32(block + 12);
    head_out->index = cc_load_u64(block + 16);
    head_out->term = cc_load_u64(block + 24);
    head_out->time_us = cc_load_u64(block + 32);
    memcpy(head_out->cluster_id, block + 40, CC_CLUSTER_ID_SIZE);
    head_out->made_us = cc_load_u64(block + 56);
    return cc_load_u16(block + 8) == CC_BACKUP_VERSION && cc_load_u16(block + 10) == 0 &&
                   head_out->group == 0 && head_out->index > 0 && head_out->index <= CC_INDEX_MAX &&
                   head_out->term > 0 && head_out->term <= CC_TERM_MAX &&
                   head_out->time_us <= CC_TIME_US_MAX && is_zero(block, HEAD_SIZE)
               ? COPYCAT_OK
               : COPYCAT_ERR_DAMAGED;
}

void cc_backup_end_seal(uint8_t *block, const struct cc_backup_file_end *end)
{
    memset(block, 0, CC_DISK_BLOCK);
    cc_store_u64(block + 8, end->pieces);
    cc_store_u64(block + 16, end->raw_size);
    cc_store_u64(block + 24, end->size);
    cc_store_u64(block + 32, end->checksum);
    cc_store_u64(block + 40, end->digest);
    seal(block, END_MAGIC);
}

bool cc_backup_end_open(const uint8_t *block, struct cc_backup_file_end *end_out)
{
    if (cc_load_u32(block) != END_MAGIC || cc_load_u32(block + CRC_AT) != crc_of(block)) {
        return false;
    }
    end_out->pieces = cc_load_u64(block + 8);
    end_out->raw_size = cc_load_u64(block + 16);
    end_out->size = cc_load_u64(block + 24);
    end_out->checksum = cc_load_u64(block + 32);
    end_out->digest = cc_load_u64(block + 40);
    return is_zero(block, END_SIZE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * giving_image -- one backup: the image is read, and its records are sent as the guest keeps up.
 */
#include "base/assert.h"
#include "server/image/giving_internal.h"
#include "server/image/loading.h"
#include "server/image/segments.h"

#include <string.h>

struct cc_writer *cc_giving_begin_frame(const struct cc_giving_backup *backup, uint16_t type)
{
    struct cc_guest *guest = cc_server_guest(backup->giving->server, backup->token);

    CC_ASSERT(guest != NULL); /* who sends has looked */
    return cc_channel_begin(&guest->channel, type, backup->giving->group->id);
}

void cc_giving_end_frame(const struct cc_giving_backup *backup)
{
    cc_channel_end(&cc_server_guest(backup->giving->server, backup->token)->channel);
}

static void send_head(const struct cc_giving_backup *backup, uint64_t size)
{
    const struct cc_base *base = cc_journal_base(backup->giving->server->journal);
    struct cc_backup_head head = {
        .index = backup->id.index,
        .term = backup->id.term,
        .time_us = backup->id.time_us,
        .size = size,
    };

    memcpy(head.cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
    cc_backup_head_encode(cc_giving_begin_frame(backup, CC_MESSAGE_BACKUP_HEAD), &head);
    cc_giving_end_frame(backup);
}

/* B1 */
static void send_parts(struct cc_giving_backup *backup)
{
    while (backup->piece.size > 0 && backup->sent < backup->received + CC_BACKUP_WINDOW &&
           cc_server_guest(backup->giving->server, backup->token) != NULL) {
        uint64_t room = backup->received + CC_BACKUP_WINDOW - backup->sent;
        struct cc_backup_part part = {.offset = backup->sent, .bytes = backup->piece};

        room = room < CC_BACKUP_PART_SIZE_MAX ? room : CC_BACKUP_PART_SIZE_MAX;
        part.bytes.size = part.bytes.size < room ? part.bytes.size : (size_t)room;
        cc_backup_part_encode(cc_giving_begin_frame(backup, CC_MESSAGE_BACKUP_PART), &part);
        cc_giving_end_frame(backup);
        backup->sent += part.bytes.size;
        backup->piece.data = (const uint8_t *)backup->piece.data + part.bytes.size;
        backup->piece.size -= part.bytes.size;
    }
}

void cc_giving_give(struct cc_giving_backup *backup)
{
    send_parts(backup);
    if (backup->piece.size == 0 && !backup->is_asked) {
        backup->is_asked = true;
        cc_loading_next(backup->loading);
    }
}

/* ---- the image -------------------------------------------------------------------------------- */

bool cc_giving_is_there(const struct cc_giving_backup *backup)
{
    return cc_server_guest(backup->giving->server, backup->token) != NULL;
}

static void on_records(void *owner, copycat_bytes records, uint64_t size)
{
    struct cc_giving_backup *backup = owner;

    if (backup->phase == CC_GIVING_ENDED) {
        return;
    }
    if (!cc_giving_is_there(backup)) {
        cc_giving_end_backup(backup);
        return;
    }
    backup->is_asked = false;
    backup->piece = records;
    if (backup->phase == CC_GIVING_OPENING) {
        backup->phase = CC_GIVING_SENDING;
        send_head(backup, size);
    }
    cc_giving_give(backup);
}

/* The file that this server stands on is bad: that is worth more than this backup. */
static void fail(struct cc_giving_backup *backup, copycat_status status, const char *text)
{
    struct cc_group *group = backup->giving->group;
    bool is_bad = status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_IO;

    cc_giving_refuse(
        backup, status == COPYCAT_ERR_BUSY ? status : COPYCAT_ERR_UNAVAILABLE,
        is_bad ? CC_GIVING_BAD_IMAGE : text);
    if (is_bad && cc_image_id_equals(&backup->id, &group->base)) {
        cc_group_base_failed(group, status, text);
    }
}

static void loaded(void *owner, const struct cc_loaded *loaded)
{
    struct cc_giving_backup *backup = owner;
    struct cc_giving *giving = backup->giving;

    backup->loading = NULL;
    cc_segment_list_release(backup->segments);
    backup->segments = NULL;
    if (backup->phase == CC_GIVING_ENDED || giving->group == NULL || !cc_giving_is_there(backup)) {
        cc_giving_end_backup(backup);
    } else if (loaded->status == COPYCAT_OK) {
        cc_backup_end_encode(
            cc_giving_begin_frame(backup, CC_MESSAGE_BACKUP_END),
            &(struct cc_backup_end){.size = backup->sent});
        cc_giving_end_frame(backup);
        cc_giving_end_backup(backup);
    } else {
        fail(backup, loaded->status, loaded->text);
    }
    cc_giving_free_if_over(giving);
}

void cc_giving_open(struct cc_giving_backup *backup)
{
    struct cc_giving *giving = backup->giving;

    backup->id = giving->group->base;
    backup->segments = cc_segment_list_retain(giving->group->segments);
    backup->phase = CC_GIVING_OPENING;
    backup->is_asked = true;
    backup->loading = cc_loading_begin_reading(
        giving->server, &backup->id, backup->segments, on_records, loaded, backup);
    CC_ASSERT(backup->loading != NULL); /* the directory holds the journal, too */
}

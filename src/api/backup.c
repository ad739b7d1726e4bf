/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup -- a backup is made; see copycat/backup.h: a loop of its own on the caller's thread.
 *
 *     SEEKING (each server is asked who leads) -> RECEIVING from the leader -> the file is finished
 *         ^______________ it broke, and time is left: from the beginning ___|
 */
#include "client/backup.h"

#include "api/address.h"
#include "api/api_memory.h"
#include "api/backup_check.h"
#include "backup/backup_write.h"
#include "base/options.h"
#include "client/probe.h"
#include "env/uv/env_uv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000u
#define TIMEOUT_MS_MAX UINT64_C(86400000)
#define PROBE_US UINT64_C(1000000)
#define AGAIN_US UINT64_C(200000)
#define ADDRESS_SIZE 264u

struct making {
    struct cc_env *env;
    copycat_backup_options options;
    struct cc_addresses addresses;
    uint32_t next;  /* of them, to be asked */
    uint64_t tries; /* rounds through all of them */
    char leader[ADDRESS_SIZE];
    bool is_file_bad; /* writing it failed: file.reason says why */
    uint64_t deadline_us;
    uint64_t received;
    uint64_t expected;
    struct cc_probe probe;
    struct cc_backup backup;
    struct cc_timer again;
    struct cc_backup_file file;
    struct cc_backup_writer writer;
    bool is_writing; /* the writer holds memory */
    copycat_status status;
    copycat_message message;
};

static void tell(const struct making *making, uint32_t phase, uint64_t done, uint64_t total)
{
    if (making->options.progress != NULL) {
        making->options.progress(phase, done, total, making->options.user);
    }
}

static void stop(struct making *making, copycat_status status, const char *text)
{
    making->status = status;
    (void)snprintf(
        making->message.text, sizeof making->message.text, "%.*s",
        (int)sizeof making->message.text - 1, text);
    cc_env_uv_stop(making->env);
}

static void reset_deadline(struct making *making)
{
    making->deadline_us = cc_env_now_us(making->env) + making->options.timeout_ms * 1000;
}

/* ---- who leads -------------------------------------------------------------------------------- */

static void seek(struct making *making);
static void receive(struct making *making);

static void seek_again(struct cc_timer *timer)
{
    seek(timer->owner);
}

static void seek_later(struct making *making)
{
    making->next = 0;
    making->tries++;
    tell(making, COPYCAT_BACKUP_SEEKING, making->tries, 0);
    making->again = (struct cc_timer){.fire = seek_again, .owner = making};
    cc_env_timer_arm(making->env, &making->again, cc_env_now_us(making->env) + AGAIN_US);
}

/* As it is written on a command line. */
static void describe_wait(uint64_t wait_ms, char *text_out, size_t text_size)
{
    bool is_whole = wait_ms % 1000 == 0;

    (void)snprintf(
        text_out, text_size, "%" PRIu64 "%s", is_whole ? wait_ms / 1000 : wait_ms,
        is_whole ? "s" : "ms");
}

/* What failed last is said if time is up. */
static void try_again(
    struct making *making, copycat_status status, const char *address, const char *why)
{
    char text[sizeof(copycat_message)];
    char waited[32];
    bool is_named = address[0] == '\0' || strstr(why, address) != NULL;

    if (cc_env_now_us(making->env) < making->deadline_us) {
        seek_later(making);
        return;
    }
    describe_wait(making->options.timeout_ms, waited, sizeof waited);
    (void)snprintf(
        text, sizeof text, "no backup was made within %s: %s%s%.240s", waited,
        is_named ? "" : address, is_named ? "" : ": ",
        why[0] == '\0' ? copycat_status_text(status) : why);
    stop(making, status, text);
}

/* The address of the leader, as the server that was asked knows it. */
static bool find_leader(struct making *making, const struct cc_report *report)
{
    for (uint32_t i = 0; i < report->members.count; i++) {
        if (report->members.at[i].id == report->leader && report->leader != 0) {
            (void)snprintf(
                making->leader, sizeof making->leader, "%s", report->members.at[i].address);
            return true;
        }
    }
    return false;
}

static void probed(struct cc_probe *probe)
{
    struct making *making = probe->owner;
    const char *address = making->addresses.at[making->next];
    bool is_self = probe->status == COPYCAT_OK && probe->report.leader != 0 &&
                   probe->report.leader == probe->report.server;

    if (is_self) {
        (void)snprintf(making->leader, sizeof making->leader, "%s", address);
        receive(making);
        return;
    }
    if (probe->status == COPYCAT_OK && find_leader(making, &probe->report)) {
        receive(making);
        return;
    }
    making->next++;
    if (making->next < making->addresses.count) {
        seek(making);
    } else {
        const char *why = probe->notice[0] != '\0'      ? probe->notice
                          : probe->status == COPYCAT_OK ? "knows no leader"
                                                        : cc_env_uv_last_error(making->env);

        try_again(
            making, probe->status == COPYCAT_OK ? COPYCAT_ERR_NO_LEADER : probe->status, address,
            why);
    }
}

static void seek(struct making *making)
{
    cc_probe_start(
        &making->probe, making->env, making->addresses.at[making->next], PROBE_US, probed, making);
}

/* ---- what it gives ---------------------------------------------------------------------------- */

static bool put(void *owner, const void *blocks, size_t size)
{
    struct making *making = owner;

    if (cc_backup_file_write(&making->file, blocks, size) != COPYCAT_OK) {
        making->is_file_bad = true;
    }
    return !making->is_file_bad;
}

static void on_wait(struct cc_backup *backup)
{
    reset_deadline(backup->owner);
    tell(backup->owner, COPYCAT_BACKUP_WAITING, 0, 0);
}

static void on_head(struct cc_backup *backup, const struct cc_backup_head *head)
{
    struct making *making = backup->owner;
    struct cc_backup_file_head own = {
        .index = head->index,
        .term = head->term,
        .time_us = head->time_us,
        .made_us = cc_env_wall_us(making->env),
    };

    memcpy(own.cluster_id, head->cluster_id, CC_CLUSTER_ID_SIZE);
    making->expected = head->size;
    making->is_writing = true;
    cc_backup_write_begin(&making->writer, &cc_api_memory, &own, put, making);
    reset_deadline(making);
}

static bool on_bytes(struct cc_backup *backup, copycat_bytes bytes)
{
    struct making *making = backup->owner;

    making->received += bytes.size;
    reset_deadline(making);
    tell(
        making, COPYCAT_BACKUP_RECEIVING, making->received,
        making->received < making->expected ? making->expected : making->received);
    return cc_backup_write_add(&making->writer, bytes);
}

static void end_writing(struct making *making)
{
    if (making->is_writing) {
        making->is_writing = false;
        cc_backup_write_end(&making->writer);
    }
}

static void fail_writing(struct making *making)
{
    char text[sizeof(copycat_message)];

    if (making->is_file_bad) {
        stop(making, COPYCAT_ERR_IO, making->file.reason);
        return;
    }
    (void)snprintf(
        text, sizeof text, "%s: what it gives is no backup: %s: are all servers of this version?",
        making->leader, making->writer.records.trouble);
    stop(making, COPYCAT_ERR_MALFORMED, text);
}

static void finish(struct making *making)
{
    copycat_status status = COPYCAT_OK;

    if (!cc_backup_write_finish(&making->writer)) {
        fail_writing(making);
        return;
    }
    status = cc_backup_file_sync(&making->file);
    stop(making, status, making->file.reason);
}

static void given(struct cc_backup *backup)
{
    struct making *making = backup->owner;

    switch (backup->status) {
    case COPYCAT_OK:
        finish(making);
        break;
    case COPYCAT_ERR_CLOSED:
        fail_writing(making);
        break;
    case COPYCAT_ERR_NO_LEADER:
    case COPYCAT_ERR_UNAVAILABLE:
    case COPYCAT_ERR_BUSY:
    case COPYCAT_ERR_TIMEOUT:
        try_again(
            making, backup->status, making->leader,
            backup->text[0] != '\0' ? backup->text : cc_env_uv_last_error(making->env));
        break;
    default:
        stop(
            making, backup->status,
            backup->text[0] != '\0' ? backup->text : copycat_status_text(backup->status));
    }
    end_writing(making);
}

static void receive(struct making *making)
{
    static const struct cc_backup_callbacks callbacks = {on_wait, on_head, on_bytes, given};
    copycat_status status = cc_backup_file_clear(&making->file);

    if (status != COPYCAT_OK) {
        stop(making, status, making->file.reason);
        return;
    }
    making->received = 0;
    tell(making, COPYCAT_BACKUP_WAITING, 0, 0);
    cc_backup_start(
        &making->backup, making->env, making->leader, making->options.timeout_ms * 1000, &callbacks,
        making);
}

/* ---- from outside ----------------------------------------------------------------------------- */

static copycat_status read_options(
    struct making *making, const copycat_backup_options *options, copycat_message *message_out)
{
    copycat_backup_options *taken = &making->options;
    copycat_status status = cc_options_read(taken, sizeof *taken, options);

    if (status != COPYCAT_OK || taken->replaces > 1 || taken->timeout_ms > TIMEOUT_MS_MAX) {
        return cc_fail(
            message_out, status == COPYCAT_OK ? COPYCAT_ERR_INVALID : status,
            "the options of the backup are not ones this library knows");
    }
    taken->timeout_ms = taken->timeout_ms == 0 ? TIMEOUT_MS : taken->timeout_ms;
    return cc_addresses_parse(taken->servers, &making->addresses, message_out);
}

static copycat_status receive_all(struct making *making)
{
    static const struct cc_env_uv_options no_ring = {.disk = CC_ENV_UV_DISK_THREAD};

    if (cc_env_uv_open(&making->env, &cc_api_memory, &no_ring) != COPYCAT_OK) {
        (void)snprintf(
            making->message.text, sizeof making->message.text,
            "no memory, or no descriptor is left, to ask with");
        return COPYCAT_ERR_MEMORY;
    }
    reset_deadline(making);
    tell(making, COPYCAT_BACKUP_SEEKING, 0, 0);
    seek(making);
    cc_env_uv_run(making->env);
    cc_env_uv_close(making->env);
    return making->status;
}

/* Nobody should rely on what was never read. */
static copycat_status finish_file(struct making *making, copycat_backup_info *info_out)
{
    copycat_status status = cc_backup_check(
        &making->file, false, making->options.progress, making->options.user, info_out);

    if (status == COPYCAT_OK) {
        status = cc_backup_file_name(&making->file);
    }
    if (status != COPYCAT_OK) {
        (void)snprintf(
            making->message.text, sizeof making->message.text, "%s", making->file.reason);
    }
    return status;
}

static copycat_status make(struct making *making, const char *path, copycat_backup_info *info_out)
{
    copycat_status status =
        cc_backup_file_create(&making->file, path, making->options.replaces == 1);

    if (status != COPYCAT_OK) {
        (void)snprintf(
            making->message.text, sizeof making->message.text, "%s", making->file.reason);
    } else {
        status = receive_all(making);
    }
    if (status == COPYCAT_OK) {
        status = finish_file(making, info_out);
    }
    cc_backup_file_close(&making->file);
    return status;
}

copycat_status copycat_backup_make(
    const char *path,
    const copycat_backup_options *options,
    copycat_backup_info *info_out,
    copycat_message *message_out)
{
    struct making *making;
    copycat_status status;

    if (info_out != NULL && info_out->size < sizeof *info_out) {
        return cc_fail(message_out, COPYCAT_ERR_INVALID, "the size of the info is not set");
    }
    making = calloc(1, sizeof *making);
    if (making == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    status = read_options(making, options, message_out);
    if (status == COPYCAT_OK) {
        status = make(making, path, info_out);
        cc_addresses_free(&making->addresses);
        if (status != COPYCAT_OK) {
            (void)cc_fail(
                message_out, status, making->message.text[0] == '\0' ? NULL : making->message.text);
        }
    }
    free(making);
    return status;
}

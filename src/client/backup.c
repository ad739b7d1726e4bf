/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup -- see backup.h.
 *
 * The server is asked again each second, also while nothing was received: so it knows that somebody
 * is there, and its answers tell the same of it.
 */
#include "client/backup.h"

#include <string.h>

#define OUTPUT_MAX 65536u
#define ASK_US UINT64_C(1000000)

/* Later, for a channel must not be freed inside its own callback. */
static void finish(struct cc_backup *backup, copycat_status status, copycat_bytes text)
{
    if (backup->task.queued) {
        return;
    }
    size_t size = text.size < sizeof backup->text ? text.size : sizeof backup->text - 1;

    if (size > 0) {
        memcpy(backup->text, text.data, size);
    }
    backup->text[size] = '\0';
    backup->status = status;
    cc_env_timer_disarm(backup->env, &backup->timer);
    cc_env_later(backup->env, &backup->task);
}

static void finished(struct cc_task *task)
{
    struct cc_backup *backup = task->owner;

    cc_channel_close(&backup->channel);
    backup->callbacks->done(backup);
}

static void arm(struct cc_backup *backup)
{
    uint64_t due = cc_env_now_us(backup->env) + ASK_US;
    uint64_t end = backup->heard_us + backup->patience_us;

    cc_env_timer_arm(backup->env, &backup->timer, due < end ? due : end);
}

static void ask(struct cc_backup *backup)
{
    cc_backup_ask_encode(
        cc_channel_begin(&backup->channel, CC_MESSAGE_BACKUP_ASK, 0),
        &(struct cc_backup_ask){.received = backup->received});
    cc_channel_end(&backup->channel);
    backup->told = backup->received;
}

static void rang(struct cc_timer *timer)
{
    struct cc_backup *backup = timer->owner;

    if (cc_env_now_us(backup->env) >= backup->heard_us + backup->patience_us) {
        finish(
            backup, COPYCAT_ERR_UNAVAILABLE,
            backup->is_reached ? COPYCAT_STR("the server says nothing any more")
                               : COPYCAT_STR("the server could not be reached in time"));
        return;
    }
    if (backup->is_reached) {
        ask(backup);
    }
    arm(backup);
}

static void on_open(struct cc_channel *channel)
{
    struct cc_backup *backup = channel->owner;
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .feature_level = CC_FEATURE_LEVEL,
        .kind = CC_HELLO_OBSERVER,
    };

    backup->is_reached = true;
    cc_hello_encode(cc_channel_begin(channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(channel);
    ask(backup);
}

/* K1 */
static bool take_part(struct cc_backup *backup, copycat_bytes body)
{
    struct cc_backup_part part;

    if (!cc_backup_part_decode(body, &part) || !backup->has_head ||
        part.offset != backup->received) {
        return false;
    }
    backup->received += part.bytes.size;
    if (!backup->callbacks->on_bytes(backup, part.bytes)) {
        finish(backup, COPYCAT_ERR_CLOSED, COPYCAT_STR(""));
    } else if (backup->received - backup->told >= CC_BACKUP_WINDOW / 4) {
        ask(backup);
    }
    return true;
}

static bool take_wait(struct cc_backup *backup, copycat_bytes body)
{
    if (body.size != 0 || backup->has_head) {
        return false;
    }
    backup->callbacks->on_wait(backup);
    return true;
}

static bool take_head(struct cc_backup *backup, copycat_bytes body)
{
    struct cc_backup_head head;

    if (backup->has_head || !cc_backup_head_decode(body, &head)) {
        return false;
    }
    backup->has_head = true;
    backup->callbacks->on_head(backup, &head);
    return true;
}

static bool take_end(struct cc_backup *backup, copycat_bytes body)
{
    struct cc_backup_end end;

    if (!cc_backup_end_decode(body, &end) || !backup->has_head || end.size != backup->received) {
        return false;
    }
    finish(backup, COPYCAT_OK, COPYCAT_STR(""));
    return true;
}

static bool take_refusal(struct cc_backup *backup, copycat_bytes body)
{
    struct cc_refuse refusal;

    if (!cc_refuse_decode(body, &refusal)) {
        return false;
    }
    finish(backup, refusal.status, refusal.text);
    return true;
}

static bool take(struct cc_backup *backup, const struct cc_frame *frame)
{
    switch (frame->type) {
    case CC_MESSAGE_HELLO:
        return true;
    case CC_MESSAGE_BACKUP_WAIT:
        return take_wait(backup, frame->body);
    case CC_MESSAGE_BACKUP_HEAD:
        return take_head(backup, frame->body);
    case CC_MESSAGE_BACKUP_PART:
        return take_part(backup, frame->body);
    case CC_MESSAGE_BACKUP_END:
        return take_end(backup, frame->body);
    case CC_MESSAGE_REFUSE:
        return take_refusal(backup, frame->body);
    default:
        return false;
    }
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_backup *backup = channel->owner;

    if (backup->task.queued) {
        return;
    }
    backup->heard_us = cc_env_now_us(backup->env);
    if (!take(backup, frame)) {
        finish(
            backup, COPYCAT_ERR_MALFORMED,
            COPYCAT_STR("what the server answers makes no sense: it is of another version, or "
                        "knows no backups"));
    }
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct cc_backup *backup = channel->owner;

    if (status != COPYCAT_OK) {
        finish(backup, status, COPYCAT_STR(""));
    } else {
        finish(
            backup, COPYCAT_ERR_UNAVAILABLE,
            backup->has_head ? COPYCAT_STR("the connection ended before the backup did")
            : backup->is_reached
                ? COPYCAT_STR("the server closed the connection and gave no backup")
                : COPYCAT_STR(""));
    }
}

void cc_backup_start(
    struct cc_backup *backup,
    struct cc_env *env,
    const char *address,
    uint64_t patience_us,
    const struct cc_backup_callbacks *callbacks,
    void *owner)
{
    static const struct cc_channel_callbacks channel = {
        .on_open = on_open, .on_frame = on_frame, .on_closed = on_closed};

    memset(backup, 0, sizeof *backup);
    backup->env = env;
    backup->callbacks = callbacks;
    backup->owner = owner;
    backup->patience_us = patience_us;
    backup->heard_us = cc_env_now_us(env);
    backup->timer = (struct cc_timer){.fire = rang, .owner = backup};
    backup->task = (struct cc_task){.run = finished, .owner = backup};
    arm(backup);
    cc_channel_init(
        &backup->channel, env, env->memory, CC_FRAME_BODY_CLIENT_MAX, OUTPUT_MAX, &channel, backup);
    cc_channel_connect(&backup->channel, address);
}

void cc_backup_stop(struct cc_backup *backup)
{
    cc_env_timer_disarm(backup->env, &backup->timer);
    cc_env_task_cancel(backup->env, &backup->task);
    cc_channel_close(&backup->channel);
}

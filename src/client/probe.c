/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe -- see probe.h.
 */
#include "client/probe.h"

#include <string.h>

#define OUTPUT_MAX 4096u

/* Later, for a channel must not be freed inside its own callback. */
static void finish(struct cc_probe *probe, copycat_status status)
{
    if (!probe->task.queued) {
        probe->status = status;
        cc_env_timer_disarm(probe->env, &probe->timer);
        cc_env_later(probe->env, &probe->task);
    }
}

static void finished(struct cc_task *task)
{
    struct cc_probe *probe = task->owner;

    cc_channel_close(&probe->channel);
    probe->done(probe);
}

static void keep_notice(struct cc_probe *probe, copycat_bytes text)
{
    size_t size = text.size < sizeof probe->notice ? text.size : sizeof probe->notice - 1;

    if (size > 0) {
        memcpy(probe->notice, text.data, size);
    }
    probe->notice[size] = '\0';
}

static void timed_out(struct cc_timer *timer)
{
    struct cc_probe *probe = timer->owner;

    if (probe->is_reached) {
        keep_notice(
            probe, COPYCAT_STR(
                       "takes the connection and says nothing: it hangs, or is no Copycat server"));
    }
    finish(probe, COPYCAT_ERR_UNAVAILABLE);
}

static void on_open(struct cc_channel *channel)
{
    struct cc_probe *probe = channel->owner;
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .feature_level = CC_FEATURE_LEVEL,
        .kind = CC_HELLO_OBSERVER,
    };

    probe->is_reached = true;
    cc_hello_encode(cc_channel_begin(channel, CC_MESSAGE_HELLO, 0), &hello);
    cc_channel_end(channel);
    (void)cc_channel_begin(channel, CC_MESSAGE_ASK_REPORT, 0);
    cc_channel_end(channel);
}

static void on_frame(struct cc_channel *channel, const struct cc_frame *frame)
{
    struct cc_probe *probe = channel->owner;
    struct cc_refuse refusal;

    if (frame->type == CC_MESSAGE_HELLO) {
        return;
    }
    if (frame->type == CC_MESSAGE_REFUSE && cc_refuse_decode(frame->body, &refusal)) {
        keep_notice(probe, refusal.text);
        finish(probe, refusal.status);
    } else if (frame->type == CC_MESSAGE_REPORT && cc_report_decode(frame->body, &probe->report)) {
        keep_notice(probe, probe->report.notice);
        finish(probe, COPYCAT_OK);
    } else {
        finish(probe, COPYCAT_ERR_MALFORMED);
    }
}

static void on_closed(struct cc_channel *channel, copycat_status status)
{
    struct cc_probe *probe = channel->owner;

    if (status == COPYCAT_OK && probe->is_reached) {
        keep_notice(probe, COPYCAT_STR("closed the connection before it said where it stands"));
    }
    finish(probe, status == COPYCAT_OK ? COPYCAT_ERR_UNAVAILABLE : status);
}

void cc_probe_start(
    struct cc_probe *probe,
    struct cc_env *env,
    const char *address,
    uint64_t timeout_us,
    void (*done)(struct cc_probe *probe),
    void *owner)
{
    static const struct cc_channel_callbacks callbacks = {
        .on_open = on_open, .on_frame = on_frame, .on_closed = on_closed};

    memset(probe, 0, sizeof *probe);
    probe->env = env;
    probe->done = done;
    probe->owner = owner;
    probe->timer = (struct cc_timer){.fire = timed_out, .owner = probe};
    probe->task = (struct cc_task){.run = finished, .owner = probe};
    cc_env_timer_arm(env, &probe->timer, cc_env_now_us(env) + timeout_us);
    cc_channel_init(
        &probe->channel, env, env->memory, CC_FRAME_BODY_CLIENT_MAX, OUTPUT_MAX, &callbacks, probe);
    cc_channel_connect(&probe->channel, address);
}

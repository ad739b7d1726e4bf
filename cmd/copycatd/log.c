/* SPDX-License-Identifier: Apache-2.0 */
#define _POSIX_C_SOURCE 200809L

#include "copycatd/log.h"

#include "copycatd/log_line.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define BURST 10u
#define REFILL_MS 1000u

/* 9999-12-31T23:59:59.999Z: later, the line would not be of its form. */
#define TIME_MS_MAX UINT64_C(253402300799999)

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void copycatd_log_init(
    struct copycatd_log *log,
    FILE *out,
    enum copycatd_log_format format,
    enum copycatd_log_level level)
{
    log->out = out;
    log->format = format;
    log->level = level;
    log->kind_count = 0;
}

static void format_time(uint64_t now_ms, char text_out[48])
{
    uint64_t shown_ms = now_ms < TIME_MS_MAX ? now_ms : TIME_MS_MAX;
    time_t seconds = (time_t)(shown_ms / 1000);
    struct tm date;
    size_t size;

    gmtime_r(&seconds, &date);
    size = strftime(text_out, 48, "%Y-%m-%dT%H:%M:%S", &date);
    snprintf(text_out + size, 48 - size, ".%03uZ", (unsigned)(shown_ms % 1000));
}

static void write_text(
    struct copycatd_line *line, const char *stamp, const struct copycatd_log_message *message)
{
    char front[96];

    snprintf(
        front, sizeof front, "%s %-5s %.32s: ", stamp, level_names[message->level], message->area);
    copycatd_line_put(line, front);
    copycatd_line_put_plain(line, message->text);
    for (const struct copycatd_log_field *field = message->fields;
         field != NULL && field->key != NULL; field++) {
        copycatd_line_put(line, " ");
        copycatd_line_put_plain(line, field->key);
        copycatd_line_put(line, "=");
        copycatd_line_put_value(line, field->value);
    }
}

static void write_json(
    struct copycatd_line *line, const char *stamp, const struct copycatd_log_message *message)
{
    copycatd_line_put(line, "{\"time\":\"");
    copycatd_line_put(line, stamp);
    copycatd_line_put(line, "\",\"level\":\"");
    copycatd_line_put(line, level_names[message->level]);
    copycatd_line_put(line, "\"");
    copycatd_line_put_member(line, "area", message->area);
    copycatd_line_put_member(line, "text", message->text);
    for (const struct copycatd_log_field *field = message->fields;
         field != NULL && field->key != NULL; field++) {
        copycatd_line_put_member(line, field->key, field->value);
    }
    copycatd_line_end(line, "}");
}

static void emit(
    struct copycatd_log *log, uint64_t now_ms, const struct copycatd_log_message *message)
{
    struct copycatd_line line;
    char stamp[48];

    format_time(now_ms, stamp);
    copycatd_line_init(&line, log->line, sizeof log->line);
    if (log->format == COPYCATD_LOG_JSON) {
        write_json(&line, stamp, message);
    } else {
        write_text(&line, stamp, message);
    }
    copycatd_line_end(&line, "\n");
    /* A log that cannot be written is nobody's reason to stop serving. */
    (void)!fwrite(line.text, 1, line.size, log->out);
    (void)fflush(log->out);
}

static struct copycatd_log_bucket *bucket_of(
    struct copycatd_log *log, uint64_t now_ms, const struct copycatd_log_message *message)
{
    const char *kind = message->kind != NULL ? message->kind : message->area;
    struct copycatd_log_bucket *bucket;

    for (uint32_t i = 0; i < log->kind_count; i++) {
        if (strcmp(log->kinds[i].kind, kind) == 0) {
            return &log->kinds[i];
        }
    }
    if (log->kind_count == COPYCATD_LOG_KINDS_MAX) {
        return &log->kinds[COPYCATD_LOG_KINDS_MAX - 1];
    }
    bucket = &log->kinds[log->kind_count++];
    *bucket = (struct copycatd_log_bucket){
        .kind = kind, .area = message->area, .filled_ms = now_ms, .tokens = BURST};
    return bucket;
}

static void refill(struct copycatd_log_bucket *bucket, uint64_t now_ms)
{
    uint64_t due;

    if (now_ms < bucket->filled_ms) {
        bucket->filled_ms = now_ms; /* the clock was set back: count from here */
        return;
    }
    due = (now_ms - bucket->filled_ms) / REFILL_MS;
    bucket->filled_ms += due * REFILL_MS;
    bucket->tokens = due >= BURST - bucket->tokens ? BURST : bucket->tokens + (uint32_t)due;
}

static void tell_suppressed(
    struct copycatd_log *log, uint64_t now_ms, struct copycatd_log_bucket *bucket)
{
    const struct copycatd_log_field fields[] = {{"kind", bucket->kind}, {NULL, NULL}};
    char text[48];

    if (bucket->suppressed == 0) {
        return;
    }
    snprintf(text, sizeof text, "suppressed %" PRIu32 " like this", bucket->suppressed);
    bucket->suppressed = 0;
    emit(
        log, now_ms,
        &(struct copycatd_log_message){
            .level = bucket->level, .area = bucket->area, .text = text, .fields = fields});
}

void copycatd_log_write(
    struct copycatd_log *log, uint64_t now_ms, const struct copycatd_log_message *message)
{
    struct copycatd_log_bucket *bucket;

    if (message->level > log->level) {
        return;
    }
    bucket = bucket_of(log, now_ms, message);
    refill(bucket, now_ms);
    if (bucket->tokens == 0) {
        bucket->suppressed += bucket->suppressed < UINT32_MAX;
        bucket->level = message->level;
        return;
    }
    bucket->tokens--;
    tell_suppressed(log, now_ms, bucket);
    emit(log, now_ms, message);
}

void copycatd_log_flush(struct copycatd_log *log, uint64_t now_ms)
{
    for (uint32_t i = 0; i < log->kind_count; i++) {
        tell_suppressed(log, now_ms, &log->kinds[i]);
    }
}

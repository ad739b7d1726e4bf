/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress -- see progress.h.
 */
#include "progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_WIDTH 24u
#define BAR_MS 100u
#define LINE_MS 1000u
#define FILE_MS 100u

/* A shorter silence is nothing to speak of. */
#define OUTAGE_MS 300u

void cli_progress_init(
    struct cli_progress *progress, uint64_t now_ms, const char *file, bool is_wanted)
{
    bool is_terminal = isatty(STDERR_FILENO) == 1;

    *progress = (struct cli_progress){
        .file = file,
        .begin_ms = now_ms,
        .moved_ms = now_ms,
        .shown_ms = now_ms,
        .is_bar = is_terminal,
        .is_shown = is_terminal || is_wanted,
    };
}

static uint64_t pause_ms(const struct cli_progress *progress, uint64_t now_ms)
{
    return progress->is_waiting ? now_ms - progress->moved_ms : 0;
}

void cli_progress_note(
    struct cli_progress *progress, uint64_t now_ms, uint64_t done, bool is_waiting)
{
    if (done == progress->done && is_waiting == progress->is_waiting) {
        return;
    }
    if (pause_ms(progress, now_ms) > progress->longest_pause_ms) {
        progress->longest_pause_ms = pause_ms(progress, now_ms);
    }
    progress->done = done;
    progress->is_waiting = is_waiting;
    progress->moved_ms = now_ms;
}

static size_t format_bar(const struct cli_progress *progress, char *text_out, size_t text_size)
{
    char bar[BAR_WIDTH + 1];
    uint64_t total = progress->total > progress->done ? progress->total : progress->done;
    uint64_t full = total == 0 ? 0 : progress->done * BAR_WIDTH / total;

    if (progress->total == 0) {
        return (size_t)snprintf(text_out, text_size, "%" PRIu64 " lines", progress->done);
    }
    for (uint64_t i = 0; i < BAR_WIDTH; i++) {
        bar[i] = i < full ? '#' : '.';
    }
    bar[BAR_WIDTH] = '\0';
    return (size_t)snprintf(
        text_out, text_size, "[%s] %3" PRIu64 "%%  %" PRIu64 "/%" PRIu64 "%s", bar,
        progress->done * 100 / total, progress->done, total,
        progress->unit == NULL ? "" : progress->unit);
}

void cli_progress_format(
    const struct cli_progress *progress, uint64_t now_ms, char *text_out, size_t text_size)
{
    uint64_t took_ms = now_ms - progress->begin_ms;
    uint64_t pause = pause_ms(progress, now_ms);
    size_t used = format_bar(progress, text_out, text_size);

    used += (size_t)snprintf(
        text_out + used, text_size - used, "  %" PRIu64 "%s/s",
        took_ms == 0 ? 0 : progress->done * 1000 / took_ms,
        progress->unit == NULL ? "" : progress->unit);
    if (pause >= OUTAGE_MS) {
        snprintf(
            text_out + used, text_size - used, "  waiting %" PRIu64 ".%" PRIu64 " s", pause / 1000,
            pause % 1000 / 100);
    }
}

/* Written beside and moved over, so that nobody reads half of it. */
static bool write_file(const struct cli_progress *progress)
{
    char beside[4096];
    FILE *file;
    bool is_written;

    if ((size_t)snprintf(beside, sizeof beside, "%s.new", progress->file) >= sizeof beside) {
        errno = ENAMETOOLONG;
        return false;
    }
    file = fopen(beside, "w");
    if (file == NULL) {
        return false;
    }
    is_written = fprintf(file, "%" PRIu64 " %" PRIu64 "\n", progress->done, progress->total) > 0;
    is_written = fclose(file) == 0 && is_written;
    return is_written && rename(beside, progress->file) == 0;
}

static void show_in_file(struct cli_progress *progress)
{
    if (progress->file != NULL && !write_file(progress) && !progress->has_complained) {
        progress->has_complained = true;
        fprintf(
            stderr, "copycat: the progress cannot be written to %s (%s); the import goes on\n",
            progress->file, strerror(errno));
    }
}

static void show_on_terminal(struct cli_progress *progress, uint64_t now_ms)
{
    char text[160];

    cli_progress_format(progress, now_ms, text, sizeof text);
    if (progress->is_bar) {
        fprintf(stderr, "\r%s\033[K", text);
        progress->has_drawn = true;
    } else {
        fprintf(stderr, "%s\n", text);
    }
    fflush(stderr);
}

void cli_progress_show(struct cli_progress *progress, uint64_t now_ms)
{
    if (now_ms - progress->filed_ms >= FILE_MS) {
        progress->filed_ms = now_ms;
        show_in_file(progress);
    }
    if (progress->is_shown &&
        now_ms - progress->shown_ms >= (progress->is_bar ? BAR_MS : LINE_MS)) {
        progress->shown_ms = now_ms;
        show_on_terminal(progress, now_ms);
    }
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->has_drawn) {
        fputs("\r\033[K", stderr);
        progress->has_drawn = false;
    }
}

void cli_progress_end(struct cli_progress *progress, uint64_t now_ms)
{
    cli_progress_note(progress, now_ms, progress->done, false);
    show_in_file(progress);
    if (progress->is_shown) {
        show_on_terminal(progress, now_ms);
    }
    if (progress->has_drawn) {
        fputc('\n', stderr);
    }
}

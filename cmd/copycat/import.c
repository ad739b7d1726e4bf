/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import -- see import.h.
 *
 * One thread: it reads lines as long as there is room in the window, sends them, and takes the
 * answers from a queue.  The library sends again within a session whatever has to be; when the
 * session itself has ended, everything that was not acknowledged goes once more, in a new one.  That
 * is safe: an ended session does nothing any more, a put of the same value or a put-if-absent may be
 * done twice, and no two lines of one key are under way (import_window, W1).
 */
#include "import.h"

#include "connection.h"
#include "failure.h"
#include "import_outcome.h"
#include "import_window.h"
#include "lines.h"
#include "progress.h"
#include "silence.h"
#include "support/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define AGAIN_MS 50u
#define TICK_MS 50

struct import {
    const struct cli_arguments *arguments;
    struct cli_connection connection;
    struct cli_lines lines;
    struct cli_window window;
    struct cli_progress progress;
    struct cli_silence silence;
    struct cli_import_outcome outcome;
    copycat_bytes key; /* of the line that was read and is not in the window yet */
    copycat_bytes value;
    const char *name; /* of the input */
    uint64_t timeout_ms;
    uint64_t heard_count; /* of `done` when the silence was last broken */
    uint32_t sent_count;  /* in the window */
    int input;
    bool has_line;    /* `key` and `value` */
    bool wants_input; /* nothing more can be sent without it */
    bool is_input_over;
    bool is_if_absent;
};

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
}

static bool has_stopped(const struct import *import)
{
    return import->outcome.reason[0] != '\0';
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void take_success(struct import *import, struct cli_slot *slot, const copycat_value *value)
{
    struct cli_import_outcome *outcome = &import->outcome;
    copycat_bytes there = copycat_value_bytes(value);
    copycat_bytes wanted = cli_slot_value(slot);

    outcome->done++;
    if (!import->is_if_absent || copycat_value_is_absent(value) != 0) {
        outcome->stored++;
    } else if (
        there.size == wanted.size &&
        (there.size == 0 || memcmp(there.data, wanted.data, there.size) == 0)) {
        outcome->there++;
    } else {
        outcome->conflict_line = outcome->conflicts == 0 ? slot->line : outcome->conflict_line;
        outcome->conflicts++;
    }
}

/* Its time is over, or all is. */
static void give_up(struct import *import, struct cli_slot *slot)
{
    char waited[32];

    if (slot->is_doubtful) {
        import->outcome.unknown++;
    } else {
        import->outcome.undone++;
    }
    cmd_duration_format(import->timeout_ms, waited, sizeof waited);
    import->outcome.is_silent = import->outcome.is_silent || !has_stopped(import);
    cli_import_stop(
        &import->outcome, slot->is_doubtful ? CLI_EXIT_UNKNOWN : CLI_EXIT_RETRY,
        "line %" PRIu64 ": no answer within %s", slot->line, waited);
    cli_window_done(&import->window, slot);
}

static void take_failure(struct import *import, struct cli_slot *slot, copycat_status status)
{
    uint64_t now = cli_now_ms();
    int code = cli_exit_of(status);

    if (code == CLI_EXIT_USAGE) {
        import->outcome.undone++;
        cli_import_stop(
            &import->outcome, code, "line %" PRIu64 " is refused: %s", slot->line,
            copycat_status_text(status));
        cli_window_done(&import->window, slot);
        return;
    }
    slot->is_doubtful = slot->is_doubtful || code == CLI_EXIT_UNKNOWN;
    if (now >= slot->deadline_ms || has_stopped(import)) {
        give_up(import, slot);
        return;
    }
    import->outcome.repeated += code == CLI_EXIT_UNKNOWN;
    cli_window_again(&import->window, slot, now + AGAIN_MS);
}

static void take_answers(struct import *import)
{
    copycat_completion completion;

    while (copycat_queue_next(import->connection.queue, 0, &completion) == COPYCAT_OK) {
        struct cli_slot *slot = cli_window_slot(&import->window, completion.tag);

        import->sent_count--;
        if (completion.status == COPYCAT_OK) {
            take_success(import, slot, completion.value);
            cli_window_done(&import->window, slot);
        } else {
            take_failure(import, slot, completion.status);
        }
        copycat_value_free(completion.value);
    }
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void send_slot(struct import *import, struct cli_slot *slot, uint64_t now_ms)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;
    copycat_map *map = import->connection.map;
    copycat_bytes key = cli_slot_key(slot);
    copycat_bytes value = cli_slot_value(slot);
    copycat_future *future;

    options.timeout_ms = slot->deadline_ms - now_ms;
    future = import->is_if_absent ? copycat_map_put_if_absent(map, key, value, &options)
                                  : copycat_map_put(map, key, value, &options);
    cli_window_sent(&import->window, slot);
    if (copycat_future_into(
            future, import->connection.queue, cli_window_tag(&import->window, slot)) !=
        COPYCAT_OK) {
        cli_window_again(&import->window, slot, now_ms + AGAIN_MS); /* no memory */
        return;
    }
    import->sent_count++;
    take_answers(import); /* what is refused at once stops the import before the next line */
}

/* Sends what waits to be sent again; what has waited too long is given up. */
static void send_again(struct import *import)
{
    struct cli_slot *slot;
    uint64_t now = cli_now_ms();

    while (!has_stopped(import) && (slot = cli_window_due(&import->window, now)) != NULL) {
        if (now >= slot->deadline_ms) {
            cli_window_sent(&import->window, slot);
            give_up(import, slot);
        } else {
            send_slot(import, slot, now);
        }
    }
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void read_input(struct import *import)
{
    size_t room;
    char *into = cli_lines_room(&import->lines, &room);
    ssize_t got = read(import->input, into, room);

    if (got >= 0) {
        cli_lines_added(&import->lines, (size_t)got);
    } else if (errno != EINTR && errno != EAGAIN) {
        cli_import_stop(
            &import->outcome, CLI_EXIT_USAGE,
            "behind line %" PRIu64 " the input cannot be read: %s", import->lines.number,
            strerror(errno));
    }
    import->wants_input = false;
}

static void note_cr(struct import *import)
{
    const char *value = import->value.data;

    if (import->outcome.cr_line == 0 && import->value.size > 0 &&
        value[import->value.size - 1] == '\r') {
        import->outcome.cr_line = import->lines.number;
    }
}

/* True: `key` and `value` are those of the next line. */
static bool fetch_line(struct import *import)
{
    struct cli_line line;
    char start[CLI_LINE_SHOWN_MAX + 1]; /* as it was: taking it apart writes over it */
    size_t start_size = 0;
    const char *wrong;

    switch (cli_lines_next(&import->lines, &line)) {
    case CLI_LINES_LINE:
        start_size = line.size < sizeof start ? line.size : sizeof start;
        memcpy(start, line.text, start_size);
        wrong = cli_line_split(&line, &import->key, &import->value);
        break;
    case CLI_LINES_LONG:
        wrong = "is too long: keys have up to 4 KiB, values up to 1 MiB";
        break;
    case CLI_LINES_MORE:
        import->wants_input = true;
        return false;
    default:
        import->is_input_over = true;
        return false;
    }
    if (wrong != NULL) {
        cli_import_stop_at_line(
            &import->outcome, import->name, import->lines.number, wrong,
            (copycat_bytes){start, start_size});
        return false;
    }
    note_cr(import);
    return true;
}

static void take_lines(struct import *import)
{
    while (!has_stopped(import) && !import->is_input_over && !cli_window_is_full(&import->window)) {
        uint64_t now = cli_now_ms();
        struct cli_slot *slot;

        import->has_line = import->has_line || fetch_line(import);
        if (!import->has_line || cli_window_holds(&import->window, import->key)) {
            return; /* W1 */
        }
        slot = cli_window_add(&import->window, import->lines.number, import->key, import->value);
        import->has_line = false;
        slot->deadline_ms = now + import->timeout_ms;
        send_slot(import, slot, now);
    }
}

/* ---- the loop --------------------------------------------------------------------------------- */

static bool is_finished(const struct import *import)
{
    return import->sent_count == 0 &&
           (has_stopped(import) || (import->is_input_over && cli_window_is_empty(&import->window)));
}

/* Of what has ended, everything comes back first. */
static void renew(struct import *import)
{
    int code;

    if (import->sent_count > 0) {
        return;
    }
    code = cli_connection_renew(&import->connection);
    if (code != CLI_EXIT_YES) {
        cli_import_stop(&import->outcome, code, "no new session can be opened");
    }
}

/* Failures do not break it: lines are sent again, and nothing gets on. */
static void watch_silence(struct import *import)
{
    uint64_t now = cli_now_ms();

    if (cli_window_is_empty(&import->window) || import->outcome.done != import->heard_count) {
        import->heard_count = import->outcome.done;
        cli_silence_break(&import->silence, now);
    } else if (cli_silence_due_ms(&import->silence, now) == 0) {
        cli_progress_clear(&import->progress);
        cli_silence_watch(&import->silence, now);
    }
}

static void wait_a_little(struct import *import)
{
    struct pollfd wanted[2] = {
        {.fd = copycat_queue_fd(import->connection.queue), .events = POLLIN},
        {.fd = import->wants_input ? import->input : -1, .events = POLLIN},
    };

    (void)poll(wanted, 2, TICK_MS);
    if (wanted[1].revents != 0) {
        read_input(import);
    }
}

static void run(struct import *import)
{
    while (!is_finished(import)) {
        take_answers(import);
        if (is_interrupted != 0) {
            cli_import_stop(&import->outcome, CLI_EXIT_RETRY, "interrupted");
        }
        if (!has_stopped(import) && cli_connection_has_ended(&import->connection)) {
            renew(import);
        } else {
            send_again(import);
            take_lines(import);
        }
        cli_progress_note(
            &import->progress, cli_now_ms(), import->outcome.done,
            !cli_window_is_empty(&import->window));
        cli_progress_show(&import->progress, cli_now_ms());
        watch_silence(import);
        if (!is_finished(import)) {
            wait_a_little(import);
        }
    }
}

/* ---- beginning and end ------------------------------------------------------------------------ */

static int open_input(struct import *import)
{
    const struct cli_arguments *arguments = import->arguments;
    const char *name = arguments->operand_count > 1 ? arguments->operands[1] : "-";
    struct stat about;

    import->name = strcmp(name, "-") == 0 ? "standard input" : name;
    import->input = strcmp(name, "-") == 0 ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (import->input < 0 || fstat(import->input, &about) != 0) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE, "%s cannot be opened: %s", name, strerror(errno));
    }
    if (S_ISDIR(about.st_mode)) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE, "%s is a directory; name a file of lines KEY<TAB>VALUE",
            name);
    }
    cli_progress_init(
        &import->progress, cli_now_ms(), arguments->progress_file,
        cli_arguments_has(arguments, CLI_FLAG_PROGRESS));
    if (S_ISREG(about.st_mode) && (import->progress.is_shown || arguments->progress_file != NULL)) {
        import->progress.total = cli_lines_count(import->input);
    }
    return CLI_EXIT_YES;
}

/* The first signal lets what is on its way come back; a second one ends the process. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* What was taken up and never sent again, for all is over. */
static void count_left_over(struct import *import)
{
    struct cli_slot *slot;

    while ((slot = cli_window_due(&import->window, UINT64_MAX)) != NULL) {
        cli_window_sent(&import->window, slot);
        give_up(import, slot);
    }
}

int cli_import(const struct cli_arguments *arguments)
{
    static struct import import;
    int code;

    import.arguments = arguments;
    import.is_if_absent = cli_arguments_has(arguments, CLI_FLAG_IF_ABSENT);
    import.timeout_ms = cli_arguments_timeout_ms(arguments);
    code = open_input(&import);
    if (code == CLI_EXIT_YES) {
        code = cli_connection_open(&import.connection, arguments);
    }
    if (code != CLI_EXIT_YES) {
        return code;
    }
    cli_lines_init(&import.lines);
    cli_window_init(&import.window);
    cli_silence_begin(&import.silence, arguments, cli_now_ms());
    catch_signals();
    run(&import);
    count_left_over(&import);
    cli_progress_end(&import.progress, cli_now_ms());
    import.outcome.took_ms = cli_now_ms() - import.progress.begin_ms;
    import.outcome.longest_pause_ms = import.progress.longest_pause_ms;
    code = cli_import_tell(&import.outcome, arguments);
    cli_connection_close(&import.connection);
    cli_window_deinit(&import.window);
    cli_lines_deinit(&import.lines);
    return code;
}

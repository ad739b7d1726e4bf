/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_outcome -- see import_outcome.h.
 */
#include "import_outcome.h"

#include "escape.h"
#include "failure.h"
#include "output.h"

#include <inttypes.h>
#include <stdarg.h>

/* What nobody knows weighs most, then what will fail again. */
static int weight_of(int code)
{
    switch (code) {
    case CLI_EXIT_UNKNOWN:
        return 4;
    case CLI_EXIT_USAGE:
        return 3;
    case CLI_EXIT_RETRY:
        return 2;
    default:
        return code;
    }
}

void cli_import_stop(struct cli_import_outcome *outcome, int code, const char *format, ...)
{
    va_list values;

    if (outcome->reason[0] == '\0') {
        va_start(values, format);
        vsnprintf(outcome->reason, sizeof outcome->reason, format, values);
        va_end(values);
    }
    if (weight_of(code) > weight_of(outcome->code)) {
        outcome->code = code;
    }
}

void cli_import_stop_at_line(
    struct cli_import_outcome *outcome,
    const char *name,
    uint64_t number,
    const char *wrong,
    copycat_bytes start)
{
    char text[CLI_LINE_SHOWN_MAX * CLI_ESCAPE_GROWTH + 1];
    bool is_cut = start.size > CLI_LINE_SHOWN_MAX;

    start.size = is_cut ? CLI_LINE_SHOWN_MAX : start.size;
    text[cli_escape_show(start, text)] = '\0';
    outcome->is_of_input = true;
    cli_import_stop(
        outcome, CLI_EXIT_USAGE, "%.100s: line %" PRIu64 " %s%s%s%s", name, number, wrong,
        start.size == 0 ? "" : ": ", text, is_cut ? "..." : "");
}

int cli_import_judge(const struct cli_import_outcome *outcome)
{
    int conflict = outcome->conflicts > 0 ? CLI_EXIT_NO : CLI_EXIT_YES;
    int unknown = outcome->unknown > 0 ? CLI_EXIT_UNKNOWN : outcome->code;

    return weight_of(unknown) > weight_of(conflict) ? unknown : conflict;
}

/* ---- telling ---------------------------------------------------------------------------------- */

static void tell_as_json(const struct cli_import_outcome *outcome)
{
    const struct {
        const char *name;
        uint64_t value;
    } members[] = {
        {"lines", outcome->done},
        {"stored", outcome->stored},
        {"already_there", outcome->there},
        {"conflicts", outcome->conflicts},
        {"sent_again", outcome->repeated},
        {"not_done", outcome->undone},
        {"unknown", outcome->unknown},
        {"took_ms", outcome->took_ms},
        {"longest_pause_ms", outcome->longest_pause_ms},
    };

    json_t *object = json_object();

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        cli_json_set(object, members[i].name, json_integer((json_int_t)members[i].value));
    }
    cli_json_set(object, "complete", json_boolean(outcome->reason[0] == '\0'));
    cli_json_print(object);
}

static void tell_as_text(const struct cli_import_outcome *outcome, bool is_if_absent)
{
    printf(
        "imported %" PRIu64 " line%s: %" PRIu64 " stored", outcome->done,
        outcome->done == 1 ? "" : "s", outcome->stored);
    if (is_if_absent) {
        printf(
            ", %" PRIu64 " already there, %" PRIu64 " conflict%s", outcome->there,
            outcome->conflicts, outcome->conflicts == 1 ? "" : "s");
    }
    printf(
        "; %.1f s, longest pause %.1f s", (double)outcome->took_ms / 1000,
        (double)outcome->longest_pause_ms / 1000);
    if (outcome->repeated > 0) {
        printf("; %" PRIu64 " sent again after an unknown outcome", outcome->repeated);
    }
    putchar('\n');
}

/* What was done before it stopped, and what to do about it. */
static void tell_reason(
    const struct cli_import_outcome *outcome, const struct cli_arguments *arguments)
{
    char undone[64] = "";
    char unknown[64] = "";

    if (outcome->undone > 0) {
        snprintf(undone, sizeof undone, ", %" PRIu64 " more not done", outcome->undone);
    }
    if (outcome->unknown > 0) {
        snprintf(unknown, sizeof unknown, ", %" PRIu64 " may have been done", outcome->unknown);
    }
    (void)cli_fail_with(
        arguments, 0, "%s; the import stops: %" PRIu64 " line%s done%s%s. %s%s", outcome->reason,
        outcome->done, outcome->done == 1 ? " is" : "s are", undone, unknown,
        outcome->is_of_input ? "Mend it, then run it again" : "It may be run again",
        cli_arguments_has(arguments, CLI_FLAG_IF_ABSENT) ? ""
                                                         : ": it stores the same values once more");
    if (outcome->is_silent) {
        cli_explain_silence(arguments);
    }
}

int cli_import_tell(const struct cli_import_outcome *outcome, const struct cli_arguments *arguments)
{
    if (outcome->reason[0] != '\0') {
        tell_reason(outcome, arguments);
    }
    if (outcome->cr_line > 0) {
        (void)cli_fail_with(
            arguments, 0,
            "note: the value of line %" PRIu64 " ends with a CR, which was stored as \\r: a file "
            "with the line ends of Windows? `tr -d '\\r'` takes them away",
            outcome->cr_line);
    }
    if (outcome->conflicts > 0) {
        (void)cli_fail_with(
            arguments, 0,
            "%" PRIu64 " key%s another value already, the first of them that of line %" PRIu64
            "; what was there stays",
            outcome->conflicts, outcome->conflicts == 1 ? " has" : "s have",
            outcome->conflict_line);
    }
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        tell_as_json(outcome);
    } else {
        tell_as_text(outcome, cli_arguments_has(arguments, CLI_FLAG_IF_ABSENT));
    }
    return cli_import_judge(outcome);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure -- see failure.h.
 */
#include "failure.h"

#include "standing.h"
#include "support/units.h"

#include <stdarg.h>
#include <stdio.h>

/* Long enough for a server that is only slow; all are asked at once. */
#define PROBE_MS 1000u

int cli_exit_of(copycat_status status)
{
    switch (copycat_status_class(status)) {
    case COPYCAT_CLASS_OK:
        return CLI_EXIT_YES;
    case COPYCAT_CLASS_REFUSED:
        return CLI_EXIT_USAGE;
    case COPYCAT_CLASS_UNKNOWN:
        return CLI_EXIT_UNKNOWN;
    default:
        /* Of what has ended, only what never left is told so: it did not happen. */
        return CLI_EXIT_RETRY;
    }
}

static const char *name_of(const struct cli_arguments *arguments)
{
    return arguments->verb == NULL ? "copycat" : arguments->verb->name;
}

int cli_fail_with(const struct cli_arguments *arguments, int code, const char *format, ...)
{
    va_list values;

    fprintf(stderr, "copycat: %s: ", name_of(arguments));
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    return code;
}

static bool is_anybody_there(const struct cli_standings *standings)
{
    for (uint32_t i = 0; i < standings->count; i++) {
        if (standings->at[i].status == COPYCAT_OK) {
            return true;
        }
    }
    return false;
}

/* A sentence that ends with the cause and the remedy, then each server with what it says.  `reason`
 * is what somebody who answered has said, or NULL. */
static void tell_cause(const struct cli_arguments *arguments, const char *intro, const char *reason)
{
    static struct cli_standings standings;
    copycat_message message;
    char text[640];

    if (!cli_standings_init(&standings, arguments->servers, &message)) {
        return; /* the list was refused before */
    }
    cli_standings_ask(&standings, PROBE_MS);
    if (reason != NULL && is_anybody_there(&standings)) {
        (void)cli_fail_with(arguments, 0, "%s", reason);
    } else {
        cli_standings_explain(&standings, text, sizeof text);
        (void)cli_fail_with(arguments, 0, "%s%s", intro, text);
    }
    for (uint32_t i = 0; i < standings.count; i++) {
        cli_standing_describe(&standings.at[i], text, sizeof text);
        fprintf(stderr, "  %s: %s\n", standings.at[i].address, text);
    }
}

void cli_explain_silence(const struct cli_arguments *arguments)
{
    tell_cause(arguments, "", NULL);
}

int cli_fail_unheard(
    const struct cli_arguments *arguments,
    copycat_status status,
    const char *what,
    const char *reason)
{
    char waited[32];
    char intro[120];

    cmd_duration_format(cli_arguments_timeout_ms(arguments), waited, sizeof waited);
    snprintf(intro, sizeof intro, "%s within %s: ", what, waited);
    tell_cause(arguments, intro, reason);
    return cli_exit_of(status);
}

/* What to do beside what the status says. */
static const char *remedy_of(copycat_status status)
{
    switch (status) {
    case COPYCAT_ERR_TYPE:
        return "; choose another path";
    case COPYCAT_ERR_QUOTA:
        return ": a disk is nearly full, or the state is as large as it may be; remove what is not "
               "needed, or make room, and copycat status says where";
    default:
        return "";
    }
}

int cli_fail(const struct cli_arguments *arguments, copycat_status status)
{
    char waited[32];
    char intro[80];
    int code = cli_exit_of(status);

    cmd_duration_format(cli_arguments_timeout_ms(arguments), waited, sizeof waited);
    if (code == CLI_EXIT_USAGE) {
        return cli_fail_with(
            arguments, code, "refused: %s%s", copycat_status_text(status), remedy_of(status));
    }
    if (code == CLI_EXIT_UNKNOWN) {
        (void)cli_fail_with(
            arguments, code,
            "it was sent, and within %s no answer came: it may have been done, or may yet be; look "
            "what is there before doing it again",
            waited);
        cli_explain_silence(arguments);
        return code;
    }
    if (status == COPYCAT_ERR_TIMEOUT || status == COPYCAT_ERR_UNAVAILABLE) {
        snprintf(intro, sizeof intro, "not done: within %s no server could do it: ", waited);
        tell_cause(arguments, intro, NULL);
        return code;
    }
    return cli_fail_with(arguments, code, "not done: %s; try again", copycat_status_text(status));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence -- see silence.h.
 */
#include "silence.h"

#include "failure.h"
#include "standing.h"
#include "support/units.h"

/* An election takes less, as a rule; asking comes on top of it, so that it is told within 1.1 s. */
#define PATIENCE_MS 600u
#define PROBE_MS 500u

/* Of a wait that ends sooner after the words its end says enough. */
#define WORTH_MS 400u

void cli_silence_begin(
    struct cli_silence *silence, const struct cli_arguments *arguments, uint64_t now_ms)
{
    silence->arguments = arguments;
    cli_silence_break(silence, now_ms);
}

void cli_silence_break(struct cli_silence *silence, uint64_t now_ms)
{
    silence->since_ms = now_ms;
    silence->state = CLI_SILENCE_LISTENING;
}

uint64_t cli_silence_due_ms(const struct cli_silence *silence, uint64_t now_ms)
{
    uint64_t waited_ms = now_ms - silence->since_ms;

    if (silence->state == CLI_SILENCE_ASKED) {
        return 0;
    }
    if (silence->state == CLI_SILENCE_TOLD ||
        cli_arguments_timeout_ms(silence->arguments) < PATIENCE_MS + PROBE_MS + WORTH_MS) {
        return COPYCAT_NONE;
    }
    return waited_ms < PATIENCE_MS ? PATIENCE_MS - waited_ms : 0;
}

static void ask(struct cli_silence *silence)
{
    static struct cli_standings standings;
    copycat_message message;

    silence->text[0] = '\0';
    if (cli_standings_init(&standings, silence->arguments->servers, &message)) {
        cli_standings_ask(&standings, PROBE_MS);
        cli_standings_describe(&standings, silence->text, sizeof silence->text);
    }
}

static void tell(const struct cli_silence *silence, uint64_t now_ms)
{
    uint64_t waited_ms = now_ms - silence->since_ms;
    uint64_t timeout_ms = cli_arguments_timeout_ms(silence->arguments);
    uint64_t left_ms = timeout_ms > waited_ms ? timeout_ms - waited_ms : 0;
    char left[32];

    left_ms = left_ms < 1000 ? left_ms : (left_ms + 500) / 1000 * 1000;
    cmd_duration_format(left_ms, left, sizeof left);
    (void)cli_fail_with(
        silence->arguments, 0, "waiting: %s; trying for %s more", silence->text, left);
}

void cli_silence_watch(struct cli_silence *silence, uint64_t now_ms)
{
    if (cli_silence_due_ms(silence, now_ms) > 0) {
        return;
    }
    if (silence->state == CLI_SILENCE_LISTENING) {
        ask(silence);
        silence->state = CLI_SILENCE_ASKED;
    } else {
        tell(silence, now_ms);
        silence->state = CLI_SILENCE_TOLD;
    }
}

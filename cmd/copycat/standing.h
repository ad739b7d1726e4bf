/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standing -- where each server stands, asked of all of them at once.
 *
 * Where it sits:   below `copycat status` and below the sentence that says why nobody answers.
 * Memory:          fixed; at most CLI_STANDINGS_MAX servers.
 * Threads:         one for each server that is asked; all have ended when a call returns.
 */
#ifndef CLI_STANDING_H
#define CLI_STANDING_H

#include <copycat/probe.h>

#include <stdbool.h>

#define CLI_STANDINGS_MAX 32u

struct cli_standing {
    char address[264];
    copycat_status status;   /* OK: `probe` says where it stands */
    copycat_message message; /* else: why it does not answer */
    copycat_probe probe;
};

struct cli_standings {
    struct cli_standing at[CLI_STANDINGS_MAX];
    uint32_t count;
};

/* The servers of a list as the library takes it; those beyond the room are left out.  False, with a
 * sentence: it is no such list. */
bool cli_standings_init(
    struct cli_standings *standings, const char *servers, copycat_message *message_out);

/* Asks all of them, each for at most `timeout_ms`. */
void cli_standings_ask(struct cli_standings *standings, uint64_t timeout_ms);

/* Asks those members, too, of which somebody who has answered knows, and drops who is in it twice. */
void cli_standings_ask_members(struct cli_standings *standings, uint64_t timeout_ms);

/* Why nothing can be done there, or that it can: the rest of a sentence behind the address. */
void cli_standing_describe(const struct cli_standing *standing, char *text_out, size_t text_size);

/*
 * All of them in one line: what they have in common, then each with what it says, those that say
 * the same together: "no leader among 3 servers: a:1, b:1 (connection refused), c:1 (answers, ...)".
 */
void cli_standings_describe(
    const struct cli_standings *standings, char *text_out, size_t text_size);

/* Why nothing was done, and what to do about it, as the end of a sentence. */
void cli_standings_explain(const struct cli_standings *standings, char *text_out, size_t text_size);

/* The words for COPYCAT_ROLE_* and COPYCAT_SERVER_*. */
const char *cli_role_name(uint32_t role);
const char *cli_state_name(uint32_t state);

#endif /* CLI_STANDING_H */

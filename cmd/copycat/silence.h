/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence -- says once, about a second after the last answer, for what a verb waits: which servers,
 * what each of them says, how long it will go on.
 *
 * Where it sits:   beside whoever waits for answers: connection, import, bench.  One line on
 *                  standard error, so that nothing that reads the answers sees it.
 * Memory:          the caller's.
 *
 *     LISTENING --0.6 s--> ASKED --the next look, still silent--> TOLD
 *         ^                  |                                     |
 *         +------------------+-------- an answer ------------------+
 */
#ifndef CLI_SILENCE_H
#define CLI_SILENCE_H

#include "arguments.h"

#include <copycat/base.h>

enum cli_silence_state {
    CLI_SILENCE_LISTENING,
    CLI_SILENCE_ASKED, /* the servers were asked; who waits looks once more before it is told */
    CLI_SILENCE_TOLD,
};

struct cli_silence {
    const struct cli_arguments *arguments;
    uint64_t since_ms; /* of the last answer, or when the waiting began */
    enum cli_silence_state state;
    char text[1024]; /* ASKED: what the servers said */
};

/* The waiting begins. */
void cli_silence_begin(
    struct cli_silence *silence, const struct cli_arguments *arguments, uint64_t now_ms);

/* An answer came, or nothing is waited for. */
void cli_silence_break(struct cli_silence *silence, uint64_t now_ms);

/* How long from `now_ms` until cli_silence_watch has something to do; COPYCAT_NONE: nothing any
 * more, or the waiting ends too soon for words. */
uint64_t cli_silence_due_ms(const struct cli_silence *silence, uint64_t now_ms);

/* Does what is due: asks the servers, for which it takes up to half a second, or tells. */
void cli_silence_watch(struct cli_silence *silence, uint64_t now_ms);

#endif /* CLI_SILENCE_H */

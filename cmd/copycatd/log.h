/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log -- one line for each thing an operator should know.
 *
 *   2026-11-21T08:14:25.123Z info  node: leader of term 4 members=3
 *   {"time":"2026-11-21T08:14:25.123Z","level":"info","area":"node","text":"...","members":"3"}
 *
 * Where it sits:   beside everything in copycatd; it knows a FILE and the time it is told.
 * Memory:          fixed, about 20 KiB; nothing is allocated.
 * Threads:         one.
 *
 * Invariants
 *   L1  a message is one line in one write, whatever bytes its texts hold; a line of JSON is JSON
 *   L2  a kind of message gets 10 lines at once and then one a second; what was left out is counted
 *       and told before the next line of its kind, or by copycatd_log_flush
 */
#ifndef COPYCATD_LOG_H
#define COPYCATD_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* In the order of the property log-format. */
enum copycatd_log_format {
    COPYCATD_LOG_TEXT,
    COPYCATD_LOG_JSON,
};

/* In the order of the property log-level. */
enum copycatd_log_level {
    COPYCATD_LOG_ERROR,
    COPYCATD_LOG_WARN,
    COPYCATD_LOG_INFO,
    COPYCATD_LOG_DEBUG,
};

struct copycatd_log_field {
    const char *key; /* a word */
    const char *value;
};

struct copycatd_log_message {
    enum copycatd_log_level level;
    const char *area; /* which part speaks: "node", "client"; static memory */
    const char *kind; /* one word for all messages like this; static memory; NULL: the area */
    const char *text;
    const struct copycatd_log_field *fields; /* ends with one whose key is NULL; may be NULL */
};

#define COPYCATD_LOG_KINDS_MAX 64u
#define COPYCATD_LOG_LINE_MAX 8192u

/* How much a kind of message may still say. */
struct copycatd_log_bucket {
    const char *kind;
    const char *area;
    enum copycatd_log_level level; /* of the last that was left out */
    uint64_t filled_ms;            /* when tokens were last added */
    uint32_t tokens;
    uint32_t suppressed;
};

struct copycatd_log {
    FILE *out;
    enum copycatd_log_format format;
    enum copycatd_log_level level;
    uint32_t kind_count;
    struct copycatd_log_bucket
        kinds[COPYCATD_LOG_KINDS_MAX]; /* the last one is shared by the rest */
    char line[COPYCATD_LOG_LINE_MAX];
};

/* `out` is borrowed for life. */
void copycatd_log_init(
    struct copycatd_log *log,
    FILE *out,
    enum copycatd_log_format format,
    enum copycatd_log_level level);

/* `now_ms` is the time of day since 1970; it may jump. */
void copycatd_log_write(
    struct copycatd_log *log, uint64_t now_ms, const struct copycatd_log_message *message);

/* Tells what was left out since the last line of each kind; called now and then, and at the end. */
void copycatd_log_flush(struct copycatd_log *log, uint64_t now_ms);

#endif /* COPYCATD_LOG_H */

/* SPDX-License-Identifier: Apache-2.0 */
/* 06 -- a commit log of one process: what is replaced is cleaned away.  It needs no server. */
#include <copycat/sys/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTING_TYPE 1u /* our own; a log may hold many types */

static copycat_log *store;

/* What it came to; about the disk the log knows more. */
static void check(copycat_status status, const char *what)
{
    copycat_message message;

    if (status == COPYCAT_OK) {
        return;
    }
    copycat_log_trouble(store, &message);
    fprintf(stderr, "%s: %s. %s\n", what, copycat_status_text(status), message.text);
    exit(1);
}

/* The latest entry of a key says what it is; so the one before is not needed any more. */
static uint64_t set(const char *key, const char *value, uint64_t former)
{
    copycat_log_entry entry = {0};
    uint64_t index;

    entry.type = SETTING_TYPE;
    entry.key = copycat_str(key);
    entry.bytes = copycat_str(value);
    check(copycat_log_append(store, &entry, &index), "append");
    if (former != 0) {
        check(copycat_log_clean(store, former), "clean");
    }
    return index;
}

int main(int argc, char **argv)
{
    copycat_log_options options = COPYCAT_LOG_OPTIONS_INIT;
    copycat_log_status status = {0};
    copycat_log_entry entry;
    copycat_message message;
    uint64_t sky = 0;
    char value[32];

    options.directory = argc > 1 ? argv[1] : NULL; /* NULL: in memory */
    options.segment_size = 16384;                  /* small, so that there is something to see */
    if (copycat_log_open(&store, &options, &message) != COPYCAT_OK) {
        fprintf(stderr, "%s\n", message.text);
        return 1;
    }

    (void)set("grass", "green", 0);
    for (int i = 1; i <= 2000; i++) {
        (void)snprintf(value, sizeof value, "shade %d", i);
        sky = set("sky", value, sky);
    }
    check(copycat_log_flush(store), "flush"); /* from here on it survives a crash */
    check(copycat_log_clean_now(store), "clean");

    /* As one starts anew from what is there. */
    for (uint64_t i = copycat_log_first(store); i != 0; i = copycat_log_next(store, i + 1)) {
        check(copycat_log_read(store, i, &entry), "read");
        printf(
            "%llu: %.*s is %.*s\n", (unsigned long long)i, (int)entry.key.size,
            (const char *)entry.key.data, (int)entry.bytes.size, (const char *)entry.bytes.data);
    }
    status.size = sizeof status;
    copycat_log_status_of(store, &status);
    printf(
        "%llu bytes were appended, %llu are left\n", (unsigned long long)status.appended_bytes,
        (unsigned long long)status.bytes);
    return copycat_log_close(store) == COPYCAT_OK ? 0 : 1;
}

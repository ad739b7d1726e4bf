/* SPDX-License-Identifier: Apache-2.0 */
/* 06 -- a commit log of one process: what is replaced is cleaned away, and what is old goes as others who
 * hold the same log let it go.  It needs no server. */
#include <copycat/sys/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTING_TYPE 1u /* our own; a log may hold many types */
#define VISIT_TYPE 2u
#define MINUTE_US 60000000u

static copycat_log *store;

/* What it came to; about the disk the log knows more. */
static void check(copycat_status status, const char *what)
{
    copycat_message message = {""};

    if (status == COPYCAT_OK) {
        return;
    }
    if (store != NULL) {
        copycat_log_trouble(store, &message);
    }
    fprintf(stderr, "%s: %s. %s\n", what, copycat_status_text(status), message.text);
    exit(1);
}

static void close_store(void)
{
    copycat_status status = copycat_log_close(store);

    store = NULL; /* whatever it came to */
    check(status, "close");
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

static int is_anonymous(const copycat_log_entry *entry, void *user)
{
    (void)user;
    return entry->type == VISIT_TYPE && entry->key.size == 0;
}

/*
 * Policies are decided at a position: by what is in the log up to there, and nothing else.  Whoever has
 * the same entries, and is told the same position, keeps the same, however his files are cut.
 */
static void keep_what_matters(void)
{
    copycat_log_options options = COPYCAT_LOG_OPTIONS_INIT;
    copycat_log_entry visit = {0};
    uint64_t position = 0;
    uint64_t replaced;
    uint64_t anonymous;
    uint64_t first;
    char visitor[32];

    check(copycat_log_open(&store, &options, NULL), "open");
    visit.type = VISIT_TYPE;
    for (unsigned i = 0; i < 1000; i++) { /* one a minute, of two dozen visitors and nobody */
        (void)snprintf(visitor, sizeof visitor, "visitor %u", i % 24);
        visit.key = i % 5 == 0 ? copycat_str("") : copycat_str(visitor);
        visit.time_us = (uint64_t)i * MINUTE_US;
        check(copycat_log_append(store, &visit, &position), "append");
    }
    position -= 100; /* what came later is not looked at */
    check(copycat_log_clean_keys_to(store, position, &replaced), "clean by key");
    check(copycat_log_clean_where(store, position, is_anonymous, NULL, &anonymous), "clean");
    check(copycat_log_retain_to(store, position, UINT64_C(880) * MINUTE_US, 0, &first), "retain");
    printf(
        "of 1000 visits %llu were not the last of their visitor and %llu were nobody's; kept from "
        "%llu on, %llu of them\n",
        (unsigned long long)replaced, (unsigned long long)anonymous, (unsigned long long)first,
        (unsigned long long)copycat_log_count(store));
    close_store();
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
    close_store();

    keep_what_matters();
    return 0;
}

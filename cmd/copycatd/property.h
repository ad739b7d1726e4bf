/* SPDX-License-Identifier: Apache-2.0 */
/*
 * property -- the one table of everything that can be set in copycatd.
 *
 * Where it sits:   below all of the configuration.  Flags, COPYCAT_* variables, keys of the file,
 *                  --help, docs/configuration.md and packaging/copycatd.conf come from it alone.
 * Memory:          constant.
 *
 * Invariants
 *   P1  every row has a name, a help sentence and either a default or a sentence about it
 *   P2  names are lower case words with '-' between them, so that flag, key and variable agree
 */
#ifndef COPYCATD_PROPERTY_H
#define COPYCATD_PROPERTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum copycatd_property_id {
    COPYCATD_ID,
    COPYCATD_LISTEN,
    COPYCATD_MEMBERS,
    COPYCATD_DATA_DIR,
    COPYCATD_CONFIG,
    COPYCATD_INSECURE,
    COPYCATD_MAX_CONNECTIONS,
    COPYCATD_JOURNAL_FILE_SIZE,
    COPYCATD_DISK_QUOTA,
    COPYCATD_STATE_QUOTA,
    COPYCATD_ELECTION_TIMEOUT,
    COPYCATD_HEARTBEAT_INTERVAL,
    COPYCATD_LOG_FORMAT,
    COPYCATD_LOG_LEVEL,
    COPYCATD_PROPERTY_COUNT
};

enum copycatd_type {
    COPYCATD_TYPE_PATH,
    COPYCATD_TYPE_ADDRESS,  /* host:port, [v6]:port, unix:/path */
    COPYCATD_TYPE_MEMBERS,  /* id=address,... */
    COPYCATD_TYPE_SIZE,     /* bytes */
    COPYCATD_TYPE_DURATION, /* milliseconds */
    COPYCATD_TYPE_BOOL,
    COPYCATD_TYPE_CHOICE, /* the number is the place in `choices` */
    COPYCATD_TYPE_UINT,
};

struct copycatd_property {
    const char *name;
    enum copycatd_type type;
    bool not_in_file;
    const char *section; /* heading in the file */
    const char *initial; /* the default as one would write it; NULL: derived from others */
    const char *derived; /* where `initial` is NULL: how the default comes about */
    const char *sample;  /* where `initial` is NULL: a value for the example file */
    uint64_t min;        /* of numbers, in the unit of the type */
    uint64_t max;
    const char *const *choices; /* NULL-terminated */
    const char *help;           /* one line */
};

/* Longest COPYCAT_* name with its end. */
#define COPYCATD_VARIABLE_SIZE 64u

/* Room for any number as copycatd_property_format writes it. */
#define COPYCATD_NUMBER_SIZE 32u

extern const struct copycatd_property copycatd_properties[COPYCATD_PROPERTY_COUNT];

/* COPYCATD_PROPERTY_COUNT if there is none of this name, `size` bytes long. */
enum copycatd_property_id copycatd_property_find(const char *name, size_t size);

/* The known name nearest to `word`, or NULL; if `in_file`, only of what a file may hold. */
const char *copycatd_property_suggest(const char *word, bool in_file);

/* "COPYCAT_DATA_DIR". */
void copycatd_property_variable(
    const struct copycatd_property *property, char name_out[COPYCATD_VARIABLE_SIZE]);

/* A number of this type as people write it: 64MiB, 1s, true. */
void copycatd_property_format(
    const struct copycatd_property *property, uint64_t number, char text_out[COPYCATD_NUMBER_SIZE]);

/* What may be written, as in "50ms to 1m" or "text, json"; for --help and the page. */
void copycatd_property_accepts(
    const struct copycatd_property *property, char *text_out, size_t text_size);

#endif /* COPYCATD_PROPERTY_H */

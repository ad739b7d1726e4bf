/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/sys/inspect.h -- what lies in a server's directory, seen from outside: for tools, for a
 * look at a stopped server, for the day on which something does not read.
 *
 * What is in `sys` follows the format of the files and may change with any version before 1.0.
 *
 * Nothing is changed: files are opened for reading alone.  While an inspection is open no server
 * can start in the directory; others may look at the same time.  One thread at a time; every call
 * blocks, and callbacks run inside of it.
 */
#ifndef COPYCAT_SYS_INSPECT_H
#define COPYCAT_SYS_INSPECT_H

#include <copycat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_inspection copycat_inspection;

/*
 * Partner: copycat_inspect_close.  INVALID: no such directory, or none of a server; LOCKED: a
 * server runs in it; NEWER: all of it was written by a newer version; IO: it cannot be read;
 * MEMORY.
 * `message_out`, which may be NULL, gets a sentence on failure; here as below.
 */
COPYCAT_API copycat_status copycat_inspect_open(
    copycat_inspection **inspection_out, const char *directory, copycat_message *message_out);

/* Accepts NULL. */
COPYCAT_API void copycat_inspect_close(copycat_inspection *inspection);

/* ---- files ----------------------------------------------------------------------------------- */

enum {
    COPYCAT_FILE_JOURNAL = 1, /* a part of the log */
    COPYCAT_FILE_IMAGE = 2,   /* the whole state at one index, but for what is in */
    COPYCAT_FILE_SEGMENT = 3  /* live commits, for images */
};

enum {
    COPYCAT_FILE_USED = 1,       /* a part of the log; what the log stands on */
    COPYCAT_FILE_SPARE = 2,      /* made ahead, holds nothing yet */
    COPYCAT_FILE_UNFINISHED = 3, /* was being made or begun when the server ended */
    COPYCAT_FILE_STRAY = 4,      /* an image or a segment that nothing stands on */
    COPYCAT_FILE_DAMAGED = 5,    /* something in it does not read */
    COPYCAT_FILE_NEWER = 6,      /* of a newer format */
    COPYCAT_FILE_GIVEN_UP = 7,   /* an image covers what it held; it is used again */
    COPYCAT_FILE_MISSING = 8,    /* it is needed and not there */
    COPYCAT_FILE_UNJUDGED = 9    /* an image or a segment: what says who needs it does not read */
};

/* Grows at its end. */
typedef struct copycat_inspect_file {
    char name[64];
    uint64_t size;
    uint64_t unread_bytes; /* of batches that do not read */
    uint64_t batch_count;  /* journal: writes */
    uint64_t entry_count;  /* journal, segment: entries, also such that are dropped or released */
    uint64_t first_index;  /* journal, segment: the lowest and */
    uint64_t last_index;   /* the highest index in it, 0: no entry; image: its index */
    uint64_t term;         /* of the last entry in it; of the image */
    uint64_t time_us;      /* log time of that, since 1970 */
    uint32_t kind;         /* COPYCAT_FILE_JOURNAL ... */
    uint32_t state;        /* COPYCAT_FILE_USED ... */
    uint32_t life;         /* journal: which part of the log, from 1; 0: none */
    uint32_t group;        /* image, segment */
    uint64_t live_count;  /* image: commits that lived at its index; segment: that are in it, too */
    uint64_t image_index; /* segment: of an image that needs it, of the one that is stood on if that
                              does; 0: of none */
    uint32_t image_count; /* segment: images here that need it */
    uint32_t segment_count; /* image: segments that it needs */
    const char *text;       /* image, segment: what is damaged, ""; borrowed for the call */
} copycat_inspect_file;

/* Return 0 to go on, anything else to stop: that is no failure. */
typedef int copycat_inspect_file_callback(const copycat_inspect_file *file, void *user);

/* Each file of the journal in the order of the log, then what holds nothing, then images, then
 * segments, both by index, then what is missing.  Images and segments are read from begin to end. */
COPYCAT_API copycat_status copycat_inspect_files(
    copycat_inspection *inspection,
    copycat_inspect_file_callback *on_file,
    void *user,
    copycat_message *message_out);

/* ---- records --------------------------------------------------------------------------------- */

enum {
    COPYCAT_RECORD_TABLE = 1,    /* at the head of each file: whose it is, and what was so far */
    COPYCAT_RECORD_ENTRY = 2,    /* an entry of the log */
    COPYCAT_RECORD_TRUNCATE = 3, /* entries from `index` on were dropped */
    COPYCAT_RECORD_STATE = 4,    /* term and vote */
    COPYCAT_RECORD_BASE = 5,     /* the founding of the cluster */
    COPYCAT_RECORD_REPAIR = 6,   /* an entry that did not read, fetched from another server */
    COPYCAT_RECORD_SWITCH = 7,   /* the log stands on an image from here on */
    COPYCAT_RECORD_BOOT = 8,     /* a start that went on in this file */
    COPYCAT_RECORD_GAP = 100,    /* none: bytes that do not read; `text` says what is known */

    /* of an image */
    COPYCAT_RECORD_IMAGE = 101,    /* what it is of: index, time_us */
    COPYCAT_RECORD_RESOURCE = 102, /* that exists: instance, resource_type, version */
    COPYCAT_RECORD_DEADLINE = 103, /* of a resource: time_us, instance */
    COPYCAT_RECORD_SESSION = 104,  /* that is open: session, timeout_us, index of its newest entry,
                                      sequence: the newest that has run */
    COPYCAT_RECORD_ANSWER = 105,   /* of the session above, to the entry `index`: status, value */
    COPYCAT_RECORD_BLOB = 106,     /* a piece of a resource's state: instance, value */
    COPYCAT_RECORD_LIVE = 107,     /* entries that live: first, last, count */
    COPYCAT_RECORD_END = 108, /* count: of live entries in segments; checksum: the state's digest */
    COPYCAT_RECORD_SEGMENT = 109, /* a segment that it needs: name, first, last, count, size */

    /* of a segment */
    COPYCAT_RECORD_COMMIT = 110 /* an entry that lived when the segment was made */
};

enum {
    COPYCAT_ENTRY_NOOP = 1,
    COPYCAT_ENTRY_TICK = 2,
    COPYCAT_ENTRY_SESSION_OPEN = 3,
    COPYCAT_ENTRY_SESSION_CLOSE = 4,
    COPYCAT_ENTRY_SESSION_EXPIRE = 5,
    COPYCAT_ENTRY_COMMAND = 6,
    COPYCAT_ENTRY_MARK = 7,
    COPYCAT_ENTRY_REFUSAL = 8
};

/* What does not belong to a type is 0, NULL or "".  Borrowed for the call.  Grows at its end. */
typedef struct copycat_inspect_record {
    const char *file;
    const char *operation; /* COMMAND: "put", "open"; RESOURCE: "map"; "": not known */
    const char *text; /* GAP, and records that make no sense: a sentence; SEGMENT: is it there? */
    copycat_bytes payload; /* as it is stored */
    copycat_bytes path;    /* of a resource that is opened */
    copycat_bytes key;
    copycat_bytes value;
    copycat_bytes expected;
    uint64_t offset; /* of the batch, or the piece of an image, in the file */
    uint64_t size;   /* of an encoded entry; of a gap; of a file */
    uint64_t index;  /* ENTRY, REPAIR, COMMIT, TRUNCATE; TABLE: the last of the log */
    uint64_t term;
    uint64_t time_us;
    uint64_t session;  /* COMMAND, SESSION_CLOSE, SESSION_EXPIRE */
    uint64_t sequence; /* COMMAND: which of the session */
    uint64_t instance; /* COMMAND: the resource, 0: the catalogue */
    uint64_t timeout_us;
    uint64_t first;       /* TABLE: the first entry in the files; LIVE, SEGMENT */
    uint64_t image_index; /* SWITCH, TABLE: what the log stands on; 0: none */
    uint64_t image_size;
    uint64_t checksum; /* of an image; MARK: digest of the state at `mark` */
    uint64_t mark;
    uint64_t boot;
    char identity[40]; /* TABLE: the server's incarnation; BASE: the cluster's id; hexadecimal */
    uint32_t life;
    uint32_t batch;
    uint32_t type;       /* COPYCAT_RECORD_TABLE ... */
    uint32_t entry_kind; /* COPYCAT_ENTRY_NOOP ... */
    uint32_t group;
    uint32_t vote;   /* 0: none */
    uint32_t server; /* TABLE */
    uint32_t is_tail_kept;
    uint64_t last;  /* LIVE, SEGMENT */
    uint64_t count; /* LIVE, SEGMENT, END: entries */
    char name[64];  /* SEGMENT: of its file */
    copycat_status status;
    uint32_t resource_type;
    uint32_t version;
    uint32_t is_released; /* COMMIT: the image that is stood on does without it */
} copycat_inspect_record;

typedef int copycat_inspect_record_callback(const copycat_inspect_record *record, void *user);

/* Each record of the journal in the order in which it was written, and what does not read between
 * them; then those of images and of segments, as far as they read.  `file`: of this one only; NULL:
 * of all.  INVALID: there is no such file. */
COPYCAT_API copycat_status copycat_inspect_records(
    copycat_inspection *inspection,
    const char *file,
    copycat_inspect_record_callback *on_record,
    void *user,
    copycat_message *message_out);

/* ---- is it sound? ---------------------------------------------------------------------------- */

enum {
    COPYCAT_FINDING_LEFTOVER = 1, /* what any crash leaves: a start clears it away */
    COPYCAT_FINDING_REPAIRED = 2, /* damage of which nothing is missing any more */
    COPYCAT_FINDING_REPAIRABLE =
        3,                         /* a start passes over it, and other servers have what it held */
    COPYCAT_FINDING_UNJUDGED = 4,  /* damage behind something that stops a start */
    COPYCAT_FINDING_FATAL = 5,     /* a server does not start with it */
    COPYCAT_FINDING_NEWER = 6,     /* of a newer format: this version cannot tell */
    COPYCAT_FINDING_UNREADABLE = 7 /* the disk refuses to read it */
};

/* Borrowed for the call.  Grows at its end. */
typedef struct copycat_inspect_finding {
    const char *file;     /* "": the directory as a whole */
    const char *what;     /* a sentence: what is wrong, */
    const char *advice;   /* and what that means, and what to do */
    uint64_t offset;      /* COPYCAT_NONE: the file as a whole */
    uint64_t first_index; /* entries that cannot be read; 0: none */
    uint64_t last_index;
    uint32_t kind; /* COPYCAT_FINDING_LEFTOVER ... */
    uint32_t reserved;
} copycat_inspect_finding;

/* What a start would find.  Grows at its end. */
typedef struct copycat_inspect_summary {
    size_t size;          /* set by the caller */
    char cluster[40];     /* in hexadecimal; "": not founded */
    uint64_t first_index; /* entries that are there; none if last is below first */
    uint64_t last_index;
    uint64_t missing_count; /* of them, that do not read: other servers have them */
    uint64_t term;
    uint64_t time_us;     /* log time of the last */
    uint64_t image_index; /* that the log stands on; 0: none */
    uint64_t boots;       /* times that the server was started */
    uint32_t server;
    uint32_t vote;
    uint32_t is_sound;         /* nothing is damaged, missing or newer */
    uint32_t does_start;       /* a server goes on with it, */
    uint32_t is_state_missing; /* and fetches its state from other servers: it waits for them */
    uint32_t segment_count;    /* that the image needs */
} copycat_inspect_summary;

typedef int copycat_inspect_finding_callback(const copycat_inspect_finding *finding, void *user);
typedef void copycat_inspect_progress_callback(uint64_t done, uint64_t total, void *user);

/*
 * Reads everything: recovers as a server does when it starts, without a word to the disk, and
 * verifies each batch and the images.  Takes as much memory as a server that starts.  `on_progress`
 * may be NULL; it is told bytes.
 */
COPYCAT_API copycat_status copycat_inspect_verify(
    copycat_inspection *inspection,
    copycat_inspect_finding_callback *on_finding,
    copycat_inspect_progress_callback *on_progress,
    void *user,
    copycat_inspect_summary *summary_out,
    copycat_message *message_out);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_SYS_INSPECT_H */

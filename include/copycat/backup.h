/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/backup.h -- a running cluster's whole state in a file, and servers made of one: for tools.
 *
 * Every call blocks, and callbacks run inside of it.  `message_out`, which may be NULL, gets a
 * sentence on failure: what is wrong, where, and what to do.  What a call was to make is there whole,
 * and durable, or not at all.
 */
#ifndef COPYCAT_BACKUP_H
#define COPYCAT_BACKUP_H

#include <copycat/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a backup is of.  `size` is set by the caller; grows at its end. */
typedef struct copycat_backup_info {
    size_t size;
    char cluster[40];      /* the cluster that it was made of, in hexadecimal */
    uint64_t index;        /* the state after this entry of its log, */
    uint64_t term;         /* which has this term */
    uint64_t log_time_us;  /* and this log time, since 1970 */
    uint64_t made_us;      /* by the clock of who made it, since 1970 */
    uint64_t file_size;    /* bytes */
    uint64_t records_size; /* bytes of what is packed in it */
    uint64_t checksum;     /* of the file but for its last block */
    uint64_t digest;       /* of the state */
    uint64_t resources;
    uint64_t sessions;
    uint32_t is_built; /* copycat_backup_verify has built the state, and it has the digest */
    uint32_t reserved;
} copycat_backup_info;

enum {
    COPYCAT_BACKUP_SEEKING = 1,   /* the leader; `done` counts the tries */
    COPYCAT_BACKUP_WAITING = 2,   /* until it has an image */
    COPYCAT_BACKUP_RECEIVING = 3, /* bytes of records */
    COPYCAT_BACKUP_CHECKING = 4,  /* bytes of the file, which is read */
    COPYCAT_BACKUP_WRITING = 5    /* likewise, and a directory is made of it */
};

/* How far it is: `done` of `total`, 0: nobody knows. */
typedef void copycat_backup_progress(uint32_t phase, uint64_t done, uint64_t total, void *user);

/* ---- making ---------------------------------------------------------------------------------- */

/* Zero means default, so fields can be added at the end; no padding. */
typedef struct copycat_backup_options {
    size_t size;                       /* set by COPYCAT_BACKUP_OPTIONS_INIT */
    const char *servers;               /* as for copycat_client_open; any of the cluster will do */
    uint64_t timeout_ms;               /* without getting on, 0: 10000 */
    uint64_t replaces;                 /* 1: a file that is there, when the new one is complete */
    copycat_backup_progress *progress; /* or NULL */
    void *user;
} copycat_backup_options;

#define COPYCAT_BACKUP_OPTIONS_INIT                            \
    {                                                          \
        sizeof(copycat_backup_options), NULL, 0, 0, NULL, NULL \
    }

/*
 * Makes the file `path`, with everything that the cluster had acknowledged before the call.  It is
 * written as "<path>.part", synced, read back, and then gets its name.  Where the leader changes
 * meanwhile, it is begun again.  `info_out` may be NULL.
 *
 * INVALID: the file is there and is not to be replaced, or cannot be made there; LOCKED: another
 * backup writes it; UNAVAILABLE, NO_LEADER: no leader could be asked in time; DISK_FULL, IO; DAMAGED:
 * what was read back is not what was written; MALFORMED, VERSION: a server of another version; MEMORY.
 */
COPYCAT_API copycat_status copycat_backup_make(
    const char *path,
    const copycat_backup_options *options,
    copycat_backup_info *info_out,
    copycat_message *message_out);

/* ---- verifying ------------------------------------------------------------------------------- */

/*
 * Reads all of it and builds the state, in memory, to see that it is the one.  Types of resources
 * that this library has not got it cannot build; then everything else was checked.
 *
 * INVALID: no such file, or no backup; DAMAGED; NEWER: of a later version; IO; MEMORY.
 */
COPYCAT_API copycat_status copycat_backup_verify(
    const char *path,
    copycat_backup_progress *progress,
    void *user,
    copycat_backup_info *info_out,
    copycat_message *message_out);

/* ---- restoring ------------------------------------------------------------------------------- */

typedef struct copycat_restore_options {
    size_t size;          /* set by COPYCAT_RESTORE_OPTIONS_INIT */
    const char *data_dir; /* of one server; not there yet, or empty */
    const char *cluster; /* 32 hexadecimal digits: as the first member was given; NULL: a new one */
    uint64_t id;         /* of the server */
    copycat_backup_progress *progress; /* or NULL */
    void *user;
} copycat_restore_options;

#define COPYCAT_RESTORE_OPTIONS_INIT                               \
    {                                                              \
        sizeof(copycat_restore_options), NULL, NULL, 0, NULL, NULL \
    }

/*
 * Makes the directory of one server of a new cluster.  Its servers, all restored from one backup with
 * one `cluster`, are then started as new ones are, and found it.  `cluster_out` (33 bytes) is the
 * id; `info_out` may be NULL.
 *
 * INVALID: an option is wrong, or the directory is used, or cannot be made there; LOCKED: a server
 * runs in it; of the file as above; DISK_FULL, IO, MEMORY.
 */
COPYCAT_API copycat_status copycat_backup_restore(
    const char *path,
    const copycat_restore_options *options,
    char *cluster_out,
    copycat_backup_info *info_out,
    copycat_message *message_out);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_BACKUP_H */

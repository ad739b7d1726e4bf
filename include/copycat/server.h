/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/server.h -- one member of a cluster, inside your process.
 *
 * Threads: a server has a loop thread of its own; its callbacks and its machines run there.  [any]
 * may be called from every thread, [outside] from every thread but that one.
 *
 * After fork, in the child, a server is dead and closing it does nothing; but the child shares what
 * the system knows of it: as long as it neither ends nor calls exec, the directory stays locked and
 * the port taken.
 */
#ifndef COPYCAT_SERVER_H
#define COPYCAT_SERVER_H

#include <copycat/machine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct copycat_server copycat_server;

enum {
    COPYCAT_SERVER_RECOVERING = 0, /* reading its journal */
    COPYCAT_SERVER_FOUNDING = 1,   /* waits until all listed members are there for the first time */
    COPYCAT_SERVER_MEMBER = 2,     /* takes part */
    COPYCAT_SERVER_FAILED = 3      /* stopped for good: see the message; restart it */
};

typedef struct copycat_server_options {
    size_t size;
    const char *members;  /* "1=host:port,2=unix:/path,3=local:name": the same list for everybody */
    const char *data_dir; /* its own; made if it is not there */

    /* Machines of your own, beside the resources that every server knows; the array is copied, the
     * types must live as long as the server. */
    const copycat_machine_type *const *machines;

    /* A sentence for the operator's log, and each new COPYCAT_SERVER_*; or NULL. */
    void (*notice)(const char *text, void *user);
    void (*changed)(uint32_t state, copycat_status status, void *user);
    void *user;

    uint64_t journal_file_size; /* bytes at most, a multiple of 4096, 0: 64 MiB */
    uint32_t id;                /* which of the members this is */
    uint32_t machine_count;
    uint32_t election_timeout_ms;   /* 0: 1000.  The same everywhere */
    uint32_t heartbeat_interval_ms; /* at most a third of that, 0: a fifth */
    uint32_t connections_max;       /* 0: 10000 */
    uint32_t reserved;

    /* A leader is known that was not, to this server: another, or in a new term; or NULL. */
    void (*led)(uint32_t leader, uint64_t term, void *user);

    /*
     * The last words of a server that has broken a promise to itself, by a fault of the library or
     * of one of its machines, or that has found no memory for its state; or NULL.  It is no longer
     * to be trusted with anything, so when this returns the process is aborted; what was
     * acknowledged is on disk.  `promise` is what did not hold, at `line` of `file`.
     *
     * Runs on the server's loop thread, or on the one that is opening it, in the midst of
     * things: locks may be held.  Write down what is worth knowing, or end the process in a way of
     * your own; call nothing of this library, and do not jump out.
     */
    void (*on_panic)(const char *file, uint32_t line, const char *promise, void *user);

    /* As `notice`, but of what is no trouble: neighbours that come and go; or NULL. */
    void (*news)(const char *text, void *user);

    /*
     * Bytes of the directory, and bytes of the state, as it is on disk in one image; 0: no limit but
     * what the file system has room for.  Before either is reached, and while the file system has
     * no room for another image and journal file, commands that would store more are answered
     * COPYCAT_ERR_QUOTA; all else goes on, and so do they once there is room again.  Each member's
     * disk_quota is at least four journal files; the leader's state_quota counts.
     */
    uint64_t disk_quota;
    uint64_t state_quota;
} copycat_server_options;

#define COPYCAT_SERVER_OPTIONS_INIT                                                              \
    {                                                                                            \
        sizeof(copycat_server_options), NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, \
            NULL, NULL, NULL, 0, 0                                                               \
    }

COPYCAT_API void copycat_server_options_init(copycat_server_options *options, size_t size);

/*
 * Reads the journal, listens, and returns once that is done: the server is founding or a member.
 * `message_out` gets a sentence on failure.  Partner: copycat_server_close.
 *
 * INVALID or UNSUPPORTED (members, id, options, machines), LOCKED, FOREIGN (the directory is of
 * another server, or its cluster has other members), NEWER, DAMAGED (of the directory), IO, DISK_FULL, ADDRESS_IN_USE, MEMORY. [any]
 *
 * Where memory runs out while the journal is read, some of what was taken for it is not given back;
 * where it runs out later, the server stops: see `on_panic` and `changed`.
 */
COPYCAT_API copycat_status copycat_server_open(
    copycat_server **server_out,
    const copycat_server_options *options,
    copycat_message *message_out);

/* Stops, without losing what was promised, and calls nobody back any more.  Returns when the
 * directory is free; from a callback at once, and the rest comes later.  Accepts NULL. [any] */
COPYCAT_API void copycat_server_close(copycat_server *server);

/* Where it stands; a view of a moment. */
typedef struct copycat_server_status {
    size_t size; /* set by the caller */
    uint64_t term;
    uint64_t commit;
    uint64_t applied;
    uint64_t last;
    uint64_t digest; /* of the state at `applied`: equal on all members */
    uint32_t id;
    uint32_t leader;        /* 0: unknown */
    uint32_t state;         /* COPYCAT_SERVER_* */
    copycat_status failure; /* of COPYCAT_SERVER_FAILED */
} copycat_server_status;

/* [any] */
COPYCAT_API void copycat_server_status_of(
    copycat_server *server, copycat_server_status *status_out);

/* Hands leadership to the most advanced member, if this server leads; for a stop that nobody
 * notices.  Returns when another leads, BUSY at once if no other member with a vote can be reached,
 * or NO_LEADER when that has come to be so, or after `timeout_ms`. [outside] */
COPYCAT_API copycat_status copycat_server_hand_over(copycat_server *server, uint64_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_SERVER_H */

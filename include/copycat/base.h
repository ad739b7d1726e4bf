/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycat/base.h -- words every other header uses: a status and a run of bytes.
 *
 * A status answers the question "did it happen?".  Its hundreds digit is the class:
 *
 *   1xx  refused      it did not happen, and trying again is useless
 *   2xx  retry        it did not happen, and may be tried again
 *   3xx  unknown      nobody can say whether it happened
 *   4xx  finished     this handle is dead; nothing more will happen through it
 *
 * Values are negative; zero is success.  A newer library may return what an older header lacks, so
 * decide by class where the exact value does not matter.
 */
#ifndef COPYCAT_BASE_H
#define COPYCAT_BASE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the library exports. */
#if defined(__GNUC__)
#    define COPYCAT_API __attribute__((visibility("default")))
#else
#    define COPYCAT_API
#endif

typedef int32_t copycat_status;

/* X(name, value, text): the one list of all statuses. */
#define COPYCAT_STATUS_TABLE(X)                                                              \
    X(COPYCAT_OK, 0, "ok")                                                                   \
    X(COPYCAT_ERR_INVALID, -101, "an argument is not valid")                                 \
    X(COPYCAT_ERR_UNSUPPORTED, -102, "this version does not support the request")            \
    X(COPYCAT_ERR_TOO_LARGE, -103, "larger than the limit allows")                           \
    X(COPYCAT_ERR_TYPE, -104, "the path already names a resource of another type")           \
    X(COPYCAT_ERR_UNKNOWN_RESOURCE, -105, "no such resource")                                \
    X(COPYCAT_ERR_UNKNOWN_OPERATION, -106, "the resource does not know this operation")      \
    X(COPYCAT_ERR_QUOTA, -107, "a quota is used up")                                         \
    X(COPYCAT_ERR_NOT_MEMBER, -108, "this server is not a member of the cluster")            \
    X(COPYCAT_ERR_CLUSTER, -109, "the other side belongs to another cluster")                \
    X(COPYCAT_ERR_VERSION, -110, "the other side speaks another version")                    \
    X(COPYCAT_ERR_MALFORMED, -111, "bytes that were received or read make no sense")         \
    X(COPYCAT_ERR_PATH, -112, "a path has an empty part, a bad byte, or is too long")        \
    X(COPYCAT_ERR_BUSY, -201, "too much is waiting; try again")                              \
    X(COPYCAT_ERR_NO_LEADER, -202, "no leader is known; try again")                          \
    X(COPYCAT_ERR_UNAVAILABLE, -203, "no server could be reached in time; try again")        \
    X(COPYCAT_ERR_TIMEOUT, -204, "nothing was done in time; try again")                      \
    X(COPYCAT_ERR_MEMORY, -205, "out of memory; try again")                                  \
    X(COPYCAT_ERR_ADDRESS_IN_USE, -206, "another process listens on this address")           \
    X(COPYCAT_ERR_OUTCOME, -301, "the outcome is unknown: it may have happened, or may yet") \
    X(COPYCAT_ERR_CLOSED, -401, "the handle is closed")                                      \
    X(COPYCAT_ERR_SESSION, -402, "the session has ended")                                    \
    X(COPYCAT_ERR_IO, -403, "reading or writing the disk failed; the server has stopped")    \
    X(COPYCAT_ERR_DAMAGED, -404, "data on disk is damaged")                                  \
    X(COPYCAT_ERR_LOCKED, -405, "another process uses the directory")                        \
    X(COPYCAT_ERR_FOREIGN, -406, "the directory belongs to another server or cluster")       \
    X(COPYCAT_ERR_NEWER, -407, "the directory was written by a newer version")               \
    X(COPYCAT_ERR_DISK_FULL, -408, "the disk is full; the server has stopped")               \
    X(COPYCAT_ERR_BROKEN, -409, "a fault inside the library; please report it")

enum {
#define COPYCAT_STATUS_ENUM(name, value, text) name = (value),
    COPYCAT_STATUS_TABLE(COPYCAT_STATUS_ENUM)
#undef COPYCAT_STATUS_ENUM
};

enum {
    COPYCAT_CLASS_OK = 0,
    COPYCAT_CLASS_REFUSED = 1,
    COPYCAT_CLASS_RETRY = 2,
    COPYCAT_CLASS_UNKNOWN = 3,
    COPYCAT_CLASS_FINISHED = 4
};

/* Where zero would mean "default", this means "none". */
#define COPYCAT_NONE UINT64_MAX

/* Borrowed bytes; frozen: this struct never grows. */
typedef struct copycat_bytes {
    const void *data;
    size_t size;
} copycat_bytes;

/* The bytes of a string literal, without its end. */
#define COPYCAT_STR(literal) (copycat_str(literal))

/* The bytes of a string, without its end; NULL gives {NULL, 0}. [any] */
COPYCAT_API copycat_bytes copycat_str(const char *string);

/* A sentence for people about what went wrong, and what to do; frozen. */
typedef struct copycat_message {
    char text[512];
} copycat_message;

/* The library's own version, "0.1.0"; static memory. [any] */
COPYCAT_API const char *copycat_version(void);

/* The class of a status, COPYCAT_CLASS_*. [any] */
COPYCAT_API int copycat_status_class(copycat_status status);

/* A sentence about a status, never NULL; static memory. [any] */
COPYCAT_API const char *copycat_status_text(copycat_status status);

#ifdef __cplusplus
}
#endif

#endif /* COPYCAT_BASE_H */

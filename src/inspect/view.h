/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view -- the seam, for looking only: whoever runs on it reads a directory, and can change nothing.
 *
 * Recovery and readers of images are written for env.h; here they run as they are.  What would
 * write is refused and noted: recovery writes only once it has accepted all that it found.
 *
 * Threads:  the caller's; each request is carried out in cc_view_run, one after the other.
 * Memory:   from `memory`; a view lives in the caller's.
 *
 * Invariants
 *   V1  no file is made, written, removed or synced
 */
#ifndef CC_INSPECT_VIEW_H
#define CC_INSPECT_VIEW_H

#include "env/env.h"

/* A directory whose calls block.  Statuses: OK, IO; of open also INVALID (no such name), BUSY. */
struct cc_view_files {
    copycat_status (*list)(
        void *context, void (*on_name)(void *owner, const char *name), void *owner);
    copycat_status (*open)(void *context, const char *name, void **handle_out, uint64_t *size_out);
    copycat_status (*read)(void *context, void *handle, uint64_t offset, void *data, size_t size);
    void (*close)(void *context, void *handle);
};

struct cc_view {
    struct cc_env env;
    const struct cc_view_files *files;
    void *context;
    struct cc_list tasks;
    struct cc_list requests;
    bool is_write_wanted;                        /* something was to be changed, and was refused */
    void (*on_read)(void *owner, uint64_t size); /* NULL: nobody wants to know how far it is */
    void *owner;
};

/* `files` and `context` stay valid as long as the view is used. */
void cc_view_init(
    struct cc_view *view,
    const struct cc_memory *memory,
    const struct cc_view_files *files,
    void *context);

/* Runs what was asked for until `*is_over`, or until nothing is left to be done. */
void cc_view_run(struct cc_view *view, const bool *is_over);

#endif /* CC_INSPECT_VIEW_H */

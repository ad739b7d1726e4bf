/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_directory -- a directory of this machine, for a view: locked against servers, shared with
 * others who look.
 */
#ifndef CC_INSPECT_VIEW_DIRECTORY_H
#define CC_INSPECT_VIEW_DIRECTORY_H

#include "inspect/view.h"

struct cc_view_directory {
    int descriptor;
};

extern const struct cc_view_files cc_view_directory_files;

/* Partner: cc_view_directory_close.  INVALID, LOCKED or IO, with a sentence. */
copycat_status cc_view_directory_open(
    struct cc_view_directory *directory, const char *path, copycat_message *message);
void cc_view_directory_close(struct cc_view_directory *directory);

#endif /* CC_INSPECT_VIEW_DIRECTORY_H */

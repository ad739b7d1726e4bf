/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retiring -- a state that nobody needs is given back, a slice in each pass: of a large one that takes
 * long, and heartbeats go on.  Another has taken its place, or its image was given up in the middle.
 *
 * Where it sits:   group_install, loading, taking, fetching -> [retiring] -> apply.
 * Memory:          that of the state until it is gone; closing the server waits for that.
 */
#ifndef CC_SERVER_IMAGE_RETIRING_H
#define CC_SERVER_IMAGE_RETIRING_H

#include "server/server.h"

struct cc_apply;

/* Accepts NULL.  Nobody else has it any more. */
void cc_retiring_begin(struct cc_server *server, struct cc_apply *apply_take);

#endif /* CC_SERVER_IMAGE_RETIRING_H */

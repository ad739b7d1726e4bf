/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_options -- what a host asks of a server, checked before anything is opened, each fault
 * with a sentence.
 */
#ifndef CC_API_SERVER_OPTIONS_H
#define CC_API_SERVER_OPTIONS_H

#include "proto/member.h"

#include <copycat/server.h>

struct cc_server_setup {
    copycat_server_options options; /* defaults filled in; its strings are the host's */
    struct cc_members members;
    const copycat_machine_type **types; /* NULL-terminated, the map first; partner: free */
};

/* INVALID, UNSUPPORTED, MEMORY; then there is nothing to free. */
copycat_status cc_server_setup_read(
    struct cc_server_setup *setup_out,
    const copycat_server_options *options,
    copycat_message *message_out);

#endif /* CC_API_SERVER_OPTIONS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address -- lists of servers as people write them, and sentences about what is wrong.
 */
#ifndef CC_API_ADDRESS_H
#define CC_API_ADDRESS_H

#include <copycat/base.h>

#define CC_ADDRESSES_MAX 64u

struct cc_addresses {
    const char **at;
    uint32_t count;
};

/*
 * "host:port,unix:/path" or "1=host:port,2=host:port/learner": what stands before '=' is left out.
 * Partner: cc_addresses_free.  INVALID, MEMORY.
 */
copycat_status cc_addresses_parse(
    const char *text, struct cc_addresses *addresses_out, copycat_message *message_out);
void cc_addresses_free(struct cc_addresses *addresses);

/* Writes `text`, NULL: that of the status, where the caller wants it, and returns the status. */
copycat_status cc_fail(copycat_message *message_out, copycat_status status, const char *text);

#endif /* CC_API_ADDRESS_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_env -- tasks and one connection, moved by the test; whatever breaks a promise of env.h
 * panics.
 *
 * What is written is borrowed until it was sent, as a kernel would: the copy made at the time of
 * the write is compared when the test says that it has been sent.
 */
#ifndef CC_TEST_FAKE_ENV_H
#define CC_TEST_FAKE_ENV_H

#include "env/env.h"

#define FAKE_SENT_MAX (1u << 20)

struct fake_env {
    struct cc_env env;
    struct cc_list tasks;
    struct cc_list pass_end; /* among the tasks: where the pass under way ends */
    struct cc_conn *conn;    /* NULL: none, or closed */
    const char *address;     /* asked for with connect */
    const uint8_t *under_way;
    size_t under_way_size;
    size_t written_size;
    uint32_t write_count;
    uint32_t close_count;
    uint8_t written[FAKE_SENT_MAX]; /* all that was written; last, for it is not cleared */
};

void fake_env_init(struct fake_env *fake, const struct cc_memory *memory);

/* The end of a pass: what was given before runs once. */
void fake_env_pass(struct fake_env *fake);

/* The connection was accepted by a listener. */
void fake_env_accepted(struct fake_env *fake, struct cc_conn *conn);

/* What happens to the connection. */
void fake_env_open(struct fake_env *fake);
void fake_env_sent(struct fake_env *fake);
void fake_env_closed(struct fake_env *fake);

/* Bytes from the other side, handed over in memory of exactly their size. */
void fake_env_data(struct fake_env *fake, const void *data, size_t size);

#endif /* CC_TEST_FAKE_ENV_H */

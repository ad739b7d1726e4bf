/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract -- what src/env/env.h promises, asked of every implementation: the simulated world, and
 * a real machine with io_uring and with a helper thread.
 *
 * A promise is a test that knows env.h and this header only.  It has two sides, each a process of
 * its own as far as it can tell: `left` and `right`.
 */
#ifndef CC_TEST_CONTRACT_H
#define CC_TEST_CONTRACT_H

#include "env/env.h"

#define CONTRACT_SIDES 2u
#define CONTRACT_PATH_SIZE 256u

struct contract;

struct contract_world {
    const char *name;

    /* Both sides up; false: this machine cannot do it. */
    bool (*open)(struct contract *contract);
    void (*close)(struct contract *contract);

    /* Lets something happen, or some time pass. */
    void (*step)(struct contract *contract);

    /* The side ends without notice, and begins again with nothing but its disk. */
    void (*restart)(struct contract *contract, uint32_t side);

    /* A side that is paused does nothing. */
    void (*pause)(struct contract *contract, uint32_t side, bool is_paused);

    /* An address that `side` may listen at; `found` is then where it is reached. */
    void (*address)(struct contract *contract, char *text_out, size_t size);
    void (*found)(
        struct contract *contract,
        uint32_t side,
        const struct cc_listener *listener,
        char *text_out,
        size_t size);
};

struct contract {
    const struct contract_world *world;
    const char *transport; /* "tcp" or "unix", where there is a choice */
    void *backend;
    struct cc_env *left;
    struct cc_env *right;
    char directory[CONTRACT_PATH_SIZE]; /* not there yet; each side's own if there are two disks */
};

struct promise {
    const char *name;
    void (*keep)(struct contract *contract);
};

#define PROMISE(name) \
    {                 \
#        name, name   \
    }

extern const struct contract_world contract_simulated;
extern const struct contract_world contract_ring;
extern const struct contract_world contract_thread;

extern const struct promise loop_promises[];
extern const struct promise disk_promises[];
extern const struct promise net_promises[];

/* Beyond env.h: what src/env/uv/env_uv.h says. */
extern const struct promise uv_promises[];
extern const struct promise uv_address_promises[];
extern const struct promise uv_process_promises[];
extern const struct promise uv_disk_promises[];
extern const struct promise abandon_promises[];

/* Steps until `condition(owner)`; a test failure if it does not come to be. */
void contract_until(struct contract *contract, bool (*condition)(void *owner), void *owner);

/* Lets `us` pass on the left side's clock. */
void contract_wait(struct contract *contract, uint64_t us);

#endif /* CC_TEST_CONTRACT_H */

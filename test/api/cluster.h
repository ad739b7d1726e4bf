/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster -- members inside the test's process, on real disks and "local:" addresses; and a bell,
 * for waiting until something has happened on another thread.
 */
#ifndef CC_TEST_CLUSTER_H
#define CC_TEST_CLUSTER_H

#include <copycat.h>

#include <pthread.h>
#include <stdbool.h>

#define CLUSTER_MAX 3u

/* How long a test waits for what must come, in milliseconds. */
#define PATIENCE_MS 30000u

struct cluster {
    copycat_server *servers[CLUSTER_MAX]; /* NULL: closed */
    char root[64];                        /* a directory; removed at the end */
    char members[256];
    uint32_t count;
};

/* Opens `count` members, which know `machine` beside the map if it is not NULL. */
void cluster_start(struct cluster *cluster, uint32_t count, const copycat_machine_type *machine);

/* Closes what is still open and removes the directory. */
void cluster_end(struct cluster *cluster);

/* Opens a member again. */
void cluster_restart(struct cluster *cluster, uint32_t place, const copycat_machine_type *machine);

/* Asks until the member at `place` says that somebody leads; who. */
uint32_t cluster_leader(struct cluster *cluster, uint32_t place);

copycat_client *cluster_client(const struct cluster *cluster);

/* A fresh directory, at most 63 bytes with its end; and away with it. */
void directory_make(char path[64]);
void directory_remove(const char *path);

/* ---- a bell ---------------------------------------------------------------------------------- */

struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    uint32_t count;
};

#define BELL_INIT                                              \
    {                                                          \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 \
    }

void bell_ring(struct bell *bell);
uint32_t bell_count(struct bell *bell);

/* Until it was rung that often in all; false if that does not come. */
bool bell_wait(struct bell *bell, uint32_t count);

#endif /* CC_TEST_CLUSTER_H */

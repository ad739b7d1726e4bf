/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster -- see cluster.h.
 */
#include "cluster.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void must(bool is_so, const char *what)
{
    if (!is_so) {
        fprintf(stderr, "cluster: %s\n", what);
        abort();
    }
}

/* ---- directories ----------------------------------------------------------------------------- */

void directory_make(char path[64])
{
    snprintf(path, 64, "/tmp/copycat-api-XXXXXX");
    must(mkdtemp(path) != NULL, "no directory can be made in /tmp");
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

void directory_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- members --------------------------------------------------------------------------------- */

void cluster_restart(struct cluster *cluster, uint32_t place, const copycat_machine_type *machine)
{
    const copycat_machine_type *machines[] = {machine};
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;
    copycat_message message;
    char directory[96];

    snprintf(directory, sizeof directory, "%s/%u", cluster->root, place + 1);
    options.id = place + 1;
    options.members = cluster->members;
    options.data_dir = directory;
    options.machines = machines;
    options.machine_count = machine != NULL;
    options.journal_file_size = 1u << 20;
    must(
        copycat_server_open(&cluster->servers[place], &options, &message) == COPYCAT_OK,
        message.text);
}

void cluster_start(struct cluster *cluster, uint32_t count, const copycat_machine_type *machine)
{
    static unsigned clusters;
    size_t used = 0;

    *cluster = (struct cluster){.count = count};
    directory_make(cluster->root);
    clusters++;
    for (uint32_t i = 0; i < count; i++) {
        used += (size_t)snprintf(
            cluster->members + used, sizeof cluster->members - used, "%s%u=local:%u-%u",
            i == 0 ? "" : ",", i + 1, clusters, i + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        cluster_restart(cluster, i, machine);
    }
}

void cluster_end(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->count; i++) {
        copycat_server_close(cluster->servers[i]);
    }
    directory_remove(cluster->root);
}

uint32_t cluster_leader(struct cluster *cluster, uint32_t place)
{
    copycat_server_status status = {.size = sizeof status};
    const struct timespec pause = {0, 2000000};

    for (uint32_t tries = 0; status.leader == 0; tries++) {
        must(tries < PATIENCE_MS / 2, "nobody leads");
        (void)nanosleep(&pause, NULL);
        copycat_server_status_of(cluster->servers[place], &status);
    }
    return status.leader;
}

copycat_client *cluster_client(const struct cluster *cluster)
{
    copycat_client *client;
    copycat_message message;

    must(
        copycat_client_open(&client, cluster->members, NULL, &message) == COPYCAT_OK, message.text);
    return client;
}

/* ---- a bell ---------------------------------------------------------------------------------- */

void bell_ring(struct bell *bell)
{
    pthread_mutex_lock(&bell->lock);
    bell->count++;
    pthread_cond_broadcast(&bell->rung);
    pthread_mutex_unlock(&bell->lock);
}

uint32_t bell_count(struct bell *bell)
{
    uint32_t count;

    pthread_mutex_lock(&bell->lock);
    count = bell->count;
    pthread_mutex_unlock(&bell->lock);
    return count;
}

bool bell_wait(struct bell *bell, uint32_t count)
{
    struct timespec deadline;
    int failed = 0;
    bool has_rung;

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&bell->lock);
    while (bell->count < count && failed != ETIMEDOUT) {
        failed = pthread_cond_timedwait(&bell->rung, &bell->lock, &deadline);
    }
    has_rung = bell->count >= count;
    pthread_mutex_unlock(&bell->lock);
    return has_rung;
}

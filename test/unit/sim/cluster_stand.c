/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_stand -- see cluster_stand.h.
 */
#include "cluster_stand.h"

#include "sim/sim_disk_internal.h"

#include <string.h>

struct cc_cluster *cluster;
struct cc_workload *workload;

struct cc_workload_options stand_puts(uint32_t operations, uint32_t window, uint32_t keys)
{
    return (struct cc_workload_options){
        .operations_max = operations,
        .window = window,
        .keys = keys,
        .maps = 1,
        .think_us_max = 2000,
        .kinds = 1u << CC_HISTORY_PUT,
        .session_timeout_us = 60000000};
}

void run_for(uint64_t time_us)
{
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + time_us);
    if (cc_judge_verdict(cluster->judge) != NULL) {
        fail_msg("%s", cc_judge_verdict(cluster->judge));
    }
}

int stand_begin(const struct cc_cluster_options *options, const struct cc_workload_options *work)
{
    cluster = cc_cluster_create(options);
    workload = work == NULL ? NULL : cc_workload_create(cluster, work);
    for (uint32_t i = 0; i < cluster->server_count; i++) {
        cc_cluster_start(cluster, i);
    }
    run_for(3000000);
    return cc_cluster_is_settled(cluster) ? 0 : -1;
}

int stand_end(void **state)
{
    (void)state;
    if (workload != NULL) {
        cc_workload_destroy(workload);
        workload = NULL;
    }
    cc_cluster_destroy(cluster);
    return 0;
}

struct cc_server *server_at(uint32_t place)
{
    return cluster->seats[place].server;
}

struct cc_group *group_at(uint32_t place)
{
    assert_non_null(server_at(place));
    return server_at(place)->group;
}

struct cc_sim_file *file_of(uint32_t place, const char *name)
{
    struct cc_sim_file *file = cluster->world->machines[place].disk->files;
    struct cc_sim_file *newest = NULL;

    for (; file != NULL; file = file->next) {
        if (file->is_named && strstr(file->name, name) != NULL &&
            (newest == NULL || strcmp(file->name, newest->name) > 0)) {
            newest = file;
        }
    }
    assert_non_null(newest);
    return newest;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What is promised of reads that have to wait: their bytes are bounded, whoever asks for what. */
#include "client/client.h"
#include "resource/map/map_operation.h"
#include "sim/cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define READS 100u
#define READ_SIZE (1u << 20)
#define WAITING_BYTES_MAX (65536u * 1024u)

struct read {
    struct cc_call call;
    copycat_status status;
};

static struct cc_cluster *cluster;
static struct cc_client *client;
static struct cc_client_resource map;
static struct read reads[READS];
static uint32_t done_count;

static void run_for(uint64_t time_us)
{
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + time_us);
    assert_null(cc_judge_verdict(cluster->judge));
}

static void done(struct cc_call *call)
{
    struct read *read = call->owner;

    read->status = call->status;
    done_count++;
}

static void closed(void *owner)
{
    *(bool *)owner = true;
}

static void ask(struct read *read, copycat_bytes operation)
{
    *read = (struct read){.status = COPYCAT_ERR_INVALID};
    read->call = (struct cc_call){
        .kind = CC_CALL_QUERY,
        .level = CC_READ_LINEARIZABLE,
        .operation = operation,
        .done = done,
        .owner = read};
    cc_client_call(client, &map, &read->call);
}

static void set_up(uint32_t *leader_out)
{
    struct cc_cluster_options options = {
        .seed = 3, .voter_count = 3, .client_count = 1, .election_timeout_us = 2000000};
    struct cc_client_options of_client = {.address_count = 1, .window_max = READS, .seed = 9};
    uint8_t size = CC_MAP_SIZE;

    cluster = cc_cluster_create(&options);
    for (uint32_t i = 0; i < 3; i++) {
        cc_cluster_start(cluster, i);
    }
    run_for(10000000);
    *leader_out = cc_cluster_leader(cluster);
    assert_int_not_equal(*leader_out, UINT32_MAX);

    const char *address = cluster->members.at[*leader_out].address;

    of_client.addresses = &address;
    assert_int_equal(
        cc_client_open(&client, cc_world_boot(cluster->world, 3), &of_client, NULL, NULL),
        COPYCAT_OK);
    cc_client_resource_init(client, &map, "/map", CC_MAP_TYPE_ID);
    ask(&reads[0], (copycat_bytes){&size, 1});
    run_for(1000000);
    assert_int_equal(reads[0].status, COPYCAT_OK);
}

static size_t bytes_of(struct cc_list *list)
{
    size_t bytes = 0;

    cc_list_each(node, list) {
        bytes += cc_container_of(node, struct cc_waiting, node)->operation_size;
    }
    return bytes;
}

/* A leader that hears of nobody cannot answer; until it knows that, what is asked of it waits. */
static void large_reads_that_wait_are_refused_before_they_are_too_many(void **state)
{
    uint8_t *operation = calloc(1, READ_SIZE);
    uint32_t leader;
    size_t most = 0;
    bool is_closed = false;

    (void)state;
    assert_non_null(operation);
    set_up(&leader);
    for (uint32_t i = 0; i < 3; i++) {
        cc_world_cut(cluster->world, leader, i, i != leader);
        cc_world_cut(cluster->world, i, leader, i != leader);
    }
    for (uint32_t i = 0; i < READS; i++) {
        ask(&reads[i], (copycat_bytes){operation, READ_SIZE});
    }
    for (uint32_t i = 0; i < 1000; i++) {
        struct cc_group *group = cluster->seats[leader].server->group;

        run_for(1000);

        size_t bytes = bytes_of(&group->fresh) + bytes_of(&group->confirming);

        most = bytes > most ? bytes : most;
    }
    assert_in_range(most, WAITING_BYTES_MAX / 2, WAITING_BYTES_MAX);
    for (uint32_t i = 0; i < 3; i++) {
        cc_world_cut(cluster->world, leader, i, false);
        cc_world_cut(cluster->world, i, leader, false);
    }
    cc_client_close(client, closed, &is_closed);
    run_for(5000000);
    assert_true(is_closed);
    assert_int_equal(done_count, 1 + READS);
    cc_cluster_destroy(cluster);
    free(operation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_reads_that_wait_are_refused_before_they_are_too_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

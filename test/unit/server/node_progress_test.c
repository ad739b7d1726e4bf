/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_progress -- a start that takes long says how far it is, and one that does not says nothing.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLACE 0u
#define SENTENCES_MAX 64u

static char sentences[SENTENCES_MAX][256];
static uint32_t count;

static void on_news(void *owner, const char *text)
{
    (void)owner;
    assert_true(count < SENTENCES_MAX);
    snprintf(sentences[count++], sizeof sentences[0], "%s", text);
}

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_free();
    return 0;
}

static void start(uint32_t slowness)
{
    cc_cluster_crash(cluster, PLACE);
    cc_world_disk_slow(cluster->world, PLACE, slowness);
    cc_cluster_start(cluster, PLACE);
    stand_server(PLACE)->callbacks.news = on_news;
    while (stand_server(PLACE)->state == CC_SERVER_RECOVERING) {
        stand_run(100000);
    }
}

/* How many sentences begin so. */
static uint32_t said(const char *words)
{
    uint32_t hits = 0;

    for (uint32_t i = 0; i < count; i++) {
        hits += strncmp(sentences[i], words, strlen(words)) == 0;
    }
    return hits;
}

static void a_slow_disk_is_no_secret(void **state)
{
    (void)state;
    start(5000);
    assert_true(said("reads the journal: ") >= 2);
    assert_int_equal(said("has read all that it stands on, in "), 1);
}

static void a_fast_start_says_nothing(void **state)
{
    (void)state;
    start(1);
    assert_int_equal(said("reads the journal"), 0);
    assert_int_equal(said("has read all"), 0);
}

static void who_is_stopped_in_the_middle_says_no_more(void **state)
{
    (void)state;
    cc_cluster_crash(cluster, PLACE);
    cc_world_disk_slow(cluster->world, PLACE, 5000);
    cc_cluster_start(cluster, PLACE);
    stand_server(PLACE)->callbacks.news = on_news;
    cc_cluster_stop(cluster, PLACE);
    stand_run(20000000);
    assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_slow_disk_is_no_secret),
        TEST(a_fast_start_says_nothing),
        TEST(who_is_stopped_in_the_middle_says_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

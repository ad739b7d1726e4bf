/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_test -- a machine of the host's own, on three members: what it is told, what it may
 * answer, its timers, and that its state is the same everywhere and after a restart.
 */
#include "counter_machine.h"
#include "test.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static struct cluster cluster;
static copycat_client *client;
static copycat_resource *counter;

static int start(void **state)
{
    (void)state;
    cluster_start(&cluster, 3, &counter_machine);
    client = cluster_client(&cluster);
    return 0;
}

static int end(void **state)
{
    (void)state;
    copycat_client_close(client, NULL, NULL);
    cluster_end(&cluster);
    return 0;
}

static int open_counter(void **state)
{
    static unsigned counters;
    char path[32];

    (void)state;
    snprintf(path, sizeof path, "/counter/%u", counters++);
    counter = copycat_resource_at(client, path, COUNTER_TYPE);
    return 0;
}

static int free_counter(void **state)
{
    (void)state;
    copycat_resource_free(counter);
    return 0;
}

static void assert_answer(copycat_future *future, const char *text)
{
    copycat_value *value = result_of(future);

    assert_bytes(copycat_value_bytes(value), text);
    copycat_value_free(value);
}

static copycat_status submitted(const char *operation)
{
    return copycat_await(
        copycat_resource_submit(counter, copycat_str(operation), NULL), PATIENCE_MS, NULL);
}

static void operations_are_answered(void **state)
{
    (void)state;
    assert_answer(copycat_resource_submit(counter, STR("add 5"), NULL), "5");
    assert_answer(copycat_resource_submit(counter, STR("add -2"), NULL), "3");
    assert_answer(copycat_resource_submit(counter, STR("keep"), NULL), "");
    assert_answer(copycat_resource_query(counter, STR(""), NULL), "3 0 0");
}

static void a_machine_refuses_and_cannot_ask_for_another_try(void **state)
{
    (void)state;
    assert_int_equal(submitted("fail"), COPYCAT_ERR_UNKNOWN_OPERATION);
    assert_int_equal(submitted("retry"), COPYCAT_ERR_INVALID);
    assert_int_equal(
        copycat_await(copycat_resource_query(counter, STR("what"), NULL), PATIENCE_MS, NULL),
        COPYCAT_ERR_UNKNOWN_OPERATION);
}

static void a_commit_has_its_index_time_and_session(void **state)
{
    copycat_value *value = result_of(copycat_resource_submit(counter, STR("about"), NULL));
    uint64_t index;
    uint64_t time_us;
    uint64_t session;
    time_t now = time(NULL);

    (void)state;
    assert_int_equal(
        sscanf(
            (const char *)copycat_value_bytes(value).data, "%" SCNu64 " %" SCNu64 " %" SCNu64,
            &index, &time_us, &session),
        3);
    assert_int_equal(index, copycat_value_index(value));
    assert_int_equal(session, copycat_client_session(client));
    assert_in_range(time_us / 1000000, (uint64_t)now - 600, (uint64_t)now + 600);
    copycat_value_free(value);
}

/* Asks until the answer begins so; log time moves with the log, so each turn adds an entry. */
static void await_state(const char *text)
{
    for (uint32_t tries = 0; tries < 2000; tries++) {
        copycat_value *value;
        bool is_so;

        assert_int_equal(submitted("keep-time-moving"), COPYCAT_ERR_UNKNOWN_OPERATION);
        value = result_of(copycat_resource_query(counter, STR(""), NULL));
        is_so = strcmp((const char *)copycat_value_bytes(value).data, text) == 0;
        copycat_value_free(value);
        if (is_so) {
            return;
        }
    }
    fail_msg("the state never was: %s", text);
}

static void a_timer_fires_in_log_time(void **state)
{
    (void)state;
    assert_answer(copycat_resource_submit(counter, STR("add 7"), NULL), "7");
    assert_int_equal(submitted("reset 30"), COPYCAT_OK);
    await_state("0 1 0");
    assert_answer(copycat_resource_submit(counter, STR("add 2"), NULL), "2");
}

static void a_cancelled_timer_does_not_fire(void **state)
{
    (void)state;
    assert_answer(copycat_resource_submit(counter, STR("add 7"), NULL), "7");
    assert_int_equal(submitted("reset 3600000"), COPYCAT_OK);
    assert_int_equal(submitted("keep"), COPYCAT_OK);
    assert_int_equal(submitted("reset 0"), COPYCAT_OK); /* one deadline for each key */
    await_state("0 1 0");
}

static void a_machine_is_told_of_the_end_of_a_session(void **state)
{
    copycat_client *other = cluster_client(&cluster);
    copycat_resource *same;

    (void)state;
    assert_answer(copycat_resource_submit(counter, STR("add 1"), NULL), "1");
    same = copycat_resource_at(other, "/counter/other", COUNTER_TYPE);
    assert_answer(copycat_resource_submit(same, STR("add 1"), NULL), "1");
    copycat_resource_free(same);
    copycat_client_close(other, NULL, NULL);
    await_state("1 0 1");
}

static void a_path_has_one_type(void **state)
{
    copycat_map *map = copycat_map_at(client, "/counter/typed");
    copycat_resource *same = copycat_resource_at(client, "/counter/typed", COUNTER_TYPE);

    (void)state;
    copycat_value_free(result_of(copycat_map_put(map, STR("k"), STR("v"), NULL)));
    assert_int_equal(
        copycat_await(copycat_resource_submit(same, STR("add 1"), NULL), PATIENCE_MS, NULL),
        COPYCAT_ERR_TYPE);
    copycat_resource_free(same);
    copycat_map_free(map);
}

/* Until all members have applied as much: then their digests are equal. */
static void assert_same_everywhere(void)
{
    copycat_server_status status[3];
    const struct timespec pause = {0, 2000000};
    uint32_t tries = 0;

    do {
        assert_true(tries++ < PATIENCE_MS / 2);
        (void)nanosleep(&pause, NULL);
        for (uint32_t i = 0; i < 3; i++) {
            status[i].size = sizeof status[i];
            copycat_server_status_of(cluster.servers[i], &status[i]);
        }
    } while (status[0].applied != status[1].applied || status[0].applied != status[2].applied);
    assert_int_equal(status[0].digest, status[1].digest);
    assert_int_equal(status[0].digest, status[2].digest);
}

static void the_state_is_the_same_everywhere_and_after_a_restart(void **state)
{
    (void)state;
    assert_answer(copycat_resource_submit(counter, STR("add 40"), NULL), "40");
    assert_answer(copycat_resource_submit(counter, STR("add 2"), NULL), "42");
    assert_same_everywhere();
    for (uint32_t i = 0; i < 3; i++) {
        copycat_server_close(cluster.servers[i]);
    }
    for (uint32_t i = 0; i < 3; i++) {
        cluster_restart(&cluster, i, &counter_machine);
    }
    assert_answer(copycat_resource_submit(counter, STR("add 0"), NULL), "42");
    assert_same_everywhere();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_counter, free_counter)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(operations_are_answered),
        TEST(a_machine_refuses_and_cannot_ask_for_another_try),
        TEST(a_commit_has_its_index_time_and_session),
        TEST(a_timer_fires_in_log_time),
        TEST(a_cancelled_timer_does_not_fire),
        TEST(a_machine_is_told_of_the_end_of_a_session),
        TEST(a_path_has_one_type),
        TEST(the_state_is_the_same_everywhere_and_after_a_restart),
    };

    return cmocka_run_group_tests(tests, start, end);
}

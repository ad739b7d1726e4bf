/* SPDX-License-Identifier: Apache-2.0 */
/*
 * group_send -- what the core wants sent, when the log has let go of it meanwhile.
 */
#include "unit/server/server_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint32_t leader;

static int set_up(void **state)
{
    (void)state;
    stand_make(3);
    leader = stand_leader();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stand_free();
    return 0;
}

/* An append to a follower that leans on entry `prev` and goes as far as the log. */
static struct cc_raft_send append_behind(uint64_t prev)
{
    const struct cc_raft *core = stand_group(leader)->core;

    return (struct cc_raft_send){
        .message =
            {
                .kind = CC_RAFT_APPEND,
                .from = leader + 1,
                .to = stand_follower() + 1,
                .term = cc_raft_term(core),
                .prev_index = prev,
                .prev_term = cc_raft_term_at(core, prev),
            },
        .core_term = cc_raft_term(core),
        .max_index = cc_raft_last(core),
        .bytes_max = 65536,
    };
}

static void an_append_whose_entries_were_forgotten_is_dropped(void **state)
{
    struct cc_group *group = stand_group(leader);
    struct cc_raft_send send = append_behind(cc_raft_commit(group->core) - 1);
    uint32_t sent = group->sent_count;

    (void)state;
    cc_group_transmit(group, &send);
    assert_int_equal(group->sent_count, sent + 1);
    cc_group_forgotten(group, cc_raft_commit(group->core) + 1);
    sent = group->sent_count;
    cc_group_transmit(group, &send);
    assert_int_equal(group->sent_count, sent);
}

/* The term of the newest forgotten entry is known, though the entry is gone. */
static void a_heartbeat_leans_on_the_newest_forgotten_entry(void **state)
{
    struct cc_group *group = stand_group(leader);
    uint64_t commit = cc_raft_commit(group->core);
    struct cc_raft_send send = append_behind(commit);

    (void)state;
    send.max_index = commit;
    send.message.prev_term = 0; /* as if the core did not know it any more */
    cc_group_forgotten(group, commit + 1);
    stand_forget();
    cc_group_transmit(group, &send);
    cc_cluster_run(cluster, cc_world_now_us(cluster->world) + 1000); /* there is no image at all */

    struct cc_append append;

    assert_true(cc_append_decode(stand_said(leader, CC_MESSAGE_APPEND), &append));
    assert_int_equal(append.prev_index, commit);
    assert_int_equal(append.prev_term, cc_raft_term_at(group->core, commit));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_append_whose_entries_were_forgotten_is_dropped),
        TEST(a_heartbeat_leans_on_the_newest_forgotten_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

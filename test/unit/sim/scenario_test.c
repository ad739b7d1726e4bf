/* SPDX-License-Identifier: Apache-2.0 */
/* What a scenario says is what is run: it reads what it writes, and refuses what makes no sense. */
#include "sim/scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct cc_scenario scenario;
static uint32_t line;
static const char *reason;

static bool reads(const char *text)
{
    return cc_scenario_read(text, strlen(text), &scenario, &line, &reason);
}

static void reads_every_word(void **state)
{
    struct cc_run_overrides *overrides = &scenario.overrides;

    (void)state;
    assert_true(reads("# a story\n"
                      "\n"
                      "seed 172\n"
                      "voters 3\n"
                      "clients 2\n"
                      "idle-clients 1,2\n"
                      "learners none\n"
                      "heal all\n"
                      "operations 40\n"
                      "kinds put,cas\n"
                      "faults-for 12.5\n"
                      "also bit-rot\n"
                      "without crash,kill\n"
                      "strikes 10003,10007"));
    assert_int_equal(scenario.seed, 172);
    assert_int_equal(overrides->voter_count, 3);
    assert_int_equal(overrides->client_count, 2);
    assert_int_equal(overrides->idle_clients, 3);
    assert_true(overrides->no_learners && overrides->all_heal);
    assert_int_equal(overrides->operations_max, 40);
    assert_int_equal(overrides->operation_kinds, 1u << CC_HISTORY_PUT | 1u << CC_HISTORY_CAS);
    assert_int_equal(overrides->faults_us, 12500000);
    assert_true(cc_fault_set_has(&overrides->asked, CC_FAULT_ROT));
    assert_true(cc_fault_set_has(&overrides->without, CC_FAULT_KILL));
    assert_int_equal(overrides->only_count, 2);
    assert_int_equal(overrides->only[1], 10007);
}

static void leaves_to_the_seed_what_is_not_said(void **state)
{
    static const struct cc_run_overrides nothing;

    (void)state;
    assert_true(reads("seed 9\n"));
    assert_memory_equal(&scenario.overrides, &nothing, sizeof nothing);
    assert_true(reads("seed 9\nstrikes -\n"));
    assert_non_null(scenario.overrides.only); /* not all of them, but none */
    assert_int_equal(scenario.overrides.only_count, 0);
}

static void reads_what_it_writes(void **state)
{
    static const char text[] = "seed 18\nvoters 5\nclients 4\nidle-clients 2,4\nlearners none\n"
                               "heal all\noperations 7\nkinds get,keys\nfaults-for 1.000001\n"
                               "idle-for 60.000000\n"
                               "also latent-sector\nwithout reset\nstrikes 1,20,10001\n";
    char *written = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&written, &size);

    (void)state;
    assert_true(reads(text));
    cc_scenario_write(&scenario, file);
    assert_int_equal(fclose(file), 0);
    assert_string_equal(written, text);
    free(written);
}

static void refuses(const char *text, uint32_t at)
{
    if (reads(text)) {
        fail_msg("it took: %s", text);
    }
    assert_non_null(reason);
    assert_int_equal(line, at);
}

static void refuses_what_makes_no_sense_and_names_the_line(void **state)
{
    (void)state;
    refuses("seed\n", 1);
    refuses("seed x\n", 1);
    refuses("seed 99999999999999999999\n", 1);
    refuses("seed 1\nvoters 8\n", 2);
    refuses("seed 1\nvoters 0\n", 2);
    refuses("seed 1\n\nclients 33\n", 3);
    refuses("seed 1\nidle-clients\n", 2);
    refuses("seed 1\nidle-clients 1,,2\n", 2);
    refuses("seed 1\nkinds put,putt\n", 2);
    refuses("seed 1\nfaults-for 0\n", 2);
    refuses("seed 1\nfaults-for 1.0000001\n", 2);
    refuses("seed 1\nfaults-for 99999\n", 2);
    refuses("seed 1\nalso bitrot\n", 2);
    refuses("seed 1\nstrikes 3,2\n", 2);
    refuses("seed 1\nstrikes 3,3\n", 2);
    refuses("seed 1\nstrikes\n", 2);
    refuses("seed 1\nheal some\n", 2);
    refuses("seed 1\nvotes 3\n", 2);
    assert_false(reads("voters 3\n"));
    assert_string_equal(reason, "there is no seed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_word),
        cmocka_unit_test(leaves_to_the_seed_what_is_not_said),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(refuses_what_makes_no_sense_and_names_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

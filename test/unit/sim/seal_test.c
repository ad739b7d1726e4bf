/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal_test -- the simulator's own program, asked to do what it must not once it is sealed.
 */
#include "sim/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#define NAMES_MAX 64u
#define CANNOT 77

struct ending {
    int code;
    char output[2048]; /* of both kinds */
};

static char names[NAMES_MAX][64]; /* a minus before those that must be refused */
static size_t name_count;

static struct ending ask(const char *name)
{
    struct ending ending = {.code = -1};
    char line[1024];
    FILE *pipe;
    size_t size;
    int status;

    snprintf(line, sizeof line, "'%s' --probe %s 2>&1 </dev/null", COPYCAT_SIM, name);
    pipe = popen(line, "r");
    assert_non_null(pipe);
    size = fread(ending.output, 1, sizeof ending.output - 1, pipe);
    ending.output[size] = '\0';
    status = pclose(pipe);
    if (WIFEXITED(status)) {
        ending.code = WEXITSTATUS(status);
    }
    return ending;
}

static int learn_names(void **state)
{
    struct ending ending = ask("list");

    (void)state;
    for (char *name = strtok(ending.output, "\n"); name != NULL; name = strtok(NULL, "\n")) {
        if (name_count < NAMES_MAX) {
            snprintf(names[name_count++], sizeof names[0], "%s", name);
        }
    }
    return ending.code;
}

/* A build with sanitizers has no seal. */
static void skip_without_seal(void)
{
    if (ask("compute").code == CANNOT) {
        skip();
    }
}

static void what_a_sealed_program_must_not_do_ends_it_by_name(void **state)
{
    unsigned refused = 0;

    (void)state;
    skip_without_seal();
    for (size_t i = 0; i < name_count; i++) {
        const char *name = names[i] + 1;
        struct ending ending;

        if (names[i][0] != '-') {
            continue;
        }
        ending = ask(name);
        if (ending.code != CC_SEAL_EXIT || strstr(ending.output, "is sealed: no ") == NULL ||
            strstr(ending.output, name) == NULL) {
            fail_msg("%s ended with %d: %s", name, ending.code, ending.output);
        }
        refused++;
    }
    assert_true(refused >= 20);
}

static void the_last_line_names_the_system_call(void **state)
{
    (void)state;
    skip_without_seal();
    assert_non_null(strstr(ask("clock-by-call").output, "no clock_gettime (system call "));
    assert_non_null(strstr(ask("network").output, "no socket (system call "));
    assert_non_null(strstr(ask("open-file").output, "no openat (system call "));
}

static void a_sealed_program_computes_and_writes_its_reports(void **state)
{
    unsigned allowed = 0;

    (void)state;
    skip_without_seal();
    for (size_t i = 0; i < name_count; i++) {
        if (names[i][0] != '-') {
            struct ending ending = ask(names[i]);

            if (ending.code != 0 || strstr(ending.output, "came back") == NULL) {
                fail_msg("%s ended with %d: %s", names[i], ending.code, ending.output);
            }
            allowed++;
        }
    }
    assert_true(allowed >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_sealed_program_must_not_do_ends_it_by_name),
        cmocka_unit_test(the_last_line_names_the_system_call),
        cmocka_unit_test(a_sealed_program_computes_and_writes_its_reports),
    };

    return cmocka_run_group_tests(tests, learn_names, NULL);
}

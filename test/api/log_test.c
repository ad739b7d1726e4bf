/* SPDX-License-Identifier: Apache-2.0 */
/* The commit log as a host has it: a real directory. */
#include <copycat/sys/log.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];
static char path[128];
static copycat_log *opened;
static copycat_message message;

static int set_up(void **state)
{
    char command[] = "/tmp/copycat-log-XXXXXX";

    (void)state;
    assert_non_null(mkdtemp(command));
    (void)snprintf(root, sizeof root, "%s", command);
    (void)snprintf(path, sizeof path, "%s/a/b", root);
    return 0;
}

/* The files of the log, and the directories that it made. */
static int tear_down(void **state)
{
    char command[256];

    (void)state;
    (void)snprintf(command, sizeof command, "rm -r '%s'", root);
    return system(command);
}

static copycat_status open_log(const char *directory)
{
    copycat_log_options options = COPYCAT_LOG_OPTIONS_INIT;

    options.directory = directory;
    options.segment_size = 4096;
    return copycat_log_open(&opened, &options, &message);
}

static void append_some(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        copycat_log_entry entry = {.type = i, .bytes = {&i, sizeof i}};

        assert_int_equal(copycat_log_append(opened, &entry, NULL), COPYCAT_OK);
    }
}

static void what_was_appended_is_there_when_it_is_opened_again(void **state)
{
    copycat_log_entry entry;

    (void)state;
    assert_int_equal(open_log(path), COPYCAT_OK);
    append_some(500);
    for (uint64_t i = 1; i < 400; i++) {
        assert_int_equal(copycat_log_clean(opened, i), COPYCAT_OK);
    }
    assert_int_equal(copycat_log_clean_now(opened), COPYCAT_OK);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
    assert_int_equal(open_log(path), COPYCAT_OK);
    assert_int_equal(copycat_log_first(opened), 400);
    assert_int_equal(copycat_log_last(opened), 500);
    assert_int_equal(copycat_log_count(opened), 101);
    assert_int_equal(copycat_log_read(opened, 450, &entry), COPYCAT_OK);
    assert_int_equal(entry.type, 449);
    assert_int_equal(copycat_log_read(opened, 399, &entry), COPYCAT_ERR_INVALID);
    assert_int_equal(copycat_log_verify(opened), COPYCAT_OK);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
}

static void a_directory_is_used_by_one_log_at_a_time(void **state)
{
    copycat_log *first;

    (void)state;
    assert_int_equal(open_log(path), COPYCAT_OK);
    first = opened;
    assert_int_equal(open_log(path), COPYCAT_ERR_LOCKED);
    assert_non_null(strstr(message.text, "another log uses the directory"));
    assert_int_equal(copycat_log_close(first), COPYCAT_OK);
    assert_int_equal(open_log(path), COPYCAT_OK);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
}

static void a_directory_that_cannot_be_is_refused_with_a_reason(void **state)
{
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/file", root);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(open_log(path), COPYCAT_ERR_IO);
    assert_non_null(strstr(message.text, "Not a directory"));
    assert_int_equal(open_log(""), COPYCAT_ERR_INVALID);
    assert_true(message.text[0] != '\0');
}

static void in_a_child_a_log_is_dead_and_its_parents_goes_on(void **state)
{
    int outcome;
    pid_t child;

    (void)state;
    assert_int_equal(open_log(path), COPYCAT_OK);
    append_some(3);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        copycat_log_entry entry = {.type = 1};
        bool is_dead = copycat_log_append(opened, &entry, NULL) == COPYCAT_ERR_CLOSED &&
                       copycat_log_flush(opened) == COPYCAT_ERR_CLOSED &&
                       copycat_log_close(opened) == COPYCAT_ERR_CLOSED;

        _exit(is_dead ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    append_some(3);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
    assert_int_equal(open_log(path), COPYCAT_OK);
    assert_int_equal(copycat_log_count(opened), 6);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
}

static void in_memory_nothing_lasts(void **state)
{
    (void)state;
    assert_int_equal(open_log(NULL), COPYCAT_OK);
    append_some(1000);
    assert_int_equal(copycat_log_flush(opened), COPYCAT_OK);
    assert_int_equal(copycat_log_count(opened), 1000);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
    assert_int_equal(open_log(NULL), COPYCAT_OK);
    assert_int_equal(copycat_log_count(opened), 0);
    assert_int_equal(copycat_log_close(opened), COPYCAT_OK);
    assert_int_equal(copycat_log_close(NULL), COPYCAT_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_appended_is_there_when_it_is_opened_again),
        TEST(a_directory_is_used_by_one_log_at_a_time),
        TEST(a_directory_that_cannot_be_is_refused_with_a_reason),
        TEST(in_a_child_a_log_is_dead_and_its_parents_goes_on),
        TEST(in_memory_nothing_lasts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

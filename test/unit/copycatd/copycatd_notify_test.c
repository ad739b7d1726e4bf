/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copycatd_notify_test -- what a service manager hears, at a path and at an abstract name.
 */
#define _GNU_SOURCE

#include "copycatd/notify.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/copycatd-notify-XXXXXX";
static char target[108];
static int manager;

/* The socket of a manager at `name`, as NOTIFY_SOCKET has it. */
static void open_manager(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

    snprintf(target, sizeof target, "%s", name);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@') {
        address.sun_path[0] = '\0';
    } else {
        size++;
    }
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(manager >= 0);
    assert_int_equal(bind(manager, (const struct sockaddr *)&address, size), 0);
}

static const char *heard(void)
{
    static char message[4096];
    ssize_t size = recv(manager, message, sizeof message - 1, 0);

    assert_true(size >= 0);
    message[size] = '\0';
    return message;
}

static int open_at_path(void **state)
{
    char name[64];

    (void)state;
    memcpy(strrchr(directory, '-'), "-XXXXXX", 7);
    assert_non_null(mkdtemp(directory));
    snprintf(name, sizeof name, "%s/notify", directory);
    open_manager(name);
    return 0;
}

static int open_at_abstract_name(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof name, "@copycatd-notify-test-%ld", (long)getpid());
    open_manager(name);
    return 0;
}

static int close_manager(void **state)
{
    (void)state;
    close(manager);
    if (target[0] == '/') {
        unlink(target);
        rmdir(directory);
    }
    return 0;
}

static void readiness_is_told_with_its_status(void **state)
{
    (void)state;
    assert_int_equal(copycatd_notify_ready(target, "member 1 of 3"), COPYCATD_NOTIFY_SENT);
    assert_string_equal(heard(), "READY=1\nSTATUS=member 1 of 3");
    assert_int_equal(copycatd_notify_ready(target, NULL), COPYCATD_NOTIFY_SENT);
    assert_string_equal(heard(), "READY=1");
}

static void stopping_and_status_are_told(void **state)
{
    (void)state;
    assert_int_equal(copycatd_notify_stopping(target, NULL), COPYCATD_NOTIFY_SENT);
    assert_string_equal(heard(), "STOPPING=1");
    assert_int_equal(copycatd_notify_status(target, "leads term 4"), COPYCATD_NOTIFY_SENT);
    assert_string_equal(heard(), "STATUS=leads term 4");
    assert_int_equal(copycatd_notify_status(target, NULL), COPYCATD_NOTIFY_SENT);
    assert_string_equal(heard(), "STATUS=");
}

static void a_status_cannot_add_lines_of_its_own(void **state)
{
    char text[3000];

    (void)state;
    assert_int_equal(copycatd_notify_status(target, "x\nMAINPID=1"), COPYCATD_NOTIFY_SENT);
    assert_string_equal(heard(), "STATUS=x");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(copycatd_notify_status(target, text), COPYCATD_NOTIFY_SENT);
    assert_int_equal(strlen(heard()), 7 + 1000);
}

static void without_a_manager_nothing_is_sent(void **state)
{
    (void)state;
    assert_int_equal(copycatd_notify_ready(NULL, "x"), COPYCATD_NOTIFY_ABSENT);
    assert_int_equal(copycatd_notify_ready("", "x"), COPYCATD_NOTIFY_ABSENT);
}

static void a_manager_that_is_not_there_is_a_failure_with_its_reason(void **state)
{
    char text[200];

    (void)state;
    assert_int_equal(copycatd_notify_ready("/nowhere/notify", "x"), COPYCATD_NOTIFY_FAILED);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(copycatd_notify_ready("relative", "x"), COPYCATD_NOTIFY_FAILED);
    assert_int_equal(errno, EINVAL);
    memset(text, '/', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_int_equal(copycatd_notify_ready(text, "x"), COPYCATD_NOTIFY_FAILED);
    assert_int_equal(errno, EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            readiness_is_told_with_its_status, open_at_path, close_manager),
        cmocka_unit_test_setup_teardown(
            stopping_and_status_are_told, open_at_abstract_name, close_manager),
        cmocka_unit_test_setup_teardown(
            a_status_cannot_add_lines_of_its_own, open_at_path, close_manager),
        cmocka_unit_test(without_a_manager_nothing_is_sent),
        cmocka_unit_test(a_manager_that_is_not_there_is_a_failure_with_its_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

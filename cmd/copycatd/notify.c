/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* SOCK_CLOEXEC */

#include "copycatd/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STATUS_SIZE_MAX 1000

static enum copycatd_notify_result send_to(const char *target, const char *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(target);
    socklen_t address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    int error = 0;
    int socket_fd;

    if (size < 2 || size >= sizeof address.sun_path || (*target != '/' && *target != '@')) {
        errno = EINVAL;
        return COPYCATD_NOTIFY_FAILED;
    }
    memcpy(address.sun_path, target, size);
    if (*target == '@') {
        address.sun_path[0] = '\0';
    } else {
        address_size++; /* a path has its end with it */
    }
    socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_fd < 0) {
        return COPYCATD_NOTIFY_FAILED;
    }
    if (sendto(
            socket_fd, message, strlen(message), MSG_NOSIGNAL | MSG_DONTWAIT,
            (const struct sockaddr *)&address, address_size) < 0) {
        error = errno;
    }
    close(socket_fd);
    errno = error;
    return error == 0 ? COPYCATD_NOTIFY_SENT : COPYCATD_NOTIFY_FAILED;
}

static enum copycatd_notify_result notify(const char *target, const char *state, const char *status)
{
    char message[STATUS_SIZE_MAX + 64];
    size_t size = status != NULL ? strcspn(status, "\n") : 0;

    if (target == NULL || *target == '\0') {
        return COPYCATD_NOTIFY_ABSENT;
    }
    snprintf(
        message, sizeof message, "%s%s%s%.*s", state, *state != '\0' && status != NULL ? "\n" : "",
        status != NULL ? "STATUS=" : "", (int)(size < STATUS_SIZE_MAX ? size : STATUS_SIZE_MAX),
        status != NULL ? status : "");
    return send_to(target, message);
}

enum copycatd_notify_result copycatd_notify_ready(const char *target, const char *status)
{
    return notify(target, "READY=1", status);
}

enum copycatd_notify_result copycatd_notify_stopping(const char *target, const char *status)
{
    return notify(target, "STOPPING=1", status);
}

enum copycatd_notify_result copycatd_notify_status(const char *target, const char *status)
{
    return notify(target, "", status != NULL ? status : "");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_listener -- newcomers, a bounded number in a pass.
 *
 * When the process has no descriptor left, the listener rests for a moment: its newcomers wait in
 * the system's queue, and the loop does not spin on a readiness that it can do nothing about.  So
 * that it seldom comes to that, and never because of newcomers, some are kept for files (T-060).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define ACCEPTED_MAX 64u
#define REST_US 100000u
#define RESERVE_MAX 32u /* descriptors that newcomers do not get */

struct uv_listener {
    struct cc_list node;
    struct cc_env_uv *uv;
    struct cc_listener *user;
    struct cc_uv_watch *watch;
    struct cc_timer rest;
    struct cc_uv_address address;
};

/* ---- accepting ------------------------------------------------------------------------------- */

static void rested(struct cc_timer *timer)
{
    struct uv_listener *listener = timer->owner;

    cc_uv_watch_set(listener->watch, UV_READABLE);
}

static bool is_the_newcomers_fault(int error)
{
    return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM ||
           error == ENETDOWN || error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET ||
           error == EHOSTUNREACH || error == EOPNOTSUPP || error == ENETUNREACH;
}

/*
 * The system gives the lowest number that is free, so this one tells how many are in use, whoever
 * has them: ours are not the only ones in a host's process.
 */
static bool has_room(struct cc_listener *user, int descriptor)
{
    struct rlimit limit;
    char text[256];

    if (CC_BUG(T060) || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return true;
    }

    uint64_t most = limit.rlim_cur;
    uint64_t reserve = most / 3 < RESERVE_MAX ? most / 3 : RESERVE_MAX;

    if ((uint64_t)descriptor < most - reserve) {
        return true;
    }
    (void)snprintf(
        text, sizeof text,
        "connections are turned away: this process may open %" PRIu64 " files, sockets among them, "
        "and the last %" PRIu64 " are kept for the disk; raise that limit (ulimit -n, or "
        "LimitNOFILE= of systemd)",
        most, reserve);
    return user->on_short != NULL && user->on_short(user, text);
}

static void admit(struct uv_listener *listener, int descriptor)
{
    int family = listener->address.socket.ss_family;
    struct cc_uv_conn *conn = cc_uv_conn_accept(listener->uv, descriptor, family);
    struct cc_conn *user = NULL;

    if (conn == NULL) {
        return;
    }
    if (cc_uv_address_is_local(&listener->address) && !cc_uv_peer_is_self(descriptor)) {
        cc_uv_conn_discard(conn);
        return;
    }
    user = has_room(listener->user, descriptor) ? listener->user->on_accept(listener->user) : NULL;
    if (user != NULL) {
        cc_uv_conn_join(conn, user);
    } else {
        cc_uv_conn_discard(conn);
    }
}

/* The listener may be gone after each newcomer; its watch is there until the pass is over. */
static void ready(void *owner, int events)
{
    struct uv_listener *listener = owner;
    struct cc_uv_watch *watch = listener->watch;

    (void)events;
    for (uint32_t i = 0; i < ACCEPTED_MAX && watch->owner != NULL; i++) {
        int descriptor = accept4(watch->descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (descriptor >= 0) {
            admit(listener, descriptor);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (!is_the_newcomers_fault(errno)) {
            cc_uv_say(listener->uv, errno, "cannot accept a connection");
            cc_uv_watch_set(watch, 0);
            cc_uv_timer_arm(
                &listener->uv->env, &listener->rest, cc_uv_now_us(&listener->uv->env) + REST_US);
            return;
        }
    }
}

/* ---- listening ------------------------------------------------------------------------------- */

/* A socket's name outlives whoever listened on it.  It is removed if it is a socket on which nobody
 * answers; errno says why not. */
static bool remove_stale(const struct cc_uv_address *address)
{
    struct sockaddr_un local;
    struct stat status;
    int probe;
    bool is_stale;

    memcpy(&local, &address->socket, sizeof local);
    /* What has no name in the file system, as a "local:name", is never stale. */
    if (lstat(local.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) {
        errno = EADDRINUSE;
        return false;
    }
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0) {
        return false;
    }
    is_stale = connect(probe, (const struct sockaddr *)&address->socket, address->size) != 0 &&
               errno == ECONNREFUSED;
    close(probe);
    if (is_stale && unlink(local.sun_path) == 0) {
        return true;
    }
    errno = EADDRINUSE;
    return false;
}

static bool bind_to(int descriptor, const struct cc_uv_address *address)
{
    const struct sockaddr *name = (const struct sockaddr *)&address->socket;
    int yes = 1;

    if (address->socket.ss_family != AF_UNIX) {
        (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        return bind(descriptor, name, address->size) == 0;
    }
    return bind(descriptor, name, address->size) == 0 ||
           (errno == EADDRINUSE && remove_stale(address) &&
            bind(descriptor, name, address->size) == 0);
}

/* A descriptor that listens, or -1 and errno. */
static int open_at(const struct cc_uv_address *address)
{
    int descriptor =
        socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor >= 0 && (!bind_to(descriptor, address) || listen(descriptor, BACKLOG) != 0)) {
        int error = errno;

        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

static copycat_status say_why(struct cc_env_uv *uv, int error, const char *text)
{
    if (error == EADDRINUSE) {
        cc_uv_say(uv, 0, "%s is in use by another process", text);
        return COPYCAT_ERR_ADDRESS_IN_USE;
    }
    cc_uv_say(uv, error, "cannot listen on %s", text);
    return COPYCAT_ERR_INVALID;
}

static copycat_status begin(struct cc_env_uv *uv, struct cc_listener *user, int descriptor)
{
    struct uv_listener *listener = cc_memory_try(uv->env.memory, sizeof *listener);

    if (listener != NULL) {
        listener->watch = cc_uv_watch_open(uv, descriptor, ready, listener);
    }
    if (listener == NULL || listener->watch == NULL) {
        close(descriptor);
        cc_memory_give(uv->env.memory, listener);
        return COPYCAT_ERR_MEMORY;
    }
    listener->uv = uv;
    listener->user = user;
    listener->rest = (struct cc_timer){.fire = rested, .owner = listener};
    listener->address.size = sizeof listener->address.socket;
    (void)getsockname(
        descriptor, (struct sockaddr *)&listener->address.socket, &listener->address.size);
    cc_list_append(&uv->listeners, &listener->node);
    user->backend = listener;
    cc_uv_watch_set(listener->watch, UV_READABLE);
    return COPYCAT_OK;
}

/* Answers at once, so a name is asked for here and now: it is done once, before there is work. */
copycat_status cc_uv_listen(struct cc_env *env, struct cc_listener *user, const char *address)
{
    struct cc_env_uv *uv = cc_uv_of(env);
    struct cc_uv_lookup lookup = {.next = 0};
    int descriptor = -1;

    CC_ASSERT(user->backend == NULL);
    if (!cc_uv_lookup_parse(&lookup, address)) {
        cc_uv_say(
            uv, 0, "\"%s\" is not an address: host:port, [v6]:port, unix:/path or local:name",
            address);
        return COPYCAT_ERR_INVALID;
    }
    cc_uv_lookup_find(&lookup, true);
    if (lookup.count == 0) {
        cc_uv_say(uv, 0, "the name in %s is not known", address);
        return COPYCAT_ERR_INVALID;
    }
    while (descriptor < 0 && lookup.next < lookup.count) {
        descriptor = open_at(&lookup.found[lookup.next++]);
    }
    return descriptor < 0 ? say_why(uv, errno, address) : begin(uv, user, descriptor);
}

static void release(struct uv_listener *listener)
{
    struct sockaddr_un local;

    cc_uv_timer_disarm(&listener->uv->env, &listener->rest);
    if (listener->address.socket.ss_family == AF_UNIX &&
        !cc_uv_address_is_local(&listener->address)) {
        memcpy(&local, &listener->address.socket, sizeof local);
        (void)unlink(local.sun_path);
    }
    close(cc_uv_watch_close(listener->watch));
    listener->user->backend = NULL;
    cc_list_remove(&listener->node);
    cc_memory_give(listener->uv->env.memory, listener);
}

void cc_uv_unlisten(struct cc_env *env, struct cc_listener *user)
{
    (void)env;
    if (user->backend != NULL) {
        release(user->backend);
    }
}

void cc_uv_listeners_close(struct cc_env_uv *uv)
{
    cc_list_each_safe(node, following, &uv->listeners) {
        release(cc_container_of(node, struct uv_listener, node));
    }
}

copycat_status cc_env_uv_address(
    const struct cc_env *env, const struct cc_listener *user, char *text_out, size_t size)
{
    const struct uv_listener *listener = user->backend;

    (void)env;
    if (listener == NULL) {
        return COPYCAT_ERR_INVALID;
    }
    cc_uv_address_print(&listener->address, text_out, size);
    return COPYCAT_OK;
}

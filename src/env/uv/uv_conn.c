/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_conn -- streams of bytes: TCP and unix sockets alike.
 *
 *   looking up --lookup--> connecting --ready--> open --end_later--> ended --deliver--> gone
 *        \_______________________\________________/^ \
 *                 every address refused               conn_close: gone at once, from any state
 *
 * The calls are ours, the readiness libuv's: its streams write without MSG_NOSIGNAL, so that a
 * connection that breaks could kill a host which does not ignore SIGPIPE, and they read for as long
 * as there is something to read.
 *
 * Invariants
 *   C1  a user is called from a pass only, and never after its connection was closed (E4).
 *   C2  an open connection reads at most READ_SIZE_MAX bytes in a pass: a loud peer starves nobody.
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE_MAX (256u << 10)

struct cc_uv_conn {
    struct cc_list node;
    struct cc_list ready; /* of those whose users are to be told something */
    struct cc_env_uv *uv;
    struct cc_conn *user;
    struct cc_uv_watch *watch;   /* NULL: looking up, or ended */
    struct cc_uv_lookup *lookup; /* NULL: open, or ended */
    const unsigned char *data;   /* what is left of the write under way */
    size_t size;
    bool is_writing;
    bool owes_sent;
    bool is_ended;
};

/* ---- beginning and ending -------------------------------------------------------------------- */

static void init(struct cc_uv_conn *conn, struct cc_env_uv *uv)
{
    conn->uv = uv;
    cc_list_append(&uv->conns, &conn->node);
    cc_list_init(&conn->ready);
}

static void tell_later(struct cc_uv_conn *conn)
{
    cc_list_remove(&conn->ready);
    cc_list_append(&conn->uv->ready_conns, &conn->ready);
    cc_uv_wake(conn->uv);
}

static void stop_watching(struct cc_uv_conn *conn)
{
    if (conn->watch != NULL) {
        close(cc_uv_watch_close(conn->watch));
        conn->watch = NULL;
    }
}

static void lookup_free(struct cc_uv_lookup *lookup)
{
    cc_list_remove(&lookup->job.node);
    cc_memory_give(lookup->job.uv->env.memory, lookup);
}

/* A look-up that is under way is freed when it comes back. */
static void drop_lookup(struct cc_uv_conn *conn)
{
    if (conn->lookup != NULL) {
        conn->lookup->conn = NULL;
        if (!conn->lookup->is_waiting) {
            lookup_free(conn->lookup);
        }
        conn->lookup = NULL;
    }
}

static void end_later(struct cc_uv_conn *conn)
{
    stop_watching(conn);
    drop_lookup(conn);
    conn->is_ended = true;
    tell_later(conn);
}

static void release(struct cc_uv_conn *conn)
{
    if (conn->user != NULL) {
        conn->user->backend = NULL;
    }
    stop_watching(conn);
    drop_lookup(conn);
    cc_list_remove(&conn->ready);
    cc_list_remove(&conn->node);
    if (conn == conn->uv->spare) {
        conn->uv->is_spare_used = false;
    } else {
        cc_memory_give(conn->uv->env.memory, conn);
    }
}

void cc_uv_close(struct cc_env *env, struct cc_conn *conn)
{
    (void)env;
    if (conn->backend != NULL) {
        release(conn->backend);
    }
}

bool cc_uv_conns_open(struct cc_env_uv *uv)
{
    uv->spare = cc_memory_try(uv->env.memory, sizeof *uv->spare);
    return uv->spare != NULL;
}

void cc_uv_conns_close(struct cc_env_uv *uv)
{
    cc_list_each_safe(node, following, &uv->conns) {
        release(cc_container_of(node, struct cc_uv_conn, node));
    }
    cc_memory_give(uv->env.memory, uv->spare);
    uv->spare = NULL;
}

/* Whom this makes ready again is the next round's. */
void cc_uv_conns_deliver(struct cc_env_uv *uv)
{
    struct cc_list now;

    if (cc_list_is_empty(&uv->ready_conns)) {
        return;
    }
    now = uv->ready_conns;
    now.next->prev = &now;
    now.prev->next = &now;
    cc_list_init(&uv->ready_conns);
    while (!cc_list_is_empty(&now)) {
        struct cc_uv_conn *conn = cc_container_of(now.next, struct cc_uv_conn, ready);
        struct cc_conn *user = conn->user;

        cc_list_remove(&conn->ready);
        uv->happenings++;
        if (conn->is_ended) {
            release(conn);
            user->on_closed(user);
        } else if (conn->owes_sent) {
            conn->owes_sent = false;
            conn->is_writing = false;
            user->on_sent(user);
        }
    }
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* What the system takes at once; false if the connection has ended. */
static bool send_some(struct cc_uv_conn *conn)
{
    ssize_t taken;

    do {
        taken = send(conn->watch->descriptor, conn->data, conn->size, MSG_NOSIGNAL);
    } while (taken < 0 && errno == EINTR);
    conn->uv->env.counters.writes++;
    if (taken < 0) {
        return errno == EAGAIN || errno == EWOULDBLOCK;
    }
    conn->uv->env.counters.written_bytes += (size_t)taken;
    conn->data += taken;
    conn->size -= (size_t)taken;
    return true;
}

void cc_uv_write(struct cc_env *env, struct cc_conn *user, const void *data, size_t size)
{
    struct cc_uv_conn *conn = user->backend;

    (void)env;
    CC_ASSERT(conn != NULL);
    CC_ASSERT(!conn->is_writing);
    conn->is_writing = true;
    if (conn->is_ended) {
        return; /* on_closed is on its way: it says all there is to say */
    }
    CC_ASSERT(conn->lookup == NULL);
    conn->data = data;
    conn->size = size;
    if (size > 0 && !send_some(conn)) {
        end_later(conn);
    } else if (conn->size > 0) {
        cc_uv_watch_set(conn->watch, UV_READABLE | UV_WRITABLE);
    } else {
        conn->owes_sent = true;
        tell_later(conn);
    }
}

static void write_on(struct cc_uv_conn *conn)
{
    struct cc_conn *user = conn->user;

    if (conn->size == 0) {
        return;
    }
    if (!send_some(conn)) {
        end_later(conn);
    } else if (conn->size == 0) {
        cc_uv_watch_set(conn->watch, UV_READABLE);
        conn->is_writing = false;
        user->on_sent(user);
    }
}

/* The connection may be gone after each on_data; its watch is there until the pass is over. */
static void read_on(struct cc_uv_conn *conn)
{
    struct cc_uv_watch *watch = conn->watch;
    struct cc_env_uv *uv = conn->uv;
    size_t done = 0;

    while (watch->owner != NULL && done < READ_SIZE_MAX) {
        ssize_t got = recv(watch->descriptor, uv->read_buffer, CC_UV_READ_SIZE, 0);

        uv->env.counters.reads++;
        if (got > 0) {
            uv->env.counters.read_bytes += (size_t)got;
            done += (size_t)got;
            conn->user->on_data(conn->user, uv->read_buffer, (size_t)got);
            if ((size_t)got < CC_UV_READ_SIZE) {
                return; /* that was all; else the next pass would say so */
            }
        } else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
            end_later(conn);
        } else if (errno != EINTR) {
            return;
        }
    }
}

static void try_next(struct cc_uv_conn *conn);
static void opened(struct cc_uv_conn *conn);

/* Nobody listens on a port of this machine, and the system gave the caller that very port. */
static bool is_connected_to_itself(int descriptor)
{
    struct sockaddr_storage here = {0};
    struct sockaddr_storage there = {0};
    socklen_t here_size = sizeof here;
    socklen_t there_size = sizeof there;

    return getsockname(descriptor, (struct sockaddr *)&here, &here_size) == 0 &&
           getpeername(descriptor, (struct sockaddr *)&there, &there_size) == 0 &&
           here.ss_family != AF_UNIX && here_size == there_size &&
           memcmp(&here, &there, here_size) == 0;
}

static void connected(struct cc_uv_conn *conn)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(conn->watch->descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error == 0 && is_connected_to_itself(conn->watch->descriptor)) {
        error = ECONNREFUSED;
    }
    if (error == 0) {
        opened(conn);
        return;
    }
    cc_uv_say(conn->uv, error, "cannot connect to %s", conn->lookup->text);
    stop_watching(conn);
    try_next(conn);
}

static void ready(void *owner, int events)
{
    struct cc_uv_conn *conn = owner;
    struct cc_uv_watch *watch = conn->watch;

    if (conn->lookup != NULL) {
        connected(conn);
        return;
    }
    if (watch->owner != NULL && (events & UV_WRITABLE) != 0) {
        write_on(conn);
    }
    if (watch->owner != NULL && (events == 0 || (events & UV_READABLE) != 0)) {
        read_on(conn);
    }
    if (watch->owner != NULL && events == 0) {
        end_later(conn);
    }
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void set_up(int descriptor, int family)
{
    int yes = 1;

    if (family != AF_UNIX) {
        (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
}

static void opened(struct cc_uv_conn *conn)
{
    struct cc_conn *user = conn->user;

    set_up(conn->watch->descriptor, conn->lookup->found[conn->lookup->next - 1].socket.ss_family);
    drop_lookup(conn);
    cc_uv_watch_set(conn->watch, UV_READABLE);
    user->on_open(user);
}

/* True if the outcome is still to come. */
static bool try_address(struct cc_uv_conn *conn, const struct cc_uv_address *address)
{
    int descriptor =
        socket(address->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (descriptor < 0) {
        return false;
    }
    if (connect(descriptor, (const struct sockaddr *)&address->socket, address->size) == 0 ||
        errno == EINPROGRESS) {
        conn->watch = cc_uv_watch_open(conn->uv, descriptor, ready, conn);
        if (conn->watch != NULL) {
            cc_uv_watch_set(conn->watch, UV_WRITABLE);
            return true;
        }
        errno = ENOMEM;
    }

    int error = errno;

    close(descriptor);
    errno = error;
    return false;
}

static void try_next(struct cc_uv_conn *conn)
{
    struct cc_uv_lookup *lookup = conn->lookup;

    while (lookup->next < lookup->count) {
        if (try_address(conn, &lookup->found[lookup->next++])) {
            return;
        }
        cc_uv_say(conn->uv, errno, "cannot connect to %s", lookup->text);
    }
    end_later(conn);
}

static void look_up(struct cc_uv_job *job)
{
    cc_uv_lookup_find(cc_container_of(job, struct cc_uv_lookup, job), true);
}

static void looked_up(struct cc_uv_job *job)
{
    struct cc_uv_lookup *lookup = cc_container_of(job, struct cc_uv_lookup, job);
    struct cc_uv_conn *conn = lookup->conn;

    lookup->is_waiting = false;
    if (conn == NULL) {
        lookup_free(lookup);
        return;
    }
    if (lookup->count == 0) {
        cc_uv_say(conn->uv, job->error, "the name in %s is not known", lookup->text);
    }
    try_next(conn);
}

/* Who connects is told how it went through a connection, also that there was no memory for one.  A
 * client has no other; that a server finds none for two at a time is the end of it. */
static struct cc_uv_conn *conn_take(struct cc_env_uv *uv)
{
    struct cc_uv_conn *conn = cc_memory_try(uv->env.memory, sizeof *conn);

    if (conn == NULL) {
        CC_ASSERT(!uv->is_spare_used);
        uv->is_spare_used = true;
        conn = uv->spare;
        *conn = (struct cc_uv_conn){0};
    }
    return conn;
}

void cc_uv_connect(struct cc_env *env, struct cc_conn *user, const char *address)
{
    struct cc_env_uv *uv = cc_uv_of(env);
    struct cc_uv_conn *conn = conn_take(uv);
    struct cc_uv_lookup *lookup = cc_memory_try(env->memory, sizeof *lookup);

    CC_ASSERT(user->backend == NULL);
    init(conn, uv);
    conn->user = user;
    user->backend = conn;
    if (lookup == NULL) {
        cc_uv_say(uv, ENOMEM, "cannot connect to %s", address);
        end_later(conn);
        return;
    }
    cc_uv_job_init(uv, &lookup->job);
    lookup->job.work = look_up;
    lookup->job.finish = looked_up;
    lookup->conn = conn;
    conn->lookup = lookup;
    if (!cc_uv_lookup_parse(lookup, address)) {
        cc_uv_say(
            uv, 0, "\"%s\" is not an address: host:port, [v6]:port, unix:/path or local:name",
            address);
        end_later(conn);
        return;
    }
    cc_uv_lookup_find(lookup, false);
    if (lookup->count > 0) {
        try_next(conn);
    } else {
        lookup->is_waiting = true;
        cc_uv_job_start(&lookup->job, CC_UV_LANE_NAMES);
    }
}

/* ---- newcomers ------------------------------------------------------------------------------- */

struct cc_uv_conn *cc_uv_conn_accept(struct cc_env_uv *uv, int descriptor, int family)
{
    struct cc_uv_conn *conn = cc_memory_try(uv->env.memory, sizeof *conn);

    if (conn == NULL) {
        close(descriptor);
        return NULL;
    }
    init(conn, uv);
    conn->watch = cc_uv_watch_open(uv, descriptor, ready, conn);
    if (conn->watch == NULL) {
        close(descriptor);
        release(conn);
        return NULL;
    }
    set_up(descriptor, family);
    return conn;
}

void cc_uv_conn_join(struct cc_uv_conn *conn, struct cc_conn *user)
{
    CC_ASSERT(user->backend == NULL);
    conn->user = user;
    user->backend = conn;
    conn->uv->env.counters.accepted++;
    cc_uv_watch_set(conn->watch, UV_READABLE);
}

void cc_uv_conn_discard(struct cc_uv_conn *conn)
{
    release(conn);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_probe -- see bench_probe.h.
 */
#include "bench_probe.h"

#include "bench_clock.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK 4096u
#define BLOCKS 256u
#define WRITES_MAX 500u
#define DISK_NS UINT64_C(300000000)

#define MESSAGE 100u
#define ROUNDS 1000u
#define ROUNDS_WARM 100u

static void say(copycat_message *message, const char *what)
{
    snprintf(message->text, sizeof message->text, "%.300s: %.100s", what, strerror(errno));
}

/* ---- the disk --------------------------------------------------------------------------------- */

/* Zeros first: a file that grows makes the file system write more than the block. */
static bool write_zeros(int file, void *block)
{
    for (uint32_t i = 0; i < BLOCKS; i++) {
        if (pwrite(file, block, BLOCK, (off_t)i * BLOCK) != (ssize_t)BLOCK) {
            return false;
        }
    }
    return fsync(file) == 0;
}

/* Past the page cache if the file system allows it, as a log would. */
static int open_again(const char *path)
{
    int file = open(path, O_WRONLY | O_DSYNC | O_DIRECT | O_CLOEXEC);

    return file >= 0 ? file : open(path, O_WRONLY | O_DSYNC | O_CLOEXEC);
}

static bool time_writes(struct bench_histogram *histogram, int file, void *block)
{
    uint64_t first_ns = bench_now_ns();
    uint64_t now_ns = first_ns;

    for (uint32_t i = 0; i < WRITES_MAX && now_ns - first_ns < DISK_NS; i++) {
        uint64_t before_ns = now_ns;

        if (pwrite(file, block, BLOCK, (off_t)(i % BLOCKS) * BLOCK) != (ssize_t)BLOCK) {
            return false;
        }
        now_ns = bench_now_ns();
        bench_histogram_add(histogram, now_ns - before_ns);
    }
    return true;
}

static bool probe_file(struct bench_probe *probe, const char *path, int made, void *block)
{
    int file;
    bool is_well;

    if (!write_zeros(made, block)) {
        return false;
    }
    file = open_again(path);
    if (file < 0) {
        return false;
    }
    is_well = time_writes(&probe->disk_ns, file, block);
    close(file);
    return is_well;
}

static void probe_disk(struct bench_probe *probe, const char *directory)
{
    char path[400];
    void *block = NULL;
    int made;

    snprintf(path, sizeof path, "%.300s/copycat-bench-XXXXXX", directory);
    made = mkstemp(path);
    if (made < 0 || posix_memalign(&block, BLOCK, BLOCK) != 0) {
        say(&probe->disk_trouble, directory);
    } else {
        memset(block, 0, BLOCK);
        if (!probe_file(probe, path, made, block)) {
            say(&probe->disk_trouble, path);
        }
    }
    free(block);
    if (made >= 0) {
        close(made);
        unlink(path);
    }
}

/* ---- the loopback ----------------------------------------------------------------------------- */

static bool read_whole(int socket, char *data)
{
    return recv(socket, data, MESSAGE, MSG_WAITALL) == (ssize_t)MESSAGE;
}

static bool write_whole(int socket, const char *data)
{
    return send(socket, data, MESSAGE, MSG_NOSIGNAL) == (ssize_t)MESSAGE;
}

/* Says everything back, until the other side hangs up. */
static void *echo(void *owner)
{
    int listener = *(const int *)owner;
    int one = 1;
    int peer = accept(listener, NULL, NULL);
    char data[MESSAGE];

    if (peer >= 0) {
        (void)setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        while (read_whole(peer, data) && write_whole(peer, data)) {
        }
        close(peer);
    }
    return NULL;
}

static bool time_rounds(struct bench_histogram *histogram, int socket)
{
    char data[MESSAGE] = {0};

    for (uint32_t i = 0; i < ROUNDS_WARM + ROUNDS; i++) {
        uint64_t before_ns = bench_now_ns();

        if (!write_whole(socket, data) || !read_whole(socket, data)) {
            return false;
        }
        if (i >= ROUNDS_WARM) {
            bench_histogram_add(histogram, bench_now_ns() - before_ns);
        }
    }
    return true;
}

/* Both ends in this process.  Where the connection fails, shutting the listener down wakes the
 * echo. */
static bool run_rounds(struct bench_histogram *histogram, int listener, struct sockaddr_in *address)
{
    pthread_t thread;
    int one = 1;
    int caller = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_well = false;

    if (caller < 0) {
        return false;
    }
    if (pthread_create(&thread, NULL, echo, &listener) == 0) {
        is_well = connect(caller, (struct sockaddr *)address, sizeof *address) == 0 &&
                  setsockopt(caller, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
                  time_rounds(histogram, caller);
        shutdown(listener, SHUT_RDWR);
        shutdown(caller, SHUT_RDWR);
        pthread_join(thread, NULL);
    }
    close(caller);
    return is_well;
}

static void probe_loopback(struct bench_probe *probe)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        !run_rounds(&probe->loopback_ns, listener, &address)) {
        say(&probe->loopback_trouble, "loopback");
    }
    if (listener >= 0) {
        close(listener);
    }
}

static void keep_quieter(struct bench_histogram *kept, const struct bench_histogram *other)
{
    if (kept->total == 0 || (other->total > 0 && bench_histogram_quantile(other, 500) <
                                                     bench_histogram_quantile(kept, 500))) {
        *kept = *other;
    }
}

void bench_probe_run(struct bench_probe *probe, const char *directory)
{
    struct bench_probe *fresh = cli_take_memory(sizeof *fresh);

    memset(fresh, 0, sizeof *fresh);
    probe_disk(fresh, directory);
    probe_loopback(fresh);
    keep_quieter(&probe->disk_ns, &fresh->disk_ns);
    keep_quieter(&probe->loopback_ns, &fresh->loopback_ns);
    probe->disk_trouble = fresh->disk_trouble;
    probe->loopback_trouble = fresh->loopback_trouble;
    free(fresh);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim -- stands between a copycatd and libc, by LD_PRELOAD: its disk is slow, hangs, writes less
 * than it was asked to or fails; its wall clock jumps.
 *
 * Where it sits:   copycatd -> [shim] -> libc; shim_page.h says what is to be done.
 * Threads:         any.
 *
 * A ring of the kernel's cannot be looked into from here, so it is refused: a server with a shim
 * writes by its helper threads.
 */
#include "shim_page.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef RWF_DSYNC
#    define RWF_DSYNC 0x2
#endif

#define POLL_NS 5000000

/* All else is hidden, as everywhere in this tree. */
#define INSTEAD __attribute__((visibility("default")))

struct io_uring;

/* liburing's, whose header is not needed for it. */
INSTEAD int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags);

static struct chaos_shim_page none;
static struct chaos_shim_page *page = &none;
static ssize_t (*real_write)(int, const struct iovec *, int, off_t, int);
static int (*real_fdatasync)(int);
static int (*real_fsync)(int);
static int (*real_clock)(clockid_t, struct timespec *);

/* POSIX promises what C does not: that a symbol's address may be a function. */
static void find(void *function, const char *name)
{
    *(void **)function = dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv(CHAOS_SHIM_VARIABLE);
    int descriptor = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);

    find(&real_write, "pwritev2");
    find(&real_fdatasync, "fdatasync");
    find(&real_fsync, "fsync");
    find(&real_clock, "clock_gettime");
    if (descriptor >= 0) {
        void *mapped = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);

        page = mapped == MAP_FAILED ? page : mapped;
        (void)close(descriptor);
    }
}

/* Cheap, shared by all threads, and good enough for a disk's moods. */
static uint32_t mood(uint32_t limit)
{
    static _Atomic uint32_t state = 12345;
    uint32_t mixed = atomic_fetch_add(&state, 0x9e3779b9u);

    mixed = (mixed ^ (mixed >> 16)) * 0x85ebca6bu;
    mixed = (mixed ^ (mixed >> 13)) * 0xc2b2ae35u;
    return (mixed ^ (mixed >> 16)) % limit;
}

static void wait_for_the_disk(void)
{
    uint32_t delay_max_us = page->delay_max_us;

    if (delay_max_us != 0) {
        struct timespec delay = {0, (long)mood(delay_max_us) * 1000};

        delay.tv_sec = delay.tv_nsec / 1000000000;
        delay.tv_nsec %= 1000000000;
        page->delayed++;
        (void)nanosleep(&delay, NULL);
    }
    page->hung += page->is_hung != 0;
    while (page->is_hung != 0) {
        (void)nanosleep(&(struct timespec){0, POLL_NS}, NULL);
    }
}

/* True for the one call that has to fail. */
static bool is_due(_Atomic uint32_t *countdown)
{
    uint32_t left = *countdown;

    while (left != 0) {
        if (atomic_compare_exchange_weak(countdown, &left, left - 1)) {
            return left == 1;
        }
    }
    return false;
}

INSTEAD ssize_t
pwritev2(int descriptor, const struct iovec *pieces, int count, off_t offset, int flags)
{
    struct iovec first = pieces[0];
    bool can_be_short = count == 1 && first.iov_len > 1;
    uint32_t short_one_in = page->short_one_in;

    if ((flags & RWF_DSYNC) != 0 && page->refuses_dsync != 0) {
        errno = EOPNOTSUPP;
        return -1;
    }
    wait_for_the_disk();
    if (is_due(&page->write_error_in)) {
        /* What a failed write has left behind, nobody knows: nothing, a part or all of it. */
        first.iov_len = can_be_short ? first.iov_len / 4096 * mood(3) / 2 * 4096 : 0;
        (void)(first.iov_len > 0 && real_write(descriptor, &first, 1, offset, flags) > 0);
        page->write_errors++;
        errno = EIO;
        return -1;
    }
    if (can_be_short && short_one_in != 0 && mood(short_one_in) == 0) {
        first.iov_len = first.iov_len > 4096 ? first.iov_len / 8192 * 4096 : first.iov_len;
        page->shortened += first.iov_len < pieces[0].iov_len;
        return real_write(descriptor, &first, 1, offset, flags);
    }
    return real_write(descriptor, pieces, count, offset, flags);
}

/* A sync that fails has lost what it was to keep, or not. */
static int sync_by(int (*real)(int), int descriptor)
{
    wait_for_the_disk();
    if (!is_due(&page->sync_error_in)) {
        return real(descriptor);
    }
    if (mood(2) == 0) {
        (void)real(descriptor);
    }
    page->sync_errors++;
    errno = EIO;
    return -1;
}

INSTEAD int fdatasync(int descriptor)
{
    return sync_by(real_fdatasync, descriptor);
}

INSTEAD int fsync(int descriptor)
{
    return sync_by(real_fsync, descriptor);
}

int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
    (void)entries;
    (void)ring;
    (void)flags;
    return -ENOSYS;
}

INSTEAD int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = real_clock(clock, now);

    if (failed == 0 && clock == CLOCK_REALTIME) {
        now->tv_sec += page->wall_ahead_s;
    }
    return failed;
}

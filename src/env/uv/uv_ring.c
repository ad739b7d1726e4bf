/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_ring -- reads, writes and syncs by io_uring: no helper thread between the loop and the disk.
 *
 * Requests of a pass go out together at its end.  The ring's own descriptor is watched: it is
 * readable while there are completions.
 *
 * Invariants
 *   R1  no more requests are in the ring than its completion queue has room for.
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define ENTRIES 64u

/* What is in the page cache would be copied inside the submission, by the loop's own thread. */
#define READ_ASIDE_SIZE_MIN (64u << 10)

struct cc_uv_ring {
    struct io_uring ring;
    struct cc_env_uv *uv;
    struct cc_uv_watch *watch;
    struct cc_list waiting; /* for the end of the pass, or for room */
    struct cc_list flying;
    uint32_t in_flight;
};

/* ---- a trial --------------------------------------------------------------------------------- */

/* One operation, waited for; what it transferred, or a negated errno. */
static int try_one(struct io_uring *ring)
{
    struct io_uring_cqe *completion;
    int outcome = io_uring_submit(ring);

    if (outcome != 1 || io_uring_wait_cqe(ring, &completion) != 0) {
        return outcome < 0 ? outcome : -EIO;
    }
    outcome = completion->res;
    io_uring_cqe_seen(ring, completion);
    return outcome;
}

/* A durable write, a sync and a read, really done: a kernel, a sandbox or a policy may refuse any
 * of them where setting up a ring is allowed. */
static bool works(struct io_uring *ring)
{
    char text[4] = "ring";
    char back[4] = "";
    int descriptor = memfd_create("copycat-trial", MFD_CLOEXEC);
    bool is_good;

    if (descriptor < 0) {
        return false;
    }
    struct io_uring_sqe *entry = io_uring_get_sqe(ring);

    io_uring_prep_write(entry, descriptor, text, sizeof text, 0);
    entry->rw_flags = RWF_DSYNC;
    is_good = try_one(ring) == (int)sizeof text;
    if (is_good) {
        io_uring_prep_fsync(io_uring_get_sqe(ring), descriptor, IORING_FSYNC_DATASYNC);
        is_good = try_one(ring) == 0;
    }
    if (is_good) {
        io_uring_prep_read(io_uring_get_sqe(ring), descriptor, back, sizeof back, 0);
        is_good = try_one(ring) == (int)sizeof back && memcmp(text, back, sizeof back) == 0;
    }
    close(descriptor);
    return is_good;
}

static bool set_up(struct io_uring *ring)
{
    /* Completions are looked for when the loop next enters the kernel, not by interrupting it. */
    if (io_uring_queue_init(ENTRIES, ring, IORING_SETUP_COOP_TASKRUN) != 0 &&
        io_uring_queue_init(ENTRIES, ring, 0) != 0) {
        return false;
    }
    if (!works(ring)) {
        io_uring_queue_exit(ring);
        return false;
    }
    return true;
}

/* ---- out and back ---------------------------------------------------------------------------- */

static void fill(struct io_uring_sqe *entry, struct cc_uv_disk_job *job)
{
    const struct cc_disk_request *request = job->request;
    int descriptor = cc_uv_file_descriptor(job);
    struct iovec piece;

    if (request->operation == CC_DISK_SYNC || job->is_syncing) {
        io_uring_prep_fsync(entry, descriptor, IORING_FSYNC_DATASYNC);
        io_uring_sqe_set_data(entry, job);
        return;
    }
    piece = cc_uv_file_piece(job);

    uint64_t offset = request->offset + job->done;

    if (request->operation == CC_DISK_READ) {
        io_uring_prep_read(entry, descriptor, piece.iov_base, (unsigned)piece.iov_len, offset);
        if (piece.iov_len >= READ_ASIDE_SIZE_MIN) {
            io_uring_sqe_set_flags(entry, IOSQE_ASYNC);
        }
    } else {
        io_uring_prep_write(entry, descriptor, piece.iov_base, (unsigned)piece.iov_len, offset);
        entry->rw_flags = request->durable && job->file->has_dsync ? RWF_DSYNC : 0;
    }
    io_uring_sqe_set_data(entry, job);
}

void cc_uv_ring_put(struct cc_uv_ring *ring, struct cc_uv_disk_job *job)
{
    cc_list_append(&ring->waiting, &job->flight);
    cc_uv_wake(ring->uv);
}

void cc_uv_ring_submit(struct cc_uv_ring *ring)
{
    while (!cc_list_is_empty(&ring->waiting) && ring->in_flight < ENTRIES) {
        struct cc_uv_disk_job *job =
            cc_container_of(ring->waiting.next, struct cc_uv_disk_job, flight);
        struct io_uring_sqe *entry = io_uring_get_sqe(&ring->ring);

        if (entry == NULL) {
            break; /* what lies there first has to go */
        }
        fill(entry, job);
        cc_list_remove(&job->flight);
        cc_list_append(&ring->flying, &job->flight);
        ring->in_flight++;
        CC_ASSERT(ring->in_flight <= ENTRIES); /* R1 */
    }
    /* A kernel that is short of something takes it with the next pass. */
    if (io_uring_sq_ready(&ring->ring) > 0 && io_uring_submit(&ring->ring) < 0) {
        uv_async_send(&ring->uv->async);
    }
}

/* A job that is not done goes back to be submitted; true if it is. */
static bool take(struct cc_uv_ring *ring, struct io_uring_cqe *completion)
{
    struct cc_uv_disk_job *job = io_uring_cqe_get_data(completion);
    long outcome = completion->res;
    bool is_done;

    io_uring_cqe_seen(&ring->ring, completion);
    cc_list_remove(&job->flight);
    ring->in_flight--;
    is_done = cc_uv_file_advance(job, outcome);
    if (is_done && !ring->uv->is_closing) {
        cc_uv_disk_finish(&job->job);
    }
    return is_done;
}

static void ready(void *owner, int events)
{
    struct cc_uv_ring *ring = owner;
    struct io_uring_cqe *completion;

    (void)events;
    while (io_uring_peek_cqe(&ring->ring, &completion) == 0) {
        struct cc_uv_disk_job *job = io_uring_cqe_get_data(completion);

        if (!take(ring, completion)) {
            cc_list_append(&ring->waiting, &job->flight);
        }
    }
}

/* ---- opening and closing --------------------------------------------------------------------- */

struct cc_uv_ring *cc_uv_ring_open(struct cc_env_uv *uv)
{
    struct cc_uv_ring *ring = cc_memory_try(uv->env.memory, sizeof *ring);

    if (ring == NULL) {
        return NULL;
    }
    ring->uv = uv;
    cc_list_init(&ring->waiting);
    cc_list_init(&ring->flying);
    if (!set_up(&ring->ring)) {
        cc_memory_give(uv->env.memory, ring);
        return NULL;
    }
    ring->watch = cc_uv_watch_open(uv, ring->ring.ring_fd, ready, ring);
    if (ring->watch == NULL) {
        io_uring_queue_exit(&ring->ring);
        cc_memory_give(uv->env.memory, ring);
        return NULL;
    }
    cc_uv_watch_set(ring->watch, UV_READABLE);
    return ring;
}

void cc_uv_ring_close(struct cc_uv_ring *ring)
{
    struct io_uring_cqe *completion;

    while (ring->in_flight > 0) {
        int failed = io_uring_submit_and_wait(&ring->ring, 1);

        CC_ASSERT(failed >= 0 || failed == -EINTR || failed == -EAGAIN || failed == -EBUSY);
        while (io_uring_peek_cqe(&ring->ring, &completion) == 0) {
            (void)take(ring, completion);
        }
    }
    (void)cc_uv_watch_close(ring->watch);
    io_uring_queue_exit(&ring->ring);
    cc_memory_give(ring->uv->env.memory, ring);
}

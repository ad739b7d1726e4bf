/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uv_file -- what blocks: the operations themselves, on a helper thread.
 *
 * Which way a durable write goes is found out once for each directory by a real write there, for
 * what a file system says it can do and what it does differ (tmpfs, overlays, network mounts):
 * past the page cache and synced by the write itself; through it and synced by the write; through
 * it and synced afterwards.  Past the cache is faster, and there a failed write leaves no page that
 * only looks written.
 */
#include "base/assert.h"
#include "env/uv/uv_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PIECE_MAX ((size_t)1 << 30)
#define FILE_MODE 0600
#define PROBE_NAME ".copycat-probe"

/* ---- reads and writes ------------------------------------------------------------------------ */

static bool is_whole_blocks(const struct cc_disk_request *request, size_t done)
{
    uintptr_t address = (uintptr_t)request->data + done;

    return (address | (request->offset + done) | (request->size - done)) % CC_DISK_BLOCK == 0;
}

/* Past the page cache whenever it can be.  What is written and gathers there goes to the disk in one
 * sync, and durable writes wait behind it; and what was written past it is not in it, so a read would
 * only fill it, with what is read once: at more cost than the read. */
int cc_uv_file_descriptor(const struct cc_uv_disk_job *job)
{
    const struct cc_disk_request *request = job->request;
    bool is_direct = job->file->direct >= 0 && request->operation != CC_DISK_SYNC &&
                     !job->is_syncing && is_whole_blocks(request, job->done);

    return is_direct ? job->file->direct : job->file->descriptor;
}

bool cc_uv_file_advance(struct cc_uv_disk_job *job, long outcome)
{
    const struct cc_disk_request *request = job->request;
    bool is_write = request->operation == CC_DISK_WRITE;

    if (outcome == -EINTR || outcome == -EAGAIN) {
        return false; /* nothing happened */
    }
    if (outcome < 0) {
        job->job.error = (int)-outcome;
        return true;
    }
    if (request->operation == CC_DISK_SYNC || job->is_syncing) {
        return true;
    }
    job->done += (size_t)outcome;
    if (job->done < request->size) {
        if (outcome > 0) {
            return false; /* short: the rest */
        }
        job->job.error = is_write ? EIO : 0;
        job->is_short = !is_write;
        return true;
    }
    job->is_syncing = is_write && request->durable && !job->file->has_dsync;
    return !job->is_syncing;
}

struct iovec cc_uv_file_piece(const struct cc_uv_disk_job *job)
{
    unsigned char *data = job->request->data;
    size_t left = job->request->size - job->done;

    return (struct iovec){data + job->done, left < PIECE_MAX ? left : PIECE_MAX};
}

static long transfer(const struct cc_uv_disk_job *job)
{
    const struct cc_disk_request *request = job->request;
    int descriptor = cc_uv_file_descriptor(job);
    struct iovec piece;

    if (request->operation == CC_DISK_SYNC || job->is_syncing) {
        return fdatasync(descriptor);
    }
    piece = cc_uv_file_piece(job);

    off_t offset = (off_t)(request->offset + job->done);

    if (request->operation == CC_DISK_READ) {
        return preadv(descriptor, &piece, 1, offset);
    }
    return pwritev2(
        descriptor, &piece, 1, offset, request->durable && job->file->has_dsync ? RWF_DSYNC : 0);
}

static void read_write_or_sync(struct cc_uv_disk_job *job)
{
    long outcome;

    do {
        outcome = transfer(job);
    } while (!cc_uv_file_advance(job, outcome < 0 ? -errno : outcome));
}

/* ---- how to write durably -------------------------------------------------------------------- */

/* 0 if a block was really written in that way, or an errno. */
static int try_writing(int directory, int flags, int write_flags)
{
    _Alignas(CC_DISK_BLOCK) static const unsigned char block[CC_DISK_BLOCK];
    char name[64];
    struct iovec piece = {(void *)(uintptr_t)block, sizeof block};
    int error = 0;
    int descriptor;
    ssize_t written;

    /* Nobody else in this process has this descriptor, nobody else on this machine this process. */
    (void)snprintf(name, sizeof name, PROBE_NAME "-%ld-%d", (long)getpid(), directory);
    (void)unlinkat(directory, name, 0);
    descriptor = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, FILE_MODE);
    if (descriptor < 0) {
        return errno;
    }
    written = pwritev2(descriptor, &piece, 1, 0, write_flags);
    if (written != (ssize_t)sizeof block) {
        error = written < 0 ? errno : EIO;
    }
    close(descriptor);
    (void)unlinkat(directory, name, 0);
    return error;
}

/* 0, or an errno that says nothing about the directory: then it is not known yet. */
static int find_way(struct cc_uv_way *way, int directory, const struct stat *status)
{
    int direct = try_writing(directory, O_DIRECT, RWF_DSYNC);
    int dsync = direct == 0 ? 0 : try_writing(directory, 0, RWF_DSYNC);

    if (cc_uv_is_out_of_descriptors(direct) || cc_uv_is_out_of_descriptors(dsync)) {
        return EMFILE;
    }
    *way = (struct cc_uv_way){
        .is_known = true,
        .is_direct = direct == 0,
        .has_dsync = dsync == 0,
        .device = status->st_dev,
        .inode = status->st_ino};
    return 0;
}

/* Only the slow lane opens files, one at a time, so this table needs no lock. */
static int way_of(struct cc_env_uv *uv, int directory, struct cc_uv_way *way_out)
{
    struct stat status;
    int error;

    if (fstat(directory, &status) != 0) {
        return errno;
    }
    for (uint32_t i = 0; i < CC_UV_WAYS; i++) {
        const struct cc_uv_way *way = &uv->ways[i];

        if (way->is_known && way->device == status.st_dev && way->inode == status.st_ino) {
            *way_out = *way;
            return 0;
        }
    }
    error = find_way(way_out, directory, &status);
    if (error == 0) {
        uv->ways[uv->way_next] = *way_out;
        uv->way_next = (uv->way_next + 1) % CC_UV_WAYS;
    }
    return error;
}

/* 0, or an errno if there is no descriptor left: all else only makes it slower. */
static int choose_way(struct cc_env_uv *uv, struct cc_file *file)
{
    char parent[PATH_MAX];
    struct cc_uv_way way = {.is_known = false};
    int directory;
    int error = 0;

    if (!cc_uv_parent_of(file->path, parent)) {
        return 0;
    }
    directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        error = errno;
    } else {
        error = way_of(uv, directory, &way);
        close(directory);
    }
    file->has_dsync = way.has_dsync;
    if (way.is_direct) {
        file->direct = open(file->path, O_RDWR | O_CLOEXEC | O_DIRECT);
        error = file->direct < 0 ? errno : 0;
    }
    return cc_uv_is_out_of_descriptors(error) ? error : 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

/*
 * Btrfs writes elsewhere what it writes over, and so needs space for it: a file of zeros holds none
 * in store there.  Unless it is told so before anything is in the file.  What it no longer does then,
 * checksums, the journal has of its own.  Where it cannot be told, a full disk is an error (T-056).
 */
static void write_in_place(int descriptor, const struct stat *status)
{
    struct statfs system;
    int flags = 0;

    if (status->st_size == 0 && fstatfs(descriptor, &system) == 0 &&
        system.f_type == BTRFS_SUPER_MAGIC && ioctl(descriptor, FS_IOC_GETFLAGS, &flags) == 0) {
        flags |= FS_NOCOW_FL;
        (void)ioctl(descriptor, FS_IOC_SETFLAGS, &flags);
    }
}

/* A lock goes with the last request that has the file, not with the process that took it.  So whoever
 * writes shares one for each descriptor, and who comes next waits until it could have it alone.  Where
 * files cannot be locked nothing is known of who is gone: as it would be without. */
static void wait_for_the_gone(const struct cc_file *file)
{
    while (flock(file->descriptor, LOCK_EX) != 0 && errno == EINTR) {
    }
    (void)flock(file->descriptor, LOCK_SH);
    if (file->direct >= 0) {
        (void)flock(file->direct, LOCK_SH);
    }
}

static void open_file(struct cc_uv_disk_job *job)
{
    struct cc_file *file = job->file;
    int flags = O_RDWR | O_CLOEXEC | (job->request->create ? O_CREAT : 0);
    struct stat status;

    file->descriptor = open(file->path, flags, FILE_MODE);
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
        job->job.error = errno;
        cc_uv_file_shut(file);
        return;
    }
    if (job->request->create) {
        write_in_place(file->descriptor, &status);
    }
    job->job.error = choose_way(job->job.uv, file);
    if (job->job.error == 0 && job->request->exclusive) {
        wait_for_the_gone(file);
    }
    if (job->job.error == 0 && fstat(file->descriptor, &status) != 0) {
        job->job.error = errno;
    }
    job->file_size = (uint64_t)status.st_size;
    if (job->job.error != 0) {
        cc_uv_file_shut(file);
    }
}

void cc_uv_file_shut(struct cc_file *file)
{
    if (file->descriptor >= 0) {
        close(file->descriptor);
    }
    if (file->direct >= 0) {
        close(file->direct);
    }
    file->descriptor = -1;
    file->direct = -1;
}

/* What others than the superuser may still use. */
static void find_room(struct cc_uv_disk_job *job)
{
    struct statvfs system;

    if (statvfs(job->request->name, &system) != 0) {
        job->job.error = errno;
    } else {
        job->room = (uint64_t)system.f_bavail * system.f_frsize;
    }
}

void cc_uv_file_work(struct cc_uv_job *base)
{
    struct cc_uv_disk_job *job = cc_container_of(base, struct cc_uv_disk_job, job);

    switch (job->request->operation) {
    case CC_DISK_LOCK:
        cc_uv_directory_lock(job);
        break;
    case CC_DISK_UNLOCK:
        cc_uv_directory_unlock(job);
        break;
    case CC_DISK_LIST:
        cc_uv_directory_list(job);
        break;
    case CC_DISK_OPEN:
        open_file(job);
        break;
    case CC_DISK_READ:
        read_write_or_sync(job);
        if (job->job.error == 0 && !job->is_short && job->request->work != NULL) {
            job->request->work(job->request);
        }
        break;
    case CC_DISK_WRITE:
    case CC_DISK_SYNC:
        read_write_or_sync(job);
        break;
    case CC_DISK_SYNC_DIR:
        base->error = cc_uv_directory_sync(job->request->name);
        break;
    case CC_DISK_CLOSE:
        cc_uv_file_shut(job->file);
        break;
    case CC_DISK_REMOVE:
        base->error = unlink(job->request->name) == 0 ? 0 : errno;
        break;
    case CC_DISK_ROOM:
        find_room(job);
        break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disks -- see disks.h.
 */
#include "disks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_BYTES (UINT64_C(1) << 30) /* and so much more for each second: */
#define IMAGE_BYTES_PER_SECOND (UINT64_C(8) << 20)
#define TMPFS_BYTES (UINT64_C(64) << 20)
#define TMPFS_BYTES_PER_SECOND (UINT64_C(2) << 20)
#define LOOP_TRIALS 20
#define UNMOUNT_TRIALS 200
#define FILL_PIECE_MIN 4096u
#define BALLAST "ballast"

/* Of ext4, xfs and others, under one number: what is only in memory is forgotten. */
#define SHUT_DOWN _IOR('X', 125, uint32_t)
#define SHUT_DOWN_WITHOUT_FLUSH 2u

static const char *const kinds[CHAOS_SERVER_COUNT] = {"ext4", "xfs", "btrfs"};

/* ---- making ------------------------------------------------------------------------------------ */

static void note_obstacle(struct chaos_disks *disks, const char *kind, const char *why)
{
    size_t used = strlen(disks->obstacle);

    if (strstr(disks->obstacle, kind) != NULL) {
        return; /* of another server's */
    }
    (void)snprintf(
        disks->obstacle + used, sizeof disks->obstacle - used, "%s%s (%s)", used == 0 ? "" : ", ",
        kind, why);
}

/* NULL, or what does not work. */
static const char *format_image(const struct chaos_disk *disk, uint64_t size)
{
    char program[16];
    int status = 0;
    int image = open(disk->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (image < 0 || ftruncate(image, (off_t)size) != 0 || close(image) != 0) {
        return "no space for its file";
    }
    (void)snprintf(program, sizeof program, "mkfs.%s", disk->kind);

    pid_t pid = fork();

    if (pid == 0) {
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void)dup2(nothing, STDOUT_FILENO);
        (void)dup2(nothing, STDERR_FILENO);
        execlp(program, program, "-q", disk->image, (char *)NULL);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return "mkfs for it is missing";
    }
    return pid > 0 && status == 0 ? NULL : "mkfs for it fails";
}

/* A loop device for the image, which ends with its last user; its descriptor, or -1. */
static int attach(const char *image, char *name, size_t name_size)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int backing = open(image, O_RDWR | O_CLOEXEC);
    int loop = -1;

    for (unsigned i = 0; i < LOOP_TRIALS && control >= 0 && backing >= 0 && loop < 0; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        struct loop_config config = {.fd = (uint32_t)backing, .info.lo_flags = LO_FLAGS_AUTOCLEAR};

        (void)snprintf(name, name_size, "/dev/loop%d", number);
        loop = number < 0 ? -1 : open(name, O_RDWR | O_CLOEXEC);
        if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config) != 0) {
            (void)close(loop); /* somebody else was faster */
            loop = -1;
        }
    }
    if (control >= 0) {
        (void)close(control);
    }
    if (backing >= 0) {
        (void)close(backing);
    }
    return loop;
}

/* NULL, or what does not work. */
static const char *mount_image(const struct chaos_disk *disk)
{
    char name[32];
    int loop = attach(disk->image, name, sizeof name);
    const char *failed = NULL;

    if (loop < 0) {
        return "no loop device";
    }
    /* Between two commits each sync of btrfs pins metadata, and on a disk as small as this one half
     * a minute of them is more than it has: it would abort, and be read-only from then on. */
    if (mount(
            name, disk->path, disk->kind, MS_NOATIME,
            strcmp(disk->kind, "btrfs") == 0 ? "commit=2" : NULL) != 0) {
        failed = errno == ENODEV ? "not in this kernel" : strerror(errno);
    }
    (void)close(loop);
    return failed;
}

/* Asked of a file system that nobody uses yet, which is mounted anew after it. */
static bool can_lose_power(const struct chaos_disks *disks, unsigned server)
{
    if (!chaos_disks_power_off(disks, server)) {
        return false;
    }
    if (!chaos_disks_power_on(disks, server)) {
        chaos_give_up("a file system that lost its power before it was used");
    }
    return true;
}

static bool open_image(struct chaos_disks *disks, unsigned server, const char *kind, uint64_t size)
{
    struct chaos_disk *disk = &disks->disks[server];

    disk->kind = kind;

    const char *failed = format_image(disk, size);

    failed = failed == NULL ? mount_image(disk) : failed;
    if (failed != NULL) {
        note_obstacle(disks, kind, failed);
        (void)unlink(disk->image);
        return false;
    }
    disk->can_lose_power = can_lose_power(disks, server);
    return true;
}

/* A loop device, or in need a tmpfs, or in need nothing but a directory. */
static void open_disk(
    struct chaos_disks *disks, unsigned server, const char *kind, uint64_t seconds)
{
    struct chaos_disk *disk = &disks->disks[server];
    char options[64];

    if (open_image(disks, server, kind, IMAGE_BYTES + seconds * IMAGE_BYTES_PER_SECOND) ||
        (strcmp(kind, "ext4") != 0 &&
         open_image(disks, server, "ext4", IMAGE_BYTES + seconds * IMAGE_BYTES_PER_SECOND))) {
        return;
    }
    disk->image[0] = '\0';
    disk->kind = "tmpfs";
    (void)snprintf(
        options, sizeof options, "size=%llu",
        (unsigned long long)(TMPFS_BYTES + seconds * TMPFS_BYTES_PER_SECOND));
    if (mount("tmpfs", disk->path, "tmpfs", 0, options) != 0) {
        disk->kind = NULL;
        disks->has_mounts = false;
    }
}

void chaos_disks_open(struct chaos_disks *disks, const char *root, uint64_t seconds, uint64_t seed)
{
    *disks = (struct chaos_disks){.has_mounts = true};
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        struct chaos_disk *disk = &disks->disks[i];

        (void)snprintf(disk->path, sizeof disk->path, "%s/disk-%u", root, i + 1);
        (void)snprintf(disk->image, sizeof disk->image, "%s/disk-%u.image", root, i + 1);
        if (mkdir(disk->path, 0700) != 0) {
            chaos_give_up(disk->path);
        }
    }
    /* Nothing goes from here to where we come from, but all of it to the servers. */
    disks->has_room = unshare(CLONE_NEWNS) == 0 &&
                      mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                      mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) == 0;
    if (!disks->has_room) {
        disks->has_mounts = false;
        note_obstacle(disks, "file systems", "no mount namespace");
        return;
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        open_disk(disks, i, kinds[(i + seed) % CHAOS_SERVER_COUNT], seconds);
    }
}

/* Whoever was killed may hold it for a moment more. */
static bool unmount(const struct chaos_disk *disk)
{
    bool is_done = false;

    for (unsigned i = 0; i < UNMOUNT_TRIALS && !is_done; i++) {
        is_done = umount(disk->path) == 0;
        if (!is_done) {
            chaos_sleep_ms(10);
        }
    }
    return is_done;
}

void chaos_disks_close(struct chaos_disks *disks)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        const struct chaos_disk *disk = &disks->disks[i];

        if (disk->kind != NULL && !unmount(disk)) {
            chaos_say("%s stays mounted until this process ends", disk->path);
        }
    }
}

void chaos_disks_names(const struct chaos_disks *disks, char *text, size_t text_size)
{
    size_t used = 0;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT && used < text_size; i++) {
        const char *kind = disks->disks[i].kind;

        used += (size_t)snprintf(
            text + used, text_size - used, "%s%s", i == 0 ? "" : ", ",
            kind == NULL ? "a directory" : kind);
    }
}

/* ---- doing something to them ------------------------------------------------------------------- */

static void name_ballast(const struct chaos_disk *disk, char *path, size_t path_size)
{
    (void)snprintf(path, path_size, "%s/" BALLAST, disk->path);
}

void chaos_disks_fill(const struct chaos_disks *disks, unsigned server)
{
    const struct chaos_disk *disk = &disks->disks[server];
    struct statvfs room;
    char path[96];
    off_t size = 0;

    name_ballast(disk, path, sizeof path);

    int ballast = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (ballast < 0 || fstatvfs(ballast, &room) != 0) {
        chaos_say("no ballast at server %u: %s", server + 1, strerror(errno));
        return;
    }

    off_t piece = (off_t)(room.f_bavail * room.f_frsize);

    while (piece >= (off_t)FILL_PIECE_MIN) {
        if (fallocate(ballast, 0, size, piece) == 0) {
            size += piece;
        } else {
            piece /= 2;
        }
    }
    (void)close(ballast);
}

void chaos_disks_free(const struct chaos_disks *disks, unsigned server)
{
    char path[96];

    name_ballast(&disks->disks[server], path, sizeof path);
    if (unlink(path) != 0 && errno != ENOENT) {
        chaos_say("the ballast of server %u stays: %s", server + 1, strerror(errno));
    }
}

bool chaos_disks_power_off(const struct chaos_disks *disks, unsigned server)
{
    int place = open(disks->disks[server].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint32_t how = SHUT_DOWN_WITHOUT_FLUSH;
    bool is_done = place >= 0 && ioctl(place, SHUT_DOWN, &how) == 0;

    if (place >= 0) {
        (void)close(place);
    }
    return is_done;
}

bool chaos_disks_power_on(const struct chaos_disks *disks, unsigned server)
{
    return unmount(&disks->disks[server]) && mount_image(&disks->disks[server]) == NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flip_sweep -- bytes that change, blocks that become zeros, images that are cut and files that go
 * missing on one server of three.
 *
 *     before     a hundred and some writes are acknowledged; the last of them while server 3 is
 *                down, so that servers 1 and 2 alone hold them; then power is lost everywhere.
 *                Images were taken and files used again; what server 3 lacks is in an image
 *                alone, in an image and in the log, or in the log alone
 *     change     one thing is changed on the disk of server 1
 *     after      all start, or first 1 and 3 alone: what they then agree on must not be less
 *     end        all that did not stop are up: they serve, and agree
 *
 *   R1  no wrong answer: each key holds what was acknowledged last
 *   R2  no acknowledged write is lost: each entry that is applied is what it was before
 *   R3  server 1 goes on, as before or repaired by its peers, or stops and says where
 *   R4  the others serve, whatever becomes of server 1
 *   R5  where the images of all are changed, all say where, and none serves without its state
 *
 * usage: flip_sweep [--samples N] [--all [PAST]] [--only PAST DOWN KIND FILE OFFSET]
 *        N bytes for each of the three pasts (0, 1, 2) and the two starts; KIND: byte, block, cut, file, all
 */
#include "base/assert.h"
#include "base/hash.h"
#include "fault/everywhere.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES 2000u
#define TARGET PAST_FIRST
#define HOLDER PAST_SECOND /* the one that may be down at first */
#define LAGGARD PAST_LAGGARD
#define PATIENCE_US UINT64_C(20000000)
#define ALONE_US UINT64_C(3000000)
#define IMAGE_STEP 61u   /* of so many bytes of an image one is flipped */
#define HEADER_SIZE 300u /* about so many bytes at the beginning of a batch say what it is */

enum kind {
    KIND_BYTE,
    KIND_BLOCK,
    KIND_CUT,
    KIND_FILE,
    KIND_ALL, /* a byte of the images of all servers */
    KIND_COUNT,
};

static const char *const kind_names[] = {"byte", "block", "cut", "file", "all"};

struct change {
    bool is_down; /* the holder, at first */
    enum kind kind;
    uint32_t file;
    size_t offset;
};

static struct {
    uint64_t same;
    uint64_t repaired;
    uint64_t stopped;
    uint64_t failed;
} totals[KIND_COUNT];

static struct past before;
static struct trio trio;
static struct caller caller;

/* ---- after ----------------------------------------------------------------------------------- */

/* The same disk, but for the change; its files are borrowed, the changed one but for `bytes`. */
static void change_disk(const struct change *change, struct trio_disk *disk, uint8_t *bytes)
{
    struct trio_file *file = &disk->files[change->file];
    size_t left = file->size - change->offset;

    if (change->kind == KIND_FILE) {
        file->data = NULL;
        return;
    }
    if (change->kind == KIND_CUT) {
        file->size = change->offset;
        return;
    }
    memcpy(bytes, file->data, file->size);
    file->data = bytes;
    if (change->kind == KIND_BLOCK) {
        memset(bytes + change->offset, 0, left < CC_DISK_BLOCK ? left : CC_DISK_BLOCK);
    } else {
        bytes[change->offset] ^= (uint8_t)(1u << cc_hash_words(change->file, change->offset) % 8);
    }
}

static bool is_decided(void *owner)
{
    (void)owner;
    return trio.seats[TARGET].has_stopped || trio_is_settled(&trio, TRIO_SERVERS - 1);
}

/* What servers 1 and 3 alone agree on, if they do, is not less than what was acknowledged. */
static void go_alone(void)
{
    trio_start(&trio, TARGET);
    trio_start(&trio, LAGGARD);
    if (trio_run(&trio, ALONE_US, is_decided, NULL) && !trio.seats[TARGET].has_stopped &&
        caller_check(&caller, PATIENCE_US)) {
        (void)caller_put(&caller, 2, PATIENCE_US);
    }
    if (trio_verdict(&trio) == NULL) {
        trio_start(&trio, HOLDER);
    }
}

static bool is_end(void *owner)
{
    (void)owner;
    return trio_is_settled(&trio, trio.seats[TARGET].has_stopped ? 2 : TRIO_SERVERS);
}

/* R3 */
static void check_reason(void)
{
    const struct trio_seat *seat = &trio.seats[TARGET];
    bool is_damage = seat->status == COPYCAT_ERR_DAMAGED || seat->status == COPYCAT_ERR_FOREIGN ||
                     seat->status == COPYCAT_ERR_NEWER;
    bool is_said = strstr(seat->notice, seat->directory) != NULL &&
                   (seat->status != COPYCAT_ERR_DAMAGED || strstr(seat->notice, "offset") != NULL);

    if (!is_damage || !is_said) {
        cc_judge_blame(
            trio.judge, "the server stopped with \"%s\", and says \"%s\"",
            copycat_status_text(seat->status), seat->notice);
    }
}

static void act(const struct change *change)
{
    if (change->is_down) {
        go_alone();
    } else {
        for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
            trio_start(&trio, i);
        }
    }
    if (trio_verdict(&trio) != NULL || !caller_check(&caller, PATIENCE_US) ||
        !caller_put(&caller, 3, PATIENCE_US)) {
        return;
    }
    if (!trio_run(&trio, PATIENCE_US, is_end, NULL)) {
        cc_judge_blame(trio.judge, "the servers do not agree in time");
        return;
    }
    if (trio.seats[TARGET].has_stopped) {
        check_reason();
    }
    if (caller_check(&caller, PATIENCE_US) && caller_close(&caller)) {
        for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
            (void)trio_close(&trio, i);
        }
    }
}

static void print_failure(const struct change *change, const char *verdict)
{
    const struct trio_file *file = &before.disks[TARGET].files[change->file];

    printf(
        "FAILED %s at %zu of %s%s: %s; replay: flip_sweep --only %d %d %s %u %zu\n",
        kind_names[change->kind], change->offset, file->name,
        change->is_down ? ", server 2 down" : "", verdict, before.kind, change->is_down,
        kind_names[change->kind], change->file, change->offset);
}

/* R5 */
static bool try_all(const struct change *change)
{
    const char *verdict = everywhere_try(&trio, &before, change->offset);

    totals[KIND_ALL].stopped += verdict == NULL;
    totals[KIND_ALL].failed += verdict != NULL;
    if (verdict != NULL) {
        print_failure(change, verdict);
    }
    return verdict == NULL;
}

static bool try_one(const struct change *change)
{
    static const struct trio_fault none = {.machine = TRIO_MACHINES};
    struct trio_disk disk = before.disks[TARGET];
    uint8_t *bytes = malloc(disk.files[change->file].size);
    bool is_good;

    CC_ASSERT(bytes != NULL);
    change_disk(change, &disk, bytes);
    trio_create(&trio, PAST_SEED + 1, &none);
    past_set(&before, &trio);
    trio_disk_put(&trio, TARGET, &disk);
    trio_disk_put(&trio, HOLDER, &before.disks[HOLDER]);
    trio_disk_put(&trio, LAGGARD, &before.disks[LAGGARD]);
    record_tell(&before.record, trio.judge, before.record.last);
    caller = before.caller;
    caller.trio = &trio;
    act(change);
    is_good = trio_verdict(&trio) == NULL;
    if (!is_good) {
        totals[change->kind].failed++;
        print_failure(change, trio_verdict(&trio));
    } else if (trio.seats[TARGET].has_stopped) {
        totals[change->kind].stopped++;
    } else if (trio.seats[TARGET].spoke_of_damage || trio.seats[TARGET].has_lost_image) {
        totals[change->kind].repaired++;
    } else {
        totals[change->kind].same++;
    }
    trio_destroy(&trio);
    free(bytes);
    return is_good;
}

/* ---- sweeps ---------------------------------------------------------------------------------- */

/* An image, with its segments, is small beside the journal, and so would meet few of the sampled bytes. */
static void sweep_blocks_and_files(bool is_down)
{
    for (uint32_t file = 0; file < before.disks[TARGET].file_count; file++) {
        bool has_image = everywhere_is_image(&before.disks[TARGET].files[file]);

        for (size_t at = 0; at < before.disks[TARGET].files[file].size; at += CC_DISK_BLOCK) {
            (void)try_one(&(struct change){is_down, KIND_BLOCK, file, at});
            if (has_image) {
                (void)try_one(&(struct change){is_down, KIND_CUT, file, at});
            }
            if (has_image && !is_down) {
                (void)try_all(&(struct change){false, KIND_ALL, file, at + HEADER_SIZE / 2});
                (void)try_all(&(struct change){false, KIND_ALL, file, at + 10});
            }
        }
        for (size_t at = 0; has_image && at < before.disks[TARGET].files[file].size;
             at += IMAGE_STEP) {
            (void)try_one(&(struct change){is_down, KIND_BYTE, file, at});
        }
        (void)try_one(&(struct change){is_down, KIND_FILE, file, 0});
    }
}

static bool is_zero_sector(const uint8_t *sector)
{
    static const uint8_t zeros[CC_DISK_SECTOR];

    return memcmp(sector, zeros, sizeof zeros) == 0;
}

/* A sector that was never written is one that was, whichever of its bytes has changed. */
static void sweep_all_bytes(bool is_down)
{
    for (uint32_t file = 0; file < before.disks[TARGET].file_count; file++) {
        size_t size = before.disks[TARGET].files[file].size;

        for (size_t at = 0; at < size; at++) {
            const uint8_t *bytes = before.disks[TARGET].files[file].data;

            if (at % CC_DISK_SECTOR == 1 && is_zero_sector(bytes + at - 1)) {
                at += CC_DISK_SECTOR - 2;
                continue;
            }
            (void)try_one(&(struct change){is_down, KIND_BYTE, file, at});
        }
    }
}

/* Spread over the disk evenly; every other one in what may be the header of a batch. */
static void sweep_sampled_bytes(bool is_down, uint64_t samples)
{
    const struct trio_disk *disk = &before.disks[TARGET];
    struct cc_prng prng = {PAST_SEED + is_down};
    uint64_t size = 0;

    for (uint32_t file = 0; file < disk->file_count; file++) {
        size += disk->files[file].size;
    }
    for (uint64_t i = 0; i < samples; i++) {
        size_t at = (size_t)(i * size / samples + cc_prng_below(&prng, size / samples));
        uint32_t file = 0;

        while (at >= disk->files[file].size) {
            at -= disk->files[file++].size;
        }
        if (i % 2 == 0) {
            at = at - at % CC_DISK_BLOCK + cc_prng_below(&prng, HEADER_SIZE);
        }
        (void)try_one(&(struct change){is_down, KIND_BYTE, file, at});
    }
}

static int only(char **arguments)
{
    struct change change = {
        .is_down = strtoul(arguments[1], NULL, 10) != 0,
        .file = (uint32_t)strtoul(arguments[3], NULL, 10),
        .offset = strtoull(arguments[4], NULL, 10),
    };

    unsigned long past = strtoul(arguments[0], NULL, 10);

    if (past >= PAST_KINDS || !past_make(&before, &trio, (enum past_kind)past)) {
        return 1;
    }

    while (change.kind < KIND_COUNT && strcmp(arguments[2], kind_names[change.kind]) != 0) {
        change.kind++;
    }
    if (change.kind == KIND_COUNT || change.file >= before.disks[TARGET].file_count ||
        change.offset >= before.disks[TARGET].files[change.file].size) {
        return 2;
    }
    if (change.kind == KIND_ALL) {
        return try_all(&change) ? 0 : 1;
    }
    if (!try_one(&change)) {
        return 1;
    }
    printf(
        "%s\n", trio.seats[TARGET].has_stopped ? trio.seats[TARGET].notice
                : trio.seats[TARGET].spoke_of_damage || trio.seats[TARGET].has_lost_image
                    ? "repaired"
                    : "no difference");
    return 0;
}

static uint64_t sum_up(void)
{
    uint64_t tried = 0;
    uint64_t failed = 0;

    for (enum kind kind = KIND_BYTE; kind < KIND_COUNT; kind++) {
        uint64_t of_kind = totals[kind].same + totals[kind].repaired + totals[kind].stopped;

        printf(
            "each %s changed: %" PRIu64 " tried: no difference %" PRIu64 ", repaired %" PRIu64
            ", stopped and said where %" PRIu64 ", failed %" PRIu64 "\n",
            kind_names[kind], of_kind + totals[kind].failed, totals[kind].same,
            totals[kind].repaired, totals[kind].stopped, totals[kind].failed);
        tried += of_kind + totals[kind].failed;
        failed += totals[kind].failed;
    }
    printf(
        "damage: %" PRIu64 " points tried on one server of three, %" PRIu64 " failed; %.1f CPU s\n",
        tried, failed, (double)clock() / CLOCKS_PER_SEC);
    return failed;
}

static bool sweep(enum past_kind past, bool is_all, uint64_t samples)
{
    uint32_t images = 0;

    if (!past_make(&before, &trio, past)) {
        return false;
    }
    for (uint32_t i = 0; i < before.disks[TARGET].file_count; i++) {
        images += everywhere_is_image(&before.disks[TARGET].files[i]);
    }
    printf(
        "%" PRIu64 " entries; on the server that is changed %u files, %u of them of images\n",
        before.record.last, before.disks[TARGET].file_count, images);
    if (images == 0 || images == before.disks[TARGET].file_count) {
        printf("FAILED: there are not files of both kinds\n");
        return false;
    }
    for (uint32_t is_down = 0; is_down <= 1; is_down++) {
        sweep_blocks_and_files(is_down == 1);
        if (is_all) {
            sweep_all_bytes(is_down == 1);
        } else if (samples > 0) {
            sweep_sampled_bytes(is_down == 1, samples);
        }
    }
    past_clear(&before);
    return true;
}

int main(int count, char **arguments)
{
    uint64_t samples = SAMPLES;
    bool is_all = count >= 2 && strcmp(arguments[1], "--all") == 0;
    uint64_t only_past = is_all && count == 3 ? strtoull(arguments[2], NULL, 10) : UINT64_MAX;

    if (count == 7 && strcmp(arguments[1], "--only") == 0) {
        return only(arguments + 2);
    }
    if (count == 3 && strcmp(arguments[1], "--samples") == 0) {
        samples = strtoull(arguments[2], NULL, 10);
    }
    for (enum past_kind past = 0; past < PAST_KINDS; past++) {
        if ((only_past == UINT64_MAX || only_past == past) && !sweep(past, is_all, samples)) {
            return 1;
        }
    }
    return sum_up() == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error_sweep -- the n-th disk call of a server fails, or power is lost with it, or it writes
 * something else to an image than it was asked to and does not know it, or the n-th
 * allocation of a server or the client fails, for every n until a run passes unharmed;
 * without --each 1, for every fourth.
 *
 *     found      three servers found a cluster; one that stops is started again
 *     work       a client puts and reads; one that stops stays down
 *     away       the server that faults aim at loses power; the client goes on, until the others
 *                have images and have forgotten what that server lacks
 *     recovery   it starts again while the client works, and fetches an image
 *     end        one that stopped is started again; all must agree; all is closed in good order
 *
 * Images are taken every few entries, and files of the journal are used again, in all of it.
 *
 *   R1  nothing hangs: each phase ends in time, and two servers serve while the third is down
 *   R2  no wrong answer, and nothing the simulator's judge minds
 *   R3  a server goes on, or stops and says why; refused memory ends its process; it never panics
 *       otherwise.  The client never does: its calls end with a status
 *   R4  what is closed, also after it has stopped, leaves no memory behind
 *   R5  whatever call power is lost with, the next start finds its image: the former or the new one;
 *       so it does if what was written to the new one is not what was asked for
 *   R6  whatever error of the system ends a disk call, at the seam it is one of those tried here
 *
 * A disk call fails with each error of the system that it may end with, as env/uv tells it at the
 * seam: many are one and the same there (T-055).
 *
 * usage: error_sweep [--seeds N] [--from SEED] [--each N] [--only SEED MACHINE KIND N]
 *        KIND: io, full, handles, power, rot, memory
 */
#include "fault/caller.h"
#include "fault/causes.h"
#include "fault/trio.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FOUND_US UINT64_C(30000000)
#define SETTLE_US UINT64_C(30000000)
#define PATIENCE_US UINT64_C(20000000)
#define SLICE_US UINT64_C(200000)
#define PUTS 15u
#define SEEDS 16u
#define EACH 4u /* of so many calls one is tried, another one for each seed */

enum kind {
    KIND_IO,
    KIND_FULL,
    KIND_HANDLES, /* no descriptor is left */
    KIND_POWER,
    KIND_ROT,
    KIND_MEMORY,
    KIND_COUNT,
};

static const char *const kind_names[] = {"io", "full", "handles", "power", "rot", "memory"};

static struct {
    uint64_t tried;
    uint64_t errors;  /* of the system, each at each call: many are one kind of fault */
    uint64_t stopped; /* the server stopped and said why */
    uint64_t gone;    /* its process ended for want of memory */
    uint64_t dark;    /* power was lost */
    uint64_t rot;     /* an image was not written as it should be */
    uint64_t went_on; /* nobody stopped */
} totals;

static struct trio trio;
static struct caller caller;

/* ---- phases ---------------------------------------------------------------------------------- */

static bool is_settled(void *owner)
{
    return trio_is_settled(owner, TRIO_SERVERS);
}

/* R3: why a server stopped is said, and is what was done to it. */
static void check_reason(const struct trio_seat *seat)
{
    bool is_known = seat->status == COPYCAT_ERR_IO || seat->status == COPYCAT_ERR_DISK_FULL ||
                    seat->status == COPYCAT_ERR_MEMORY ||
                    (seat->status == COPYCAT_ERR_BUSY && trio.fault.disk_status == seat->status);
    bool is_said =
        seat->is_memory_gone || seat->status == COPYCAT_ERR_MEMORY || seat->notice[0] != '\0';

    if (!is_known || !is_said || seat->place != trio.fault.machine) {
        cc_judge_blame(
            trio.judge, "server %u stopped with \"%s\" and says \"%s\"", seat->place + 1,
            copycat_status_text(seat->status), seat->notice);
    }
}

static void start_again(void)
{
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        if (trio.seats[i].has_stopped) {
            if (!trio.seats[i].is_power_gone) {
                check_reason(&trio.seats[i]);
            }
            if (trio_close(&trio, i)) {
                trio_start(&trio, i);
            }
        }
    }
}

static bool settle(uint64_t within_us, const char *what)
{
    uint64_t end = cc_world_now_us(trio.world) + within_us;

    while (trio_verdict(&trio) == NULL && cc_world_now_us(trio.world) < end) {
        start_again();
        if (trio_run(&trio, SLICE_US, is_settled, &trio)) {
            return true;
        }
    }
    cc_judge_blame(trio.judge, "%s did not end in time", what);
    return false;
}

/* R5: but for one that was asked to read it and was told of an error. */
static void check_images(void)
{
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        bool is_told = i == trio.fault.machine && trio.fault.disk_status != COPYCAT_OK;

        if (trio.seats[i].has_lost_image && !is_told) {
            cc_judge_blame(trio.judge, "server %u says \"%s\"", i + 1, trio.seats[i].notice);
        }
    }
}

static uint32_t aim(void)
{
    return trio.fault.machine < TRIO_SERVERS ? trio.fault.machine : 0;
}

static void go_away(void)
{
    if (!trio.seats[aim()].has_stopped) {
        trio_crash(&trio, aim());
    }
}

static void recover(void)
{
    if (trio.seats[aim()].has_stopped) {
        start_again();
    } else {
        trio_start(&trio, aim());
    }
}

static bool close_all(void)
{
    bool is_good = caller_close(&caller);

    for (uint32_t i = 0; i < TRIO_SERVERS && is_good; i++) {
        is_good = trio_close(&trio, i);
    }
    return is_good;
}

static void act(void)
{
    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        trio_start(&trio, i);
    }
    if (!settle(FOUND_US, "the founding") || !caller_put(&caller, PUTS, PATIENCE_US) ||
        !caller_check(&caller, PATIENCE_US)) {
        return;
    }
    go_away();
    if (!caller_put(&caller, PUTS, PATIENCE_US)) {
        return;
    }
    recover();
    if (caller_put(&caller, PUTS, PATIENCE_US) && settle(SETTLE_US, "the recovery") &&
        caller_check(&caller, PATIENCE_US)) {
        check_images();
        (void)close_all();
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

static void count_outcome(void)
{
    bool is_gone = false;

    for (uint32_t i = 0; i < TRIO_SERVERS; i++) {
        is_gone = is_gone || trio.seats[i].status == COPYCAT_ERR_MEMORY;
    }
    totals.tried++;
    totals.gone += is_gone;
    totals.rot += trio.fault.is_rot;
    totals.dark +=
        trio.fault.disk_at != 0 && trio.fault.disk_status == COPYCAT_OK && !trio.fault.is_rot;
    totals.stopped += trio.stops > 0 && !is_gone && trio.fault.disk_status != COPYCAT_OK;
    totals.went_on += trio.stops == 0;
}

/* False, after it was printed, if a rule is broken. */
static bool try_one(
    uint64_t seed, const struct trio_fault *fault, const char *kind, uint64_t number)
{
    bool is_good;

    trio_create(&trio, seed, fault);
    caller_init(&caller, &trio);
    act();
    is_good = trio_verdict(&trio) == NULL;
    if (!is_good) {
        printf(
            "FAILED seed %" PRIu64 ", machine %u, %s %" PRIu64
            ": %s; replay: error_sweep --only %" PRIu64 " %u %s %" PRIu64 "\n",
            seed, fault->machine, kind, number, trio_verdict(&trio), seed, fault->machine, kind,
            number);
    } else if (trio.fault.has_fired) {
        count_outcome();
    }
    trio_destroy(&trio);
    return is_good;
}

static copycat_status status_of(enum kind kind)
{
    switch (kind) {
    case KIND_FULL:
        return COPYCAT_ERR_DISK_FULL;
    case KIND_HANDLES:
        return COPYCAT_ERR_BUSY;
    case KIND_POWER:
    case KIND_ROT:
        return COPYCAT_OK;
    default:
        return COPYCAT_ERR_IO;
    }
}

static struct trio_fault fault_of(uint32_t machine, enum kind kind, uint64_t number)
{
    struct trio_fault fault = {.machine = machine};

    fault.is_rot = kind == KIND_ROT;
    fault.disk_status = status_of(kind);
    fault.disk_at = kind == KIND_MEMORY ? 0 : number;
    fault.memory_at = kind == KIND_MEMORY ? number : 0;
    return fault;
}

static uint64_t each = EACH;

/* So many errors of the system are this kind of fault at that call. */
static uint32_t errors_of(const struct trio_fault *rehearsed, enum kind kind, uint64_t number)
{
    return kind == KIND_FULL && !rehearsed->may_grow[number]
               ? 0
               : causes_count(
                     (enum cc_disk_operation)rehearsed->operations[number], status_of(kind));
}

/* Up to the n-th call a run is the rehearsal again, which says what may befall that call. */
static bool is_possible(const struct trio_fault *rehearsed, enum kind kind, uint64_t number)
{
    bool is_rehearsed = number < TRIO_CALLS_MAX && number <= rehearsed->disk_calls;

    switch (kind) {
    case KIND_ROT:
        return number < TRIO_CALLS_MAX && rehearsed->is_of_image[number];
    case KIND_IO:
    case KIND_FULL:
    case KIND_HANDLES:
        return !is_rehearsed || errors_of(rehearsed, kind, number) > 0;
    default:
        return true;
    }
}

/* Of the kinds that are errors. */
static void count_errors(const struct trio_fault *rehearsed, enum kind kind, uint64_t number)
{
    if (kind <= KIND_HANDLES && number < TRIO_CALLS_MAX && number <= rehearsed->disk_calls) {
        totals.errors += errors_of(rehearsed, kind, number);
    }
}

/* Until a run passes in which nothing was left to fail; gives the points that broke a rule. */
static uint64_t sweep(
    uint64_t seed, uint32_t machine, enum kind kind, const struct trio_fault *rehearsed)
{
    uint64_t failed = 0;
    uint64_t step = kind == KIND_ROT ? 1 : each; /* few write to an image */
    bool has_fired = true;

    for (uint64_t number = 1 + seed % step; has_fired; number += step) {
        struct trio_fault fault = fault_of(machine, kind, number);

        if (!is_possible(rehearsed, kind, number)) {
            has_fired = number < rehearsed->disk_calls;
            continue;
        }
        failed += !try_one(seed, &fault, kind_names[kind], number);
        has_fired = trio.fault.has_fired;
        count_errors(rehearsed, kind, number);
    }
    return failed;
}

static uint64_t sweep_seed(uint64_t seed)
{
    uint64_t failed = 0;

    for (uint32_t machine = 0; machine < TRIO_MACHINES; machine++) {
        struct trio_fault rehearsed = {.machine = machine};
        uint32_t restored;

        if (!try_one(seed, &rehearsed, "rehearsal", 0)) {
            return failed + 1;
        }
        rehearsed = trio.fault;
        restored = trio.seats[aim()].restored;
        for (enum kind kind = KIND_IO; kind < KIND_COUNT; kind++) {
            if (machine < TRIO_SERVERS || kind == KIND_MEMORY) {
                failed += sweep(seed, machine, kind, &rehearsed);
            }
        }
        printf(
            "seed %" PRIu64 ", %s %u: %" PRIu64 " disk calls, %" PRIu64
            " allocations, %u images made its state\n",
            seed, machine == TRIO_CLIENT ? "client" : "server",
            machine == TRIO_CLIENT ? 1 : machine + 1, rehearsed.disk_calls, rehearsed.allocations,
            restored);
        fflush(stdout);
    }
    return failed;
}

static int only(char **arguments)
{
    uint64_t seed = strtoull(arguments[0], NULL, 10);
    uint32_t machine = (uint32_t)strtoul(arguments[1], NULL, 10);
    uint64_t number = strtoull(arguments[3], NULL, 10);

    for (enum kind kind = KIND_IO; kind < KIND_COUNT; kind++) {
        if (strcmp(arguments[2], kind_names[kind]) == 0) {
            struct trio_fault fault = fault_of(machine, kind, number);

            return try_one(seed, &fault, kind_names[kind], number) ? 0 : 1;
        }
    }
    return 2;
}

int main(int count, char **arguments)
{
    uint64_t seeds = SEEDS;
    uint64_t from = 1;
    uint64_t failed = 0;

    if (count == 6 && strcmp(arguments[1], "--only") == 0) {
        return only(arguments + 2);
    }
    for (int i = 1; i + 1 < count; i += 2) {
        uint64_t number = strtoull(arguments[i + 1], NULL, 10);

        seeds = strcmp(arguments[i], "--seeds") == 0 ? number : seeds;
        from = strcmp(arguments[i], "--from") == 0 ? number : from;
        each = strcmp(arguments[i], "--each") == 0 && number > 0 ? number : each;
    }
    failed += !causes_are_known();
    for (uint64_t seed = from; seed < from + seeds; seed++) {
        failed += sweep_seed(seed);
    }
    printf(
        "errors: %" PRIu64 " points tried, with %" PRIu64
        " errors of disk calls: the server stopped and said why %" PRIu64
        ", ended for want of memory %" PRIu64 ", lost power %" PRIu64 ", an image rotted %" PRIu64
        ", nobody stopped %" PRIu64 "; %" PRIu64 " failed; %.1f CPU s\n",
        totals.tried + failed, totals.errors, totals.stopped, totals.gone, totals.dark, totals.rot,
        totals.went_on, failed, (double)clock() / CLOCKS_PER_SEC);
    return failed == 0 ? 0 : 1;
}

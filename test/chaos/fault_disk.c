/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault_disk -- what happens to disks: see faults.h.
 */
#include "faults.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#define POLL_MS 50u
#define FULL_PATIENCE_MS 5000u    /* until a server has met the end of its space */
#define RESUME_PATIENCE_MS 15000u /* until it goes on by itself */
#define ERROR_PATIENCE_MS 3000u   /* until there is something to be written */
#define END_PATIENCE_MS 5000u     /* from the error to the end of the process */
#define ROT_PATIENCE_MS 2500u
#define POWER_PATIENCE_MS 300u
#define ERROR_CODE 1
#define SLOW_MAX_US 300000u
#define SHORT_ONE_IN 8u

static void name_log(unsigned server, char *name, size_t name_size)
{
    (void)snprintf(name, name_size, "%u", server + 1);
}

static bool is_met(const struct chaos_fault *fault, unsigned server)
{
    return fault->is_of_all || fault->server == server;
}

/* ---- no space ---------------------------------------------------------------------------------- */

void chaos_full_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    char name[16];

    fault->is_of_all = nemesis->under_way == 0 && chaos_random_below(&nemesis->random, 4) == 0;
    name_log(fault->server, name, sizeof name);
    fault->log_size = chaos_servers_log_size(nemesis->servers, name);
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (is_met(fault, i)) {
            chaos_disks_fill(nemesis->disks, i);
        }
    }
}

void chaos_full_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    uint64_t end_us = chaos_now_us() + FULL_PATIENCE_MS * 1000u;
    bool is_full = false;
    char name[16];
    int code = 0;

    name_log(fault->server, name, sizeof name);
    while (!is_full && chaos_now_us() < end_us && *nemesis->is_interrupted == 0) {
        chaos_sleep_ms(POLL_MS);
        is_full = chaos_servers_log_says(nemesis->servers, name, fault->log_size, "full");
    }
    nemesis->effects.full_met += is_full;
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (is_met(fault, i)) {
            chaos_disks_free(nemesis->disks, i);
        }
    }
    if (chaos_servers_ends(nemesis->servers, fault->server, 0, &code)) {
        chaos_nemesis_complain(
            nemesis, "server %u ended with %d on a full disk", fault->server + 1, code);
        chaos_start_process(nemesis, fault->server);
    } else if (
        nemesis->under_way == 0 &&
        !chaos_servers_catches_up(nemesis->servers, fault->server, RESUME_PATIENCE_MS)) {
        chaos_nemesis_complain(
            nemesis, "server %u does not go on though its disk has space again", fault->server + 1);
    }
}

/* ---- errors ------------------------------------------------------------------------------------ */

static uint32_t errors_of(const struct chaos_nemesis *nemesis, const struct chaos_fault *fault)
{
    const struct chaos_shim_page *page = nemesis->servers->pages[fault->server];

    return fault->kind == CHAOS_WRITE_ERROR ? page->write_errors : page->sync_errors;
}

static void arm(struct chaos_nemesis *nemesis, const struct chaos_fault *fault, uint32_t in)
{
    struct chaos_shim_page *page = nemesis->servers->pages[fault->server];

    if (fault->kind == CHAOS_WRITE_ERROR) {
        page->write_error_in = in;
    } else {
        page->sync_error_in = in;
    }
}

void chaos_error_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    bool is_write = fault->kind == CHAOS_WRITE_ERROR;

    chaos_make_way(nemesis, fault->server, is_write ? CHAOS_WAY_THREAD : CHAOS_WAY_SYNC);
    fault->errors = errors_of(nemesis, fault);
    arm(nemesis, fault, 1 + chaos_random_below(&nemesis->random, 16));
}

/* A server whose write or sync has failed may not go on. */
void chaos_error_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    uint64_t end_us = chaos_now_us() + ERROR_PATIENCE_MS * 1000u;
    int code = 0;

    while (errors_of(nemesis, fault) == fault->errors && chaos_now_us() < end_us &&
           *nemesis->is_interrupted == 0) {
        chaos_sleep_ms(POLL_MS);
    }
    arm(nemesis, fault, 0);
    if (errors_of(nemesis, fault) != fault->errors) {
        nemesis->effects.errors_met++;
        if (!chaos_servers_ends(nemesis->servers, fault->server, END_PATIENCE_MS, &code)) {
            chaos_nemesis_complain(
                nemesis, "server %u goes on after an error of its disk", fault->server + 1);
        } else if (code != ERROR_CODE) {
            chaos_nemesis_complain(
                nemesis, "server %u ended with %d after an error of its disk", fault->server + 1,
                code);
        }
    } else if (nemesis->under_way == 0 && *nemesis->is_interrupted == 0) {
        chaos_nemesis_complain(
            nemesis, "server %u, well and among others that are, writes nothing",
            fault->server + 1);
    }
    chaos_start_process(nemesis, fault->server);
}

/* ---- slowness ---------------------------------------------------------------------------------- */

void chaos_slow_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    struct chaos_shim_page *page = nemesis->servers->pages[fault->server];

    chaos_make_way(nemesis, fault->server, CHAOS_WAY_THREAD);
    page->delay_max_us = 1000 + chaos_random_below(&nemesis->random, SLOW_MAX_US);
    page->short_one_in = SHORT_ONE_IN;
}

void chaos_slow_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    struct chaos_shim_page *page = nemesis->servers->pages[fault->server];

    page->delay_max_us = 0;
    page->short_one_in = 0;
}

void chaos_hung_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    chaos_make_way(nemesis, fault->server, CHAOS_WAY_THREAD);
    nemesis->servers->pages[fault->server]->is_hung = 1;
}

void chaos_hung_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    nemesis->servers->pages[fault->server]->is_hung = 0;
}

/* ---- bytes that change ------------------------------------------------------------------------- */

/* Entries of which all copies are damaged are lost: so only one server's at a time. */
void chaos_rot_fault_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    char directory[96];
    char name[16];

    if (nemesis->rotten < CHAOS_SERVER_COUNT && nemesis->rotten != fault->server) {
        chaos_start_process(nemesis, nemesis->rotten);
        if (!chaos_servers_catches_up(nemesis->servers, nemesis->rotten, RESUME_PATIENCE_MS)) {
            return;
        }
    }
    nemesis->rotten = fault->server;
    name_log(fault->server, name, sizeof name);
    fault->log_size = chaos_servers_log_size(nemesis->servers, name);
    chaos_end_process(nemesis, fault->server, SIGKILL);
    (void)snprintf(
        directory, sizeof directory, "%s/data", nemesis->disks->disks[fault->server].path);
    (void)chaos_rot_begin(&fault->rot, directory, &nemesis->random);
}

/* It goes on, or it says which file it is that it cannot start with. */
void chaos_rot_fault_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    struct chaos_servers *servers = nemesis->servers;
    char name[16];
    int code = 0;

    chaos_start_process(nemesis, fault->server);
    if (fault->rot.count == 0) {
        return;
    }
    name_log(fault->server, name, sizeof name);
    if (!chaos_servers_ends(servers, fault->server, ROT_PATIENCE_MS, &code)) {
        bool is_damage =
            chaos_servers_log_says(servers, name, fault->log_size, "fetched from the others");

        nemesis->effects.rot_repaired += is_damage;
        nemesis->effects.rot_harmless += !is_damage;
        return;
    }
    nemesis->effects.rot_refused++;
    if (code != ERROR_CODE ||
        !chaos_servers_log_says(servers, name, fault->log_size, fault->rot.name)) {
        chaos_nemesis_complain(
            nemesis, "server %u ended with %d and did not say that %s is damaged",
            fault->server + 1, code, fault->rot.name);
    }
    chaos_say("server %u refuses what has changed in %s", fault->server + 1, fault->rot.name);
    chaos_rot_undo(&fault->rot);
    chaos_start_process(nemesis, fault->server);
}

/* ---- power ------------------------------------------------------------------------------------- */

void chaos_power_begin(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    bool sees_it = chaos_random_below(&nemesis->random, 2) == 0;
    bool is_off[CHAOS_SERVER_COUNT] = {false};

    fault->is_of_all = nemesis->under_way == 0 && chaos_random_below(&nemesis->random, 3) == 0;
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        is_off[i] = is_met(fault, i) && nemesis->disks->disks[i].can_lose_power &&
                    chaos_disks_power_off(nemesis->disks, i);
        nemesis->effects.power_lost += is_off[i];
    }
    if (sees_it) {
        chaos_sleep_ms(chaos_random_below(&nemesis->random, POWER_PATIENCE_MS));
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (is_met(fault, i)) {
            chaos_end_process(nemesis, i, SIGKILL);
        }
    }
}

void chaos_power_end(struct chaos_nemesis *nemesis, struct chaos_fault *fault)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (is_met(fault, i) && nemesis->disks->disks[i].can_lose_power &&
            !chaos_disks_power_on(nemesis->disks, i)) {
            chaos_give_up("a file system that lost its power cannot be mounted again");
        }
        if (is_met(fault, i)) {
            chaos_start_process(nemesis, i);
        }
    }
}

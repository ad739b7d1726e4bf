/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_watch -- see image_watch.h.
 */
#include "image_watch.h"

#include "bench_clock.h"
#include "disk_floor.h"

#include <copycat/probe.h>

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define NAMES_MAX 4096u
#define NAME_SIZE 64u
#define TICK_NS UINT64_C(5000000)
#define ASK_NS UINT64_C(25000000)
#define SETTLE_NS UINT64_C(300000000) /* what an image leaves to the disk is its own, too */
#define REST_NS UINT64_C(200000000)
#define REST_COUNT 10u

struct names {
    char at[NAMES_MAX][NAME_SIZE];
    uint64_t sizes[NAMES_MAX];
    uint32_t count;
};

static const char *address;
static const char *folder;
static pthread_t thread;
static _Atomic(bool) is_ending;
static _Atomic(int) state;
static struct image_watch_event events[IMAGE_WATCH_EVENTS_MAX];
static uint32_t event_count;
static copycat_probe at_begin;
static copycat_probe at_end;
static struct names known;
static struct names present;

static void wait_ns(uint64_t ns)
{
    const struct timespec pause = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    (void)nanosleep(&pause, NULL);
}

static void list(struct names *names)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;

    names->count = 0;
    while (entries != NULL && names->count < NAMES_MAX && (entry = readdir(entries)) != NULL) {
        char path[DISK_FLOOR_PATH_SIZE];
        struct stat about;

        if (disk_floor_is_image(entry->d_name) && strlen(entry->d_name) < NAME_SIZE) {
            strcpy(names->at[names->count++], entry->d_name);
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            names->sizes[names->count - 1] = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
        }
    }
    if (entries != NULL) {
        closedir(entries);
    }
}

static bool knows(const char *name)
{
    for (uint32_t i = 0; i < known.count; i++) {
        if (strcmp(known.at[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_any_new(void)
{
    list(&present);
    for (uint32_t i = 0; i < present.count; i++) {
        if (!knows(present.at[i])) {
            return true;
        }
    }
    return false;
}

/* Until it answers: a server that is busy answers late. */
static copycat_probe ask(void)
{
    copycat_probe probe = {.size = sizeof probe};

    while (copycat_probe_server(address, 5000, &probe, NULL) != COPYCAT_OK) {
        wait_ns(ASK_NS);
    }
    return probe;
}

static uint64_t written(const copycat_probe *probe)
{
    return probe->counters.disk_written_bytes - probe->counters.journal_bytes;
}

static void note(const struct image_watch_event *event)
{
    if (event_count < IMAGE_WATCH_EVENTS_MAX) {
        events[event_count++] = *event;
    }
}

/* Of the known files that are still there. */
static uint64_t known_size(void)
{
    uint64_t size = 0;

    list(&present);
    for (uint32_t i = 0; i < present.count; i++) {
        size += knows(present.at[i]) ? present.sizes[i] : 0;
    }
    return size;
}

/* An image that is given up leaves nothing new behind. */
static void follow_image(copycat_probe before, bool is_late)
{
    struct image_watch_event event = {
        .state = IMAGE_WATCH_IMAGE, .is_late = is_late, .begun_ns = bench_now_ns()};
    copycat_probe after = before;

    atomic_store(&state, IMAGE_WATCH_IMAGE);
    while (after.image_index == before.image_index && is_any_new()) {
        wait_ns(ASK_NS);
        after = ask();
    }
    if (after.image_index != before.image_index) {
        event.written_bytes = written(&after) - written(&before);
        list(&known);
        event.ended_ns = bench_now_ns();
        wait_ns(SETTLE_NS); /* the image before is removed */
        event.size = known_size();
        note(&event);
    }
}

/* Void if the next image has begun meanwhile. */
static void copy(void)
{
    struct image_watch_event event = {.state = IMAGE_WATCH_COPY};
    char target[DISK_FLOOR_PATH_SIZE];

    snprintf(target, sizeof target, "%s.copy", folder);
    event.begun_ns = bench_now_ns();
    atomic_store(&state, IMAGE_WATCH_COPY);
    event.size = disk_floor_copy(folder, disk_floor_is_image, target);
    event.ended_ns = bench_now_ns();
    if (!is_any_new()) {
        note(&event);
        wait_ns(SETTLE_NS);
    }
}

static void *watch(void *unused)
{
    copycat_probe before;
    bool is_late = false;

    while (!atomic_load(&is_ending)) {
        if (is_any_new()) {
            before = ask();
            follow_image(before, is_late);
            is_late = is_any_new();
            if (event_count % 3 == 1 && !is_late && !atomic_load(&is_ending)) {
                atomic_store(&state, IMAGE_WATCH_QUIET);
                wait_ns(2 * SETTLE_NS);
                copy();
                is_late = is_any_new();
            }
        } else {
            atomic_store(&state, IMAGE_WATCH_QUIET);
            is_late = false;
            wait_ns(TICK_NS);
        }
    }
    return unused;
}

/* Until no image of what was before is under way. */
static void await_rest(void)
{
    uint64_t before = UINT64_MAX;
    uint32_t same = 0;

    while (same < REST_COUNT) {
        copycat_probe now = ask();

        same = written(&now) == before ? same + 1 : 0;
        before = written(&now);
        wait_ns(REST_NS);
    }
}

void image_watch_begin(const char *server, const char *directory)
{
    address = server;
    folder = directory;
    await_rest();
    list(&known);
    at_begin = ask();
    if (pthread_create(&thread, NULL, watch, NULL) != 0) {
        perror("pthread_create");
        exit(1);
    }
}

void image_watch_end(void)
{
    atomic_store(&is_ending, true);
    (void)pthread_join(thread, NULL);
    at_end = ask();
}

enum image_watch_state image_watch_state(void)
{
    return (enum image_watch_state)atomic_load(&state);
}

struct image_watch_bytes image_watch_bytes(void)
{
    return (struct image_watch_bytes){
        .written = at_end.counters.disk_written_bytes - at_begin.counters.disk_written_bytes,
        .journal = at_end.counters.journal_bytes - at_begin.counters.journal_bytes,
    };
}

uint32_t image_watch_events(const struct image_watch_event **events_out)
{
    *events_out = events;
    return event_count;
}

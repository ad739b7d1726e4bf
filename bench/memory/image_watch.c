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
#define COPY_EVERY 3u
#define COPY_SIZE_MAX (UINT64_C(64) << 20)
#define END_NS UINT64_C(30000000000) /* until a last image is over */
#define REST_NS UINT64_C(200000000)
#define REST_COUNT 10u

struct names {
    char at[NAMES_MAX][NAME_SIZE];
    uint64_t sizes[NAMES_MAX];
    uint32_t count;
};

enum phase {
    PHASE_IDLE,
    PHASE_IMAGE,
    PHASE_SETTLING, /* the image before is removed */
};

struct watched {
    char address[64];
    char folder[DISK_FLOOR_PATH_SIZE / 2];
    enum phase phase;
    uint64_t due_ns; /* when it is looked at again, unless it is idle */
    bool is_late;    /* what is new now was new when the image before was over */
    copycat_probe before;
    struct image_watch_event event;
    struct names known;
    uint64_t copied; /* bytes, by the last copying */
};

static struct watched servers[IMAGE_WATCH_SERVERS_MAX];
static uint32_t server_count;
static pthread_t thread;
static _Atomic(bool) is_ending;
static _Atomic(int) state;
static struct image_watch_event events[IMAGE_WATCH_EVENTS_MAX];
static uint32_t event_count;
static copycat_probe at_begin;
static copycat_probe at_end;
static struct names present;

static void wait_ns(uint64_t ns)
{
    const struct timespec pause = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};

    (void)nanosleep(&pause, NULL);
}

static void list(const char *folder, struct names *names)
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

static bool knows(const struct watched *server, const char *name)
{
    for (uint32_t i = 0; i < server->known.count; i++) {
        if (strcmp(server->known.at[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_any_new(const struct watched *server)
{
    list(server->folder, &present);
    for (uint32_t i = 0; i < present.count; i++) {
        if (!knows(server, present.at[i])) {
            return true;
        }
    }
    return false;
}

/* Of the known files that are still there. */
static uint64_t known_size(const struct watched *server)
{
    uint64_t size = 0;

    list(server->folder, &present);
    for (uint32_t i = 0; i < present.count; i++) {
        size += knows(server, present.at[i]) ? present.sizes[i] : 0;
    }
    return size;
}

/* Until it answers: a server that is busy answers late. */
static copycat_probe ask(const struct watched *server)
{
    copycat_probe probe = {.size = sizeof probe};

    while (copycat_probe_server(server->address, 5000, &probe, NULL) != COPYCAT_OK) {
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

/* ---- images ----------------------------------------------------------------------------------- */

static void begin_image(struct watched *server)
{
    server->event = (struct image_watch_event){
        .state = IMAGE_WATCH_IMAGE,
        .server = (uint32_t)(server - servers),
        .is_late = server->is_late,
        .begun_ns = bench_now_ns()};
    atomic_store(&state, IMAGE_WATCH_IMAGE);
    server->before = ask(server);
    server->phase = PHASE_IMAGE;
    server->due_ns = server->event.begun_ns + ASK_NS;
}

/* An image that is given up leaves nothing new behind. */
static void follow_image(struct watched *server)
{
    copycat_probe after = ask(server);

    server->due_ns = bench_now_ns() + ASK_NS;
    if (after.image_index != server->before.image_index) {
        server->event.written_bytes = written(&after) - written(&server->before);
        list(server->folder, &server->known);
        server->event.ended_ns = bench_now_ns();
        server->phase = PHASE_SETTLING;
        server->due_ns = server->event.ended_ns + SETTLE_NS;
    } else if (!is_any_new(server)) {
        server->phase = PHASE_IDLE;
    }
}

static void end_image(struct watched *server)
{
    server->event.size = known_size(server);
    note(&server->event);
    server->phase = PHASE_IDLE;
    server->is_late = is_any_new(server);
}

static void look_at(struct watched *server)
{
    if (server->phase == PHASE_IDLE) {
        if (is_any_new(server)) {
            begin_image(server);
        } else {
            server->is_late = false;
        }
    } else if (bench_now_ns() >= server->due_ns) {
        if (server->phase == PHASE_IMAGE) {
            follow_image(server);
        } else {
            end_image(server);
        }
    }
}

static bool is_any_busy(void)
{
    for (uint32_t i = 0; i < server_count; i++) {
        if (servers[i].phase != PHASE_IDLE || servers[i].is_late) {
            return true;
        }
    }
    return false;
}

/* ---- copying ---------------------------------------------------------------------------------- */

static void *copy_one(void *owner)
{
    struct watched *server = owner;
    char target[DISK_FLOOR_PATH_SIZE];
    uint64_t size = server->event.written_bytes;

    snprintf(target, sizeof target, "%s.copy", server->folder);
    size = size < COPY_SIZE_MAX ? size : COPY_SIZE_MAX;
    server->copied = disk_floor_copy(server->folder, disk_floor_is_image, target, size);
    return NULL;
}

/* As much as the last image has written, or as there is time for between two, and as many at once as servers take images at once.  Void if an image has begun meanwhile. */
static void copy(void)
{
    struct image_watch_event event = {.state = IMAGE_WATCH_COPY, .begun_ns = bench_now_ns()};
    pthread_t threads[IMAGE_WATCH_SERVERS_MAX];
    bool is_void = false;

    atomic_store(&state, IMAGE_WATCH_COPY);
    for (uint32_t i = 0; i < server_count; i++) {
        if (pthread_create(&threads[i], NULL, copy_one, &servers[i]) != 0) {
            perror("pthread_create");
            exit(1);
        }
    }
    for (uint32_t i = 0; i < server_count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    event.size = servers[0].copied;
    event.ended_ns = bench_now_ns();
    for (uint32_t i = 0; i < server_count; i++) {
        servers[i].is_late = is_any_new(&servers[i]);
        is_void = is_void || servers[i].is_late;
    }
    if (!is_void) {
        note(&event);
        wait_ns(SETTLE_NS);
    }
}

/* ---- the thread ------------------------------------------------------------------------------- */

static void *watch(void *unused)
{
    uint32_t rounds = 0; /* of images, with nothing before and nothing behind them */
    bool was_busy = false;
    uint64_t until_ns = UINT64_MAX;

    while (!atomic_load(&is_ending) || (is_any_busy() && bench_now_ns() < until_ns)) {
        if (atomic_load(&is_ending) && until_ns == UINT64_MAX) {
            until_ns = bench_now_ns() + END_NS;
        }
        for (uint32_t i = 0; i < server_count; i++) {
            look_at(&servers[i]);
        }
        if (is_any_busy()) {
            was_busy = true;
        } else {
            atomic_store(&state, IMAGE_WATCH_QUIET);
            rounds += was_busy;
            if (was_busy && rounds % COPY_EVERY == 1 && !atomic_load(&is_ending)) {
                wait_ns(2 * SETTLE_NS);
                copy();
            }
            was_busy = false;
        }
        wait_ns(TICK_NS);
    }
    return unused;
}

/* Until no image of what was before is under way. */
static void await_rest(const struct watched *server)
{
    uint64_t before = UINT64_MAX;
    uint32_t same = 0;

    while (same < REST_COUNT) {
        copycat_probe now = ask(server);

        same = written(&now) == before ? same + 1 : 0;
        before = written(&now);
        wait_ns(REST_NS);
    }
}

/* The next of `list`, up to a comma. */
static bool next(const char **list_of, char *word, size_t size)
{
    size_t length = strcspn(*list_of, ",");

    snprintf(word, size, "%.*s", (int)length, *list_of);
    *list_of += length + ((*list_of)[length] == ',');
    return length > 0;
}

void image_watch_begin(const char *addresses, const char *folders)
{
    while (server_count < IMAGE_WATCH_SERVERS_MAX) {
        struct watched *server = &servers[server_count];

        if (!next(&addresses, server->address, sizeof server->address) ||
            !next(&folders, server->folder, sizeof server->folder)) {
            break;
        }
        server_count++;
    }
    for (uint32_t i = 0; i < server_count; i++) {
        await_rest(&servers[i]);
        list(servers[i].folder, &servers[i].known);
    }
    at_begin = ask(&servers[0]);
    if (pthread_create(&thread, NULL, watch, NULL) != 0) {
        perror("pthread_create");
        exit(1);
    }
}

void image_watch_end(void)
{
    atomic_store(&is_ending, true);
    (void)pthread_join(thread, NULL);
    at_end = ask(&servers[0]);
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

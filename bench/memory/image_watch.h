/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_watch -- sees from outside when servers take an image: a file that was not there begins
 * it, and the server's own word that it stands on another image ends it.
 *
 * Between images it copies some of the newest one of each server, with checksums, on the same disk, beside
 * the same load, all at once as they were taken: what images are compared with.
 *
 * Threads: one of its own; what is asked here may be asked from everywhere.
 */
#ifndef BENCH_MEMORY_IMAGE_WATCH_H
#define BENCH_MEMORY_IMAGE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_WATCH_EVENTS_MAX 4096u
#define IMAGE_WATCH_SERVERS_MAX 8u

enum image_watch_state {
    IMAGE_WATCH_QUIET,
    IMAGE_WATCH_IMAGE,
    IMAGE_WATCH_COPY,
    IMAGE_WATCH_STATES,
};

struct image_watch_event {
    enum image_watch_state state;
    uint32_t server; /* in the list; of a copy: all */
    bool is_late;    /* it began before it was seen */
    uint64_t begun_ns;
    uint64_t ended_ns;
    uint64_t size;          /* of the image afterwards, or copied */
    uint64_t written_bytes; /* by the server meanwhile, its journal left out */
};

/* What the first server wrote to its disk from begin to end, and what of that was its journal. */
struct image_watch_bytes {
    uint64_t written;
    uint64_t journal;
};

/* Addresses of servers, and their directories in the same order, both with commas between them. */
void image_watch_begin(const char *addresses, const char *directories);

/* Waits for images or copies that are under way, then ends the thread. */
void image_watch_end(void);

enum image_watch_state image_watch_state(void);

/* Both: after the end. */
struct image_watch_bytes image_watch_bytes(void);
uint32_t image_watch_events(const struct image_watch_event **events_out);

#endif /* BENCH_MEMORY_IMAGE_WATCH_H */

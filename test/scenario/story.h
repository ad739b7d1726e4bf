/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- the commands that a scenario consists of, and the columns in which a cluster's reaction
 * is written down.
 *
 * Where it sits:   runner.c reads and compares files; this plays what they say on a raft_cluster.
 */
#ifndef CC_TEST_STORY_H
#define CC_TEST_STORY_H

#include <stdbool.h>
#include <stddef.h>

/* Growing text; `data` is the caller's to free. */
struct story_text {
    char *data;
    size_t size;
    size_t capacity;
};

void story_text_add(struct story_text *text, const char *bytes, size_t size);

struct story;

/* `seen` is borrowed and gets the reactions.  Partner: story_destroy. */
struct story *story_create(struct story_text *seen);
void story_destroy(struct story *story);

/* Remembers a command for the next story_play, which plays them all. */
void story_command(struct story *story, const char *line);
void story_play(struct story *story);

#endif /* CC_TEST_STORY_H */

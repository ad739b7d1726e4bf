/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_window -- the lines that are on their way, in the order of the file.
 *
 * Memory:          fixed but for the bytes of the lines, whose room is used again.
 *
 * Invariants
 *   W1  no two lines of one key are in the window: whatever is sent again, and when, the order of
 *       the lines of a key is kept
 *   W2  a line keeps its place until it and all before it are done
 */
#ifndef CLI_IMPORT_WINDOW_H
#define CLI_IMPORT_WINDOW_H

#include <copycat/base.h>

#include <stdbool.h>

#define CLI_WINDOW_MAX 256u

enum cli_slot_state {
    CLI_SLOT_WAITING, /* to be sent, or sent again */
    CLI_SLOT_SENT,
    CLI_SLOT_DONE,
};

struct cli_slot {
    char *bytes; /* the key, then the value */
    size_t room;
    size_t key_size;
    size_t value_size;
    uint64_t hash; /* of the key */
    uint64_t line;
    uint64_t deadline_ms;
    uint64_t due_ms; /* not to be sent before */
    enum cli_slot_state state;
    bool is_doubtful; /* it was sent in a session that has ended, and may have been done there */
};

struct cli_window {
    struct cli_slot slots[CLI_WINDOW_MAX]; /* place p lives at p % CLI_WINDOW_MAX */
    uint64_t first;                        /* the oldest place in use */
    uint64_t next;                         /* the next to be used */
    uint32_t waiting_count;
};

void cli_window_init(struct cli_window *window);
void cli_window_deinit(struct cli_window *window);

bool cli_window_is_empty(const struct cli_window *window);
bool cli_window_is_full(const struct cli_window *window);

/* True while a line of this key is not done. */
bool cli_window_holds(const struct cli_window *window, copycat_bytes key);

/* It is not full and does not hold the key; the bytes are copied.  The slot is WAITING. */
struct cli_slot *cli_window_add(
    struct cli_window *window, uint64_t line, copycat_bytes key, copycat_bytes value);

/* The first slot that waits and is due; NULL: none. */
struct cli_slot *cli_window_due(struct cli_window *window, uint64_t now_ms);

/* By the tag under which it was sent. */
uint64_t cli_window_tag(const struct cli_window *window, const struct cli_slot *slot);
struct cli_slot *cli_window_slot(struct cli_window *window, uint64_t tag);

void cli_window_sent(struct cli_window *window, struct cli_slot *slot);
void cli_window_again(struct cli_window *window, struct cli_slot *slot, uint64_t due_ms);
void cli_window_done(struct cli_window *window, struct cli_slot *slot);

copycat_bytes cli_slot_key(const struct cli_slot *slot);
copycat_bytes cli_slot_value(const struct cli_slot *slot);

#endif /* CLI_IMPORT_WINDOW_H */

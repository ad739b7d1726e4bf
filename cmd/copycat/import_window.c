/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_window -- see import_window.h.
 */
#include "import_window.h"

#include "output.h"

#include <stdlib.h>
#include <string.h>

void cli_window_init(struct cli_window *window)
{
    memset(window, 0, sizeof *window);
}

void cli_window_deinit(struct cli_window *window)
{
    for (uint32_t i = 0; i < CLI_WINDOW_MAX; i++) {
        free(window->slots[i].bytes);
    }
}

bool cli_window_is_empty(const struct cli_window *window)
{
    return window->first == window->next;
}

bool cli_window_is_full(const struct cli_window *window)
{
    return window->next - window->first == CLI_WINDOW_MAX;
}

/* FNV-1a; only to compare few bytes instead of many. */
static uint64_t hash_of(copycat_bytes key)
{
    const unsigned char *at = key.data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.size; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

bool cli_window_holds(const struct cli_window *window, copycat_bytes key)
{
    uint64_t hash = hash_of(key);

    for (uint64_t place = window->first; place < window->next; place++) {
        const struct cli_slot *slot = &window->slots[place % CLI_WINDOW_MAX];

        if (slot->hash == hash && slot->state != CLI_SLOT_DONE && slot->key_size == key.size &&
            memcmp(slot->bytes, key.data, key.size) == 0) {
            return true;
        }
    }
    return false;
}

struct cli_slot *cli_window_add(
    struct cli_window *window, uint64_t line, copycat_bytes key, copycat_bytes value)
{
    struct cli_slot *slot = &window->slots[window->next++ % CLI_WINDOW_MAX];
    size_t size = key.size + value.size;

    if (size > slot->room) {
        free(slot->bytes);
        slot->bytes = cli_take_memory(size);
        slot->room = size;
    }
    memcpy(slot->bytes, key.data, key.size);
    memcpy(slot->bytes + key.size, value.data, value.size);
    slot->key_size = key.size;
    slot->value_size = value.size;
    slot->hash = hash_of(key);
    slot->line = line;
    slot->deadline_ms = 0;
    slot->due_ms = 0;
    slot->state = CLI_SLOT_WAITING;
    slot->is_doubtful = false;
    window->waiting_count++;
    return slot;
}

struct cli_slot *cli_window_due(struct cli_window *window, uint64_t now_ms)
{
    for (uint64_t place = window->first; window->waiting_count > 0 && place < window->next;
         place++) {
        struct cli_slot *slot = &window->slots[place % CLI_WINDOW_MAX];

        if (slot->state == CLI_SLOT_WAITING && slot->due_ms <= now_ms) {
            return slot;
        }
    }
    return NULL;
}

uint64_t cli_window_tag(const struct cli_window *window, const struct cli_slot *slot)
{
    return (uint64_t)(slot - window->slots);
}

struct cli_slot *cli_window_slot(struct cli_window *window, uint64_t tag)
{
    return &window->slots[tag];
}

void cli_window_sent(struct cli_window *window, struct cli_slot *slot)
{
    slot->state = CLI_SLOT_SENT;
    window->waiting_count--;
}

void cli_window_again(struct cli_window *window, struct cli_slot *slot, uint64_t due_ms)
{
    slot->state = CLI_SLOT_WAITING;
    slot->due_ms = due_ms;
    window->waiting_count++;
}

void cli_window_done(struct cli_window *window, struct cli_slot *slot)
{
    slot->state = CLI_SLOT_DONE;
    while (window->first < window->next &&
           window->slots[window->first % CLI_WINDOW_MAX].state == CLI_SLOT_DONE) {
        window->first++; /* W2 */
    }
}

copycat_bytes cli_slot_key(const struct cli_slot *slot)
{
    return (copycat_bytes){slot->bytes, slot->key_size};
}

copycat_bytes cli_slot_value(const struct cli_slot *slot)
{
    return (copycat_bytes){slot->bytes + slot->key_size, slot->value_size};
}

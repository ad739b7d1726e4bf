/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history -- see history.h.
 */
#include "sim/check/history.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DESCRIBED_BYTES_MAX 24

struct symbol {
    size_t offset;
    size_t size;
};

struct cc_history {
    struct cc_history_operation *operations;
    size_t count;
    size_t capacity;
    size_t operations_max;
    uint8_t *bytes;
    size_t bytes_count;
    size_t bytes_capacity;
    size_t bytes_max;
    struct symbol *symbols; /* symbol s is at s - 1 */
    size_t symbol_count;
    size_t symbol_capacity;
    uint32_t *table; /* symbols by hash; 0: free */
    size_t table_size;
    uint32_t *keys; /* of all KEYS answers */
    size_t key_count;
    size_t key_capacity;
    uint64_t order;
    uint64_t now;
    const char *defect;
};

static void *grown(void *block, size_t *capacity, size_t needed, size_t size)
{
    size_t larger = *capacity == 0 ? 64 : *capacity;

    if (needed <= *capacity) {
        return block;
    }
    while (larger < needed) {
        larger *= 2;
    }
    block = realloc(block, larger * size);
    if (block == NULL) {
        abort();
    }
    *capacity = larger;
    return block;
}

struct cc_history *cc_history_create(size_t operations_max, size_t bytes_max)
{
    struct cc_history *history = calloc(1, sizeof *history);

    if (history == NULL) {
        abort();
    }
    history->operations_max = operations_max;
    history->bytes_max = bytes_max;
    return history;
}

void cc_history_destroy(struct cc_history *history)
{
    if (history == NULL) {
        return;
    }
    free(history->operations);
    free(history->bytes);
    free(history->symbols);
    free(history->table);
    free(history->keys);
    free(history);
}

/* ---- symbols ------------------------------------------------------------------------------------
 */

static uint64_t hash_more(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t hash_bytes(uint64_t hash, struct cc_history_bytes bytes)
{
    uint64_t size = bytes.data == NULL ? UINT64_MAX : bytes.size;

    hash = hash_more(hash, &size, sizeof size);
    return bytes.data == NULL ? hash : hash_more(hash, bytes.data, bytes.size);
}

/* Where the bytes are in the table, or the free place where they belong. */
static size_t place_of(const struct cc_history *history, struct cc_history_bytes bytes)
{
    size_t place = (size_t)hash_bytes(UINT64_C(0xcbf29ce484222325), bytes);

    for (;; place++) {
        place &= history->table_size - 1;
        if (history->table[place] == 0) {
            return place;
        }

        struct cc_history_bytes other = cc_history_symbol(history, history->table[place]);

        if (other.size == bytes.size &&
            (bytes.size == 0 || memcmp(other.data, bytes.data, bytes.size) == 0)) {
            return place;
        }
    }
}

static void grow_table(struct cc_history *history)
{
    free(history->table);
    history->table_size = history->table_size == 0 ? 256 : history->table_size * 2;
    history->table = calloc(history->table_size, sizeof *history->table);
    if (history->table == NULL) {
        abort();
    }
    for (size_t i = 0; i < history->symbol_count; i++) {
        uint32_t symbol = (uint32_t)(i + 1);

        history->table[place_of(history, cc_history_symbol(history, symbol))] = symbol;
    }
}

static uint32_t symbol_of(struct cc_history *history, struct cc_history_bytes bytes)
{
    if (bytes.data == NULL) {
        return 0;
    }
    if (history->symbol_count * 2 >= history->table_size) {
        grow_table(history);
    }

    size_t place = place_of(history, bytes);

    if (history->table[place] != 0) {
        return history->table[place];
    }
    if (bytes.size > history->bytes_max - history->bytes_count ||
        history->symbol_count == UINT32_MAX) {
        history->defect = "more bytes than the history may hold";
        return 0;
    }
    /* One more than is used: the address of an empty string is not NULL either. */
    history->bytes =
        grown(history->bytes, &history->bytes_capacity, history->bytes_count + bytes.size + 1, 1);
    if (bytes.size != 0) {
        memcpy(history->bytes + history->bytes_count, bytes.data, bytes.size);
    }
    history->symbols = grown(
        history->symbols, &history->symbol_capacity, history->symbol_count + 1,
        sizeof *history->symbols);
    history->symbols[history->symbol_count] = (struct symbol){history->bytes_count, bytes.size};
    history->bytes_count += bytes.size;
    history->symbol_count++;
    history->table[place] = (uint32_t)history->symbol_count;
    return history->table[place];
}

struct cc_history_bytes cc_history_symbol(const struct cc_history *history, uint32_t symbol)
{
    if (symbol == 0 || symbol > history->symbol_count) {
        return (struct cc_history_bytes){NULL, 0};
    }

    const struct symbol *found = &history->symbols[symbol - 1];

    return (struct cc_history_bytes){history->bytes + found->offset, found->size};
}

/* ---- recording ----------------------------------------------------------------------------------
 */

/* The place of the next event in the order. */
static uint64_t next_order(struct cc_history *history, uint64_t at)
{
    if (at < history->now) { /* H2 */
        history->defect = "time went back while it was recorded";
    }
    history->now = at;
    return ++history->order;
}

static bool stores(enum cc_history_kind kind)
{
    return kind == CC_HISTORY_PUT || kind == CC_HISTORY_PUT_IF_ABSENT ||
           kind == CC_HISTORY_REPLACE || kind == CC_HISTORY_CAS;
}

size_t cc_history_invoke(struct cc_history *history, const struct cc_history_invocation *invocation)
{
    bool is_query = cc_history_is_query(invocation->kind);

    if (history->count == history->operations_max) {
        history->defect = "more operations than the history may hold";
        return CC_HISTORY_NONE;
    }
    if ((cc_history_has_key(invocation->kind) && invocation->key.data == NULL) ||
        (stores(invocation->kind) && invocation->value.data == NULL) ||
        (invocation->kind == CC_HISTORY_CAS && invocation->expected.data == NULL)) {
        history->defect = "an operation lacks its key or value: the empty one is not NULL";
    }
    history->operations = grown(
        history->operations, &history->capacity, history->count + 1, sizeof *history->operations);

    struct cc_history_operation *operation = &history->operations[history->count];

    *operation = (struct cc_history_operation){
        .id = history->count,
        .client = invocation->client,
        .stream = invocation->stream,
        .fingerprint = cc_history_fingerprint(invocation),
        .invoked_at = invocation->at,
        .completed_at = CC_HISTORY_PENDING,
        .invoked_order = next_order(history, invocation->at),
        .completed_order = CC_HISTORY_PENDING,
        .kind = invocation->kind,
        .level = is_query ? invocation->level : CC_HISTORY_LINEARIZABLE,
        .outcome = CC_HISTORY_UNKNOWN,
        .map = invocation->map,
        .key = cc_history_has_key(invocation->kind) ? symbol_of(history, invocation->key) : 0,
        .value = stores(invocation->kind) ? symbol_of(history, invocation->value) : 0,
        .expected =
            invocation->kind == CC_HISTORY_CAS ? symbol_of(history, invocation->expected) : 0,
    };
    return history->count++;
}

static void keep_keys(
    struct cc_history *history,
    struct cc_history_operation *operation,
    const struct cc_history_answer *answer)
{
    history->keys = grown(
        history->keys, &history->key_capacity, history->key_count + answer->key_count,
        sizeof *history->keys);
    operation->key_first = history->key_count;
    operation->key_count = answer->key_count;
    for (size_t i = 0; i < answer->key_count; i++) {
        history->keys[history->key_count++] = symbol_of(history, answer->keys[i]);
    }
}

void cc_history_complete(
    struct cc_history *history, size_t id, const struct cc_history_answer *answer)
{
    if (id == CC_HISTORY_NONE) {
        return;
    }
    if (id >= history->count || history->operations[id].completed_order != CC_HISTORY_PENDING) {
        history->defect = "an operation was completed twice, or never began"; /* H1 */
        return;
    }

    struct cc_history_operation *operation = &history->operations[id];

    operation->completed_at = answer->at;
    operation->completed_order = next_order(history, answer->at);
    operation->outcome = answer->outcome;
    operation->index = answer->index;
    operation->server = answer->server;
    operation->result = symbol_of(history, answer->value);
    operation->flag = answer->flag;
    operation->count = answer->count;
    keep_keys(history, operation, answer);
}

void cc_history_number(struct cc_history *history, size_t id, uint64_t sequence)
{
    if (id == CC_HISTORY_NONE) {
        return;
    }
    if (id >= history->count || cc_history_is_query(history->operations[id].kind)) {
        history->defect = "a sequence was told of what is no command";
        return;
    }
    history->operations[id].sequence = sequence;
}

/* ---- looking at it ------------------------------------------------------------------------------
 */

size_t cc_history_count(const struct cc_history *history)
{
    return history->count;
}

const struct cc_history_operation *cc_history_at(const struct cc_history *history, size_t id)
{
    return &history->operations[id];
}

const uint32_t *cc_history_keys(
    const struct cc_history *history, const struct cc_history_operation *operation)
{
    return operation->key_count == 0 ? NULL : history->keys + operation->key_first;
}

const char *cc_history_defect(const struct cc_history *history)
{
    return history->defect;
}

uint64_t cc_history_fingerprint(const struct cc_history_invocation *invocation)
{
    uint64_t words[2] = {(uint64_t)invocation->kind, invocation->map};
    uint64_t hash = hash_more(UINT64_C(0xcbf29ce484222325), words, sizeof words);

    if (cc_history_has_key(invocation->kind)) {
        hash = hash_bytes(hash, invocation->key);
    }
    if (stores(invocation->kind)) {
        hash = hash_bytes(hash, invocation->value);
    }
    return invocation->kind == CC_HISTORY_CAS ? hash_bytes(hash, invocation->expected) : hash;
}

bool cc_history_is_query(enum cc_history_kind kind)
{
    return kind == CC_HISTORY_GET || kind == CC_HISTORY_CONTAINS || kind == CC_HISTORY_SIZE ||
           kind == CC_HISTORY_KEYS;
}

bool cc_history_has_key(enum cc_history_kind kind)
{
    return kind != CC_HISTORY_SIZE && kind != CC_HISTORY_CLEAR && kind != CC_HISTORY_KEYS;
}

/* ---- words --------------------------------------------------------------------------------------
 */

struct line {
    char *text;
    size_t size;
    size_t used;
};

static void say(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct line *line, const char *format, ...)
{
    va_list arguments;

    if (line->used + 1 >= line->size) {
        return;
    }
    va_start(arguments, format);

    int length = vsnprintf(line->text + line->used, line->size - line->used, format, arguments);

    va_end(arguments);
    line->used += length < 0 ? 0 : (size_t)length;
}

static void say_symbol(struct line *line, const struct cc_history *history, uint32_t symbol)
{
    struct cc_history_bytes bytes = cc_history_symbol(history, symbol);
    const uint8_t *data = bytes.data;

    if (data == NULL) {
        say(line, "absent");
        return;
    }
    say(line, "\"");
    for (size_t i = 0; i < bytes.size && i < DESCRIBED_BYTES_MAX; i++) {
        if (data[i] >= ' ' && data[i] <= '~') {
            say(line, "%c", data[i]);
        } else {
            say(line, "\\x%02x", data[i]);
        }
    }
    say(line, bytes.size > DESCRIBED_BYTES_MAX ? "...\"" : "\"");
}

static void say_question(
    struct line *line,
    const struct cc_history *history,
    const struct cc_history_operation *operation)
{
    static const char *const names[] = {"?",        "put",  "get",   "remove",
                                        "contains", "size", "clear", "put_if_absent",
                                        "replace",  "cas",  "keys"};
    static const char *const levels[] = {"", " lease", " sequential", " eventual"};

    say(line, "%s%s(map %" PRIu32, names[operation->kind], levels[operation->level],
        operation->map);
    if (cc_history_has_key(operation->kind)) {
        say(line, ", ");
        say_symbol(line, history, operation->key);
    }
    if (operation->kind == CC_HISTORY_CAS) {
        say(line, ", ");
        say_symbol(line, history, operation->expected);
    }
    if (operation->value != 0) {
        say(line, ", ");
        say_symbol(line, history, operation->value);
    }
    say(line, ")");
}

static void say_answer(
    struct line *line,
    const struct cc_history *history,
    const struct cc_history_operation *operation)
{
    const uint32_t *keys = cc_history_keys(history, operation);

    switch (operation->kind) {
    case CC_HISTORY_CONTAINS:
    case CC_HISTORY_CAS:
        say(line, operation->flag ? "true" : "false");
        break;
    case CC_HISTORY_SIZE:
        say(line, "%" PRIu64, operation->count);
        break;
    case CC_HISTORY_CLEAR:
        say(line, "done");
        break;
    case CC_HISTORY_KEYS:
        for (size_t i = 0; i < operation->key_count; i++) {
            say(line, i == 0 ? "{" : ", ");
            say_symbol(line, history, keys[i]);
        }
        say(line, operation->key_count == 0 ? "{}" : "}");
        break;
    default:
        say_symbol(line, history, operation->result);
        break;
    }
}

void cc_history_describe(
    const struct cc_history *history,
    const struct cc_history_operation *operation,
    char *text,
    size_t text_size)
{
    struct line line = {text, text_size, 0};

    if (text_size == 0) {
        return;
    }
    text[0] = '\0';
    say(&line, "#%zu [%" PRIu64 " .. ", operation->id, operation->invoked_at);
    if (operation->completed_at == CC_HISTORY_PENDING) {
        say(&line, "pending");
    } else {
        say(&line, "%" PRIu64, operation->completed_at);
    }
    say(&line, "] client %" PRIu64, operation->client);
    if (operation->sequence != 0) {
        say(&line, " sequence %" PRIu64, operation->sequence);
    }
    say(&line, ": ");
    say_question(&line, history, operation);
    say(&line, " -> ");
    if (operation->outcome == CC_HISTORY_OK) {
        say_answer(&line, history, operation);
    } else {
        say(&line, operation->outcome == CC_HISTORY_FAILED ? "failed" : "unknown");
    }
    if (operation->index != 0) {
        say(&line, ", index %" PRIu64, operation->index);
    }
    if (operation->server != 0) {
        say(&line, ", server %" PRIu32, operation->server);
    }
}

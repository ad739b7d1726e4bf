/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load -- see load.h.
 */
#include "load.h"

#include <copycat/client.h>
#include <copycat/map.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 24u
#define WINDOW 3u
#define BREATH_MS_MAX 24u /* between two calls of a thread */
#define SESSION_TIMEOUT_MS 3000u
#define FINAL_PATIENCE_MS 20000u

struct loader {
    struct chaos_record *record;
    const char *servers;
    struct chaos_random random;
    pthread_t thread;
    unsigned number;
    uint64_t call_timeout_ms;
    copycat_client *client;
    copycat_map *map;
    uint64_t identity; /* of the client, in the history */
    uint32_t incarnation;
    uint32_t epoch; /* of the map; 0: none yet */
    uint64_t value_count;
    char known[CHAOS_KEY_COUNT][TEXT_SIZE]; /* the last value that this thread was told of */
    atomic_bool is_to_die;
    atomic_bool *is_stopping;
    pthread_mutex_t lock; /* of what follows, and of `known` */
    pthread_cond_t answered;
    unsigned under_way;
};

struct chaos_load {
    struct loader loaders[CHAOS_LOADER_COUNT];
    atomic_bool is_stopping;
};

/* One call under way. */
struct call {
    struct loader *loader;
    size_t id;
    enum cc_history_kind kind;
    unsigned key; /* CHAOS_KEY_COUNT: it has none */
    bool is_query;
    enum cc_history_level level;
    char key_text[TEXT_SIZE];
    char value[TEXT_SIZE];
    char expected[TEXT_SIZE];
};

/* ---- answers ----------------------------------------------------------------------------------- */

/* A query that failed told nothing and changed nothing: whatever the reason, it did not happen. */
static enum cc_history_outcome outcome_of(copycat_status status, bool is_query)
{
    int class = copycat_status_class(status);

    if (class == COPYCAT_CLASS_OK) {
        return CC_HISTORY_OK;
    }
    if (is_query || class == COPYCAT_CLASS_REFUSED || class == COPYCAT_CLASS_RETRY) {
        return CC_HISTORY_FAILED;
    }
    return CC_HISTORY_UNKNOWN;
}

/* Compare-and-set is only interesting where it may succeed. */
static void remember(struct loader *loader, const struct call *call, const copycat_value *value)
{
    copycat_bytes bytes = copycat_value_bytes(value);
    char *known = loader->known[call->key];

    if (call->kind == CC_HISTORY_PUT ||
        (call->kind == CC_HISTORY_CAS && copycat_value_bool(value)) ||
        (call->kind == CC_HISTORY_PUT_IF_ABSENT && copycat_value_is_absent(value))) {
        memcpy(known, call->value, TEXT_SIZE);
    } else if (bytes.size < TEXT_SIZE && bytes.size > 0) {
        memcpy(known, bytes.data, bytes.size);
        known[bytes.size] = '\0';
    }
}

static void note_answer(
    struct chaos_record *record,
    const struct call *call,
    copycat_status status,
    const copycat_value *value)
{
    copycat_bytes bytes = copycat_value_bytes(value);
    struct cc_history_answer answer = {
        .outcome = outcome_of(status, call->is_query),
        .index = copycat_value_index(value),
    };

    if (!copycat_value_is_absent(value) && call->kind != CC_HISTORY_SIZE &&
        call->kind != CC_HISTORY_CONTAINS && call->kind != CC_HISTORY_CAS) {
        answer.value = (struct cc_history_bytes){bytes.data, bytes.size};
    }
    if (call->kind == CC_HISTORY_SIZE) {
        answer.count = copycat_value_uint64(value);
    }
    if (call->kind == CC_HISTORY_CONTAINS || call->kind == CC_HISTORY_CAS) {
        answer.flag = copycat_value_bool(value) != 0;
    }
    chaos_record_complete(record, call->id, &answer);
}

static void take_answer(copycat_status status, copycat_value *value, void *user)
{
    struct call *call = user;
    struct loader *loader = call->loader;

    note_answer(loader->record, call, status, value);
    (void)pthread_mutex_lock(&loader->lock);
    if (status == COPYCAT_OK && call->key < CHAOS_KEY_COUNT) {
        remember(loader, call, value);
    }
    loader->under_way--;
    (void)pthread_cond_signal(&loader->answered);
    (void)pthread_mutex_unlock(&loader->lock);
    copycat_value_free(value);
    free(call);
}

/* ---- questions --------------------------------------------------------------------------------- */

static void name_key(unsigned key, char *text)
{
    (void)snprintf(text, TEXT_SIZE, "key-%u", key);
}

static void name_map(uint32_t epoch, char *text, size_t text_size)
{
    (void)snprintf(text, text_size, "/chaos/%" PRIu32, epoch);
}

static enum cc_history_kind choose_kind(struct loader *loader)
{
    static const struct {
        enum cc_history_kind kind;
        uint32_t weight;
    } table[] = {
        {CC_HISTORY_GET, 32},          {CC_HISTORY_PUT, 24},    {CC_HISTORY_CAS, 14},
        {CC_HISTORY_PUT_IF_ABSENT, 9}, {CC_HISTORY_REMOVE, 8},  {CC_HISTORY_CONTAINS, 6},
        {CC_HISTORY_SIZE, 4},          {CC_HISTORY_REPLACE, 3},
    };

    uint32_t drawn = chaos_random_below(&loader->random, 100);
    size_t i = 0;

    while (drawn >= table[i].weight) {
        drawn -= table[i++].weight;
    }
    return table[i].kind;
}

static struct call *choose(struct loader *loader)
{
    struct call *call = calloc(1, sizeof *call);

    if (call == NULL) {
        chaos_give_up("memory for a call");
    }
    call->loader = loader;
    call->kind = choose_kind(loader);
    call->is_query = cc_history_is_query(call->kind);
    call->level = CC_HISTORY_LINEARIZABLE;
    if (call->is_query) {
        call->level = (enum cc_history_level)chaos_random_below(&loader->random, 4);
    }
    call->key = CHAOS_KEY_COUNT;
    if (cc_history_has_key(call->kind)) {
        call->key = chaos_random_below(&loader->random, CHAOS_KEY_COUNT);
        name_key(call->key, call->key_text);
    }
    (void)snprintf(
        call->value, sizeof call->value, "%u-%" PRIu64, loader->number, ++loader->value_count);
    if (call->kind == CC_HISTORY_CAS) {
        (void)pthread_mutex_lock(&loader->lock);
        memcpy(call->expected, loader->known[call->key], TEXT_SIZE);
        (void)pthread_mutex_unlock(&loader->lock);
    }
    return call;
}

static struct cc_history_bytes noted(const char *text)
{
    return (struct cc_history_bytes){text, strlen(text)};
}

/* Before the call is made: an answer may be there before the function returns. */
static void note_question(
    struct chaos_record *record, struct call *call, uint64_t identity, uint32_t epoch)
{
    struct cc_history_invocation invocation = {
        .client = identity,
        .stream = epoch,
        .kind = call->kind,
        .level = call->level,
        .map = epoch,
    };

    if (cc_history_has_key(call->kind)) {
        invocation.key = noted(call->key_text);
    }
    if (call->kind == CC_HISTORY_PUT || call->kind == CC_HISTORY_PUT_IF_ABSENT ||
        call->kind == CC_HISTORY_REPLACE || call->kind == CC_HISTORY_CAS) {
        invocation.value = noted(call->value);
    }
    if (call->kind == CC_HISTORY_CAS) {
        invocation.expected = noted(call->expected);
    }
    call->id = chaos_record_invoke(record, &invocation);
}

static copycat_future *make_call(copycat_map *map, const struct call *call, uint64_t timeout_ms)
{
    copycat_call_options options = COPYCAT_CALL_OPTIONS_INIT;
    copycat_bytes key = copycat_str(call->key_text);
    copycat_bytes value = copycat_str(call->value);

    options.timeout_ms = timeout_ms;
    options.consistency =
        call->is_query ? (uint32_t)call->level + COPYCAT_LINEARIZABLE : COPYCAT_LINEARIZABLE;
    switch (call->kind) {
    case CC_HISTORY_PUT:
        return copycat_map_put(map, key, value, &options);
    case CC_HISTORY_REMOVE:
        return copycat_map_remove(map, key, &options);
    case CC_HISTORY_CONTAINS:
        return copycat_map_contains(map, key, &options);
    case CC_HISTORY_SIZE:
        return copycat_map_size(map, &options);
    case CC_HISTORY_PUT_IF_ABSENT:
        return copycat_map_put_if_absent(map, key, value, &options);
    case CC_HISTORY_REPLACE:
        return copycat_map_replace(map, key, value, &options);
    case CC_HISTORY_CAS:
        return copycat_map_compare_and_set(map, key, copycat_str(call->expected), value, &options);
    default:
        return copycat_map_get(map, key, &options);
    }
}

static void ask(struct loader *loader)
{
    uint32_t epoch = chaos_record_epoch(loader->record);
    struct call *call = choose(loader);

    if (epoch != loader->epoch) {
        char path[TEXT_SIZE];

        copycat_map_free(loader->map);
        name_map(epoch, path, sizeof path);
        loader->map = copycat_map_at(loader->client, path);
        loader->epoch = epoch;
    }
    (void)pthread_mutex_lock(&loader->lock);
    while (loader->under_way >= WINDOW) {
        (void)pthread_cond_wait(&loader->answered, &loader->lock);
    }
    loader->under_way++;
    (void)pthread_mutex_unlock(&loader->lock);
    note_question(loader->record, call, loader->identity, epoch);
    copycat_future_then(make_call(loader->map, call, loader->call_timeout_ms), take_answer, call);
}

/* ---- clients ----------------------------------------------------------------------------------- */

static void be_born(struct loader *loader)
{
    copycat_client_options options = COPYCAT_CLIENT_OPTIONS_INIT;
    copycat_message message;

    options.session_timeout_ms = SESSION_TIMEOUT_MS;
    if (copycat_client_open(&loader->client, loader->servers, &options, &message) != COPYCAT_OK) {
        fprintf(stderr, "chaos: a client: %s\n", message.text);
        exit(2);
    }
    loader->identity = ++loader->incarnation * UINT64_C(100) + loader->number;
    loader->map = NULL;
    loader->epoch = 0;
}

static void die(struct loader *loader)
{
    copycat_map_free(loader->map);
    copycat_client_close(loader->client, NULL, NULL);
}

/* At the end the calls under way are waited for: each has a deadline. */
static void wait_for_all(struct loader *loader)
{
    (void)pthread_mutex_lock(&loader->lock);
    while (loader->under_way > 0) {
        (void)pthread_cond_wait(&loader->answered, &loader->lock);
    }
    (void)pthread_mutex_unlock(&loader->lock);
}

static void *run(void *user)
{
    struct loader *loader = user;

    be_born(loader);
    while (!atomic_load(loader->is_stopping)) {
        if (atomic_exchange(&loader->is_to_die, false) ||
            copycat_client_state(loader->client) == COPYCAT_CLIENT_ENDED) {
            die(loader);
            be_born(loader);
        }
        ask(loader);
        chaos_sleep_ms(chaos_random_below(&loader->random, BREATH_MS_MAX));
    }
    wait_for_all(loader);
    die(loader);
    return NULL;
}

/* ---- what others call -------------------------------------------------------------------------- */

struct chaos_load *chaos_load_start(struct chaos_record *record, const char *servers, uint64_t seed)
{
    struct chaos_load *load = calloc(1, sizeof *load);

    if (load == NULL) {
        chaos_give_up("memory for the clients");
    }
    for (unsigned i = 0; i < CHAOS_LOADER_COUNT; i++) {
        struct loader *loader = &load->loaders[i];

        loader->record = record;
        loader->servers = servers;
        loader->random.state = seed + i + 1;
        loader->number = i + 1;
        /* The patient outwait most faults; the impatient leave commands with an unknown end. */
        loader->call_timeout_ms = i % 4 == 0 ? 1500 : 15000;
        loader->is_stopping = &load->is_stopping;
        if (pthread_mutex_init(&loader->lock, NULL) != 0 ||
            pthread_cond_init(&loader->answered, NULL) != 0 ||
            pthread_create(&loader->thread, NULL, run, loader) != 0) {
            chaos_give_up("a thread");
        }
    }
    return load;
}

void chaos_load_kill(struct chaos_load *load, unsigned loader)
{
    atomic_store(&load->loaders[loader].is_to_die, true);
}

void chaos_load_stop(struct chaos_load *load)
{
    atomic_store(&load->is_stopping, true);
    for (unsigned i = 0; i < CHAOS_LOADER_COUNT; i++) {
        (void)pthread_join(load->loaders[i].thread, NULL);
        (void)pthread_mutex_destroy(&load->loaders[i].lock);
        (void)pthread_cond_destroy(&load->loaders[i].answered);
    }
    free(load);
}

static bool read_one(struct chaos_record *record, copycat_map *map, uint32_t epoch, unsigned key)
{
    struct call call = {.kind = CC_HISTORY_GET, .is_query = true, .key = key};
    copycat_value *value = NULL;
    copycat_status status;

    name_key(key, call.key_text);
    note_question(record, &call, 1, epoch);
    status = copycat_await(make_call(map, &call, FINAL_PATIENCE_MS), COPYCAT_NONE, &value);
    note_answer(record, &call, status, value);
    copycat_value_free(value);
    return status == COPYCAT_OK;
}

bool chaos_load_read_all(struct chaos_record *record, const char *servers)
{
    copycat_client *client;
    copycat_message message;
    bool is_complete = true;

    if (copycat_client_open(&client, servers, NULL, &message) != COPYCAT_OK) {
        return false;
    }
    for (uint32_t epoch = 1; epoch <= record->epoch && is_complete; epoch++) {
        char path[TEXT_SIZE];
        copycat_map *map;

        name_map(epoch, path, sizeof path);
        map = copycat_map_at(client, path);
        for (unsigned key = 0; key < CHAOS_KEY_COUNT && is_complete; key++) {
            is_complete = read_one(record, map, epoch, key);
        }
        copycat_map_free(map);
    }
    copycat_client_close(client, NULL, NULL);
    return is_complete;
}

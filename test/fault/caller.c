/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller -- see caller.h.
 */
#include "fault/caller.h"

#include "base/assert.h"
#include "resource/map/map_operation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_EACH 5u
#define LARGE 9000u
#define SMALL 20u
#define AGAIN_US UINT64_C(20000)
#define CLOSE_US UINT64_C(2000000)

/* ---- the client ------------------------------------------------------------------------------ */

void caller_init(struct caller *caller, struct trio *trio)
{
    memset(caller, 0, sizeof *caller);
    caller->trio = trio;
}

static void open_client(void *owner)
{
    struct caller *caller = owner;
    const char *addresses[TRIO_SERVERS];
    struct cc_client_options options = {
        .addresses = addresses,
        .address_count = caller->trio->members.count,
        .seed = 5,
        .progress_us = 300000};
    struct cc_env *env = cc_world_env(caller->trio->world, TRIO_CLIENT);

    for (uint32_t i = 0; i < options.address_count; i++) {
        addresses[i] = caller->trio->members.at[i].address;
    }
    caller->status = cc_client_open(&caller->client, env, &options, NULL, NULL);
    if (caller->status == COPYCAT_OK) {
        memset(&caller->map, 0, sizeof caller->map);
        cc_client_resource_init(caller->client, &caller->map, "/map", CC_MAP_TYPE_ID);
    }
}

/* False if it could not be opened: then one may try again. */
static bool have_client(struct caller *caller)
{
    if (caller->client == NULL) {
        if (!cc_world_is_up(caller->trio->world, TRIO_CLIENT)) {
            (void)cc_world_boot(caller->trio->world, TRIO_CLIENT);
        }
        if (!trio_guard(caller->trio, open_client, caller) || caller->status != COPYCAT_OK) {
            caller->client = NULL;
        }
    }
    return caller->client != NULL;
}

static void closed(void *owner)
{
    struct caller *caller = owner;

    caller->is_closed = true;
}

static bool is_closed(void *owner)
{
    const struct caller *caller = owner;

    return caller->is_closed;
}

static void close_client(void *owner)
{
    struct caller *caller = owner;

    cc_client_close(caller->client, closed, caller);
}

bool caller_close(struct caller *caller)
{
    struct trio *trio = caller->trio;

    if (caller->client == NULL) {
        return trio_verdict(trio) == NULL;
    }
    caller->is_closed = false;
    if (!trio_guard(trio, close_client, caller) || !trio_run(trio, CLOSE_US, is_closed, caller)) {
        cc_judge_blame(trio->judge, "the client does not close");
        return false;
    }
    caller->client = NULL;
    if (cc_world_memory(trio->world, TRIO_CLIENT) != 0) {
        cc_judge_blame(trio->judge, "the client has left memory behind");
    }
    return trio_verdict(trio) == NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* "v17 xxx...", every fifth of them large; its size. */
static size_t value_of(struct caller *caller, uint32_t number)
{
    size_t size = number % LARGE_EACH == 0 ? LARGE : SMALL;
    int used = snprintf(caller->value, sizeof caller->value, "v%u ", number);

    memset(caller->value + used, 'x', size - (size_t)used);
    return size;
}

static void done(struct cc_call *call)
{
    struct caller *caller = call->owner;
    copycat_bytes value;
    char text[16] = "";

    caller->is_done = true;
    caller->status = call->status;
    caller->read = 0;
    if (call->status != COPYCAT_OK || call->kind == CC_CALL_COMMAND) {
        return;
    }
    caller->is_read_broken = !cc_map_value_decode(call->result, &value);
    if (!caller->is_read_broken && value.data != NULL) {
        memcpy(text, value.data, value.size < sizeof text ? value.size : sizeof text - 1);
        caller->read = (uint32_t)strtoul(text + 1, NULL, 10);
        caller->is_read_broken = caller->read == 0 ||
                                 value.size != value_of(caller, caller->read) ||
                                 memcmp(value.data, caller->value, value.size) != 0;
    }
}

static bool is_done(void *owner)
{
    const struct caller *caller = owner;

    return caller->is_done;
}

static void make_call(void *owner)
{
    struct caller *caller = owner;

    cc_client_call(caller->client, &caller->map, &caller->call);
}

/* value 0: reads the key.  False if no answer came in time. */
static bool call(struct caller *caller, uint32_t key, uint32_t value, uint64_t within_us)
{
    char key_text[16];
    struct cc_map_operation operation = {.code = value == 0 ? CC_MAP_GET : CC_MAP_PUT};
    struct cc_writer writer;

    snprintf(key_text, sizeof key_text, "key%u", key);
    operation.key = copycat_str(key_text);
    if (value != 0) {
        operation.value = (copycat_bytes){caller->value, value_of(caller, value)};
    }
    cc_writer_init_fixed(&writer, caller->operation, sizeof caller->operation);
    cc_map_operation_encode(&writer, &operation);
    CC_ASSERT(!writer.failed);
    caller->is_done = false;
    caller->call = (struct cc_call){
        .kind = value == 0 ? CC_CALL_QUERY : CC_CALL_COMMAND,
        .level = CC_READ_LINEARIZABLE,
        .operation = {writer.data, writer.size},
        .done = done,
        .owner = caller,
    };
    return trio_guard(caller->trio, make_call, caller) &&
           trio_run(caller->trio, within_us, is_done, caller);
}

/* Again and again until it is answered; gives up, with a verdict, when time is over. */
static bool insist(struct caller *caller, uint32_t key, uint32_t value, uint64_t within_us)
{
    struct trio *trio = caller->trio;
    uint64_t end = cc_world_now_us(trio->world) + within_us;

    while (trio_verdict(trio) == NULL && cc_world_now_us(trio->world) < end) {
        if (!have_client(caller)) {
            (void)trio_run(trio, AGAIN_US, NULL, NULL);
            continue;
        }
        if (!call(caller, key, value, end - cc_world_now_us(trio->world))) {
            break;
        }
        if (caller->status == COPYCAT_OK) {
            return true;
        }
        if (value != 0 && copycat_status_class(caller->status) == COPYCAT_CLASS_UNKNOWN) {
            CC_ASSERT(caller->doubt_count < CALLER_DOUBTS_MAX);
            caller->doubts[caller->doubt_count++] = value;
        }
        if (cc_client_state(caller->client) == CC_CLIENT_ENDED && !caller_close(caller)) {
            return false;
        }
        (void)trio_run(trio, AGAIN_US, NULL, NULL);
    }
    cc_judge_blame(
        trio->judge, "a call was not answered in time; before that: %s",
        copycat_status_text(caller->status));
    return false;
}

bool caller_put(struct caller *caller, uint32_t count, uint64_t within_us)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = ++caller->values;

        if (!insist(caller, value % CALLER_KEYS, value, within_us)) {
            return false;
        }
        caller->expected[value % CALLER_KEYS] = value;
    }
    return true;
}

static bool may_be_read(const struct caller *caller, uint32_t key)
{
    for (uint32_t i = 0; i < caller->doubt_count; i++) {
        if (caller->doubts[i] == caller->read && caller->read % CALLER_KEYS == key) {
            return true;
        }
    }
    return caller->read == caller->expected[key];
}

bool caller_check(struct caller *caller, uint64_t within_us)
{
    for (uint32_t key = 0; key < CALLER_KEYS; key++) {
        if (!insist(caller, key, 0, within_us)) {
            return false;
        }
        if (caller->is_read_broken || !may_be_read(caller, key)) {
            cc_judge_blame(
                caller->trio->judge, "a wrong answer: key%u is v%u instead of v%u", key,
                caller->read, caller->expected[key]);
            return false;
        }
    }
    return true;
}

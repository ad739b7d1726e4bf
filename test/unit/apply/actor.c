/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actor -- see actor.h.
 */
#include "actor.h"

#include "base/assert.h"
#include "resource/map/map_machine.h"
#include "resource/map/map_operation.h"
#include "support/probe_machine.h"

#include <stdio.h>

void actor_begin(struct actor *actor, const struct cc_apply_options *options)
{
    static const uint32_t kinds[ACTOR_RESOURCES] = {
        CC_MAP_TYPE_ID, PROBE_TYPE_ID, CC_MAP_TYPE_ID, PROBE_TYPE_ID};

    *actor = (struct actor){0};
    history_init(&actor->history, options);
    actor->session = history_open(&actor->history, 1);
    for (uint32_t i = 0; i < ACTOR_RESOURCES; i++) {
        char path[] = {'/', (char)('a' + i), 0};

        copycat_status status = history_create(
            &actor->history, actor->session, ++actor->sequence, path, kinds[i],
            &actor->instances[i]);

        CC_ASSERT(status == COPYCAT_OK);
    }
}

void actor_command(struct actor *actor, uint64_t instance, copycat_bytes operation)
{
    uint64_t behind = actor->lag < actor->sequence ? actor->lag : actor->sequence;

    actor->sequence++;
    (void)history_command(
        &actor->history, &(struct cc_command){
                             .session = actor->session,
                             .sequence = actor->sequence,
                             .answered = actor->sequence - 1 - behind,
                             .instance = instance,
                             .operation = operation});
}

static void map_command(struct actor *actor, uint64_t instance, struct cc_prng *prng)
{
    static const uint8_t codes[] = {CC_MAP_PUT, CC_MAP_PUT,    CC_MAP_PUT_IF_ABSENT, CC_MAP_REPLACE,
                                    CC_MAP_CAS, CC_MAP_REMOVE, CC_MAP_GET,           CC_MAP_SIZE};
    uint8_t bytes[128];
    char key[16];
    char value[2] = {(char)('a' + cc_prng_below(prng, 2)), 0};
    struct cc_writer writer;
    struct cc_map_operation operation = {
        .code = codes[cc_prng_below(prng, 8)], .value = {value, 1}, .expected = {"a", 1}};

    if (cc_prng_below(prng, 500) == 0) {
        operation.code = CC_MAP_CLEAR;
    }
    operation.key = (copycat_bytes){
        key, (size_t)snprintf(key, sizeof key, "k%u", (unsigned)cc_prng_below(prng, 60))};
    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_map_operation_encode(&writer, &operation);
    actor_command(actor, instance, (copycat_bytes){writer.data, writer.size});
}

void actor_random_entry(struct actor *actor, struct cc_prng *prng)
{
    uint64_t resource = cc_prng_below(prng, ACTOR_RESOURCES);
    uint64_t spare;

    actor->history.now_us += cc_prng_below(prng, 100);
    switch (cc_prng_below(prng, 12)) {
    case 0:
        spare = history_open(&actor->history, (uint8_t)(2 + cc_prng_below(prng, 5)));
        if (cc_prng_below(prng, 2) == 0) {
            history_close(&actor->history, spare);
        }
        break;
    case 1:
        actor_command(
            actor, actor->instances[1 + 2 * (resource % 2)],
            probe_operation(
                't', cc_prng_below(prng, 9), actor->history.now_us + cc_prng_below(prng, 900)));
        break;
    case 2:
        actor_command(actor, cc_prng_below(prng, 40), (copycat_bytes){"nonsense", 8});
        break;
    default:
        if (resource % 2 == 0) {
            map_command(actor, actor->instances[resource], prng);
        } else {
            actor_command(actor, actor->instances[resource], probe_operation('n', 0, 0));
        }
        break;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- see story.h.
 */
#include "fault/story.h"

#include "base/assert.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

#define BURST_MAX 5u

/* ---- the model ------------------------------------------------------------------------------- */

const struct stand_record *story_entry(const struct story *story, uint64_t index, uint64_t term)
{
    for (uint32_t i = 0; i < story->script.count; i++) {
        const struct stand_record *record = &story->script.records[i];

        if (record->type == STAND_ENTRY && record->index == index && record->term == term) {
            return record;
        }
    }
    return NULL;
}

/* What is damaged is known by index and term, and so is what it was. */
static uint64_t hash_at(const struct story *story, const struct stand_state *state, uint64_t index)
{
    const struct stand_record *record =
        state->damaged[index] ? story_entry(story, index, state->terms[index]) : NULL;

    return record == NULL ? state->hashes[index]
                          : stand_hash(record->index, record->term, record->size);
}

uint64_t story_digest(
    const struct story *story, const struct stand_state *state, const struct cc_base *base)
{
    uint64_t hash = cc_hash_words(state->last, state->term * 8 + state->vote);

    hash = cc_hash_words(hash, cc_hash_words(state->base.index, state->base.checksum));
    for (uint64_t index = state->base.index + 1; index <= state->last; index++) {
        hash =
            cc_hash_words(hash, cc_hash_words(state->terms[index], hash_at(story, state, index)));
    }
    return base == NULL ? hash : cc_hash_bytes(base->cluster_id, CC_CLUSTER_ID_SIZE, hash);
}

static void make_base(struct cc_base *base)
{
    memset(base, 0, sizeof *base);
    for (uint32_t i = 0; i < CC_CLUSTER_ID_SIZE; i++) {
        base->cluster_id[i] = (uint8_t)(i + 1);
    }
    base->feature_level = 1;
    base->members.count = 1;
    base->members.at[0].id = STAND_SERVER;
    base->members.at[0].role = CC_ROLE_VOTER;
    snprintf(base->members.at[0].address, sizeof base->members.at[0].address, "s3:7458");
}

static void draw_model(struct story *story)
{
    static struct stand_state state;
    struct cc_base base;

    make_base(&base);
    memset(&state, 0, sizeof state);
    story->digests[0] = story_digest(story, &state, NULL);
    story->digests[1] = story_digest(story, &state, &base);
    for (uint32_t i = 0; i < story->script.count; i++) {
        stand_state_play(&state, &story->script.records[i]);
        story->digests[i + 2] = story_digest(story, &state, &base);
    }
}

static uint64_t first_damaged(const struct stand_state *state)
{
    for (uint64_t index = state->base.index + 1; index <= state->last; index++) {
        if (state->damaged[index]) {
            return index;
        }
    }
    return 0;
}

struct story_finding story_found(const struct story *story, const struct stand *stand)
{
    return (struct story_finding){
        .digest = story_digest(story, &stand->found, cc_journal_base(stand->journal)),
        .boot = cc_journal_boot(stand->journal),
        .incarnation =
            cc_hash_bytes(cc_journal_incarnation(stand->journal), CC_INCARNATION_SIZE, 0),
        .first_damaged = first_damaged(&stand->found),
    };
}

/* In the fourth life what is added is repairs. */
static bool is_adding(const struct story *story)
{
    return story->life < STORY_LIVES;
}

uint32_t story_durable(const struct story *story)
{
    return story->origin + (is_adding(story) ? (uint32_t)story->stand.durable : 0);
}

uint32_t story_added(const struct story *story)
{
    return story->origin + (is_adding(story) ? (uint32_t)story->stand.added : 0);
}

uint64_t story_repaired(const struct story *story)
{
    bool is_some = !is_adding(story) && story->stand.durable > 0;

    if (is_adding(story)) {
        return UINT64_MAX; /* there is no damage */
    }
    return is_some ? story->damaged[story->stand.durable - 1] : 0;
}

/* ---- the script ------------------------------------------------------------------------------ */

void story_init(struct story *story, uint64_t seed)
{
    static const uint32_t batch_sizes[] = {1, 4096, 16384, 1u << 20};
    static const uint32_t entry_sizes[] = {2500, 6000, 12000, 70000};
    uint64_t kind;

    memset(story, 0, sizeof *story);
    story->seed = seed;
    story->prng.state = seed;
    kind = cc_prng_below(&story->prng, 4);
    story->options.batch_size_max = batch_sizes[cc_prng_below(&story->prng, 4)];
    story->options.spare_files = 1 + (uint32_t)cc_prng_below(&story->prng, 2);
    story->options.scan_size = cc_prng_below(&story->prng, 2) == 0 ? STAND_SCAN_SIZE : 1u << 20;
    story->stand.options = story->options;
    if (seed % 2 == 0) {
        stand_script_draw_switches(&story->script, seed, kind == 3 ? 60 : 120, entry_sizes[kind]);
    } else {
        stand_script_draw(&story->script, seed, kind == 3 ? 60 : 120, entry_sizes[kind]);
    }
    story->record_count = story->script.count + 1;
    CC_ASSERT(story->record_count <= STORY_RECORDS_MAX);
    draw_model(story);
    memory_disk_init(&story->disk);
}

void story_deinit(struct story *story)
{
    memory_disk_deinit(&story->disk);
}

static void add_next(struct story *story)
{
    struct stand *stand = &story->stand;

    if (story->at == 0) {
        struct cc_base base;

        make_base(&base);
        stand->is_calling = true;
        cc_journal_found(stand->journal, &base);
        stand->added++;
        stand->is_calling = false;
    } else {
        stand_add(stand, &story->script.records[story->at - 1]);
    }
    story->at++;
}

/* ---- lives ----------------------------------------------------------------------------------- */

bool story_step(struct story *story, bool with_time)
{
    story->at_point(story->owner, story);
    return with_time ? memory_disk_step_time(&story->disk) : memory_disk_step(&story->disk);
}

/* The records that the former life is found to have left. */
static bool is_origin_found(struct story *story, uint32_t durable, uint32_t added)
{
    struct story_finding found = story_found(story, &story->stand);

    for (uint32_t count = added + 1; count-- > durable;) {
        if (story->digests[count] == found.digest) {
            story->origin = count;
            story->at = count;
            return true;
        }
    }
    return false;
}

const char *story_open(struct story *story)
{
    uint32_t durable = story_durable(story);
    uint32_t added = story_added(story);
    struct stand *stand = &story->stand;

    stand_open(stand, &story->disk, 0); /* not one step: each is a point of its own */
    story->origin = durable;
    stand->added = added - durable; /* what may be found until recovery has said what there is */
    while (stand->opens == 0 && story_step(story, false)) {
    }
    stand->added = 0;
    if (!stand->is_open) {
        return stand->text;
    }
    if (!is_origin_found(story, durable, added)) {
        return "the recovery of a life found what no point of the one before had";
    }
    story->said = story_found(story, stand);
    return NULL;
}

static void count_life(struct story *story)
{
    const struct cc_journal_counters *counters = cc_journal_counters(story->stand.journal);

    story->files += (uint32_t)counters->files;
    story->writes += (uint32_t)counters->writes;
    story->reused += (uint32_t)counters->reused;
    story->removed += (uint32_t)counters->removed;
    story->torn_tails += (uint32_t)counters->torn_tails;
}

const char *story_close(struct story *story)
{
    struct stand *stand = &story->stand;

    stand->is_calling = true;
    cc_journal_close(stand->journal);
    stand->is_calling = false;
    while (stand->journal != NULL && story_step(story, false)) {
    }
    return stand->journal == NULL ? NULL : "the journal does not close";
}

/* Records in bursts, some passes without any, until the life's share of the script is added. */
static const char *live(struct story *story)
{
    uint32_t end = story->record_count * (story->life + 1) / STORY_LIVES;

    while (story->at < end && story->stand.failures == 0) {
        uint64_t burst = cc_prng_below(&story->prng, BURST_MAX + 1);
        bool is_idle = cc_prng_below(&story->prng, 6) == 0;

        for (; burst > 0 && story->at < end && !is_idle; burst--) {
            add_next(story);
        }
        stand_flush(&story->stand);
        (void)story_step(story, false);
        while (is_idle && story_step(story, true)) { /* all there is to do, and then a seal */
        }
    }
    if (story->life > 0) {
        while (story->stand.failures == 0 && story_step(story, true)) {
        }
        if (story_durable(story) != story->at) {
            return "not all of it became durable";
        }
    }
    return story->stand.failures > 0 ? "the journal failed on a good disk" : NULL;
}

const char *story_run(struct story *story)
{
    for (story->life = 0; story->life < STORY_LIVES; story->life++) {
        const char *trouble = story_open(story);

        trouble = trouble == NULL ? live(story) : trouble;
        if (trouble != NULL) {
            return trouble;
        }
        count_life(story);
        if (story->life == 0) {
            stand_crash(&story->stand, MEMORY_CRASH_SUBSET, story->seed);
            continue;
        }
        trouble = story_close(story);
        if (trouble != NULL) {
            return trouble;
        }
    }
    return story_repair(story);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_stand -- see journal_stand.h.
 */
#include "unit/log/journal_stand.h"

#include "base/assert.h"
#include "base/hash.h"
#include "base/prng.h"
#include "log/format.h"

#include <string.h>

bool stand_states_match(const struct stand_state *left, const struct stand_state *right)
{
    if (left->last != right->last || left->term != right->term || left->vote != right->vote ||
        memcmp(&left->base, &right->base, sizeof left->base) != 0) {
        return false;
    }
    for (uint64_t index = left->base.index + 1; index <= left->last; index++) {
        if (left->terms[index] != right->terms[index] ||
            (left->hashes[index] != right->hashes[index] && !right->damaged[index])) {
            return false;
        }
    }
    return true;
}

/* ---- scripts --------------------------------------------------------------------------------- */

struct cc_journal_base stand_image(uint64_t index, uint64_t term)
{
    return (struct cc_journal_base){
        .index = index,
        .term = term,
        .time_us = 1000 * index,
        .size = 4096 + index,
        .checksum = index * 1000003 + term};
}

static void play_switch(struct stand_state *state, const struct stand_record *record)
{
    CC_ASSERT(record->index > state->base.index);
    CC_ASSERT(!record->keep_tail || record->index <= state->last);
    state->base = stand_image(record->index, record->term);
    state->terms[record->index] = record->term;
    state->last = record->keep_tail ? state->last : record->index;
}

void stand_state_play(struct stand_state *state, const struct stand_record *record)
{
    switch (record->type) {
    case STAND_ENTRY:
        CC_ASSERT(record->index == state->last + 1);
        state->last = record->index;
        state->terms[record->index] = record->term;
        state->hashes[record->index] = stand_hash(record->index, record->term, record->size);
        break;
    case STAND_TRUNCATE:
        state->last = record->index - 1;
        break;
    case STAND_STATE:
        state->term = record->term;
        state->vote = record->vote;
        break;
    case STAND_SWITCH:
        play_switch(state, record);
        break;
    }
}

/* To an image of what is there, or, as one that comes from another is, of what is not. */
static struct stand_record draw_switch(
    struct cc_prng *prng, struct stand_state *state, uint64_t *last, uint64_t *term)
{
    struct stand_record record = {.type = STAND_SWITCH};

    record.keep_tail = *last > state->base.index && cc_prng_below(prng, 4) > 0;
    if (record.keep_tail) {
        record.index = *last - cc_prng_below(prng, *last - state->base.index);
        record.term = state->terms[record.index];
    } else {
        record.index = state->base.index + 1 + cc_prng_below(prng, *last - state->base.index + 4);
        record.term = ++*term;
        *last = record.index;
    }
    return record;
}

static void draw(
    struct stand_script *script,
    uint64_t seed,
    uint32_t count,
    uint32_t size_max,
    uint32_t switches)
{
    static struct stand_state state;
    struct cc_prng prng = {seed};
    uint64_t last = 0;
    uint64_t term = 1;

    CC_ASSERT(count <= STAND_RECORDS_MAX);
    script->count = count;
    memset(&state, 0, sizeof state);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t kind = cc_prng_below(&prng, 16);
        struct stand_record *record = &script->records[i];

        if (switches > 0 && cc_prng_below(&prng, switches) == 0) {
            *record = draw_switch(&prng, &state, &last, &term);
        } else if (kind == 0 || i == 0) {
            term++;
            *record = (struct stand_record){
                .type = STAND_STATE, .term = term, .vote = (uint32_t)cc_prng_below(&prng, 4)};
        } else if (kind == 1 && last > 2 && last > state.base.index + 1) {
            uint64_t from = last - cc_prng_below(&prng, 2);

            term++;
            *record = (struct stand_record){.type = STAND_TRUNCATE, .index = from};
            last = from - 1;
        } else {
            bool is_large = kind < 4;

            last++;
            *record = (struct stand_record){
                .type = STAND_ENTRY,
                .index = last,
                .term = term,
                .size = (uint32_t)cc_prng_below(&prng, is_large ? size_max : 200)};
        }
        stand_state_play(&state, record);
    }
}

void stand_script_draw(
    struct stand_script *script, uint64_t seed, uint32_t count, uint32_t size_max)
{
    draw(script, seed, count, size_max, 0);
}

void stand_script_draw_switches(
    struct stand_script *script, uint64_t seed, uint32_t count, uint32_t size_max)
{
    draw(script, seed, count, size_max, 8);
}

void stand_script_state(
    const struct stand_script *script, uint32_t count, struct stand_state *state_out)
{
    memset(state_out, 0, sizeof *state_out);
    for (uint32_t i = 0; i < count; i++) {
        stand_state_play(state_out, &script->records[i]);
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

#define PAYLOAD_SIZE_MAX (1u << 20)

static uint8_t payload[PAYLOAD_SIZE_MAX];

static copycat_bytes fill_payload(uint64_t index, uint64_t term, uint32_t size)
{
    struct cc_prng prng = {index * 1000003 + term};

    CC_ASSERT(size <= PAYLOAD_SIZE_MAX);
    for (uint32_t i = 0; i < size; i += 8) {
        uint64_t word = index % 3 == 0 ? 0 : cc_prng_next(&prng); /* some are all zero */

        memcpy(payload + i, &word, size - i < 8 ? size - i : 8);
    }
    return (copycat_bytes){payload, size};
}

uint64_t stand_hash(uint64_t index, uint64_t term, uint32_t size)
{
    copycat_bytes bytes = fill_payload(index, term, size);

    return cc_hash_bytes(bytes.data, bytes.size, size);
}

struct cc_block *stand_entry(struct stand *stand, uint64_t index, uint64_t term, uint32_t size)
{
    struct cc_block *block =
        cc_entry_create(&stand->disk->memory, CC_ENTRY_COMMAND, fill_payload(index, term, size));

    cc_entry_stamp(block, 0, index, term, 1000 * index);
    return block;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static struct stand *called(void *owner)
{
    struct stand *stand = owner;

    CC_ASSERT(!stand->is_calling);
    return stand;
}

static void on_entry(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    struct stand *stand = called(owner);

    CC_ASSERT(!stand->is_open);
    CC_ASSERT(entry->index == stand->found.last + 1);
    stand->found.last = entry->index;
    stand->found.damaged[entry->index] = false;
    stand->found.terms[entry->index] = entry->term;
    stand->found.hashes[entry->index] =
        cc_hash_bytes(entry->payload.data, entry->payload.size, entry->payload.size);
    stand->places[entry->index] = *place;
}

static void on_truncate(void *owner, uint32_t group, uint64_t from)
{
    struct stand *stand = called(owner);

    CC_ASSERT(group == 0 && from <= stand->found.last + 1 && from > stand->found.base.index);
    stand->found.first = stand->found.first < from ? stand->found.first : from;
    stand->found.last = from - 1;
}

static void on_damage(void *owner, const struct cc_journal_damage *damage)
{
    struct stand *stand = called(owner);
    uint32_t run = 0;

    CC_ASSERT(damage->group == 0 && damage->first == stand->found.last + 1);
    CC_ASSERT(damage->runs[0].first == damage->first && damage->last >= damage->first);
    for (uint64_t index = damage->first; index <= damage->last; index++) {
        run += run + 1 < damage->run_count && damage->runs[run + 1].first == index;
        stand->found.terms[index] = damage->runs[run].term;
        stand->found.damaged[index] = true;
    }
    stand->found.last = damage->last;
    stand->found.damages++;
    stand->found.refusals += damage->is_refused;
}

static bool on_repair(
    void *owner, const struct cc_entry *entry, const struct cc_journal_place *place)
{
    struct stand *stand = called(owner);

    if (entry->index < stand->found.first) {
        return true;
    }
    if (entry->index > stand->found.last || stand->found.terms[entry->index] != entry->term) {
        return false;
    }
    stand->found.damaged[entry->index] = false;
    stand->found.hashes[entry->index] =
        cc_hash_bytes(entry->payload.data, entry->payload.size, entry->payload.size);
    stand->places[entry->index] = *place;
    return true;
}

static bool on_switch(
    void *owner, uint32_t group, const struct cc_journal_base *base, bool keep_tail)
{
    struct stand *stand = called(owner);
    struct stand_state *found = &stand->found;

    CC_ASSERT(group == 0 && !stand->is_open && base->index >= found->base.index);
    if (keep_tail && base->index >= found->first && found->terms[base->index] != base->term) {
        return false;
    }
    found->base = *base;
    found->terms[base->index] = base->term;
    if (!keep_tail) {
        found->last = base->index;
        found->first = base->index + 1;
    }
    return true;
}

static void on_forgotten(void *owner, uint32_t group, uint64_t first)
{
    struct stand *stand = called(owner);

    CC_ASSERT(group == 0);
    if (stand->is_open) {
        CC_ASSERT(first > stand->forgotten);
        stand->forgotten = first;
    } else {
        CC_ASSERT(stand->found.last == 0);
        stand->found.first = first;
        stand->found.last = first - 1;
    }
}

static void on_state(void *owner, uint32_t group, uint64_t term, uint32_t vote)
{
    struct stand *stand = called(owner);

    CC_ASSERT(group == 0);
    stand->found.term = term;
    stand->found.vote = vote;
}

static void on_open(void *owner, copycat_status status, const char *text)
{
    struct stand *stand = called(owner);

    stand->opens++;
    stand->status = status;
    stand->is_open = status == COPYCAT_OK;
    CC_ASSERT(strlen(text) < sizeof stand->text);
    strcpy(stand->text, text);
}

static void on_durable(void *owner, uint64_t mark)
{
    struct stand *stand = called(owner);

    CC_ASSERT(mark >= stand->durable);
    stand->durable = mark;
}

static void on_placed(
    void *owner, uint32_t group, uint64_t index, const struct cc_journal_place *place)
{
    struct stand *stand = called(owner);

    CC_ASSERT(group == 0 && index <= STAND_ENTRIES_MAX);
    stand->places[index] = *place;
    stand->placed_last = index;
}

static void on_failed(void *owner, copycat_status status, const char *text)
{
    struct stand *stand = called(owner);

    (void)text;
    stand->failures++;
    stand->failed = status;
}

static void on_closed(void *owner)
{
    called(owner)->journal = NULL;
}

static const struct cc_journal_callbacks callbacks = {
    .on_entry = on_entry,
    .on_truncate = on_truncate,
    .on_damage = on_damage,
    .on_switch = on_switch,
    .on_forgotten = on_forgotten,
    .on_repair = on_repair,
    .on_state = on_state,
    .on_open = on_open,
    .on_durable = on_durable,
    .on_placed = on_placed,
    .on_failed = on_failed,
    .on_closed = on_closed,
};

/* ---- the journal ----------------------------------------------------------------------------- */

void stand_open(struct stand *stand, struct memory_disk *disk, uint64_t calls_max)
{
    struct cc_journal_options options = stand->options;

    memset(stand, 0, sizeof *stand);
    stand->options = options;
    stand->disk = disk;
    stand->found.first = 1;
    options.directory = "/data/journal";
    options.server = options.server == 0 ? STAND_SERVER : options.server;
    options.file_size = options.file_size == 0 ? STAND_FILE_SIZE : options.file_size;
    options.scan_size = options.scan_size == 0 ? STAND_SCAN_SIZE : options.scan_size;
    stand->is_calling = true;

    copycat_status status =
        cc_journal_open(&stand->journal, &disk->env, &options, &callbacks, stand);

    CC_ASSERT(status == COPYCAT_OK);
    stand->is_calling = false;
    while (stand->opens == 0 && disk->calls < calls_max && memory_disk_step(disk)) {
    }
}

struct memory_file *stand_newest_file(struct memory_disk *disk)
{
    struct memory_file *newest = NULL;
    uint32_t life = 0;

    for (uint32_t i = 0; i < MEMORY_DISK_FILES_MAX; i++) {
        struct memory_file *file = memory_disk_file(disk, i);
        struct cc_batch_header header;

        if (file != NULL && file->is_named && file->size > 0 &&
            cc_batch_read_header(file->seen, &header) == CC_HEADER_VALID && header.life > life) {
            life = header.life;
            newest = file;
        }
    }
    return newest;
}

void stand_change_end(struct memory_file *file)
{
    file->seen[file->size - CC_DISK_SECTOR] ^= 1;
    file->platter[file->size - CC_DISK_SECTOR] ^= 1;
}

void stand_open_anew(struct stand *stand, struct memory_disk *disk)
{
    struct memory_file *file = stand_newest_file(disk);

    stand_change_end(file);
    stand_open(stand, disk, UINT64_MAX);
    stand_change_end(file);
}

void stand_settle(struct stand *stand)
{
    while (memory_disk_step(stand->disk)) {
    }
}

void stand_close(struct stand *stand)
{
    stand->is_calling = true;
    cc_journal_close(stand->journal);
    stand->is_calling = false;
    while (stand->journal != NULL && memory_disk_step(stand->disk)) {
    }
    CC_ASSERT(stand->journal == NULL);
    CC_ASSERT(stand->disk->timer == NULL);
    CC_ASSERT(stand->disk->request_count == 0);
}

void stand_end(struct stand *stand, struct memory_disk *disk)
{
    if (stand->journal != NULL) {
        stand_close(stand);
    }
    CC_ASSERT(disk->blocks_out == 0);
    memory_disk_deinit(disk);
}

void stand_crash(struct stand *stand, enum memory_crash crash, uint64_t seed)
{
    memory_disk_crash(stand->disk, crash, seed);
    stand->journal = NULL;
    stand->is_open = false;
}

void stand_add(struct stand *stand, const struct stand_record *record)
{
    struct cc_journal_base image;
    struct cc_block *block;

    stand->is_calling = true;
    switch (record->type) {
    case STAND_ENTRY:
        block = stand_entry(stand, record->index, record->term, record->size);
        cc_journal_entry(stand->journal, block);
        cc_block_release(block);
        break;
    case STAND_TRUNCATE:
        cc_journal_truncate(stand->journal, 0, record->index);
        break;
    case STAND_STATE:
        cc_journal_state(stand->journal, 0, record->term, record->vote);
        break;
    case STAND_SWITCH:
        image = stand_image(record->index, record->term);
        cc_journal_switch(stand->journal, 0, &image, record->keep_tail);
        cc_journal_keep(stand->journal, 0, record->index);
        break;
    }
    stand->added++;
    CC_ASSERT(cc_journal_mark(stand->journal) == stand->added);
    stand->is_calling = false;
}

void stand_repair(struct stand *stand, uint64_t index, uint64_t term, uint32_t size)
{
    struct cc_block *block;

    stand->is_calling = true;
    block = stand_entry(stand, index, term, size);
    cc_journal_repair(stand->journal, block);
    cc_block_release(block);
    stand->added++;
    stand->is_calling = false;
}

void stand_flush(struct stand *stand)
{
    stand->is_calling = true;
    cc_journal_flush(stand->journal);
    stand->is_calling = false;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_stand -- a journal on a memory_disk, what was asked of it, and what it gave back.
 *
 * A script is a fixed series of records.  The oracle: whatever happens to the disk, what recovery
 * gives is the state after the first k records for some k, durable <= k <= added.
 */
#ifndef CC_TEST_JOURNAL_STAND_H
#define CC_TEST_JOURNAL_STAND_H

#include "log/journal.h"
#include "unit/log/memory_disk.h"

#define STAND_ENTRIES_MAX 1024u
#define STAND_RECORDS_MAX 1024u
#define STAND_SERVER 3u
#define STAND_FILE_SIZE 65536u
#define STAND_SCAN_SIZE 12288u /* smaller than a file, so that windows meet in batches */

/* What a group's log and state come to. */
struct stand_state {
    struct cc_journal_base base; /* what is at or below its index is not looked at */
    uint64_t first;              /* of the entries that there are */
    uint64_t last;
    uint64_t terms[STAND_ENTRIES_MAX + 1];
    uint64_t hashes[STAND_ENTRIES_MAX + 1]; /* of payloads, by index */
    bool damaged[STAND_ENTRIES_MAX + 1];    /* known by its term alone */
    uint32_t damages;                       /* ranges of such, told by recovery */
    uint32_t refusals;                      /* of those ranges: the disk did not read them */
    uint64_t term;
    uint32_t vote;
};

/* What is damaged on the right may be anything but of another term. */
bool stand_states_match(const struct stand_state *left, const struct stand_state *right);

enum stand_record_type {
    STAND_ENTRY,
    STAND_TRUNCATE,
    STAND_STATE,
    STAND_SWITCH,
};

struct stand_record {
    enum stand_record_type type;
    uint64_t index; /* ENTRY, TRUNCATE */
    uint64_t term;
    uint32_t vote;
    uint32_t size;  /* ENTRY: bytes of payload */
    bool keep_tail; /* SWITCH: to an image at `index`, of `term` */
};

/* A series of records that makes sense, drawn from a seed; payloads up to `size_max` bytes. */
struct stand_script {
    struct stand_record records[STAND_RECORDS_MAX];
    uint32_t count;
};

void stand_script_draw(
    struct stand_script *script, uint64_t seed, uint32_t count, uint32_t size_max);

/* The same with switches to images among the rest. */
void stand_script_draw_switches(
    struct stand_script *script, uint64_t seed, uint32_t count, uint32_t size_max);

/* The image of a STAND_SWITCH. */
struct cc_journal_base stand_image(uint64_t index, uint64_t term);

/* What one record makes of a state. */
void stand_state_play(struct stand_state *state, const struct stand_record *record);

/* The state after so many records of the script, from the start. */
void stand_script_state(
    const struct stand_script *script, uint32_t count, struct stand_state *state_out);

struct stand {
    struct memory_disk *disk;
    struct cc_journal_options options;
    struct cc_journal *journal; /* NULL when closed */
    bool is_open;
    copycat_status status; /* of on_open */
    char text[512];
    uint32_t opens;
    uint32_t failures;
    copycat_status failed;
    bool is_calling;          /* inside a call into the journal: no callback may come */
    struct stand_state found; /* what recovery gave */
    struct cc_journal_place places[STAND_ENTRIES_MAX + 1];
    uint64_t placed_last;
    uint64_t added;     /* records given to the journal in this life */
    uint64_t forgotten; /* first entry in the files, when it was told; 0: it was not */
    uint64_t durable;   /* the newest mark reported */
};

/* Opens and runs until on_open has come, or the disk has carried out `calls_max` calls. */
void stand_open(struct stand *stand, struct memory_disk *disk, uint64_t calls_max);

/* As stand_open without a limit, but in a new file: nothing is written on behind zeros that have
 * changed, which are zeros again in the end. */
void stand_open_anew(struct stand *stand, struct memory_disk *disk);

/* The newest file's last bytes change; again, with that file, and they are as before. */
struct memory_file *stand_newest_file(struct memory_disk *disk);
void stand_change_end(struct memory_file *file);

/* Steps until nothing waits; timers do not fire. */
void stand_settle(struct stand *stand);

/* Closes, and runs until it has closed. */
void stand_close(struct stand *stand);

/* The test is over: closes what is open; nothing of the disk's memory is in use, and it is gone. */
void stand_end(struct stand *stand, struct memory_disk *disk);

/* Power is lost: the journal is gone without a word. */
void stand_crash(struct stand *stand, enum memory_crash crash, uint64_t seed);

/* Gives one record to the journal. */
void stand_add(struct stand *stand, const struct stand_record *record);
void stand_flush(struct stand *stand);

/* Gives an entry that is damaged back to the journal. */
void stand_repair(struct stand *stand, uint64_t index, uint64_t term, uint32_t size);

/* An entry's block, as STAND_ENTRY makes it. */
struct cc_block *stand_entry(struct stand *stand, uint64_t index, uint64_t term, uint32_t size);
uint64_t stand_hash(uint64_t index, uint64_t term, uint32_t size);

#endif /* CC_TEST_JOURNAL_STAND_H */

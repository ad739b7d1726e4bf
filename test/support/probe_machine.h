/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_machine -- a machine that counts, and notes for the test what apply does to it.
 *
 * It is rebuilt from a blob.  Its operations, numbers as 8 bytes little-endian:
 *
 *     'n'                counts one up and answers the count
 *     'z' size           answers so many bytes, 4 MiB at most
 *     's' status         answers with that status (negated)
 *     't' key deadline   schedules; key PROBE_KEY_AGAIN sets itself once more for now when it fires
 *     'a' session        answers one byte: is that session alive?
 *     '2'                answers twice
 */
#ifndef CC_TEST_PROBE_MACHINE_H
#define CC_TEST_PROBE_MACHINE_H

#include <copycat/machine.h>

#define PROBE_TYPE_ID 1u
#define PROBE_KEY_AGAIN 99u
#define PROBE_NOTES_MAX 4096u

extern const copycat_machine_type probe_machine_type;

enum probe_note_kind {
    PROBE_APPLIED = 1,
    PROBE_TIMER,
    PROBE_SESSION_ENDED,
};

struct probe_note {
    enum probe_note_kind kind;
    const void *machine;
    uint64_t index;
    uint64_t time_us;
    uint64_t value; /* key of the timer, id of the session, session of the commit */
};

/* What happened since the last probe_reset, to all probes. */
extern struct probe_note probe_notes[PROBE_NOTES_MAX];
extern uint32_t probe_note_count;
void probe_reset(void);

/* Operation bytes, valid until the next call. */
copycat_bytes probe_operation(char code, uint64_t first, uint64_t second);

#endif /* CC_TEST_PROBE_MACHINE_H */

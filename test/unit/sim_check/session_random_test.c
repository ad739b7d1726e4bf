/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_random_test -- many random runs of a faithful service, which are right, and the same runs
 * with one thing made wrong, which are not.
 *
 * The service is a log with maps behind it that are a plain table of small numbers.
 */
#include "sim/check/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 8000u
#define CLIENT_COUNT 3u
#define KEY_COUNT 4u
#define OPERATIONS 40u
#define LOG_MAX 64u

struct deed {
    struct cc_history_invocation asked;
    struct cc_history_answer told;
    uint64_t sequence;
    unsigned key;
    unsigned value; /* to store */
};

/* What a run consists of, before it is told to a checker. */
struct run {
    struct deed deeds[OPERATIONS];
    struct cc_check_applied applied[LOG_MAX];
    size_t applied_count;
    unsigned states[LOG_MAX][KEY_COUNT]; /* after each index */
    uint64_t index;
};

static uint64_t random_state = 2463534242u;
static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static unsigned below(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 33) % limit);
}

static struct cc_history_bytes digit(unsigned number)
{
    return (struct cc_history_bytes){number == 0 ? NULL : &digits[number], number == 0 ? 0 : 1};
}

/* ---- the faithful service -----------------------------------------------------------------------
 */

static void append(struct run *run)
{
    run->index++;
    memcpy(run->states[run->index], run->states[run->index - 1], sizeof run->states[0]);
}

static void command(struct run *run, struct deed *deed)
{
    unsigned *state;
    bool has_effect = below(8) > 0 || deed->told.outcome == CC_HISTORY_OK;

    if (deed->told.outcome == CC_HISTORY_FAILED ||
        (deed->told.outcome == CC_HISTORY_UNKNOWN && below(2) == 0)) {
        return;
    }
    append(run);
    state = run->states[run->index];
    if (has_effect) {
        deed->told.value = digit(state[deed->key]);
        deed->told.index = run->index;
        state[deed->key] = deed->asked.kind == CC_HISTORY_PUT ? deed->value : 0;
    }
    run->applied[run->applied_count++] = (struct cc_check_applied){
        .index = run->index,
        .client = deed->asked.client,
        .sequence = deed->sequence,
        .fingerprint = cc_history_fingerprint(&deed->asked),
        .has_effect = has_effect,
    };
    if (deed->told.outcome != CC_HISTORY_OK) {
        deed->told.index = 0;
    }
}

static void query(struct run *run, struct deed *deed, uint64_t seen)
{
    uint64_t index = run->index;

    if (deed->asked.level == CC_HISTORY_SEQUENTIAL) {
        index = seen + below((unsigned)(run->index - seen) + 1);
    } else if (deed->asked.level == CC_HISTORY_EVENTUAL) {
        index = 1 + below((unsigned)run->index);
    }
    deed->told.outcome = CC_HISTORY_OK;
    deed->told.index = index;
    deed->told.value = digit(run->states[index][deed->key]);
}

/* Each client waits for its answer, so that one deed follows the other. */
static void make_run(struct run *run)
{
    uint64_t seen[CLIENT_COUNT] = {1, 1, 1};
    uint64_t sequences[CLIENT_COUNT] = {0};

    memset(run, 0, sizeof *run);
    append(run);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        struct deed *deed = &run->deeds[i];
        unsigned client = below(CLIENT_COUNT);
        bool is_query = below(2) == 0;

        deed->key = below(KEY_COUNT);
        deed->value = 1 + i;
        deed->asked.client = client;
        deed->asked.at = 2 * i;
        deed->asked.kind =
            is_query ? CC_HISTORY_GET : (below(4) > 0 ? CC_HISTORY_PUT : CC_HISTORY_REMOVE);
        deed->asked.level = (enum cc_history_level)below(4);
        deed->asked.key = digit(1 + deed->key);
        deed->asked.value = digit(deed->value);
        deed->told.at = 2 * i + 1;
        deed->told.outcome = below(6) > 0    ? CC_HISTORY_OK
                             : below(2) == 0 ? CC_HISTORY_UNKNOWN
                                             : CC_HISTORY_FAILED;
        if (is_query) {
            query(run, deed, seen[client]);
        } else {
            deed->sequence = ++sequences[client];
            command(run, deed);
        }
        if (deed->told.index > seen[client] &&
            !(is_query && deed->asked.level == CC_HISTORY_EVENTUAL)) {
            seen[client] = deed->told.index;
        }
    }
}

/* ---- judging it ---------------------------------------------------------------------------------
 */

static enum cc_check_verdict verdict_of(const struct run *run, struct cc_check_report *report)
{
    struct cc_history *history = cc_history_create(OPERATIONS, 1000);

    for (unsigned i = 0; i < OPERATIONS; i++) {
        const struct deed *deed = &run->deeds[i];
        size_t id = cc_history_invoke(history, &deed->asked);

        if (deed->sequence != 0) {
            cc_history_number(history, id, deed->sequence);
        }
        cc_history_complete(history, id, &deed->told);
    }
    cc_check_report_init(report);
    cc_check_session(history, run->applied, run->applied_count, report);
    cc_history_destroy(history);
    return report->verdict;
}

static struct deed *answered(struct run *run, bool is_query)
{
    for (;;) {
        struct deed *deed = &run->deeds[below(OPERATIONS)];

        if (deed->told.outcome == CC_HISTORY_OK &&
            cc_history_is_query(deed->asked.kind) == is_query) {
            return deed;
        }
    }
}

static void drop_applied(struct run *run, uint64_t index)
{
    for (size_t i = 0; i < run->applied_count; i++) {
        if (run->applied[i].index == index) {
            run->applied[i] = run->applied[--run->applied_count];
            return;
        }
    }
}

/* The same operation, with another value to store. */
static void change_applied(struct run *run, uint64_t index)
{
    for (size_t i = 0; i < run->applied_count; i++) {
        if (run->applied[i].index == index) {
            run->applied[i].fingerprint ^= 1;
        }
    }
}

/* False if no command was answered after a read was. */
static bool read_ahead(struct run *run)
{
    for (unsigned i = 0; i < OPERATIONS; i++) {
        struct deed *deed = &run->deeds[i];

        if (!cc_history_is_query(deed->asked.kind)) {
            continue;
        }
        for (unsigned j = OPERATIONS - 1; j > i; j--) {
            const struct deed *later = &run->deeds[j];

            if (!cc_history_is_query(later->asked.kind) && later->told.outcome == CC_HISTORY_OK) {
                deed->told.index = later->told.index;
                deed->told.value = digit(run->states[deed->told.index][deed->key]);
                return true;
            }
        }
    }
    return false;
}

#define SPOILT_KINDS 8u

/* Makes one thing wrong.  False if this run has no place for it. */
static bool spoil(struct run *run, unsigned kind)
{
    struct deed *deed = answered(run, kind == 0);

    switch (kind) {
    case 0: /* a wrong read */
    case 1: /* a wrong answer of a command */
        deed->told.value = digit(OPERATIONS + 1 + below(5));
        break;
    case 2: /* an acknowledged write that is lost */
        drop_applied(run, deed->told.index);
        break;
    case 3: /* a command applied again at the end */
        append(run);
        run->applied[run->applied_count++] = (struct cc_check_applied){
            .index = run->index,
            .client = deed->asked.client,
            .sequence = deed->sequence,
            .fingerprint = cc_history_fingerprint(&deed->asked),
            .has_effect = true,
        };
        break;
    case 4: /* an answered command that was said to have failed */
        deed->told.outcome = CC_HISTORY_FAILED;
        break;
    case 5: /* a command that is another one in the log */
        change_applied(run, deed->told.index);
        break;
    case 6: /* an answer at another index than the command's */
        deed->told.index += 1 + below(3);
        break;
    default: /* a read that knows what was asked only after its answer */
        return read_ahead(run);
    }
    return true;
}

static void faithful_runs_are_right_and_spoilt_ones_are_not(void **state)
{
    static struct cc_check_report report;
    static struct run run;
    unsigned spoilt = 0;

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned kind = i % SPOILT_KINDS;

        make_run(&run);
        if (verdict_of(&run, &report) != CC_CHECK_OK) {
            print_message("run %u\n%s", i, report.text);
            fail();
        }
        if (!spoil(&run, kind)) {
            continue;
        }
        spoilt++;
        if (verdict_of(&run, &report) != CC_CHECK_BROKEN) {
            print_message("run %u: kind %u was not found\n", i, kind);
            fail();
        }
    }
    print_message("%u right, %u of them spoilt and found\n", ROUNDS, spoilt);
    assert_true(spoilt > ROUNDS * 9 / 10);
}

/* A read that is older than its session has seen, or than what was answered before it began. */
static void reads_of_an_older_state_are_found_when_they_are_promised_not_to_be(void **state)
{
    static struct cc_check_report report;
    static struct run run;
    unsigned broken = 0;

    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        make_run(&run);

        struct deed *deed = answered(&run, true);
        uint64_t floor = 1;

        for (const struct deed *before = run.deeds; before < deed; before++) {
            bool is_eventual = cc_history_is_query(before->asked.kind) &&
                               before->asked.level == CC_HISTORY_EVENTUAL;
            bool counts = deed->asked.level <= CC_HISTORY_LEASE ||
                          (before->asked.client == deed->asked.client && !is_eventual);

            if (before->told.outcome == CC_HISTORY_OK && counts && before->told.index > floor) {
                floor = before->told.index;
            }
        }
        deed->told.index = 1 + below((unsigned)deed->told.index);
        deed->told.value = digit(run.states[deed->told.index][deed->key]);

        bool is_promised = deed->asked.level != CC_HISTORY_EVENTUAL && deed->told.index < floor;
        enum cc_check_verdict verdict = verdict_of(&run, &report);

        /* Later reads and commands may not fall behind the changed one either: it only got older.
         */
        assert_int_equal(verdict, is_promised ? CC_CHECK_BROKEN : CC_CHECK_OK);
        broken += is_promised;
    }
    print_message("%u of %u were broken\n", broken, ROUNDS);
    assert_true(broken > ROUNDS / 10);
    assert_true(broken < ROUNDS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faithful_runs_are_right_and_spoilt_ones_are_not),
        cmocka_unit_test(reads_of_an_older_state_are_found_when_they_are_promised_not_to_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

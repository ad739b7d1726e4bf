/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report -- what a checker concludes, and the words for it.
 *
 * Where it sits:   linear, session -> [report] -> whoever runs the simulation.
 * Memory:          the caller's; text beyond its bound is cut.
 *
 * UNKNOWN is no success: it says that the question was too hard or the history too poor to be
 * answered, which is a defect of the test and must fail it.
 */
#ifndef CC_SIM_CHECK_REPORT_H
#define CC_SIM_CHECK_REPORT_H

#include "sim/check/history.h"

#define CC_CHECK_TEXT_SIZE 8192u

enum cc_check_verdict {
    CC_CHECK_OK,
    CC_CHECK_UNKNOWN,
    CC_CHECK_BROKEN,
};

struct cc_check_report {
    enum cc_check_verdict verdict;
    uint64_t judged;  /* answers that were compared with what they should be */
    uint64_t skipped; /* answers that this checker should have judged but was told not to try */
    uint64_t steps;   /* of searches */
    size_t text_size;
    char text[CC_CHECK_TEXT_SIZE]; /* empty if OK */
};

/* Before the first checker.  Several may add to one report: the worst verdict stands. */
void cc_check_report_init(struct cc_check_report *report);

/* Sets the verdict, unless a worse one stands, and begins a line. */
void cc_check_blame(
    struct cc_check_report *report, enum cc_check_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a line with an operation. */
void cc_check_show(
    struct cc_check_report *report,
    const struct cc_history *history,
    const struct cc_history_operation *operation);

/* Blames the history itself if it has a defect; false then. */
bool cc_check_accepts(struct cc_check_report *report, const struct cc_history *history);

#endif /* CC_SIM_CHECK_REPORT_H */

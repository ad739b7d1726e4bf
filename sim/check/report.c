/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report -- see report.h.
 */
#include "sim/check/report.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_SIZE 512u

void cc_check_report_init(struct cc_check_report *report)
{
    *report = (struct cc_check_report){.verdict = CC_CHECK_OK};
}

static void add_line(struct cc_check_report *report, const char *before, const char *line)
{
    size_t room = sizeof report->text - report->text_size;
    int length = snprintf(report->text + report->text_size, room, "%s%s\n", before, line);

    if (length > 0) {
        report->text_size += (size_t)length < room ? (size_t)length : room - 1;
    }
}

void cc_check_blame(
    struct cc_check_report *report, enum cc_check_verdict verdict, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    add_line(report, "", line);
    if (verdict > report->verdict) {
        report->verdict = verdict;
    }
}

void cc_check_show(
    struct cc_check_report *report,
    const struct cc_history *history,
    const struct cc_history_operation *operation)
{
    char line[LINE_SIZE];

    cc_history_describe(history, operation, line, sizeof line);
    add_line(report, "    ", line);
}

bool cc_check_accepts(struct cc_check_report *report, const struct cc_history *history)
{
    const char *defect = cc_history_defect(history);

    if (defect != NULL) {
        cc_check_blame(report, CC_CHECK_UNKNOWN, "history: %s", defect);
    }
    return defect == NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard -- see guard.h.
 */
#include "sim/guard.h"

#include "base/assert.h"
#include "sim/seal.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static jmp_buf panic_exit;
static char panic_text[512];

static void on_panic(const char *file, int line, const char *expression)
{
    snprintf(panic_text, sizeof panic_text, "assertion: %s:%d: %s", file, line, expression);
    longjmp(panic_exit, 1);
}

void cc_run_guarded(const struct cc_run_options *options, struct cc_run_result *result)
{
    static char name[40];

    snprintf(name, sizeof name, "seed %" PRIu64, options->seed);
    cc_seal_name_work(name);
    cc_panic_set(on_panic);
    if (setjmp(panic_exit) == 0) {
        cc_run(options, result);
    } else {
        memset(result, 0, sizeof *result);
        memcpy(result->verdict, panic_text, sizeof panic_text);
    }
}

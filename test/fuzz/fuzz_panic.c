/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_panic -- says which promise was broken before a fuzz target ends.
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);

static void on_panic(const char *file, int line, const char *expression)
{
    fprintf(stderr, "FAILED: assertion: %s:%d: %s\n", file, line, expression);
    abort();
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    cc_panic_set(on_panic);
    return 0;
}

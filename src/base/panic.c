/* SPDX-License-Identifier: Apache-2.0 */
/*
 * panic -- the end of a member that has broken a promise to itself.
 *
 * The only mutable variable of the library that is not inside an object: an assertion has no
 * object at hand to ask.
 */
#include "base/assert.h"

#include <stdlib.h>

static cc_panic_function panic_function;

void cc_panic_set(cc_panic_function function)
{
    panic_function = function;
}

_Noreturn void cc_panic(const char *file, int line, const char *expression)
{
    if (panic_function != 0) {
        panic_function(file, line, expression);
    }
    abort();
}

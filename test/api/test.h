/* SPDX-License-Identifier: Apache-2.0 */
/* test -- what every test of the library includes. */
#ifndef CC_TEST_API_TEST_H
#define CC_TEST_API_TEST_H

#include "cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The result of a future that must succeed. */
static inline copycat_value *result_of(copycat_future *future)
{
    copycat_value *value;

    assert_int_equal(copycat_await(future, PATIENCE_MS, &value), COPYCAT_OK);
    assert_non_null(value);
    return value;
}

static inline void assert_bytes(copycat_bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

#define STR COPYCAT_STR

#endif /* CC_TEST_API_TEST_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assert -- what we promised ourselves.
 *
 * CC_ASSERT stays on in every build; CC_VERIFY is for checks that walk a whole structure and is on
 * only where CC_VERIFY_ON is defined (debug builds and the simulator).  Bytes from users, disk and
 * network are never asserted: they are checked.
 */
#ifndef CC_BASE_ASSERT_H
#define CC_BASE_ASSERT_H

/* What happens to a broken promise.  The default aborts; a host may print first, but the function
 * must not return: a member that has lost an invariant is worse than one that has stopped. */
typedef void (*cc_panic_function)(const char *file, int line, const char *expression);

/* Replaces the process-wide panic function; NULL restores the default.  Call before any thread. */
void cc_panic_set(cc_panic_function function);

_Noreturn void cc_panic(const char *file, int line, const char *expression);

#define CC_ASSERT(expression) ((expression) ? (void)0 : cc_panic(__FILE__, __LINE__, #expression))

#ifdef CC_VERIFY_ON
#    define CC_VERIFY(expression) CC_ASSERT(expression)
#else
#    define CC_VERIFY(expression) ((void)sizeof(expression))
#endif

#define CC_STATIC_ASSERT(expression, text) _Static_assert(expression, text)

#endif /* CC_BASE_ASSERT_H */

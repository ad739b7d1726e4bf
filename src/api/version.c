/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version -- of the library that runs, which may be newer than the headers a host was built with.
 */
#include <copycat/base.h>

const char *copycat_version(void)
{
    return COPYCAT_VERSION_TEXT;
}

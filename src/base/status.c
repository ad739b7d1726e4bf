/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status -- the class and the text of a status.
 */
#include <copycat/base.h>

int copycat_status_class(copycat_status status)
{
    return status >= 0 ? COPYCAT_CLASS_OK : (int)-(status / 100);
}

const char *copycat_status_text(copycat_status status)
{
    switch (status) {
#define STATUS_TEXT(name, value, text) \
    case name:                         \
        return text;
        COPYCAT_STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
    default:
        return "unknown status";
    }
}

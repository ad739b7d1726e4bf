/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status -- the class and the text of a status, and bytes of a string.
 */
#include <copycat/base.h>

#include <string.h>

copycat_bytes copycat_str(const char *string)
{
    return (copycat_bytes){string, string == NULL ? 0 : strlen(string)};
}

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

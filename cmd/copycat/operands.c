/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operands -- see operands.h.
 *
 * The library and the servers refuse the same, with one status for all of it.
 */
#include "operands.h"

#include "lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE_MAX 1024u

__attribute__((format(printf, 2, 3))) static bool complain(
    copycat_message *message, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    vsnprintf(message->text, sizeof message->text, format, values);
    va_end(values);
    return false;
}

static bool has_control(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

bool cli_path_check(const char *path, copycat_message *message_out)
{
    const char *at = path + (path[0] == '/');

    if (strlen(path) > PATH_SIZE_MAX) {
        return complain(
            message_out, "the path is %zu bytes long; at most %u", strlen(path), PATH_SIZE_MAX);
    }
    for (unsigned part = 1;; part++) {
        size_t size = strcspn(at, "/");

        if (size == 0) {
            return complain(
                message_out,
                "part %u of the path '%.200s' is empty; a path is written as in /colors or "
                "/app/config",
                part, path);
        }
        if (has_control(at, size)) {
            return complain(message_out, "part %u of the path has a control character", part);
        }
        if (at[size] == '\0') {
            return true;
        }
        at += size + 1;
    }
}

bool cli_key_check(copycat_bytes key, copycat_message *message_out)
{
    if (key.size == 0) {
        return complain(message_out, "the key is empty; it has at least 1 byte");
    }
    return key.size <= CLI_KEY_SIZE_MAX ||
           complain(
               message_out, "the key is %zu bytes long; at most %u (4 KiB)", key.size,
               CLI_KEY_SIZE_MAX);
}

bool cli_value_check(copycat_bytes value, copycat_message *message_out)
{
    return value.size <= CLI_VALUE_SIZE_MAX ||
           complain(message_out, "the value has more than %u bytes (1 MiB)", CLI_VALUE_SIZE_MAX);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operands -- see operands.h.
 *
 * The library and the servers refuse the same, with one status for all of it.
 */
#include "operands.h"

#include "escape.h"
#include "failure.h"
#include "lines.h"
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE_MAX 1024u

/* What is read from standard input beyond the largest value is not read: it cannot be stored. */
#define INPUT_SIZE_MAX (CLI_VALUE_SIZE_MAX + 1u)

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

/* ---- reading ---------------------------------------------------------------------------------- */

static int read_input(
    const struct cli_arguments *arguments, copycat_bytes *bytes_out, void **owned_out)
{
    char *into = cli_take_memory(INPUT_SIZE_MAX);

    *owned_out = into;
    *bytes_out = (copycat_bytes){into, fread(into, 1, INPUT_SIZE_MAX, stdin)};
    if (ferror(stdin)) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE, "the value cannot be read from standard input: %s",
            strerror(errno));
    }
    return CLI_EXIT_YES;
}

static int read_text(
    const struct cli_arguments *arguments,
    const char *operand,
    copycat_bytes *bytes_out,
    void **owned_out)
{
    copycat_bytes text = copycat_str(operand);
    char *into = cli_take_memory(text.size);
    const char *wrong = cli_escape_read(text, into, &text.size);

    *owned_out = into;
    *bytes_out = (copycat_bytes){into, text.size};
    if (wrong != NULL) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE, "'%s' %s; a backslash itself is written \\\\", operand,
            wrong);
    }
    return CLI_EXIT_YES;
}

int cli_operand_read(
    const struct cli_arguments *arguments,
    uint32_t place,
    bool is_input,
    copycat_bytes *bytes_out,
    void **owned_out)
{
    copycat_message message;
    bool is_good;
    int code = is_input ? read_input(arguments, bytes_out, owned_out)
                        : read_text(arguments, arguments->operands[place], bytes_out, owned_out);

    if (code != CLI_EXIT_YES) {
        return code;
    }
    is_good =
        place == 1 ? cli_key_check(*bytes_out, &message) : cli_value_check(*bytes_out, &message);
    return is_good ? CLI_EXIT_YES
                   : cli_fail_with(arguments, CLI_EXIT_USAGE, "refused: %s", message.text);
}

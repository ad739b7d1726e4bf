/* SPDX-License-Identifier: Apache-2.0 */
/*
 * output -- see output.h.
 */
#include "output.h"

#include "escape.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* At once, for whatever is under way cannot be told about either. */
_Noreturn static void end_without_memory(void)
{
    fputs("copycat: out of memory; free some and try again\n", stderr);
    exit(CLI_EXIT_UNKNOWN);
}

void *cli_take_memory(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);

    if (memory == NULL) {
        end_without_memory();
    }
    return memory;
}

static char *escaped(copycat_bytes bytes, size_t *size_out)
{
    char *text = cli_take_memory(bytes.size * CLI_ESCAPE_GROWTH + 1);

    *size_out = cli_escape_write(bytes, text);
    text[*size_out] = '\0';
    return text;
}

void cli_print_bytes(FILE *file, copycat_bytes bytes)
{
    size_t size;
    char *text = escaped(bytes, &size);

    fwrite(text, 1, size, file);
    free(text);
}

void cli_json_set(json_t *object, const char *name, json_t *value_take)
{
    if (value_take == NULL || json_object_set_new(object, name, value_take) != 0) {
        end_without_memory();
    }
}

void cli_json_set_bytes(json_t *object, const char *name, copycat_bytes bytes)
{
    char other_name[64];
    size_t size;
    char *text;

    if (cli_escape_is_text(bytes)) {
        const char *string = bytes.size == 0 ? "" : bytes.data;

        cli_json_set(object, name, json_stringn(string, bytes.size));
        return;
    }
    text = escaped(bytes, &size);
    snprintf(other_name, sizeof other_name, "%s_escaped", name);
    cli_json_set(object, other_name, json_stringn(text, size));
    free(text);
}

void cli_json_print(json_t *object_take)
{
    if (object_take == NULL) {
        end_without_memory();
    }
    if (json_dumpf(object_take, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0) {
        putchar('\n');
    }
    json_decref(object_take);
}

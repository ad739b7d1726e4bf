/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE

#include "config_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS_MAX 32

/* Splits `text` into words from words[first] on; returns their count with NULL behind. */
static int split(const char *text, char *path, char *buffer, size_t size, char **words, int first)
{
    char *rest = buffer;
    int count = first;

    assert_true(strlen(text) < size);
    memcpy(buffer, text, strlen(text) + 1);
    for (char *word = strtok_r(buffer, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(count < WORDS_MAX - 1);
        words[count++] = strcmp(word, "@") == 0 ? path : word;
    }
    words[count] = NULL;
    return count;
}

static void read_back(FILE *file, char *text_out, size_t size)
{
    rewind(file);
    text_out[fread(text_out, 1, size - 1, file)] = '\0';
    fclose(file);
}

void config_stand_open(struct config_stand *stand, const char *content)
{
    int file;

    memset(stand, 0, sizeof *stand);
    snprintf(stand->path, sizeof stand->path, "/tmp/copycatd-test-XXXXXX");
    file = mkstemp(stand->path);
    assert_true(file >= 0);
    assert_int_equal(write(file, content, strlen(content)), strlen(content));
    close(file);
}

void config_stand_close(struct config_stand *stand)
{
    unlink(stand->path);
}

void config_stand_load(struct config_stand *stand, const char *flags, const char *environment)
{
    char flag_text[8192];
    char environment_text[8192];
    char program[] = "copycatd";
    char home[] = "HOME=/home/ann";
    char *argv[WORDS_MAX] = {program};
    char *variables[WORDS_MAX];
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    int argc = split(flags, stand->path, flag_text, sizeof flag_text, argv, 1);
    int count =
        split(environment, stand->path, environment_text, sizeof environment_text, variables, 0);

    assert_non_null(out);
    assert_non_null(err);
    if (strcmp(environment, "-") != 0) {
        variables[count++] = home;
        variables[count] = NULL;
    }
    stand->verdict = copycatd_config_load(&stand->config, argc, argv, variables, out, err);
    read_back(out, stand->out, sizeof stand->out);
    read_back(err, stand->err, sizeof stand->err);
}

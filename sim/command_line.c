/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/command_line.h"

#include "sim/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHRINK_SECONDS 60

static _Noreturn void usage(void)
{
    puts("usage: copycat-sim [--seed S [--story]] | [--seeds N] [--from S] [--seconds T]\n"
         "                   [--until-failure] [--traces] [--faults LIST] [--without LIST]\n"
         "                   [--heat FILE]\n"
         "       copycat-sim shrink --seed S [--faults LIST] [--seconds T] [--output FILE]\n"
         "       copycat-sim replay FILE [--story]\n"
         "  --seed S         run one seed; the same seed is the same run, bit for bit\n"
         "  --story          print what happens, as columns: time, who, what\n"
         "  --seeds N        run until N seeds have counted\n"
         "  --from S         the first seed (1)\n"
         "  --seconds T      stop after T seconds of CPU\n"
         "  --until-failure  stop at the first seed that fails\n"
         "  --traces         print the hash of all that happened in each seed\n"
         "  --injected       print the faults of the one seed: time, ordinal, kind, machine, role\n"
         "  --faults LIST    also kinds of fault that do not occur by themselves: "
         "bit-rot,roll-back\n"
         "  --without LIST   not these kinds; all else is drawn as ever\n"
         "  --heat FILE      write which operation was under way when which fault hit which role\n"
         "  shrink           leave out what the seed can break its promise without, for T seconds "
         "of\n"
         "                   CPU (60), and write the rest as a scenario\n"
         "  replay           run such a scenario");
    exit(2);
}

static bool read_flag(struct cc_sim_options *options, const char *word)
{
    if (strcmp(word, "--story") == 0) {
        options->tells_story = true;
    } else if (strcmp(word, "--until-failure") == 0) {
        options->until_failure = true;
    } else if (strcmp(word, "--traces") == 0) {
        options->prints_traces = true;
    } else if (strcmp(word, "--injected") == 0) {
        options->prints_faults = true;
    } else {
        return false;
    }
    return true;
}

static void read_kinds(struct cc_fault_set *set, const char *list)
{
    if (!cc_fault_set_parse(set, list)) {
        fprintf(stderr, "copycat-sim: no such kind of fault in: %s; there are", list);
        for (uint32_t i = 0; i < CC_FAULT_COUNT; i++) {
            fprintf(stderr, " %s", cc_fault_text((enum cc_fault)i));
        }
        fputc('\n', stderr);
        exit(2);
    }
}

static FILE *create(const char *path)
{
    FILE *file = cc_seal_report(path);

    if (file == NULL) {
        fprintf(stderr, "copycat-sim: %s: %s\n", path, strerror(errno));
        exit(2);
    }
    return file;
}

static bool read_value(struct cc_sim_options *options, const char *word, const char *value)
{
    if (strcmp(word, "--seed") == 0) {
        options->is_single = true;
        options->first = strtoull(value, NULL, 10);
    } else if (strcmp(word, "--seeds") == 0) {
        options->count = strtoull(value, NULL, 10);
    } else if (strcmp(word, "--from") == 0) {
        options->first = strtoull(value, NULL, 10);
    } else if (strcmp(word, "--seconds") == 0) {
        options->seconds = strtod(value, NULL);
    } else if (strcmp(word, "--probe") == 0) {
        options->probe = value;
    } else if (strcmp(word, "--faults") == 0) {
        read_kinds(&options->overrides.asked, value);
    } else if (strcmp(word, "--without") == 0) {
        read_kinds(&options->overrides.without, value);
    } else if (strcmp(word, "--heat") == 0) {
        options->heat = create(value);
    } else if (strcmp(word, "--output") == 0) {
        options->output = create(value);
    } else {
        return false;
    }
    return true;
}

static void complain(const char *path, uint32_t line, const char *reason)
{
    fprintf(stderr, "copycat-sim: %s:%u: %s\n", path, line, reason);
    exit(2);
}

static struct cc_scenario *read_scenario(const char *path)
{
    static struct cc_scenario scenario;
    static char text[CC_SCENARIO_SIZE_MAX + 1];
    FILE *file = fopen(path, "rb");
    const char *reason = NULL;
    uint32_t line = 0;

    if (file == NULL) {
        complain(path, 0, strerror(errno));
    }

    size_t size = fread(text, 1, sizeof text, file);

    fclose(file);
    if (!cc_scenario_read(text, size, &scenario, &line, &reason)) {
        complain(path, line, reason);
    }
    return &scenario;
}

static bool is_endless(const struct cc_sim_options *options)
{
    return !options->is_single && options->count == 0 && options->seconds == 0 &&
           !options->until_failure && options->probe == NULL;
}

void cc_sim_options_read(struct cc_sim_options *options, int count, char **words)
{
    int first = 1;

    *options = (struct cc_sim_options){.first = 1, .output = stdout};
    if (count > 1 && strcmp(words[1], "shrink") == 0) {
        options->verb = CC_SIM_SHRINK;
        options->seconds = SHRINK_SECONDS;
        first = 2;
    } else if (count > 2 && strcmp(words[1], "replay") == 0) {
        options->verb = CC_SIM_REPLAY;
        options->scenario = read_scenario(words[2]);
        first = 3;
    }
    for (int i = first; i < count; i++) {
        if (read_flag(options, words[i])) {
            continue;
        }
        if (i + 1 == count || !read_value(options, words[i], words[i + 1])) {
            usage();
        }
        i++;
    }
    if (options->verb == CC_SIM_SHRINK ? !options->is_single
                                       : options->verb == CC_SIM_RUN && is_endless(options)) {
        usage();
    }
}

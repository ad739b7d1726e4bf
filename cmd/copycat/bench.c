/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench -- see bench.h: the probes, the load between two looks at the servers, the probes again.
 */
#include "bench.h"

#include "bench_load.h"
#include "bench_options.h"
#include "bench_print.h"
#include "bench_probe.h"
#include "bench_servers.h"
#include "failure.h"
#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(int code, const char *text)
{
    fprintf(stderr, "copycat: bench: %s\n", text);
    return code;
}

/* What it is at, for who waits. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list values;

    fputs("copycat: bench: ", stderr);
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
}

/* Loaded between two looks at the servers. */
static void measure(struct bench_figures *figures, struct bench_load *load)
{
    const struct bench_options *options = figures->options;
    static struct bench_servers before;
    static struct bench_servers after;
    copycat_message ignored;
    bool is_known;

    say("probing the disk in %s and the loopback", options->probe_directory);
    bench_probe_run(&figures->probe, options->probe_directory);
    say("measuring %s in %s", options->is_get ? "get" : "put", figures->path);
    is_known = bench_servers_ask(&before, options->servers, &ignored);
    bench_load_run(load, &figures->result);
    is_known = bench_servers_ask(&after, options->servers, &ignored) && is_known;
    bench_probe_run(&figures->probe, options->probe_directory);
    figures->members = before.member_count;
    figures->has_counters =
        is_known && bench_servers_subtract(&before, &after, &figures->all, &figures->leader);
}

static int tell(const struct bench_figures *figures)
{
    if (figures->options->is_json) {
        bench_print_json(figures);
    } else {
        bench_print_text(figures);
    }
    if (bench_load_is_interrupted()) {
        return complain(CLI_EXIT_RETRY, "interrupted: these are the figures until then");
    }
    if (figures->result.operations == 0) {
        return complain(CLI_EXIT_RETRY, "nothing was answered in the time measured");
    }
    return fflush(stdout) == 0 ? CLI_EXIT_YES : CLI_EXIT_RETRY;
}

/* Unless the map has as many already. */
static copycat_status fill(struct bench_load *load, const struct bench_options *options)
{
    uint64_t count;
    copycat_status status = bench_load_count(load, &count);

    bench_load_catch_signals();
    if (status != COPYCAT_OK || count >= options->keys) {
        return status;
    }
    say("storing %llu keys in %s", (unsigned long long)options->keys, bench_load_path(load));
    return bench_load_fill(load);
}

static void clear(struct bench_load *load)
{
    copycat_status status = bench_load_clear(load);

    if (status != COPYCAT_OK) {
        say("what was stored in %s may still be there: %s", bench_load_path(load),
            copycat_status_text(status));
    }
}

static int run(
    struct bench_figures *figures, struct bench_load *load, const struct cli_arguments *arguments)
{
    copycat_status status = fill(load, figures->options);
    int code;

    if (status != COPYCAT_OK) {
        return cli_fail(arguments, status);
    }
    if (bench_load_is_interrupted()) {
        code = complain(CLI_EXIT_RETRY, "interrupted; nothing was measured");
    } else {
        measure(figures, load);
        code = tell(figures);
    }
    if (!figures->options->is_kept) {
        clear(load);
    }
    return code;
}

int copycat_bench_main(int argc, char **argv)
{
    struct bench_options options;
    struct cli_arguments arguments;
    struct bench_figures *figures;
    struct bench_load *load;
    copycat_message message;
    int code;

    if (!bench_options_parse(&options, argc, argv, &message)) {
        return complain(CLI_EXIT_USAGE, message.text);
    }
    if (options.is_help) {
        bench_options_print_help();
        return CLI_EXIT_YES;
    }
    arguments = (struct cli_arguments){
        .verb = cli_verb_find("bench", NULL),
        .servers = options.servers,
        .timeout_ms = options.timeout_ms,
    };
    load = bench_load_open(&options, &arguments, &message);
    if (load == NULL) {
        return complain(CLI_EXIT_USAGE, message.text);
    }
    figures = cli_take_memory(sizeof *figures);
    memset(figures, 0, sizeof *figures);
    figures->options = &options;
    figures->path = bench_load_path(load);
    code = run(figures, load, &arguments);
    free(figures);
    bench_load_close(load);
    return code;
}

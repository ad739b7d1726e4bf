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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int complain(int code, const char *text)
{
    fprintf(stderr, "copycat: bench: %s\n", text);
    return code;
}

/* Loaded between two looks at the servers. */
static void measure(struct bench_figures *figures, struct bench_load *load)
{
    const struct bench_options *options = figures->options;
    static struct bench_servers before;
    static struct bench_servers after;
    copycat_message ignored;
    bool is_known;

    bench_probe_run(&figures->probe, options->probe_directory);
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
    if (figures->result.operations == 0) {
        return complain(CLI_EXIT_RETRY, "nothing was answered in the time measured");
    }
    return fflush(stdout) == 0 ? CLI_EXIT_YES : CLI_EXIT_RETRY;
}

static int run(
    struct bench_figures *figures, struct bench_load *load, const struct cli_arguments *arguments)
{
    copycat_status status;
    int code;

    if (!bench_load_fill(load, &status)) {
        return cli_fail(arguments, status);
    }
    measure(figures, load);
    code = tell(figures);
    if (!figures->options->is_kept) {
        status = bench_load_clear(load);
        if (status != COPYCAT_OK) {
            fprintf(
                stderr, "copycat: bench: what was stored may still be there: %s\n",
                copycat_status_text(status));
        }
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
    code = run(figures, load, &arguments);
    free(figures);
    bench_load_close(load);
    return code;
}

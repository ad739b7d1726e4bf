/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_print -- see bench_print.h.
 */
#include "bench_print.h"

#include "output.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name; /* in JSON */
    uint32_t thousandths;
} quantiles[] = {{"p50", 500}, {"p90", 900}, {"p99", 990}, {"p99_9", 999}};

#define QUANTILES (sizeof quantiles / sizeof quantiles[0])

static const char *const classes[] = {
    [COPYCAT_CLASS_REFUSED] = "refused",
    [COPYCAT_CLASS_RETRY] = "retry",
    [COPYCAT_CLASS_UNKNOWN] = "unknown",
    [COPYCAT_CLASS_FINISHED] = "finished",
};

static const struct {
    const char *name;
    const char *words;
    size_t offset;
} counters[] = {
    {"journal_writes", "durable writes", offsetof(copycat_probe_counters, journal_writes)},
    {"journal_bytes", "bytes of them", offsetof(copycat_probe_counters, journal_bytes)},
    {"disk_syncs", "other syncs", offsetof(copycat_probe_counters, disk_syncs)},
    {"disk_written_bytes", "bytes to disk", offsetof(copycat_probe_counters, disk_written_bytes)},
    {"frames_sent", "messages sent", offsetof(copycat_probe_counters, frames_sent)},
    {"frames_received", "messages received", offsetof(copycat_probe_counters, frames_received)},
    {"socket_writes", "writes to sockets", offsetof(copycat_probe_counters, socket_writes)},
    {"socket_reads", "reads from sockets", offsetof(copycat_probe_counters, socket_reads)},
    {"socket_written_bytes", "bytes sent", offsetof(copycat_probe_counters, socket_written_bytes)},
    {"socket_read_bytes", "bytes received", offsetof(copycat_probe_counters, socket_read_bytes)},
    {"waits", "wake-ups", offsetof(copycat_probe_counters, waits)},
    {"allocations", "allocations", offsetof(copycat_probe_counters, allocations)},
};

#define COUNTERS (sizeof counters / sizeof counters[0])

/* ---- figures ---------------------------------------------------------------------------------- */

static double quotient(double dividend, double divisor)
{
    return divisor > 0 ? dividend / divisor : 0;
}

static double us_of(const struct bench_histogram *histogram, uint32_t thousandths)
{
    return (double)bench_histogram_quantile(histogram, thousandths) / 1000;
}

static double per_second(const struct bench_result *result)
{
    return quotient((double)result->operations, (double)result->elapsed_ns / 1e9);
}

static double per_operation(
    const struct bench_figures *figures, const copycat_probe_counters *of, size_t row)
{
    uint64_t value;

    memcpy(&value, (const char *)of + counters[row].offset, sizeof value);
    return quotient((double)value, (double)figures->result.operations_all);
}

/* How many operations were answered in the time of one durable write of the probe. */
static double per_sync(const struct bench_figures *figures)
{
    return per_second(&figures->result) * us_of(&figures->probe.disk_ns, 500) / 1e6;
}

bool bench_print_is_comparable(const struct bench_figures *figures)
{
    return figures->options->is_get ||
           us_of(&figures->result.latency_ns, 500) >= us_of(&figures->probe.disk_ns, 500);
}

/* ---- for people ------------------------------------------------------------------------------- */

static void print_probe(
    const char *what, const struct bench_histogram *histogram, const copycat_message *trouble)
{
    if (histogram->total == 0) {
        printf("%-11s%s\n", what, trouble->text);
    } else {
        printf(
            "%-11sp50 %.1f us  p99 %.1f us\n", what, us_of(histogram, 500), us_of(histogram, 990));
    }
}

static void print_ratios(const struct bench_figures *figures)
{
    double p50 = us_of(&figures->result.latency_ns, 500);
    double disk = us_of(&figures->probe.disk_ns, 500);
    double loopback = us_of(&figures->probe.loopback_ns, 500);

    if (!bench_print_is_comparable(figures)) {
        printf(
            "ratios     none to the disk: a write in %s takes longer than a put, which is durable; "
            "name the servers' disk with --probe-dir\n",
            figures->options->probe_directory);
    } else if (disk > 0) {
        printf(
            "ratios     p50 is %.2f durable writes; %.2f operations in the time of one\n",
            quotient(p50, disk), per_sync(figures));
    }
    if (loopback > 0) {
        printf("%-11sp50 is %.2f round trips\n", disk > 0 ? "" : "ratios", quotient(p50, loopback));
    }
}

static void print_errors(const struct bench_result *result)
{
    for (int i = COPYCAT_CLASS_REFUSED; i <= COPYCAT_CLASS_FINISHED; i++) {
        if (result->errors[i] > 0) {
            printf(
                "errors     %s: %llu, the last of all: %s\n", classes[i],
                (unsigned long long)result->errors[i], copycat_status_text(result->last_error));
        }
    }
}

static void print_servers(const struct bench_figures *figures)
{
    if (!figures->has_counters) {
        puts("servers    not told: not every member answered, the leader changed, or one was "
             "started anew");
        return;
    }
    printf(
        "servers    for each operation      %u members     leader\n", (unsigned)figures->members);
    for (size_t i = 0; i < COUNTERS; i++) {
        printf(
            "           %-20s%12.3f%11.3f\n", counters[i].words,
            per_operation(figures, &figures->all, i), per_operation(figures, &figures->leader, i));
    }
}

void bench_print_text(const struct bench_figures *figures)
{
    const struct bench_options *options = figures->options;
    const struct bench_result *result = &figures->result;

    printf(
        "%s%s%s: %llu connections with %llu under way each, values of %llu bytes, %llu keys in "
        "%s\n",
        options->is_get ? "get" : "put", options->is_get ? " " : "",
        options->is_get ? bench_consistency_name(options->consistency) : "",
        (unsigned long long)options->clients, (unsigned long long)options->window,
        (unsigned long long)options->value_size, (unsigned long long)options->keys, figures->path);
    printf(
        "speed      %.0f operations/s (%llu in %.2f s)\n", per_second(result),
        (unsigned long long)result->operations, (double)result->elapsed_ns / 1e9);
    printf("latency   ");
    for (size_t i = 0; i < QUANTILES; i++) {
        printf(
            " %s %.1f us ", i == 3 ? "p99.9" : quantiles[i].name,
            us_of(&result->latency_ns, quantiles[i].thousandths));
    }
    printf(" max %.1f us\n", (double)result->latency_ns.max / 1000);
    print_errors(result);
    print_probe("disk", &figures->probe.disk_ns, &figures->probe.disk_trouble);
    print_probe("loopback", &figures->probe.loopback_ns, &figures->probe.loopback_trouble);
    print_ratios(figures);
    print_servers(figures);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *histogram_as_json(const struct bench_histogram *histogram)
{
    json_t *object = json_object();

    for (size_t i = 0; i < QUANTILES; i++) {
        cli_json_set(
            object, quantiles[i].name, json_real(us_of(histogram, quantiles[i].thousandths)));
    }
    cli_json_set(object, "max", json_real((double)histogram->max / 1000));
    return object;
}

static json_t *counters_as_json(
    const struct bench_figures *figures, const copycat_probe_counters *of)
{
    json_t *object = json_object();

    for (size_t i = 0; i < COUNTERS; i++) {
        cli_json_set(object, counters[i].name, json_real(per_operation(figures, of, i)));
    }
    return object;
}

static void set_options(json_t *object, const struct bench_options *options)
{
    cli_json_set(object, "operation", json_string(options->is_get ? "get" : "put"));
    if (options->is_get) {
        cli_json_set(
            object, "consistency", json_string(bench_consistency_name(options->consistency)));
    }
    cli_json_set(object, "clients", number(options->clients));
    cli_json_set(object, "window", number(options->window));
    cli_json_set(object, "value_size", number(options->value_size));
    cli_json_set(object, "keys", number(options->keys));
}

static void set_probe(
    json_t *object, const char *name, const struct bench_histogram *histogram, double p50_us)
{
    if (histogram->total > 0) {
        json_t *probe = histogram_as_json(histogram);

        cli_json_set(probe, "p50_ratio", json_real(quotient(p50_us, us_of(histogram, 500))));
        cli_json_set(object, name, probe);
    }
}

void bench_print_json(const struct bench_figures *figures)
{
    const struct bench_result *result = &figures->result;
    double p50_us = us_of(&result->latency_ns, 500);
    json_t *object = json_object();
    json_t *errors = json_object();

    set_options(object, figures->options);
    cli_json_set(object, "path", json_string(figures->path));
    cli_json_set(object, "operations", number(result->operations));
    cli_json_set(object, "seconds", json_real((double)result->elapsed_ns / 1e9));
    cli_json_set(object, "operations_per_second", json_real(per_second(result)));
    cli_json_set(object, "latency_us", histogram_as_json(&result->latency_ns));
    for (int i = COPYCAT_CLASS_REFUSED; i <= COPYCAT_CLASS_FINISHED; i++) {
        cli_json_set(errors, classes[i], number(result->errors[i]));
    }
    cli_json_set(object, "errors", errors);
    set_probe(object, "disk_sync_us", &figures->probe.disk_ns, p50_us);
    set_probe(object, "loopback_us", &figures->probe.loopback_ns, p50_us);
    cli_json_set(object, "is_disk_comparable", json_boolean(bench_print_is_comparable(figures)));
    cli_json_set(object, "operations_per_disk_sync", json_real(per_sync(figures)));
    if (figures->has_counters) {
        cli_json_set(object, "members", number(figures->members));
        cli_json_set(object, "per_operation", counters_as_json(figures, &figures->all));
        cli_json_set(object, "per_operation_leader", counters_as_json(figures, &figures->leader));
    }
    cli_json_print(object);
}

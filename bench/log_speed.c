/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_speed -- a commit log beside what the disk can do at that minute: appending with a flush for
 * each, and for many; reading.  Rounds of both in turn, so what counts is the ratio.
 * usage: log_speed DIRECTORY
 */
#include <copycat/sys/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BODY_SIZE 200u
#define ROUNDS 9u
#define FLUSHES 300u
#define APPENDS 200000u
#define READS 200000u

static char body[BODY_SIZE];

struct times {
    double each[ROUNDS];
};

static void check(copycat_status status)
{
    if (status != COPYCAT_OK) {
        fprintf(stderr, "%s\n", copycat_status_text(status));
        exit(1);
    }
}

static void check_system(int outcome, const char *what)
{
    if (outcome < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static double now(void)
{
    struct timespec time;

    check_system(clock_gettime(CLOCK_MONOTONIC, &time), "clock_gettime");
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The least one can do: as many bytes to the end of a file, and a sync. */
static double probe(int file, uint32_t count, uint32_t per_sync)
{
    double begin = now();

    for (uint32_t i = 1; i <= count; i++) {
        ssize_t written = write(file, body, sizeof body);

        check_system(written == (ssize_t)sizeof body ? 0 : -1, "write");
        if (i % per_sync == 0) {
            check_system(fdatasync(file), "fdatasync");
        }
    }
    return (now() - begin) / count;
}

static double append(copycat_log *log, uint32_t count, uint32_t per_flush)
{
    copycat_log_entry entry = {.bytes = {body, sizeof body}};
    double begin = now();

    for (uint32_t i = 1; i <= count; i++) {
        check(copycat_log_append(log, &entry, NULL));
        if (i % per_flush == 0) {
            check(copycat_log_flush(log));
        }
    }
    return (now() - begin) / count;
}

static double read_entries(copycat_log *log, uint32_t count, uint64_t stride)
{
    uint64_t last = copycat_log_last(log);
    copycat_log_entry entry;
    double begin = now();

    for (uint64_t i = 0; i < count; i++) {
        check(copycat_log_read(log, 1 + i * stride % last, &entry));
    }
    return (now() - begin) / count;
}

static double read_probe(int file, uint32_t count, uint64_t stride)
{
    char bytes[BODY_SIZE];
    off_t size = lseek(file, 0, SEEK_END) / (off_t)sizeof bytes;
    double begin = now();

    for (uint64_t i = 0; i < count; i++) {
        off_t at = (off_t)(i * stride % (uint64_t)size) * (off_t)sizeof bytes;

        check_system(pread(file, bytes, sizeof bytes, at) == sizeof bytes ? 0 : -1, "pread");
    }
    return (now() - begin) / count;
}

static int compare(const void *left, const void *right)
{
    double difference = *(const double *)left - *(const double *)right;

    return difference < 0 ? -1 : difference > 0;
}

static double median(const struct times *times)
{
    struct times sorted = *times;

    qsort(sorted.each, ROUNDS, sizeof sorted.each[0], compare);
    return sorted.each[ROUNDS / 2];
}

/* Of each round by itself, for the next one may find the disk busy. */
static void tell(const char *what, const struct times *ours, const struct times *least)
{
    struct times ratios;

    for (uint32_t i = 0; i < ROUNDS; i++) {
        ratios.each[i] = ours->each[i] / least->each[i];
    }
    printf(
        "%-24s %8.0f a second, %8.0f without a log: %.2f of the time\n", what, 1 / median(ours),
        1 / median(least), median(&ratios));
}

int main(int argc, char **argv)
{
    copycat_log_options options = COPYCAT_LOG_OPTIONS_INIT;
    struct times ours[4];
    struct times least[4];
    char path[4096];
    copycat_message message;
    copycat_log *log;
    int file;

    if (argc != 2) {
        fprintf(stderr, "usage: log_speed DIRECTORY\n");
        return 2;
    }
    memset(body, 'b', sizeof body);
    options.directory = argv[1];
    if (copycat_log_open(&log, &options, &message) != COPYCAT_OK) {
        fprintf(stderr, "%s\n", message.text);
        return 1;
    }
    (void)snprintf(path, sizeof path, "%s/probe", argv[1]);
    file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    check_system(file, path);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        least[0].each[round] = probe(file, FLUSHES, 1);
        ours[0].each[round] = append(log, FLUSHES, 1);
        least[1].each[round] = probe(file, APPENDS, 1000);
        ours[1].each[round] = append(log, APPENDS, 1000);
        least[2].each[round] = read_probe(file, READS, 1);
        ours[2].each[round] = read_entries(log, READS, 1);
        least[3].each[round] = read_probe(file, READS, 7919);
        ours[3].each[round] = read_entries(log, READS, 7919);
    }
    tell("append and flush each", &ours[0], &least[0]);
    tell("append, flush each 1000", &ours[1], &least[1]);
    tell("read in order", &ours[2], &least[2]);
    tell("read here and there", &ours[3], &least[3]);
    check(copycat_log_close(log));
    close(file);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/seal_probe.h"

#include "sim/seal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CANNOT 77

/* The results do not matter: the question is whether there are any. */
static volatile long result;
static FILE *report;

/* ---- what must be refused -----------------------------------------------------------------------
 */

static void clock_by_call(void)
{
    struct timespec now;

    result = syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
}

static void clock_by_library(void)
{
    struct timespec now;

    result = clock_gettime(CLOCK_MONOTONIC, &now);
}

static void wall_clock(void)
{
    struct timespec now;

    result = syscall(SYS_gettimeofday, &now, NULL);
}

static void time_of_a_thread(void)
{
    struct timespec now;

    result = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
}

static void nap(void)
{
    struct timespec moment = {.tv_nsec = 1};

    result = nanosleep(&moment, NULL);
}

static void network(void)
{
    result = socket(AF_INET, SOCK_STREAM, 0);
}

static void local_network(void)
{
    int ends[2];

    result = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

static void open_file(void)
{
    result = open("/dev/null", O_RDONLY);
}

static void open_file_by_number(void)
{
    result = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
}

static void state_of_file(void)
{
    struct stat state;

    result = stat("/", &state);
}

static void remove_file(void)
{
    result = unlink("/nothing/of/this/name");
}

static void read_input(void)
{
    char byte;

    result = read(STDIN_FILENO, &byte, 1);
}

static void write_elsewhere(void)
{
    result = write(STDIN_FILENO, "", 0);
}

static void map_file(void)
{
    void *at = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, STDIN_FILENO, 0);

    result = at != NULL;
}

static void random_number(void)
{
    char byte;

    result = getrandom(&byte, 1, 0);
}

static void process(void)
{
    result = fork();
}

static void other_program(void)
{
    result = execl("/bin/true", "true", (char *)NULL);
}

static void signal_somebody(void)
{
    result = kill(getpid(), 0);
}

static void *idle(void *user)
{
    return user;
}

static void thread(void)
{
    pthread_t made;

    result = pthread_create(&made, NULL, idle, NULL);
}

static void open_the_seal(void)
{
    result = syscall(SYS_seccomp, 0, 0, NULL);
}

/* ---- what must not ------------------------------------------------------------------------------
 */

static void compute(void)
{
    for (size_t size = 16; size < (size_t)1 << 26; size *= 4) {
        char *bytes = malloc(size);

        if (bytes == NULL) {
            abort();
        }
        memset(bytes, 1, size);
        bytes = realloc(bytes, 2 * size);
        result += bytes != NULL;
        free(bytes);
    }
}

static void write_reports(void)
{
    fprintf(report, "%f\n", 0.5);
    result = fflush(report);
    fputs("to standard error\n", stderr);
}

static void own_cpu_time(void)
{
    result = (long)clock();
}

/* ---- asking -------------------------------------------------------------------------------------
 */

static const struct probe {
    const char *name;
    void (*call)(void);
    bool is_allowed;
} probes[] = {
    {"clock-by-call", clock_by_call, false},
    {"clock-by-library", clock_by_library, false},
    {"wall-clock", wall_clock, false},
    {"time-of-a-thread", time_of_a_thread, false},
    {"nap", nap, false},
    {"network", network, false},
    {"local-network", local_network, false},
    {"open-file", open_file, false},
    {"open-file-by-number", open_file_by_number, false},
    {"state-of-file", state_of_file, false},
    {"remove-file", remove_file, false},
    {"read-input", read_input, false},
    {"write-elsewhere", write_elsewhere, false},
    {"map-file", map_file, false},
    {"random-number", random_number, false},
    {"process", process, false},
    {"other-program", other_program, false},
    {"signal-somebody", signal_somebody, false},
    {"thread", thread, false},
    {"open-the-seal", open_the_seal, false},
    {"compute", compute, true},
    {"write-reports", write_reports, true},
    {"own-cpu-time", own_cpu_time, true},
};

static int list(void)
{
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        printf("%s%s\n", probes[i].is_allowed ? "" : "-", probes[i].name);
    }
    return 0;
}

void cc_seal_probe_prepare(void)
{
    report = cc_seal_report("/dev/null");
}

int cc_seal_probe(const char *name, bool is_sealed)
{
    if (strcmp(name, "list") == 0) {
        return list();
    }
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        if (strcmp(probes[i].name, name) != 0) {
            continue;
        }
        if (report == NULL || !is_sealed) {
            return CANNOT;
        }
        cc_seal_name_work(name);
        probes[i].call();
        printf("%s came back\n", name);
        return 0;
    }
    return 2;
}

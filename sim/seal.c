/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/seal.h"

#include "sim/seal_filter.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <ucontext.h>
#include <unistd.h>

#define REPORTS_MAX 4u
#define BUFFER_SIZE 65536u
#define LINE_SIZE 512u

#ifndef CC_SIM_UNSEALED
#    define CC_SIM_UNSEALED 0
#endif

#ifndef SYS_SECCOMP
#    define SYS_SECCOMP 1 /* si_code of the SIGSYS of a filter */
#endif

static int descriptors[2 + REPORTS_MAX] = {STDOUT_FILENO, STDERR_FILENO};
static size_t descriptor_count = 2;
static const char *work = "";

/* With a buffer of ours, for otherwise the library asks the file how it likes to be written to. */
static bool give_buffer(FILE *file, int mode)
{
    char *buffer = malloc(BUFFER_SIZE);

    return buffer != NULL && setvbuf(file, buffer, mode, BUFFER_SIZE) == 0;
}

FILE *cc_seal_report(const char *path)
{
    FILE *file;

    if (descriptor_count == sizeof descriptors / sizeof *descriptors) {
        return NULL;
    }
    file = fopen(path, "w");
    if (file == NULL) {
        return NULL;
    }
    if (!give_buffer(file, _IOFBF)) {
        fclose(file);
        return NULL;
    }
    descriptors[descriptor_count++] = fileno(file);
    return file;
}

void cc_seal_name_work(const char *text)
{
    work = text;
}

/* ---- the end ------------------------------------------------------------------------------------
 * These run inside a signal handler: no printf.
 */

static void say(char line[LINE_SIZE], const char *text)
{
    size_t used = strlen(line);
    size_t size = strlen(text);

    if (used + size < LINE_SIZE) {
        memcpy(line + used, text, size + 1);
    }
}

static void say_number(char line[LINE_SIZE], unsigned number)
{
    char digits[12] = "";
    size_t at = sizeof digits - 1;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    say(line, digits + at);
}

static _Noreturn void refuse(char line[LINE_SIZE])
{
    ssize_t written;

    if (work[0] != '\0') {
        say(line, ", in ");
        say(line, work);
    }
    say(line, "\n");
    written = write(STDERR_FILENO, line, strlen(line));
    (void)written; /* there is nobody left to tell */
    _exit(CC_SEAL_EXIT);
}

static void on_call(int signal_number, siginfo_t *information, void *context)
{
    char line[LINE_SIZE] = "copycat-sim is sealed: no ";
    const char *name = cc_seal_filter_call_text(information->si_syscall);

    (void)context;
    if (information->si_code != SYS_SECCOMP) {
        signal(signal_number, SIG_DFL);
        raise(signal_number);
        return;
    }
    say(line, name != NULL ? name : "such call");
    say(line, " (system call ");
    say_number(line, (unsigned)information->si_syscall);
    say(line, ")");
    refuse(line);
}

#if defined(__x86_64__) && defined(PR_SET_TSC)
/* rdtsc and rdtscp; the kernel reports what is forbidden without an address. */
static bool is_clock_instruction(const siginfo_t *information, const ucontext_t *context)
{
    static const unsigned char rdtsc[] = {0x0f, 0x31};
    static const unsigned char rdtscp[] = {0x0f, 0x01, 0xf9};
    const void *at = (const void *)(uintptr_t)context->uc_mcontext.gregs[REG_RIP];

    return information->si_code == SI_KERNEL &&
           (memcmp(at, rdtsc, sizeof rdtsc) == 0 || memcmp(at, rdtscp, sizeof rdtscp) == 0);
}

static void on_fault(int signal_number, siginfo_t *information, void *context)
{
    char line[LINE_SIZE] = "copycat-sim is sealed: no clock (read without a system call)";

    if (is_clock_instruction(information, context)) {
        refuse(line);
    }
    signal(signal_number, SIG_DFL); /* the same instruction again, and this time it ends us */
}

static void forbid_clock_instruction(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_fault};

    if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0) {
        sigaction(SIGSEGV, &action, NULL);
    }
}
#else
static void forbid_clock_instruction(void)
{
}
#endif

/* ---- the seal -----------------------------------------------------------------------------------
 */

static int by_nothing(const void *left, const void *right)
{
    (void)left;
    (void)right;
    return 0;
}

/* qsort asks the machine for the size of its memory, when first it has more than a page to sort. */
static void sort_once(void)
{
    static char bytes[8192];

    qsort(bytes, sizeof bytes, 1, by_nothing);
}

enum cc_seal_result cc_seal(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO, .sa_sigaction = on_call};

    if (CC_SIM_UNSEALED) {
        return CC_SEAL_LEFT_OUT;
    }
    if (!give_buffer(stdout, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF)) {
        return CC_SEAL_REFUSED;
    }
    sort_once();
    sigaction(SIGSYS, &action, NULL);
    forbid_clock_instruction();
    return cc_seal_filter_install(descriptors, descriptor_count) ? CC_SEAL_ON : CC_SEAL_REFUSED;
}

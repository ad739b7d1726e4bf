/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/seal_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#if defined(__x86_64__)
#    define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#    define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define CODE_MAX 128u
#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))

/* Arguments are 64 bits wide; descriptors, flags and clock ids are in the lower half, which comes
 * first on both of these machines. */
#define ARGUMENT(index) ((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (index)))

/* Those that somebody might come to call. */
struct call_name {
    int call;
    const char *text;
};

#define NAME(word)        \
    {                     \
        SYS_##word, #word \
    }
/* clang-format off */
static const struct call_name call_names[] = {
    NAME(clock_gettime), NAME(clock_getres), NAME(clock_nanosleep), NAME(clock_settime),
    NAME(gettimeofday), NAME(nanosleep), NAME(times), NAME(getrusage), NAME(sysinfo),
    NAME(timer_create), NAME(setitimer), NAME(timerfd_create), NAME(openat), NAME(openat2),
    NAME(close), NAME(read), NAME(readv), NAME(pread64), NAME(pwrite64), NAME(preadv2),
    NAME(lseek), NAME(fstat), NAME(newfstatat), NAME(statx), NAME(getdents64), NAME(unlinkat),
    NAME(renameat2), NAME(mkdirat), NAME(ftruncate), NAME(fallocate), NAME(fsync),
    NAME(fdatasync), NAME(fcntl), NAME(ioctl), NAME(flock), NAME(readlinkat), NAME(faccessat),
    NAME(statfs), NAME(getcwd), NAME(dup), NAME(dup3), NAME(pipe2), NAME(eventfd2),
    NAME(socket), NAME(socketpair), NAME(connect), NAME(accept), NAME(accept4), NAME(bind),
    NAME(listen), NAME(sendto), NAME(sendmsg), NAME(recvfrom), NAME(recvmsg), NAME(shutdown),
    NAME(setsockopt), NAME(getsockopt), NAME(ppoll), NAME(epoll_create1), NAME(epoll_ctl),
    NAME(epoll_pwait), NAME(io_uring_setup), NAME(io_uring_enter), NAME(clone), NAME(clone3),
    NAME(execve), NAME(wait4), NAME(kill), NAME(tgkill), NAME(futex), NAME(mmap),
    NAME(mprotect), NAME(write), NAME(writev), NAME(getrandom), NAME(getppid), NAME(getuid),
    NAME(uname), NAME(sched_yield), NAME(sched_getaffinity), NAME(prlimit64), NAME(rseq),
    NAME(membarrier), NAME(prctl), NAME(seccomp),
#ifdef __x86_64__
    /* Other machines never had these. */
    NAME(open), NAME(creat), NAME(stat), NAME(lstat), NAME(access), NAME(readlink),
    NAME(unlink), NAME(rename), NAME(mkdir), NAME(rmdir), NAME(getdents), NAME(time),
    NAME(alarm), NAME(pause), NAME(fork), NAME(vfork), NAME(poll), NAME(select),
    NAME(epoll_create), NAME(epoll_wait), NAME(pipe), NAME(dup2), NAME(arch_prctl),
#endif
};
/* clang-format on */
#undef NAME

const char *cc_seal_filter_call_text(int call)
{
    for (size_t i = 0; i < sizeof call_names / sizeof *call_names; i++) {
        if (call_names[i].call == call) {
            return call_names[i].text;
        }
    }
    return NULL;
}

struct program {
    struct sock_filter code[CODE_MAX];
    unsigned short size;
};

static void emit(struct program *program, uint32_t code, uint32_t value, uint8_t yes, uint8_t no)
{
    if (program->size < CODE_MAX) {
        program->code[program->size] =
            (struct sock_filter){.code = (uint16_t)code, .jt = yes, .jf = no, .k = value};
    }
    program->size++;
}

static void load(struct program *program, uint32_t offset)
{
    emit(program, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void finish(struct program *program, uint32_t action)
{
    emit(program, BPF_RET | BPF_K, action, 0, 0);
}

/* The accumulator holds the number of the call, before and after. */
static void allow(struct program *program, uint32_t call)
{
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1);
    finish(program, SECCOMP_RET_ALLOW);
}

/* Only with an argument that is one of these. */
static void allow_with(
    struct program *program, uint32_t call, unsigned index, const int *values, size_t value_count)
{
    uint8_t behind = (uint8_t)(1 + 2 * value_count + 1);

    emit(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, behind);
    load(program, ARGUMENT(index));
    for (size_t i = 0; i < value_count; i++) {
        emit(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)values[i], 0, 1);
        finish(program, SECCOMP_RET_ALLOW);
    }
    finish(program, SECCOMP_RET_TRAP);
}

/* Memory that is nobody else's and no file. */
static void allow_anonymous_memory(struct program *program)
{
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4);
    load(program, ARGUMENT(3));
    emit(program, BPF_JMP | BPF_JSET | BPF_K, MAP_ANONYMOUS, 0, 1);
    finish(program, SECCOMP_RET_ALLOW);
    finish(program, SECCOMP_RET_TRAP);
}

#ifdef ARCHITECTURE
static void write_program(struct program *program, const int *descriptors, size_t descriptor_count)
{
    /* What abort() needs to end the process is among them: an abort should look like one. */
    static const uint32_t calls[] = {SYS_brk,          SYS_munmap,        SYS_mremap,
                                     SYS_madvise,      SYS_exit,          SYS_exit_group,
                                     SYS_rt_sigreturn, SYS_rt_sigaction,  SYS_getpid,
                                     SYS_gettid,       SYS_rt_sigprocmask};
    static const int abort_signal[] = {SIGABRT};
    static const int own_time[] = {CLOCK_PROCESS_CPUTIME_ID};

    load(program, FIELD(arch));
    emit(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    finish(program, SECCOMP_RET_KILL_PROCESS);
    load(program, FIELD(nr));
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        allow(program, calls[i]);
    }
    allow_with(program, SYS_write, 0, descriptors, descriptor_count);
    allow_with(program, SYS_writev, 0, descriptors, descriptor_count);
    allow_with(program, SYS_clock_gettime, 0, own_time, 1);
    allow_with(program, SYS_tgkill, 2, abort_signal, 1);
    allow_anonymous_memory(program);
    finish(program, SECCOMP_RET_TRAP);
}

bool cc_seal_filter_install(const int *descriptors, size_t descriptor_count)
{
    struct program program = {.size = 0};
    struct sock_fprog handed = {.filter = program.code};

    write_program(&program, descriptors, descriptor_count);
    if (program.size > CODE_MAX) {
        errno = E2BIG;
        return false;
    }
    handed.len = program.size;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &handed) == 0;
}
#else
bool cc_seal_filter_install(const int *descriptors, size_t descriptor_count)
{
    (void)descriptors;
    (void)descriptor_count;
    errno = ENOSYS;
    return false;
}
#endif

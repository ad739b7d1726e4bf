/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon -- copycatd as a child process of a test: started, listened to, ended by its pid.
 */
#ifndef CC_TEST_DAEMON_H
#define CC_TEST_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct daemon {
    pid_t pid;          /* 0: not running */
    int status;         /* of wait, once it has ended */
    char log[128];      /* path: what it printed, both streams */
    unsigned files_max; /* set before the start: descriptors it may have; 0: as many as we */
};

/* A directory for this test alone; removed with all that is in it by daemon_clean. */
extern char daemon_root[48];
void daemon_make_root(void);
void daemon_clean(void);

/* A port of the loopback that was free a moment ago. */
uint16_t daemon_free_port(void);

/* `arguments` after the program's name, the last one NULL. */
void daemon_start(struct daemon *daemon, const char *const *arguments);

/* True once the log holds `text`; waits up to 20 s. */
bool daemon_says(const struct daemon *daemon, const char *text);

/* Waits for its end, 20 s at most; the exit code, 128 + signal, or -1. */
int daemon_wait(struct daemon *daemon);

void daemon_kill(struct daemon *daemon, int signal_number);

/* Kills whatever still runs. */
void daemon_end(struct daemon *daemon);

/* KiB of memory that are resident. */
size_t daemon_resident(const struct daemon *daemon);

#endif /* CC_TEST_DAEMON_H */

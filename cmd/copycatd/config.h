/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config -- everything copycatd is told, from flags, COPYCAT_* variables, a file and defaults.
 *
 * Where it sits:   main calls it first and starts nothing unless it says RUN.
 * Memory:          fixed, about 100 KiB; nothing to free.  Texts live inside the object: it must
 *                  not be copied.
 *
 * Invariants
 *   C1  flag > variable > file > default, for each property on its own
 *   C2  RUN means: every value was read, is in its range, and they agree with each other
 *   C3  loading creates nothing and opens no file but the configuration file
 */
#ifndef COPYCATD_CONFIG_H
#define COPYCATD_CONFIG_H

#include "copycatd/config_members.h"
#include "copycatd/config_values.h"
#include "copycatd/log.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum copycatd_verdict {
    COPYCATD_RUN = 0,  /* go on and serve */
    COPYCATD_DONE = 1, /* --help, --version, --check-config or --show-config was answered: exit 0 */
    COPYCATD_WRONG = 2, /* everything that is wrong was printed: exit 2 */
};

struct copycatd_config {
    uint32_t id;
    const char *listen;              /* also the address of `id` in `members` */
    struct copycatd_members members; /* ascending by id; this server is among them */
    const char *members_text;        /* the same, "1=host:port,2=host:port/learner" */
    const char *data_dir;
    const char *path; /* of the configuration file; NULL: none */
    bool is_insecure;
    uint32_t connections_max;
    uint64_t journal_file_size;
    uint64_t disk_quota;  /* 0: none */
    uint64_t state_quota; /* 0: none */
    uint32_t election_timeout_ms;
    uint32_t heartbeat_interval_ms;
    enum copycatd_log_format log_format;
    enum copycatd_log_level log_level;
    struct copycatd_values values; /* where each of the above comes from */
};

/*
 * `argv` and `environment` are as main and environ have them.  What was
 * asked for goes to `out`, problems to `err`.  `config_out` is complete on COPYCATD_RUN only.
 */
enum copycatd_verdict copycatd_config_load(
    struct copycatd_config *config_out,
    int argc,
    char *const *argv,
    char *const *environment,
    FILE *out,
    FILE *err);

#endif /* COPYCATD_CONFIG_H */

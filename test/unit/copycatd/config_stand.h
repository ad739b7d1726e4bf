/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_stand -- loads a configuration from words and keeps what it printed.
 */
#ifndef TEST_COPYCATD_CONFIG_STAND_H
#define TEST_COPYCATD_CONFIG_STAND_H

#include "copycatd/config.h"

struct config_stand {
    struct copycatd_config config;
    enum copycatd_verdict verdict;
    char out[16384];
    char err[16384];
    char path[64]; /* of the file; it is named --config by whoever wants it read */
};

/* A file of its own that holds `content`; config_stand_close removes it. */
void config_stand_open(struct config_stand *stand, const char *content);
void config_stand_close(struct config_stand *stand);

/* Both lists are words with a blank between them; "" is none.  HOME is /home/ann unless
 * `environment` is "-".  "@" in either stands for the path of the file. */
void config_stand_load(struct config_stand *stand, const char *flags, const char *environment);

#endif /* TEST_COPYCATD_CONFIG_STAND_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data_dir -- what can be said of the data directory without touching it: the server alone makes
 * and locks it.
 *
 * Where it sits:   beside main; asked before the server opens, or when it could not.
 */
#ifndef COPYCATD_DATA_DIR_H
#define COPYCATD_DATA_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Nothing is in it, or it is not there. */
bool copycatd_data_dir_is_fresh(const char *path);

/* True if it may be used, or made, as far as its rights tell; else what is wrong, as the end of a
 * sentence. */
bool copycatd_data_dir_check(const char *path, char *wrong_out, size_t wrong_size);

/* The process that holds the lock on it; 0: unknown. */
pid_t copycatd_data_dir_holder(const char *path);

#endif /* COPYCATD_DATA_DIR_H */

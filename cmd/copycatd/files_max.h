/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_max -- how many files, sockets among them, this process may open.
 */
#ifndef COPYCATD_FILES_MAX_H
#define COPYCATD_FILES_MAX_H

#include <stdint.h>

/* As many as the system lets this process allow itself; the number, UINT64_MAX: unlimited. */
uint64_t copycatd_files_max_raise(void);

#endif /* COPYCATD_FILES_MAX_H */

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_max -- see files_max.h.
 *
 * The lower of the two limits is there for programs that call select(); we do not, and the process
 * is ours.  The library leaves it alone, for there the process is its host's.
 */
#include "copycatd/files_max.h"

#include <sys/resource.h>

uint64_t copycatd_files_max_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return UINT64_MAX;
    }
    if (limit.rlim_cur != limit.rlim_max) {
        const struct rlimit raised = {limit.rlim_max, limit.rlim_max};

        limit = setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised : limit;
    }
    return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

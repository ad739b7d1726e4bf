/* SPDX-License-Identifier: Apache-2.0 */
/*
 * causes -- see causes.h.
 */
#include "fault/causes.h"

#include "env/uv/env_uv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define OF(operation) (1u << (operation))
#define OPENS (OF(CC_DISK_LOCK) | OF(CC_DISK_LIST) | OF(CC_DISK_OPEN) | OF(CC_DISK_SYNC_DIR))
#define SYNCS (OF(CC_DISK_SYNC) | OF(CC_DISK_SYNC_DIR))
#define CHANGES                                                                            \
    (SYNCS | OF(CC_DISK_LOCK) | OF(CC_DISK_OPEN) | OF(CC_DISK_WRITE) | OF(CC_DISK_CLOSE) | \
     OF(CC_DISK_REMOVE))
#define ALL UINT32_MAX

/* Which errors of the system which operations may end with. */
static const struct {
    int error;
    uint32_t operations;
} causes[] = {
    {EIO, ALL},
    {ENOMEM, ALL},
    {ETIMEDOUT, ALL},
    {ESTALE, ALL},
    {EROFS, CHANGES},
    {ENOSPC, CHANGES & ~OF(CC_DISK_LOCK)},
    {EDQUOT, CHANGES & ~OF(CC_DISK_LOCK)},
    {EFBIG, OF(CC_DISK_WRITE)},
    {EINVAL, OF(CC_DISK_READ) | OF(CC_DISK_WRITE) | SYNCS},
    {EACCES, OPENS | OF(CC_DISK_REMOVE)},
    {EPERM, OPENS | OF(CC_DISK_REMOVE)},
    {EBUSY, OPENS | OF(CC_DISK_REMOVE)},
    {ENODEV, OPENS},
    {EMFILE, OPENS},
    {ENFILE, OPENS},
};

#define CAUSES (sizeof causes / sizeof *causes)

uint32_t causes_count(enum cc_disk_operation operation, copycat_status status)
{
    uint32_t count = 0;

    for (size_t i = 0; i < CAUSES; i++) {
        count += (causes[i].operations & OF(operation)) != 0 &&
                 cc_env_uv_disk_status(operation, causes[i].error) == status;
    }
    return count;
}

bool causes_are_known(void)
{
    for (uint32_t i = CC_DISK_LOCK; i <= CC_DISK_ROOM; i++) {
        enum cc_disk_operation operation = (enum cc_disk_operation)i;

        for (size_t j = 0; j < CAUSES; j++) {
            copycat_status status = cc_env_uv_disk_status(operation, causes[j].error);

            if ((causes[j].operations & OF(operation)) != 0 && status != COPYCAT_ERR_IO &&
                status != COPYCAT_ERR_DISK_FULL && status != COPYCAT_ERR_BUSY) {
                printf("FAILED: operation %u: %s\n", i, strerror(causes[j].error));
                return false;
            }
        }
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_golden -- see server_golden.h.
 */
#include "fault/server_golden.h"

#define PATIENCE_US UINT64_C(20000000)
#define SEAL_US UINT64_C(2500000)

bool server_golden_live(struct solo *solo)
{
    return solo_start(solo) && caller_put(&solo->caller, SERVER_GOLDEN_PUTS / 2, PATIENCE_US) &&
           caller_close(&solo->caller) && trio_close(&solo->trio, 0) && solo_start(solo) &&
           caller_put(&solo->caller, SERVER_GOLDEN_PUTS / 2, PATIENCE_US) &&
           caller_check(&solo->caller, PATIENCE_US) && caller_close(&solo->caller) &&
           !trio_run(&solo->trio, SEAL_US, NULL, NULL) && trio_close(&solo->trio, 0);
}

bool server_golden_reads(struct solo *solo)
{
    struct caller *caller = &solo->caller;

    solo->trio.is_past_unknown = true;
    for (uint32_t value = 1; value <= SERVER_GOLDEN_PUTS; value++) {
        caller->values = value;
        caller->expected[value % CALLER_KEYS] = value;
    }
    return solo_start(solo) && solo->trio.seats[0].restored > 0 &&
           caller_check(caller, PATIENCE_US) && caller_put(caller, CALLER_KEYS, PATIENCE_US) &&
           caller_check(caller, PATIENCE_US) && caller_close(caller);
}

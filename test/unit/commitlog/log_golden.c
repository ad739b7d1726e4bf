/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_golden -- see log_golden.h: segments of all kinds, rewritten, sealed, truncated, forgotten
 * from the front, appended to; entries with and without a key, of zeros, with gaps, cleaned before
 * and after their segment was rewritten; two starts.
 */
#include "log_golden.h"

static bool append(struct log_stand *stand, uint32_t count)
{
    bool is_good = true;

    for (uint32_t i = 0; i < count && is_good; i++) {
        is_good = log_stand_append(stand, i % 9 == 8 ? 3 : 0) == COPYCAT_OK &&
                  (i % 5 != 4 || log_stand_flush(stand) == COPYCAT_OK);
    }
    return is_good;
}

static bool clean_each(struct log_stand *stand, uint64_t first, uint64_t last, uint64_t step)
{
    bool is_good = true;

    for (uint64_t index = first; index <= last && is_good; index += step) {
        is_good = stand->now.entries[index].state != STAND_LIVE ||
                  log_stand_clean(stand, index) == COPYCAT_OK;
    }
    return is_good;
}

static bool rewrite(struct log_stand *stand)
{
    bool is_more;

    return cc_commitlog_clean_some(stand->log, UINT64_MAX, &is_more) == COPYCAT_OK;
}

bool golden_log_live(struct log_stand *stand)
{
    return log_stand_open(stand) == COPYCAT_OK && append(stand, 70) &&
           clean_each(stand, 1, 40, 2) && clean_each(stand, 4, 40, 4) && rewrite(stand) &&
           clean_each(stand, 2, 30, 12) && log_stand_close(stand) == COPYCAT_OK &&
           log_stand_open(stand) == COPYCAT_OK &&
           log_stand_truncate(stand, stand->now.last - 10) == COPYCAT_OK && append(stand, 33) &&
           log_stand_forget(stand, 12) == COPYCAT_OK && log_stand_flush(stand) == COPYCAT_OK &&
           clean_each(stand, stand->now.last - 20, stand->now.last - 18, 1) &&
           log_stand_close(stand) == COPYCAT_OK;
}

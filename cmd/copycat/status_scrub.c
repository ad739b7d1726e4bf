/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_scrub -- see status_scrub.h.
 */
#include "status_scrub.h"

#include "output.h"

#include <inttypes.h>

#define SECOND_MS UINT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

struct sum {
    uint32_t members; /* that answer, and take part */
    uint32_t readers; /* of them: had a whole round */
    uint64_t age_ms;  /* of the oldest last round */
    uint64_t found;
    uint64_t repaired;
};

static struct sum sum_up(const struct cli_standings *standings)
{
    struct sum sum = {0};

    for (uint32_t i = 0; i < standings->count; i++) {
        const copycat_probe *probe = &standings->at[i].probe;

        if (standings->at[i].status != COPYCAT_OK || probe->state != COPYCAT_SERVER_MEMBER) {
            continue;
        }
        sum.members++;
        sum.readers += probe->scrub.rounds > 0;
        sum.age_ms = probe->scrub.age_ms > sum.age_ms ? probe->scrub.age_ms : sum.age_ms;
        sum.found += probe->scrub.found;
        sum.repaired += probe->scrub.repaired;
    }
    return sum;
}

static void print_age(FILE *file, uint64_t age_ms)
{
    if (age_ms < 2 * MINUTE_MS) {
        fprintf(file, "%" PRIu64 " s", age_ms / SECOND_MS);
    } else if (age_ms < 2 * HOUR_MS) {
        fprintf(file, "%" PRIu64 " min", age_ms / MINUTE_MS);
    } else if (age_ms < 2 * DAY_MS) {
        fprintf(file, "%" PRIu64 " h", age_ms / HOUR_MS);
    } else {
        fprintf(file, "%" PRIu64 " days", age_ms / DAY_MS);
    }
}

void cli_scrub_print(FILE *file, const struct cli_standings *standings)
{
    struct sum sum = sum_up(standings);

    if (sum.members == 0) {
        return;
    }
    if (sum.readers == sum.members) {
        fprintf(file, "disks: all was read again within the last ");
        print_age(file, sum.age_ms);
        fprintf(file, "; ");
    } else {
        fprintf(file, "disks: not all was read again since the servers started; ");
    }
    if (sum.found == 0) {
        fprintf(file, "no damage was found\n");
    } else {
        fprintf(
            file, "%" PRIu64 " damaged place%s found, %" PRIu64 " repaired\n", sum.found,
            sum.found == 1 ? "" : "s", sum.repaired);
    }
}

json_t *cli_scrub_as_json(const copycat_probe_scrub *scrub)
{
    json_t *object = json_object();

    cli_json_set(object, "rounds", json_integer((json_int_t)scrub->rounds));
    cli_json_set(
        object, "age_ms",
        scrub->rounds == 0 ? json_null() : json_integer((json_int_t)scrub->age_ms));
    cli_json_set(object, "bytes", json_integer((json_int_t)scrub->bytes));
    cli_json_set(object, "found", json_integer((json_int_t)scrub->found));
    cli_json_set(object, "repaired", json_integer((json_int_t)scrub->repaired));
    return object;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_images -- power is lost at every disk call of a server in whose life images are taken, read
 * back, switched to and removed, and files of the journal are used again.
 *
 *     first life     the cluster is founded, a client writes; one image follows the other
 *     second life    it starts from an image, is written to, and closes nothing: power is lost
 *
 *   R1  whatever power leaves is recovered from: the server serves, and speaks of no damage
 *   R2  what it had applied is there: each entry is what it was, and so is the state of an image
 *   R3  one can go on: of some states, a client writes until the next image, and it starts again
 *   R4  of some states, power is lost again in each call of the recovery: R1 and R2 hold
 *
 * Nothing here knows how many files an image is made of: they are whatever is on the disk.
 *
 * usage: crash_images [--stories N] [--from SEED] [--states N] [--minimum STATES] [--point POINT]
 *        N states of a point at most: the first ones, and then drawn ones
 */
#include "base/assert.h"
#include "fault/known.h"
#include "fault/picture.h"
#include "fault/record.h"
#include "fault/solo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STORIES 4u
#define PUTS 16u /* in each life */
#define PATIENCE_US UINT64_C(20000000)
#define GOES_ON_EACH 61u /* of so many new states */
#define AGAIN_EACH 257u
#define AGAIN_STATES 6u

static struct {
    uint64_t seed;
    uint64_t states_max;
    uint64_t only_point; /* UINT64_MAX: all */
    uint64_t points;     /* of all stories */
    uint64_t point;
    uint64_t picture; /* the last one's hash, with what was applied */
    uint32_t state;
    bool is_again; /* in a recovery from a recovery */
    struct known known;
    uint64_t tried;
    uint64_t again_points;
    uint64_t went_on;
    uint32_t images; /* that the story came to stand on */
    uint64_t image_newest;
    uint64_t trouble_point;
    char trouble[768]; /* empty: none yet */
} run;

static struct record record;
static struct record again_record;
static struct memory_disk disk;
static struct memory_disk copy;
static struct solo story;
static struct solo recovery;
static struct picture picture;
static struct picture again_picture;

/* ---- one state ------------------------------------------------------------------------------- */

static bool blame(const char *what)
{
    if (run.trouble[0] == '\0') {
        run.trouble_point = run.point;
        snprintf(
            run.trouble, sizeof run.trouble, "point %" PRIu64 ", state %u%s: %s", run.point,
            run.state, run.is_again ? ", power lost again in its recovery" : "", what);
    }
    return false;
}

static bool is_unharmed(void)
{
    const char *verdict = trio_verdict(&recovery.trio);

    return verdict == NULL || blame(verdict);
}

/* R1, R2 */
static bool recovers(const struct record *known, uint64_t applied)
{
    record_tell(known, recovery.trio.judge, applied);
    return (solo_start(&recovery) || is_unharmed()) &&
           (solo_applied(&recovery) >= applied || blame("it has lost what it had applied"));
}

/* R3 */
static bool goes_on(void)
{
    run.went_on++;
    if (!caller_put(&recovery.caller, PUTS, PATIENCE_US) ||
        !caller_check(&recovery.caller, PATIENCE_US)) {
        return is_unharmed();
    }
    solo_crash(&recovery);
    return (solo_start(&recovery) && caller_check(&recovery.caller, PATIENCE_US)) || is_unharmed();
}

static bool judge_image(
    const struct picture_image *image, const struct record *known, uint64_t applied)
{
    bool is_good;

    picture_print(image, &copy);
    solo_begin(&recovery, &copy, run.seed + 1000);
    is_good = recovers(known, applied) && (image->hash % GOES_ON_EACH != 0 || goes_on());
    solo_end(&recovery);
    memory_disk_deinit(&copy);
    return is_good;
}

/* ---- power lost in recovery (R4) ------------------------------------------------------------- */

static bool tries_again(const struct record *known, uint64_t applied, uint64_t call)
{
    struct picture_choice *choice = calloc(1, sizeof *choice);
    struct picture_image image;
    uint32_t count = picture_states(&again_picture);
    bool is_good = true;

    CC_ASSERT(choice != NULL);
    for (uint32_t i = 0; i < AGAIN_STATES && i < count && is_good; i++) {
        struct cc_prng prng = {call * AGAIN_STATES + i};
        uint32_t number = i < 2 ? i : (uint32_t)cc_prng_below(&prng, count);
        bool is_new;

        picture_choose(&again_picture, number, call, choice);
        picture_develop(&again_picture, choice, &image);
        (void)known_image(&run.known, cc_hash_words(image.hash, applied), &is_new);
        is_good = !is_new || judge_image(&image, known, applied);
    }
    free(choice);
    return is_good;
}

/* The recovery up to a call; it goes beyond what was applied before, and answers for that, too. */
static bool recover_until(const struct picture_image *image, uint64_t call, uint64_t *applied)
{
    uint64_t reached;
    bool is_over;

    picture_print(image, &copy);
    solo_begin(&recovery, &copy, run.seed + 1000);
    recovery.trio.applied = record_applied;
    recovery.trio.applied_owner = &again_record;
    is_over = !solo_start_until(&recovery, call);
    reached = solo_applied(&recovery);
    *applied = reached > *applied ? reached : *applied;
    picture_take(&again_picture, &copy);
    solo_end(&recovery);
    memory_disk_deinit(&copy);
    return is_over;
}

static bool survives_in_recovery(const struct picture_image *image, uint64_t applied)
{
    bool is_over = false;
    bool is_good = true;
    uint64_t last = 0;

    run.is_again = true;
    for (uint64_t call = 0; !is_over && is_good; call++) {
        uint64_t reached = applied;

        record_copy(&again_record, &record, applied);
        is_over = recover_until(image, call, &reached);
        run.again_points++;
        if (again_picture.hash != last) {
            last = again_picture.hash;
            is_good = tries_again(&again_record, reached, call);
        }
        picture_clear(&again_picture);
        record_clear(&again_record);
    }
    run.is_again = false;
    return is_good;
}

/* ---- each state of each point ---------------------------------------------------------------- */

static bool judge_state(uint64_t applied, const struct picture_choice *choice)
{
    struct picture_image image;
    bool is_new;

    picture_develop(&picture, choice, &image);
    (void)known_image(&run.known, cc_hash_words(image.hash, applied), &is_new);
    run.tried++;
    return !is_new || (judge_image(&image, &record, applied) &&
                       (image.hash % AGAIN_EACH != 0 || survives_in_recovery(&image, applied)));
}

static void count_images(const struct solo *solo)
{
    const struct cc_server *server = solo->trio.seats[0].server;
    const struct cc_group *group = server == NULL ? NULL : server->group;

    if (group != NULL && group->base.index > run.image_newest) {
        run.image_newest = group->base.index;
        run.images++;
    }
}

static void at_point(void *owner, struct solo *solo)
{
    static struct picture_choice choice;
    uint64_t applied = solo_applied(solo);
    uint32_t count;

    (void)owner;
    count_images(solo);
    run.point++;
    if (run.trouble[0] != '\0' || (run.only_point != UINT64_MAX && run.only_point != run.point)) {
        return;
    }
    /* A server that has just started says nothing yet of what the one before it had applied. */
    applied = applied > 0 ? applied : record.last;
    picture_take(&picture, solo->disk);
    count = picture_states(&picture);
    if (cc_hash_words(picture.hash, applied) != run.picture) { /* else it has changed nothing */
        struct cc_prng prng = {run.point};

        run.picture = cc_hash_words(picture.hash, applied);
        for (uint32_t i = 0; i < count && i < run.states_max; i++) {
            bool is_drawn = count > run.states_max && i >= run.states_max / 2;

            run.state = is_drawn ? (uint32_t)cc_prng_below(&prng, count) : i;
            picture_choose(&picture, run.state, run.seed + run.point, &choice);
            if (!judge_state(applied, &choice)) {
                break;
            }
        }
    }
    picture_clear(&picture);
}

/* ---- the story ------------------------------------------------------------------------------- */

static bool lives(void)
{
    return solo_start(&story) && caller_put(&story.caller, PUTS, PATIENCE_US) &&
           caller_check(&story.caller, PATIENCE_US);
}

static const char *live_twice(void)
{
    const struct cc_journal_counters *counters;

    story.trio.applied = record_applied;
    story.trio.applied_owner = &record;
    story.at_point = at_point;
    if (!lives()) {
        return trio_verdict(&story.trio);
    }
    solo_crash(&story);
    if (!lives()) {
        return trio_verdict(&story.trio);
    }
    counters = cc_journal_counters(cc_server_journal(story.trio.seats[0].server));
    return run.images < 3          ? "too few images were taken"
           : counters->reused == 0 ? "no file of the journal was used again"
                                   : NULL;
}

/* False, after it was printed, if a rule is broken. */
static bool tell(uint64_t seed)
{
    size_t known = run.known.count;
    const char *trouble;

    run.seed = seed;
    run.point = 0;
    run.picture = 0;
    run.images = 0;
    run.image_newest = 0;
    memory_disk_init(&disk);
    solo_begin(&story, &disk, seed);
    trouble = live_twice();
    if (run.trouble[0] != '\0') {
        printf(
            "FAILED: story %" PRIu64 ", %s; replay: crash_images --stories 1 --from %" PRIu64
            " --states %" PRIu64 " --point %" PRIu64 "\n",
            seed, run.trouble, seed, run.states_max, run.trouble_point);
        return false;
    }
    if (trouble != NULL) {
        printf("FAILED: story %" PRIu64 ": %s\n", seed, trouble);
        return false;
    }
    printf(
        "story %" PRIu64 ": %" PRIu64 " disk calls, %" PRIu64
        " entries, %u images: %zu new disk images\n",
        seed, run.point, record.last, run.images, run.known.count - known);
    run.points += run.point;
    solo_end(&story);
    memory_disk_deinit(&disk);
    record_clear(&record);
    return true;
}

int main(int count, char **arguments)
{
    uint64_t stories = STORIES;
    uint64_t from = 1;
    uint64_t minimum = 0;

    run.only_point = UINT64_MAX;
    run.states_max = UINT64_MAX;
    for (int i = 1; i + 1 < count; i += 2) {
        uint64_t number = strtoull(arguments[i + 1], NULL, 10);

        stories = strcmp(arguments[i], "--stories") == 0 ? number : stories;
        from = strcmp(arguments[i], "--from") == 0 ? number : from;
        run.states_max = strcmp(arguments[i], "--states") == 0 ? number : run.states_max;
        run.only_point = strcmp(arguments[i], "--point") == 0 ? number : run.only_point;
        minimum = strcmp(arguments[i], "--minimum") == 0 ? number : minimum;
    }
    known_init(&run.known);
    for (uint64_t seed = from; seed < from + stories; seed++) {
        if (!tell(seed)) {
            return 1;
        }
    }
    printf(
        "crash states with images: %" PRIu64 " tried at %" PRIu64
        " points, %zu distinct ones recovered from, %" PRIu64 " of them went on, %" PRIu64
        " points of recoveries; %.1f CPU s\n",
        run.tried, run.points, run.known.count, run.went_on, run.again_points,
        (double)clock() / CLOCKS_PER_SEC);
    if (run.known.count < minimum) {
        printf("FAILED: fewer than the %" PRIu64 " that are wanted\n", minimum);
        return 1;
    }
    known_deinit(&run.known);
    return 0;
}

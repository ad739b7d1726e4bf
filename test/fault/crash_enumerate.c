/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash_enumerate -- power is lost at every disk call of storage workloads, and everything that
 * the disk may then be found to hold is recovered from with the real journal.
 *
 *     story    a workload; before each of its disk calls
 *     picture  what is in doubt then; of that, each state
 *     known    new images are recovered from ...
 *     here     ... and judged:
 *
 *   R1  recovery opens: no loss of power is taken for damage, and damage that was there is passed
 *       over, but for what was given back
 *   R2  what was acknowledged is there, nothing is that was not added: the state after k records,
 *       durable <= k <= added; so term and vote are no older than promised
 *   R3  who was known by an incarnation keeps it, with a newer boot
 *   R4  a second recovery gives the same, with the next boot
 *   R5  one can go on: what is then added and acknowledged is there after the next loss of power
 *   R6  power lost anywhere in the recovery of some of the images: the next gives the same
 *
 * usage: crash_enumerate [--stories N] [--from SEED] [--minimum STATES] [--point POINT]
 */
#include "base/assert.h"
#include "fault/known.h"
#include "fault/picture.h"
#include "fault/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STORIES 4u
#define AGAIN_EACH 97u   /* of so many new images, one is left again in each call of its recovery */
#define AGAIN_STATES 12u /* so many states of each such point, the first and drawn ones */

struct enumeration {
    uint64_t only_point; /* UINT64_MAX: all */
    uint64_t point;      /* in the story at hand: disk calls so far */
    uint64_t picture;    /* the last one's hash, with its bounds */
    uint32_t state;
    uint32_t low; /* bounds of k */
    uint32_t high;
    const struct story *story;
    struct known known;
    uint64_t points;
    uint64_t tried;
    uint64_t again_points;
    uint64_t again_tried;
    uint64_t torn;     /* images with a batch to be cut */
    uint64_t damaged;  /* images with entries that are damaged */
    char trouble[768]; /* empty: none yet */
};

static struct enumeration run;
static struct memory_disk copy;
static struct memory_disk again;
static struct stand stand;
static struct picture picture;
static struct picture again_picture;

/* ---- blame ----------------------------------------------------------------------------------- */

static void print_replay(void)
{
    printf(
        "story %" PRIu64 ", point %" PRIu64 ", state %u; replay: crash_enumerate --stories 1 "
        "--from %" PRIu64 " --point %" PRIu64 "\n",
        run.story->seed, run.point, run.state, run.story->seed, run.point);
}

static bool blame(const char *rule, const char *text)
{
    snprintf(run.trouble, sizeof run.trouble, "%s: %s", rule, text);
    return false;
}

static void on_panic(const char *file, int line, const char *expression)
{
    printf("FAILED: a broken promise at %s:%d: %s\n", file, line, expression);
    print_replay();
    fflush(stdout);
    abort();
}

/* ---- rules ----------------------------------------------------------------------------------- */

/* R2, R3: what was found once is held to the bounds of each point at which the image may occur. */
static bool is_within(const struct story_finding *found)
{
    const struct story_finding *said = &run.story->said;
    bool is_some_prefix = false;

    for (uint32_t count = run.low; count <= run.high; count++) {
        is_some_prefix = is_some_prefix || run.story->digests[count] == found->digest;
    }
    if (!is_some_prefix) {
        char text[128];

        snprintf(
            text, sizeof text, "it found what no point of records %u to %u has", run.low, run.high);
        return blame("R2", text);
    }
    if (found->first_damaged != 0 && found->first_damaged <= story_repaired(run.story)) {
        return blame("R1", "it found damage where there is none, or none any more");
    }
    if (said->boot != 0 && (found->boot <= said->boot || found->incarnation != said->incarnation)) {
        return blame("R3", "it took the server for another, or for its former self");
    }
    return true;
}

static bool opens(struct memory_disk *disk, const char *rule)
{
    stand.options = run.story->options;
    stand_open(&stand, disk, UINT64_MAX);
    return stand.is_open || blame(rule, stand.text);
}

/* R5: some of each kind of record, acknowledged; then nothing is kept that was not. */
static bool goes_on(struct memory_disk *disk)
{
    static struct stand_state expected;
    uint64_t last = stand.found.last;
    uint64_t term = stand.found.term + 1;
    const struct stand_record records[] = {
        {.type = STAND_STATE, .term = term, .vote = 2},
        {.type = STAND_ENTRY, .index = last + 1, .term = term, .size = 100},
        {.type = STAND_ENTRY, .index = last + 2, .term = term, .size = 5000},
        {.type = STAND_TRUNCATE, .index = last + 2},
        {.type = STAND_ENTRY, .index = last + 2, .term = term + 1, .size = 9},
    };
    uint64_t digest;

    expected = stand.found;
    for (uint32_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        stand_state_play(&expected, &records[i]);
        expected.damaged[records[i].index] = false;
        stand_add(&stand, &records[i]);
        stand_flush(&stand);
    }
    digest = story_digest(run.story, &expected, cc_journal_base(stand.journal));
    stand_settle(&stand);
    if (stand.failures > 0 || stand.durable != stand.added) {
        return blame("R5", "what was added after recovery did not become durable");
    }
    stand_crash(&stand, MEMORY_CRASH_NOTHING, 0);
    if (!opens(disk, "R5")) {
        return false;
    }
    return story_found(run.story, &stand).digest == digest ||
           blame("R5", "what was added after recovery is not there after the next crash");
}

/* All rules but R6, on a disk that is at hand. */
static bool recovers(struct memory_disk *disk, struct story_finding *found_out)
{
    struct story_finding second;
    bool is_good;

    if (!opens(disk, "R1")) {
        return false;
    }
    run.damaged += stand.found.damages > 0;
    run.torn += cc_journal_counters(stand.journal)->torn_tails;
    *found_out = story_found(run.story, &stand);
    if (!is_within(found_out)) {
        return false;
    }
    stand_close(&stand);
    if (!opens(disk, "R4")) {
        return false;
    }
    second = story_found(run.story, &stand);
    if (second.digest != found_out->digest || second.boot != found_out->boot + 1 ||
        second.incarnation != found_out->incarnation ||
        second.first_damaged != found_out->first_damaged) {
        return blame("R4", "the second recovery gave something else");
    }
    is_good = goes_on(disk);
    if (is_good) {
        stand_close(&stand);
        is_good = disk->blocks_out == 0 || blame("R4", "memory was left behind");
    }
    return is_good;
}

/* ---- power lost in recovery (R6) ------------------------------------------------------------- */

static bool tries_again(const struct story_finding *found, uint64_t call)
{
    struct picture_choice *choice = calloc(1, sizeof *choice);
    struct picture_image image;
    uint32_t count = picture_states(&again_picture);
    bool is_good = true;

    CC_ASSERT(choice != NULL);
    for (uint32_t i = 0; i < AGAIN_STATES && i < count && is_good; i++) {
        struct cc_prng prng = {call * AGAIN_STATES + i};
        uint32_t number = i < 2 ? i : (uint32_t)cc_prng_below(&prng, count);
        struct known_image *known;
        bool is_new;

        picture_choose(&again_picture, number, call, choice);
        picture_develop(&again_picture, choice, &image);
        known = known_image(&run.known, image.hash, &is_new);
        run.again_tried++;
        if (is_new) {
            picture_print(&image, &again);
            is_good = recovers(&again, &known->finding);
            memory_disk_deinit(&again);
        }
        is_good = is_good && (known->finding.digest == found->digest ||
                              blame("R6", "recovery from a recovery gave something else"));
    }
    free(choice);
    return is_good;
}

/* The image is recovered from, up to each call in turn. */
static bool survives_in_recovery(
    const struct picture_image *image, const struct story_finding *found)
{
    bool is_over = false;
    bool is_good = true;
    uint64_t last = 0;

    for (uint64_t call = 0; !is_over && is_good; call++) {
        picture_print(image, &copy);
        stand.options = run.story->options;
        stand_open(&stand, &copy, call);
        is_over = stand.opens > 0;
        picture_take(&again_picture, &copy);
        memory_disk_deinit(&copy);
        run.again_points++;
        if (again_picture.hash != last) {
            last = again_picture.hash;
            is_good = tries_again(found, call);
        }
        picture_clear(&again_picture);
    }
    return is_good;
}

/* ---- each state of each point ---------------------------------------------------------------- */

static bool judge_state(const struct picture_choice *choice)
{
    struct picture_image image;
    struct known_image *known;
    struct story_finding found;
    bool is_new;

    picture_develop(&picture, choice, &image);
    known = known_image(&run.known, image.hash, &is_new);
    run.tried++;
    if (!is_new) {
        return is_within(&known->finding);
    }
    picture_print(&image, &copy);
    if (!recovers(&copy, &known->finding)) {
        return false;
    }
    memory_disk_deinit(&copy);
    found = known->finding;
    return image.hash % AGAIN_EACH != 0 || survives_in_recovery(&image, &found);
}

static void at_point(void *owner, struct story *story)
{
    static struct picture_choice choice;
    uint64_t bounds;

    (void)owner;
    if (run.trouble[0] != '\0') {
        return; /* the story goes on to its end, but not what is told of it */
    }
    run.point++;
    if (run.only_point != UINT64_MAX && run.only_point != run.point) {
        return;
    }
    run.points++;
    run.low = story_durable(story);
    run.high = story_added(story);
    picture_take(&picture, &story->disk);
    bounds = (uint64_t)run.low << 32 | run.high;
    if ((picture.hash ^ bounds * 31) != run.picture) { /* else a call that changed nothing */
        run.picture = picture.hash ^ bounds * 31;
        for (run.state = 0; run.state < picture_states(&picture); run.state++) {
            picture_choose(&picture, run.state, story->seed + run.point, &choice);
            if (!judge_state(&choice)) {
                break;
            }
        }
    }
    picture_clear(&picture);
}

/* ---- the sum --------------------------------------------------------------------------------- */

static bool tell(uint64_t seed)
{
    static struct story story;
    size_t known = run.known.count;
    const char *trouble;

    story_init(&story, seed);
    story.at_point = at_point;
    run.story = &story;
    run.point = 0;
    run.picture = 0;
    trouble = story_run(&story);
    if (run.trouble[0] == '\0' && trouble != NULL) {
        (void)blame("story", trouble);
    }
    if (run.trouble[0] != '\0') {
        printf("FAILED: %s\n", run.trouble);
        print_replay();
        return false;
    }
    printf(
        "story %" PRIu64 ": %" PRIu64
        " disk calls, %u writes, %u files (%u given up, %u removed), %u torn tails, "
        "entries through %" PRIu64 ": %zu new disk images\n",
        seed, run.point, story.writes, story.files, story.reused, story.removed, story.torn_tails,
        story.stand.found.last, run.known.count - known);
    story_deinit(&story);
    return true;
}

static uint64_t number_of(const char *text)
{
    return text == NULL ? 0 : strtoull(text, NULL, 10);
}

int main(int count, char **arguments)
{
    uint64_t stories = STORIES;
    uint64_t from = 1;
    uint64_t minimum = 0;

    run.only_point = UINT64_MAX;
    for (int i = 1; i + 1 < count; i += 2) {
        uint64_t number = number_of(arguments[i + 1]);

        stories = strcmp(arguments[i], "--stories") == 0 ? number : stories;
        from = strcmp(arguments[i], "--from") == 0 ? number : from;
        minimum = strcmp(arguments[i], "--minimum") == 0 ? number : minimum;
        run.only_point = strcmp(arguments[i], "--point") == 0 ? number : run.only_point;
    }
    cc_panic_set(on_panic);
    known_init(&run.known);
    for (uint64_t seed = from; seed < from + stories; seed++) {
        if (!tell(seed)) {
            return 1;
        }
    }
    printf(
        "power lost at %" PRIu64 " points, %" PRIu64 " states tried; and at %" PRIu64
        " points of recoveries, %" PRIu64 " states tried\n",
        run.points, run.tried, run.again_points, run.again_tried);
    printf(
        "crash states: %zu distinct disk images, %" PRIu64 " with a torn batch, %" PRIu64
        " with a damaged one, all recovered, in %.1f CPU s\n",
        run.known.count, run.torn, run.damaged, (double)clock() / CLOCKS_PER_SEC);
    if (run.known.count < minimum) {
        printf("FAILED: fewer than the %" PRIu64 " that are wanted\n", minimum);
        return 1;
    }
    known_deinit(&run.known);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrubbing -- see scrubbing.h.
 *
 *     IDLE -> IMAGE (piece by piece, then each of its segments) -> JOURNAL (batch by batch) -> IDLE, for
 *          an interval
 *     IDLE -> IMAGE -> IDLE, in between, while the image is one that the disk refused to give: it may
 *          be whole, and until then nobody is lent it and no image is taken from it
 */
#include "server/image/scrubbing.h"

#include "base/assert.h"
#include "base/bug.h"
#include "server/group/group.h"
#include "server/image/segments.h"
#include "server/node/node.h"

#define BYTES_PER_SECOND (UINT64_C(8) << 20)
#define PAUSE_MIN_US UINT64_C(10000)
#define DOUBT_PAUSE_US UINT64_C(5000000) /* before an image that was refused is read again */

enum phase {
    IDLE,
    IMAGE,
    JOURNAL,
};

struct cc_scrubbing {
    struct cc_server *server;
    struct cc_group *group; /* NULL: it has ended */
    struct cc_timer timer;
    enum phase phase;
    bool is_again;                    /* another round follows at once */
    uint64_t round_us;                /* when the next round begins */
    bool is_of_image;                 /* what is under way is no round: the image alone */
    bool is_whole;                    /* nothing of the image failed to read so far */
    struct cc_image_id id;            /* of the image that is read ... */
    struct cc_image_reader *reader;   /* ... by this; NULL: it is closed, or being closed */
    struct cc_segment_list *segments; /* that it needs */
    size_t segment_next;
    struct cc_journal_read read; /* of a batch */
    uint64_t index;              /* of an entry in it */
    bool is_doubted;             /* the disk refused it once: it is asked again */
    uint32_t holds;              /* what is under way and will call back */
};

static void release_if_over(struct cc_scrubbing *scrubbing)
{
    struct cc_server *server = scrubbing->server;

    if (scrubbing->group == NULL && scrubbing->holds == 0) {
        cc_segment_list_release(scrubbing->segments);
        cc_memory_give(server->memory, scrubbing);
        cc_server_let_go(server);
    }
}

/* ---- time ------------------------------------------------------------------------------------- */

static void wait_for(struct cc_scrubbing *scrubbing, uint64_t time_us)
{
    struct cc_env *env = scrubbing->server->env;

    cc_env_timer_arm(env, &scrubbing->timer, cc_env_now_us(env) + time_us);
}

static void pause_after(struct cc_scrubbing *scrubbing, uint64_t bytes)
{
    uint64_t pause = bytes * 1000000 / BYTES_PER_SECOND;

    wait_for(scrubbing, pause < PAUSE_MIN_US ? PAUSE_MIN_US : pause);
}

static bool is_image_doubted(const struct cc_scrubbing *scrubbing)
{
    return scrubbing->group->base_trouble == COPYCAT_ERR_IO;
}

/* Idle until the next round, or until the image is asked for once more. */
static void rest(struct cc_scrubbing *scrubbing)
{
    uint64_t now = cc_env_now_us(scrubbing->server->env);
    uint64_t time_us = scrubbing->round_us > now ? scrubbing->round_us - now : 0;

    scrubbing->phase = IDLE;
    if (is_image_doubted(scrubbing) && time_us > DOUBT_PAUSE_US) {
        time_us = DOUBT_PAUSE_US;
    }
    if (scrubbing->round_us != COPYCAT_NONE || is_image_doubted(scrubbing)) {
        wait_for(scrubbing, time_us);
    }
}

static void wait_for_round(struct cc_scrubbing *scrubbing)
{
    uint64_t interval = cc_server_options(scrubbing->server)->scrub_interval_us;

    if (scrubbing->is_again) {
        interval = PAUSE_MIN_US;
    }
    scrubbing->is_again = false;
    scrubbing->round_us =
        interval == COPYCAT_NONE ? interval : cc_env_now_us(scrubbing->server->env) + interval;
    rest(scrubbing);
}

static void end_round(struct cc_scrubbing *scrubbing)
{
    struct cc_scrubbed *scrubbed = &scrubbing->group->scrubbed;

    scrubbed->rounds++;
    scrubbed->ended_us = cc_env_now_us(scrubbing->server->env);
    wait_for_round(scrubbing);
}

/* ---- the journal ------------------------------------------------------------------------------ */

/* Bytes that are wrong stay so; a disk that refuses them may give them the next time. */
static bool is_lost(struct cc_scrubbing *scrubbing, copycat_status status)
{
    scrubbing->is_doubted = status == COPYCAT_ERR_IO && !scrubbing->is_doubted;
    return status != COPYCAT_OK && !scrubbing->is_doubted;
}

static void batch_read(struct cc_journal_read *read)
{
    struct cc_scrubbing *scrubbing = read->owner;

    scrubbing->holds--;
    if (scrubbing->group != NULL && read->status != COPYCAT_ERR_CLOSED) {
        scrubbing->group->scrubbed.bytes += read->batch_size;
        pause_after(scrubbing, read->batch_size);
        if (is_lost(scrubbing, read->status) && !CC_BUG(T052)) {
            cc_group_lose(scrubbing->group, &read->place, read->status);
        }
    }
    release_if_over(scrubbing);
}

/* The next batch with an entry that no image covers; false: there is none. */
static bool find_batch(struct cc_scrubbing *scrubbing, struct cc_journal_place *place_out)
{
    const struct cc_group *group = scrubbing->group;
    const struct cc_journal_place *former = &scrubbing->read.place;
    uint64_t index = scrubbing->index + 1;

    index = index > group->base.index ? index : group->base.index + 1;
    index = index > cc_log_first(group->log) ? index : cc_log_first(group->log);
    while (index <= cc_log_last(group->log) &&
           (!cc_log_place(group->log, index, place_out) ||
            (place_out->file == former->file && place_out->batch_block == former->batch_block))) {
        index++;
    }
    scrubbing->index = index;
    return index <= cc_log_last(group->log) && cc_journal_is_written(group->journal, place_out);
}

static bool is_in_log(const struct cc_scrubbing *scrubbing, const struct cc_journal_place *batch)
{
    const struct cc_log *log = scrubbing->group->log;
    struct cc_journal_place place;

    return scrubbing->index >= cc_log_first(log) && scrubbing->index <= cc_log_last(log) &&
           cc_log_place(log, scrubbing->index, &place) && place.file == batch->file &&
           place.batch_block == batch->batch_block;
}

static void read_batch(struct cc_scrubbing *scrubbing)
{
    struct cc_journal_place place = scrubbing->read.place;

    scrubbing->is_doubted = scrubbing->is_doubted && is_in_log(scrubbing, &place);
    if (!scrubbing->is_doubted && !find_batch(scrubbing, &place)) {
        end_round(scrubbing);
        return;
    }
    scrubbing->holds++;
    scrubbing->read = (struct cc_journal_read){
        .place = place, .done = batch_read, .owner = scrubbing, .is_optional = true};
    cc_journal_read(scrubbing->group->journal, &scrubbing->read);
}

static void begin_journal(struct cc_scrubbing *scrubbing)
{
    if (scrubbing->is_of_image) {
        rest(scrubbing);
        return;
    }
    scrubbing->phase = JOURNAL;
    scrubbing->index = 0;
    scrubbing->is_doubted = false;
    scrubbing->read.place = (struct cc_journal_place){0};
    wait_for(scrubbing, PAUSE_MIN_US);
}

/* ---- the image -------------------------------------------------------------------------------- */

static void close_reader(struct cc_scrubbing *scrubbing)
{
    struct cc_image_reader *reader = scrubbing->reader;

    scrubbing->reader = NULL;
    cc_image_read_close(reader);
}

/* Another image may be stood on by now, or have been fetched into the place of this one, or a segment
 * of it be written over just now. */
static bool is_base(const struct cc_scrubbing *scrubbing)
{
    const struct cc_group *group = scrubbing->group;

    return cc_image_id_equals(&scrubbing->id, &group->base) &&
           (group->base_trouble == COPYCAT_OK ||
            (is_image_doubted(scrubbing) && group->fetching == NULL));
}

/* One that was refused before, and still is, is no news. */
static void judge(struct cc_scrubbing *scrubbing, copycat_status status, const char *text)
{
    bool is_refused = status == COPYCAT_ERR_IO && !is_image_doubted(scrubbing);

    scrubbing->is_whole = scrubbing->is_whole && status == COPYCAT_OK;
    if ((status == COPYCAT_ERR_DAMAGED || is_refused) && is_base(scrubbing)) {
        cc_group_base_failed(scrubbing->group, status, text);
    }
    close_reader(scrubbing);
}

static void on_open(
    void *owner,
    copycat_status status,
    const struct cc_image_id *id,
    const struct cc_image_head *head,
    const char *text)
{
    (void)id;
    (void)head;
    if (status == COPYCAT_OK) {
        pause_after(owner, 0);
    } else {
        judge(owner, status, text);
    }
}

static void on_piece(void *owner, copycat_bytes bytes)
{
    struct cc_scrubbing *scrubbing = owner;

    if (scrubbing->group != NULL) {
        scrubbing->group->scrubbed.bytes += bytes.size;
    }
    pause_after(owner, bytes.size);
}

static void on_end(void *owner, copycat_status status, const char *text)
{
    judge(owner, status, text);
}

static void read_next_file(struct cc_scrubbing *scrubbing);

static void on_closed(void *owner)
{
    struct cc_scrubbing *scrubbing = owner;

    scrubbing->holds--;
    if (scrubbing->group != NULL) {
        read_next_file(scrubbing);
    }
    release_if_over(scrubbing);
}

static const struct cc_image_read_callbacks callbacks = {
    .on_open = on_open,
    .on_piece = on_piece,
    .on_end = on_end,
    .on_closed = on_closed,
};

static void read_file(struct cc_scrubbing *scrubbing, const struct cc_image_id *id)
{
    struct cc_server *server = scrubbing->server;
    copycat_status status = cc_image_read_begin(
        &scrubbing->reader, server->env, server->directory, id, &callbacks, scrubbing);

    CC_ASSERT(status == COPYCAT_OK); /* the directory holds the journal, too */
    scrubbing->holds++;
}

/* Each segment in turn, while the image is what this server stands on and nothing bad was found. */
static void read_next_file(struct cc_scrubbing *scrubbing)
{
    const struct cc_segment_list *segments = scrubbing->segments;
    size_t count = segments == NULL ? 0 : segments->count;
    struct cc_image_id id;

    if (!is_base(scrubbing) || !scrubbing->is_whole) {
        begin_journal(scrubbing);
        return;
    }
    if (scrubbing->segment_next == count) {
        cc_group_base_mended(scrubbing->group);
        begin_journal(scrubbing);
        return;
    }
    id = cc_image_segment_id(scrubbing->id.group, &segments->at[scrubbing->segment_next++]->name);
    read_file(scrubbing, &id);
}

static void begin_image(struct cc_scrubbing *scrubbing)
{
    const struct cc_group *group = scrubbing->group;

    scrubbing->id = group->base;
    scrubbing->is_of_image = cc_env_now_us(group->env) < scrubbing->round_us;
    scrubbing->is_whole = true;
    if (group->base.index == 0 || !group->has_state || !is_base(scrubbing) ||
        (scrubbing->is_of_image && !is_image_doubted(scrubbing))) {
        begin_journal(scrubbing);
        return;
    }
    scrubbing->phase = IMAGE;
    cc_segment_list_release(scrubbing->segments);
    scrubbing->segments = cc_segment_list_retain(group->segments);
    scrubbing->segment_next = 0;
    read_file(scrubbing, &scrubbing->id);
}

/* ---- the way ---------------------------------------------------------------------------------- */

static void go_on(struct cc_timer *timer)
{
    struct cc_scrubbing *scrubbing = timer->owner;

    if (scrubbing->server->failed != COPYCAT_OK) {
        return;
    }
    switch (scrubbing->phase) {
    case IDLE:
        begin_image(scrubbing);
        break;
    case IMAGE:
        if (is_base(scrubbing)) {
            cc_image_read_next(scrubbing->reader);
        } else {
            close_reader(scrubbing);
        }
        break;
    case JOURNAL:
        read_batch(scrubbing);
        break;
    }
}

struct cc_scrubbing *cc_scrubbing_create(struct cc_group *group)
{
    struct cc_server *server = group->server;
    struct cc_scrubbing *scrubbing = cc_memory_take(server->memory, sizeof *scrubbing);

    scrubbing->server = server;
    scrubbing->group = group;
    scrubbing->timer = (struct cc_timer){.fire = go_on, .owner = scrubbing};
    cc_server_hold(server);
    wait_for_round(scrubbing);
    return scrubbing;
}

void cc_scrubbing_end(struct cc_scrubbing *scrubbing)
{
    cc_env_timer_disarm(scrubbing->server->env, &scrubbing->timer);
    scrubbing->group = NULL;
    if (scrubbing->reader != NULL) {
        close_reader(scrubbing);
    }
    release_if_over(scrubbing);
}

void cc_scrubbing_hurry(struct cc_scrubbing *scrubbing)
{
    if (scrubbing->phase != IDLE && !scrubbing->is_of_image) {
        scrubbing->is_again = true;
        return;
    }
    scrubbing->round_us = cc_env_now_us(scrubbing->server->env);
    if (scrubbing->phase == IDLE) {
        wait_for(scrubbing, 0);
    }
}

void cc_scrubbing_doubt(struct cc_scrubbing *scrubbing)
{
    if (scrubbing->phase == IDLE) {
        rest(scrubbing);
    }
}

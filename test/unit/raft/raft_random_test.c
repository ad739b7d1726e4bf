/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_random_test -- clusters under a random schedule: packets are lost, doubled and overtaken,
 * disks lag, members crash and lose what was not stored, links are cut, entries become unreadable,
 * logs are forgotten up to an image, and images come from anywhere and late.  After every step the
 * judge looks at all members at once.
 *
 * What the judge holds them to (figure 3.2, and what the core promises beyond it):
 *   J1  one leader in a term
 *   J2  one vote in a term, over all lives of a member, as its replies tell it
 *   J3  entries with the same index and term are the same, and so is everything before them
 *   J4  what is committed anywhere is the same everywhere, and never changes
 *   J5  a commit index moves only when a quorum of voters has the entry on its disks
 *   J6  a new leader has everything that was ever committed
 *   J7  a read is confirmed only at or above what was committed when it was asked for
 *   J8  while a lease holds, nobody else leads a later term
 *   J9  what a member calls stable is on its disk, and so is what it has acknowledged
 *   J10 when the faults end, there is a leader that commits, and everybody agrees
 *   J11 a commit index never goes back within a life, nor behind an image over all lives
 *   J12 what was ever committed stays on the disks of a quorum of voters
 */
#include "base/prng.h"
#include "raft_cluster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TERMS_MAX 4096u
#define READS_MAX 256u
#define STEPS 12000u
#define IMAGES_MAX 64u
#define RECENT 32u

struct asked_read {
    uint32_t member;
    uint64_t term;
    uint64_t round;
    uint64_t index;     /* where the core would read */
    uint64_t committed; /* what was committed anywhere when it was asked for */
};

struct kept_image {
    uint64_t index;
    uint64_t term; /* a leader of this term has known it to be committed */
};

struct judge {
    struct raft_cluster *cluster;
    struct cc_prng prng;
    uint32_t leaders[TERMS_MAX];                               /* J1: by term */
    uint32_t votes[RAFT_CLUSTER_MEMBERS_MAX][TERMS_MAX];       /* J2: as told to others */
    struct raft_entry committed[RAFT_CLUSTER_ENTRIES_MAX + 1]; /* J4 */
    uint64_t commit;
    struct asked_read reads[READS_MAX];
    uint32_t read_count;
    uint32_t reads_confirmed;
    uint32_t leases_seen;
    uint32_t transfers;
    uint64_t commits[RAFT_CLUSTER_MEMBERS_MAX]; /* J11 */
    struct kept_image images[IMAGES_MAX];       /* every one that was ever taken, or many of them */
    uint32_t image_count;
    uint32_t installs_kept;
    uint32_t installs_dropped;
    uint32_t conflicts; /* dropped, and not only for being short */
    uint32_t needed;
    uint32_t repairs;
    uint32_t images_that_repair;
    char verdict[256]; /* the first broken rule; empty: none */
};

static void blame(struct judge *judge, const char *rule, uint32_t member, uint64_t number)
{
    if (judge->verdict[0] == '\0') {
        (void)snprintf(
            judge->verdict, sizeof judge->verdict, "%s: member %u, %llu", rule, member,
            (unsigned long long)number);
    }
}

static bool same(struct raft_entry a, struct raft_entry b)
{
    return a.term == b.term && a.value == b.value;
}

/* ---- the judge ---------------------------------------------------------------------------------
 */

static void judge_leader(struct judge *judge, const struct raft_member *member)
{
    uint64_t term = cc_raft_term(member->core);

    if (cc_raft_role(member->core) != CC_RAFT_LEADER || judge->leaders[term] == member->id) {
        return;
    }
    if (judge->leaders[term] != 0) {
        blame(judge, "J1 two leaders in a term", member->id, term);
    }
    judge->leaders[term] = member->id;
    for (uint64_t i = 1; i <= judge->commit; i++) {
        if (i > member->memory.last || !same(member->memory.entries[i], judge->committed[i])) {
            blame(judge, "J6 leads without a committed entry", member->id, i);
            return;
        }
    }
}

/* From the newest entry that two logs have in common in index and term, downwards. */
static void judge_matching(struct judge *judge, const struct raft_member *member)
{
    for (uint32_t i = 0; i < judge->cluster->member_count; i++) {
        const struct raft_member *other = &judge->cluster->members[i];
        uint64_t at =
            member->memory.last < other->memory.last ? member->memory.last : other->memory.last;

        if (other == member || !other->is_up) {
            continue;
        }
        while (at > 0 && member->memory.entries[at].term != other->memory.entries[at].term) {
            at--;
        }
        for (; at > 0; at--) {
            if (!same(member->memory.entries[at], other->memory.entries[at])) {
                blame(judge, "J3 logs do not match", member->id, at);
                return;
            }
        }
    }
}

static void judge_commit(struct judge *judge, const struct raft_member *member)
{
    uint64_t commit = cc_raft_commit(member->core);
    uint64_t known = commit < judge->commit ? commit : judge->commit;

    if (commit > member->memory.last) {
        blame(judge, "J4 committed what it does not have", member->id, commit);
        return;
    }
    for (uint64_t i = 1; i <= known; i++) {
        if (!same(member->memory.entries[i], judge->committed[i])) {
            blame(judge, "J4 committed something else", member->id, i);
            return;
        }
    }
    for (uint64_t i = judge->commit + 1; i <= commit; i++) {
        uint32_t holders = 0;

        for (uint32_t j = 0; j < judge->cluster->voter_count; j++) {
            const struct raft_state *disk = &judge->cluster->members[j].disk;

            holders += disk->last >= i && same(disk->entries[i], member->memory.entries[i]);
        }
        if (holders <= judge->cluster->voter_count / 2) {
            blame(judge, "J5 committed without a quorum of disks", member->id, i);
        }
        judge->committed[i] = member->memory.entries[i];
        judge->commit = i;
    }
}

static void judge_progress(struct judge *judge, const struct raft_step *step)
{
    uint64_t *known = &judge->commits[step->member->id - 1];
    uint64_t commit = cc_raft_commit(step->member->core);

    if (step->event->kind == CC_RAFT_EVENT_START) {
        *known = step->member->disk.base;
    }
    if (commit < *known) {
        blame(judge, "J11 commit index went back", step->member->id, commit);
    }
    *known = commit;
}

/* Each write that may have taken something away is looked at when it is done. */
static void judge_kept(struct judge *judge)
{
    for (uint64_t i = judge->commit; i > 0 && i + RECENT > judge->commit; i--) {
        uint32_t holders = 0;

        for (uint32_t j = 0; j < judge->cluster->voter_count; j++) {
            const struct raft_state *disk = &judge->cluster->members[j].disk;

            holders += disk->last >= i && same(disk->entries[i], judge->committed[i]);
        }
        if (holders <= judge->cluster->voter_count / 2) {
            blame(judge, "J12 a quorum of disks has lost an entry", 0, i);
        }
    }
}

static void judge_stable(struct judge *judge, const struct raft_member *member)
{
    uint64_t stable = cc_raft_stable(member->core);

    if (cc_raft_last(member->core) != member->memory.last) {
        blame(judge, "J9 core and driver differ on the end", member->id, member->memory.last);
    }
    if (stable > member->disk.last ||
        (stable > 0 && !same(member->disk.entries[stable], member->memory.entries[stable]))) {
        blame(judge, "J9 calls stable what is not on disk", member->id, stable);
    }
}

static void judge_reads(struct judge *judge, const struct raft_member *member)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < judge->read_count; i++) {
        const struct asked_read *read = &judge->reads[i];

        if (read->member != member->id) {
            judge->reads[kept++] = *read;
        } else if (
            cc_raft_role(member->core) != CC_RAFT_LEADER ||
            cc_raft_term(member->core) != read->term) {
            continue; /* the driver refuses them */
        } else if (cc_raft_round_confirmed(member->core) < read->round) {
            judge->reads[kept++] = *read;
        } else {
            judge->reads_confirmed++;
            if (read->index < read->committed) {
                blame(judge, "J7 stale read", member->id, read->index);
            }
        }
    }
    judge->read_count = kept;
}

static void judge_leases(struct judge *judge)
{
    for (uint32_t i = 0; i < judge->cluster->member_count; i++) {
        const struct raft_member *holder = &judge->cluster->members[i];

        if (!holder->is_up || cc_raft_lease_until(holder->core) <= judge->cluster->now_us) {
            continue;
        }
        judge->leases_seen++;
        for (uint32_t j = 0; j < judge->cluster->member_count; j++) {
            const struct raft_member *other = &judge->cluster->members[j];

            if (other->is_up && cc_raft_role(other->core) == CC_RAFT_LEADER &&
                cc_raft_term(other->core) > cc_raft_term(holder->core)) {
                blame(
                    judge, "J8 leads while another's lease holds", other->id,
                    cc_raft_term(other->core));
            }
        }
    }
}

static void observe(void *context, const struct raft_step *step)
{
    struct judge *judge = context;

    assert_int_not_equal(step->status, COPYCAT_ERR_INVALID);
    if (step->status == COPYCAT_ERR_MALFORMED) {
        blame(
            judge, "a correct member's message was refused", step->member->id,
            step->event->message->from);
    }
    if (step->event->kind == CC_RAFT_EVENT_READ && step->status == COPYCAT_OK &&
        judge->read_count < READS_MAX) {
        judge->reads[judge->read_count++] = (struct asked_read){
            step->member->id,
            cc_raft_term(step->member->core),
            step->effects->read_round,
            step->effects->read_index,
            judge->commit,
        };
    }
    judge->transfers += step->effects->transfer_ended && step->status == COPYCAT_OK;
    judge_leader(judge, step->member);
    judge_matching(judge, step->member);
    judge_commit(judge, step->member);
    judge_progress(judge, step);
    if (step->event->kind == CC_RAFT_EVENT_STORED) {
        judge_kept(judge);
    }
    judge->installs_kept += step->effects->install_index != 0 && step->effects->keep_tail;
    judge->installs_dropped += step->effects->install_index != 0 && !step->effects->keep_tail;
    judge_stable(judge, step->member);
    judge_reads(judge, step->member);
    judge_leases(judge);
}

static void observe_send(void *context, const struct raft_packet *packet, bool is_lost)
{
    struct judge *judge = context;
    const struct cc_raft_message *message = &packet->message;
    const struct raft_state *disk = &raft_cluster_member(judge->cluster, message->from)->disk;
    uint32_t vote = 0;

    (void)is_lost;
    if (message->kind == CC_RAFT_VOTE && !message->is_prevote) {
        vote = message->from;
    }
    if (message->kind == CC_RAFT_VOTE_REPLY && message->is_granted && !message->is_prevote) {
        vote = message->to;
    }
    if (vote != 0) {
        uint32_t *told = &judge->votes[message->from - 1][message->term];

        if (*told != 0 && *told != vote) {
            blame(judge, "J2 two votes in a term", message->from, message->term);
        }
        *told = vote;
    }
    if (message->kind == CC_RAFT_APPEND_REPLY && message->is_accepted &&
        message->match > disk->last) {
        blame(judge, "J9 acknowledged what is not on disk", message->from, message->match);
    }
}

/* ---- the schedule ------------------------------------------------------------------------------
 */

static uint32_t draw(struct judge *judge, uint32_t bound)
{
    return (uint32_t)cc_prng_below(&judge->prng, bound);
}

static uint32_t draw_member(struct judge *judge)
{
    return 1 + draw(judge, judge->cluster->member_count);
}

static void disturb_packet(struct judge *judge)
{
    uint32_t from = draw_member(judge);
    uint32_t to = draw_member(judge);
    struct raft_link *link = raft_cluster_link(judge->cluster, from, to);

    /* Most draws hit an empty link; the next one in order will do. */
    for (uint32_t i = 0; i < RAFT_CLUSTER_MEMBERS_MAX && link->count == 0; i++) {
        to = to % judge->cluster->member_count + 1;
        link = raft_cluster_link(judge->cluster, from, to);
    }
    if (from == to || link->count == 0) {
        return;
    }

    uint32_t position = draw(judge, 4) == 0 ? draw(judge, link->count) : 0;
    uint32_t fate = draw(judge, 20);

    if (fate == 0) {
        raft_cluster_drop(judge->cluster, from, to, position);
    } else if (fate == 1) {
        struct raft_packet copy = link->packets[position];

        raft_cluster_insert(judge->cluster, &copy);
    } else {
        (void)raft_cluster_deliver(judge->cluster, from, to, position);
    }
}

static void pass_time(struct judge *judge)
{
    struct raft_cluster *cluster = judge->cluster;

    cluster->now_us += draw(judge, draw(judge, 10) == 0 ? 80000 : 6000);
    for (uint32_t id = 1; id <= cluster->member_count; id++) {
        const struct raft_member *member = raft_cluster_member(cluster, id);

        /* Not everybody wakes in time. */
        if (member->is_up && member->wake_at_us <= cluster->now_us && draw(judge, 3) != 0) {
            (void)raft_cluster_step(
                cluster, id, (struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
        }
    }
}

static void ask_something(struct judge *judge)
{
    uint32_t id = draw_member(judge);
    struct raft_member *member = raft_cluster_member(judge->cluster, id);
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_PROPOSE, .count = 1 + draw(judge, 3)};

    if (!member->is_up) {
        return;
    }
    if (draw(judge, 3) == 0) {
        event.kind = CC_RAFT_EVENT_READ;
    } else if (draw(judge, 30) == 0) {
        event.kind = CC_RAFT_EVENT_TRANSFER;
        event.peer = 0;
        if (judge->cluster->voter_count == 1) {
            return;
        }
    }
    (void)raft_cluster_step(judge->cluster, id, event);
}

/* ---- images ------------------------------------------------------------------------------------
 */

static void take_image(struct judge *judge)
{
    uint32_t id = draw_member(judge);
    struct raft_member *member = raft_cluster_member(judge->cluster, id);

    if (!member->is_up) {
        return;
    }

    uint64_t commit = cc_raft_commit(member->core);
    uint64_t index = commit - draw(judge, 4) * (commit > 4);

    if (raft_cluster_image(judge->cluster, id, index)) {
        judge->images[judge->image_count++ % IMAGES_MAX] =
            (struct kept_image){index, cc_raft_term(member->core)};
    }
}

static void forget_entries(struct judge *judge)
{
    uint32_t id = draw_member(judge);
    const struct raft_member *member = raft_cluster_member(judge->cluster, id);

    if (member->is_up && member->disk.base > 2) {
        raft_cluster_forget(judge->cluster, id, member->disk.base - draw(judge, 3));
    }
}

/* Offers of another term are not taken, so whoever installs knows the term of a leader that knew
 * the image to be committed; the judge knows what it stands for. */
static void install_image(struct judge *judge, uint32_t id, struct kept_image image)
{
    const struct raft_member *member = raft_cluster_member(judge->cluster, id);

    if (member->is_up && image.index > 0 && image.term <= cc_raft_term(member->core)) {
        judge->images_that_repair += member->memory.damaged != 0 &&
                                     member->memory.damaged <= image.index &&
                                     cc_raft_commit(member->core) >= image.index;
        judge->conflicts +=
            cc_raft_role(member->core) == CC_RAFT_FOLLOWER &&
            cc_raft_commit(member->core) < image.index && member->memory.last >= image.index &&
            cc_raft_term_at(member->core, image.index) != judge->committed[image.index].term;
        (void)raft_cluster_install(judge->cluster, id, image.index, judge->committed);
    }
}

/* An image of what another has committed, and this one has not.  Best of all, this one's log says
 * something else there. */
static void install_news(struct judge *judge)
{
    struct raft_cluster *cluster = judge->cluster;
    const struct raft_member *source = raft_cluster_member(cluster, draw_member(judge));
    uint32_t first = draw_member(judge);

    for (uint32_t i = 0; source->is_up && i < cluster->member_count; i++) {
        uint32_t id = (first + i) % cluster->member_count + 1;
        const struct raft_member *member = raft_cluster_member(cluster, id);
        uint64_t to = cc_raft_commit(source->core);

        if (member->is_up && cc_raft_commit(member->core) < to &&
            cc_raft_role(member->core) == CC_RAFT_FOLLOWER) {
            uint64_t from = cc_raft_commit(member->core);
            uint64_t index = from + 1 + draw(judge, (uint32_t)(to - from));

            install_image(judge, id, (struct kept_image){index, cc_raft_term(source->core)});
            return;
        }
    }
}

/* What a leader does that has an image for those who need one. */
static void offer_images(struct judge *judge)
{
    struct raft_cluster *cluster = judge->cluster;

    for (uint32_t from = 1; from <= cluster->member_count; from++) {
        const struct raft_member *leader = raft_cluster_member(cluster, from);

        for (uint32_t to = 1; leader->is_up && to <= cluster->member_count; to++) {
            if (cc_raft_needs_image(leader->core, to)) {
                judge->needed++;
                install_image(
                    judge, to, (struct kept_image){leader->disk.base, cc_raft_term(leader->core)});
            }
        }
    }
}

/* Somebody has to have the entry, in a log that can be asked. */
static void repair_entry(struct judge *judge, uint32_t id)
{
    struct raft_cluster *cluster = judge->cluster;
    const struct raft_member *member = raft_cluster_member(cluster, id);
    uint64_t index = member->memory.damaged;

    for (uint32_t i = 0; member->is_up && index != 0 && i < cluster->member_count; i++) {
        const struct raft_member *other = &cluster->members[i];

        if (other->is_up && other != member && other->memory.first <= index &&
            other->memory.last >= index && other->memory.damaged != index &&
            same(other->memory.entries[index], member->memory.entries[index])) {
            raft_cluster_repair(cluster, id);
            judge->repairs++;
            return;
        }
    }
}

static void handle_images(struct judge *judge)
{
    switch (draw(judge, 11)) {
    case 0:
    case 1:
    case 2:
        take_image(judge);
        break;
    case 3:
    case 4:
        forget_entries(judge);
        break;
    case 5:
        install_image(judge, draw_member(judge), judge->images[draw(judge, IMAGES_MAX)]);
        break;
    case 6:
        repair_entry(judge, draw_member(judge));
        break;
    case 7:
    case 8:
        install_news(judge);
        break;
    default:
        offer_images(judge);
        break;
    }
}

/* Most of what can go wrong needs a leader to go away at the wrong moment. */
static uint32_t draw_victim(struct judge *judge)
{
    uint32_t id = draw_member(judge);

    for (uint32_t i = 0; i < judge->cluster->member_count && draw(judge, 4) != 0; i++) {
        const struct raft_member *member = raft_cluster_member(judge->cluster, id);

        if (member->is_up && cc_raft_role(member->core) == CC_RAFT_LEADER) {
            return id;
        }
        id = id % judge->cluster->member_count + 1;
    }
    return id;
}

/* A quorum of voters can read everything, or nobody might ever lead. */
static void damage_entry(struct judge *judge, uint32_t id)
{
    struct raft_cluster *cluster = judge->cluster;
    uint64_t last = raft_cluster_member(cluster, id)->disk.last;
    uint32_t damaged = 1;

    for (uint32_t i = 0; i < cluster->voter_count; i++) {
        damaged += i + 1 != id && cluster->members[i].disk.damaged != 0;
    }
    if (damaged <= (cluster->voter_count - 1) / 2 && last > 20 && draw(judge, 2) == 0) {
        raft_cluster_damage(cluster, id, last - draw(judge, 20));
    }
}

static void break_something(struct judge *judge)
{
    struct raft_cluster *cluster = judge->cluster;
    uint32_t id = draw_victim(judge);
    uint32_t peer = draw_member(judge);
    struct raft_member *member = raft_cluster_member(cluster, id);

    switch (draw(judge, 6)) {
    case 0:
        if (member->is_up) {
            raft_cluster_crash(cluster, id);
            damage_entry(judge, id);
        }
        break;
    case 1:
    case 2:
        if (!member->is_up) {
            raft_cluster_start(cluster, id);
        }
        break;
    case 3:
        raft_cluster_link(cluster, id, peer)->is_cut = draw(judge, 3) == 0;
        break;
    case 4:
        for (uint32_t to = 1; to <= cluster->member_count; to++) {
            raft_cluster_link(cluster, id, to)->is_cut = draw(judge, 2) == 0;
            raft_cluster_link(cluster, to, id)->is_cut = draw(judge, 2) == 0;
        }
        break;
    default:
        for (uint32_t to = 1; to <= cluster->member_count; to++) {
            raft_cluster_link(cluster, id, to)->is_cut = false;
            raft_cluster_link(cluster, to, id)->is_cut = false;
        }
        break;
    }
}

static void take_a_step(struct judge *judge)
{
    uint32_t choice = draw(judge, 1000);

    if (choice < 700) {
        disturb_packet(judge);
    } else if (choice < 850) {
        (void)raft_cluster_store(judge->cluster, draw_member(judge), 1 + draw(judge, 2));
    } else if (choice < 930) {
        pass_time(judge);
    } else if (choice < 980) {
        ask_something(judge);
    } else if (choice < 994) {
        handle_images(judge);
    } else {
        break_something(judge);
    }
}

static void mend(struct judge *judge)
{
    struct raft_cluster *cluster = judge->cluster;

    for (uint32_t from = 1; from <= cluster->member_count; from++) {
        for (uint32_t to = 1; to <= cluster->member_count; to++) {
            raft_cluster_link(cluster, from, to)->is_cut = false;
        }
    }
    for (uint32_t id = 1; id <= cluster->member_count; id++) {
        if (!raft_cluster_member(cluster, id)->is_up) {
            raft_cluster_start(cluster, id);
        }
    }
}

/* J10, within ten election timeouts. */
static void judge_end(struct judge *judge)
{
    struct raft_cluster *cluster = judge->cluster;
    uint32_t leader = 0;

    mend(judge);
    for (uint32_t i = 0; i < 10; i++) {
        raft_cluster_run(cluster, cluster->options.election_timeout_us);
        offer_images(judge);
        for (uint32_t id = 1; id <= cluster->member_count; id++) {
            repair_entry(judge, id);
        }
    }
    for (uint32_t id = 1; id <= cluster->member_count; id++) {
        if (cc_raft_role(raft_cluster_member(cluster, id)->core) == CC_RAFT_LEADER) {
            leader = id;
        }
    }
    if (leader == 0) {
        blame(judge, "J10 no leader when all is well", 0, 0);
        return;
    }
    (void)raft_cluster_step(
        cluster, leader, (struct cc_raft_event){.kind = CC_RAFT_EVENT_PROPOSE, .count = 1});
    raft_cluster_run(cluster, cluster->options.election_timeout_us);
    for (uint32_t id = 1; id <= cluster->member_count; id++) {
        if (cc_raft_commit(raft_cluster_member(cluster, id)->core) !=
            raft_cluster_member(cluster, leader)->memory.last) {
            blame(
                judge, "J10 not everybody has everything", id,
                cc_raft_commit(raft_cluster_member(cluster, id)->core));
        }
        if (cc_raft_stable(raft_cluster_member(cluster, id)->core) !=
            raft_cluster_member(cluster, leader)->memory.last) {
            blame(
                judge, "J10 not everybody can read everything", id,
                cc_raft_stable(raft_cluster_member(cluster, id)->core));
        }
    }
}

/* The shorter, the more leaders come and go between a packet's sending and its arrival. */
static void set_pace(struct cc_raft_options *options, uint64_t timeout_us)
{
    options->election_timeout_us = timeout_us;
    options->heartbeat_interval_us = timeout_us / 5;
    options->promise_us = timeout_us;
    options->promise_us_max = timeout_us;
}

static struct judge *run_seed(uint64_t seed)
{
    static const uint64_t timeouts_us[] = {150000, 40000, 12000};
    static const uint32_t voters[] = {3, 3, 5, 2, 1, 4};
    struct judge *judge = calloc(1, sizeof *judge);

    assert_non_null(judge);
    judge->cluster = raft_cluster_create(voters[seed % 6], seed % 4 == 0);
    judge->prng.state = seed * 7919 + 1;
    judge->cluster->options.seed = seed;
    judge->cluster->options.uncommitted_max = 30;
    set_pace(&judge->cluster->options, timeouts_us[seed / 6 % 3]);
    judge->cluster->options.window_messages = 1 + (uint32_t)(seed % 5);
    judge->cluster->options.append_bytes_max = (1 + draw(judge, 6)) * RAFT_CLUSTER_ENTRY_BYTES;
    judge->cluster->observe = observe;
    judge->cluster->observe_send = observe_send;
    judge->cluster->context = judge;
    for (uint32_t id = 1; id <= judge->cluster->member_count; id++) {
        raft_cluster_start(judge->cluster, id);
    }
    for (uint32_t i = 0; i < STEPS && judge->verdict[0] == '\0'; i++) {
        take_a_step(judge);
    }
    if (judge->verdict[0] == '\0') {
        judge_end(judge);
    }
    return judge;
}

static void a_random_history_breaks_no_rule(void **state)
{
    const char *first = getenv("RAFT_SEED");
    uint64_t from = first == NULL ? 1 : strtoull(first, NULL, 10);
    uint64_t count = first == NULL ? 2400 : 1;
    uint64_t committed = 0;
    uint64_t confirmed = 0;
    uint64_t leases = 0;
    uint64_t kept = 0;
    uint64_t dropped = 0;
    uint64_t conflicts = 0;
    uint64_t needed = 0;
    uint64_t repairs = 0;
    uint64_t images_that_repair = 0;

    (void)state;
    for (uint64_t seed = from; seed < from + count; seed++) {
        struct judge *judge = run_seed(seed);

        committed += judge->commit;
        confirmed += judge->reads_confirmed;
        leases += judge->leases_seen;
        kept += judge->installs_kept;
        dropped += judge->installs_dropped;
        conflicts += judge->conflicts;
        needed += judge->needed;
        repairs += judge->repairs;
        images_that_repair += judge->images_that_repair;
        if (judge->verdict[0] != '\0') {
            fail_msg(
                "seed %llu: %s (RAFT_SEED=%llu runs it alone)", (unsigned long long)seed,
                judge->verdict, (unsigned long long)seed);
        }
        raft_cluster_destroy(judge->cluster);
        free(judge);
    }

    print_message(
        "committed %llu, reads %llu, leases seen %llu, images installed %llu and %llu, "
        "%llu over a conflict, needed %llu; repairs %llu, by an image %llu\n",
        (unsigned long long)committed, (unsigned long long)confirmed, (unsigned long long)leases,
        (unsigned long long)kept, (unsigned long long)dropped, (unsigned long long)conflicts,
        (unsigned long long)needed, (unsigned long long)repairs,
        (unsigned long long)images_that_repair);

    /* A schedule under which nothing happens proves nothing. */
    if (first == NULL) {
        assert_true(committed > 40 * count);
        assert_true(confirmed > 5 * count);
        assert_true(leases > 50 * count);
        assert_true(kept > count / 2);
        assert_true(dropped > count);
        assert_true(repairs > count / 10);
        assert_true(images_that_repair > count / 100);
        assert_true(conflicts > count / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_random_history_breaks_no_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story -- see story.h.  A is a member's number, A->B a direction, A-B a pair.
 *
 *     members V [learners L]          a cluster; first of all
 *     option NAME NUMBER              before a start; names as in struct cc_raft_options, times in
 * ms disk A term T vote V log T1 T2  what A finds when it starts start A|all   restart A   crash A
 *     elect A                         A times out and wins; everything is delivered and stored
 *     timeout A                       the time comes at which A wants to be woken, and it is
 *     wake A                          A is woken, whatever the time
 *     advance MS                      time passes, and nobody notices
 *     run MS                          time passes; everything arrives and is stored at once
 *     deliver A->B [N]|all            the oldest packets; N at most (1)
 *     last A->B                       the newest packet overtakes the others
 *     drop A->B [N]   dup A->B        the oldest packets vanish; the oldest is copied to the end
 *     forge A->B vote|append TERM     a packet that A never sent
 *     keep A->B   replay              remembers the oldest packet; sends it again
 *     store A [N]|all                 the oldest writes reach the disk; without N all of them
 *     settle                          deliver all and store all until nothing is left
 *     cut A-B|A   heal A-B|A|all      a link, or all links of A, swallow packets silently
 *     disconnect A-B   connect A-B    the same, but both sides are told
 *     propose A [N]   read A   transfer A->B   stall A   unstall A
 *     image A [H]                     A has an image at H (its commit index) on its disk
 *     forget A H                      A's log lets go of what is at or below H
 *     install A->B [H]                B gets A's image, or the one A had at H
 *     status   log A|all   waiting    what there is to see
 *     quiet COMMAND                   plays it, and shows only who became what
 */
#include "story.h"

#include "raft_cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 32u
#define WORDS_MAX 24u
#define LINE_SIZE_MAX 256u

struct story {
    struct story_text *seen;
    struct raft_cluster *cluster;
    char commands[COMMANDS_MAX][LINE_SIZE_MAX];
    unsigned command_count;
    char *words[WORDS_MAX];
    unsigned word_count;
    bool is_quiet;
    struct raft_packet kept;
};

void story_text_add(struct story_text *text, const char *bytes, size_t size)
{
    if (text->size + size > text->capacity) {
        text->capacity = (text->size + size) * 2;
        text->data = realloc(text->data, text->capacity);
        if (text->data == NULL) {
            abort();
        }
    }
    memcpy(text->data + text->size, bytes, size);
    text->size += size;
}

__attribute__((format(printf, 2, 3))) static void say(struct story *story, const char *format, ...)
{
    char line[512];
    va_list arguments;

    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (size > 0) {
        story_text_add(
            story->seen, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
    }
}

/* ---- columns -----------------------------------------------------------------------------------
 */

static const char *role_name(enum cc_raft_role role)
{
    static const char *const names[] = {"follower", "precandidate", "candidate", "leader"};

    return names[role];
}

static const char *status_name(copycat_status status)
{
    switch (status) {
    case COPYCAT_OK:
        return "ok";
    case COPYCAT_ERR_BUSY:
        return "busy";
    case COPYCAT_ERR_NO_LEADER:
        return "no leader";
    case COPYCAT_ERR_MALFORMED:
        return "malformed";
    case COPYCAT_ERR_INVALID:
        return "invalid";
    default:
        return "?";
    }
}

static void say_runs(struct story *story, const struct cc_raft_message *message)
{
    for (uint32_t i = 0; i < message->run_count; i++) {
        uint64_t end = i + 1 < message->run_count ? message->runs[i + 1].first - 1
                                                  : message->prev_index + message->entry_count;

        say(story, " [%llu..%llu t%llu]", (unsigned long long)message->runs[i].first,
            (unsigned long long)end, (unsigned long long)message->runs[i].term);
    }
}

static void say_append_reply(struct story *story, const struct cc_raft_message *message)
{
    if (message->is_accepted) {
        say(story, "match %llu", (unsigned long long)message->match);
    } else {
        say(story, "refused, try %llu:t%llu", (unsigned long long)message->hint_index,
            (unsigned long long)message->hint_term);
    }
    say(story, " round %llu sent %llu.%01llu promise %llu", (unsigned long long)message->round,
        (unsigned long long)(message->sent_at_us / 1000),
        (unsigned long long)(message->sent_at_us % 1000 / 100),
        (unsigned long long)(message->promise_us / 1000));
}

static void say_message(struct story *story, const struct cc_raft_message *message)
{
    switch (message->kind) {
    case CC_RAFT_VOTE:
        say(story, "%-13s t%llu last %llu:t%llu%s", message->is_prevote ? "PREVOTE" : "VOTE",
            (unsigned long long)message->term, (unsigned long long)message->last_index,
            (unsigned long long)message->last_term, message->is_transfer ? " transfer" : "");
        break;
    case CC_RAFT_VOTE_REPLY:
        say(story, "%-13s t%llu %s", message->is_prevote ? "PREVOTE REPLY" : "VOTE REPLY",
            (unsigned long long)message->term, message->is_granted ? "granted" : "refused");
        break;
    case CC_RAFT_APPEND:
        say(story, "%-13s t%llu prev %llu:t%llu", "APPEND", (unsigned long long)message->term,
            (unsigned long long)message->prev_index, (unsigned long long)message->prev_term);
        say_runs(story, message);
        say(story, " commit %llu round %llu", (unsigned long long)message->commit,
            (unsigned long long)message->round);
        break;
    case CC_RAFT_APPEND_REPLY:
        say(story, "%-13s t%llu ", "APPEND REPLY", (unsigned long long)message->term);
        say_append_reply(story, message);
        break;
    case CC_RAFT_TIMEOUT_NOW:
        say(story, "%-13s t%llu", "TIMEOUT NOW", (unsigned long long)message->term);
        break;
    }
}

static void say_event(struct story *story, const struct cc_raft_event *event)
{
    switch (event->kind) {
    case CC_RAFT_EVENT_START:
        say(story, "start");
        break;
    case CC_RAFT_EVENT_RECEIVE:
        say(story, "< %u ", event->message->from);
        say_message(story, event->message);
        break;
    case CC_RAFT_EVENT_STORED:
        say(story, "stored");
        break;
    case CC_RAFT_EVENT_SENT:
        say(story, "sent to %u through %llu", event->peer, (unsigned long long)event->index);
        break;
    case CC_RAFT_EVENT_PROPOSE:
        say(story, "propose %u", event->count);
        break;
    case CC_RAFT_EVENT_READ:
        say(story, "read");
        break;
    case CC_RAFT_EVENT_TIMEOUT:
        say(story, "timeout");
        break;
    case CC_RAFT_EVENT_TRANSFER:
        say(story, "transfer to %u", event->peer);
        break;
    case CC_RAFT_EVENT_STALLED:
        say(story, "disk stalled");
        break;
    case CC_RAFT_EVENT_UNSTALLED:
        say(story, "disk works again");
        break;
    case CC_RAFT_EVENT_DAMAGED:
        say(story, "cannot read %llu any more", (unsigned long long)event->index);
        break;
    case CC_RAFT_EVENT_REPAIRED:
        say(story, "repaired up to %llu", (unsigned long long)event->index);
        break;
    case CC_RAFT_EVENT_PEER_UP:
        say(story, "%u is connected", event->peer);
        break;
    case CC_RAFT_EVENT_PEER_DOWN:
        say(story, "%u is disconnected", event->peer);
        break;
    case CC_RAFT_EVENT_FORGOTTEN:
        say(story, "forgotten through %llu", (unsigned long long)event->index);
        break;
    case CC_RAFT_EVENT_FETCHING:
        say(story, "%u gets an image at %llu", event->peer, (unsigned long long)event->index);
        break;
    case CC_RAFT_EVENT_INSTALL:
        say(story, "an image at %llu:t%llu", (unsigned long long)event->index,
            (unsigned long long)event->term);
        break;
    }
}

#define INDENT "           "

static void say_durable(struct story *story, const struct raft_step *step)
{
    const struct cc_raft_effects *effects = step->effects;

    if (effects->store) {
        say(story, INDENT "write term %llu vote %u\n",
            (unsigned long long)cc_raft_term(step->member->core), cc_raft_vote(step->member->core));
    }
    if (effects->truncate_from != 0) {
        say(story, INDENT "truncate from %llu\n", (unsigned long long)effects->truncate_from);
    }
    if (effects->install_index != 0) {
        say(story, INDENT "install %llu, %s\n", (unsigned long long)effects->install_index,
            effects->keep_tail ? "keep the tail" : "drop the log");
    }
    if (effects->append_source != CC_RAFT_APPEND_NOTHING) {
        say(story, INDENT "append %llu..%llu%s\n", (unsigned long long)effects->append_first,
            (unsigned long long)effects->append_last,
            effects->append_source == CC_RAFT_APPEND_NOOP ? " no-op" : "");
    }
}

static void say_effects(struct story *story, const struct raft_step *step)
{
    const struct cc_raft_effects *effects = step->effects;
    const struct cc_raft *core = step->member->core;

    say_durable(story, step);
    if (effects->became) {
        say(story, INDENT "%s of term %llu, leader %u\n", role_name(cc_raft_role(core)),
            (unsigned long long)cc_raft_term(core), cc_raft_leader(core));
    }
    if (effects->commit != 0) {
        say(story, INDENT "commit %llu\n", (unsigned long long)effects->commit);
    }
    if (effects->read_round != 0) {
        say(story, INDENT "read at %llu after round %llu\n",
            (unsigned long long)effects->read_index, (unsigned long long)effects->read_round);
    }
    if (effects->round_confirmed) {
        say(story, INDENT "round %llu confirmed\n",
            (unsigned long long)cc_raft_round_confirmed(core));
    }
    if (effects->transfer_ended) {
        say(story, INDENT "transfer ended\n");
    }
    for (uint32_t i = 0; i < effects->send_count; i++) {
        if (effects->sends[i].after != 0) {
            say(story, INDENT "> %u waits for the disk: ", effects->sends[i].message.to);
            say_message(story, &effects->sends[i].message);
            say(story, "\n");
        }
    }
}

static bool has_effects(const struct cc_raft_effects *effects)
{
    return effects->ticket != 0 || effects->became || effects->commit != 0 ||
           effects->send_count > 0;
}

static void observe(void *context, const struct raft_step *step)
{
    struct story *story = context;
    const struct cc_raft *core = step->member->core;

    if (story->is_quiet) {
        if (step->status == COPYCAT_OK && step->effects->became) {
            say(story, "%7.1f  %u %s of term %llu, leader %u\n",
                (double)story->cluster->now_us / 1000.0, step->member->id,
                role_name(cc_raft_role(core)), (unsigned long long)cc_raft_term(core),
                cc_raft_leader(core));
        }
        return;
    }
    if (step->event->kind == CC_RAFT_EVENT_SENT && !has_effects(step->effects)) {
        return; /* follows from the line before */
    }
    say(story, "%7.1f  %u ", (double)story->cluster->now_us / 1000.0, step->member->id);
    say_event(story, step->event);
    if (step->status != COPYCAT_OK) {
        say(story, ": %s\n", status_name(step->status));
        return;
    }
    say(story, "\n");
    say_effects(story, step);
}

static void observe_send(void *context, const struct raft_packet *packet, bool is_lost)
{
    struct story *story = context;

    if (!story->is_quiet) {
        say(story, INDENT "%u > %u ", packet->message.from, packet->message.to);
        say_message(story, &packet->message);
        say(story, "%s\n", is_lost ? " (lost)" : "");
    }
}

/* ---- words -------------------------------------------------------------------------------------
 */

static void complain(struct story *story, const char *what)
{
    say(story, "? %s\n", what);
}

static const char *word(const struct story *story, unsigned at)
{
    return at < story->word_count ? story->words[at] : "";
}

static uint32_t number(const struct story *story, unsigned at, uint32_t otherwise)
{
    return at < story->word_count ? (uint32_t)strtoul(story->words[at], NULL, 10) : otherwise;
}

/* A member's number in `at`, or 0. */
static uint32_t member(const struct story *story, unsigned at)
{
    uint32_t id = number(story, at, 0);

    return story->cluster != NULL && id <= story->cluster->member_count ? id : 0;
}

/* A->B or A-B in word 1; false if it is neither. */
static bool pair(const struct story *story, uint32_t *a_out, uint32_t *b_out)
{
    const char *text = word(story, 1);
    const char *dash = strchr(text, '-');

    if (dash == NULL || story->cluster == NULL) {
        return false;
    }
    *a_out = (uint32_t)strtoul(text, NULL, 10);
    *b_out = (uint32_t)strtoul(dash + (dash[1] == '>' ? 2 : 1), NULL, 10);
    return *a_out >= 1 && *b_out >= 1 && *a_out <= story->cluster->member_count &&
           *b_out <= story->cluster->member_count && *a_out != *b_out;
}

/* ---- what there is to see -----------------------------------------------------------------------
 */

static void say_lease(struct story *story, const struct raft_member *shown)
{
    uint64_t until = cc_raft_lease_until(shown->core);

    if (until == UINT64_MAX) {
        say(story, " lease for ever");
    } else if (until > story->cluster->now_us) {
        say(story, " lease until %.1f", (double)until / 1000.0);
    }
}

static void status(struct story *story)
{
    for (uint32_t i = 0; i < story->cluster->member_count; i++) {
        const struct raft_member *shown = &story->cluster->members[i];
        const struct cc_raft *core = shown->core;

        if (!shown->is_up) {
            say(story, "%u down\n", shown->id);
            continue;
        }
        say(story, "%u %-12s term %llu vote %u leader %u last %llu stable %llu commit %llu",
            shown->id, role_name(cc_raft_role(core)), (unsigned long long)cc_raft_term(core),
            cc_raft_vote(core), cc_raft_leader(core), (unsigned long long)cc_raft_last(core),
            (unsigned long long)cc_raft_stable(core), (unsigned long long)cc_raft_commit(core));
        for (uint32_t peer = 1;
             cc_raft_role(core) == CC_RAFT_LEADER && peer <= story->cluster->member_count; peer++) {
            if (peer != shown->id) {
                say(story, "%s%u:%llu%s", peer == (shown->id == 1 ? 2u : 1u) ? " match " : " ",
                    peer, (unsigned long long)cc_raft_match(core, peer),
                    cc_raft_needs_image(core, peer) ? " (needs an image)" : "");
            }
        }
        say_lease(story, shown);
        say(story, "\n");
    }
}

static void say_log(struct story *story, const struct raft_member *shown)
{
    const struct raft_state *log = shown->is_up ? &shown->memory : &shown->disk;

    say(story, "%u%s", shown->id, shown->is_up ? "" : " (disk)");
    if (log->base > 0) {
        say(story, " image at %llu,", (unsigned long long)log->base);
    }
    for (uint64_t i = log->first; i <= log->last; i++) {
        say(story, " %llu:t%llu", (unsigned long long)i, (unsigned long long)log->entries[i].term);
    }
    say(story, "\n");
}

static void logs(struct story *story)
{
    uint32_t only = member(story, 1);

    for (uint32_t id = 1; id <= story->cluster->member_count; id++) {
        if (only == 0 || only == id) {
            say_log(story, raft_cluster_member(story->cluster, id));
        }
    }
}

static void waiting(struct story *story)
{
    for (uint32_t from = 1; from <= story->cluster->member_count; from++) {
        for (uint32_t to = 1; to <= story->cluster->member_count; to++) {
            const struct raft_link *link = raft_cluster_link(story->cluster, from, to);

            for (uint32_t i = 0; i < link->count; i++) {
                say(story, "%u > %u ", from, to);
                say_message(story, &link->packets[i].message);
                say(story, "\n");
            }
        }
    }
}

/* ---- commands ----------------------------------------------------------------------------------
 */

static void make(struct story *story)
{
    if (story->cluster != NULL) {
        complain(story, "there is a cluster");
        return;
    }
    story->cluster = raft_cluster_create(
        number(story, 1, 3), strcmp(word(story, 2), "learners") == 0 ? number(story, 3, 0) : 0);
    story->cluster->observe = observe;
    story->cluster->observe_send = observe_send;
    story->cluster->context = story;
}

static void option(struct story *story)
{
    struct cc_raft_options *options = &story->cluster->options;
    uint32_t value = number(story, 2, 0);

    if (strcmp(word(story, 1), "election_timeout") == 0) {
        options->election_timeout_us = value * UINT64_C(1000);
    } else if (strcmp(word(story, 1), "promise") == 0) {
        options->promise_us = value * UINT64_C(1000);
    } else if (strcmp(word(story, 1), "promise_max") == 0) {
        options->promise_us_max = value * UINT64_C(1000);
    } else if (strcmp(word(story, 1), "drift_ppm_max") == 0) {
        options->drift_ppm_max = value;
    } else if (strcmp(word(story, 1), "window_messages") == 0) {
        options->window_messages = value;
    } else if (strcmp(word(story, 1), "window_entries") == 0) {
        options->window_bytes = value * RAFT_CLUSTER_ENTRY_BYTES;
    } else if (strcmp(word(story, 1), "append_entries") == 0) {
        options->append_bytes_max = value * RAFT_CLUSTER_ENTRY_BYTES;
    } else if (strcmp(word(story, 1), "uncommitted_max") == 0) {
        options->uncommitted_max = value;
    } else {
        complain(story, "no such option");
    }
}

/* disk A term T vote V log T1 T2 ... */
static void disk(struct story *story)
{
    uint64_t terms[WORDS_MAX];
    uint32_t count = 0;

    for (unsigned i = 7; i < story->word_count; i++) {
        terms[count++] = number(story, i, 0);
    }
    raft_cluster_disk(
        story->cluster, member(story, 1), number(story, 3, 0), number(story, 5, 0), terms, count);
}

static void start(struct story *story)
{
    uint32_t only = member(story, 1);

    for (uint32_t id = 1; id <= story->cluster->member_count; id++) {
        if ((only == 0 || only == id) && !raft_cluster_member(story->cluster, id)->is_up) {
            raft_cluster_start(story->cluster, id);
        }
    }
}

static void step(struct story *story, enum cc_raft_event_kind kind)
{
    struct cc_raft_event event = {.kind = kind, .count = number(story, 2, 1)};
    uint32_t id = number(story, 1, 0);

    if (kind == CC_RAFT_EVENT_TRANSFER && !pair(story, &id, &event.peer)) {
        complain(story, "transfer A->B");
        return;
    }
    if (!raft_cluster_member(story->cluster, id)->is_up) {
        complain(story, "it is down");
        return;
    }
    (void)raft_cluster_step(story->cluster, id, event);
}

static void timeout(struct story *story)
{
    uint64_t wake_us = raft_cluster_member(story->cluster, member(story, 1))->wake_at_us;

    if (wake_us > story->cluster->now_us) {
        story->cluster->now_us = wake_us;
    }
    step(story, CC_RAFT_EVENT_TIMEOUT);
}

static void elect(struct story *story)
{
    story->is_quiet = true;
    timeout(story);
    raft_cluster_settle(story->cluster);
}

static void deliver(struct story *story)
{
    uint32_t from;
    uint32_t to;

    if (strcmp(word(story, 1), "all") == 0) {
        /* One round: what is on its way now, and not what comes of it. */
        uint32_t counts[RAFT_CLUSTER_MEMBERS_MAX][RAFT_CLUSTER_MEMBERS_MAX] = {{0}};

        for (from = 1; from <= story->cluster->member_count; from++) {
            for (to = 1; to <= story->cluster->member_count; to++) {
                counts[from - 1][to - 1] = raft_cluster_link(story->cluster, from, to)->count;
            }
        }
        for (from = 1; from <= story->cluster->member_count; from++) {
            for (to = 1; to <= story->cluster->member_count; to++) {
                for (; counts[from - 1][to - 1] > 0; counts[from - 1][to - 1]--) {
                    (void)raft_cluster_deliver(story->cluster, from, to, 0);
                }
            }
        }
        return;
    }
    if (!pair(story, &from, &to) || raft_cluster_link(story->cluster, from, to)->count == 0) {
        complain(story, "nothing to deliver");
        return;
    }
    for (uint32_t left = number(story, 2, 1);
         left > 0 && raft_cluster_link(story->cluster, from, to)->count > 0; left--) {
        (void)raft_cluster_deliver(story->cluster, from, to, 0);
    }
}

/* The commands that handle single packets: last, drop, dup, keep. */
static void handle_packet(struct story *story)
{
    const char *name = word(story, 0);
    uint32_t from;
    uint32_t to;

    if (!pair(story, &from, &to) || raft_cluster_link(story->cluster, from, to)->count == 0) {
        complain(story, "no packet there");
        return;
    }

    struct raft_link *link = raft_cluster_link(story->cluster, from, to);

    if (strcmp(name, "last") == 0) {
        (void)raft_cluster_deliver(story->cluster, from, to, link->count - 1);
    } else if (strcmp(name, "drop") == 0) {
        for (uint32_t left = number(story, 2, 1); left > 0 && link->count > 0; left--) {
            raft_cluster_drop(story->cluster, from, to, 0);
        }
    } else {
        story->kept = link->packets[0];
        if (strcmp(name, "dup") == 0) {
            raft_cluster_insert(story->cluster, &story->kept);
        }
    }
}

static void store(struct story *story)
{
    if (strcmp(word(story, 1), "all") == 0) {
        for (uint32_t id = 1; id <= story->cluster->member_count; id++) {
            (void)raft_cluster_store(story->cluster, id, UINT32_MAX);
        }
    } else if (!raft_cluster_store(
                   story->cluster, number(story, 1, 0), number(story, 2, UINT32_MAX))) {
        complain(story, "nothing to store");
    }
}

static void set_cut(struct story *story, bool is_cut)
{
    uint32_t a = 0;
    uint32_t b = 0;
    bool is_pair = pair(story, &a, &b);
    bool is_directed = strstr(word(story, 1), "->") != NULL;
    uint32_t alone = member(story, 1);

    for (uint32_t from = 1; from <= story->cluster->member_count; from++) {
        for (uint32_t to = 1; to <= story->cluster->member_count; to++) {
            bool is_meant = is_pair
                                ? (from == a && to == b) || (!is_directed && from == b && to == a)
                                : alone == 0 || from == alone || to == alone;

            if (is_meant) {
                raft_cluster_link(story->cluster, from, to)->is_cut = is_cut;
            }
        }
    }
}

static void set_connected(struct story *story, bool is_connected)
{
    uint32_t a;
    uint32_t b;

    if (!pair(story, &a, &b)) {
        complain(story, "connect A-B");
        return;
    }
    raft_cluster_connect(story->cluster, a, b, is_connected);
}

static void crash(struct story *story)
{
    if (raft_cluster_member(story->cluster, number(story, 1, 0))->is_up) {
        raft_cluster_crash(story->cluster, number(story, 1, 0));
    }
}

static void advance(struct story *story)
{
    story->cluster->now_us += number(story, 1, 0) * UINT64_C(1000);
}

static void run(struct story *story)
{
    raft_cluster_run(story->cluster, number(story, 1, 0) * UINT64_C(1000));
}

static void settle(struct story *story)
{
    raft_cluster_settle(story->cluster);
}

static void replay(struct story *story)
{
    raft_cluster_insert(story->cluster, &story->kept);
}

static void forge(struct story *story)
{
    struct raft_packet packet = {.message = {.kind = CC_RAFT_VOTE}};

    if (!pair(story, &packet.message.from, &packet.message.to)) {
        complain(story, "forge A->B");
        return;
    }
    if (strcmp(word(story, 2), "append") == 0) {
        packet.message.kind = CC_RAFT_APPEND;
    }
    packet.message.term = strtoull(word(story, 3), NULL, 10);
    raft_cluster_insert(story->cluster, &packet);
}

static void cut(struct story *story)
{
    set_cut(story, true);
}

static void heal(struct story *story)
{
    set_cut(story, false);
}

static void join(struct story *story)
{
    set_connected(story, true);
}

static void part(struct story *story)
{
    set_connected(story, false);
}

static void wake(struct story *story)
{
    step(story, CC_RAFT_EVENT_TIMEOUT);
}

static void propose(struct story *story)
{
    step(story, CC_RAFT_EVENT_PROPOSE);
}

static void ask_read(struct story *story)
{
    step(story, CC_RAFT_EVENT_READ);
}

static void transfer(struct story *story)
{
    step(story, CC_RAFT_EVENT_TRANSFER);
}

static void stall(struct story *story)
{
    step(story, CC_RAFT_EVENT_STALLED);
}

static void unstall(struct story *story)
{
    step(story, CC_RAFT_EVENT_UNSTALLED);
}

static void image(struct story *story)
{
    const struct raft_member *shown = raft_cluster_member(story->cluster, number(story, 1, 0));

    if (!shown->is_up ||
        !raft_cluster_image(
            story->cluster, shown->id, number(story, 2, (uint32_t)cc_raft_commit(shown->core)))) {
        complain(story, "no image of that");
    }
}

static void forget(struct story *story)
{
    if (!raft_cluster_member(story->cluster, number(story, 1, 0))->is_up) {
        complain(story, "it is down");
        return;
    }
    raft_cluster_forget(story->cluster, number(story, 1, 0), number(story, 2, 0));
}

static void install(struct story *story)
{
    uint32_t from;
    uint32_t to;

    if (!pair(story, &from, &to) || !raft_cluster_member(story->cluster, to)->is_up) {
        complain(story, "install A->B");
        return;
    }

    const struct raft_state *source = &raft_cluster_member(story->cluster, from)->disk;
    uint64_t index = number(story, 2, (uint32_t)source->base);

    if (index == 0 || index > source->base) {
        complain(story, "it has no such image");
        return;
    }
    (void)raft_cluster_install(story->cluster, to, index, source->entries);
}

static const struct {
    const char *name;
    void (*play)(struct story *story);
} commands[] = {
    {"members", make},
    {"option", option},
    {"disk", disk},
    {"start", start},
    {"restart", start},
    {"crash", crash},
    {"elect", elect},
    {"timeout", timeout},
    {"wake", wake},
    {"advance", advance},
    {"run", run},
    {"deliver", deliver},
    {"last", handle_packet},
    {"drop", handle_packet},
    {"dup", handle_packet},
    {"keep", handle_packet},
    {"replay", replay},
    {"forge", forge},
    {"store", store},
    {"settle", settle},
    {"cut", cut},
    {"heal", heal},
    {"connect", join},
    {"disconnect", part},
    {"propose", propose},
    {"read", ask_read},
    {"transfer", transfer},
    {"stall", stall},
    {"unstall", unstall},
    {"image", image},
    {"forget", forget},
    {"install", install},
    {"status", status},
    {"log", logs},
    {"waiting", waiting},
};

static void split(struct story *story, char *line)
{
    story->word_count = 0;
    for (char *at = strtok(line, " "); at != NULL && story->word_count < WORDS_MAX;
         at = strtok(NULL, " ")) {
        story->words[story->word_count++] = at;
    }
}

static void play_line(struct story *story, char *line)
{
    split(story, line);
    story->is_quiet = strcmp(word(story, 0), "quiet") == 0;
    if (story->is_quiet) {
        story->word_count--;
        memmove(story->words, story->words + 1, story->word_count * sizeof *story->words);
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].name, word(story, 0)) == 0) {
            if (story->cluster == NULL && i != 0) {
                complain(story, "members first");
            } else {
                commands[i].play(story);
            }
            return;
        }
    }
    complain(story, "no such command");
}

void story_play(struct story *story)
{
    for (unsigned i = 0; i < story->command_count; i++) {
        play_line(story, story->commands[i]);
    }
    story->command_count = 0;
}

void story_command(struct story *story, const char *line)
{
    if (story->command_count < COMMANDS_MAX && strlen(line) < LINE_SIZE_MAX) {
        memcpy(story->commands[story->command_count++], line, strlen(line) + 1);
    } else {
        complain(story, "too many commands, or too long a line");
    }
}

struct story *story_create(struct story_text *seen)
{
    struct story *story = calloc(1, sizeof *story);

    if (story == NULL) {
        abort();
    }
    story->seen = seen;
    return story;
}

void story_destroy(struct story *story)
{
    if (story->cluster != NULL) {
        story->cluster->observe = NULL;
        story->cluster->observe_send = NULL;
        raft_cluster_destroy(story->cluster);
    }
    free(story);
}

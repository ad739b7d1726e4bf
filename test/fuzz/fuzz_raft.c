/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_raft -- one core under events that nobody in his right mind would send it.
 *
 * The bytes say which events come, and what hostile peers write into their messages.  Some answers
 * are those of an honest peer, or the core would seldom come to lead.  The driver's side is honest:
 * it stores what it is told to, in order, and says SENT for what it was asked to send.  Whatever
 * comes, the core keeps its own promises (its assertions), what it calls stable is what was stored,
 * and what is refused has no effects.
 */
#include "base/assert.h"
#include "raft/raft.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 400u
#define PEERS 4u
#define LETTERS 16u
#define ENTRY_BYTES 100u

struct input {
    const uint8_t *bytes;
    size_t size;
};

/* A message that has been sent and may be answered. */
struct letter {
    struct cc_raft_message message;
    uint64_t after;
    uint64_t last; /* APPEND: of the entries in it */
};

struct driver {
    struct cc_raft *core;
    struct cc_raft_effects effects;
    uint64_t now_us;
    uint64_t last;    /* end of the log, as effects have made it */
    uint64_t ticket;  /* newest that was handed out */
    uint64_t durable; /* newest that STORED was said for */
    struct letter letters[LETTERS];
    uint32_t letter_count; /* ever written */
};

static void *resize(void *context, void *block, size_t size)
{
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

static const struct cc_memory heap = {resize, NULL};

static uint8_t take(struct input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->bytes++;
}

/* Mostly near `base`, sometimes far out. */
static uint64_t near_to(struct input *input, uint64_t base)
{
    uint8_t choice = take(input);

    switch (choice >> 5) {
    case 0:
        return choice & 31u;
    case 1:
        return base > (choice & 31u) ? base - (choice & 31u) : 0;
    case 2:
        return UINT64_MAX - (choice & 31u);
    case 3:
        return (UINT64_C(1) << (choice & 31u)) << (take(input) & 31u);
    default:
        return base + (choice & 7u) - 2;
    }
}

static void take_runs(
    struct input *input, const struct driver *driver, struct cc_raft_message *message)
{
    uint64_t first = message->prev_index + 1;
    uint64_t term = message->prev_term;

    message->entry_count = take(input) % 20u;
    message->run_count = message->entry_count == 0 ? 0 : 1u + take(input) % 3u;
    if (take(input) > 250) {
        message->run_count = take(input);
    }
    for (uint32_t i = 0; i < message->run_count && i < CC_RUNS_PER_APPEND_MAX; i++) {
        term = i == 0 && take(input) > 64 ? cc_raft_term(driver->core) : near_to(input, term + 2);
        message->runs[i] = (struct cc_raft_run){first, term};
        first = take(input) > 250 ? near_to(input, first) : first + 1u + take(input) % 8u;
    }
}

static struct cc_raft_message take_message(struct input *input, const struct driver *driver)
{
    const struct cc_raft *core = driver->core;
    struct cc_raft_message message = {.kind = (enum cc_raft_message_kind)(take(input) % 5u)};
    uint8_t flags = take(input);

    message.from = (flags & 192u) == 192u ? take(input) : 2u + take(input) % PEERS;
    message.to = take(input) > 250 ? take(input) : 1u;
    message.term = near_to(input, cc_raft_term(core) + 1);
    message.last_index = near_to(input, driver->last);
    message.last_term = near_to(input, cc_raft_term(core));
    message.is_prevote = (flags & 1u) != 0;
    message.is_transfer = (flags & 2u) != 0;
    message.is_granted = (flags & 4u) != 0;
    message.is_accepted = (flags & 8u) != 0;
    message.prev_index = near_to(input, driver->last);
    message.prev_term = (flags & 16u) != 0 ? near_to(input, cc_raft_term(core))
                                           : cc_raft_term_at(core, message.prev_index);
    message.commit = near_to(input, driver->last);
    message.floor = (flags & 2u) != 0 ? message.commit / 2 : near_to(input, message.commit);
    message.round = near_to(input, cc_raft_round_confirmed(core) + 1);
    message.sent_at_us = near_to(input, driver->now_us);
    message.match = near_to(input, driver->last);
    message.hint_index = near_to(input, driver->last);
    message.hint_term = near_to(input, cc_raft_term(core));
    message.promise_us = (flags & 32u) != 0 ? near_to(input, 0) : 100000;
    take_runs(input, driver, &message);
    return message;
}

static void step(struct driver *driver, struct cc_raft_event event);

static void say_sent(struct driver *driver)
{
    struct cc_raft_effects *effects = malloc(sizeof *effects);

    CC_ASSERT(effects != NULL);
    *effects = driver->effects;
    for (uint32_t i = 0; i < effects->send_count; i++) {
        const struct cc_raft_send *send = &effects->sends[i];

        uint64_t last = send->message.prev_index + send->bytes_max / ENTRY_BYTES;

        CC_ASSERT(send->message.from == 1);
        CC_ASSERT(send->after <= driver->ticket);
        CC_ASSERT(
            send->message.kind != CC_RAFT_APPEND ||
            send->message.prev_index + 1 >= cc_raft_first(driver->core));
        last = last > send->max_index ? send->max_index : last;
        if (send->message.kind == CC_RAFT_APPEND && send->max_index > send->message.prev_index) {
            CC_ASSERT(send->max_index <= driver->last);
            last = last > send->message.prev_index ? last : send->message.prev_index + 1;
            step(
                driver, (struct cc_raft_event){
                            .kind = CC_RAFT_EVENT_SENT,
                            .peer = send->message.to,
                            .index = last,
                            .bytes = (uint32_t)(last - send->message.prev_index) * ENTRY_BYTES,
                        });
        }
        driver->letters[driver->letter_count++ % LETTERS] =
            (struct letter){send->message, send->after, last};
    }
    free(effects);
}

/* The log and the tickets as a driver sees them. */
static void carry_out(struct driver *driver)
{
    const struct cc_raft_effects *effects = &driver->effects;

    if (effects->ticket != 0) {
        CC_ASSERT(effects->ticket > driver->ticket);
        driver->ticket = effects->ticket;
    }
    if (effects->truncate_from != 0) {
        CC_ASSERT(effects->ticket != 0);
        CC_ASSERT(effects->truncate_from <= driver->last);
        driver->last = effects->truncate_from - 1;
    }
    if (effects->install_index != 0) {
        CC_ASSERT(effects->ticket != 0);
        CC_ASSERT(!effects->keep_tail || effects->install_index <= driver->last);
        driver->last = effects->keep_tail ? driver->last : effects->install_index;
    }
    if (effects->append_source != CC_RAFT_APPEND_NOTHING) {
        CC_ASSERT(effects->ticket != 0);
        CC_ASSERT(effects->append_first == driver->last + 1);
        CC_ASSERT(effects->append_last >= effects->append_first);
        driver->last = effects->append_last;
    }
    CC_ASSERT(!effects->store || effects->ticket != 0);
    CC_ASSERT(driver->last == cc_raft_last(driver->core));
    CC_ASSERT(cc_raft_stable(driver->core) <= driver->last);
    CC_ASSERT(cc_raft_commit(driver->core) <= driver->last);
    CC_ASSERT(cc_raft_first(driver->core) <= cc_raft_commit(driver->core) + 1);
    CC_ASSERT(cc_raft_floor(driver->core) <= cc_raft_commit(driver->core));
}

static void step(struct driver *driver, struct cc_raft_event event)
{
    uint64_t term = cc_raft_term(driver->core);
    uint32_t vote = cc_raft_vote(driver->core);
    uint64_t commit = cc_raft_commit(driver->core);
    copycat_status status;

    event.now_us = driver->now_us;
    driver->effects.wake_at_us = 0;
    status = cc_raft_step(driver->core, &event, &driver->effects);
    CC_ASSERT(driver->effects.wake_at_us != 0);
    CC_ASSERT(cc_raft_term(driver->core) >= term);
    CC_ASSERT(cc_raft_term(driver->core) <= CC_TERM_MAX); /* T-011: whatever a message says */
    CC_ASSERT(cc_raft_commit(driver->core) >= commit);
    CC_ASSERT(vote == 0 || cc_raft_term(driver->core) > term || cc_raft_vote(driver->core) == vote);
    if (status != COPYCAT_OK) {
        CC_ASSERT(cc_raft_term(driver->core) == term);
        CC_ASSERT(cc_raft_last(driver->core) == driver->last);
        return;
    }
    carry_out(driver);
    say_sent(driver);
}

/* What a peer with the same log says to a message of ours; false if there is nothing to say. */
static bool answer(
    const struct driver *driver, const struct letter *letter, struct cc_raft_message *reply)
{
    const struct cc_raft_message *message = &letter->message;

    *reply = (struct cc_raft_message){.from = message->to, .to = 1, .term = message->term};
    switch (message->kind) {
    case CC_RAFT_VOTE:
        reply->kind = CC_RAFT_VOTE_REPLY;
        reply->is_prevote = message->is_prevote;
        reply->is_granted = true;
        return letter->after <= driver->durable;
    case CC_RAFT_APPEND:
        reply->kind = CC_RAFT_APPEND_REPLY;
        reply->is_accepted = true;
        reply->match = letter->last;
        reply->round = message->round;
        reply->sent_at_us = message->sent_at_us;
        reply->promise_us = 100000;
        return letter->after <= driver->durable;
    case CC_RAFT_TIMEOUT_NOW:
        reply->kind = CC_RAFT_VOTE;
        reply->is_transfer = true;
        reply->term = message->term + 1;
        reply->last_index = driver->last;
        reply->last_term = cc_raft_term_at(driver->core, driver->last);
        return true;
    default:
        return false;
    }
}

static void play(struct driver *driver, struct input *input)
{
    uint8_t choice = take(input);
    struct cc_raft_event event = {.kind = CC_RAFT_EVENT_TIMEOUT};
    struct cc_raft_message message;

    driver->now_us += UINT64_C(1) << (choice >> 4);
    if (choice % 16 < 4) {
        if (!answer(driver, &driver->letters[take(input) % LETTERS], &message)) {
            return;
        }
        event.kind = CC_RAFT_EVENT_RECEIVE;
        event.message = &message;
    } else if (choice % 16 < 8) {
        message = take_message(input, driver);
        event.kind = CC_RAFT_EVENT_RECEIVE;
        event.message = &message;
    } else if (choice % 16 < 11) {
        uint64_t open = driver->ticket - driver->durable;

        if (open == 0) {
            return;
        }
        driver->durable += 1 + take(input) % open;
        event.kind = CC_RAFT_EVENT_STORED;
        event.ticket = driver->durable;
    } else if (choice % 16 < 13) {
        driver->now_us += take(input) * UINT64_C(4000);
    } else if (choice % 16 == 13) {
        event.kind = CC_RAFT_EVENT_PROPOSE;
        event.count = 1u + take(input) % 4u;
    } else {
        static const enum cc_raft_event_kind rest[] = {
            CC_RAFT_EVENT_READ,      CC_RAFT_EVENT_TRANSFER, CC_RAFT_EVENT_STALLED,
            CC_RAFT_EVENT_UNSTALLED, CC_RAFT_EVENT_PEER_UP,  CC_RAFT_EVENT_PEER_DOWN,
            CC_RAFT_EVENT_FORGOTTEN, CC_RAFT_EVENT_INSTALL,  CC_RAFT_EVENT_FETCHING};

        event.kind = rest[take(input) % 9u];
        event.peer = 2u + take(input) % PEERS;
        if (event.kind == CC_RAFT_EVENT_FORGOTTEN) {
            event.index = cc_raft_commit(driver->core) - take(input) % 4u;
            event.index = event.index > cc_raft_commit(driver->core) ? 0 : event.index;
        } else if (event.kind == CC_RAFT_EVENT_FETCHING) {
            event.index = near_to(input, cc_raft_commit(driver->core));
        } else if (event.kind == CC_RAFT_EVENT_INSTALL) {
            event.index = near_to(input, cc_raft_commit(driver->core) + 4);
            event.term = near_to(input, cc_raft_term(driver->core));
        }
    }
    step(driver, event);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, size};
    static struct driver driver;
    struct cc_raft_options options = {
        .id = 1,
        .member_count = 1 + PEERS,
        .members = {{1, true}, {2, true}, {3, true}, {4, take(&input) % 2 == 0}, {5, false}},
        .seed = take(&input),
        .election_timeout_us = 150000,
        .heartbeat_interval_us = 50000,
        .promise_us = 100000,
        .promise_us_max = 150000,
        .drift_ppm_max = 1000,
        .window_bytes = 1000,
        .window_messages = 1u + take(&input) % CC_RAFT_INFLIGHT_MAX,
        .append_bytes_max = 300,
        .uncommitted_max = 50,
        .run_capacity = 64,
    };
    struct cc_raft_run runs[] = {{1, 1}, {3, 2}, {4, 5}};
    struct cc_raft_start start = {.term = 5, .last_index = 6, .runs = runs, .run_count = 3};

    switch (take(&input) % 3) {
    case 0:
        start = (struct cc_raft_start){.term = 0};
        break;
    case 1:
        start.first_index = 4;
        start.base_index = 5;
        break;
    default:
        break;
    }
    memset(&driver, 0, sizeof driver);
    driver.last = start.last_index;
    CC_ASSERT(cc_raft_create(&driver.core, &heap, &options, &start) == COPYCAT_OK);
    step(&driver, (struct cc_raft_event){.kind = CC_RAFT_EVENT_START});
    for (uint32_t peer = 2; peer < 2 + PEERS; peer++) {
        step(&driver, (struct cc_raft_event){.kind = CC_RAFT_EVENT_PEER_UP, .peer = peer});
    }
    for (unsigned i = 0; i < STEPS_MAX && input.size > 0; i++) {
        play(&driver, &input);
    }
    cc_raft_destroy(driver.core);
    return 0;
}

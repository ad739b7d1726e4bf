/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_cluster -- see fake_cluster.h.
 */
#include "fake_cluster.h"

#include "base/assert.h"
#include "proto/catalog_operation.h"

#include <stdlib.h>
#include <string.h>

#define OUTPUT_MAX (64u << 20)

const char *const fake_addresses[FAKE_SERVERS] = {"s0:1", "s1:1", "s2:1"};

static struct fake_cluster *fake_of(struct cc_env *env)
{
    return env->backend;
}

/* ---- memory, clock, timers, tasks --------------------------------------------------------------
 */

static void *resize(void *context, void *block, size_t size)
{
    struct fake_cluster *fake = context;

    if (size == 0) {
        fake->blocks -= block != NULL;
        free(block);
        return NULL;
    }
    if (fake->is_out_of_memory) {
        return NULL;
    }
    fake->blocks += block == NULL;
    return realloc(block, size);
}

static uint64_t now_us(struct cc_env *env)
{
    return fake_of(env)->now_us;
}

static void entropy(struct cc_env *env, void *data, size_t size)
{
    static uint8_t next;

    (void)env;
    memset(data, ++next, size);
}

static void timer_disarm(struct cc_env *env, struct cc_timer *timer)
{
    struct fake_cluster *fake = fake_of(env);

    for (uint32_t i = 0; i < FAKE_TIMERS_MAX; i++) {
        if (fake->timers[i] == timer) {
            fake->timers[i] = NULL;
        }
    }
    timer->armed = false;
}

static void timer_arm(struct cc_env *env, struct cc_timer *timer, uint64_t deadline_us)
{
    struct fake_cluster *fake = fake_of(env);
    uint32_t i = 0;

    timer_disarm(env, timer);
    while (fake->timers[i] != NULL) {
        i++;
        CC_ASSERT(i < FAKE_TIMERS_MAX);
    }
    fake->timers[i] = timer;
    timer->deadline_us = deadline_us;
    timer->armed = true;
}

static void later(struct cc_env *env, struct cc_task *task)
{
    if (!task->queued) {
        task->queued = true;
        cc_list_append(&fake_of(env)->tasks, &task->node);
    }
}

static void task_cancel(struct cc_env *env, struct cc_task *task)
{
    (void)env;
    if (task->queued) {
        task->queued = false;
        cc_list_remove(&task->node);
    }
}

/* ---- connections -------------------------------------------------------------------------------
 */

static void conn_connect(struct cc_env *env, struct cc_conn *conn, const char *address)
{
    struct fake_cluster *fake = fake_of(env);
    struct fake_link *link = &fake->link;

    CC_ASSERT(link->conn == NULL);
    link->conn = conn;
    while (strcmp(address, fake_addresses[link->server]) != 0) {
        link->server = (link->server + 1) % FAKE_SERVERS;
    }
    link->is_opening = !fake->is_dead[link->server];
    link->is_refused = !link->is_opening;
    cc_frame_decoder_init(&link->decoder, &fake->memory, CC_FRAME_BODY_CLIENT_MAX);
    cc_writer_init(&link->back, &fake->memory, OUTPUT_MAX);
}

static void conn_close(struct cc_env *env, struct cc_conn *conn)
{
    struct fake_link *link = &fake_of(env)->link;

    if (link->conn == conn) {
        link->conn = NULL;
        link->is_opening = link->is_sent = link->is_refused = false;
        cc_frame_decoder_deinit(&link->decoder);
        cc_writer_deinit(&link->back);
    }
}

/* ---- the servers -------------------------------------------------------------------------------
 */

static void say_hello(struct fake_cluster *fake)
{
    struct cc_writer *back = &fake->link.back;
    size_t start = cc_frame_begin(back, CC_MESSAGE_HELLO, 0);
    struct cc_hello hello = {
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .feature_level = CC_FEATURE_LEVEL,
        .kind = CC_HELLO_PEER,
        .server = fake->link.server + 1,
        .cluster_id = {fake->cluster_of[fake->link.server]}};

    hello.members.count = 1; /* a server lists at least itself */
    hello.members.at[0] =
        (struct cc_member){.id = hello.server, .role = CC_ROLE_VOTER, .address = "fake:1"};
    cc_hello_encode(back, &hello);
    cc_frame_end(back, start);
}

static void say(
    struct fake_cluster *fake,
    uint16_t type,
    uint64_t number,
    uint64_t index,
    copycat_status status,
    copycat_bytes result)
{
    struct cc_writer *back = &fake->link.back;
    struct cc_answer answer = {
        .session = FAKE_SESSION,
        .sequence = number,
        .index = index,
        .status = status,
        .result = result};

    if (fake->link.conn != NULL) {
        size_t start = cc_frame_begin(back, type, 0);

        cc_answer_encode(back, &answer);
        cc_frame_end(back, start);
    }
}

static copycat_bytes text(const char *string)
{
    return (copycat_bytes){string, strlen(string)};
}

void fake_answer(
    struct fake_cluster *fake, uint64_t sequence, copycat_status status, const char *result)
{
    say(fake, CC_MESSAGE_ANSWER, sequence, fake->index, status, text(result));
}

void fake_result(struct fake_cluster *fake, uint64_t number, uint64_t index, const char *result)
{
    say(fake, CC_MESSAGE_RESULT, number, index, COPYCAT_OK, text(result));
}

void fake_resend(struct fake_cluster *fake, uint64_t last)
{
    size_t start = cc_frame_begin(&fake->link.back, CC_MESSAGE_RESEND, 0);

    cc_resend_encode(&fake->link.back, &(struct cc_resend){.session = FAKE_SESSION, .last = last});
    cc_frame_end(&fake->link.back, start);
}

void fake_end_session(struct fake_cluster *fake)
{
    size_t start = cc_frame_begin(&fake->link.back, CC_MESSAGE_SESSION_ENDED, 0);

    cc_session_ended_encode(
        &fake->link.back,
        &(struct cc_session_ended){.session = FAKE_SESSION, .status = COPYCAT_ERR_SESSION});
    cc_frame_end(&fake->link.back, start);
}

static void serve_open(struct fake_cluster *fake, const struct cc_frame *frame)
{
    struct cc_session_open open;
    struct cc_session_opened opened = {.status = fake->open_status};
    struct cc_writer *back = &fake->link.back;

    CC_ASSERT(cc_session_open_decode(frame->body, &open));
    memcpy(opened.nonce, open.nonce, CC_NONCE_SIZE);
    opened.nonce[0] ^= fake->confuses_nonces;
    if (fake->is_leaderless[fake->link.server]) {
        opened.status = COPYCAT_ERR_NO_LEADER;
    }
    if (opened.status == COPYCAT_OK) {
        opened.session = FAKE_SESSION;
        opened.timeout_us = open.timeout_us;
    }

    size_t start = cc_frame_begin(back, CC_MESSAGE_SESSION_OPENED, 0);

    cc_session_opened_encode(back, &opened);
    cc_frame_end(back, start);
}

static void serve_keep_alive(struct fake_cluster *fake)
{
    struct cc_kept_alive kept = {.session = FAKE_SESSION};
    struct cc_writer *back = &fake->link.back;

    if (fake->keeps_no_one_alive) {
        return;
    }
    if (fake->is_leaderless[fake->link.server]) {
        kept.status = COPYCAT_ERR_NO_LEADER;
    }

    size_t start = cc_frame_begin(back, CC_MESSAGE_KEPT_ALIVE, 0);

    cc_kept_alive_encode(back, &kept);
    cc_frame_end(back, start);
}

static void answer_catalog(struct fake_cluster *fake, const struct cc_command *command)
{
    uint8_t bytes[2 * CC_VARINT_SIZE_MAX];
    struct cc_writer writer;
    struct cc_catalog_place place = {.instance = 100, .type = 1};

    cc_writer_init_fixed(&writer, bytes, sizeof bytes);
    cc_catalog_place_encode(&writer, &place);
    say(fake, CC_MESSAGE_ANSWER, command->sequence, fake->index, fake->catalog_status,
        (copycat_bytes){writer.data, writer.size});
}

static void run_command(struct fake_cluster *fake, const struct cc_command *command)
{
    fake->last_sequence = command->sequence;
    fake->index++;
    if (command->instance != CC_CATALOG_INSTANCE) {
        CC_ASSERT(fake->run_count < FAKE_RUNS_MAX && command->operation.size > 0);
        fake->runs[fake->run_count++] = *(const char *)command->operation.data;
    }
}

static void serve_command(
    struct fake_cluster *fake, struct fake_seen *seen, const struct cc_frame *frame)
{
    struct cc_command command;

    CC_ASSERT(cc_command_decode(frame->body, &command));
    CC_ASSERT(command.session == FAKE_SESSION);
    seen->number = command.sequence;
    seen->answered = command.answered;
    seen->instance = command.instance;
    if (fake->commands_to_lose > 0) {
        fake->commands_to_lose--;
        return;
    }
    if (fake->is_leaderless[fake->link.server] || fake->command_status != COPYCAT_OK) {
        say(fake, CC_MESSAGE_ANSWER, command.sequence, 0,
            fake->command_status != COPYCAT_OK ? fake->command_status : COPYCAT_ERR_NO_LEADER,
            text(""));
        return;
    }
    if (command.sequence > fake->last_sequence + 1) {
        fake_resend(fake, fake->last_sequence);
        return;
    }
    if (command.sequence == fake->last_sequence + 1) {
        run_command(fake, &command);
    }
    if (command.instance == CC_CATALOG_INSTANCE) {
        answer_catalog(fake, &command);
    } else if (!fake->holds_answers) {
        say(fake, CC_MESSAGE_ANSWER, command.sequence, fake->index, COPYCAT_OK, command.operation);
    }
}

static void serve_query(
    struct fake_cluster *fake, struct fake_seen *seen, const struct cc_frame *frame)
{
    struct cc_query query;

    CC_ASSERT(cc_query_decode(frame->body, &query));
    seen->number = query.number;
    seen->after_index = query.after_index;
    seen->after_sequence = query.after_sequence;
    seen->instance = query.instance;
    if (fake->is_leaderless[fake->link.server]) {
        say(fake, CC_MESSAGE_RESULT, query.number, 0, COPYCAT_ERR_NO_LEADER, text(""));
    } else if (fake->is_behind[fake->link.server]) {
        say(fake, CC_MESSAGE_RESULT, query.number, 0, COPYCAT_ERR_BUSY, text(""));
    } else if (!fake->holds_results) {
        fake_result(
            fake, query.number, fake->result_index != 0 ? fake->result_index : fake->index, "read");
    }
}

static void serve(struct fake_cluster *fake, const struct cc_frame *frame)
{
    struct fake_seen *seen = &fake->seen[fake->seen_count++];

    CC_ASSERT(fake->seen_count < FAKE_RUNS_MAX);
    *seen = (struct fake_seen){.server = fake->link.server, .type = frame->type};
    if (frame->type == CC_MESSAGE_SESSION_OPEN) {
        struct cc_session_open open;

        CC_ASSERT(cc_session_open_decode(frame->body, &open));
        memcpy(seen->nonce, open.nonce, CC_NONCE_SIZE);
    }
    if (fake->is_silent[fake->link.server] ||
        (fake->is_mute[fake->link.server] && frame->type != CC_MESSAGE_HELLO)) {
        return;
    }
    switch (frame->type) {
    case CC_MESSAGE_HELLO:
        say_hello(fake);
        break;
    case CC_MESSAGE_SESSION_OPEN:
        serve_open(fake, frame);
        break;
    case CC_MESSAGE_SESSION_CLOSE:
        fake_end_session(fake);
        break;
    case CC_MESSAGE_KEEP_ALIVE:
        serve_keep_alive(fake);
        break;
    case CC_MESSAGE_COMMAND:
        serve_command(fake, seen, frame);
        break;
    case CC_MESSAGE_QUERY:
        serve_query(fake, seen, frame);
        break;
    default:
        CC_ASSERT(frame->type == 0);
    }
}

static void conn_write(struct cc_env *env, struct cc_conn *conn, const void *data, size_t size)
{
    struct fake_cluster *fake = fake_of(env);
    copycat_bytes input = {data, size};
    struct cc_frame frame;

    CC_ASSERT(fake->link.conn == conn && !fake->link.is_sent);
    fake->link.is_sent = true;
    fake->largest_write = fake->largest_write < size ? size : fake->largest_write;
    while (cc_frame_decoder_next(&fake->link.decoder, &input, &frame)) {
        serve(fake, &frame);
    }
    CC_ASSERT(fake->link.decoder.status == COPYCAT_OK);
}

static const struct cc_env_table table = {
    .now_us = now_us,
    .entropy = entropy,
    .timer_arm = timer_arm,
    .timer_disarm = timer_disarm,
    .later = later,
    .task_cancel = task_cancel,
    .conn_connect = conn_connect,
    .conn_write = conn_write,
    .conn_close = conn_close,
};

/* ---- what happens ------------------------------------------------------------------------------
 */

static void deliver_bytes(struct fake_cluster *fake)
{
    struct cc_writer bytes = fake->link.back;

    cc_writer_init(&fake->link.back, &fake->memory, OUTPUT_MAX);
    fake->link.conn->on_data(fake->link.conn, bytes.data, bytes.size);
    cc_writer_deinit(&bytes);
}

static bool deliver_one(struct fake_cluster *fake)
{
    struct fake_link *link = &fake->link;

    if (link->conn == NULL) {
        return false;
    }
    if (link->is_refused) {
        link->is_refused = false;
        link->conn->on_closed(link->conn);
    } else if (link->is_opening) {
        link->is_opening = false;
        link->conn->on_open(link->conn);
    } else if (link->is_sent) {
        link->is_sent = false;
        link->conn->on_sent(link->conn);
    } else if (link->back.size > 0) {
        deliver_bytes(fake);
    } else {
        return false;
    }
    return true;
}

static bool run_tasks(struct fake_cluster *fake)
{
    struct cc_list last = {NULL, NULL};

    if (cc_list_is_empty(&fake->tasks)) {
        return false;
    }
    cc_list_append(&fake->tasks, &last); /* what is given meanwhile runs in the next pass */
    while (fake->tasks.next != &last) {
        struct cc_task *task = cc_container_of(fake->tasks.next, struct cc_task, node);

        cc_list_remove(&task->node);
        task->queued = false;
        task->run(task);
    }
    cc_list_remove(&last);
    return true;
}

void fake_settle(struct fake_cluster *fake)
{
    bool is_busy = true;

    for (uint32_t passes = 0; is_busy; passes++) {
        CC_ASSERT(passes < 10000);
        is_busy = deliver_one(fake);
        is_busy = run_tasks(fake) || is_busy;
    }
}

static struct cc_timer *earliest(struct fake_cluster *fake)
{
    struct cc_timer *found = NULL;

    for (uint32_t i = 0; i < FAKE_TIMERS_MAX; i++) {
        struct cc_timer *timer = fake->timers[i];

        if (timer != NULL && (found == NULL || timer->deadline_us < found->deadline_us)) {
            found = timer;
        }
    }
    return found;
}

void fake_pass(struct fake_cluster *fake, uint64_t span_us)
{
    uint64_t end = fake->now_us + span_us;
    struct cc_timer *timer;

    fake_settle(fake);
    while ((timer = earliest(fake)) != NULL && timer->deadline_us <= end) {
        fake->now_us = timer->deadline_us < fake->now_us ? fake->now_us : timer->deadline_us;
        timer_disarm(&fake->env, timer);
        timer->fire(timer);
        fake_settle(fake);
    }
    fake->now_us = end;
}

void fake_reset(struct fake_cluster *fake)
{
    if (fake->link.conn != NULL) {
        fake->link.conn->on_closed(fake->link.conn);
    }
    fake_settle(fake);
}

const struct fake_seen *fake_newest(const struct fake_cluster *fake, uint16_t type)
{
    for (uint32_t i = fake->seen_count; i > 0; i--) {
        if (fake->seen[i - 1].type == type) {
            return &fake->seen[i - 1];
        }
    }
    CC_ASSERT(type == 0); /* never sent */
    return NULL;
}

uint32_t fake_count(const struct fake_cluster *fake, uint16_t type)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < fake->seen_count; i++) {
        count += fake->seen[i].type == type;
    }
    return count;
}

void fake_init(struct fake_cluster *fake)
{
    memset(fake, 0, sizeof *fake);
    fake->memory = (struct cc_memory){.resize = resize, .context = fake};
    fake->env = (struct cc_env){.table = &table, .memory = &fake->memory, .backend = fake};
    fake->now_us = 1000000;
    fake->index = 10;
    cc_list_init(&fake->tasks);
}

void fake_deinit(struct fake_cluster *fake)
{
    CC_ASSERT(fake->link.conn == NULL);
    CC_ASSERT(fake->blocks == 0);
    CC_ASSERT(cc_list_is_empty(&fake->tasks));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vectors_test -- what is coded is what docs/wire-format.md says, byte for byte.
 */
#include "proto/catalog_operation.h"
#include "proto/message.h"
#include "support/limited_memory.h"
#include "wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct limited_memory limited;
static struct wire_vector vectors[WIRE_VECTORS_MAX];
static size_t vector_count;
static struct cc_writer writer;

static int setup(void **state)
{
    (void)state;
    limited_memory_init(&limited);
    vector_count = wire_vectors_read(vectors);
    cc_writer_init(&writer, &limited.memory, 65536);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    cc_writer_deinit(&writer);
    return limited.blocks == 0 ? 0 : -1;
}

/* Bytes from `first` on, each one more than the one before. */
static void count_up(uint8_t *target, uint8_t first)
{
    for (uint8_t i = 0; i < 16; i++) {
        target[i] = (uint8_t)(first + i);
    }
}

static struct cc_members members(void)
{
    struct cc_members all = {.count = 2};

    all.at[0] = (struct cc_member){.id = 1, .role = CC_ROLE_VOTER, .address = "a:1"};
    all.at[1] = (struct cc_member){.id = 2, .role = CC_ROLE_LEARNER, .address = "b:2"};
    return all;
}

static void write_hello_client(void)
{
    cc_hello_encode(
        &writer, &(struct cc_hello){
                     .version_min = 1,
                     .version_max = 1,
                     .feature_level = 1,
                     .kind = CC_HELLO_CLIENT,
                 });
}

static void write_hello_peer(void)
{
    struct cc_hello hello = {
        .version_min = 1,
        .version_max = 1,
        .feature_level = 1,
        .kind = CC_HELLO_PEER,
        .server = 2,
        .boot = 300,
        .members = members()};

    count_up(hello.cluster_id, 0xc0);
    count_up(hello.incarnation, 0x20);
    cc_hello_encode(&writer, &hello);
}

static void write_hello_restored(void)
{
    struct cc_hello hello = {
        .version_min = 1,
        .version_max = 1,
        .feature_level = 1,
        .kind = CC_HELLO_PEER,
        .is_restored = true,
        .server = 2,
        .boot = 300,
        .members = members()};

    count_up(hello.cluster_id, 0xc0);
    count_up(hello.incarnation, 0x20);
    cc_hello_encode(&writer, &hello);
}

static void write_refuse(void)
{
    cc_refuse_encode(
        &writer, &(struct cc_refuse){.status = COPYCAT_ERR_CLUSTER, .text = {"no", 2}});
}

static void write_base(void)
{
    struct cc_base base = {.feature_level = 1, .members = members()};

    count_up(base.cluster_id, 0xc0);
    count_up(base.members.at[0].incarnation, 0x10);
    count_up(base.members.at[1].incarnation, 0x20);
    cc_base_encode(&writer, &base);
}

static void write_session_open(void)
{
    struct cc_session_open open = {.timeout_us = 5000000};

    count_up(open.nonce, 0xa0);
    cc_session_open_encode(&writer, &open);
}

static void write_session_close(void)
{
    cc_session_close_encode(&writer, &(struct cc_session_close){.session = 7});
}

static void write_keep_alive(void)
{
    cc_keep_alive_encode(
        &writer, &(struct cc_keep_alive){.session = 7, .answered = 128, .events = 0});
}

static const struct cc_command command = {
    .session = 7,
    .sequence = 129,
    .answered = 128,
    .events = 0,
    .stream = 1,
    .instance = 8,
    .operation = {"op", 2}};

static void write_command(void)
{
    cc_command_encode(&writer, &command);
}

static void write_query(void)
{
    cc_query_encode(
        &writer, &(struct cc_query){
                     .number = 3,
                     .session = 7,
                     .after_sequence = 129,
                     .after_index = 1000,
                     .stream = 1,
                     .instance = 8,
                     .level = CC_READ_SEQUENTIAL,
                     .operation = {"op", 2}});
}

static void write_session_opened(void)
{
    struct cc_session_opened opened = {.status = COPYCAT_OK, .session = 7, .timeout_us = 5000000};

    count_up(opened.nonce, 0xa0);
    cc_session_opened_encode(&writer, &opened);
}

static void write_session_ended(void)
{
    cc_session_ended_encode(
        &writer, &(struct cc_session_ended){.session = 7, .status = COPYCAT_ERR_SESSION});
}

static void write_kept_alive(void)
{
    cc_kept_alive_encode(&writer, &(struct cc_kept_alive){.session = 7, .status = COPYCAT_OK});
}

static void write_answer(void)
{
    cc_answer_encode(
        &writer, &(struct cc_answer){
                     .session = 7,
                     .sequence = 129,
                     .index = 1001,
                     .event = 0,
                     .status = COPYCAT_OK,
                     .result = {"yes", 3}});
}

static void write_resend(void)
{
    cc_resend_encode(&writer, &(struct cc_resend){.session = 7, .last = 128});
}

static void write_vote(void)
{
    cc_vote_encode(
        &writer,
        &(struct cc_vote){.term = 5, .last_index = 1001, .last_term = 4, .is_prevote = true});
}

static void write_vote_reply(void)
{
    cc_vote_reply_encode(
        &writer, &(struct cc_vote_reply){.term = 5, .is_prevote = true, .is_granted = true});
}

/* The entry that carries the command above. */
static void write_entry(void)
{
    uint8_t payload[64];
    struct cc_writer coded;

    cc_writer_init_fixed(&coded, payload, sizeof payload);
    cc_command_encode(&coded, &command);

    struct cc_block *block =
        cc_entry_create(&limited.memory, CC_ENTRY_COMMAND, (copycat_bytes){coded.data, coded.size});

    cc_entry_stamp(block, 0, 1001, 4, 1000000);
    cc_write_raw(&writer, block->data, block->size);
    cc_block_release(block);
}

static void write_append(void)
{
    cc_append_encode_head(
        &writer, &(struct cc_append){
                     .term = 5,
                     .prev_index = 1000,
                     .prev_term = 4,
                     .commit = 999,
                     .floor = 990,
                     .round = 77,
                     .sent_at_us = 123456789,
                     .entry_count = 1});
    write_entry();
}

static void write_append_reply(void)
{
    cc_append_reply_encode(
        &writer, &(struct cc_append_reply){
                     .term = 5,
                     .is_accepted = false,
                     .match = 0,
                     .hint_index = 990,
                     .hint_term = 3,
                     .round = 77,
                     .sent_at_us = 123456789,
                     .promise_us = 500000});
}

static void write_repair_ask(void)
{
    cc_repair_ask_encode(&writer, &(struct cc_repair_ask){990, 1001, 5});
}

static void write_repair(void)
{
    cc_repair_encode_head(
        &writer,
        &(struct cc_repair){.first = 1001, .outcome = CC_REPAIR_ENTRIES, .entry_count = 1});
    write_entry();
}

static const struct cc_image_name image = {
    .index = 1001,
    .term = 5,
    .time_us = 1000000,
    .size = 1048576,
    .checksum = UINT64_C(0x0102030405060708)};

static void write_image_offer(void)
{
    cc_image_offer_encode(&writer, &(struct cc_image_offer){.term = 5, .image = image});
}

static void write_backup_ask(void)
{
    cc_backup_ask_encode(&writer, &(struct cc_backup_ask){.received = 65536});
}

static void write_backup_head(void)
{
    struct cc_backup_head head = {.index = 1001, .term = 5, .time_us = 1000000, .size = 1048576};

    count_up(head.cluster_id, 0xc0);
    cc_backup_head_encode(&writer, &head);
}

static void write_backup_part(void)
{
    cc_backup_part_encode(
        &writer, &(struct cc_backup_part){.offset = 65536, .bytes = COPYCAT_STR("part")});
}

static void write_backup_end(void)
{
    cc_backup_end_encode(&writer, &(struct cc_backup_end){.size = 1048576});
}

static void write_image_fetching(void)
{
    cc_image_fetching_encode(
        &writer, &(struct cc_image_fetching){.index = 1001, .progress = 65536});
}

static void write_image_wanted(void)
{
    cc_image_wanted_encode(&writer, &(struct cc_image_wanted){.index = 990});
}

static void write_room(void)
{
    cc_room_told_encode(&writer, &(struct cc_room_told){.is_short = true, .wants_mark = false});
}

static void write_marked(void)
{
    cc_marked_encode(
        &writer, &(struct cc_marked){.mark = {1001, 0x0102030405060708}, .asks = true});
}

static void write_image_ask(void)
{
    cc_image_ask_encode(
        &writer, &(struct cc_image_ask){.image = image, .file = 2, .offset = 65536, .size = 32768});
}

static void write_image_part(void)
{
    cc_image_part_encode(
        &writer, &(struct cc_image_part){
                     .index = 1001,
                     .checksum = image.checksum,
                     .file = 2,
                     .offset = 65536,
                     .bytes = {"part", 4}});
}

static void write_timeout_now(void)
{
    cc_timeout_now_encode(&writer, &(struct cc_timeout_now){.term = 5});
}

static void write_forward(void)
{
    cc_forward_encode(
        &writer,
        &(struct cc_forward){.token = 9, .type = CC_MESSAGE_SESSION_CLOSE, .body = {"\x07", 1}});
}

static void write_report(void)
{
    struct cc_report report = {
        .server = 1,
        .leader = 2,
        .state = 2,
        .role = 0,
        .term = 5,
        .commit = 1000,
        .applied = 999,
        .last = 1001,
        .digest = UINT64_C(0x1122334455667788),
        .log_time_us = 1700000000000000,
        .sessions = 3,
        .image_index = 900,
        .disk_bytes = 201326592,
        .connections = 4,
        .members = members(),
        .notice = {"hm", 2},
        .counters =
            {
                .journal_writes = 10,
                .journal_bytes = 40960,
                .disk_syncs = 2,
                .disk_written_bytes = 1000000,
                .waits = 300,
                .socket_writes = 40,
                .socket_written_bytes = 5000,
                .socket_reads = 60,
                .socket_read_bytes = 7000,
                .frames_sent = 80,
                .frames_received = 90,
                .allocations = 3,
            },
        .scrub = {.rounds = 2, .age_us = 3000000, .bytes = 4096, .found = 2, .repaired = 1},
    };

    count_up(report.cluster_id, 0xc0);
    report.standings[0].is_up = true;
    report.standings[0].match = 1001;
    report.standings[1].match = 900;
    cc_report_encode(&writer, &report);
}

static void write_session_expire(void)
{
    cc_session_expire_encode(&writer, &(struct cc_session_expire){.session = 7, .touched = 1001});
}

static void write_mark(void)
{
    cc_mark_encode(
        &writer, &(struct cc_mark){.index = 1001, .digest = UINT64_C(0x0102030405060708)});
}

static void write_catalog_open(void)
{
    cc_catalog_operation_encode(
        &writer,
        &(struct cc_catalog_operation){.code = CC_CATALOG_OPEN, .type = 1, .path = {"/colors", 7}});
}

static void write_catalog_lookup(void)
{
    cc_catalog_operation_encode(
        &writer, &(struct cc_catalog_operation){.code = CC_CATALOG_LOOKUP, .path = {"/colors", 7}});
}

static void write_catalog_place(void)
{
    cc_catalog_place_encode(&writer, &(struct cc_catalog_place){.instance = 8, .type = 1});
}

/* Those with a type are whole frames of group 0, the others are what is said inside. */
static const struct {
    const char *name;
    uint16_t type;
    void (*write)(void);
} writers[] = {
    {"hello-client", CC_MESSAGE_HELLO, write_hello_client},
    {"hello-peer", CC_MESSAGE_HELLO, write_hello_peer},
    {"hello-restored", CC_MESSAGE_HELLO, write_hello_restored},
    {"refuse", CC_MESSAGE_REFUSE, write_refuse},
    {"base", CC_MESSAGE_BASE, write_base},
    {"session-open", CC_MESSAGE_SESSION_OPEN, write_session_open},
    {"session-close", CC_MESSAGE_SESSION_CLOSE, write_session_close},
    {"keep-alive", CC_MESSAGE_KEEP_ALIVE, write_keep_alive},
    {"command", CC_MESSAGE_COMMAND, write_command},
    {"query", CC_MESSAGE_QUERY, write_query},
    {"session-opened", CC_MESSAGE_SESSION_OPENED, write_session_opened},
    {"session-ended", CC_MESSAGE_SESSION_ENDED, write_session_ended},
    {"kept-alive", CC_MESSAGE_KEPT_ALIVE, write_kept_alive},
    {"answer", CC_MESSAGE_ANSWER, write_answer},
    {"resend", CC_MESSAGE_RESEND, write_resend},
    {"vote", CC_MESSAGE_VOTE, write_vote},
    {"vote-reply", CC_MESSAGE_VOTE_REPLY, write_vote_reply},
    {"append", CC_MESSAGE_APPEND, write_append},
    {"append-reply", CC_MESSAGE_APPEND_REPLY, write_append_reply},
    {"repair-ask", CC_MESSAGE_REPAIR_ASK, write_repair_ask},
    {"repair", CC_MESSAGE_REPAIR, write_repair},
    {"image-offer", CC_MESSAGE_IMAGE_OFFER, write_image_offer},
    {"image-ask", CC_MESSAGE_IMAGE_ASK, write_image_ask},
    {"image-wanted", CC_MESSAGE_IMAGE_WANTED, write_image_wanted},
    {"image-fetching", CC_MESSAGE_IMAGE_FETCHING, write_image_fetching},
    {"room", CC_MESSAGE_ROOM, write_room},
    {"image-part", CC_MESSAGE_IMAGE_PART, write_image_part},
    {"marked", CC_MESSAGE_MARKED, write_marked},
    {"timeout-now", CC_MESSAGE_TIMEOUT_NOW, write_timeout_now},
    {"forward", CC_MESSAGE_FORWARD, write_forward},
    {"report", CC_MESSAGE_REPORT, write_report},
    {"backup-ask", CC_MESSAGE_BACKUP_ASK, write_backup_ask},
    {"backup-head", CC_MESSAGE_BACKUP_HEAD, write_backup_head},
    {"backup-part", CC_MESSAGE_BACKUP_PART, write_backup_part},
    {"backup-end", CC_MESSAGE_BACKUP_END, write_backup_end},
    {"entry", 0, write_entry},
    {"session-expire", 0, write_session_expire},
    {"mark", 0, write_mark},
    {"catalog-open", 0, write_catalog_open},
    {"catalog-lookup", 0, write_catalog_lookup},
    {"catalog-place", 0, write_catalog_place},
};

#define WRITER_COUNT (sizeof writers / sizeof writers[0])

/* As the document writes them, so that a difference can be read. */
static void print_rows(char *text, size_t text_size, const uint8_t *bytes, size_t size)
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < size; i++) {
        if (i % 16 == 0) {
            at += (size_t)snprintf(text + at, text_size - at, "\n    %04zx ", i);
        }
        at += (size_t)snprintf(text + at, text_size - at, " %02x", bytes[i]);
    }
}

static void are_written_as_documented(void **state)
{
    static char ours[4 * WIRE_VECTOR_SIZE_MAX];
    static char theirs[4 * WIRE_VECTOR_SIZE_MAX];

    (void)state;
    for (size_t i = 0; i < WRITER_COUNT; i++) {
        const struct wire_vector *vector = wire_vector_find(vectors, vector_count, writers[i].name);
        size_t start = 0;

        cc_writer_clear(&writer);
        if (writers[i].type != 0) {
            start = cc_frame_begin(&writer, writers[i].type, 0);
        }
        writers[i].write();
        if (writers[i].type != 0) {
            cc_frame_end(&writer, start);
        }
        print_rows(ours, sizeof ours, writer.data, writer.size);
        print_rows(theirs, sizeof theirs, vector->bytes, vector->size);
        if (strcmp(ours, theirs) != 0) {
            print_error("vector %s should be%s\n", vector->name, ours);
        }
        assert_string_equal(ours, theirs);
    }
}

static void have_each_a_writer_here(void **state)
{
    (void)state;
    assert_int_equal(vector_count, WRITER_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(are_written_as_documented, setup, teardown),
        cmocka_unit_test_setup_teardown(have_each_a_writer_here, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_cluster -- see raft_cluster.h.
 */
#include "raft_cluster.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

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

/* Room for one more element of `size` bytes. */
static void *grown(void *block, uint32_t *capacity, uint32_t count, size_t size)
{
    if (count < *capacity) {
        return block;
    }
    *capacity = *capacity == 0 ? 16 : *capacity * 2;
    return cc_memory_grow(&heap, block, *capacity * size);
}

/* ---- life --------------------------------------------------------------------------------------
 */

struct raft_cluster *raft_cluster_create(uint32_t voter_count, uint32_t learner_count)
{
    struct raft_cluster *cluster = cc_memory_take(&heap, sizeof *cluster);

    CC_ASSERT(voter_count + learner_count <= RAFT_CLUSTER_MEMBERS_MAX);
    cluster->member_count = voter_count + learner_count;
    cluster->voter_count = voter_count;
    cluster->options = (struct cc_raft_options){
        .member_count = cluster->member_count,
        .election_timeout_us = 150000,
        .heartbeat_interval_us = 50000,
        .promise_us = 100000,
        .promise_us_max = 150000,
        .drift_ppm_max = 1000,
        .window_bytes = 10000,
        .window_messages = 8,
        .append_bytes_max = 10 * RAFT_CLUSTER_ENTRY_BYTES,
        .uncommitted_max = 100,
    };
    for (uint32_t i = 0; i < cluster->member_count; i++) {
        cluster->members[i].id = i + 1;
        cluster->members[i].is_voter = i < voter_count;
        cluster->members[i].disk.first = 1;
        cluster->options.members[i].id = i + 1;
        cluster->options.members[i].is_voter = i < voter_count;
    }
    return cluster;
}

struct raft_member *raft_cluster_member(struct raft_cluster *cluster, uint32_t id)
{
    CC_ASSERT(id >= 1);
    CC_ASSERT(id <= cluster->member_count);
    return &cluster->members[id - 1];
}

struct raft_link *raft_cluster_link(struct raft_cluster *cluster, uint32_t from, uint32_t to)
{
    CC_ASSERT(from >= 1 && from <= cluster->member_count);
    CC_ASSERT(to >= 1 && to <= cluster->member_count);
    return &cluster->links[from - 1][to - 1];
}

void raft_cluster_disk(
    struct raft_cluster *cluster,
    uint32_t id,
    uint64_t term,
    uint32_t vote,
    const uint64_t *terms,
    uint32_t term_count)
{
    struct raft_state *disk = &raft_cluster_member(cluster, id)->disk;

    disk->term = term;
    disk->vote = vote;
    disk->last = term_count;
    for (uint32_t i = 0; i < term_count; i++) {
        /* Equal index and term make the same entry, as a real history would have it. */
        disk->entries[i + 1] = (struct raft_entry){terms[i], terms[i] << 32 | (i + 1)};
    }
}

static void forget_writes(struct raft_member *member, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cc_memory_give(&heap, member->writes[i].entries);
        cc_memory_give(&heap, member->writes[i].image);
    }
    member->write_count -= count;
    if (member->write_count > 0) {
        memmove(
            member->writes, member->writes + count, member->write_count * sizeof *member->writes);
    }
}

static void tell_connection(
    struct raft_cluster *cluster, uint32_t id, uint32_t peer, bool is_connected)
{
    raft_cluster_link(cluster, id, peer)->is_disconnected = !is_connected;
    if (raft_cluster_member(cluster, id)->is_up) {
        (void)raft_cluster_step(
            cluster, id,
            (struct cc_raft_event){
                .kind = is_connected ? CC_RAFT_EVENT_PEER_UP : CC_RAFT_EVENT_PEER_DOWN,
                .peer = peer,
            });
    }
}

void raft_cluster_connect(struct raft_cluster *cluster, uint32_t a, uint32_t b, bool is_connected)
{
    raft_cluster_link(cluster, a, b)->count = 0;
    raft_cluster_link(cluster, b, a)->count = 0;
    tell_connection(cluster, a, b, is_connected);
    tell_connection(cluster, b, a, is_connected);
}

void raft_cluster_start(struct raft_cluster *cluster, uint32_t id)
{
    struct raft_member *member = raft_cluster_member(cluster, id);
    struct cc_raft_options options = cluster->options;
    struct cc_raft_run runs[RAFT_CLUSTER_ENTRIES_MAX / 4];
    struct cc_raft_start start = {
        .term = member->disk.term,
        .vote = member->disk.vote,
        .last_index = member->disk.last,
        .runs = runs,
        .first_index = member->disk.first,
        .base_index = member->disk.base,
        .damaged_from = member->disk.damaged,
    };
    uint64_t known = member->disk.first > 1 ? member->disk.first - 1 : 1;

    CC_ASSERT(!member->is_up);
    for (uint64_t i = known; i <= member->disk.last; i++) {
        if (i == known || member->disk.entries[i].term != member->disk.entries[i - 1].term) {
            runs[start.run_count++] = (struct cc_raft_run){i, member->disk.entries[i].term};
        }
    }
    options.id = id;
    options.seed = cluster->options.seed + id * 1000 + cluster->now_us;
    member->memory = member->disk;

    copycat_status status = cc_raft_create(&member->core, &heap, &options, &start);

    CC_ASSERT(status == COPYCAT_OK);
    member->is_up = true;
    (void)raft_cluster_step(cluster, id, (struct cc_raft_event){.kind = CC_RAFT_EVENT_START});
    for (uint32_t peer = 1; peer <= cluster->member_count; peer++) {
        if (peer != id && raft_cluster_member(cluster, peer)->is_up) {
            raft_cluster_connect(cluster, id, peer, true);
        }
    }
}

void raft_cluster_crash(struct raft_cluster *cluster, uint32_t id)
{
    struct raft_member *member = raft_cluster_member(cluster, id);

    CC_ASSERT(member->is_up);
    member->is_up = false;
    cc_raft_destroy(member->core);
    member->core = NULL;
    forget_writes(member, member->write_count);
    member->delayed_count = 0;
    for (uint32_t peer = 1; peer <= cluster->member_count; peer++) {
        if (peer != id) {
            raft_cluster_connect(cluster, id, peer, false);
        }
    }
}

void raft_cluster_destroy(struct raft_cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->member_count; i++) {
        struct raft_member *member = &cluster->members[i];

        cc_raft_destroy(member->core);
        forget_writes(member, member->write_count);
        cc_memory_give(&heap, member->writes);
        cc_memory_give(&heap, member->delayed);
        for (uint32_t j = 0; j < cluster->member_count; j++) {
            cc_memory_give(&heap, cluster->links[i][j].packets);
        }
    }
    cc_memory_give(&heap, cluster);
}

/* ---- effects -----------------------------------------------------------------------------------
 */

static void append(
    struct raft_cluster *cluster,
    struct raft_member *member,
    const struct cc_raft_effects *effects,
    const struct raft_packet *packet)
{
    struct raft_state *log = &member->memory;

    CC_ASSERT(effects->append_first == log->last + 1);
    CC_ASSERT(effects->append_last <= RAFT_CLUSTER_ENTRIES_MAX);
    for (uint64_t i = effects->append_first; i <= effects->append_last; i++) {
        struct raft_entry entry = {effects->append_term, cluster->value_newest + 1};

        if (effects->append_source == CC_RAFT_APPEND_RECEIVED) {
            uint64_t place = i - packet->message.prev_index - 1;

            CC_ASSERT(place < packet->message.entry_count);
            entry.value = packet->values[place];
            for (uint32_t run = 0; run < packet->message.run_count; run++) {
                if (packet->message.runs[run].first <= i) {
                    entry.term = packet->message.runs[run].term;
                }
            }
        } else {
            cluster->value_newest++;
        }
        log->entries[i] = entry;
    }
    log->last = effects->append_last;
}

static void truncate(struct raft_state *log, uint64_t from)
{
    log->last = log->last < from ? log->last : from - 1;
    log->damaged = log->damaged < from ? log->damaged : 0;
}

static void make_durable(
    struct raft_cluster *cluster,
    struct raft_member *member,
    const struct cc_raft_effects *effects,
    const struct raft_packet *packet)
{
    struct raft_write write = {
        .ticket = effects->ticket,
        .store = effects->store,
        .term = cc_raft_term(member->core),
        .vote = cc_raft_vote(member->core),
        .truncate_from = effects->truncate_from,
        .first = 1,
    };

    if (effects->truncate_from != 0) {
        CC_ASSERT(effects->truncate_from <= member->memory.last);
        truncate(&member->memory, effects->truncate_from);
    }
    if (effects->install_index != 0) {
        size_t size = (effects->install_index + 1) * sizeof *write.image;

        write.install_index = effects->install_index;
        write.keep_tail = effects->keep_tail;
        write.image = cc_memory_take(&heap, size);
        memcpy(write.image, cluster->image, size);
        raft_cluster_switch(&member->memory, write.install_index, write.keep_tail, cluster->image);
    }
    if (effects->append_source != CC_RAFT_APPEND_NOTHING) {
        append(cluster, member, effects, packet);
        size_t count = effects->append_last - effects->append_first + 1;

        write.first = effects->append_first;
        write.last = effects->append_last;
        write.entries = cc_memory_take(&heap, count * sizeof *write.entries);
        memcpy(write.entries, &member->memory.entries[write.first], count * sizeof *write.entries);
    }
    CC_ASSERT(
        (effects->ticket != 0) ==
        (write.store || write.truncate_from != 0 || write.last > 0 || write.install_index != 0));
    if (effects->ticket != 0) {
        member->writes = grown(
            member->writes, &member->write_capacity, member->write_count, sizeof *member->writes);
        member->writes[member->write_count++] = write;
    }
}

void raft_cluster_insert(struct raft_cluster *cluster, const struct raft_packet *packet)
{
    struct raft_link *link = raft_cluster_link(cluster, packet->message.from, packet->message.to);
    bool is_lost = link->is_cut || !raft_cluster_member(cluster, packet->message.to)->is_up;

    if (cluster->observe_send != NULL) {
        cluster->observe_send(cluster->context, packet, is_lost);
    }
    if (is_lost) {
        return;
    }
    link->packets = grown(link->packets, &link->capacity, link->count, sizeof *link->packets);
    link->packets[link->count++] = *packet;
}

/* Fills an append from the log, as far as the core and the sizes allow. */
static void fill(
    const struct raft_state *log, const struct cc_raft_send *send, struct raft_packet *packet)
{
    struct cc_raft_message *message = &packet->message;
    uint32_t count_max = send->bytes_max / RAFT_CLUSTER_ENTRY_BYTES;

    CC_ASSERT(message->prev_index + 1 >= log->first);
    count_max = count_max == 0 ? 1 : count_max;
    count_max =
        count_max > RAFT_CLUSTER_PACKET_ENTRIES_MAX ? RAFT_CLUSTER_PACKET_ENTRIES_MAX : count_max;
    if (message->prev_index > 0) {
        uint64_t term = log->entries[message->prev_index].term;

        CC_ASSERT(message->prev_term == 0 || message->prev_term == term);
        message->prev_term = term;
    }
    CC_ASSERT(send->max_index <= log->last);
    while (message->prev_index + message->entry_count < send->max_index &&
           message->entry_count < count_max) {
        uint64_t index = message->prev_index + message->entry_count + 1;
        const struct raft_entry *entry = &log->entries[index];

        if (message->run_count == 0 || message->runs[message->run_count - 1].term != entry->term) {
            if (message->run_count == CC_RUNS_PER_APPEND_MAX) {
                break;
            }
            message->runs[message->run_count++] = (struct cc_raft_run){index, entry->term};
        }
        packet->values[message->entry_count++] = entry->value;
    }
}

static void transmit(
    struct raft_cluster *cluster, struct raft_member *member, const struct cc_raft_send *send)
{
    struct raft_packet packet = {.message = send->message};
    struct raft_link *link = raft_cluster_link(cluster, member->id, packet.message.to);

    if (link->is_disconnected) {
        return;
    }
    if (packet.message.kind == CC_RAFT_APPEND) {
        if (packet.message.prev_index + 1 < member->memory.first) {
            return; /* forgotten while it waited */
        }
        fill(&member->memory, send, &packet);
    }
    raft_cluster_insert(cluster, &packet);
    if (packet.message.entry_count > 0) {
        (void)raft_cluster_step(
            cluster, member->id,
            (struct cc_raft_event){
                .kind = CC_RAFT_EVENT_SENT,
                .peer = packet.message.to,
                .index = packet.message.prev_index + packet.message.entry_count,
                .bytes = packet.message.entry_count * RAFT_CLUSTER_ENTRY_BYTES,
            });
    }
}

static void carry_out_sends(
    struct raft_cluster *cluster, struct raft_member *member, const struct cc_raft_effects *effects)
{
    for (uint32_t i = 0; i < effects->send_count; i++) {
        if (effects->sends[i].after == 0) {
            transmit(cluster, member, &effects->sends[i]);
            continue;
        }
        member->delayed = grown(
            member->delayed, &member->delayed_capacity, member->delayed_count,
            sizeof *member->delayed);
        member->delayed[member->delayed_count++] = effects->sends[i];
    }
}

static copycat_status step_with(
    struct raft_cluster *cluster,
    uint32_t id,
    struct cc_raft_event event,
    const struct raft_packet *packet)
{
    struct raft_member *member = raft_cluster_member(cluster, id);
    struct cc_raft_effects *effects = cc_memory_take(&heap, sizeof *effects);
    copycat_status status;

    CC_ASSERT(member->is_up);
    event.now_us = cluster->now_us;
    status = cc_raft_step(member->core, &event, effects);
    if (status == COPYCAT_OK) {
        member->wake_at_us = effects->wake_at_us;
        make_durable(cluster, member, effects, packet);
    }
    if (cluster->observe != NULL) {
        cluster->observe(cluster->context, &(struct raft_step){member, &event, effects, status});
    }
    if (status == COPYCAT_OK) {
        carry_out_sends(cluster, member, effects);
    }
    cc_memory_give(&heap, effects);
    return status;
}

copycat_status raft_cluster_step(
    struct raft_cluster *cluster, uint32_t id, struct cc_raft_event event)
{
    return step_with(cluster, id, event, NULL);
}

/* ---- network and disks --------------------------------------------------------------------------
 */

void raft_cluster_drop(struct raft_cluster *cluster, uint32_t from, uint32_t to, uint32_t position)
{
    struct raft_link *link = raft_cluster_link(cluster, from, to);

    CC_ASSERT(position < link->count);
    link->count--;
    memmove(
        link->packets + position, link->packets + position + 1,
        (link->count - position) * sizeof *link->packets);
}

copycat_status raft_cluster_deliver(
    struct raft_cluster *cluster, uint32_t from, uint32_t to, uint32_t position)
{
    struct raft_packet packet = raft_cluster_link(cluster, from, to)->packets[position];

    raft_cluster_drop(cluster, from, to, position);
    if (!raft_cluster_member(cluster, to)->is_up) {
        return COPYCAT_OK;
    }
    return step_with(
        cluster, to,
        (struct cc_raft_event){.kind = CC_RAFT_EVENT_RECEIVE, .message = &packet.message}, &packet);
}

static void write_to_disk(struct raft_state *disk, const struct raft_write *write)
{
    if (write->store) {
        disk->term = write->term;
        disk->vote = write->vote;
    }
    if (write->truncate_from != 0) {
        truncate(disk, write->truncate_from);
    }
    if (write->install_index != 0) {
        raft_cluster_switch(disk, write->install_index, write->keep_tail, write->image);
    }
    if (write->last > 0) {
        CC_ASSERT(write->first == disk->last + 1);
        memcpy(
            &disk->entries[write->first], write->entries,
            (write->last - write->first + 1) * sizeof *write->entries);
        disk->last = write->last;
    }
}

static void release_sends(struct raft_cluster *cluster, struct raft_member *member, uint64_t ticket)
{
    uint32_t count = member->delayed_count;
    struct cc_raft_send *delayed = member->delayed;

    /* Sending may delay further sends, so the list is taken over first. */
    member->delayed = NULL;
    member->delayed_count = 0;
    member->delayed_capacity = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (delayed[i].after > ticket) {
            member->delayed = grown(
                member->delayed, &member->delayed_capacity, member->delayed_count,
                sizeof *member->delayed);
            member->delayed[member->delayed_count++] = delayed[i];
        } else if (delayed[i].core_term == cc_raft_term(member->core)) {
            transmit(cluster, member, &delayed[i]);
        }
    }
    cc_memory_give(&heap, delayed);
}

bool raft_cluster_store(struct raft_cluster *cluster, uint32_t id, uint32_t count)
{
    struct raft_member *member = raft_cluster_member(cluster, id);
    uint64_t ticket = 0;

    count = count < member->write_count ? count : member->write_count;
    if (!member->is_up || count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        write_to_disk(&member->disk, &member->writes[i]);
        ticket = member->writes[i].ticket;
    }
    forget_writes(member, count);
    release_sends(cluster, member, ticket);
    (void)raft_cluster_step(
        cluster, id, (struct cc_raft_event){.kind = CC_RAFT_EVENT_STORED, .ticket = ticket});
    if (member->disk.damaged <= member->disk.base) {
        raft_cluster_repair(cluster, id); /* the image has it */
    }
    return true;
}

void raft_cluster_settle(struct raft_cluster *cluster)
{
    bool is_busy = true;

    while (is_busy) {
        is_busy = false;
        for (uint32_t from = 1; from <= cluster->member_count; from++) {
            for (uint32_t to = 1; to <= cluster->member_count; to++) {
                while (raft_cluster_link(cluster, from, to)->count > 0) {
                    (void)raft_cluster_deliver(cluster, from, to, 0);
                    is_busy = true;
                }
            }
        }
        for (uint32_t id = 1; id <= cluster->member_count; id++) {
            is_busy = raft_cluster_store(cluster, id, UINT32_MAX) || is_busy;
        }
    }
}

void raft_cluster_run(struct raft_cluster *cluster, uint64_t us)
{
    uint64_t end_us = cluster->now_us + us;

    for (;;) {
        struct raft_member *first = NULL;

        raft_cluster_settle(cluster);
        for (uint32_t i = 0; i < cluster->member_count; i++) {
            struct raft_member *member = &cluster->members[i];

            if (member->is_up && (first == NULL || member->wake_at_us < first->wake_at_us)) {
                first = member;
            }
        }
        if (first == NULL || first->wake_at_us > end_us) {
            cluster->now_us = end_us;
            return;
        }
        cluster->now_us = first->wake_at_us > cluster->now_us ? first->wake_at_us : cluster->now_us;
        (void)raft_cluster_step(
            cluster, first->id, (struct cc_raft_event){.kind = CC_RAFT_EVENT_TIMEOUT});
    }
}

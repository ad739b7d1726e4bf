/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore_record -- what each record of an image does to the state that is being built.
 *
 * Everything that could break a promise of apply later is refused here: what is asserted there was
 * checked when it was first applied, but these bytes may come from anywhere.
 */
#include "apply/restore_internal.h"
#include "base/assert.h"
#include "base/bug.h"

static const char malformed[] = "a record does not decode";

const char *cc_restore_head(struct cc_restoring *restoring, copycat_bytes payload)
{
    struct cc_apply *apply = restoring->apply;
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);

    uint64_t version = cc_read_varint(&reader);

    if (!reader.failed && version > CC_IMAGE_VERSION) {
        cc_restore_refuse(
            restoring, COPYCAT_ERR_NEWER,
            "the image is in the format of a newer version of Copycat, number", version);
        return NULL;
    }
    apply->index = cc_read_varint(&reader);
    apply->time_us = cc_read_varint(&reader);
    apply->timers.order = cc_read_varint(&reader);
    if (!cc_reader_is_done(&reader) || version == 0 || apply->index == 0 ||
        apply->index > CC_INDEX_MAX || apply->time_us > CC_TIME_US_MAX ||
        apply->timers.order > CC_INDEX_MAX) {
        return malformed;
    }
    return NULL;
}

/* ---- instances ------------------------------------------------------------------------------- */

/* NULL if there is no such type here. */
static const copycat_machine_type *type_of(const struct cc_apply *apply, uint64_t id, uint64_t type)
{
    if (id == 0) {
        return apply->catalog != NULL && apply->catalog->id == type ? apply->catalog : NULL;
    }
    return type > UINT32_MAX ? NULL : cc_apply_type(apply, (uint32_t)type);
}

const char *cc_restore_instance(struct cc_restoring *restoring, copycat_bytes payload)
{
    struct cc_apply *apply = restoring->apply;
    uint64_t count = restoring->counts[CC_IMAGE_INSTANCE];
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);

    uint64_t id = cc_read_varint(&reader);
    uint64_t type = cc_read_varint(&reader);
    uint64_t version = cc_read_varint(&reader);

    if (!cc_reader_is_done(&reader)) {
        return malformed;
    }
    if (id > apply->index || (count > 0 && id <= restoring->instance_id) ||
        (id == 0) != (count == 0 && apply->catalog != NULL) || count > CC_RESOURCES_MAX) {
        return "the resources are not those of one state";
    }

    const copycat_machine_type *known = type_of(apply, id, type);

    if (known == NULL) {
        cc_restore_refuse(
            restoring, COPYCAT_ERR_INVALID,
            "the image has a resource of a type that this server does not know, number", type);
        return NULL;
    }
    if (version > known->version) {
        cc_restore_refuse(
            restoring, COPYCAT_ERR_INVALID,
            "the image has a resource of a newer version than this server knows, of type", type);
        return NULL;
    }
    restoring->instance_id = id;
    if (id != 0) {
        cc_instance_create(apply, id, known);
    }
    return NULL;
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void settle_session(struct cc_restoring *restoring)
{
    if (restoring->answers_left == 0) {
        cc_session_touch(&restoring->apply->sessions, restoring->session, restoring->touched);
    }
}

const char *cc_restore_session(struct cc_restoring *restoring, copycat_bytes payload)
{
    struct cc_apply *apply = restoring->apply;
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);

    uint64_t id = cc_read_varint(&reader);
    uint64_t timeout_us = cc_read_varint(&reader);
    uint64_t touched = cc_read_varint(&reader);
    uint64_t applied = cc_read_varint(&reader);
    uint64_t acked = cc_read_varint(&reader);
    const uint8_t *nonce = cc_read_raw(&reader, CC_NONCE_SIZE);

    if (!cc_reader_is_done(&reader) || timeout_us < CC_SESSION_TIMEOUT_US_MIN ||
        timeout_us > CC_SESSION_TIMEOUT_US_MAX || applied > CC_INDEX_MAX || acked > applied) {
        return malformed;
    }
    if (id <= restoring->session_id || touched < id || touched > apply->index ||
        cc_session_table_find_nonce(&apply->sessions, nonce) != NULL) {
        return "the sessions are not those of one state";
    }
    restoring->session = cc_session_table_open(&apply->sessions, id, nonce, timeout_us);
    cc_session_replies_resume(&restoring->session->replies, acked);
    restoring->session_id = id;
    restoring->touched = touched;
    restoring->answers_left = applied - acked;
    restoring->answer_index = id;
    settle_session(restoring);
    return NULL;
}

const char *cc_restore_answer(struct cc_restoring *restoring, copycat_bytes payload)
{
    struct cc_apply *apply = restoring->apply;
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);

    uint64_t index = cc_read_varint(&reader);
    uint64_t negated = cc_read_varint(&reader);
    size_t size = cc_reader_left(&reader);

    if (reader.failed || negated > INT32_MAX || size > CC_RESULT_SIZE_MAX) {
        return malformed;
    }
    if (index <= restoring->answer_index || index > restoring->touched) {
        return "the answers of a session are not those of one state";
    }
    cc_session_replies_record(
        &restoring->session->replies, apply->memory, index, -(copycat_status)negated,
        (copycat_bytes){size == 0 ? NULL : cc_read_raw(&reader, size), size});
    restoring->answer_index = index;
    restoring->answers_left--;
    settle_session(restoring);
    return NULL;
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static bool is_after(const struct cc_deadline_view *later, const struct cc_deadline_view *earlier)
{
    return later->deadline_us != earlier->deadline_us ? later->deadline_us > earlier->deadline_us
                                                      : later->order > earlier->order;
}

const char *cc_restore_deadline(struct cc_restoring *restoring, copycat_bytes payload)
{
    struct cc_apply *apply = restoring->apply;
    struct cc_deadline_view view;
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    view.deadline_us = cc_read_varint(&reader);
    view.order = cc_read_varint(&reader);
    view.instance = cc_read_varint(&reader);
    view.key = cc_read_varint(&reader);
    if (!cc_reader_is_done(&reader)) {
        return malformed;
    }

    const struct cc_instance *instance = cc_instance_find(apply, view.instance);

    if (instance == NULL || instance->type->timer == NULL || view.deadline_us <= apply->time_us ||
        view.deadline_us == COPYCAT_NONE || !is_after(&view, &restoring->deadline) ||
        !cc_timers_restore(&apply->timers, &view)) {
        return "the deadlines are not those of one state";
    }
    restoring->deadline = view;
    return NULL;
}

/* ---- machines -------------------------------------------------------------------------------- */

/* The next instance whose blob is not whole; NULL if there is none. */
static struct cc_instance *next_blob(struct cc_restoring *restoring)
{
    const struct cc_instances *instances = &restoring->apply->instances;

    while (restoring->blob_position < instances->count &&
           !cc_instance_has_blob(instances->at[restoring->blob_position])) {
        restoring->blob_position++;
    }
    return restoring->blob_position == instances->count ? NULL
                                                        : instances->at[restoring->blob_position];
}

bool cc_restore_has_blobs(struct cc_restoring *restoring)
{
    return next_blob(restoring) == NULL;
}

const char *cc_restore_blob(struct cc_restoring *restoring, copycat_bytes payload)
{
    const struct cc_instance *instance = next_blob(restoring);
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);

    uint64_t id = cc_read_varint(&reader);
    uint64_t number = cc_read_varint(&reader);
    uint8_t is_last = cc_read_u8(&reader);
    size_t size = cc_reader_left(&reader);

    if (reader.failed || is_last > 1 || size > CC_IMAGE_BLOB_PIECE_SIZE_MAX) {
        return malformed;
    }
    if (instance == NULL || instance->id != id || number != restoring->blob_number) {
        return "the pieces of blobs are not those of one state";
    }

    copycat_bytes piece = {size == 0 ? "" : cc_read_raw(&reader, size), size};

    if (instance->type->blob_restore(instance->machine, piece) != COPYCAT_OK) {
        return "a resource does not take a piece of its blob";
    }
    restoring->blob_number = is_last ? 0 : number + 1;
    restoring->blob_position += is_last;
    return NULL;
}

/* One run; NULL, or what is wrong with it. */
static const char *add_run(struct cc_restoring *restoring, uint64_t above, uint64_t count)
{
    struct cc_apply *apply = restoring->apply;
    uint64_t left = apply->index - restoring->live_index;

    if (above == 0 || count == 0 || above > left || count > left - above + 1) {
        return "the indexes of live commits are not those of one state";
    }
    for (uint64_t i = 0; i < count; i++) {
        cc_live_add(&apply->live, restoring->live_index + above + i);
    }
    restoring->live_index += above + count - 1;
    return NULL;
}

const char *cc_restore_live(struct cc_restoring *restoring, copycat_bytes payload)
{
    uint64_t left = CC_IMAGE_LIVE_MAX;
    const char *wrong = NULL;
    struct cc_reader reader;

    cc_reader_init(&reader, payload.data, payload.size);
    do {
        uint64_t above = cc_read_varint(&reader);
        uint64_t count = cc_read_varint(&reader);

        if (reader.failed || count > left) {
            return malformed;
        }
        left -= count;
        wrong = add_run(restoring, above, count);
    } while (wrong == NULL && cc_reader_left(&reader) > 0);
    return wrong;
}

const char *cc_restore_last(struct cc_restoring *restoring, copycat_bytes payload)
{
    struct cc_reader reader;
    bool is_equal = true;

    cc_reader_init(&reader, payload.data, payload.size);
    for (int type = CC_IMAGE_INSTANCE; type <= CC_IMAGE_BLOB; type++) {
        is_equal = cc_read_varint(&reader) == restoring->counts[type] && is_equal;
    }
    is_equal = cc_read_varint(&reader) == restoring->counts[CC_IMAGE_LIVE] && is_equal;
    restoring->commits_due = cc_read_varint(&reader);
    restoring->digest = cc_read_u64(&reader);
    if (!cc_reader_is_done(&reader)) {
        return malformed;
    }
    if (!is_equal) {
        return "the image has more or fewer records than it says";
    }
    restoring->is_ended = true;
    return NULL;
}

/* ---- commits --------------------------------------------------------------------------------- */

static const char *restore_live_commit(struct cc_restoring *restoring, const struct cc_entry *entry)
{
    struct cc_apply *apply = restoring->apply;
    struct cc_command command;

    if (!cc_command_decode(entry->payload, &command)) {
        return malformed;
    }

    const struct cc_instance *instance = restoring->instance;

    if (instance == NULL || instance->id != command.instance) {
        instance = cc_instance_find(apply, command.instance);
        restoring->instance = instance;
    }
    if (instance == NULL || instance->id >= entry->index || cc_instance_has_blob(instance) ||
        entry->time_us > apply->time_us) {
        return "the commits are not those of one state";
    }
    restoring->commit_us = cc_apply_advance_us(restoring->commit_us, entry->time_us);
    instance->type->restore_commit(
        instance->machine, &(copycat_commit){
                               .index = entry->index,
                               .time_us = restoring->commit_us,
                               .session = command.session,
                               .operation = command.operation});
    restoring->commit_count++;
    return NULL;
}

const char *cc_restore_commit(struct cc_restoring *restoring, const struct cc_image_record *record)
{
    struct cc_entry entry;

    if (!cc_image_record_entry(record, &entry)) {
        return malformed;
    }
    if (entry.index <= restoring->commit_index || entry.index > restoring->apply->index) {
        return "the commits are not those of one state";
    }
    restoring->commit_index = entry.index;
    /* A segment keeps what has been released since it was made. */
    return cc_live_has_next(&restoring->apply->live, entry.index, &restoring->live_page) ||
                   CC_BUG(T034B)
               ? restore_live_commit(restoring, &entry)
               : NULL;
}

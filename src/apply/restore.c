/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restore -- see restore.h: the order of the records, and the end.
 */
#include "apply/restore.h"

#include "apply/restore_internal.h"
#include "base/assert.h"
#include "base/bug.h"

#include <string.h>

/* Records come in stages, one after the other; within one the records themselves know their order. */
enum stage {
    BEFORE,
    HEAD,
    INSTANCES,
    DEADLINES,
    SESSIONS,
    BLOBS,
    LIVE,
    END,
    COMMITS,
};

static int stage_of(uint8_t type)
{
    static const int stages[CC_IMAGE_TYPES] = {[CC_IMAGE_HEAD] = HEAD,
                                               [CC_IMAGE_INSTANCE] = INSTANCES,
                                               [CC_IMAGE_SESSION] = SESSIONS,
                                               [CC_IMAGE_ANSWER] = SESSIONS,
                                               [CC_IMAGE_DEADLINE] = DEADLINES,
                                               [CC_IMAGE_BLOB] = BLOBS,
                                               [CC_IMAGE_COMMIT] = COMMITS,
                                               [CC_IMAGE_LIVE] = LIVE,
                                               [CC_IMAGE_END] = END};

    return stages[type];
}

struct cc_restoring *cc_restore_begin(const struct cc_apply_options *options)
{
    struct cc_restoring *restoring = cc_memory_take(options->memory, sizeof *restoring);

    restoring->memory = options->memory;
    restoring->apply = cc_apply_create(options);
    return restoring;
}

struct cc_apply *cc_restore_give_up(struct cc_restoring *restoring)
{
    struct cc_apply *apply = NULL;

    if (restoring != NULL) {
        apply = restoring->apply;
        restoring->apply = NULL;
        cc_restore_destroy(restoring);
    }
    return apply;
}

void cc_restore_destroy(struct cc_restoring *restoring)
{
    if (restoring == NULL) {
        return;
    }

    const struct cc_memory *memory = restoring->memory;

    cc_apply_destroy(restoring->apply);
    cc_memory_give(memory, restoring);
}

const char *cc_restore_text(const struct cc_restoring *restoring)
{
    return restoring->text;
}

/* ---- refusing -------------------------------------------------------------------------------- */

static void write_number(struct cc_writer *writer, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    cc_write_raw(writer, digits + at, sizeof digits - at);
}

void cc_restore_refuse(
    struct cc_restoring *restoring, copycat_status status, const char *what, uint64_t number)
{
    struct cc_writer writer;

    restoring->status = status;
    cc_writer_init_fixed(&writer, restoring->text, sizeof restoring->text - 1);
    cc_write_raw(&writer, what, strlen(what));
    if (number > 0) {
        cc_write_u8(&writer, ' ');
        write_number(&writer, number);
    }
    CC_ASSERT(!writer.failed);
    restoring->text[writer.size] = 0;
}

/* What is wrong, and with which record, counted from 1. */
static void refuse_damaged(struct cc_restoring *restoring, const char *what)
{
    char text[CC_RESTORE_TEXT_SIZE];
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, text, sizeof text - 1);
    cc_write_raw(&writer, what, strlen(what));
    cc_write_raw(&writer, ", in record", 11);
    CC_ASSERT(!writer.failed);
    text[writer.size] = 0;
    cc_restore_refuse(restoring, COPYCAT_ERR_DAMAGED, text, restoring->record_count);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static const char *check_order(struct cc_restoring *restoring, uint8_t type)
{
    int stage = stage_of(type);

    if (restoring->stage == BEFORE && stage != HEAD) {
        return "the image does not begin with its head";
    }
    if (restoring->is_ended && type != CC_IMAGE_COMMIT) {
        return "the image goes on after its end";
    }
    if (stage < restoring->stage || (stage == HEAD && restoring->stage == HEAD)) {
        return "a record is not in its order";
    }
    if ((restoring->answers_left > 0) != (type == CC_IMAGE_ANSWER)) {
        return "a session has more or fewer answers than it says";
    }
    if (stage > INSTANCES &&
        restoring->counts[CC_IMAGE_INSTANCE] != restoring->apply->instances.count) {
        return "the catalogue is missing";
    }
    if (stage > BLOBS && !cc_restore_has_blobs(restoring)) {
        return "a blob is missing or not whole";
    }
    restoring->stage = stage;
    return NULL;
}

static const char *take_record(struct cc_restoring *restoring, const struct cc_image_record *record)
{
    switch ((enum cc_image_record_type)record->type) {
    case CC_IMAGE_HEAD:
        return cc_restore_head(restoring, record->payload);
    case CC_IMAGE_INSTANCE:
        return cc_restore_instance(restoring, record->payload);
    case CC_IMAGE_SESSION:
        return cc_restore_session(restoring, record->payload);
    case CC_IMAGE_ANSWER:
        return cc_restore_answer(restoring, record->payload);
    case CC_IMAGE_DEADLINE:
        return cc_restore_deadline(restoring, record->payload);
    case CC_IMAGE_BLOB:
        return cc_restore_blob(restoring, record->payload);
    case CC_IMAGE_COMMIT:
        return cc_restore_commit(restoring, record);
    case CC_IMAGE_LIVE:
        return cc_restore_live(restoring, record->payload);
    case CC_IMAGE_END:
        return cc_restore_last(restoring, record->payload);
    case CC_IMAGE_TYPES:
        break;
    }
    return "a record is of no type";
}

copycat_status cc_restore_take(struct cc_restoring *restoring, copycat_bytes records)
{
    struct cc_image_record record;

    while (restoring->status == COPYCAT_OK && records.size > 0) {
        restoring->record_count++;

        const char *wrong = cc_image_record_next(&records, &record)
                                ? check_order(restoring, record.type)
                                : "a record is cut off or of no type";

        if (wrong == NULL) {
            wrong = take_record(restoring, &record);
        }
        if (wrong == NULL) {
            restoring->counts[record.type]++;
        } else {
            refuse_damaged(restoring, wrong);
        }
    }
    return restoring->status;
}

/* ---- end ------------------------------------------------------------------------------------- */

/* What lives by a blob has no commit here. */
static bool has_all_that_lives(const struct cc_restoring *restoring)
{
    const struct cc_apply *apply = restoring->apply;

    for (uint32_t i = 0; i < apply->instances.count; i++) {
        if (cc_instance_has_blob(apply->instances.at[i])) {
            return true;
        }
    }
    return restoring->commit_count == apply->live.count;
}

bool cc_restore_step(struct cc_restoring *restoring)
{
    const struct cc_instances *instances = &restoring->apply->instances;

    while (restoring->status == COPYCAT_OK && restoring->step_position < instances->count) {
        const struct cc_instance *instance = instances->at[restoring->step_position];

        if (instance->type->restore_step != NULL) {
            restoring->step_position += !instance->type->restore_step(instance->machine);
            return true;
        }
        restoring->step_position++;
    }
    return false;
}

copycat_status cc_restore_end(struct cc_restoring *restoring, struct cc_apply **apply_out)
{
    struct cc_apply *apply = restoring->apply;

    CC_ASSERT(apply != NULL);
    if (restoring->status != COPYCAT_OK) {
        return restoring->status;
    }
    if (!restoring->is_ended) {
        cc_restore_refuse(restoring, COPYCAT_ERR_DAMAGED, "the image has no end", 0);
        return restoring->status;
    }
    if ((restoring->commit_count != restoring->commits_due || !has_all_that_lives(restoring)) &&
        !CC_BUG(T034) && !CC_BUG(T034B) && !CC_BUG(T034C)) {
        cc_restore_refuse(
            restoring, COPYCAT_ERR_DAMAGED,
            "there are not as many live commits as the image says:", restoring->commits_due);
        return restoring->status;
    }
    while (cc_restore_step(restoring)) {
    }
    for (uint32_t i = 0; i < apply->instances.count; i++) {
        cc_instance_settle(apply, apply->instances.at[i]);
    }
    if (cc_apply_digest(apply) != restoring->digest && !CC_BUG(T045) && !CC_BUG(T034) &&
        !CC_BUG(T034B) && !CC_BUG(T034C) && !CC_BUG(T046B)) {
        cc_restore_refuse(
            restoring, COPYCAT_ERR_DAMAGED,
            "what the image makes has another digest than the state it was taken of, at index",
            apply->index);
        return restoring->status;
    }
    *apply_out = apply;
    restoring->apply = NULL;
    return COPYCAT_OK;
}

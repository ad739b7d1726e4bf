/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_options -- see server_options.h.
 */
#include "api/server_options.h"

#include "api/address.h"
#include "base/options.h"
#include "resource/map/map_machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELECTION_TIMEOUT_MS 1000u
#define ELECTION_TIMEOUT_MS_MAX 60000u
#define JOURNAL_FILE_SIZE_MAX (UINT64_C(1) << 30)
#define JOURNAL_FILE_SIZE (UINT64_C(64) << 20)
#define DISK_QUOTA_FILES 4u
#define JOURNAL_BLOCK 4096u
#define DATA_DIR_SIZE_MAX 400u
#define MACHINES_MAX 1024u
#define OWN_ID_FIRST 128u
#define OWN_ID_LAST 1023u

static copycat_status invalid(copycat_message *message_out, const char *text)
{
    return cc_fail(message_out, COPYCAT_ERR_INVALID, text);
}

/* ---- who and where --------------------------------------------------------------------------- */

static copycat_status read_members(struct cc_server_setup *setup, copycat_message *message_out)
{
    const copycat_server_options *options = &setup->options;
    char text[sizeof message_out->text];
    copycat_status status;

    if (options->members == NULL || options->data_dir == NULL || options->data_dir[0] == '\0') {
        return invalid(message_out, "a server needs its members and its data_dir");
    }
    if (strlen(options->data_dir) > DATA_DIR_SIZE_MAX) {
        return invalid(message_out, "data_dir has more than 400 bytes");
    }
    status = cc_members_parse(options->members, &setup->members, text, sizeof text);
    if (status != COPYCAT_OK) {
        return cc_fail(message_out, status, text);
    }
    if (cc_members_find(&setup->members, options->id) == NULL) {
        snprintf(
            text, sizeof text, "id is %u, which is not among the members: %s", options->id,
            options->members);
        return invalid(message_out, text);
    }
    return COPYCAT_OK;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static copycat_status read_numbers(copycat_server_options *options, copycat_message *message_out)
{
    char text[sizeof message_out->text];

    if (options->election_timeout_ms == 0) {
        options->election_timeout_ms = ELECTION_TIMEOUT_MS;
    }
    if (options->election_timeout_ms > ELECTION_TIMEOUT_MS_MAX) {
        return invalid(message_out, "election_timeout_ms is at most 60000, or 0 for the default");
    }
    if (options->heartbeat_interval_ms > options->election_timeout_ms / 3) {
        snprintf(
            text, sizeof text,
            "heartbeat_interval_ms is %u, more than a third of election_timeout_ms, %u: one lost "
            "heartbeat would depose the leader",
            options->heartbeat_interval_ms, options->election_timeout_ms);
        return invalid(message_out, text);
    }
    if (options->journal_file_size % JOURNAL_BLOCK != 0 ||
        options->journal_file_size > JOURNAL_FILE_SIZE_MAX) {
        return invalid(
            message_out, "journal_file_size is a multiple of 4096, at most 1 GiB, or 0 for the "
                         "default");
    }
    if (options->disk_quota != 0 &&
        options->disk_quota / DISK_QUOTA_FILES <
            (options->journal_file_size == 0 ? JOURNAL_FILE_SIZE : options->journal_file_size)) {
        return invalid(
            message_out, "disk_quota is at least four times journal_file_size, or 0 for no limit");
    }
    if (options->reserved != 0) {
        return invalid(message_out, "a reserved field of the server's options is not zero");
    }
    return COPYCAT_OK;
}

/* ---- machines -------------------------------------------------------------------------------- */

/* What is missing, or NULL. */
static const char *fault_of(const copycat_machine_type *type)
{
    uint32_t blobs = 0;

    if (type->create == NULL || type->destroy == NULL || type->apply == NULL ||
        type->query == NULL || type->digest == NULL) {
        return "it needs create, destroy, apply, query and digest";
    }
    blobs += type->blob_freeze != NULL;
    blobs += type->blob_step != NULL;
    blobs += type->blob_done != NULL;
    blobs += type->blob_restore != NULL;
    if (blobs != (type->restore_commit == NULL ? 4u : 0u)) {
        return "it needs either restore_commit or all four of the blob";
    }
    if (type->restore_step != NULL && type->restore_commit == NULL) {
        return "restore_step goes with restore_commit";
    }
    if (type->id >= OWN_ID_FIRST && type->id <= OWN_ID_LAST) {
        return "ids from 128 to 1023 are the library's own";
    }
    return NULL;
}

static bool is_known(const copycat_machine_type *const *types, uint32_t id)
{
    for (; *types != NULL; types++) {
        if ((*types)->id == id) {
            return true;
        }
    }
    return false;
}

static copycat_status read_machine(
    struct cc_server_setup *setup, uint32_t place, copycat_message *message_out)
{
    const copycat_machine_type *type = setup->options.machines[place];
    char text[sizeof message_out->text];
    const char *fault = type == NULL ? "there is none" : fault_of(type);

    if (fault == NULL && is_known(setup->types, type->id)) {
        fault = "another has the same id";
    }
    if (fault != NULL) {
        snprintf(
            text, sizeof text, "machine %u%s%s: %s", place,
            type == NULL || type->name == NULL ? "" : ", ",
            type == NULL || type->name == NULL ? "" : type->name, fault);
        return invalid(message_out, text);
    }
    setup->types[place + 1] = type;
    return COPYCAT_OK;
}

static copycat_status read_machines(struct cc_server_setup *setup, copycat_message *message_out)
{
    uint32_t count = setup->options.machine_count;
    copycat_status status = COPYCAT_OK;

    if (count > MACHINES_MAX || (count > 0 && setup->options.machines == NULL)) {
        return invalid(message_out, "machine_count is above 1024, or there are no machines");
    }
    setup->types = calloc((size_t)count + 2, sizeof *setup->types);
    if (setup->types == NULL) {
        return cc_fail(message_out, COPYCAT_ERR_MEMORY, NULL);
    }
    setup->types[0] = &cc_map_machine_type;
    for (uint32_t i = 0; status == COPYCAT_OK && i < count; i++) {
        status = read_machine(setup, i, message_out);
    }
    if (status != COPYCAT_OK) {
        free(setup->types);
        setup->types = NULL;
    }
    return status;
}

copycat_status cc_server_setup_read(
    struct cc_server_setup *setup_out,
    const copycat_server_options *options,
    copycat_message *message_out)
{
    copycat_server_options *taken = &setup_out->options;
    copycat_status status = cc_options_read(taken, sizeof *taken, options);

    if (status != COPYCAT_OK) {
        return cc_fail(message_out, status, "the server's options are not ones this library knows");
    }
    status = read_members(setup_out, message_out);
    if (status == COPYCAT_OK) {
        status = read_numbers(taken, message_out);
    }
    return status == COPYCAT_OK ? read_machines(setup_out, message_out) : status;
}

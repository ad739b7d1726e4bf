/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backup -- see backup.h.
 */
#include "backup.h"

#include "failure.h"
#include "log.h"
#include "output.h"
#include "progress.h"

#include <copycat/backup.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UNIT (UINT64_C(1) << 20) /* of progress */
#define CLUSTER_SIZE 33u

struct showing {
    struct cli_progress progress;
    uint32_t phase;
    bool is_wanted;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static const char *name_of(uint32_t phase)
{
    switch (phase) {
    case COPYCAT_BACKUP_SEEKING:
        return "looks for the leader";
    case COPYCAT_BACKUP_WAITING:
        return "waits until the leader has an image of its state";
    case COPYCAT_BACKUP_RECEIVING:
        return "receives";
    case COPYCAT_BACKUP_CHECKING:
        return "reads all of it";
    default:
        return "writes the directory";
    }
}

/* Each phase has a line that names it, and where there is something to be counted a bar. */
static void on_progress(uint32_t phase, uint64_t done, uint64_t total, void *user)
{
    struct showing *showing = user;
    uint64_t now = now_ms();

    if (phase != showing->phase) {
        cli_progress_clear(&showing->progress);
        cli_progress_init(&showing->progress, now, NULL, showing->is_wanted);
        showing->progress.unit = " MiB";
        showing->phase = phase;
        if (showing->progress.is_shown) {
            fprintf(stderr, "%s\n", name_of(phase));
        }
    }
    if (total > 0) {
        showing->progress.total = (total + UNIT - 1) / UNIT;
        cli_progress_note(
            &showing->progress, now, done == total ? showing->progress.total : done / UNIT, false);
        cli_progress_show(&showing->progress, now);
    }
}

static void begin_showing(struct showing *showing, const struct cli_arguments *arguments)
{
    *showing = (struct showing){.is_wanted = cli_arguments_has(arguments, CLI_FLAG_PROGRESS)};
}

static int fail(
    const struct cli_arguments *arguments, copycat_status status, const copycat_message *message)
{
    bool is_silence = status == COPYCAT_ERR_UNAVAILABLE || status == COPYCAT_ERR_NO_LEADER;
    bool is_damage = status == COPYCAT_ERR_DAMAGED || status == COPYCAT_ERR_NEWER;
    int code = is_damage ? CLI_EXIT_USAGE : cli_exit_of(status);

    const char *reason = message->text[0] == '\0' ? copycat_status_text(status) : message->text;

    return is_silence ? cli_fail_unheard(arguments, status, "no backup was made", reason)
                      : cli_fail_with(arguments, code, "%s", reason);
}

/* ---- what it is ------------------------------------------------------------------------------- */

static void print_info(const copycat_backup_info *info)
{
    char log_time[CLI_LOG_TIME_SIZE];
    char made[CLI_LOG_TIME_SIZE];

    cli_log_time(info->log_time_us, log_time);
    cli_log_time(info->made_us, made);
    printf(
        "  of cluster %s, all through entry %" PRIu64 " (term %" PRIu64 ", log time %s)\n"
        "  %" PRIu64 " resource%s, %" PRIu64 " session%s; made %s\n"
        "  %" PRIu64 " bytes, %" PRIu64 " unpacked; checksum %016" PRIx64 "\n",
        info->cluster, info->index, info->term, log_time, info->resources,
        info->resources == 1 ? "" : "s", info->sessions, info->sessions == 1 ? "" : "s", made,
        info->file_size, info->records_size, info->checksum);
}

static json_t *json_of(const char *path, const copycat_backup_info *info)
{
    json_t *object = json_object();
    char digits[24];

    cli_json_set(object, "file", json_string(path));
    cli_json_set(object, "cluster", json_string(info->cluster));
    cli_json_set(object, "index", json_integer((json_int_t)info->index));
    cli_json_set(object, "term", json_integer((json_int_t)info->term));
    cli_json_set(object, "log_time_us", json_integer((json_int_t)info->log_time_us));
    cli_json_set(object, "made_us", json_integer((json_int_t)info->made_us));
    cli_json_set(object, "resources", json_integer((json_int_t)info->resources));
    cli_json_set(object, "sessions", json_integer((json_int_t)info->sessions));
    cli_json_set(object, "bytes", json_integer((json_int_t)info->file_size));
    cli_json_set(object, "unpacked_bytes", json_integer((json_int_t)info->records_size));
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, info->checksum);
    cli_json_set(object, "checksum", json_string(digits));
    (void)snprintf(digits, sizeof digits, "%016" PRIx64, info->digest);
    cli_json_set(object, "digest", json_string(digits));
    return object;
}

/* ---- backup ----------------------------------------------------------------------------------- */

int cli_backup(const struct cli_arguments *arguments)
{
    const char *path = arguments->operands[0];
    copycat_backup_options options = COPYCAT_BACKUP_OPTIONS_INIT;
    copycat_backup_info info = {.size = sizeof info};
    copycat_message message = {""};
    struct showing showing;
    copycat_status status;

    begin_showing(&showing, arguments);
    options.servers = arguments->servers;
    options.timeout_ms = cli_arguments_timeout_ms(arguments);
    options.replaces = cli_arguments_has(arguments, CLI_FLAG_FORCE);
    options.progress = on_progress;
    options.user = &showing;
    status = copycat_backup_make(path, &options, &info, &message);
    cli_progress_clear(&showing.progress);
    if (status != COPYCAT_OK) {
        return fail(arguments, status, &message);
    }
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        cli_json_print(json_of(path, &info));
    } else {
        printf("%s is complete, and was read back\n", path);
        print_info(&info);
    }
    return CLI_EXIT_YES;
}

/* ---- verify ----------------------------------------------------------------------------------- */

int cli_verify(const struct cli_arguments *arguments)
{
    const char *path = arguments->operands[0];
    copycat_backup_info info = {.size = sizeof info};
    copycat_message message = {""};
    struct showing showing;
    copycat_status status;

    begin_showing(&showing, arguments);
    status = copycat_backup_verify(path, on_progress, &showing, &info, &message);
    cli_progress_clear(&showing.progress);
    if (status != COPYCAT_OK) {
        int code = fail(arguments, status, &message);

        return status == COPYCAT_ERR_DAMAGED ? CLI_EXIT_NO : code;
    }
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        json_t *object = json_of(path, &info);

        cli_json_set(object, "built", json_boolean(info.is_built != 0));
        cli_json_print(object);
        return CLI_EXIT_YES;
    }
    printf(
        "%s is sound%s\n", path,
        info.is_built != 0
            ? ": its state was built, and has the digest that it should have"
            : "; its state was not built, for a type of resource in it is not known here");
    print_info(&info);
    return CLI_EXIT_YES;
}

/* ---- restore ---------------------------------------------------------------------------------- */

static bool has_all_flags(const struct cli_arguments *arguments)
{
    return arguments->data_dir != NULL && arguments->id != 0;
}

int cli_restore(const struct cli_arguments *arguments)
{
    const char *path = arguments->operands[0];
    copycat_restore_options options = COPYCAT_RESTORE_OPTIONS_INIT;
    copycat_backup_info info = {.size = sizeof info};
    copycat_message message = {""};
    char cluster[CLUSTER_SIZE];
    struct showing showing;
    copycat_status status;

    if (!has_all_flags(arguments)) {
        return cli_fail_with(
            arguments, CLI_EXIT_USAGE,
            "say which server it is for: --data-dir=DIR and --id=NUMBER, as copycatd is given "
            "them");
    }
    begin_showing(&showing, arguments);
    options.data_dir = arguments->data_dir;
    options.id = arguments->id;
    options.cluster = arguments->cluster;
    options.progress = on_progress;
    options.user = &showing;
    status = copycat_backup_restore(path, &options, cluster, &info, &message);
    cli_progress_clear(&showing.progress);
    if (status != COPYCAT_OK) {
        return fail(arguments, status, &message);
    }
    if (cli_arguments_has(arguments, CLI_FLAG_JSON)) {
        json_t *object = json_of(path, &info);

        cli_json_set(object, "data_dir", json_string(arguments->data_dir));
        cli_json_set(object, "id", json_integer((json_int_t)arguments->id));
        cli_json_set(object, "new_cluster", json_string(cluster));
        cli_json_print(object);
        return CLI_EXIT_YES;
    }
    printf(
        "%s is server %" PRIu64 " of the new cluster %s, with %s\n", arguments->data_dir,
        arguments->id, cluster, path);
    print_info(&info);
    printf(
        "restore every other member from the same file with --cluster-id=%s, then start all of "
        "them\n",
        cluster);
    return CLI_EXIT_YES;
}

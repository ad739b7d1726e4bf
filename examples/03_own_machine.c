/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 03 -- a replicated machine of your own: a limit of so many passes in a while, the same for all
 * clients of the cluster.  usage: 03_own_machine DIRECTORY
 *
 *   "pass"     answers the number of the pass, or is refused with QUOTA once all are used up
 *   (query)    how many are left
 *
 * A timer gives all passes back.  It runs on log time: at the same place of the log on every member,
 * whatever their clocks say.
 */
#include <copycat.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMITER_TYPE 2000u /* 0 to 127 and from 1024 on are yours */
#define PASSES 3u
#define WHILE_US UINT64_C(300000)
#define GIVE_BACK 1u /* the key of the timer */

/* ---- the machine: what every member holds ---------------------------------------------------- */

struct limiter {
    copycat_memory *memory;
    uint64_t used[PASSES]; /* indexes of the commits that passed: they are the state */
    uint32_t count;
};

static void *create(copycat_memory *memory)
{
    struct limiter *limiter = copycat_memory_take(memory, sizeof *limiter); /* zeroed */

    limiter->memory = memory;
    return limiter;
}

static void destroy(void *machine)
{
    struct limiter *limiter = machine;

    copycat_memory_give(limiter->memory, limiter);
}

static void apply(void *machine, copycat_context *context, const copycat_commit *commit)
{
    struct limiter *limiter = machine;
    copycat_status status = COPYCAT_ERR_QUOTA;
    char text[64] = "";

    if (commit->operation.size != 4 || memcmp(commit->operation.data, "pass", 4) != 0) {
        status = COPYCAT_ERR_UNKNOWN_OPERATION;
    } else if (limiter->count < PASSES) {
        status = COPYCAT_OK;
        limiter->used[limiter->count++] = commit->index; /* live until it is given back */
        snprintf(
            text, sizeof text, "pass %" PRIu32 ", at index %" PRIu64, limiter->count,
            commit->index);
        if (limiter->count == 1) {
            copycat_context_schedule(context, GIVE_BACK, commit->time_us + WHILE_US);
        }
    }
    copycat_context_answer(context, status, copycat_str(text));
    if (status != COPYCAT_OK) {
        copycat_context_release(context, commit->index); /* nothing depends on it */
    }
}

static void timer(void *machine, copycat_context *context, uint64_t key)
{
    struct limiter *limiter = machine;

    (void)key; /* there is one */
    for (uint32_t i = 0; i < limiter->count; i++) {
        copycat_context_release(context, limiter->used[i]); /* the log may forget them */
    }
    limiter->count = 0;
}

static void query(const void *machine, copycat_reading *reading, copycat_bytes operation)
{
    const struct limiter *limiter = machine;
    char text[16];

    (void)operation;
    snprintf(text, sizeof text, "%" PRIu32, PASSES - limiter->count);
    copycat_reading_answer(reading, COPYCAT_OK, copycat_str(text));
}

/* Equal where the state is equal. */
static uint64_t digest(const void *machine)
{
    const struct limiter *limiter = machine;
    uint64_t sum = limiter->count;

    for (uint32_t i = 0; i < limiter->count; i++) {
        sum = sum * 31 + limiter->used[i];
    }
    return sum;
}

/* From the commits that were not released the state can be built again. */
static void restore_commit(void *machine, const copycat_commit *commit)
{
    struct limiter *limiter = machine;

    limiter->used[limiter->count++] = commit->index;
}

static const copycat_machine_type limiter_type = {
    .id = LIMITER_TYPE,
    .version = 1,
    .name = "limiter",
    .create = create,
    .destroy = destroy,
    .apply = apply,
    .query = query,
    .timer = timer,
    .digest = digest,
    .restore_commit = restore_commit,
};

/* ---- the host: a member that knows the machine, and a client --------------------------------- */

static copycat_server *open_server(const char *directory)
{
    const copycat_machine_type *machines[] = {&limiter_type};
    copycat_server_options options = COPYCAT_SERVER_OPTIONS_INIT;
    copycat_server *server;
    copycat_message message;

    options.id = 1;
    options.members = "1=local:limiter";
    options.data_dir = directory;
    options.machines = machines; /* the same on every member */
    options.machine_count = 1;
    if (copycat_server_open(&server, &options, &message) != COPYCAT_OK) {
        fprintf(stderr, "%s\n", message.text);
        exit(1);
    }
    return server;
}

/* True if it passed. */
static int pass(copycat_resource *limiter)
{
    copycat_value *value;
    copycat_status status =
        copycat_await(copycat_resource_submit(limiter, COPYCAT_STR("pass"), NULL), 10000, &value);

    if (status == COPYCAT_OK) {
        printf("%s\n", (const char *)copycat_value_bytes(value).data);
    } else if (status != COPYCAT_ERR_QUOTA) {
        fprintf(stderr, "pass: %s\n", copycat_status_text(status));
        exit(1);
    }
    copycat_value_free(value);
    return status == COPYCAT_OK;
}

int main(int argc, char **argv)
{
    copycat_server *server = open_server(argc > 1 ? argv[1] : "own-machine");
    copycat_client *client;
    uint64_t refused = 0;

    if (copycat_client_open(&client, "local:limiter", NULL, NULL) != COPYCAT_OK) {
        return 1;
    }

    copycat_resource *limiter = copycat_resource_at(client, "/logins", LIMITER_TYPE);

    for (uint32_t passed = 0; passed < PASSES + 1;) {
        if (pass(limiter)) {
            passed++;
        } else {
            refused++;
        }
    }
    printf("refused %s before the timer gave them back\n", refused > 0 ? "some" : "none");

    copycat_resource_free(limiter);
    copycat_client_close(client, NULL, NULL);
    copycat_server_close(server);
    return refused > 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_state -- a start: the image that the journal says this server stands on becomes its state
 * before anybody sees it; its group then applies what is behind it.
 */
#include "base/assert.h"
#include "server/image/image_name.h"
#include "server/image/loading.h"
#include "server/node/node.h"

#include <string.h>

#define AGAIN_US UINT64_C(1000000)
#define READ_AGAIN_MAX 3u

/*
 * No descriptor is left, and that may be otherwise soon; or the disk refuses to read, which a disk
 * does for a while, too.  Another image would take the place of the file, which may be whole, and
 * the last copy there is.
 */
static bool is_worth_again(struct cc_server *server, copycat_status status)
{
    if (status == COPYCAT_ERR_IO) {
        server->load_errors++;
    }
    return status == COPYCAT_ERR_BUSY ||
           (status == COPYCAT_ERR_IO && server->load_errors <= READ_AGAIN_MAX);
}

static void try_again(struct cc_timer *timer)
{
    cc_server_restore_state(timer->owner);
}

/* The others have it, perhaps.  A log that goes on from nothing is no use to a server that is alone. */
static void lose(struct cc_server *server, const struct cc_loaded *loaded)
{
    bool is_alone = server->members.count == 1;
    bool is_damage = loaded->status == COPYCAT_ERR_DAMAGED || loaded->status == COPYCAT_ERR_IO;
    const char *text = cc_server_compose(
        server, (const char *const[]){
                    "the image that this server stands on cannot be used: ", loaded->text,
                    is_alone ? "; put the file back as it was, or restore a backup"
                             : "; another one is fetched from the others",
                    NULL});

    if (is_alone || !is_damage) {
        cc_server_fail(server, loaded->status, text);
        return;
    }
    cc_server_notice_about(server, CC_TOPIC_BASE, text);
    cc_server_appear(server, NULL);
}

/* It came from a backup, and so can a new one. */
static void lose_restored(struct cc_server *server, const struct cc_loaded *loaded)
{
    cc_server_fail(
        server, loaded->status,
        cc_server_compose(
            server, (const char *const[]){
                        "the image that was restored from a backup cannot be used: ", loaded->text,
                        "; restore the backup again, into an empty directory", NULL}));
}

static void loaded(void *owner, const struct cc_loaded *loaded)
{
    struct cc_server *server = owner;

    server->loading = NULL;
    if (server->failed != COPYCAT_OK) {
        cc_apply_destroy(loaded->apply);
    } else if (loaded->status == COPYCAT_OK) {
        server->is_restored = cc_journal_base(server->journal) == NULL;
        memcpy(server->cluster_id, loaded->cluster_id, CC_CLUSTER_ID_SIZE);
        server->segments = cc_segment_list_retain(loaded->segments);
        cc_server_appear(server, loaded->apply);
    } else if (is_worth_again(server, loaded->status)) {
        server->load_again = (struct cc_timer){.fire = try_again, .owner = server};
        cc_env_timer_arm(server->env, &server->load_again, cc_env_now_us(server->env) + AGAIN_US);
    } else if (cc_journal_base(server->journal) == NULL) {
        lose_restored(server, loaded);
    } else {
        lose(server, loaded);
    }
}

void cc_server_restore_state(struct cc_server *server)
{
    const struct cc_journal_base *base = &server->recovered.base;
    struct cc_image_id id = {0,          base->index,    base->term, base->time_us,
                             base->size, base->checksum, false};

    if (id.index == 0) {
        cc_server_appear(server, NULL);
        return;
    }
    server->loading = cc_loading_begin(server, &id, true, NULL, loaded, server);
    CC_ASSERT(server->loading != NULL); /* the directory holds the journal, too */
}

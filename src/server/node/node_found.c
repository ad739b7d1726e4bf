/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_found -- how a cluster begins: unanimously, and once.
 *
 * Each server draws an incarnation with its directory and says it in hello.  The lowest listed id
 * hears all the others, none of which has a base and all of which have the same list, draws the
 * cluster's id and writes the base.  Everybody else gets the base from whoever has it, checks that
 * it lists this very incarnation, and writes it.  Raft starts on a server when the base is durable
 * there and not before (S2): no base, no vote.  A server that hears nobody waits (T-098).
 *
 * A server that was restored from a backup has a state and the id of its cluster already.  It founds
 * with servers that were restored for the same id and with nobody else: one that is empty could be
 * elected by others that are, and all would be lost (docs/decisions/0012).
 */
#include "base/assert.h"
#include "base/bug.h"
#include "server/node/node.h"

#include <string.h>

uint32_t cc_server_member_place(const struct cc_server *server, uint32_t id)
{
    for (uint32_t i = 0; i < server->members.count; i++) {
        if (server->members.at[i].id == id) {
            return i;
        }
    }
    return UINT32_MAX;
}

void cc_server_heard(struct cc_server *server, const struct cc_hello *hello)
{
    static const uint8_t none[CC_CLUSTER_ID_SIZE];
    uint32_t place = cc_server_member_place(server, hello->server);

    CC_ASSERT(place < CC_MEMBERS_MAX);
    struct cc_candidate *candidate = &server->candidates[place];

    /* A member that has a cluster already is no founder: its base will come to us. */
    candidate->is_heard =
        server->is_restored
            ? CC_BUG(T103) ||
                  (hello->is_restored &&
                   memcmp(hello->cluster_id, server->cluster_id, CC_CLUSTER_ID_SIZE) == 0)
            : memcmp(hello->cluster_id, none, CC_CLUSTER_ID_SIZE) == 0;
    memcpy(candidate->incarnation, hello->incarnation, CC_INCARNATION_SIZE);
    cc_server_found_if_unanimous(server);
}

static void store_base(struct cc_server *server, const struct cc_base *base)
{
    CC_ASSERT(server->founding_mark == 0);
    server->founding = *base;
    cc_journal_found(server->journal, base);
    server->founding_mark = cc_journal_mark(server->journal);
    cc_journal_flush(server->journal);
}

void cc_server_found_if_unanimous(struct cc_server *server)
{
    struct cc_base base = {.feature_level = CC_FEATURE_LEVEL, .members = server->members};

    if (server->state != CC_SERVER_FOUNDING || server->founding_mark != 0 ||
        (server->members.at[0].id != server->options.id && !CC_BUG(T098))) {
        return;
    }
    for (uint32_t i = 0; i < server->members.count; i++) {
        const uint8_t *incarnation = server->candidates[i].incarnation;

        if (server->members.at[i].id == server->options.id) {
            incarnation = cc_journal_incarnation(server->journal);
        } else if (!server->candidates[i].is_heard && !CC_BUG(T098)) {
            return;
        }
        memcpy(base.members.at[i].incarnation, incarnation, CC_INCARNATION_SIZE);
    }
    if (server->is_restored) {
        memcpy(base.cluster_id, server->cluster_id, CC_CLUSTER_ID_SIZE);
    } else {
        cc_env_entropy(server->env, base.cluster_id, CC_CLUSTER_ID_SIZE);
    }
    store_base(server, &base);
}

/*
 * Who votes is decided by ids, roles and incarnations.  An address is only where one tries to find
 * a member: it may move, for whoever answers there has to be the right one all the same.
 */
static bool are_same(const struct cc_members *left, const struct cc_members *right)
{
    bool same = left->count == right->count;

    for (uint32_t i = 0; same && i < left->count; i++) {
        same = left->at[i].id == right->at[i].id && left->at[i].role == right->at[i].role;
    }
    return same;
}

const char *cc_server_misfit(struct cc_server *server, const struct cc_base *base)
{
    char founded[CC_REFUSE_TEXT_SIZE_MAX / 3];
    char given[CC_REFUSE_TEXT_SIZE_MAX / 3];

    if (are_same(&base->members, &server->members)) {
        return NULL;
    }
    cc_server_print_members(&base->members, founded, sizeof founded);
    cc_server_print_members(&server->members, given, sizeof given);
    return cc_server_compose(
        server, (const char *const[]){
                    "membership cannot change yet; start with the list it was founded with, or "
                    "use an empty --data-dir: founded with ",
                    founded, ", started with ", given, NULL});
}

bool cc_server_take_base(struct cc_server *server, copycat_bytes body)
{
    struct cc_base base;

    if (!cc_base_decode(body, &base)) {
        return false;
    }
    if (server->state != CC_SERVER_FOUNDING || server->founding_mark != 0) {
        return true; /* it has been stored, or is being stored */
    }

    const struct cc_member *self = cc_members_find(&base.members, server->options.id);

    if (self == NULL ||
        (memcmp(self->incarnation, cc_journal_incarnation(server->journal), CC_INCARNATION_SIZE) !=
             0 &&
         !CC_BUG(T012))) {
        cc_server_notice_about(
            server, CC_TOPIC_BASE,
            "the cluster counts another server, or a former directory of this one, as the member "
            "with this id; " CC_LOST_DIRECTORY);
        return false;
    }

    if (server->is_restored &&
        memcmp(base.cluster_id, server->cluster_id, CC_CLUSTER_ID_SIZE) != 0) {
        cc_server_notice_about(server, CC_TOPIC_BASE, CC_RESTORED_APART);
        return false;
    }

    const char *misfit = cc_server_misfit(server, &base);

    if (misfit != NULL) {
        cc_server_notice_about(server, CC_TOPIC_BASE, misfit);
        return false;
    }
    store_base(server, &base);
    return true;
}

/* The base is durable: this server takes part from now on, and says so to its neighbours.  The state
 * is an image's; NULL: empty. */
void cc_server_start_group(struct cc_server *server, struct cc_apply *apply)
{
    const struct cc_base *base = cc_journal_base(server->journal);

    CC_ASSERT(base != NULL);
    CC_ASSERT(server->group == NULL);
    server->group = cc_group_create(server, 0, base, server->log, &server->recovered, apply);
    server->log = NULL;
    cc_server_settle(server, CC_TOPIC_BASE);
    cc_server_set_state(server, CC_SERVER_MEMBER);
    for (uint32_t i = 0; i < server->peer_count; i++) {
        cc_peer_redial(server->peers[i]);
    }
    cc_server_dismiss_peers(
        server); /* they were told that there is no base here: they dial again */
}

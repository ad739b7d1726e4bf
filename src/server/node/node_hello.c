/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_hello -- who are you, and do we belong together?  Absent means no: whoever does not say what
 * is asked is refused.
 */
#include "base/bug.h"
#include "server/node/node.h"

#include <string.h>

void cc_server_fill_hello(const struct cc_server *server, struct cc_hello *hello_out)
{
    const struct cc_base *base = cc_journal_base(server->journal);

    *hello_out = (struct cc_hello){
        .version_min = CC_PROTOCOL_VERSION,
        .version_max = CC_PROTOCOL_VERSION,
        .feature_level = CC_FEATURE_LEVEL,
        .kind = CC_HELLO_PEER,
        .server = server->options.id,
        .boot = cc_journal_boot(server->journal),
        .members = server->members,
    };
    memcpy(hello_out->incarnation, cc_journal_incarnation(server->journal), CC_INCARNATION_SIZE);
    if (base != NULL && server->group != NULL) {
        memcpy(hello_out->cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE);
    } else if (server->is_restored) {
        hello_out->is_restored = true;
        memcpy(hello_out->cluster_id, server->cluster_id, CC_CLUSTER_ID_SIZE);
    }
}

static bool is_zero(const uint8_t id[CC_CLUSTER_ID_SIZE])
{
    static const uint8_t none[CC_CLUSTER_ID_SIZE];

    return memcmp(id, none, CC_CLUSTER_ID_SIZE) == 0;
}

void cc_server_print_members(const struct cc_members *members, char *text_out, size_t text_size)
{
    struct cc_writer writer;

    cc_writer_init_fixed(&writer, (uint8_t *)text_out, text_size - 1);
    cc_members_print(&writer, members);
    text_out[writer.size] = '\0';
}

static const char *difference(struct cc_server *server, const struct cc_members *theirs)
{
    static const char what[] =
        "the member lists differ, and the cluster is founded once all servers have the same; one "
        "says ";
    char here[CC_REFUSE_TEXT_SIZE_MAX / 3];
    char there[CC_REFUSE_TEXT_SIZE_MAX / 3];

    cc_server_print_members(&server->members, here, sizeof here);
    cc_server_print_members(theirs, there, sizeof there);
    return cc_server_compose(
        server, (const char *const[]){what, here, ", the other ", there, NULL});
}

/* Who has a state and who has none must not begin together; nor may those of two backups. */
static bool is_apart(const struct cc_server *server, const struct cc_hello *hello)
{
    if (CC_BUG(T103)) {
        return false;
    }
    return server->is_restored
               ? memcmp(hello->cluster_id, server->cluster_id, CC_CLUSTER_ID_SIZE) != 0
               : hello->is_restored;
}

/* A peer is who the base lists under its id, with the same incarnation (T-012, T-015). */
static copycat_status check_peer(
    struct cc_server *server, const struct cc_hello *hello, const char **text_out)
{
    const struct cc_base *base = cc_journal_base(server->journal);
    uint32_t place = cc_server_member_place(server, hello->server);

    if (place == UINT32_MAX || hello->server == server->options.id) {
        *text_out = "this id is not in the member list here; give every server the same list";
        return COPYCAT_ERR_NOT_MEMBER;
    }
    if (base != NULL && server->group != NULL) {
        const struct cc_member *member = cc_members_find(&base->members, hello->server);

        if (member == NULL ||
            (memcmp(member->incarnation, hello->incarnation, CC_INCARNATION_SIZE) != 0 &&
             !CC_BUG(T012))) {
            *text_out = "another incarnation is the member with this id; " CC_LOST_DIRECTORY;
            return COPYCAT_ERR_NOT_MEMBER;
        }
    } else if (is_apart(server, hello)) {
        *text_out = CC_RESTORED_APART;
        return COPYCAT_ERR_CLUSTER;
    } else if (!cc_members_match(&server->members, &hello->members)) {
        *text_out = difference(server, &hello->members);
        return COPYCAT_ERR_NOT_MEMBER;
    }
    if (hello->boot < server->boots[place]) {
        *text_out = "an older start of the same server; is the directory in use twice?";
        return COPYCAT_ERR_NOT_MEMBER;
    }
    server->boots[place] = hello->boot;
    return COPYCAT_OK;
}

copycat_status cc_server_check_hello(
    struct cc_server *server, const struct cc_hello *hello, const char **text_out)
{
    const struct cc_base *base = cc_journal_base(server->journal);

    *text_out = "";
    if (hello->version_min > CC_PROTOCOL_VERSION || hello->version_max < CC_PROTOCOL_VERSION) {
        *text_out = "no protocol version in common; upgrade the older side";
        return COPYCAT_ERR_VERSION;
    }
    if (base != NULL && server->group != NULL && !is_zero(hello->cluster_id) &&
        memcmp(hello->cluster_id, base->cluster_id, CC_CLUSTER_ID_SIZE) != 0) {
        *text_out = "that is another cluster; check the addresses";
        return COPYCAT_ERR_CLUSTER;
    }
    if (server->group == NULL && (hello->kind == CC_HELLO_CLIENT || hello->kind == CC_HELLO_LANE)) {
        *text_out = "the cluster is not founded yet; all listed servers must be running once";
        return COPYCAT_ERR_UNAVAILABLE;
    }
    if (hello->kind == CC_HELLO_PEER || hello->kind == CC_HELLO_LANE) {
        return check_peer(server, hello, text_out);
    }
    return COPYCAT_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * raft_image -- a log that does not begin at 1: what is forgotten, who therefore needs an image,
 * and taking one over.  An image at H stands for the entries 1..H; the core knows it by its index
 * and term.
 */
#include "raft/raft_internal.h"

/* What the driver has at hand for a peer may begin with an entry that is gone by now; it then drops
 * that and says nothing.  Nobody waits for its word: whatever brings the peer further takes the
 * append back (accepted, refused and reset in raft_replication.c). */
void cc_raft_forgotten(struct cc_raft *core, uint64_t index)
{
    if (index < core->first) {
        return;
    }
    CC_ASSERT(index <= core->commit);                                 /* R8 */
    CC_ASSERT(core->damaged_from == 0 || core->damaged_from > index); /* R7: REPAIRED comes first */
    cc_raft_log_forget(core, index);
}

/* ---- taking one over ------------------------------------------------------------------------- */

/* T-044: where we have committed as much ourselves, only entries that we cannot read are missing,
 * and those may be forgotten everywhere else. */
bool cc_raft_wants_image(const struct cc_raft *core, uint64_t index)
{
    return core->commit < index || (core->damaged_from != 0 && core->damaged_from <= index) ||
           CC_BUG(T044);
}

/*
 * Our log has the image's last entry, hence all that the image stands for (log matching, 3.5), and
 * what follows may have been acknowledged: it stays.  What cannot be read at or below `index` is no
 * longer asked for; it counts again when the driver says REPAIRED, the ticket being durable.
 */
static void install_below_tail(struct cc_raft *core, uint64_t index)
{
    core->effects->keep_tail = true;
    (void)cc_raft_log_ticket(core);
    if (core->damaged_from != 0 && core->damaged_from <= index && core->first <= index) {
        cc_raft_log_forget(core, index);
    }
}

/*
 * T-044: our log lacks the image's last entry, so all of it goes, acknowledged or not.
 *
 * Entries at or below `index`: whatever of them is committed is what the image stands for.
 * Entries above it: had one of them been committed, or were it ever, the committed log and ours
 * would be the same up to it (log matching), and the image's last entry, which is committed, would
 * be in ours.  For the same reason no leader of our term counts on them: it has that entry.
 * Term and vote stay, and nothing is let go of before the image is durable: it is one write.
 */
static void install_alone(struct cc_raft *core, uint64_t index, uint64_t term)
{
    CC_ASSERT(index > core->commit || CC_BUG(T044)); /* R3 */
    core->effects->keep_tail = false;
    cc_raft_log_reset(core, index, term);
}

copycat_status cc_raft_install(struct cc_raft *core, uint64_t index, uint64_t term)
{
    uint64_t own = cc_raft_log_term(core, index);
    bool is_known = index <= core->commit && !CC_BUG(T044);

    if (index == 0 || index > CC_INDEX_MAX || term == 0 || term > core->term ||
        (index <= core->commit && own != 0 && own != term)) {
        return COPYCAT_ERR_MALFORMED;
    }
    if (!cc_raft_wants_image(core, index)) {
        return COPYCAT_OK;
    }

    /* A leader has every entry that an image may stand for, and soon commits it. */
    if (core->role == CC_RAFT_LEADER) {
        return COPYCAT_ERR_BUSY;
    }

    /* §3.6: who lacks committed entries is not elected.  So nothing is lost with the campaign, and
     * without it the image, which took long to come, is not. */
    if (core->role != CC_RAFT_FOLLOWER) {
        cc_raft_follow(core, core->term, 0);
    }
    core->effects->install_index = index;
    core->effects->install_term = term;
    if (is_known || (own == term && index > core->commit)) {
        install_below_tail(core, index);
    } else {
        install_alone(core, index, term);
    }
    if (index > core->commit || CC_BUG(T044)) {
        core->commit = index;
        core->effects->commit = index;
    }
    core->verified = core->verified > core->commit ? core->verified : core->commit;
    cc_raft_acknowledge_stored(core);
    return COPYCAT_OK;
}

/* ---- at the leader --------------------------------------------------------------------------- */

bool cc_raft_needs_image(const struct cc_raft *core, uint32_t id)
{
    for (uint32_t i = 0; core->role == CC_RAFT_LEADER && i < core->peer_count; i++) {
        if (core->peers[i].id == id) {
            return core->peers[i].lacks_first;
        }
    }
    return false;
}

void cc_raft_fetching(struct cc_raft *core, uint32_t id, uint64_t index)
{
    struct cc_raft_peer *peer = cc_raft_peer_of(core, id);

    if (peer != NULL && core->role == CC_RAFT_LEADER) {
        peer->fetching = index;
    }
}

/* A member that restarts is not worth an image, so it is waited for; one that needs an image asks
 * for no entry that is forgotten. */
static bool holds_floor(const struct cc_raft *core, const struct cc_raft_peer *peer)
{
    return CC_BUG(T036) ||
           (!peer->lacks_first && core->now_us < peer->heard_us + core->options.keep_us_max);
}

uint64_t cc_raft_floor(const struct cc_raft *core)
{
    uint64_t floor = core->commit;

    if (core->role != CC_RAFT_LEADER) {
        return core->floor < core->commit ? core->floor : core->commit;
    }
    for (uint32_t i = 0; i < core->peer_count; i++) {
        const struct cc_raft_peer *peer = &core->peers[i];

        if (holds_floor(core, peer) && peer->match < floor) {
            floor = peer->match;
        }

        /* What comes behind its image it will ask for, if that is not forgotten already. */
        if (peer->fetching > peer->match && peer->fetching + 1 >= core->first &&
            peer->fetching < floor) {
            floor = peer->fetching;
        }
    }
    return floor;
}

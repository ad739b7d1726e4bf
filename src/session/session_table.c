/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session_table -- see session_table.h.
 */
#include "session/session_table.h"

#include "base/assert.h"
#include "base/bug.h"
#include "base/hash.h"

#include <string.h>

static struct cc_session *session_of(struct cc_list *node)
{
    return cc_container_of(node, struct cc_session, node);
}

static uint64_t nonce_hash(const uint8_t nonce[CC_NONCE_SIZE])
{
    return cc_hash_bytes(nonce, CC_NONCE_SIZE, 0);
}

/* Never 0, which a table does not take. */
static uint64_t nonce_key(uint64_t hash)
{
    return hash | 1u;
}

void cc_session_table_init(struct cc_session_table *table, const struct cc_memory *memory)
{
    *table = (struct cc_session_table){.memory = memory};
    cc_table_init(&table->by_id, memory);
    cc_table_init(&table->by_nonce, memory);
    cc_list_init(&table->ordered);
}

void cc_session_table_deinit(struct cc_session_table *table)
{
    cc_list_each_safe(node, following, &table->ordered) {
        cc_session_table_end(table, session_of(node));
    }
    CC_ASSERT(table->digest == 0); /* T3 */
    cc_table_deinit(&table->by_id);
    cc_table_deinit(&table->by_nonce);
}

struct cc_session *cc_session_table_find(const struct cc_session_table *table, uint64_t id)
{
    return id == 0 ? NULL : cc_table_get(&table->by_id, id);
}

struct cc_session *cc_session_table_find_nonce(
    const struct cc_session_table *table, const uint8_t nonce[CC_NONCE_SIZE])
{
    struct cc_session *session = cc_table_get(&table->by_nonce, nonce_key(nonce_hash(nonce)));

    while (session != NULL && memcmp(session->nonce, nonce, CC_NONCE_SIZE) != 0) {
        session = session->nonce_next;
    }
    return session;
}

struct cc_session *cc_session_table_after(const struct cc_session_table *table, uint64_t id)
{
    const struct cc_session *session = cc_session_table_find(table, id);
    struct cc_list *node = session != NULL ? session->node.next : table->ordered.next;

    /* Whoever walks the sessions may have ended the one it came from: then from the beginning. */
    while (node != &table->ordered && session_of(node)->id <= id) {
        node = node->next;
    }
    return node == &table->ordered ? NULL : session_of(node);
}

static void nonce_insert(struct cc_session_table *table, struct cc_session *session)
{
    uint64_t key = nonce_key(session->nonce_hash);

    session->nonce_next = cc_table_remove(&table->by_nonce, key);
    cc_table_put(&table->by_nonce, key, session);
}

static void nonce_remove(struct cc_session_table *table, struct cc_session *session)
{
    uint64_t key = nonce_key(session->nonce_hash);
    struct cc_session *head = cc_table_remove(&table->by_nonce, key);
    struct cc_session **link = &head;

    while (*link != session) {
        CC_ASSERT(*link != NULL); /* T2 */
        link = &(*link)->nonce_next;
    }
    *link = session->nonce_next;
    if (head != NULL) {
        cc_table_put(&table->by_nonce, key, head);
    }
}

struct cc_session *cc_session_table_open(
    struct cc_session_table *table,
    uint64_t id,
    const uint8_t nonce[CC_NONCE_SIZE],
    uint64_t timeout_us)
{
    struct cc_session *session = cc_memory_take(table->memory, sizeof *session);

    CC_ASSERT(
        cc_list_is_empty(&table->ordered) || session_of(table->ordered.prev)->id < id); /* T1 */
    CC_ASSERT(cc_session_table_find_nonce(table, nonce) == NULL || CC_BUG(T084));
    session->id = id;
    session->timeout_us = timeout_us;
    memcpy(session->nonce, nonce, CC_NONCE_SIZE);
    session->nonce_hash = nonce_hash(nonce);
    cc_session_replies_init(&session->replies);
    cc_table_put(&table->by_id, id, session);
    nonce_insert(table, session);
    cc_list_append(&table->ordered, &session->node);
    table->count++;
    cc_session_touch(table, session, id);
    return session;
}

void cc_session_table_end(struct cc_session_table *table, struct cc_session *session)
{
    table->digest -= session->digest;
    table->count--;
    (void)cc_table_remove(&table->by_id, session->id);
    nonce_remove(table, session);
    cc_list_remove(&session->node);
    cc_session_replies_deinit(&session->replies, table->memory);
    cc_memory_give(table->memory, session);
}

void cc_session_touch(struct cc_session_table *table, struct cc_session *session, uint64_t index)
{
    CC_ASSERT(index >= session->touched);
    session->touched = index;
    cc_session_settle(table, session);
}

void cc_session_settle(struct cc_session_table *table, struct cc_session *session)
{
    const struct cc_session_replies *replies = &session->replies;
    uint64_t words[] = {session->id,    session->timeout_us, session->touched, replies->applied,
                        replies->acked, replies->bytes,      replies->digest};
    uint64_t digest = cc_hash_bytes(words, sizeof words, session->nonce_hash);

    table->digest += digest - session->digest;
    session->digest = digest;
}

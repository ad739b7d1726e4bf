/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list -- intrusive doubly linked list.  The head is a node of its own; an empty list points at
 * itself.  No memory, no ownership: the objects embed the node.
 */
#ifndef CC_BASE_LIST_H
#define CC_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct cc_list {
    struct cc_list *next;
    struct cc_list *prev;
};

#define cc_container_of(node, type, member) \
    ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* The body may not remove nodes. */
#define cc_list_each(node, head) \
    for (struct cc_list *node = (head)->next; node != (head); node = node->next)

/* The body may remove `node` itself. */
#define cc_list_each_safe(node, following, head)                                       \
    for (struct cc_list *node = (head)->next, *following = node->next; node != (head); \
         node = following, following = node->next)

static inline void cc_list_init(struct cc_list *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool cc_list_is_empty(const struct cc_list *head)
{
    return head->next == head;
}

static inline void cc_list_append(struct cc_list *head, struct cc_list *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* Leaves `node` an empty list of its own, so that removing twice is harmless. */
static inline void cc_list_remove(struct cc_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    cc_list_init(node);
}

#endif /* CC_BASE_LIST_H */

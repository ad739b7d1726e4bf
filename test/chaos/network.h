/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network -- a bridge and one network namespace for each server, all of this process alone.
 *
 * Where it sits:   the test's own namespace, with the clients, the proxy and the bridge in it -> veth
 *                  pairs -> the servers' namespaces.
 * Memory:          fixed; the kernel's part belongs to descriptors.
 *
 * None of the namespaces has a name: they end with the last process and descriptor that use them,
 * so that nothing is left behind however the test ends.  Without root a user namespace is made
 * around them, where that is allowed.
 *
 * Each server has two addresses: its own, and a face, by which clients and the other servers know it.
 * Behind the face the proxy listens, and from it the proxy speaks for that server to the others.
 *
 * A path in one direction is cut by a false neighbour: the sender is given a hardware address that
 * nobody has, and what it sends is lost in silence, as on a wire with one broken strand.
 *
 * Where no namespace can be made, servers run on loopback and links cannot be touched.
 */
#ifndef CC_TEST_CHAOS_NETWORK_H
#define CC_TEST_CHAOS_NETWORK_H

#include "basics.h"

#include <stddef.h>

/* Whom a server cannot reach; servers are counted from 0. */
#define CHAOS_CLIENTS CHAOS_SERVER_COUNT

struct chaos_network {
    bool has_links;     /* false: loopback */
    char obstacle[128]; /* why has_links is false */
    int home;           /* namespace of clients; -1 on loopback */
    int rooms[CHAOS_SERVER_COUNT];
    char hosts[CHAOS_SERVER_COUNT + 1][16]; /* the last one: the clients' */
    unsigned ports[CHAOS_SERVER_COUNT];
    bool has_faces;
    char faces[CHAOS_SERVER_COUNT + 1][16]; /* the last one: the clients' own */
};

/* Before any thread is started.  Cannot fail: what is not allowed here is told in `obstacle`. */
void chaos_network_open(struct chaos_network *network);
void chaos_network_close(struct chaos_network *network);

/* "1=name:port,2=...": the same for all servers, who find the names in a file of hosts, each in its
 * own.  Without faces: addresses. */
void chaos_network_members(const struct chaos_network *network, char *text, size_t text_size);

/* "host:port,host:port,..." for clients. */
void chaos_network_servers(const struct chaos_network *network, char *text, size_t text_size);

/* A file of hosts as the server has to see it; it is at home at its own address, and where their
 * faces are, there the others are for it. */
void chaos_network_hosts(
    const struct chaos_network *network, unsigned reader, char *text, size_t text_size);

/* Without the means to show each server a file of its own: nobody has a face. */
void chaos_network_drop_faces(struct chaos_network *network);

/* The calling process, which is about to become the server, moves to its place. */
void chaos_network_enter(const struct chaos_network *network, unsigned server);

/* Takes the server's link away, or brings it back. */
void chaos_network_link(const struct chaos_network *network, unsigned server, bool is_up);

/* What `server` sends to `target`, a server or CHAOS_CLIENTS, is lost, or passes again. */
void chaos_network_path(
    const struct chaos_network *network, unsigned server, unsigned target, bool is_open);

#endif /* CC_TEST_CHAOS_NETWORK_H */

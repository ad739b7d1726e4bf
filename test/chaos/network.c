/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network -- see network.h.  The links are made by ip(8), as anybody would make them by hand.
 */
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 7458u
#define NAME "chaos-server-%u"
#define COMMAND_SIZE 160u
#define WORDS_MAX 24u

/* ---- running ip -------------------------------------------------------------------------------- */

/* Runs the words of `command`, which blanks separate, inside a namespace. */
static bool run_in(int room, const char *command, bool is_quiet)
{
    char text[COMMAND_SIZE];
    char *words[WORDS_MAX + 1] = {NULL};
    size_t count = 0;
    char *rest = NULL;
    int status = 0;

    (void)snprintf(text, sizeof text, "%s", command);
    for (char *word = strtok_r(text, " ", &rest); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }

    pid_t pid = fork();

    if (pid == 0) {
        int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (setns(room, CLONE_NEWNET) != 0) {
            _exit(126);
        }
        if (is_quiet) {
            (void)dup2(nothing, STDERR_FILENO);
        }
        execvp(words[0], words);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void run(int room, const char *command)
{
    if (!run_in(room, command, false)) {
        chaos_say("this did not work: %s", command);
    }
}

/* ---- building ---------------------------------------------------------------------------------- */

/* The new namespaces belong to a user who is root in them and nowhere else. */
static bool become_root_inside(void)
{
    char map[32];
    int files[3];
    bool is_done = true;
    const char *const paths[] = {
        "/proc/self/setgroups", "/proc/self/uid_map", "/proc/self/gid_map"};
    unsigned ids[] = {0, (unsigned)geteuid(), (unsigned)getegid()};

    if (unshare(CLONE_NEWUSER) != 0) {
        return false;
    }
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(map, sizeof map, i == 0 ? "deny" : "0 %u 1", ids[i]);
        files[i] = open(paths[i], O_WRONLY | O_CLOEXEC);
        is_done =
            is_done && files[i] >= 0 && write(files[i], map, strlen(map)) == (ssize_t)strlen(map);
        if (files[i] >= 0) {
            (void)close(files[i]);
        }
    }
    return is_done;
}

static int open_room(void)
{
    return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

/* False: `obstacle` says why. */
static bool make_rooms(struct chaos_network *network)
{
    if (geteuid() != 0 && !become_root_inside()) {
        (void)snprintf(
            network->obstacle, sizeof network->obstacle,
            "not root, and no user namespace is allowed");
        return false;
    }
    for (unsigned i = 0; i <= CHAOS_SERVER_COUNT; i++) {
        if (unshare(CLONE_NEWNET) != 0) {
            (void)snprintf(
                network->obstacle, sizeof network->obstacle, "no network namespace: %s",
                strerror(errno));
            return false;
        }
        *(i < CHAOS_SERVER_COUNT ? &network->rooms[i] : &network->home) = open_room();
    }
    return true;
}

static bool furnish(struct chaos_network *network)
{
    char command[COMMAND_SIZE];
    int home = network->home;
    bool is_done = run_in(home, "ip link set lo up", true) &&
                   run_in(home, "ip link add hub type bridge", true) &&
                   run_in(home, "ip address add 10.74.58.9/24 dev hub", true) &&
                   run_in(home, "ip link set hub up", true);

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT && is_done; i++) {
        const char *const outside[] = {
            "ip link add port%u type veth peer name wire%u",
            "ip link set port%u master hub",
            "ip link set port%u up",
        };

        for (size_t step = 0; step < 3; step++) {
            (void)snprintf(command, sizeof command, outside[step], i, i);
            is_done = is_done && run_in(home, command, true);
        }
        (void)snprintf(
            command, sizeof command, "ip link set wire%u netns /proc/%d/fd/%d", i, (int)getpid(),
            network->rooms[i]);
        is_done = is_done && run_in(home, command, true);
        (void)snprintf(
            command, sizeof command, "ip address add %s/24 dev wire%u", network->hosts[i], i);
        is_done = is_done && run_in(network->rooms[i], command, true);
        (void)snprintf(command, sizeof command, "ip address add %s/24 dev hub", network->faces[i]);
        is_done = is_done && run_in(home, command, true);
        (void)snprintf(command, sizeof command, "ip link set wire%u up", i);
        is_done = is_done && run_in(network->rooms[i], "ip link set lo up", true) &&
                  run_in(network->rooms[i], command, true);
    }
    if (!is_done) {
        (void)snprintf(
            network->obstacle, sizeof network->obstacle,
            "ip(8) is missing or makes no bridge or veth here");
    }
    return is_done;
}

/* ---- without namespaces ------------------------------------------------------------------------ */

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(descriptor, (struct sockaddr *)&address, size) != 0 ||
        getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
        chaos_give_up("a free port");
    }
    (void)close(descriptor);
    return ntohs(address.sin_port);
}

static void use_loopback(struct chaos_network *network)
{
    network->has_links = false;
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        (void)snprintf(network->hosts[i], sizeof network->hosts[i], "127.0.0.1");
        network->ports[i] = free_port();
    }
    chaos_network_drop_faces(network);
}

/* ---- what others call -------------------------------------------------------------------------- */

void chaos_network_open(struct chaos_network *network)
{
    int origin = open_room();

    *network = (struct chaos_network){.home = -1};
    for (unsigned i = 0; i <= CHAOS_SERVER_COUNT; i++) {
        unsigned last = i < CHAOS_SERVER_COUNT ? i + 1 : 9;

        (void)snprintf(network->hosts[i], sizeof network->hosts[i], "10.74.58.%u", last);
        last += i < CHAOS_SERVER_COUNT ? 100 : 0;
        (void)snprintf(network->faces[i], sizeof network->faces[i], "10.74.58.%u", last);
    }
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        network->rooms[i] = -1;
        network->ports[i] = PORT;
    }
    network->has_faces = true;
    network->has_links = make_rooms(network) && furnish(network);
    if (!network->has_links) {
        (void)setns(origin, CLONE_NEWNET);
        use_loopback(network);
    }
    (void)close(origin);
}

void chaos_network_close(struct chaos_network *network)
{
    for (unsigned i = 0; i < CHAOS_SERVER_COUNT; i++) {
        if (network->rooms[i] >= 0) {
            (void)close(network->rooms[i]);
        }
    }
    if (network->home >= 0) {
        (void)close(network->home);
    }
}

void chaos_network_drop_faces(struct chaos_network *network)
{
    network->has_faces = false;
    memcpy(network->faces, network->hosts, sizeof network->faces);
}

void chaos_network_members(const struct chaos_network *network, char *text, size_t text_size)
{
    size_t used = 0;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT && used < text_size; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, NAME, i + 1);
        used += (size_t)snprintf(
            text + used, text_size - used, "%s%u=%s:%u", i == 0 ? "" : ",", i + 1,
            network->has_faces ? name : network->hosts[i], network->ports[i]);
    }
}

void chaos_network_servers(const struct chaos_network *network, char *text, size_t text_size)
{
    size_t used = 0;

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT && used < text_size; i++) {
        used += (size_t)snprintf(
            text + used, text_size - used, "%s%s:%u", i == 0 ? "" : ",", network->faces[i],
            network->ports[i]);
    }
}

void chaos_network_hosts(
    const struct chaos_network *network, unsigned reader, char *text, size_t text_size)
{
    size_t used = (size_t)snprintf(text, text_size, "127.0.0.1 localhost\n");

    for (unsigned i = 0; i < CHAOS_SERVER_COUNT && used < text_size; i++) {
        used += (size_t)snprintf(
            text + used, text_size - used, "%s " NAME "\n",
            i == reader ? network->hosts[i] : network->faces[i], i + 1);
    }
}

void chaos_network_enter(const struct chaos_network *network, unsigned server)
{
    if (network->has_links && setns(network->rooms[server], CLONE_NEWNET) != 0) {
        _exit(126);
    }
}

void chaos_network_link(const struct chaos_network *network, unsigned server, bool is_up)
{
    char command[COMMAND_SIZE];

    (void)snprintf(command, sizeof command, "ip link set port%u %s", server, is_up ? "up" : "down");
    run(network->home, command);
}

void chaos_network_path(
    const struct chaos_network *network, unsigned server, unsigned target, bool is_open)
{
    char command[COMMAND_SIZE];

    (void)snprintf(
        command, sizeof command,
        is_open ? "ip neighbour del %s dev wire%u"
                : "ip neighbour replace %s lladdr 02:00:00:00:00:ff dev wire%u nud permanent",
        network->faces[target], server);
    run(network->rooms[server], command);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verbs -- see verbs.h.
 */
#include "verbs.h"

#include "backup.h"
#include "bench.h"
#include "export.h"
#include "import.h"
#include "log.h"
#include "map.h"
#include "status.h"
#include "support/suggest.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define READS CLI_FLAG_BIT(CLI_FLAG_CONSISTENCY)

/* ---- the tables ------------------------------------------------------------------------------- */

const struct cli_flag_row cli_flags[CLI_FLAG_COUNT] = {
    [CLI_FLAG_SERVERS] =
        {"servers", "LIST",
         "host:port or unix:/path, separated by commas; any of the cluster will do\n"
         "($COPYCAT_SERVERS, else 127.0.0.1:7458)",
         true},
    [CLI_FLAG_TIMEOUT] =
        {"timeout", "TIME", "how long to try, as in 500ms, 5s, 1m (10s; of status: 1s for each)",
         true},
    [CLI_FLAG_CONSISTENCY] =
        {"consistency", "LEVEL",
         "of a read: linearizable (as if there were one copy), lease (the same, while\n"
         "clocks run at about the same rate), sequential (any server, never back in\n"
         "time), eventual (any server, whatever it has). The session,\n"
         "which is opened first, needs a leader, whatever the level",
         false},
    [CLI_FLAG_JSON] = {"json", NULL, "the answer as JSON", true},
    [CLI_FLAG_HELP] = {"help", NULL, "this", true},
    [CLI_FLAG_VERSION] = {"version", NULL, "which version this is", true},
    [CLI_FLAG_RAW] = {"raw", NULL, "write bytes as they are, without escapes and line end", false},
    [CLI_FLAG_LIMIT] = {"limit", "COUNT", "at most so many", false},
    [CLI_FLAG_SORT] =
        {"sort", NULL, "in the order of the keys' bytes; all is held in memory", false},
    [CLI_FLAG_IF_ABSENT] =
        {"if-absent", NULL, "store only keys that are absent; what is there stays", false},
    [CLI_FLAG_PROGRESS] =
        {"progress", NULL, "tell how far it is, also where standard error is no terminal", false},
    [CLI_FLAG_PROGRESS_FILE] =
        {"progress-file", "FILE",
         "keep \"DONE TOTAL\" in FILE, for scripts; in lines, and a TOTAL of 0\n"
         "means that nobody knows it",
         false},
    [CLI_FLAG_FROM] = {"from", "INDEX", "only entries from this index on", false},
    [CLI_FLAG_TO] = {"to", "INDEX", "only entries up to this index", false},
    [CLI_FLAG_FILE] = {"file", "NAME", "only this file of the directory", false},
    [CLI_FLAG_FORCE] =
        {"force", NULL, "replace a file that is there, when the new one is complete", false},
    [CLI_FLAG_DATA_DIR] = {"data-dir", "DIR", "of the server; not there yet, or empty", false},
    [CLI_FLAG_ID] = {"id", "NUMBER", "of the server among its members", false},
    [CLI_FLAG_CLUSTER_ID] =
        {"cluster-id", "ID", "of the new cluster, as the restore of its first member printed it",
         false},
};

const struct cli_verb cli_verbs[] = {
    {"map put", "PATH KEY VALUE", "store a value; tells what was there before",
     "A VALUE of - is read from standard input, as it is, to its end.", 0, 3, 3, cli_map_put, NULL},
    {"map get", "PATH KEY", "print a value",
     "Prints the value and a line end. Of an absent key it says so on standard error,\n"
     "prints nothing else and exits with 1.",
     READS | CLI_FLAG_BIT(CLI_FLAG_RAW), 2, 2, cli_map_get, NULL},
    {"map remove", "PATH KEY", "remove a key; tells what was there",
     "Exits with 1, and says so on standard error, if the key was absent.", 0, 2, 2, cli_map_remove,
     NULL},
    {"map contains", "PATH KEY", "is the key there?", "Prints yes (exit 0) or no (exit 1).", READS,
     2, 2, cli_map_contains, NULL},
    {"map size", "PATH", "how many keys there are",
     "Prints the number of keys: 0, too, where nothing was ever stored.", READS, 1, 1, cli_map_size,
     NULL},
    {"map keys", "PATH", "print the keys",
     "One key in a line, in the map's own order. Keys that are added or removed\n"
     "meanwhile may be in it or not.",
     READS | CLI_FLAG_BIT(CLI_FLAG_LIMIT), 1, 1, cli_map_keys, NULL},
    {"map clear", "PATH", "remove all keys", "Removes all keys at once; also where there is none.",
     0, 1, 1, cli_map_clear, NULL},
    {"map put-if-absent", "PATH KEY VALUE", "store a value unless the key is there",
     "Exits with 1, and prints the value that is there, if nothing was stored.\n"
     "A VALUE of - is read from standard input, as it is, to its end.",
     0, 3, 3, cli_map_put_if_absent, NULL},
    {"map replace", "PATH KEY VALUE", "store a value only if the key is there",
     "Exits with 1 if nothing was stored, for the key is absent.\n"
     "A VALUE of - is read from standard input, as it is, to its end.",
     0, 3, 3, cli_map_replace, NULL},
    {"map cas", "PATH KEY EXPECTED VALUE", "store a value only where another one is",
     "Compare and set: exits with 1 if the value there is not EXPECTED.\n"
     "A VALUE of - is read from standard input, as it is, to its end.",
     0, 4, 4, cli_map_cas, NULL},
    {"map import", "PATH [FILE]", "store the lines KEY<TAB>VALUE of a file",
     "Without FILE, or with -, lines are read from standard input. Keys and values\n"
     "are written with the escapes below; of equal keys the last one wins. Servers\n"
     "may come and go meanwhile: a line is tried again until --timeout has passed\n"
     "for it. A line that makes no sense stops the import; its number, its text and\n"
     "what was done are told. Lines end with LF: a CR before it belongs to the value,\n"
     "which is told. With --if-absent a key that is there already is counted, as a\n"
     "conflict if its value is another one (exit 1); an import that was cut off can\n"
     "so be run again.",
     CLI_FLAG_BIT(CLI_FLAG_IF_ABSENT) | CLI_FLAG_BIT(CLI_FLAG_PROGRESS) |
         CLI_FLAG_BIT(CLI_FLAG_PROGRESS_FILE),
     1, 2, cli_import, NULL},
    {"map export", "PATH [FILE]", "write all as lines KEY<TAB>VALUE",
     "Writes to FILE, or to standard output, what `map import` reads. It is no\n"
     "snapshot: what changes meanwhile may be in it or not. To see what one server\n"
     "has: --servers with that one only, and --consistency=sequential. With --json and\n"
     "a FILE the number of lines is told as JSON; the lines themselves never are.",
     READS | CLI_FLAG_BIT(CLI_FLAG_SORT), 1, 2, cli_export, NULL},
    {"status", "", "how the members and the cluster are",
     "Asks each server, and each member they know of. Exits with 0 if a leader is\n"
     "known and a majority answers, with 3 if not, with 4 if two members that stand\n"
     "at the same index have different digests, which must never be.",
     0, 0, 0, cli_status, NULL},
    {"backup", "FILE", "copy the state of the running cluster into a file",
     "Everything that was acknowledged before is in it, also sessions and the time of\n"
     "the log. FILE is written as FILE.part, synced, read back, and then gets its\n"
     "name; one that is there is replaced with --force alone. If the leader changes\n"
     "meanwhile, it is begun again, until nothing has come for --timeout.",
     CLI_FLAG_BIT(CLI_FLAG_FORCE) | CLI_FLAG_BIT(CLI_FLAG_PROGRESS), 1, 1, cli_backup, NULL},
    {"verify", "FILE", "is a backup sound?",
     "Reads all of it and builds the state in memory. Exits with 0 if it is sound,\n"
     "with 1 if it is damaged or cut short, with 2 if it is no backup or was made by a\n"
     "newer version.",
     CLI_FLAG_BIT(CLI_FLAG_PROGRESS), 1, 1, cli_verify, NULL},
    {"restore", "FILE", "make the directory of a new cluster's server of a backup",
     "No server is asked. The new cluster has an id of its own, which the restore of\n"
     "the first member prints. Restore each member on its machine, from the same\n"
     "file, the others with that --cluster-id, as the user that copycatd runs as;\n"
     "then start them all with one list of members. Until all of them are there,\n"
     "nobody serves. A directory that is used is left as it is (exit 2).",
     CLI_FLAG_BIT(CLI_FLAG_DATA_DIR) | CLI_FLAG_BIT(CLI_FLAG_ID) |
         CLI_FLAG_BIT(CLI_FLAG_CLUSTER_ID) | CLI_FLAG_BIT(CLI_FLAG_PROGRESS),
     1, 1, cli_restore, NULL},
    {"log ls", "DIR", "what lies in a stopped server's directory",
     "A line for each file: parts of the journal in the order of the log, then spares\n"
     "and what a crash left, then images, then segments, which hold what lives of the\n"
     "log for images, each with the image that needs it, then whatever is needed and\n"
     "missing. Images and segments are read from begin to end. No cluster is asked,\n"
     "and nothing in DIR is changed. A directory that a server runs in is refused\n"
     "(exit 3).",
     0, 1, 1, cli_log_ls, NULL},
    {"log dump", "DIR", "print what a stopped server's journal and images hold",
     "A line for each record of the journal, then of images, then of segments, as\n"
     "FILE:OFFSET of its batch or piece, what it is, and what it says; with --json an\n"
     "object in a line. What does not read is told in its place, and the dump goes on\n"
     "behind it, in an image or a segment with the next file. Entries that were\n"
     "dropped later are in it, too: a `truncate` says from where on; and so are\n"
     "commits in segments that were released since: they say so. With --from or --to\n"
     "only entries and commits are printed. Of a long value there is only its\n"
     "beginning, but with --json all of it. Nothing in DIR is changed; a directory\n"
     "that a server runs in is refused (exit 3).",
     CLI_FLAG_BIT(CLI_FLAG_FROM) | CLI_FLAG_BIT(CLI_FLAG_TO) | CLI_FLAG_BIT(CLI_FLAG_FILE), 1, 1,
     cli_log_dump, NULL},
    {"log verify", "DIR", "is a stopped server's directory sound?",
     "Reads all of it, as a server does that starts, and says of whatever does not\n"
     "read where it is, what that means and what to do:\n"
     "  leftover    what any crash leaves; a start clears it away\n"
     "  repaired    damage of which nothing is missing\n"
     "  repairable  a server starts, and fetches it from the others: entries, or its\n"
     "              state, if an image or a segment does not read\n"
     "  fatal       a server does not start with it\n"
     "  unjudged    damage behind something fatal\n"
     "  unreadable  the disk refuses to read it\n"
     "  newer       written by a newer version\n"
     "Exits with 0 if it is sound, leftovers apart, with 1 if not, with 2 if it was\n"
     "written by a newer version or is no server's directory, with 3 if a server runs\n"
     "in it. Nothing in DIR is changed.",
     0, 1, 1, cli_log_verify, NULL},
    {"bench", "put|get", "measure how fast the cluster is", "", 0, 0, 0, NULL, copycat_bench_main},
};

const size_t cli_verb_count = sizeof cli_verbs / sizeof cli_verbs[0];

/* ---- finding ---------------------------------------------------------------------------------- */

const struct cli_verb *cli_verb_find(const char *first, const char *second)
{
    size_t size = strlen(first);

    for (size_t i = 0; i < cli_verb_count; i++) {
        const char *name = cli_verbs[i].name;

        if (strncmp(name, first, size) != 0) {
            continue;
        }
        if (name[size] == '\0' ||
            (name[size] == ' ' && second != NULL && strcmp(name + size + 1, second) == 0)) {
            return &cli_verbs[i];
        }
    }
    return NULL;
}

bool cli_verb_is_group(const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i < cli_verb_count; i++) {
        if (strncmp(cli_verbs[i].name, word, size) == 0 && cli_verbs[i].name[size] == ' ') {
            return true;
        }
    }
    return false;
}

/* What is most like what was written: by the first word, then by the second one. */
struct search {
    unsigned least;
    char *name_out;
};

static void offer(struct search *search, const char *name, unsigned first, unsigned second)
{
    unsigned misfit = first * (CMD_WORD_UNLIKE + 1) + second;

    if (first < CMD_WORD_UNLIKE && misfit < search->least) {
        search->least = misfit;
        snprintf(search->name_out, CLI_VERB_SIZE, "%s", name);
    }
}

/* "map ptu" and "mpa ptu" are like "map put", and so is "ptu"; "mpa" and "mpa x" are like "map". */
static void offer_of_group(
    struct search *search, const char *name, const char *first, const char *second)
{
    const char *own = strchr(name, ' ') + 1;
    bool is_path = second != NULL && second[0] == '/'; /* two changes away from "cas", say */
    unsigned second_misfit =
        second == NULL || is_path ? CMD_WORD_UNLIKE : cmd_word_misfit(second, own);
    char group[CLI_VERB_SIZE];
    unsigned group_misfit;

    snprintf(group, sizeof group, "%.*s", (int)(own - 1 - name), name);
    group_misfit = cmd_word_misfit(first, group);
    if (second_misfit < CMD_WORD_UNLIKE) {
        offer(search, name, group_misfit, second_misfit);
    }
    if (!cli_verb_is_group(first)) {
        offer(search, name, cmd_word_misfit(first, own), CMD_WORD_UNLIKE);
        offer(search, group, group_misfit, CMD_WORD_UNLIKE);
    }
}

bool cli_verb_nearest(const char *first, const char *second, char name_out[CLI_VERB_SIZE])
{
    struct search search = {.least = UINT_MAX, .name_out = name_out};

    for (size_t i = 0; i < cli_verb_count; i++) {
        const char *name = cli_verbs[i].name;

        if (strchr(name, ' ') != NULL) {
            offer_of_group(&search, name, first, second);
        } else {
            offer(&search, name, cmd_word_misfit(first, name), CMD_WORD_UNLIKE);
        }
    }
    return search.least != UINT_MAX;
}

enum cli_flag cli_flag_find(const char *name, size_t name_size)
{
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        if (strncmp(cli_flags[i].name, name, name_size) == 0 &&
            cli_flags[i].name[name_size] == '\0') {
            return (enum cli_flag)i;
        }
    }
    return CLI_FLAG_COUNT;
}

bool cli_verb_takes(const struct cli_verb *verb, enum cli_flag flag)
{
    return cli_flags[flag].is_global || (verb != NULL && (verb->flags & CLI_FLAG_BIT(flag)) != 0);
}

enum cli_flag cli_flag_nearest(const char *name, const struct cli_verb *verb)
{
    enum cli_flag nearest = CLI_FLAG_COUNT;
    unsigned least = CMD_WORD_UNLIKE;

    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        unsigned misfit = cmd_word_misfit(name, cli_flags[i].name);

        if (misfit < least && (verb == NULL || cli_verb_takes(verb, (enum cli_flag)i))) {
            least = misfit;
            nearest = (enum cli_flag)i;
        }
    }
    return nearest;
}

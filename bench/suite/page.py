# SPDX-License-Identifier: Apache-2.0
"""Turns what `make bench` measured into docs/benchmarks.md."""
import statistics

COUNTERS = [
    ("journal_writes", "durable writes"), ("journal_bytes", "bytes of them"),
    ("frames_sent", "messages sent"), ("socket_writes", "writes to sockets"),
    ("socket_written_bytes", "bytes sent"), ("waits", "wake-ups"), ("allocations", "allocations"),
]

INTRODUCTION = """# Benchmarks

Written by `make bench`. Three servers of each system, all running at the same time, and the load share one machine: its loopback and
one disk. Everything is durable before it is acknowledged. Values have {value_size} bytes, keys 16; {keys} keys that exist are written and
read at random. Each figure is the median of {rounds} rounds of {seconds:g} s; within a round all systems are measured one after the
other at each load, in another order each time, after a warm-up that nobody counts. **Figures are ratios**: the machine is
virtual, shared and noisy, so absolute ones would say more about it than about anybody's code. The measure is a durable write of 4 KiB
(`O_DIRECT`, `O_DSYNC`, into a file of zeros) by a process of its own, taken before and after each run of Copycat; the quietest
probe of a round counts: {sync} us. A round trip of 100 bytes over the loopback took {trip:.1f} us.

*The floor* (`bench/suite/quorum_floor.c`) is no consensus: a leader named once, no terms, no sessions, no recovery; only bytes from
clients to two followers and three disks, in the best way we know. It is what a durable write to two of three costs at least. etcd and
ZooKeeper are Debian's, unchanged but for addresses, asked by their own clients, closed loop like ours.
"""


def figure(value):
    if value >= 100:
        return "%.0f" % value
    if value >= 10:
        return "%.1f" % value
    return "%.2f" % value if value >= 0.1 or value == 0 else "%.2g" % value


def median_of(rounds, value_of):
    return statistics.median(value_of(one) for one in rounds)


def table(heads, lines):
    rows = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join(rows + ["| " + " | ".join(line) + " |" for line in lines]) + "\n"


class Figures:
    def __init__(self, results):
        self.results = results
        self.names = [name for name in ("copycat", "floor", "etcd", "zookeeper")
                      if any(key[1] == name for key in results)]

    def rounds(self, row, name):
        return self.results.get((row, name), [])

    def quietest_sync(self, turn):
        """A durable write in this round, in us: the least of its probes' medians, for the others met
        what the loads before them had left to the disk."""
        return min(rounds[turn]["disk_sync_us"]["p50"] for (_, name), rounds in self.results.items()
                   if name == "copycat" and len(rounds) > turn)

    def paired(self, row, name, value_of):
        """Values of a system with a durable write of the same round."""
        return [value_of(one, self.quietest_sync(turn))
                for turn, one in enumerate(self.rounds(row, name))]

    def per_sync(self, row, name):
        """Operations in the time of one durable write."""
        values = self.paired(row, name, lambda one, sync: one["operations_per_second"] * sync / 1e6)
        return figure(statistics.median(values)) if values else "–"

    def latency(self, row, name, quantile):
        values = self.paired(row, name, lambda one, sync: one["latency_us"][quantile] / sync)
        return figure(statistics.median(values)) if values else "–"

    def times(self, row, name, key="operations_per_second"):
        """How many times as much Copycat has, with the least and the most of all rounds."""
        values = [mine[key] / theirs[key] for mine, theirs
                  in zip(self.rounds(row, "copycat"), self.rounds(row, name)) if theirs[key] > 0]
        if not values:
            return "–"
        return "%s (%s–%s)" % (figure(statistics.median(values)), figure(min(values)),
                               figure(max(values)))

    def errors(self):
        total = 0
        for rounds in self.results.values():
            for one in rounds:
                errors = one["errors"]
                total += sum(errors.values()) if isinstance(errors, dict) else errors
        return total


TITLES = {"copycat": "Copycat", "floor": "floor", "etcd": "etcd", "zookeeper": "ZooKeeper"}


def load_name(connections, window):
    return "%d (%d × %d)" % (connections * window, connections, window)


def write_writes(figures, writes):
    others = figures.names[1:]
    text = ("\n## Writes\n\nWrites in the time of one durable write, and how many times as many Copycat does as the others (in "
            "brackets the least\nand the most of the rounds). Under way: in all (connections × on each).\n\n")
    text += table(
        ["under way"] + [TITLES[name] for name in figures.names] +
        ["Copycat / " + TITLES[name] for name in others],
        [[load_name(*load)] + [figures.per_sync(("put",) + load, name) for name in figures.names] +
         [figures.times(("put",) + load, name) for name in others] for load in writes])
    text += "\nHow long a write takes, in durable writes: half of them at most, and 99 of 100.\n\n"
    text += table(
        ["under way"] + ["%s p50" % TITLES[name] for name in figures.names] +
        ["%s p99" % TITLES[name] for name in figures.names],
        [[load_name(*load)] + [figures.latency(("put",) + load, name, quantile)
                               for quantile in ("p50", "p99") for name in figures.names]
         for load in writes])
    return text


def write_reads(figures, reads, read_load):
    others = [name for name in figures.names if name not in ("copycat", "floor")]
    text = ("\n## Reads\n\n%d under way over %d connections. ZooKeeper's reads are any server's, like eventual ones; etcd's "
            "serializable ones stand in\nthat line too.\n\n" % (read_load[0] * read_load[1], read_load[0]))
    return text + table(
        ["level", "Copycat: in the time of one durable write", "p50, in durable writes"] +
        ["Copycat / " + TITLES[name] for name in others],
        [[level, figures.per_sync((level,) + read_load, "copycat"),
          figures.latency((level,) + read_load, "copycat", "p50")] +
         [figures.times((level,) + read_load, name) for name in others] for level in reads])


def write_counts(figures, writes, reads, read_load):
    rows = [("put",) + load for load in writes] + [(level,) + read_load for level in reads]
    text = ("\n## What the servers do for each operation\n\nCounted by the servers themselves, all three together; in brackets the "
            "leader alone. With keep-alives and heartbeats.\n\n")
    lines = []
    for row in rows:
        line = [("put, " if row[0] == "put" else row[0] + ", ") + load_name(*row[1:])]
        told = [one for one in figures.rounds(row, "copycat") if "per_operation" in one]
        for name, _ in COUNTERS:
            line.append("%s (%s)" % (
                figure(median_of(told, lambda one: one["per_operation"][name])),
                figure(median_of(told, lambda one: one["per_operation_leader"][name])))
                if told else "–")
        lines.append(line)
    text += table(["operation, under way"] + [words for _, words in COUNTERS], lines)
    others = [name for name in figures.names if name != "copycat"]
    text += ("\nProcessor time of the three servers for each write, Copycat's as a part of the others': below 1 is less. The load, "
             "which shares the\nprocessors, is not in it.\n\n")
    return text + table(
        ["under way"] + ["Copycat / " + TITLES[name] for name in others],
        [[load_name(*load)] + [figures.times(("put",) + load, name, "cpu_us") for name in others]
         for load in writes])


def mib(sizes):
    return "%.1f" % statistics.median(sizes)


def write_sizes(figures, facts):
    text = "\n## Sizes\n\n"
    text += table(
        ["server", "resident memory after start, MiB", "after this benchmark, MiB"],
        [[TITLES[name], mib(facts["idle_mib"][name]), mib(facts["full_mib"][name])]
         for name in figures.names if name != "floor"])
    text += "\nMedians of the three servers. ZooKeeper's heap may grow to 2 GiB, so its memory says little.\n\n"
    text += table(["what", "size"], [
        ["`copycatd`, stripped", "%d KiB" % (facts["copycatd_bytes"] // 1024)],
        ["`copycat`, stripped", "%d KiB" % (facts["copycat_bytes"] // 1024)],
        ["memory for each key (`bench/map_bytes`)", facts["map_bytes"]],
    ])
    return text


def write(options, writes, reads, read_load, results, facts, missing):
    figures = Figures(results)
    probes = [one for (_, name), rounds in results.items() if name == "copycat" for one in rounds]
    text = INTRODUCTION.format(
        value_size=options.value_size, keys=options.keys, rounds=options.rounds,
        seconds=options.seconds,
        sync=", ".join("%.0f" % figures.quietest_sync(turn) for turn in range(options.rounds)),
        trip=median_of(probes, lambda one: one["loopback_us"]["p50"]))
    for title, remedy in missing:
        text += "\n%s was left out, for it is not installed here; to have it: `%s`.\n" % (title, remedy)
    text += "\nCalls that failed, of all systems together: %d.\n" % figures.errors()
    text += write_writes(figures, writes)
    text += write_reads(figures, reads, read_load)
    text += write_counts(figures, writes, reads, read_load)
    return text + write_sizes(figures, facts)

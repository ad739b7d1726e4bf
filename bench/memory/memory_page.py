# SPDX-License-Identifier: Apache-2.0
"""What came of bench/memory/run: ratios, as lines and as a page."""
import json
import statistics

MIB = 1 << 20


def within(events, at):
    return any(event["begun"] <= at <= event["ended"] for event in events)


def digest(result):
    """The figures that are told; all in ratios but for what is called MiB or seconds."""
    run = result["run"]
    every = [e for e in run["events"] if e["kind"] == "image" and e["ended"] <= run["ended"]]
    images = [e for e in every if e["server"] == 0 and not e["late"]]
    copies = [e for e in run["events"] if e["kind"] == "copy" and e["ended"] <= run["ended"]]
    samples = result.pop("samples")
    payload = run["operations"] * (16 + result["value_size"])
    figures = {"images": len(images), "copies": len(copies),
               "overwritten": payload / result["live_bytes"], "errors": run["errors"],
               "MiB/s": payload / MIB / (run["ended"] - run["begun"])}
    if run["image"]["operations"] and run["quiet"]["operations"]:
        for part in ("p500", "p990", "p999"):
            figures[part] = run["image"][part] / run["quiet"][part]
        figures["quiet p99 ms"] = run["quiet"]["p990"] / 1000
        figures["image p99 ms"] = run["image"]["p990"] / 1000
    if run["copy"]["operations"]:
        figures["copy p99"] = run["copy"]["p990"] / run["quiet"]["p990"]
    if images:
        figures["image s"] = statistics.median(e["ended"] - e["begun"] for e in images)
        figures["image MiB"] = statistics.median(e["bytes"] for e in images) / MIB
        figures["image part of time"] = (sum(e["ended"] - e["begun"] for e in every
                                             if e["server"] == 0) / (run["ended"] - run["begun"]))
    if images and copies:
        speed = statistics.median(e["bytes"] / (e["ended"] - e["begun"]) for e in copies)
        figures["copy s"] = statistics.median(e["bytes"] for e in images) / speed
        figures["image/copy"] = figures["image s"] / figures["copy s"]
        figures["image/copy of what it writes"] = statistics.median(
            (e["ended"] - e["begun"]) * speed / e["written"] for e in images)
    figures["disk/live"] = max(s[2] + s[3] for s in samples) / result["live_bytes"]
    figures["journal MiB"] = max(s[2] for s in samples) / MIB
    figures["segments/live"] = max(s[3] for s in samples) / result["live_bytes"]
    figures["bytes per key"] = statistics.median(s[2] + s[3] for s in samples) / result["keys"]
    figures["write amplification"] = run["written"] / payload
    figures["journal amplification"] = run["journal"] / payload
    if images:
        first = images[0]
        quiet = [s[1] for s in samples if s[0] < first["begun"]]
        during = [s[1] for s in samples if first["begun"] <= s[0] <= first["ended"]]
        if quiet and during:
            figures["memory, first image"] = max(during) / max(quiet)
            figures["memory MiB"] = max(quiet) / MIB
        outside = [s[1] for s in samples if s[0] > first["ended"] and not within(images, s[0])]
        inside = [s[1] for s in samples if s[0] > first["ended"] and within(images, s[0])]
        if outside and inside:
            figures["memory, later images"] = max(inside) / statistics.median(outside)
    rounds = result["restart"]
    if rounds:
        figures["restart"] = statistics.median(r["restart"] / r["floor"] for r in rounds)
        figures["restart s"] = statistics.median(r["restart"] for r in rounds)
        figures["floor MiB/s"] = statistics.median(r["bytes"] / r["floor"] for r in rounds) / MIB
        figures["restart MiB"] = statistics.median(r["bytes"] for r in rounds) / MIB
    result["figures"] = figures
    return result


def line(result):
    return "%-20s %s" % (result["name"], json.dumps(
        {key: round(value, 3) for key, value in result["figures"].items()}))


HEADING = "## Images, disk and restart"
INTRODUCTION = """
Written by `make bench-memory`: everything in one run, on one disk, and compared with what the same bytes cost there at least. Keys of
16 bytes, values that do not compress, %d calls under way over %d connections, all of them overwriting keys drawn at random; the machine is
shared, so **figures are ratios**. *Copying*: files of the newest image, as many bytes as the image before had written but 64 MiB at most, read, checksummed, written and made durable by a process
that does nothing else, beside the same load, between images; with three servers, for each of them at once, as they take images at once on this one
disk. *Reading*: all files of the directory, as a restart does, those that lie ready and hold nothing as well, read past the page cache and checksummed by one process; the median
of %d rounds, each of which reads, restarts, and reads again. Before a restart another process has used as much memory: a virtual machine may have to ask its host for what
nobody has used for a second, which here took 2 s a GiB.
"""
CLEANING = """
Which segments an image moves, by rule (`bench/segment_rewrites`: the plan of the server is asked, what it asks for is done in numbers, so the same
everywhere): 256 MiB of live data in records of 1 KiB, ten times as much put, an image for each 16 MiB. Bytes written into segments for each byte put;
bytes in segments for each that lives, at most, after an image and while one is taken. *Halving*: half of a segment is dead, and half as much after each time that it was
moved. The *budget* is what the log has brought.

"""
# what is asked for: title, figure, bound, cases
ASKED = [
    ("disk at most, journal and spare files included / live data", "disk/live", 3.0, "disk"),
    ("p99 of a put while an image is taken / while not", "p990", 1.5, "latency"),
    ("an image / copying all of it", "image/copy", 3.0, "latency"),
    ("memory at most during the first image / before it", "memory, first image", 1.25, "latency"),
    ("memory at most during later images / between them", "memory, later images", 1.25, "latency"),
    ("restart until a read is answered / reading", "restart", 2.0, "latency"),
]
TOLD = [
    ("images, copies", ("images", "copies"), "%d, %d"),
    ("image, MiB", ("image MiB",), "%.0f"),
    ("overwritten, times the live data", ("overwritten",), "%.1f"),
    ("the journal at most, MiB", ("journal MiB",), "%.0f"),
    ("images and segments at most / live data", ("segments/live",), "%.2f"),
    ("p50, p99.9 while an image is taken / while not", ("p500", "p999"), "%.2f, %.2f"),
    ("p99 beside the copying / without", ("copy p99",), "%.2f"),
    ("an image / copying as many bytes as it writes: it keeps most of the one before, and rests", ("image/copy of what it writes",), "%.1f"),
    ("part of the time in which an image is taken", ("image part of time",), "%.2f"),
    ("written to the disk for each byte of keys and values", ("write amplification",), "%.2f"),
    ("of that by the journal", ("journal amplification",), "%.2f"),
    ("bytes on the disk for each live key", ("bytes per key",), "%.0f"),
    ("files read at a restart, MiB", ("restart MiB",), "%.0f"),
    ("reading, MiB/s", ("floor MiB/s",), "%.0f"),
]


def row(cells):
    return "| " + " | ".join(cells) + " |"


def title(result):
    return "%d server%s, %d MiB of values of %d bytes" % (
        result["servers"], "" if result["servers"] == 1 else "s", result["live_bytes"] / MIB,
        result["value_size"])


def told(result, names, form):
    figures = result["figures"]
    return form % tuple(figures[n] for n in names) if all(n in figures for n in names) else "\u2013"


def write(options, results):
    lines = [HEADING, INTRODUCTION % options.load]
    lines += [row(["what", "asked"] + [title(r) for r in results]),
              "|" + "---|" * (len(results) + 2)]
    for name, figure, bound, kind in ASKED:
        cells = [told(r, (figure,), "%.2f") if kind in r["name"] else "\u2013" for r in results]
        lines.append(row([name, "\u2013" if bound is None else "%.2f" % bound] + cells))
    for name, names, form in TOLD:
        lines.append(row([name, "\u2013"] + [told(r, names, form) for r in results]))
    failed = sum(r["figures"]["errors"] for r in results)
    return "\n".join(lines) + "\n\nCalls that failed: %d.\n" % failed + CLEANING + options.cleaning


def kept(path):
    """The section as it stands in a page; empty: there is none."""
    try:
        with open(path) as file:
            page = file.read()
    except FileNotFoundError:
        return ""
    return page[page.index(HEADING):] if HEADING in page else ""


def put(path, section):
    """The section takes the place of the one before, at the end of the page."""
    with open(path) as file:
        page = file.read()
    before = page[:page.index(HEADING)] if HEADING in page else page.rstrip("\n") + "\n\n"
    with open(path, "w") as file:
        file.write(before + section)

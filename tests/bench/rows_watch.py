"""Rows about watching: the start on a large tree, the memory it takes, draining events."""

import os
import pathlib
import re
import subprocess
import time

import proc
from contest import Contestant
from lab import OUT, Site, run
from model import Claim, Curve, Of, Row
from tools import (NEVER, Inotifywait, Loop, Lsyncd, Mirrord, ReadFloor, WalkFloor, bare_rsync)


def mirrord_watching(site):
    return Mirrord(site, rsync="/bin/true", delay=NEVER)


def lsyncd_watching(site):
    return Lsyncd(site, rsync="/bin/true")


WATCHING = {"mirrord": mirrord_watching, "lsyncd": lsyncd_watching, "inotifywait": Inotifywait,
            "walk": WalkFloor}


def watch_round(site, make):
    """Until all is watched, with the CPU and the memory at rest after it; transfers do nothing."""
    def work():
        begin = time.perf_counter()
        with make(site) as tool:
            tool.until_watching()
            watching = time.perf_counter()
            proc.wait_until_at_rest(tool.pid)
            metrics = {"s": watching - begin, "CPU s": tool.cpu(), "bytes": proc.memory(tool.pid)}
        time.sleep(0.5)  # the kernel frees watches in the background
        return metrics
    return work


def cold_round(site, make):
    """The same with nothing in the cache, as after a reboot: drop_caches, proc(5)."""
    watch = watch_round(site, make)

    def work():
        os.sync()
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3", encoding="ascii")
        return watch()
    return work


def watch_sizes(scale):
    most = scale["DIRECTORIES"]
    return [most // 100, most // 10, most // 2, most]


def measure_watch(contest):
    contestants = []
    empty = contest.lab.local_site("empty")
    for size in (0, *watch_sizes(contest.scale)):
        site = contest.lab.local_site(f"tree{size}") if size else empty
        if size:
            contest.lab.make_tree(site, size)
        for name, make in WATCHING.items():
            rounds = 1000 if size in (0, contest.scale["DIRECTORIES"]) else 1
            contestants.append(Contestant(name, watch_round(site, make), size, rounds))
    contestants[-1].work()  # so that all find a warm cache
    contest.alternate(contestants)
    memory_per_directory(contest)


def measure_cold(contest):
    site = contest.lab.local_site("cold")
    contest.lab.make_tree(site, contest.scale["DIRECTORIES"])
    contest.alternate([Contestant(name, cold_round(site, make)) for name, make in WATCHING.items()])


def memory_per_directory(contest):
    """Of what each size takes, less what an empty source takes."""
    rounds = contest.samples.rounds
    for tool in ("mirrord", "lsyncd"):
        for size in watch_sizes(contest.scale):
            full, empty = (rounds.get(("memory", s, tool, "bytes"), []) for s in (size, 0))
            for with_tree, without in zip(full, empty):
                contest.samples.add("memory", size, tool,
                                    {"bytes a directory": (with_tree - without) / size,
                                     "MB": with_tree / 1e6})


def live_round(site, make, last):
    """Until changes pass through, and all is compared with the target, to the last directory."""
    def work():
        text = f"{time.time()}\n"
        (last / ".last").write_text(text)
        begin = time.perf_counter()
        with make(site) as tool:
            site.until_live()
            site.wait_for_probe(text, last.relative_to(site.source) / ".last")
            live = time.perf_counter()
            proc.wait_until_at_rest(tool.pid)
            metrics = {"s": live - begin, "CPU s": tool.cpu()}
        time.sleep(0.5)
        return metrics
    return work


def floor_round(site):
    """The least that a start must do: walk and watch, and one comparison."""
    def work():
        begin = time.perf_counter()
        with WalkFloor(site) as walk:
            walk.until_watching()
            bare_rsync(site)
            return {"s": time.perf_counter() - begin}
    return work


def last_directory(path):
    """The one that rsync, which goes by name, comes to last."""
    while below := sorted(entry.name for entry in path.iterdir() if entry.is_dir()):
        path = path / below[-1]
    return path


def measure_start(contest):
    site = contest.lab.local_site("start")
    contest.lab.make_tree(site, contest.scale["DIRECTORIES"])
    site.copy_to_targets()
    last = last_directory(site.source)
    live_round(site, Mirrord, last)()  # the cache is warm then, and the target known to be good
    contest.alternate(
        [Contestant(make.name, live_round(site, make, last)) for make in (Mirrord, Lsyncd)]
        + [Contestant("walk + rsync", floor_round(site)),
           Contestant("loop", live_round(site, Loop, last), rounds=1)])


def measure_targets(contest):
    sites = {1: contest.lab.local_site("to1", 1)}
    contest.lab.make_tree(sites[1], contest.scale["DIRECTORIES"] // 2)
    sites[5] = contest.lab.local_site("to5", 5)
    sites[5].source.rmdir()
    sites[5].source = sites[1].source
    contest.alternate([Contestant(name, watch_round(site, WATCHING[name]), count)
                       for count, site in sites.items() for name in ("mirrord", "lsyncd")])


def drain_round(contest, make, what, count):
    """CPU for events, made while the reader is stopped, in chunks that the queue holds."""
    def work():
        site = Site(contest.lab.fast / "drain", [None])
        try:
            if what == "rewrite":
                (site.source / "hot").touch()
            with make(site) as tool:
                tool.until_watching()
                used = run(OUT / "bin/make_events", what, tool.pid, site.source, count,
                           stdout=subprocess.PIPE, text=True).stdout
            if re.search(r"overflow(?!s 0)", log := tool.log.read_text()):
                raise RuntimeError(f"the queue overflowed: {log[-300:]}")
            return {f"{what} us": int(used)}
        finally:
            run("rm", "-rf", site.dir)
    return work


def measure_drain(contest):
    counts = {"unlink": contest.scale["EVENTS"] // 3, "stay": contest.scale["EVENTS"] // 3,
              "rewrite": contest.scale["EVENTS"] // 2}
    contest.alternate([
        Contestant(name, drain_round(contest, make, what, count), metric=f"{what} us")
        for what, count in counts.items()
        for name, make in (("mirrord", mirrord_watching), ("read", ReadFloor))])


def rows(scale):
    most = scale["DIRECTORIES"]

    def start(peer, goal=None, what="the same"):
        return Claim(what, Of("mirrord", "s"), Of(peer, "s"), goal, "s")

    def watch(what, metric, peer):
        return Claim(what, Of("mirrord", metric, most), Of(peer, metric, most), None, "s")

    def cold(what, peer):
        return Claim(what, Of("mirrord", "s"), Of(peer, "s"), None, "s")

    def drain(what, text):
        return Claim(text, Of("mirrord", f"{what} us"), Of("read", f"{what} us"), 3, "us")

    return [
        Row("start", f"start on {most:,} directories until live", measure_start,
            (start("lsyncd", 0.6, f"start on {most:,} directories until live"),
             start("walk + rsync", 1.3), start("loop"))),
        Row("memory", "memory of the daemon per watched directory, and the time until it watches",
            measure_watch,
            (Claim("memory of a watched directory", Of("mirrord", "bytes a directory", most),
                   None, 100, "B"),
             Claim("the same", Of("mirrord", "bytes a directory", most),
                   Of("lsyncd", "bytes a directory", most), None, "B"),
             watch(f"{most:,} directories until all are watched", "s", "lsyncd"),
             watch("the same", "s", "inotifywait"), watch("the same", "s", "walk"),
             watch("CPU for it", "CPU s", "walk")),
            (Curve("memory", "Memory of the daemon", "watched directories", "MB", "MB"),
             Curve("start", "Start until all is watched", "directories", "seconds", "s"))),
        Row("cold", f"{most:,} directories, none in the cache, until all are watched", measure_cold,
            (cold(f"{most:,} directories, none in the cache, until all are watched", "lsyncd"),
             cold("the same", "inotifywait"), cold("the same", "walk"))),
        Row("targets", f"5 targets on one source of {most // 2:,} directories: CPU of the start",
            measure_targets,
            (Claim("CPU of a start with 5 targets; next to it 1 target",
                   Of("mirrord", "CPU s", 5), Of("mirrord", "CPU s", 1), 1.2, "s"),
             Claim("the same for lsyncd", Of("lsyncd", "CPU s", 5), Of("lsyncd", "CPU s", 1),
                   None, "s"))),
        Row("drain", f"{scale['EVENTS']:,} events from a full queue: CPU of the daemon",
            measure_drain,
            (drain("unlink", "CPU for events: files created and unlinked"),
             drain("stay", "CPU for events: files created and written"),
             drain("rewrite", "CPU for events: one file written over and over"))),
    ]

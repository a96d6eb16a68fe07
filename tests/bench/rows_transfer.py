"""Rows about bringing changes to targets: an edit, a burst, changes while a target is busy."""

import random
import statistics
import time

import proc
from contest import Contestant
from model import Claim, Curve, Of, Row
from tools import ByHand, Loop, Lsyncd, Mirrord, SharedLsyncd, bare_rsync, held_rsync

# Nobody edits in step with a tool's timers.
GAP, JITTER = 0.8, 0.4


def edit(site, tool, number, targets=None):
    """Milliseconds from the end of a write until the bytes are on the targets."""
    name = f"d0/f{number}"
    text = f"edit {number} {time.time()}\n"
    site.write_probe(text, name)
    begin = time.perf_counter()
    tool.announce(name)
    site.wait_for_probe(text, name, targets)
    return (time.perf_counter() - begin) * 1000


def edits(site, tool, count, targets=None):
    samples = []
    for number in range(count):
        time.sleep(GAP + random.random() * JITTER)
        samples.append(edit(site, tool, number, targets))
        tool.renew()
    return samples


def edit_round(scale, site, make):
    def work():
        with make(site) as tool:
            if make is not ByHand:
                site.until_live(scale["PATIENCE"])
            return {"ms": statistics.median(edits(site, tool, scale["EDITS"]))}
    return work


def filled_site(contest, files):
    site = contest.lab.remote_site(f"files{files}")
    site.fill(files)
    site.copy_to_targets()
    return site


def measure_edit(contest):
    site = filled_site(contest, 1000)
    contest.alternate([
        Contestant(make.name, edit_round(contest.scale, site, make), 1000, metric="ms")
        for make in (Mirrord, ByHand, Lsyncd, SharedLsyncd, Loop)])


def large_sizes(scale):
    return sorted({1000, scale["LARGE"] // 10, scale["LARGE"]})


def measure_large(contest):
    contestants, most = [], contest.scale["LARGE"]
    for size in large_sizes(contest.scale):
        site = filled_site(contest, size)
        for make, rounds in ((Mirrord, 3), (Lsyncd, 2 if size == most else 1), (Loop, 1)):
            contestants.append(Contestant(make.name, edit_round(contest.scale, site, make), size,
                                          rounds, "ms"))
    contest.alternate(contestants)


def burst_round(contest, site, make, files, directories):
    """Seconds of the writing, from its end until equal, and of the daemon's CPU."""
    def work():
        site.clear()
        site.fill(10, prefix="old-")
        site.copy_to_targets()
        with make(site) as tool:
            site.until_live()
            before, started = tool.cpu(), time.perf_counter()
            written = site.fill(files, directories)
            begin = time.perf_counter()
            ended = site.until_there(written, patience=contest.scale["PATIENCE"])
            return {"s": ended - begin, "writing s": begin - started, "CPU s": tool.cpu() - before}
    return work


def bare_burst_round(site, files, directories):
    def work():
        site.clear()
        site.fill(files, directories)
        begin = time.perf_counter()
        bare_rsync(site)
        return {"s": time.perf_counter() - begin}
    return work


def measure_burst(contest):
    files, directories = contest.scale["BURST"], 200
    site = contest.lab.remote_site("burst")
    contest.alternate(
        [Contestant(make.name, burst_round(contest, site, make, files, directories))
         for make in (Mirrord, Lsyncd, Loop)]
        + [Contestant("rsync", bare_burst_round(site, files, directories))])


def fanout_counts(scale):
    return [count for count in (1, 2, 5, 10, 20, 50) if count <= scale["FANOUT"]]


def measure_fanout(contest):
    contestants = []
    for count in fanout_counts(contest.scale):
        site = contest.lab.local_site(f"fanout{count}", count)
        contestants += [Contestant(make.name, burst_round(contest, site, make, 1000, 50), count, 1)
                        for make in (Mirrord, Lsyncd)]
    contest.alternate(contestants)


def busy_round(contest, site, make, files):
    """The daemon's CPU seconds for files that are made while both targets are busy."""
    def work():
        site.clear()
        site.fill(10)
        site.copy_to_targets()
        rsync, hold = held_rsync(site)
        with make(site, rsync=rsync) as tool:
            site.until_live()
            hold.touch()
            try:
                for number in range(2):  # one that is sent still, and one that is not
                    (site.source / f"d0/f{number}").write_text("makes the targets busy\n")
                    time.sleep(0.5)
                proc.wait_until_at_rest(tool.pid)
                before = tool.cpu()
                site.fill(files, prefix="busy-")
                rest_within(contest, site, tool, files, before)
                return {"CPU s": tool.cpu() - before}
            finally:
                tool.stop()
                hold.unlink()
    return work


def rest_within(contest, site, tool, files, before):
    """What is used until then is a lower bound, and that is fair to who needs more."""
    patience = contest.scale["PATIENCE"] / 4
    try:
        proc.wait_until_at_rest(tool.pid, quiet=0.3, patience=patience)
    except TimeoutError:
        contest.samples.limits[("busy", files, tool.name, "CPU s")] = \
            f"still busy after {patience:g} s"


def busy_sizes(scale):
    return sorted({scale["BUSY"] // 10, scale["BUSY"] // 4, scale["BUSY"] // 2, scale["BUSY"]})


def measure_busy(contest):
    site, most = contest.lab.remote_site("busy"), contest.scale["BUSY"]
    contestants = []
    for files in busy_sizes(contest.scale):
        for make, rounds in ((Mirrord, 5 if files in (most, most // 10) else 2),
                             (Lsyncd, 2 if files == most else 1)):
            contestants.append(Contestant(make.name, busy_round(contest, site, make, files), files,
                                          rounds, "CPU s"))
    contest.alternate(contestants)


def rows(scale):
    large, busy, burst = scale["LARGE"], scale["BUSY"], scale["BURST"]
    fanned = fanout_counts(scale)[-1]

    def edits_of(what, peer, goal=None):
        return Claim(what, Of("mirrord", "ms", 1000), Of(peer, "ms", 1000), goal, "ms")

    return [
        Row("edit", "one edit, 2 ssh targets, 1,000 files: change to bytes on both, median",
            measure_edit,
            (edits_of("an edit on both targets, 1,000 files", "lsyncd", 1 / 50),
             edits_of("the same", "standby by hand", 2),
             edits_of("the same", "lsyncd, shared ssh"),
             edits_of("the same", "loop"))),
        Row("large", f"the same in one directory of {large:,} files", measure_large,
            (Claim(f"an edit in a directory of {large:,} files; next to it 1,000 files",
                   Of("mirrord", "ms", large), Of("mirrord", "ms", 1000), 1.5, "ms"),
             Claim("the same", Of("mirrord", "ms", large), Of("lsyncd", "ms", large), None, "ms")),
            (Curve("latency", "An edit until it is on two ssh targets", "files in its directory",
                   "milliseconds, median", "ms"),)),
        Row("busy", f"{busy:,} files created while the targets are busy: CPU of the daemon",
            measure_busy,
            (Claim(f"CPU for {busy:,} files while the targets are busy",
                   Of("mirrord", "CPU s", busy), Of("lsyncd", "CPU s", busy), 1 / 50, "s"),
             Claim(f"the same; next to it {busy // 10:,} files", Of("mirrord", "CPU s", busy),
                   Of("mirrord", "CPU s", busy // 10), 12, "s")),
            (Curve("busy", "CPU of the daemon for changes to busy targets", "pending files",
                   "seconds of CPU", "CPU s"),)),
        Row("burst", f"{burst:,} new files in 200 directories: end of the writing until equal",
            measure_burst,
            (Claim(f"a burst of {burst:,} files until equal", Of("mirrord", "s"),
                   Of("lsyncd", "s"), 0.8, "s"),
             Claim("the same", Of("mirrord", "s"), Of("loop", "s"), None, "s"),
             Claim("the same", Of("mirrord", "s"), Of("rsync", "s"), None, "s"),
             Claim("the writing itself meanwhile", Of("mirrord", "writing s"),
                   Of("lsyncd", "writing s"), None, "s"),
             Claim("CPU of the daemon for it", Of("mirrord", "CPU s"), Of("lsyncd", "CPU s"),
                   1 / 10, "s"))),
        Row("fanout", "1,000 new files in 50 directories, 1 to 50 local targets: until equal",
            measure_fanout,
            (Claim(f"1,000 files on {fanned} local targets until equal",
                   Of("mirrord", "s", fanned), Of("lsyncd", "s", fanned), None, "s"),),
            (Curve("fanout", "A burst of 1,000 files until all targets are equal",
                   "local targets", "seconds", "s"),)),
    ]

"""Rows that take their time: a daemon that is left alone, and one whose target is gone.

They yield while nothing is to be done, so that they can wait at the same time.
"""

import contextlib
import os
import socket
import statistics
import subprocess
import threading
import time

import proc
from lab import ROOT, run
from model import Claim, Of, Row
from rows_transfer import edits
from tools import Loop, Lsyncd, Mirrord

WATCHDOG_US = 60_000_000  # of the unit


def children(pid):
    return [int(child) for task in proc.tasks(pid)
            for child in (task / "children").read_text().split()]


def measure_idle(contest):
    with contextlib.ExitStack() as stack:
        tools = []
        for make in (Mirrord, Lsyncd, Loop):
            site = contest.lab.remote_site(f"idle-{make.name}")
            site.fill(1000)
            site.copy_to_targets()
            options = {"WATCHDOG_USEC": str(WATCHDOG_US)} if make is Mirrord else {}
            tools.append(stack.enter_context(make(site, **options)))
            site.until_live()
        time.sleep(5)
        before = [(proc.wake_ups(t.pid), t.cpu(), children(t.pid)) for t in tools]
        pings = tools[0].notify.pings
        yield contest.scale["IDLE"]
        for tool, (wake_ups, cpu, standbys) in zip(tools, before):
            more = proc.wake_ups(tool.pid) - wake_ups
            metrics = {"wake-ups": more, "CPU s": tool.cpu() - cpu}
            if tool is tools[0]:
                pings = tool.notify.pings - pings
                renewed = len(set(standbys) - set(children(tool.pid)))
                metrics |= {"pings": pings, "renewed": renewed, "others": more - pings}
            contest.samples.add("idle", 0, tool.name, metrics)


class DeadHost:
    """Takes a dead host's port: every connection is refused as soon as it is counted."""

    def __init__(self, port):
        self.attempts = 0
        self.listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        threading.Thread(target=self.count, daemon=True).start()

    def count(self):
        with contextlib.suppress(OSError):
            while True:
                self.listener.accept()[0].close()
                self.attempts += 1

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def warm_edit(contest, site, tool, target):
    """Milliseconds, after as many edits that do not count: ten quiet minutes make caches cold."""
    count = contest.scale["EDITS"]
    return statistics.median(edits(site, tool, 2 * count, [target])[count:])


def measure_outage(contest):
    """The second host dies, and comes back when the row has waited; the first must not notice."""
    site = contest.lab.remote_site("outage")
    site.fill(1000)
    files = site.fill(contest.scale["OUTAGE"], 100, "outage-")
    site.copy_to_targets()
    alive, gone = site.targets
    with private_bus(contest.lab.dir) as bus, Mirrord(site, bus=bus) as tool:
        site.until_live()
        ms_before = warm_edit(contest, site, tool, alive)
        idle = proc.memory(tool.pid)
        gone.host.stop()
        dead, begin = DeadHost(gone.host.port), time.perf_counter()
        written = site.change(files)
        wrote = time.perf_counter()
        behind = site.until_there(written, [alive], contest.scale["PATIENCE"]) - wrote
        yield max(contest.scale["GONE"] - (time.perf_counter() - begin), 1)
        ms_during = warm_edit(contest, site, tool, alive)
        grown = proc.memory(tool.pid) - idle
        attempts = dead.attempts
        dead.close()
        gone.host.start()
        begin = time.perf_counter()
        run(ROOT / "build/release/src/mirrorctl", "--bus", bus, "sync", "bench")
        after = site.until_there(written, patience=contest.scale["PATIENCE"]) - begin
    contest.samples.add("outage", 0, "mirrord", {
        "attempts": attempts, "MB": grown / 1e6, "s behind": behind, "ms": ms_during,
        "ms before": ms_before, "s after": after})


BUS = """<busconfig><type>session</type><listen>{address}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>"""


@contextlib.contextmanager
def private_bus(directory):
    path = directory / "bus"
    address = f"unix:path={path}"
    (directory / "bus.conf").write_text(BUS.format(address=address))
    daemon = subprocess.Popen(["dbus-daemon", "--nofork", "--nopidfile",
                               f"--config-file={directory}/bus.conf"],
                              stderr=subprocess.DEVNULL)
    try:
        proc.wait_until(lambda: os.path.exists(path), "no bus", 10)
        yield address
    finally:
        daemon.kill()
        daemon.wait()


def duration(seconds):
    return f"{seconds} s" if seconds % 60 else f"{seconds // 60} min"


def rows(scale):
    mirrord = {m: Of("mirrord", m) for m in ("others", "wake-ups", "CPU s", "MB", "ms", "ms before",
                                             "s behind", "s after")}
    gone, alone = (duration(scale[name]) for name in ("GONE", "IDLE"))
    changes = f"{scale['OUTAGE']:,} changes"
    return [
        # This one first: what it makes below TMPDIR would wake the other.
        Row("outage", f"one of 2 targets is gone for {gone} and {changes}", measure_outage,
            (Claim(f"{changes} to a target that is lost for {gone}: attempts",
                   Of("mirrord", "attempts"), None, 20 if scale["GONE"] >= 600 else None),
             Claim("memory for it", mirrord["MB"], None, 29, "MB", "<= 29 MB (mirrord(8))"),
             Claim("an edit on the other target; next to it before the outage", mirrord["ms"],
                   mirrord["ms before"], 1.25, "ms", "no slower"),
             Claim("the other target equal after the changes", mirrord["s behind"], None, None,
                   "s"),
             Claim("the lost target equal, after its return and `mirrorctl sync`",
                   mirrord["s after"], None, None, "s"))),
        Row("idle", f"{alone} without changes, 2 ssh targets", measure_idle,
            (Claim(f"idle for {alone}: wake-ups, but for the watchdog's and 2 standbys' renewal",
                   mirrord["others"], None, 8, "", "<= 4 a standby"),
             Claim("all wake-ups", mirrord["wake-ups"], Of("lsyncd", "wake-ups")),
             Claim("CPU of the daemon", mirrord["CPU s"], None, 0.05, "s", "0.0 s"))),
    ]

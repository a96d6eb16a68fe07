"""What /proc tells of a process, and what it tells us itself: when it is ready, at rest, awake.

Shared by all rows. It starts nothing and ends nothing.
"""

import contextlib
import os
import pathlib
import socket
import threading
import time


def tasks(pid):
    return list(pathlib.Path(f"/proc/{pid}/task").iterdir())


def cpu(pid):
    """Seconds on a CPU, of all threads, also those that have ended, without children."""
    return time.clock_gettime((~pid << 3) | 2)  # clock_getcpuclockid(3), which Python lacks


def of_status(path, key):
    return int((path / "status").read_text().split(f"\n{key}:")[1].split()[0])


def memory(pid):
    """Bytes that are the process's own and on no disk."""
    return of_status(pathlib.Path(f"/proc/{pid}"), "RssAnon") * 1024


def wake_ups(pid):
    """How often it has gone to sleep, which is as often as it was awake."""
    return sum(of_status(task, "voluntary_ctxt_switches") for task in tasks(pid))


def waits(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] == "S"


def runs(*words):
    """Is there a process with all of them in its command line?"""
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if all(word in line for word in words):
            return True
    return False


def wait_until(done, what, patience=120.0, step=0.0005):
    deadline = time.perf_counter() + patience
    while not done():
        if time.perf_counter() > deadline:
            raise TimeoutError(what)
        time.sleep(step)


def wait_until_at_rest(pid, quiet=0.15, patience=120.0):
    """Until it has used next to no CPU for so many seconds."""
    next_to_nothing = 0.0003
    begin, before = time.perf_counter(), cpu(pid)
    since = begin
    while time.perf_counter() - since < quiet:
        time.sleep(0.02)
        now = cpu(pid)
        if not waits(pid) or now > before + next_to_nothing:
            since, before = time.perf_counter(), now
        if time.perf_counter() - begin > patience:
            raise TimeoutError("it was not at rest")


class NotifySocket:
    """The other end of sd_notify(3): whether READY=1 came, and how many WATCHDOG=1."""

    def __init__(self):
        self.name = f"mirrord-bench-{os.getpid()}-{id(self)}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name)
        self.ready, self.pings = False, 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while message := self.socket.recv(65536):
            words = message.split(b"\n")
            self.ready |= b"READY=1" in words
            self.pings += b"WATCHDOG=1" in words

    def close(self):
        with contextlib.suppress(OSError):  # already
            self.socket.shutdown(socket.SHUT_RD)
            self.socket.close()

    def environment(self):
        return {"NOTIFY_SOCKET": "@" + self.name}

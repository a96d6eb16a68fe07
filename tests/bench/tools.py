"""The contestants: mirrord, lsyncd, the loop that one writes by hand, and the floors.

Each is started on a Site and mirrors it until it is stopped. All run the same rsync with the same
options (-az), and wait for nothing (delay 0), where a row does not say otherwise.
"""

import contextlib
import os
import shlex
import signal
import subprocess

import proc
from lab import OUT, ROOT, run

MIRRORD = ROOT / "build/release/src/mirrord"
NEVER = "1h"  # a delay for rows that are not about transfers


class Tool:
    """A process in a session of its own, with its log."""

    def __init__(self, directory, argv, **environment):
        self.log = directory / "log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **environment}, start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def cpu(self):
        return proc.cpu(self.pid)

    def watches(self):
        """By its own word."""
        return self.WATCHING in self.log.read_text(errors="replace")

    def until_watching(self):
        """Until every directory is watched."""
        proc.wait_until(lambda: self.watches() or self.process.poll() is not None, "no watches")
        if not self.watches():
            raise RuntimeError(f"it has ended: {self.log.read_text(errors='replace')[-500:]}")

    def announce(self, name):
        """Only a standby by hand must be told what has changed."""

    def renew(self):
        """After a change has arrived."""


class Mirrord(Tool):
    name = "mirrord"

    def __init__(self, site, rsync="/usr/bin/rsync", delay="0s", bus="none", **environment):
        self.notify = proc.NotifySocket()
        config = site.dir / "etc"
        for path in (config, site.dir / "run", site.dir / "state"):
            path.mkdir(exist_ok=True)
            path.chmod(0o755)
        targets = ",\n".join(self.target(target) for target in site.targets)
        (config / "bench.toml").write_text(
            f'[groups.bench]\nsource = "{site.source}"\ndelay = "{delay}"\n'
            f'targets = [\n{targets}\n]\nrsync.program = "{rsync}"\n'
            + (f'max_delay = "{NEVER}"\n' if delay == NEVER else ""))
        super().__init__(site.dir, [MIRRORD, "--config-dir", config, "--bus", bus, "--log-target",
                                    "stderr", "--log-level", "warning"],
                         RUNTIME_DIRECTORY=str(site.dir / "run"),
                         STATE_DIRECTORY=str(site.dir / "state"),
                         **self.notify.environment(), **environment)

    @staticmethod
    def target(target):
        host = target.host
        ssh = (f', ssh = {{ port = {host.port}, identity_file = "{host.home}/client", '
               f'known_hosts_file = "{host.home}/known" }}' if host else "")
        return f'{{ to = "{target.destination()}", name = "{target.path.name}"{ssh} }}'

    def watches(self):
        return self.notify.ready

    def stop(self):
        self.process.terminate()  # its children are in groups of their own
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        super().stop()
        self.notify.close()


class Lsyncd(Tool):
    name = "lsyncd"
    WATCHING = "recursive startup rsync"  # it says so when all is watched

    def __init__(self, site, rsync="/usr/bin/rsync", ssh=""):
        syncs = "".join(
            f'sync {{ default.rsync, source = "{site.source}", target = "{t.destination()}", '
            f'delay = 0, rsync = {{ binary = "{rsync}", archive = true, compress = true'
            + (f', rsh = "{t.host.ssh()}{ssh}"' if t.host else "") + " } }\n" for t in site.targets)
        config = site.dir / "lsyncd.lua"
        # No maxProcesses: it would give each target several rsyncs at a time.
        config.write_text(f"settings {{ nodaemon = true }}\n{syncs}")
        super().__init__(site.dir, ["lsyncd", "-nodaemon", config])


class SharedLsyncd(Lsyncd):
    """As who knows ssh well sets it up: transfers share a connection, as mirrord's do."""

    name = "lsyncd, shared ssh"

    def __init__(self, site):
        super().__init__(site, ssh=" -o ControlMaster=auto -o ControlPersist=20 "
                                   f"-o ControlPath={site.dir}/%p")


class Loop(Tool):
    """inotifywait and rsync in a shell script: every change compares everything."""

    name = "loop"
    SCRIPT = """
sync_all() {
%s
  wait
}
inotifywait -m -r -e close_write,create,delete,move,attrib --format . %s 2>&1 | {
  while read -r line; do [[ $line != 'Watches established.' ]] || break; done
  sync_all
  while read -r line; do
    while read -r -t 0.01 line; do :; done  # what came meanwhile
    sync_all
  done
}
"""

    def __init__(self, site):
        rsyncs = "\n".join("  " + shlex.join(["rsync", "-az", "--delete", *target.rsh(),
                                             f"{site.source}/", f"{target.destination()}/"]) + " &"
                           for target in site.targets)
        super().__init__(site.dir, ["bash", "-c", self.SCRIPT % (rsyncs, site.source)])


class ByHand(Tool):
    """The least that an edit can cost: one rsync per target that waits on its standard input."""

    name = "standby by hand"

    def __init__(self, site):
        self.site, self.ended = site, []
        self.waiting = self.start()

    def start(self):
        rsyncs = [subprocess.Popen(
            ["rsync", "-azI", "--force", "--files-from=-", "--from0", *target.rsh(),
             f"{self.site.source}/", f"{target.destination()}/"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for target in self.site.targets]
        for target in self.site.targets:
            proc.wait_until(lambda t=target: proc.runs(b"--server", bytes(t.path)),
                            "no standby is connected", 30, 0.02)
        return rsyncs

    def announce(self, name):
        self.ended, self.waiting = self.waiting, []
        for process in self.ended:
            process.stdin.write(f"./{name}".encode() + b"\0")
            process.stdin.close()

    def renew(self):
        for process in self.ended:
            process.wait()
        proc.wait_until(lambda: not proc.runs(b"--server", bytes(self.site.dir)),
                        "the last one goes on", 30, 0.02)
        self.waiting = self.start()

    def stop(self):
        for process in self.waiting:
            process.kill()
            process.wait()


class WalkFloor(Tool):
    """readdir and inotify_add_watch, nothing else."""

    name = "walk"
    WATCHING = "watched"

    def __init__(self, site):
        super().__init__(site.dir, [OUT / "bin/walk_floor", site.source])


class ReadFloor(Tool):
    """read(2) of events, nothing else."""

    name = "read"
    WATCHING = "reading"

    def __init__(self, site):
        super().__init__(site.dir, [OUT / "bin/read_floor", site.source])


class Inotifywait(Tool):
    name = "inotifywait"
    WATCHING = "Watches established"

    def __init__(self, site):
        super().__init__(site.dir, ["inotifywait", "-m", "-r", site.source])


def bare_rsync(site):
    """One whole comparison of each target at the same time, and nothing that watches."""
    rsyncs = [subprocess.Popen(["rsync", "-az", "--delete", *target.rsh(), f"{site.source}/",
                                f"{target.destination()}/"]) for target in site.targets]
    for process in rsyncs:
        process.wait()


def held_rsync(site):
    """An rsync that waits while the file `hold` is there, so that a target is busy."""
    script, hold = site.dir / "rsync", site.dir / "hold"
    script.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec rsync "$@"\n'
                      f'while [ -e {hold} ]; do sleep 0.2; done\nexec rsync "$@"\n')
    script.chmod(0o755)
    return script, hold


def versions():
    """What the figures depend on."""
    def first_line(*argv):
        return run(*argv, capture_output=True, text=True).stdout.splitlines()[0].strip()
    return {"rsync": first_line("rsync", "--version").split()[2],
            "lsyncd": first_line("lsyncd", "--version").split()[-1],
            "mirrord": first_line(MIRRORD, "--version").split()[-1]}

#!/usr/bin/env python3
"""What it costs to bring a change to its targets: mirrord next to lsyncd and a hand-driven standby.

Each row runs the same work with each tool in turn, on one machine, over real sshds on loopback, and
prints medians and their ratio. README.md here says how to read it. It never fails because something
is slow.

  tests/bench/transfer.py [ROW...]    rows: edit large busy burst outage; all without arguments
Environment: EDITS (20), LARGE (100000 files), BURST (10000 files), BUSY (8000 files),
             CHANGES (50000, of the outage), OUTAGE (60 seconds), TMPDIR
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MIRRORD = ROOT / "build/release/src/mirrord"


def setting(name, default):
    return int(os.environ.get(name, default))


def run(*argv, **options):
    return subprocess.run([str(a) for a in argv], check=True, **options)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(done, what, patience=600.0, step=0.0005):
    deadline = time.perf_counter() + patience
    while not done():
        if time.perf_counter() > deadline:
            raise TimeoutError(what)
        time.sleep(step)


class Sshd:
    """A host of its own, as far as ssh can see."""

    def __init__(self, home):
        self.home, self.port, self.process = home, free_port(), None
        home.mkdir()
        for key in ("host", "client"):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / key)
        (home / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nPidFile none\n"
            f"AuthorizedKeysFile {home}/client.pub\nStrictModes no\nUsePAM no\nMaxStartups 100\n")
        algorithm, key = (home / "host.pub").read_text().split()[:2]
        (home / "known").write_text(f"[127.0.0.1]:{self.port} {algorithm} {key}\n")
        self.start()

    def start(self):
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", self.home / "config", "-E",
                                         self.home / "log"], start_new_session=True)
        def listens():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(listens, "sshd")

    def stop(self):
        """What a power failure looks like: the server and its sessions end at once."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True).stdout.split()
        for pid in [self.process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def ssh(self):
        return (f"/usr/bin/ssh -p {self.port} -i {self.home}/client -o BatchMode=yes "
                f"-o IdentitiesOnly=yes -o UserKnownHostsFile={self.home}/known")

    def attempts(self):
        return (self.home / "log").read_text().count("Connection from") or \
            (self.home / "log").read_text().count("Accepted publickey")


class Lab:
    """A source, two targets and their hosts."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mirrord-bench-"))
        self.dir.chmod(0o755)
        self.source = self.dir / "source"
        self.source.mkdir()
        self.targets = [self.dir / "tgt1", self.dir / "tgt2"]
        self.hosts = [Sshd(self.dir / "host1"), Sshd(self.dir / "host2")]
        self.hold = self.dir / "hold"
        self.rsync = self.dir / "rsync"
        # While `hold` is there, whoever wants to transfer something waits.
        self.rsync.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec rsync "$@"\n'
                              f'while [ -e {self.hold} ]; do sleep 0.2; done\nexec rsync "$@"\n')
        self.rsync.chmod(0o755)

    def close(self):
        for host in self.hosts:
            host.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def fill(self, files, directories=1):
        for number in range(files):
            path = self.source / f"d{number % directories}" / f"f{number}"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{number}\n")

    def clear(self):
        for path in [self.source, *self.targets]:
            shutil.rmtree(path, ignore_errors=True)
        self.source.mkdir()

    def equal(self, target):
        diff = subprocess.run(["rsync", "-n", "-a", "--delete", "-i", f"{self.source}/",
                               f"{target}/"], capture_output=True, text=True, check=False)
        return diff.returncode == 0 and not diff.stdout.strip()


class Tool:
    def __init__(self, lab, argv, **environment):
        self.log = open(lab.dir / "log", "a")
        self.process = subprocess.Popen([str(a) for a in argv], stdout=self.log, stderr=self.log,
                                        env={**os.environ, **environment}, start_new_session=True)

    def cpu(self):
        """Seconds of the daemon itself, without its children."""
        # proc(5) schedstat: in nanoseconds, where stat counts in ticks of 10 ms.
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def memory(self):
        """Bytes of anonymous memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.log.close()


def mirrord(lab, log_level="info"):
    targets = ",\n".join(
        f'{{ to = "root@127.0.0.1:{target}", name = "{target.name}", ssh = {{ port = {host.port}, '
        f'identity_file = "{host.home}/client", known_hosts_file = "{host.home}/known" }} }}'
        for target, host in zip(lab.targets, lab.hosts))
    config = lab.dir / "etc"
    config.mkdir(exist_ok=True)
    config.chmod(0o755)
    (config / "bench.toml").write_text(
        f'[groups.bench]\nsource = "{lab.source}"\ndelay = "0s"\ntargets = [\n{targets}\n]\n'
        f'[groups.bench.rsync]\nprogram = "{lab.rsync}"\n')
    runtime, state = lab.dir / "run", lab.dir / "state"
    runtime.mkdir(exist_ok=True)
    state.mkdir(exist_ok=True)
    return Tool(lab, [MIRRORD, "--config-dir", config, "--bus", "none", "--log-target", "stderr",
                      "--log-level", log_level], RUNTIME_DIRECTORY=str(runtime),
                STATE_DIRECTORY=str(state))


def lsyncd(lab):
    syncs = "".join(
        f'sync {{ default.rsync, source = "{lab.source}", target = "root@127.0.0.1:{target}", '
        f'delay = 0, rsync = {{ binary = "{lab.rsync}", archive = true, compress = true, '
        f'rsh = "{host.ssh()}" }} }}\n' for target, host in zip(lab.targets, lab.hosts))
    config = lab.dir / "lsyncd.lua"
    config.write_text(f"settings {{ nodaemon = true, maxProcesses = 8 }}\n{syncs}")
    return Tool(lab, ["lsyncd", "-nodaemon", config])


class HandStandby:
    """The least that an edit can cost: one rsync per target that waits on its standard input."""

    def __init__(self, lab):
        self.lab = lab
        self.waiting = [self.start(*pair) for pair in zip(lab.targets, lab.hosts)]
        time.sleep(2)

    def start(self, target, host):
        return subprocess.Popen(["rsync", "-azI", "--force", "--files-from=-", "--from0", "-e",
                                 host.ssh(), f"{self.lab.source}/", f"root@127.0.0.1:{target}/"],
                                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)

    def changed(self, name):
        ended, self.waiting = self.waiting, []
        for process in ended:
            process.stdin.write(f"./{name}".encode() + b"\0")
            process.stdin.close()
        return ended

    def renew(self, ended):
        for process in ended:
            process.wait()
        self.waiting = [self.start(*pair) for pair in zip(self.lab.targets, self.lab.hosts)]
        time.sleep(1.5)

    def stop(self):
        for process in self.waiting:
            process.kill()


def until_equal(lab, patience=900.0):
    for target in lab.targets:
        wait_until(lambda t=target: lab.equal(t), f"{target} is not equal", patience, 0.2)


def edit_latencies(lab, tool):
    """Milliseconds from the end of a write until the bytes are on both targets."""
    samples = []
    for number in range(setting("EDITS", 20)):
        name = f"d0/f{number}"
        text = f"edit {number} {time.time()}\n"
        copies = [target / name for target in lab.targets]
        (lab.source / name).write_text(text)
        begin = time.perf_counter()
        ended = tool.changed(name) if isinstance(tool, HandStandby) else None
        for copy in copies:
            wait_until(lambda c=copy: c.exists() and c.read_text() == text, f"{copy}", 60, 0.0002)
        samples.append((time.perf_counter() - begin) * 1000)
        tool.renew(ended) if ended else time.sleep(2)
    return samples


def measured(make, lab, work):
    """One tool from its start on equal trees to its end; what `work` returns."""
    tool = make(lab)
    try:
        if not isinstance(tool, HandStandby):
            until_equal(lab)
            time.sleep(1)
        return work(tool)
    finally:
        tool.stop()


def row_edit(lab, files=1000):
    lab.fill(files)
    results = {}
    for name, make in (("mirrord", mirrord), ("lsyncd", lsyncd), ("standby by hand", HandStandby)):
        results[name] = measured(make, lab, lambda tool: edit_latencies(lab, tool))
    return {"unit": "ms", "samples": results}


def row_large(lab):
    return row_edit(lab, setting("LARGE", 100000))


def row_burst(lab):
    results, cpu = {}, {}
    for name, make in (("mirrord", mirrord), ("lsyncd", lsyncd)):
        lab.clear()
        lab.fill(10)

        def work(tool):
            before = tool.cpu()
            lab.fill(setting("BURST", 10000), 200)
            begin = time.perf_counter()
            until_equal(lab)
            return time.perf_counter() - begin, tool.cpu() - before

        seconds, used = measured(make, lab, work)
        results[name], cpu[name + ", CPU"] = [seconds], [used]
    return {"unit": "s", "samples": {**results, **cpu}}


def row_busy(lab):
    results = {}
    for name, make in (("mirrord", mirrord), ("lsyncd", lsyncd)):
        for files in (setting("BUSY", 8000) // 10, setting("BUSY", 8000)):
            lab.clear()
            lab.fill(10)

            def work(tool):
                lab.hold.touch()
                (lab.source / "d0/f0").write_text("makes the targets busy\n")
                time.sleep(2)
                before = tool.cpu()
                lab.fill(files)
                time.sleep(5)
                used = tool.cpu() - before
                lab.hold.unlink()
                until_equal(lab)
                return used

            results[f"{name}, {files} files"] = [measured(make, lab, work)]
    return {"unit": "s of CPU", "samples": results}


def row_outage(lab):
    def work(tool):
        idle = tool.memory()
        lab.hosts[1].stop()
        attempts = (lab.dir / "log").read_text().count("connecting:")
        changes, began = setting("CHANGES", 50000), time.perf_counter()
        lab.fill(changes, 100)
        while time.perf_counter() - began < setting("OUTAGE", 60):
            time.sleep(1)
        attempts = (lab.dir / "log").read_text().count("connecting:") - attempts
        grown = (tool.memory() - idle) / 1e6
        other = time.perf_counter()
        wait_until(lambda: lab.equal(lab.targets[0]), "the other target", 600, 0.2)
        other = time.perf_counter() - other
        lab.hosts[1].start()
        back = time.perf_counter()
        until_equal(lab)
        return {"attempts": [attempts], "memory grown, MB": [grown],
                "other target behind, s": [other],
                "after the return, s": [time.perf_counter() - back]}

    lab.clear()
    lab.fill(10)
    # Only at that level each attempt has its line.
    return {"unit": "", "samples": measured(lambda lab: mirrord(lab, "debug"), lab, work)}


ROWS = {"edit": row_edit, "large": row_large, "busy": row_busy, "burst": row_burst,
        "outage": row_outage}


def show(name, result):
    print(f"\n{name}" + (f" ({result['unit']})" if result["unit"] else ""))
    for what, samples in result["samples"].items():
        print(f"  {what:28} median {statistics.median(samples):10.3f}"
              f"   min {min(samples):10.3f}   max {max(samples):10.3f}")
    sys.stdout.flush()


def main():
    rows = sys.argv[1:] or list(ROWS)
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        sys.exit(f"unknown row: {', '.join(unknown)}; known: {', '.join(ROWS)}")
    if not MIRRORD.exists():
        sys.exit(f"{MIRRORD.relative_to(ROOT)} is missing; build it: "
                 "cmake -B build/release -DCMAKE_BUILD_TYPE=Release && cmake --build build/release")
    results = {}
    for row in rows:
        lab = Lab()
        try:
            results[row] = ROWS[row](lab)
            show(row, results[row])
        finally:
            lab.close()
    out = ROOT / "build/bench/transfer.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()

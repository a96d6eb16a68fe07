"""Where the rows take place: a directory, sshds on loopback for hosts, sources with targets.

All of it is temporary, and gone when the last row is done: nothing is deleted before. ext4 without a
journal looks past every inode that was freed in the last minutes to find one for a new file, which
made 10,000 files cost seconds instead of tenths.
"""

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from proc import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "build/bench"


def run(*argv, **options):
    return subprocess.run([str(a) for a in argv], check=True, **options)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


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
        self.process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-f", self.home / "config", "-E", self.home / "log"])
        wait_until(self.listens, "sshd does not listen", 10)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        """What a power failure looks like: the server and its sessions end at once."""
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                                  text=True, check=False).stdout.split()
        for pid in [self.process.pid, *map(int, children)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def ssh(self):
        return (f"/usr/bin/ssh -p {self.port} -i {self.home}/client -o BatchMode=yes "
                f"-o IdentitiesOnly=yes -o UserKnownHostsFile={self.home}/known")


@dataclasses.dataclass(frozen=True)
class Target:
    path: pathlib.Path
    host: Sshd | None  # None: on this one

    def destination(self):
        return f"root@127.0.0.1:{self.path}" if self.host else str(self.path)

    def rsh(self):
        return ["-e", self.host.ssh()] if self.host else []


class Site:
    """A source and its targets, with room for what a tool keeps."""

    def __init__(self, directory, hosts):
        self.dir, self.source = directory, directory / "source"
        self.source.mkdir(parents=True)
        self.targets = [Target(directory / f"tgt{n}", host) for n, host in enumerate(hosts)]
        self.used = directory / "used"

    def clear(self):
        """An empty source, and targets that were never filled."""
        used = self.used / str(time.monotonic_ns())
        used.mkdir(parents=True)
        for path in [self.source, *(target.path for target in self.targets)]:
            with contextlib.suppress(FileNotFoundError):
                path.rename(used / path.name)
        self.source.mkdir()

    def fill(self, files, directories=1, prefix=""):
        """Writes one directory after the other, as cp and tar do; the names, each with its size."""
        written = {}
        for directory in range(directories):
            name = f"{prefix}d{directory}"
            (self.source / name).mkdir(exist_ok=True)
            for number in range(files // directories):
                text = f"{directory} {number}\n"
                with open(self.source / name / f"f{number}", "w", encoding="ascii") as file:
                    file.write(text)
                written[f"{name}/f{number}"] = len(text)
        return written

    def change(self, written):
        """Appends to each file; the names, each with its new size."""
        word = "changed\n"
        for name in written:
            with open(self.source / name, "a", encoding="ascii") as file:
                file.write(word)
        return {name: size + len(word) for name, size in written.items()}

    def copy_to_targets(self):
        for target in self.targets:
            run("rsync", "-a", "--delete", f"{self.source}/", f"{target.path}/")

    def write_probe(self, text, name=".probe"):
        (self.source / name).write_text(text)

    def wait_for_probe(self, text, name=".probe", targets=None, patience=120.0):
        for target in targets or self.targets:
            copy = target.path / name
            wait_until(lambda c=copy: c.exists() and c.read_text() == text,
                       f"{name} was not on its target", patience)

    def until_live(self, patience=120.0):
        """Until changes pass through: the first may come along with a comparison, no second one."""
        # Of two sizes: rsync, where it is not told otherwise, takes no notice of a file that is
        # rewritten with the same size within a second.
        for word in ("first", "second"):
            text = f"{word} {time.time():.6f}\n"
            self.write_probe(text)
            self.wait_for_probe(text, patience=patience)

    def until_there(self, written, targets=None, patience=120.0):
        """Until all that was written is on the targets, and source and targets are equal.

        Each file is waited for once: to compare all again and again would be a load of its own.
        """
        deadline = time.perf_counter() + patience
        for target in targets or self.targets:
            for name, size in written.items():
                wait_until(lambda p=f"{target.path}/{name}", s=size: has_size(p, s),
                           f"{name} was not on its target", deadline - time.perf_counter(), 0.002)
        ended = time.perf_counter()
        for target in targets or self.targets:
            if not self.equal(target):
                wait_until(lambda t=target: self.equal(t), "source and target were not equal",
                           deadline - time.perf_counter(), 0.2)
                ended = time.perf_counter()
        return ended

    def equal(self, target):
        diff = subprocess.run(["rsync", "-n", "-a", "--delete", "-i", f"{self.source}/",
                               f"{target.path}/"], capture_output=True, text=True, check=False)
        return diff.returncode == 0 and not diff.stdout.strip()


def has_size(path, size):
    try:
        return os.stat(path).st_size == size
    except FileNotFoundError:
        return False


class Lab:
    """Owns the directory and the hosts of one row, of which the hosts may end first."""

    def __init__(self):
        # /tmp is on many a machine in memory, and never quiet, which a daemon that watches it sees.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mirrord-bench-",
                                                 dir=os.environ.get("TMPDIR", "/var/tmp")))
        self.dir.chmod(0o755)
        # For what a disk would be too slow to make: events without end.
        shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.fast = pathlib.Path(tempfile.mkdtemp(prefix="mirrord-bench-", dir=shm))
        self.hosts = []

    def __enter__(self):
        return self

    def close(self):
        while self.hosts:
            self.hosts.pop().stop()

    def __exit__(self, *_):
        self.close()
        for path in (self.dir, self.fast):
            shutil.rmtree(path, ignore_errors=True)

    def remote_site(self, name, targets=2):
        while len(self.hosts) < targets:
            self.hosts.append(Sshd(self.dir / f"host{len(self.hosts)}"))
        return Site(self.dir / name, self.hosts[:targets])

    def local_site(self, name, targets=1):
        return Site(self.dir / name, [None] * targets)

    def make_tree(self, site, directories):
        """Of make_tree.cpp."""
        site.source.rmdir()
        run(OUT / "bin/make_tree", site.source, directories)

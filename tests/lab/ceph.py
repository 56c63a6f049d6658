"""A real one-host Ceph with a CephFS in a namespace of its own: an OSD in memory, cephx keys, ceph-fuse mounts.

Everything is mounted and run inside the namespace: tests go there by ``run`` and ``check``. rbytes counts file sizes,
so ``write(..., sparse=True)`` makes terabytes of it at no cost.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.daemons import Daemons
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT, Ran, command

NAME = "cephfs"  # of the file system
TAP = "10.88.0.1"
READ_ONLY = {"mon": "allow r", "mds": "allow r", "osd": "allow r"}  # what a client needs to read the statistics
ATTRIBUTES = tuple(
    f"ceph.dir.{name}" for name in ("entries", "files", "subdirs", "rentries", "rfiles", "rsubdirs", "rbytes", "rctime")
)
_READY = 60  # seconds
_EVERYTHING = "allow *"
_DAEMONS = {
    "mon.": {"mon": _EVERYTHING},
    "client.admin": {"mon": _EVERYTHING, "mgr": _EVERYTHING, "osd": _EVERYTHING, "mds": _EVERYTHING},
    "mgr.x": {"mon": "allow profile mgr", "osd": _EVERYTHING, "mds": _EVERYTHING},
    "osd.0": {"mon": "allow profile osd", "mgr": "allow profile osd", "osd": _EVERYTHING},
    "mds.a": {"mon": "allow profile mds", "mgr": "allow profile mds", "osd": _EVERYTHING, "mds": "allow"},
}

# Files, each closed and on the MDS before the next one.
_WRITE = """
import os, sys
directory, size, first, count, sparse = os.fsencode(sys.argv[1]), *map(int, sys.argv[2:])
os.makedirs(directory, exist_ok=True)
for number in range(first, first + count):
    with open(os.path.join(directory, b"%06d" % number), "xb") as file:
        if sparse:
            file.truncate(size)
        else:
            for written in range(0, size, 1 << 20):
                file.write(os.urandom(min(1 << 20, size - written)))
        file.flush()
        os.fsync(file.fileno())
"""

# Appends "rate" bytes a second by making a file longer, without data, until it is killed.
_GROW = """
import os, sys, time
path, rate, interval = os.fsencode(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
os.makedirs(os.path.dirname(path), exist_ok=True)
file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
start = time.monotonic()
while True:
    os.ftruncate(file, int(rate * (time.monotonic() - start)))
    os.fsync(file)
    time.sleep(interval)
"""

# Whether the recursive statistics at the top, which a change reaches last, are what a walk counts.
_SETTLED = """
import os, sys
top = os.fsencode(sys.argv[1])
size = files = subdirs = 0
left = [top]
while left:
    subdirs += 1  # a directory counts itself
    for entry in os.scandir(left.pop()):
        if entry.is_dir(follow_symlinks=False):
            left.append(entry.path)
        else:
            size, files = size + entry.stat(follow_symlinks=False).st_size, files + 1
told = tuple(int(os.getxattr(top, "ceph.dir." + name)) for name in ("rbytes", "rfiles", "rsubdirs"))
if told != (size, files, subdirs):
    sys.exit(f"told {told}, but it is {(size, files, subdirs)}")
"""


def _new_key() -> str:
    """A cephx secret: type 1 (AES), when it was made, its length, 16 random bytes."""
    return base64.b64encode(struct.pack("<HIIH", 1, int(time.time()), 0, 16) + os.urandom(16)).decode()


class Ceph(Daemons):
    """Monitor, manager, OSD, MDS "a" and a read-write mount. Starts at once; use as a context manager.

    memory: bytes that the OSD offers; options: further lines of ceph.conf's global section. With ``tap`` everything is
    at the address ``TAP`` on a device of that name, for virtual machines that are started in the namespace.
    """

    ready_seconds = _READY

    def __init__(self, *, memory: int = 2 << 30, options: dict[str, object] | None = None, tap: str = "") -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="undergoal-ceph-"))
        self.directory.chmod(0o755)  # checks run as other users too
        self.conf = self.directory / "ceph.conf"
        self.mount = self.directory / "mount"
        super().__init__()
        self._written = 0
        self._environment = {**PLAIN_ENVIRONMENT, "CEPH_CONF": str(self.conf)}
        self.namespace = Namespace()
        self._address = TAP if tap else "127.0.0.1"
        try:
            if tap:
                self.namespace.must("ip", "tuntap", "add", tap, "mode", "tap")
                self.namespace.must("ip", "address", "add", f"{TAP}/24", "dev", tap)
                self.namespace.must("ip", "link", "set", tap, "up")
            self._configure(memory, options or {})
            self._bring_up()
            self.remount()
            self._wait("mgr", self._has_space)
            # else the MDS would be busy for minutes removing a sparse file of a terabyte
            self.namespace.must("setfattr", "-n", "ceph.dir.layout.object_size", "-v", str(128 << 20), str(self.mount))
        except BaseException:
            self.close()
            raise

    # what it consists of

    @property
    def _monitor(self) -> str:
        return f"[v2:{self._address}:3300,v1:{self._address}:6789]"

    def secret(self, name: str) -> str:
        """The key of an entity, as the kernel's client wants it."""
        return self.ceph("auth", "print-key", name)

    def keyring(self, name: str) -> Path:
        """The file with the key of an entity such as client.admin; ceph.conf names it too."""
        return self.directory / "keys" / name

    def _configure(self, memory: int, options: dict[str, object]) -> None:
        directory = self.directory
        for name in ("keys", "mon", "osd", "mgr", "mds", "run"):
            (directory / name).mkdir()
        settings: dict[str, object] = {
            "fsid": uuid.uuid4(),
            "mon host": self._monitor,
            "mon initial members": "a",
            "public network": f"{self._address}/32",
            "keyring": directory / "keys" / "$name",
            "run dir": directory / "run",
            "admin socket": directory / "run" / "$name.$pid.asok",
            "log file": "",
            "log to stderr": "true",
            "mon data": directory / "mon",
            "osd data": directory / "osd",
            "mgr data": directory / "mgr",
            "mds data": directory / "mds",
            "osd objectstore": "memstore",
            "memstore device bytes": memory,
            "osd pool default size": 1,
            "osd pool default min size": 1,
            "osd pool default pg autoscale mode": "off",
            "osd crush chooseleaf type": 0,
            "mon allow pool size one": "true",
            "mon warn on pool no redundancy": "false",
            "auth allow insecure global id reclaim": "false",
            "paxos propose interval": 0.05,  # seconds a change waits for others: 1 by default
            "mds dirstat min interval": 0,  # a change is in all parents at once, not after some seconds
            "client caps release delay": 1,  # seconds: 5 by default
            "mgr tick period": 1,
            "mgr stats period": 1,
        }
        settings.update(options)
        lines = "".join(f"{key} = {value}\n" for key, value in settings.items())
        self.conf.write_text(f"[global]\n{lines}")
        self._fsid = str(settings["fsid"])
        everybody = "".join(self._give_key(name, caps) for name, caps in _DAEMONS.items())
        (directory / "keys" / "all").write_text(everybody)

    def _give_key(self, name: str, caps: dict[str, str]) -> str:
        """Write a new keyring file; its content."""
        lines = [f"[{name}]", f"key = {_new_key()}", *(f'caps {service} = "{cap}"' for service, cap in caps.items())]
        content = "\n".join(lines) + "\n"
        self.keyring(name).touch(mode=0o600)
        self.keyring(name).write_text(content)
        return content

    def client(self, name: str, caps: dict[str, str] | None = None) -> Path:
        """Make a client such as "client.undergoal" with its keyring; the caps default to READ_ONLY."""
        self._give_key(name, READ_ONLY if caps is None else caps)
        self.ceph("auth", "import", "-i", str(self.keyring(name)))
        return self.keyring(name)

    def _bring_up(self) -> None:
        map_file, identity = str(self.directory / "monmap"), str(uuid.uuid4())
        self._must(
            "monmaptool", "--create", "--addv", "a", self._monitor,
            "--fsid", self._fsid, map_file,
        )  # fmt: skip
        keys = str(self.directory / "keys" / "all")
        self._must("ceph-mon", "-i", "a", "--mkfs", "--monmap", map_file, "--keyring", keys)
        self._start("mon", "ceph-mon", "-f", "-i", "a")
        self._start("mgr", "ceph-mgr", "-f", "-i", "x")
        self.ceph_lines(
            f"osd new {identity}",
            "osd pool create metadata 8",
            "osd pool create data 8",
            f"fs new {NAME} metadata data",
            f"fs set {NAME} max_file_size {1 << 50}",
        )
        self._must("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", identity)
        self._start("osd", "ceph-osd", "-f", "-i", "0")
        self.start_mds()

    def _has_space(self) -> bool:
        """Whether the manager has told the space: until then statfs says 0 blocks, and "fs status" prints nothing."""
        return self.run("stat", "--file-system", "--format=%b", str(self.mount)).stdout.strip() not in (b"", b"0")

    # daemons: children of ours that stay in the foreground

    def _start(self, name: str, *argv: str) -> None:
        ends_with_us = ["setpriv", "--pdeathsig", "KILL"]  # also if close() is never called
        self._begin(name, [*ends_with_us, *self.namespace.enter, *argv], self._environment)

    def _kill(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()

    def pid(self, name: str) -> int:
        """The process id of "mon", "mgr", "osd", "mds", "mount" or another mount."""
        return self._daemons[name].pid

    def start_mds(self) -> None:
        """Start the MDS, or start it again after kill_mds; waits until it is active."""
        active = "--> up:active\n"  # in its log; "mds stat" still tells of the one that was killed
        before = self.log("mds").count(active) if (self.directory / "mds.log").exists() else 0
        self._start("mds", "ceph-mds", "-f", "-i", "a")
        self._wait("mds", lambda: self.log("mds").count(active) > before)

    def kill_mds(self) -> None:
        """kill -9."""
        self._kill("mds")

    def pause(self, name: str = "mds") -> None:
        """SIGSTOP."""
        self._daemons[name].send_signal(signal.SIGSTOP)

    def resume(self, name: str = "mds") -> None:
        """SIGCONT."""
        self._daemons[name].send_signal(signal.SIGCONT)

    # mounts

    def remount(self) -> None:
        """Mount the whole file system at ``mount``, again after kill_fuse."""
        self.mount_as("client.admin", "mount")

    def mount_as(self, name: str, place: str, *options: str) -> Path:
        """One more mount, at ``directory / place``: another client, or a part by "-r", "/sub"."""
        path = self.directory / place
        self.unmount(place)
        path.mkdir(exist_ok=True)
        self._start(place, "ceph-fuse", "-f", "-n", name, *options, str(path))
        self._wait(place, lambda: f" {path} " in self.mountinfo)
        return path

    def unmount(self, place: str = "mount") -> None:
        """End a mount and take it away, whether or not its ceph-fuse still lives.

        One that lives ends its session by itself: what a killed one had a right to stays so for a minute.
        """
        if place in self._daemons:
            self.run("umount", str(self.directory / place))
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._daemons[place].wait(5)
            self._kill(place)
        if f" {self.directory / place} " in self.mountinfo:
            self.namespace.must("umount", "-l", str(self.directory / place))

    def kill_fuse(self, place: str = "mount") -> None:
        """kill -9 of a mount's ceph-fuse: what touches the mount gets ENOTCONN."""
        self._kill(place)

    def evict_killed(self) -> None:
        """Take from the clients that were killed what they had a right to: others would wait for it for a minute."""
        alive = {str(self.directory / name) for name in self._daemons}
        for session in json.loads(self.ceph("tell", "mds.a", "session", "ls")):
            if session["client_metadata"].get("mount_point") not in alive:
                self.ceph("tell", "mds.a", "session", "evict", f"id={session['id']}")

    @property
    def mountinfo(self) -> str:
        """What is mounted in the namespace."""
        return Path(f"/proc/{self.namespace.pid}/mountinfo").read_text()

    # what is in it; paths are relative to the mount

    def path(self, path: str) -> str:
        """A path below the mount."""
        return os.path.join(self.mount, path)

    def write(self, path: str, size: int, count: int = 1, *, sparse: bool = False) -> None:
        """Make a directory if needed, and ``count`` new files of ``size`` bytes in it; sparse ones hold no data."""
        argv = [self.path(path), size, self._written, count, int(sparse)]
        self._written += count
        self.namespace.must(sys.executable, "-c", _WRITE, *map(str, argv))

    def setquota(self, path: str, *, size: int | None = None, files: int | None = None) -> None:
        """Set quotas of a directory; 0 takes one away."""
        for name, value in (("max_bytes", size), ("max_files", files)):
            if value is not None:
                self.namespace.must("setfattr", "-n", f"ceph.quota.{name}", "-v", str(value), self.path(path))

    def snapshot(self, path: str, name: str) -> None:
        """Take a snapshot of a directory."""
        self.namespace.must("mkdir", os.path.join(self.path(path), ".snap", name))

    def attribute(self, path: str, name: str) -> str:
        """An extended attribute."""
        return self.namespace.must("getfattr", "--only-values", "-n", name, self.path(path))

    @contextlib.contextmanager
    def growing(self, path: str, rate: float, *, interval: float = 0.1) -> Iterator[None]:
        """A file becomes longer by ``rate`` bytes a second, steadily, from nothing."""
        writer = subprocess.Popen(
            [*self.namespace.enter, sys.executable, "-c", _GROW, self.path(path), str(rate), str(interval)],
            stdin=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            writer.kill()
            writer.wait()

    def settle(self, seconds: float = _READY) -> None:
        """Wait until the statistics at the top are right: at once after write(), within 5 s after truncate."""
        limit = time.monotonic() + seconds
        while (found := self.run(sys.executable, "-c", _SETTLED, str(self.mount))).code:
            if time.monotonic() > limit:
                raise RuntimeError(f"recursive statistics do not settle: {found.stderr.decode(errors='replace')}")
            time.sleep(0.1)

    # the cluster's own commands

    def ceph(self, *argv: str) -> str:
        """Output of a ceph command as client.admin."""
        return self._must("ceph", *argv)

    def ceph_lines(self, *lines: str) -> None:
        """Several ceph commands by one process, which takes 0.3 s to start."""
        self._must("ceph", stdin="\n".join(lines).encode())

    def status(self, *argv: str) -> Any:
        """What a ceph command such as "fs", "status" says as JSON."""
        return json.loads(self.ceph(*argv, "--format", "json"))

    def set(self, who: str, option: str, value: object) -> None:
        """Change an option at run time: set("mds", "mds_dirstat_min_interval", 0)."""
        self.ceph("config", "set", who, option, str(value))

    def _must(self, *argv: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            [*self.namespace.enter, *argv],
            input=stdin, capture_output=True, check=False, timeout=_READY, env=self._environment,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)[:80]}: {done.stderr.decode(errors='replace')[-500:]}")
        return done.stdout.decode()

    # the monitoring side

    def run(self, *argv: str, **named: object) -> Ran:
        """Run a command beside the mounts; see support.run."""
        return self.namespace.run(*argv, **named)

    def check(self, *arguments: str, state: Path | None = None, **named: object) -> Ran:
        """check_cephfs beside the mounts; without ``state`` it keeps no history."""
        history = ["--state-dir", str(state)] if state else ["--no-history"]
        return self.run(*command("check_cephfs"), *history, *arguments, **named)

    # the end

    def close(self) -> None:
        """End everything by process id, the paused too; killing a ceph-fuse frees whoever is stuck on its mount."""
        for name in reversed(list(self._daemons)):
            self._kill(name)
        self.namespace.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Ceph:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()

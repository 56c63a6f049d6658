"""A real MooseFS cluster in a namespace of its own, on disks that can be slowed down and made to fail."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from lab.daemons import Daemons
from lab.mfs_watch import Look
from lab.namespaces import Namespace
from support import PLAIN_ENVIRONMENT, Ran, command

ADDRESS = "10.77.0.1"  # of the master; chunkservers refuse one on 127.0.0.1
PORT = 9421  # where the master answers clients; 9419 and 9420 are for metaloggers and chunkservers
DISKS = ("a", "b")  # of each chunkserver
CHUNK = 16384  # bytes in a file: one chunk, and more than slow_disk.c takes for a header
_READY = 30  # seconds
_MONITORING = "10.77.1"

# Creates "count" files by "writers" threads; each file is one chunk.
_WRITE = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
directory, count, writers, size = sys.argv[1], *map(int, sys.argv[2:])
def write(number):
    with open(f"{directory}/{number:06}", "wb") as file:
        file.write(os.urandom(size))
with ThreadPoolExecutor(writers) as pool:
    list(pool.map(write, range(count)))
"""


class Cluster(Daemons):
    """A master, ``servers`` chunkservers numbered from 1, one mount. Starts at once; use as a context manager.

    loop: seconds a chunk loop takes (60 is the least that the master accepts).
    replications: how many chunks are written to one chunkserver, and four times as many read from it, at a time.
    start_delay: seconds after its start in which the master replicates nothing.
    master_options: further lines of mfsmaster.cfg.
    """

    ready_seconds = _READY

    def __init__(
        self,
        servers: int = 3,
        *,
        metalogger: bool = False,
        loop: int = 60,
        replications: int = 1,
        start_delay: int = 5,
        master_options: dict[str, object] | None = None,
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="mfs-", dir="/tmp"))
        self.mount = self.directory / "mount"
        self.servers = list(range(1, servers + 1))
        self._outside: Namespace | None = None
        super().__init__()
        self._registrations: dict[int, int] = {}
        self._pulled: set[Path] = set()
        self._environment = dict(PLAIN_ENVIRONMENT)
        self.namespace = Namespace()
        try:
            self._build_disk()
            self._configure(loop, replications, start_delay, master_options or {})
            self.start_master()
            for number in self.servers:
                self.start_server(number, wait=False)
            if metalogger:
                self.start_metalogger()
            self._start_mount()
            for number in self.servers:
                self._wait_registered(number)
            self._wait("master", self._has_all_space)
        except BaseException:
            self.close()
            raise

    # what it consists of

    def endpoint(self, server: int) -> tuple[str, int]:
        """Address and port of a chunkserver."""
        return f"10.77.0.{10 + server}", 9422

    @property
    def endpoints(self) -> list[tuple[str, int]]:
        """Addresses and ports of all chunkservers."""
        return [self.endpoint(number) for number in self.servers]

    def hdd_config(self, server: int) -> Path:
        """The file that names the disks of a chunkserver."""
        return self.directory / f"hdd{server}.cfg"

    def disk(self, server: int, disk: str) -> Path:
        """The directory that is a disk."""
        return self.directory / f"{server}{disk}"

    def _build_disk(self) -> None:
        library, control = self.directory / "slow_disk.so", self.directory / "slow_disk"
        subprocess.run(
            ["gcc", "-O", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("slow_disk.c")],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
        self._environment |= {"LD_PRELOAD": str(library), "SLOW_DISK": str(control)}
        self._delay = 0.0
        self._failing: set[Path] = set()
        self._tell_disks()

    def _tell_disks(self) -> None:
        lines = [str(round(self._delay * 1e6)), *(f"{path}/" for path in sorted(self._failing))]
        new = self.directory / "slow_disk.new"
        new.write_text("\n".join(lines) + "\n")
        new.replace(self.directory / "slow_disk")

    def _configure(self, loop: int, replications: int, start_delay: int, options: dict[str, object]) -> None:
        directory = self.directory
        for address, _ in [(ADDRESS, PORT), *self.endpoints]:
            self.namespace.must("ip", "address", "add", f"{address}/32", "dev", "lo")
        (directory / "exports.cfg").write_text("* / rw,alldirs,maproot=0\n* . rw\n")
        (directory / "topology.cfg").touch()
        for name in ("master", "metalogger"):
            (directory / name).mkdir()
        (directory / "master" / "metadata.mfs").write_bytes(b"MFSM NEW")
        self._write_config(
            "master",
            EXPORTS_FILENAME=directory / "exports.cfg",
            TOPOLOGY_FILENAME=directory / "topology.cfg",
            MATOML_LISTEN_HOST=ADDRESS,
            MATOCS_LISTEN_HOST=ADDRESS,
            MATOCL_LISTEN_HOST=ADDRESS,
            REPLICATIONS_DELAY_INIT=start_delay,
            CHUNKS_LOOP_MIN_TIME=loop,
            CHUNKS_WRITE_REP_LIMIT=",".join([str(replications)] * 4),
            CHUNKS_READ_REP_LIMIT=",".join([str(4 * replications)] * 4),
            **options,
        )
        self._write_config("metalogger", MASTER_HOST=ADDRESS, MASTER_RECONNECTION_DELAY=1)
        for number in self.servers:
            address, port = self.endpoint(number)
            for disk in DISKS:
                self.disk(number, disk).mkdir()
            self._write_disks(number, marked=())
            (directory / f"chunkserver{number}").mkdir()
            self._write_config(
                f"chunkserver{number}",
                HDD_CONF_FILENAME=self.hdd_config(number),
                HDD_LEAVE_SPACE_DEFAULT="10MiB",
                BIND_HOST=address,
                MASTER_HOST=ADDRESS,
                MASTER_RECONNECTION_DELAY=1,
                CSSERV_LISTEN_HOST=address,
                CSSERV_LISTEN_PORT=port,
            )

    def _write_config(self, name: str, **options: object) -> None:
        options = {
            "WORKING_USER": "root",
            "WORKING_GROUP": "root",
            "DATA_PATH": self.directory / name,
            "SYSLOG_IDENT": name,
            "LOCK_MEMORY": 0,
            "NICE_LEVEL": 0,
            "DISABLE_OOM_KILLER": 0,
            **options,
        }
        lines = "".join(f"{key} = {value}\n" for key, value in options.items())
        (self.directory / f"{name}.cfg").write_text(lines)

    # daemons: children of ours that stay in the foreground

    def _start(self, name: str, *argv: str) -> None:
        environment = self._environment if name.startswith("chunkserver") else PLAIN_ENVIRONMENT
        self._begin(name, [*self.namespace.enter, *argv], environment)

    def _end(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a daemon and wait for its end."""
        daemon = self._daemons.pop(name)
        daemon.send_signal(number)
        try:
            daemon.wait(_READY)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(daemon.pid, signal.SIGKILL)  # helpers it may have left, or itself
            daemon.wait()

    def start_master(self, *, recover: bool = False) -> None:
        """Start the master; after a kill, ``recover`` makes it replay its changes."""
        recovery = ["-a"] if recover else []
        self._start("master", "mfsmaster", "-f", *recovery, "-c", str(self.directory / "master.cfg"), "start")
        self._wait("master", self._listening)

    def _listening(self) -> bool:
        """Whether the master takes connections of clients."""
        listening = f"{socket.inet_aton(ADDRESS)[::-1].hex().upper()}:{PORT:04X}"
        sockets = Path(f"/proc/{self.namespace.pid}/net/tcp").read_text().splitlines()[1:]
        return any(line.split()[1:4:2] == [listening, "0A"] for line in sockets)

    def end_master(self) -> None:
        """Stop the master in good order: it saves its metadata."""
        self._end("master", signal.SIGTERM)

    def restart_master(self) -> None:
        """Stop and start, as an upgrade does."""
        self.end_master()
        self.start_master()

    def kill_master(self) -> None:
        """kill -9; start_master(recover=True) brings it back."""
        self._end("master", signal.SIGKILL)

    def pause_master(self) -> None:
        """SIGSTOP: connections still succeed, nothing is answered."""
        self._daemons["master"].send_signal(signal.SIGSTOP)

    def resume_master(self) -> None:
        """SIGCONT."""
        self._daemons["master"].send_signal(signal.SIGCONT)

    def start_metalogger(self) -> None:
        """Start a metalogger."""
        self._start("metalogger", "mfsmetalogger", "-f", "-c", str(self.directory / "metalogger.cfg"), "start")

    def end_metalogger(self) -> None:
        """Stop the metalogger."""
        self._end("metalogger", signal.SIGTERM)

    def start_server(self, server: int, *, wait: bool = True) -> None:
        """Start a chunkserver, or start it again; waits until the master knows all that it has."""
        name = f"chunkserver{server}"
        self._registrations[server] = self._registered(server)
        self._start(name, "mfschunkserver", "-f", "-c", str(self.directory / f"{name}.cfg"), "start")
        if wait:
            self._wait_registered(server)

    def _registered(self, server: int) -> int:
        """How often a chunkserver has told the master all its chunks."""
        return len(re.findall(rf"register end.* ip: {re.escape(self.endpoint(server)[0])} ", self.log("master")))

    def _wait_registered(self, server: int) -> None:
        self._wait(f"chunkserver{server}", lambda: self._registered(server) > self._registrations[server])

    def _has_all_space(self) -> bool:
        """Whether the master knows the space of all disks: before that it places chunks unevenly."""
        scanned = (len(re.findall(r"scanning folder .*: complete", self.log(f"chunkserver{n}"))) for n in self.servers)
        if not all(count >= len(DISKS) for count in scanned):
            return False
        totals = [row[10] for row in self._server_rows()]
        return totals == totals[:1] * len(self.servers) and "0" not in totals

    def _server_rows(self) -> list[list[str]]:
        """The official tool's table of chunkservers: 1 address, 8 chunks, 9 used, 10 total."""
        rows = [line.split("\t") for line in self.run("mfscli", "-H", ADDRESS, "-p", "-SCS").output.splitlines()]
        return [row for row in rows if row[0] == "chunk servers:"]

    def chunks(self) -> dict[int, int]:
        """How many chunks each connected chunkserver has on unmarked disks, as of a second or two ago."""
        return {int(row[1].rpartition(".")[2]) - 10: int(row[8]) for row in self._server_rows()}

    def kill_server(self, server: int) -> None:
        """kill -9."""
        self._end(f"chunkserver{server}", signal.SIGKILL)

    def stop_server(self, server: int) -> None:
        """Stop a chunkserver in good order: the master takes it for temporary maintenance."""
        self._end(f"chunkserver{server}", signal.SIGTERM)

    def pause_server(self, server: int) -> None:
        """SIGSTOP: the master gives it up when it has said nothing for 10 seconds."""
        self._daemons[f"chunkserver{server}"].send_signal(signal.SIGSTOP)

    def resume_server(self, server: int) -> None:
        """SIGCONT."""
        self._daemons[f"chunkserver{server}"].send_signal(signal.SIGCONT)

    # disks

    def _write_disks(self, server: int, marked: tuple[str, ...]) -> None:
        disks = [disk for disk in DISKS if self.disk(server, disk) not in self._pulled]
        lines = [f"{'*' if disk in marked else ''}{self.disk(server, disk)}\n" for disk in disks]
        self.hdd_config(server).write_text("".join(lines))

    def star(self, server: int, *disks: str) -> None:
        """Mark disks for removal in the file alone: the chunkserver does not know (a forgotten reload)."""
        self._write_disks(server, disks)

    def reload(self, server: int) -> None:
        """Make a chunkserver read its files again."""
        self._daemons[f"chunkserver{server}"].send_signal(signal.SIGHUP)

    def mark(self, server: int, *disks: str) -> None:
        """Mark exactly these disks of a chunkserver for removal."""
        self.star(server, *disks)
        self.reload(server)

    def unmark(self, server: int) -> None:
        """Mark no disk of a chunkserver."""
        self.mark(server)

    def pull(self, server: int, disk: str) -> None:
        """Take a disk out of a chunkserver, and the marks off its other ones."""
        self._pulled.add(self.disk(server, disk))
        self.mark(server)

    def slow_down(self, seconds: float) -> None:
        """Seconds that writing a chunk takes from now on, on all disks: 0 lets a resync end at once."""
        self._delay = seconds
        self._tell_disks()

    def pace(self, chunks: int, targets: int, seconds: float) -> None:
        """Make the copying of ``chunks`` to ``targets`` chunkservers take so many seconds, one chunk each at a time."""
        self.slow_down(seconds * targets / chunks)

    def fail_disk(self, server: int, disk: str) -> None:
        """From now on all reads and writes of a disk's chunks end in EIO."""
        self._failing.add(self.disk(server, disk))
        self._tell_disks()

    def lose_disk(self, server: int, disk: str) -> None:
        """The chunkserver sees an empty, smaller file system in place of its disk."""
        self.namespace.must("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(self.disk(server, disk)))

    # the mount, which is to be seen in the namespace only

    def _start_mount(self) -> None:
        self.mount.mkdir()
        self._start("mount", "mfsmount", str(self.mount), "-f", "-H", ADDRESS)
        mounts = Path(f"/proc/{self.namespace.pid}/mounts")
        self._wait("mount", lambda: f" {self.mount} " in mounts.read_text())

    def write_files(self, count: int, goal: int, directory: str, *, writers: int = 8) -> None:
        """Make a directory with a goal, and ``count`` files of one chunk each in it."""
        path = str(self.mount / directory)
        self.namespace.must("mkdir", path)
        self.setgoal(goal, directory)
        self.namespace.must(sys.executable, "-c", _WRITE, path, str(count), str(writers), str(CHUNK))

    def setgoal(self, goal: int, directory: str) -> None:
        """Set the goal of a whole tree."""
        self.namespace.must("mfssetgoal", "-r", str(goal), str(self.mount / directory))

    def remove(self, directory: str) -> None:
        """Remove a directory and the chunks of its files, which the trash and the mount would still keep for long."""
        path = str(self.mount / directory)
        self.namespace.must("mfssettrashtime", "-r", "0", path)
        self.namespace.must("find", path, "-type", "f", "-exec", "truncate", "--size=0", "{}", "+")
        self.namespace.must("rm", "-r", path)

    # the monitoring side

    def run(self, *argv: str, **named: object) -> Ran:
        """Run a command beside the cluster; see support.run."""
        return self.namespace.run(*argv, **named)

    def watch(self, seconds: float = 0.5) -> None:
        """Look at the master so often from now on; see mfs_watch."""
        script = Path(__file__).with_name("mfs_watch.py")
        self._start("watch", sys.executable, "-S", str(script), ADDRESS, str(PORT), str(seconds))

    def looks(self) -> list[Look]:
        """What was seen so far."""
        lines = self.log("watch").split("\n")[:-1]
        return [Look(*json.loads(line)) for line in lines if line.startswith("[")]

    def check(self, *arguments: str, state: Path | None = None, outside: bool = False) -> Ran:
        """check_moosefs beside the cluster or from outside; without ``state`` it keeps no history."""
        history = ["--state-dir", str(state)] if state else ["--no-history"]
        namespace = self.outside if outside else self.namespace
        return namespace.run(*command("check_moosefs"), "-H", ADDRESS, *history, *arguments)

    @property
    def outside(self) -> Namespace:
        """A host that reaches the cluster over a network."""
        if self._outside is None:
            self._outside = Namespace()
            near, far = f"{_MONITORING}.1", f"{_MONITORING}.2"
            self.namespace.must(
                "ip", "link", "add", "monitoring", "type", "veth", "peer", "name", "cluster",
                "netns", str(self._outside.pid),
            )  # fmt: skip
            for namespace, device, address in (
                (self.namespace, "monitoring", near),
                (self._outside, "cluster", far),
            ):
                namespace.must("ip", "address", "add", f"{address}/24", "dev", device)
                namespace.must("ip", "link", "set", device, "up")
            self._outside.must("ip", "route", "add", "10.77.0.0/24", "via", near)
        return self._outside

    def cut_off(self, server: int) -> None:
        """What is sent from outside to a chunkserver is lost from now on, as behind a firewall that drops."""
        nowhere = f"{_MONITORING}.9"
        device = ("dev", "cluster")
        self.outside.must("ip", "neighbour", "replace", nowhere, "lladdr", "02:00:00:00:00:09", *device)
        self.outside.must("ip", "route", "replace", f"{self.endpoint(server)[0]}/32", "via", nowhere)

    # the end

    def close(self) -> None:
        """End everything by process id, the paused too."""
        for name in list(self._daemons):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._daemons[name].pid, signal.SIGKILL)
        for daemon in self._daemons.values():
            daemon.wait()
        self._daemons.clear()
        if self._outside is not None:
            self._outside.close()
        self.namespace.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()

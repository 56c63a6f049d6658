"""The machine, or a captured tree of one: the only code that opens files, sockets and commands for a check.

``Host("/some/dir")`` answers from a capture instead, for tests and post-mortems; capture.py has its format.
"""

from __future__ import annotations

import errno
import os
import time

from checks.frame.deadline import Deadline
from perfdata.clock import Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from checks.frame.bounded import Answer
    from checks.frame.leftovers import Leftover
    from checks.frame.netlink import Link
    from checks.frame.tcp import Talk
    from checks.frame.unix_http import LocalHttp

FILE_MAX = 1 << 20
COMMAND_MAX = 4 << 20  # bytes that one command may print
_READ_SIZE = 16384
_LOCAL_REPLY = 65536  # netlink fills at most 32 kB per datagram


class Host:
    """Reads of this host within one deadline; with ``root`` of a captured one."""

    def __init__(self, root: str = "", deadline: Deadline | None = None) -> None:
        self.root = root.rstrip("/")
        self.captured = bool(root)
        self.deadline = deadline or Deadline(60)
        self.leftovers: dict[str, Leftover] = {}  # by the kind of command; see run()

    def _at(self, path: str) -> bytes:
        """Where an absolute path of the host is to be found here. Names are UTF-8 in every locale."""
        if self.captured:
            from checks.frame import capture

            return capture.place_of(self, path)
        return path.encode("utf-8", "surrogateescape")

    def read(self, path: str, limit: int = FILE_MAX) -> bytes:
        """The content of a file, at most ``limit`` bytes of it. Raises OSError."""
        if self.captured:
            from checks.frame import capture

            capture.wait_for(self, path)
        descriptor = os.open(self._at(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = chunk = os.read(descriptor, min(_READ_SIZE, limit))
            while chunk and len(content) < limit:
                chunk = os.read(descriptor, min(_READ_SIZE, limit - len(content)))
                content += chunk
            return content
        finally:
            os.close(descriptor)

    def text(self, path: str) -> str:
        """The content of a file as text; undecodable bytes survive as surrogates."""
        return self.read(path).decode("utf-8", "surrogateescape")

    def number(self, path: str) -> int | None:
        """The whole number in a file, or None when there is no such file here (a setting absent in this namespace).

        Raises ValueError for anything else than a number.
        """
        try:
            return int(self.read(path, 64))
        except FileNotFoundError:
            return None

    def entries(self, path: str) -> list[str]:
        """The names in a directory, unsorted. Raises OSError."""
        if self.captured:
            from checks.frame import capture

            return capture.entries(self, path)
        return [name.decode("utf-8", "surrogateescape") for name in os.listdir(self._at(path))]

    def attributes(self, path: str, names: Sequence[str]) -> list[bytes]:
        """Extended attributes of a directory by name, b"" for those it does not have. Raises OSError.

        Without following a symbolic link at its end. This is where a dead file system hangs.
        """
        if self.captured:
            from checks.frame import capture

            return capture.attributes(self, path, names)
        place, values = self._at(path), []
        for name in names:
            try:
                values.append(os.getxattr(place, name, follow_symlinks=False))
            except OSError as error:
                if error.errno != errno.ENODATA:
                    raise
                values.append(b"")
        return values

    def space(self, path: str) -> tuple[int, int]:
        """(total, available to users) bytes of the file system that a path is on. Raises OSError. May hang."""
        if self.captured:
            from checks.frame import capture

            return capture.space(self, path)
        status = os.statvfs(self._at(path))
        return status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize

    def directories(self, path: str) -> list[str]:
        """The names of the directories in a directory, without following symbolic links. Raises OSError. May hang."""
        if self.captured:
            return [name for name in self.entries(path) if self.exists(f"{path}/{name}.xattrs")]
        with os.scandir(self._at(path)) as found:
            names = [entry.name for entry in found if entry.is_dir(follow_symlinks=False)]
        return [name.decode("utf-8", "surrogateescape") for name in names]

    def exists(self, path: str) -> bool:
        """Whether something is there (also as a captured listing). Raises OSError when this user may not look."""
        for place in (path, f"{path}.ls") if self.captured else (path,):
            try:
                os.lstat(self._at(place))
                return True
            except (FileNotFoundError, NotADirectoryError):
                continue
        return False

    def clock(self) -> Clock:
        """This moment. A capture has its own time if it says so, and its own boot."""
        try:
            boot = self.read("/proc/sys/kernel/random/boot_id", 64).decode("ascii", "replace")[:8]
        except OSError:
            boot = ""
        now = time.time()
        if self.captured and self.exists("/clock"):
            now = float(self.number("/clock") or now)
        return Clock(now, time.clock_gettime(time.CLOCK_BOOTTIME), boot)

    def other_namespace(self) -> str:
        """The number of this process's network namespace where it is not the host's own, else "".

        The kernel shows most of net.core, this setting among it, in the first namespace only
        (net/core/sysctl_net_core.c); /proc/1/ns, the obvious place to ask, is often closed even to root.
        """
        if self.exists("/proc/sys/net/core/netdev_max_backlog"):
            return ""
        try:
            return os.readlink(self._at("/proc/self/ns/net")).decode("ascii", "replace").strip("net:[]")
        except OSError:
            return ""

    def ifindex(self, name: str) -> int | None:
        """The index of an interface in this process's network namespace, which is not always the one that sysfs shows.

        None when there is no such interface, or in a capture.
        """
        if self.captured:
            return None
        from _socket import if_nametoindex  # see tcp.py

        try:
            return if_nametoindex(name.encode("utf-8", "surrogateescape"))  # type: ignore[arg-type]  # bytes work too
        except OSError:
            return None

    def bridges(self) -> list[tuple[int, str]]:
        """(interface index, name) of every Linux bridge in this process's network namespace. Raises OSError."""
        if not self.captured:
            from checks.frame.bridge_ioctl import list_bridges

            try:
                return list_bridges()
            except OSError:
                pass  # no such driver, or an interface that is not offered here: netlink knows for sure
        return [(link.ifindex, link.name) for link in self.links("bridge")]

    def bridge_ports(self, ifindex: int, name: str) -> int:
        """How many ports a bridge has. Raises FileNotFoundError when it is gone."""
        if self.captured:
            from checks.frame import capture

            return capture.ports(self, name)
        from checks.frame.bridge_ioctl import count_ports

        try:
            return count_ports(name)
        except OSError as error:
            if error.errno == errno.ENODEV:
                raise FileNotFoundError(error.errno, error.strerror) from None
            return len(self.links(master=ifindex))

    def links(self, kind: str = "", master: int | None = None) -> list[Link]:
        """Interfaces of this process's network namespace, of a kind ("bridge") or of a master. Raises OSError.

        A capture knows them from its sysfs: the kind is that of the directory in /sys/class/net/NAME.
        """
        from checks.frame.netlink import Link, dump_request, parse_links

        if self.captured:
            from checks.frame import capture

            return [Link(index, name, kind, True) for index, name in capture.links(self, kind, master)]
        links: list[Link] = []
        for data in self.netlink(0, dump_request(kind, master), "links"):
            found, done = parse_links(data)
            links += [link for link in found if kind in ("", link.kind)]  # kernels before 4.6 do not filter
            if done:
                break
        return links

    def netlink(self, protocol: int, request: bytes, name: str, reserve: float = 0.5) -> Iterator[bytes]:
        """The datagrams that answer a netlink request; whoever knows the last one of a dump stops asking.

        Raises OSError, TimeoutError ``reserve`` seconds before the deadline. A capture answers with what is called
        ``name`` there, or else says FileNotFoundError.
        """
        if self.captured:
            from checks.frame import capture

            yield from capture.datagrams(self, name, reserve)
            return
        import _socket as socket  # see tcp.py
        from contextlib import closing

        with closing(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)) as netlink:
            netlink.send(request)
            while True:
                netlink.settimeout(self.deadline.left(reserve))
                try:
                    data = netlink.recv(_LOCAL_REPLY)
                except socket.timeout:  # another thing than TimeoutError before Python 3.10
                    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
                yield data

    def has_command(self, path: str, by_root: bool = False) -> bool:
        """Whether there is a program at an absolute path that this user may run, or with ``by_root`` root may.

        A capture knows those of which it has an answer, by name.
        """
        if self.captured:
            return self.exists(f"/commands/{os.path.basename(path)}")
        if by_root:
            return os.path.isfile(path) and bool(os.stat(path).st_mode & 0o111)
        return os.access(path, os.X_OK) and os.path.isfile(path)

    def closed_directory(self, path: str) -> str:
        """The first directory on the way to an absolute path that this user may not search; "" when there is none."""
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(2, len(parts))]
        closed = (place for place in above if not os.access(place, os.X_OK))
        first = "" if self.captured else next(closed, "")
        return first if os.path.isdir(first) else ""

    def run(
        self,
        commands: Sequence[list[str]],
        seconds: float,
        at_once: int = 1,
        directory: str = "/",
        kinds: Sequence[str] = (),
    ) -> list[Answer | Exception]:
        """Run commands, ``at_once`` at a time, all within ``seconds``; see bounded.run_many. argv[0] is absolute.

        ``kinds``: one word for each; where a command of that kind is in ``leftovers``, it is HelperStuck and not run.
        """
        from checks.frame import bounded

        if self.captured:
            from checks.frame import capture

            return [capture.replayed(self, argv, seconds) for argv in commands]
        if not kinds:
            return bounded.run_many(list(commands), seconds, at_once, COMMAND_MAX, directory)
        stuck = {kind: self._stuck(kind) for kind in kinds if kind in self.leftovers}
        free = [argv for argv, kind in zip(commands, kinds) if kind not in stuck]
        answers = iter(bounded.run_many(free, seconds, at_once, COMMAND_MAX, directory))
        found = [stuck[kind] if kind in stuck else next(answers) for kind in kinds]
        for kind, answer in zip(kinds, found):
            if isinstance(answer, bounded.HelperTimeout) and answer.left:
                self._leave(kind, answer.left)
        return found

    def _stuck(self, kind: str) -> Exception:
        from checks.frame import bounded

        left = self.leftovers[kind]
        spent = self.clock().uptime - left.uptime
        return bounded.HelperStuck(f"still blocked for {max(0.0, spent):.0f} s in process {left.pid}")

    def _leave(self, kind: str, pid: int) -> None:
        from checks.frame.leftovers import Leftover, start_of

        started = start_of(pid)
        if started:  # else it has ended after all
            self.leftovers[kind] = Leftover(pid, started, self.clock().uptime)

    def has_socket(self, path: str) -> bool:
        """Whether a local socket is there (or replies of one were captured); whoever may not look finds one."""
        try:
            os.stat(self._at(f"{path}.replies" if self.captured else path))
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    def http(self, socket_path: str, reserve: float) -> LocalHttp:
        """A client of the HTTP service on a local socket; it stops ``reserve`` seconds before the deadline.

        Raises OSError when there is no such service or this user may not use it, UnsafePath when looking may hang.
        """
        from checks.frame.unix_http import CapturedHttp, UnixHttp

        if self.captured:
            return CapturedHttp(self._at(f"{socket_path}.replies"), self.deadline, reserve)
        from checks.frame.paths import refuse_remote

        refuse_remote(socket_path, self.text("/proc/self/mountinfo"))
        return UnixHttp(socket_path, self.deadline, reserve)

    def resolve(self, name: str, reserve: float = 0.0) -> tuple[str, ...]:
        """The IPv4 addresses of a remote host. Raises OSError with the reason as its text. A capture knows no names."""
        from checks.frame.tcp import resolve

        return (name,) if self.captured else resolve(name, self.deadline.left(reserve))

    def converse(self, talks: Sequence[Talk], seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """Talk to remote TCP services side by side until all is said, ``enough()`` was heard, or time is up."""
        from checks.frame import tcp

        if self.captured:
            from checks.frame import capture

            for talk in talks:
                capture.converse(self, talk, seconds)
        else:
            tcp.converse(talks, seconds, enough)

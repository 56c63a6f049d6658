"""A fake CephFS over /dev/fuse: any tree, any values, any errno, and silence in which callers are stuck in D state.

``FakeCephfs`` starts and steers it; the server is this module as a program, in a process of its own. Its type in
mountinfo is fuse.ceph, its source ceph-fuse. The virtual attributes are found by name and not listed, and a directory's
size is its rbytes, as on the real one. What the kernel may remember of it lasts ``lifetime`` seconds: with 0, each path
component is looked up again each time, as ceph-fuse has it.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, NamedTuple, Union

from lab import hungfs
from lab.hungfs import Refusal, Request
from lab.namespaces import Namespace
from support import TESTS

Value = Union[str, int, None]  # of an attribute; None is "not there": ENODATA

EMPTY: Mapping[str, Value] = {  # what a directory with nothing in it has: rctime 0, and it counts itself
    "ceph.dir.entries": 0,
    "ceph.dir.files": 0,
    "ceph.dir.subdirs": 0,
    "ceph.dir.rentries": 1,
    "ceph.dir.rfiles": 0,
    "ceph.dir.rsubdirs": 1,
    "ceph.dir.rbytes": 0,
    "ceph.dir.rctime": "0.000000000",
}

_STATFS, _GETXATTR, _LISTXATTR = 17, 22, 23
_OPERATIONS = {
    "lookup": hungfs.LOOKUP,
    "getattr": hungfs.GETATTR,
    "statfs": _STATFS,
    "getxattr": _GETXATTR,
    "listxattr": _LISTXATTR,
    "opendir": hungfs.OPENDIR,
    "readdir": hungfs.READDIR,
    "access": hungfs.ACCESS,
}
_NAMED = (hungfs.LOOKUP, _GETXATTR)  # a fault can be for one name
_PARALLEL_OPERATIONS = 1 << 18  # FUSE_PARALLEL_DIROPS: a lookup that hangs does not stop others in the directory
_GETXATTR_IN = struct.Struct("=II")  # fuse_getxattr_in and _out: size, padding
_READ_IN = struct.Struct("=QQI")  # fuse_read_in: handle, offset, size
_STATFS_OUT = struct.Struct("=5Q4I24x")  # fuse_kstatfs
_ENTRY_HEAD = struct.Struct("=QQII")  # fuse_dirent: node, next offset, length of the name, type
_BLOCK = 4096
_BUFFER = 1 << 14  # a bigger one costs a mmap for every request


class FakeCephfs:
    """Mounts at once at ``place``, in this mount namespace or the given one. Use as a context manager.

    Paths are relative to the mount, "" is itself, and may hold any byte by os.fsdecode.
    """

    def __init__(self, place: Path, *, namespace: Namespace | None = None, lifetime: float = 0) -> None:
        place.mkdir()
        self.place = place
        self._enter = namespace.enter if namespace else []
        self._server = subprocess.Popen(
            [*self._enter, sys.executable, str(Path(__file__)), str(place), str(lifetime)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
            start_new_session=True,
        )
        self._expect(b"mounted\n")

    @property
    def pid(self) -> int:
        """The server's process id, whose CPU time is not a check's."""
        return self._server.pid

    def make(self, path: str, attributes: Mapping[str, Value] | None = None) -> None:
        """Make a directory, and those above it. Its attributes are those of an empty one, changed by these."""
        self._tell("make", path=path, attributes={**EMPTY, **(attributes or {})})

    def fill(self, path: str, count: int, attributes: Mapping[str, Value] | None = None) -> None:
        """Make ``count`` directories d000000... in a directory."""
        self._tell("fill", path=path, count=count, attributes={**EMPTY, **(attributes or {})})

    def file(self, path: str) -> None:
        """Make an empty file, which has no attributes."""
        self._tell("file", path=path)

    def set(self, path: str, attributes: Mapping[str, Value]) -> None:
        """Change attributes."""
        self._tell("set", path=path, attributes=dict(attributes))

    def remove(self, path: str) -> None:
        """Remove a file, or a directory with all in it; who has it open gets ESTALE."""
        self._tell("remove", path=path)

    def space(self, total: int, free: int) -> None:
        """Bytes that statfs tells."""
        self._tell("space", total=total, free=free)

    def hang(self, *operations: str, path: str | None = None, name: str | None = None) -> None:
        """From now on these operations are never answered, all of them if none is named. See ``fail``."""
        self._fault(operations, path, name, None)

    def fail(self, error: int, *operations: str, path: str | None = None, name: str | None = None) -> None:
        """From now on these operations end in an errno.

        operations: lookup, getattr, getxattr, listxattr, opendir, readdir, access or statfs; all if none is named.
        path: for this file or directory only. name: for this attribute, or what is looked up, only.
        """
        self._fault(operations, path, name, error)

    def _fault(self, operations: Iterable[str], path: str | None, name: str | None, error: int | None) -> None:
        codes = [_OPERATIONS[operation] for operation in operations] or list(_OPERATIONS.values())
        self._tell("fault", codes=codes, path=path, name=name, error=error)

    def heal(self) -> None:
        """No more faults. What has been left unanswered gets ENOTCONN when close() ends the server."""
        self._tell("heal")

    def stop(self) -> None:
        """From now on it does not even read what it is asked: whoever waits hangs, and can be killed."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer all that was asked meanwhile."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the server, as when ceph-fuse dies: everything gets ENOTCONN, and so does whoever was stuck."""
        self._server.kill()
        self._server.communicate()

    def close(self) -> None:
        """End the server and take the mount away."""
        if self._server.returncode is None:
            self.kill()
        subprocess.run([*self._enter, "umount", "-l", str(self.place)], check=False, capture_output=True)

    def _tell(self, action: str, **arguments: Any) -> None:
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps({"action": action, **arguments}).encode() + b"\n")
        self._server.stdin.flush()
        self._expect(b"done\n")

    def _expect(self, line: bytes) -> None:
        assert self._server.stdout is not None
        said = self._server.stdout.readline()
        if said != line:
            self.close()
            raise RuntimeError(f"fake_cephfs.py said {said!r} instead of {line!r}")

    def __enter__(self) -> FakeCephfs:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self.close()


# the server


class _Fault(NamedTuple):
    node: int | None  # None: any
    name: bytes | None  # None: any
    error: int | None  # None: no answer


class _Node:
    def __init__(self, attributes: dict[bytes, bytes], children: dict[bytes, int] | None) -> None:
        self.attributes = attributes
        self.children = children  # None for a file


def _values(attributes: Mapping[str, Value]) -> dict[bytes, bytes]:
    return {name.encode(): os.fsencode(str(value)) for name, value in attributes.items() if value is not None}


class _Server:
    """The tree, and an answer to each question about it."""

    def __init__(self, lifetime: float) -> None:
        seconds, fraction = divmod(lifetime, 1)
        self._lifetime = int(seconds), int(fraction * 1e9)
        self._nodes = {hungfs.ROOT: _Node(_values(EMPTY), {})}
        self._last = hungfs.ROOT
        self._listings: dict[int, list[tuple[bytes, int]]] = {}
        self._handle = 0
        self._space = (1 << 40, 1 << 39)
        self._faults: dict[int, list[_Fault]] = {}
        self._answers: dict[int, Callable[[Request], bytes]] = {
            hungfs.INIT_CODE: lambda _: hungfs.INIT.pack(
                7, 31, 0, _PARALLEL_OPERATIONS, 64, 48, 4096, 1, 16, 0, *[0] * 8
            ),
            hungfs.LOOKUP: self._look_up,
            hungfs.GETATTR: self._getattr,
            _GETXATTR: self._getxattr,
            _LISTXATTR: self._listxattr,
            _STATFS: self._statfs,
            hungfs.OPENDIR: self._opendir,
            hungfs.READDIR: self._readdir,
            hungfs.RELEASEDIR: self._releasedir,
            hungfs.ACCESS: lambda _: b"",
        }

    # what the kernel asks

    def serve(self, device: int) -> None:
        read, write, unpack, unanswered = os.read, os.write, hungfs.REQUEST.unpack_from, hungfs.UNANSWERED
        while True:
            try:
                data = read(device, _BUFFER)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):  # the latter: the asker was killed meanwhile
                    continue
                return  # unmounted
            _, opcode, unique, node, *_ = unpack(data)
            if opcode in unanswered:
                continue
            reply = self._reply(Request(opcode, unique, node, data[hungfs.REQUEST.size :]))
            if reply is not None:
                try:
                    write(device, reply)
                except FileNotFoundError:  # nobody waits any more
                    continue
            if opcode == hungfs.INIT_CODE:
                print("mounted", flush=True)

    def _reply(self, request: Request) -> bytes | None:
        try:
            fault = self._find_fault(request) if request.opcode in self._faults else None
            if fault and fault.error is None:
                return None
            if fault and fault.error:
                raise Refusal(fault.error)
            if request.opcode not in self._answers:
                raise Refusal(errno.ENOSYS)
            content, error = self._answers[request.opcode](request), 0
        except Refusal as refusal:
            content, error = b"", refusal.number
        return hungfs.REPLY.pack(hungfs.REPLY.size + len(content), -error, request.unique) + content

    def _find_fault(self, request: Request) -> _Fault | None:
        node, name = request.node, b""
        if request.opcode == hungfs.LOOKUP:  # a fault for a path is one for looking up that path
            name = request.body.rstrip(b"\0")
            node = (self._nodes[node].children or {}).get(name, 0) if node in self._nodes else 0
        elif request.opcode == _GETXATTR:
            name = request.body[_GETXATTR_IN.size :].rstrip(b"\0")
        for fault in self._faults[request.opcode]:
            if fault.node in (None, node) and fault.name in (None, name):
                return fault
        return None

    def _node(self, number: int) -> _Node:
        try:
            return self._nodes[number]
        except KeyError:
            raise Refusal(errno.ESTALE) from None

    def _stat(self, number: int) -> bytes:
        node = self._node(number)
        mode = stat.S_IFREG | 0o644 if node.children is None else stat.S_IFDIR | 0o755
        size = node.attributes.get(b"ceph.dir.rbytes", b"")
        known = int(size) if size.isdigit() else 0
        return hungfs.ATTRIBUTES.pack(number, known, 0, 0, 0, 0, 0, 0, 0, mode, 2, 0, 0, 0, _BLOCK, 0)

    def _look_up(self, request: Request) -> bytes:
        number = (self._node(request.node).children or {}).get(request.body[:-1])
        if number is None:
            raise Refusal(errno.ENOENT)
        seconds, fraction = self._lifetime
        return hungfs.ENTRY.pack(number, 0, seconds, seconds, fraction, fraction) + self._stat(number)

    def _getattr(self, request: Request) -> bytes:
        return hungfs.VALIDITY.pack(*self._lifetime, 0) + self._stat(request.node)

    def _getxattr(self, request: Request) -> bytes:
        value = self._node(request.node).attributes.get(request.body[_GETXATTR_IN.size : -1])
        if value is None:
            raise Refusal(errno.ENODATA)
        size, _ = _GETXATTR_IN.unpack_from(request.body)
        if size == 0:
            return _GETXATTR_IN.pack(len(value), 0)
        if size < len(value):
            raise Refusal(errno.ERANGE)
        return value

    def _listxattr(self, request: Request) -> bytes:
        self._node(request.node)
        return b"" if _GETXATTR_IN.unpack_from(request.body)[0] else _GETXATTR_IN.pack(0, 0)

    def _statfs(self, _: Request) -> bytes:
        total, free = (size // _BLOCK for size in self._space)
        return _STATFS_OUT.pack(total, free, free, len(self._nodes), 0, _BLOCK, 255, _BLOCK, 0)

    def _opendir(self, request: Request) -> bytes:
        self._handle += 1
        self._listings[self._handle] = list((self._node(request.node).children or {}).items())
        return hungfs.VALIDITY.pack(self._handle, 0, 0)

    def _readdir(self, request: Request) -> bytes:
        handle, first, room = _READ_IN.unpack_from(request.body)
        self._node(request.node)
        content = bytearray()
        for place, (name, number) in enumerate(self._listings[handle][first:], first + 1):
            kind = (
                stat.S_IFDIR if number not in self._nodes or self._nodes[number].children is not None else stat.S_IFREG
            )
            entry = _ENTRY_HEAD.pack(number, place, len(name), kind >> 12) + name
            entry += bytes(-len(entry) % 8)
            if len(content) + len(entry) > room:
                break
            content += entry
        return bytes(content)

    def _releasedir(self, request: Request) -> bytes:
        self._listings.pop(_READ_IN.unpack_from(request.body)[0], None)
        return b""

    # what it is told

    def obey(self, lines: Iterable[str]) -> None:
        for line in lines:
            arguments = json.loads(line)
            getattr(self, f"_do_{arguments.pop('action')}")(**arguments)
            print("done", flush=True)

    def _add(self, parent: _Node, name: bytes, node: _Node) -> _Node:
        assert parent.children is not None
        self._last += 1
        self._nodes[self._last] = node
        parent.children[name] = self._last
        return node

    def _find(self, path: str) -> int:
        number = hungfs.ROOT
        for name in filter(None, os.fsencode(path).split(b"/")):
            number = (self._nodes[number].children or {})[name]
        return number

    def _directory(self, path: str) -> _Node:
        """A directory, made if need be."""
        node = self._nodes[hungfs.ROOT]
        for name in filter(None, os.fsencode(path).split(b"/")):
            assert node.children is not None
            number = node.children.get(name)
            node = self._add(node, name, _Node(_values(EMPTY), {})) if number is None else self._nodes[number]
        return node

    def _do_make(self, path: str, attributes: dict[str, Value]) -> None:
        self._directory(path).attributes = _values(attributes)

    def _do_fill(self, path: str, count: int, attributes: dict[str, Value]) -> None:
        parent, shared = self._directory(path), _values(attributes)
        for number in range(count):
            self._add(parent, b"d%06d" % number, _Node(shared, {}))

    def _do_file(self, path: str) -> None:
        parent, _, name = path.rpartition("/")
        self._add(self._directory(parent), os.fsencode(name), _Node({}, None))

    def _do_set(self, path: str, attributes: dict[str, Value]) -> None:
        node = self._nodes[self._find(path)]
        gone = {name.encode() for name, value in attributes.items() if value is None}
        new = {**node.attributes, **_values(attributes)}
        node.attributes = {name: value for name, value in new.items() if name not in gone}

    def _do_remove(self, path: str) -> None:
        parent, _, name = path.strip("/").rpartition("/")
        children = self._nodes[self._find(parent)].children
        assert children is not None
        gone = [children.pop(os.fsencode(name))]
        for number in gone:  # grows
            gone.extend((self._nodes.pop(number).children or {}).values())

    def _do_space(self, total: int, free: int) -> None:
        self._space = total, free

    def _do_fault(self, codes: list[int], path: str | None, name: str | None, error: int | None) -> None:
        fault = _Fault(None if path is None else self._find(path), None if name is None else os.fsencode(name), error)
        new = dict(self._faults)
        for code in codes:
            if name is None or code in _NAMED:
                new[code] = [fault, *new.get(code, [])]  # the latest goes first
        self._faults = new

    def _do_heal(self) -> None:
        self._faults = {}


def _main(place: str, lifetime: str) -> None:
    server = _Server(float(lifetime))
    device = hungfs.mount(place, "ceph-fuse", "fuse.ceph")
    threading.Thread(target=server.serve, args=(device,), daemon=True).start()
    server.obey(sys.stdin)
    os._exit(0)  # also while the kernel is asking


if __name__ == "__main__":
    _main(*sys.argv[1:])

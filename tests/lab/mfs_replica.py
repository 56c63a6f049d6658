"""MooseFS and LizardFS servers of our own, byte by byte, for the versions that nobody can install any more.

**Replicas, not captures**: built from the layouts and request sizes in the sources (matoclserv.c, chunks.c, csdb.c and
mfscli of MooseFS 1.6.27, 2.0.91, 3.0.117 and 4.59.2, matoclserv.cc of LizardFS 3.13), with encoders that share nothing
with the parsers. What a real 3.0.117 sends is in tests/moosefs/test_wire_*.py.
"""

from __future__ import annotations

import os
import selectors
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import TypeVar

Itself = TypeVar("Itself", bound="Replica")
INFO, FS_TEST, CHUNK_LOOP, MATRIX, SERVERS, METALOGGERS, CLASSES, MISSING, DISKS = (
    510,
    512,
    514,
    516,
    500,
    522,
    542,
    544,
    600,
)
COMMUNITY = (0xFF, 0xFF, 0xFF, 0xFF)
Cells = dict[tuple[int, int], tuple[int, int]]  # (goal, copies) -> chunks in (all, regular)


@dataclass
class Chunkserver:
    """An entry of the list of chunkservers."""

    address: str = "10.77.0.1"
    port: int = 9422
    csid: int = 1
    version: tuple[int, int, int] = (3, 0, 234)  # as sent
    flags: int = 0  # 1 disconnected, 2 maintenance, 4 temporary maintenance
    used: int = 40 << 30
    total: int = 100 << 30
    chunks: int = 1000
    marked_used: int = 0
    marked_total: int = 0
    marked_chunks: int = 0
    errors: int = 0
    load: int = 0
    grace: int = 0
    labels: int = 0
    removal: int = 0
    maintenance_left: int = 0xFFFFFFFF
    own_address: str = ""  # where the master maps addresses


@dataclass
class Disk:
    """An entry of the list of disks of a chunkserver."""

    path: bytes = b"/srv/disk/"
    flags: int = 0  # 1 marked, 2 damaged, 4 scanning, 8 invalid
    error_chunk: int = 0
    error_time: int = 0
    used: int = 40 << 30
    total: int = 100 << 30
    chunks: int = 1000
    statistics: int = 192


@dataclass
class Scenario:
    """What a master knows. Change it while the replica runs."""

    cells: Cells = field(default_factory=lambda: {(2, 2): (1000, 1000)})  # chunks of classes that want copies
    ec8: Cells = field(default_factory=dict)  # chunks in EC8 of classes that want EC
    ec4: Cells = field(default_factory=dict)
    changing: Cells = field(default_factory=dict)  # stored as copies, or lost, of classes that want EC
    progress: int = 0
    loop: tuple[int, int] = (1795218964, 1795219024)
    servers: list[Chunkserver] = field(default_factory=lambda: [Chunkserver()])
    metaloggers: list[tuple[tuple[int, int, int], str]] = field(default_factory=list)
    missing: list[tuple[int, int, int, int]] = field(default_factory=list)  # chunk, inode, index, kind
    classes: dict[int, tuple[str, Cells]] = field(default_factory=dict)
    state: tuple[int, int, int, int] = COMMUNITY  # working, next, stable, sync
    leader: str = "0.0.0.0"
    saved: tuple[int, int, int] = (1795218000, 250, 0)  # time, duration as sent, status
    clock: float | None = None  # unix seconds; None is now
    space: tuple[int, int, int] = (300 << 30, 180 << 30, 5 << 20)  # total, avail, trash
    files: int = 900
    directories: int = 90
    fs_test: tuple[int, ...] = (1795210000, 1795217200, 900, 0, 0, 1000, 0, 0)
    message: bytes = b""


@dataclass(frozen=True)
class Layout:
    """What tells one version from another."""

    version: tuple[int, int, int]  # as sent
    info: int  # lengths of replies
    loop: int
    server: int  # of one entry
    tables: int  # in reply to an empty matrix request; 1 comes without progress
    one_table: bool = True  # a byte asks for one table
    regular: bool = True  # it counts regular copies


LAYOUTS = {
    "1.4": Layout((1, 4, 0), 52, 52, 50, 0, one_table=False),
    "1.5": Layout((1, 5, 0), 60, 52, 50, 0, one_table=False),
    "1.5.13": Layout((1, 5, 13), 68, 52, 54, 1, one_table=False),
    "1.6": Layout((1, 6, 27), 76, 52, 54, 1),
    "1.6-late": Layout((1, 6, 30), 101, 52, 62, 1),
    "1.7": Layout((1, 7, 31), 121, 60, 64, 2),
    "2.0": Layout((2, 0, 182), 121, 60, 64, 2),
    "2.1": Layout((2, 1, 14), 121, 72, 68, 2),
    "3.0.32": Layout((3, 0, 64), 129, 72, 68, 2),
    "3.0.102": Layout((3, 0, 204), 137, 72, 69, 2),
    "3.0": Layout((3, 0, 234), 149, 72, 69, 2),
    "4.0": Layout((4, 0, 3), 149, 72, 69, 2, one_table=False),
    "4.4": Layout((4, 4, 6), 173, 96, 69, 6, one_table=False),
    "4.10": Layout((4, 10, 0), 181, 96, 69, 6, one_table=False),
    "4.17": Layout((4, 17, 6), 193, 96, 69, 6, one_table=False),
    "4.26": Layout((4, 26, 0), 205, 96, 73, 8, one_table=False),
    "4.35": Layout((4, 35, 2), 205, 96, 77, 8, one_table=False),
    "4.44": Layout((4, 44, 8), 205, 96, 77, 8, one_table=False),
    "4.59": Layout((4, 59, 4), 205, 96, 77, 8, one_table=False),
    "lizardfs-old": Layout((1, 6, 28), 76, 52, 54, 1),
    "lizardfs": Layout((3, 13, 0), 76, 52, 54, 1, regular=False),
}


def ip(address: str) -> bytes:
    return socket.inet_aton(address)


def encode_info(layout: Layout, s: Scenario) -> bytes:
    total, avail, trash = s.space
    chunks = [sum(n for (_, _), (n, _) in cells.items()) for cells in (s.cells, s.ec8, s.ec4, s.changing)]
    copies = sum(level * n for (_, level), (n, _) in s.cells.items())
    regular = sum(level * n for (_, level), (_, n) in s.cells.items()) if layout.regular else 0
    head = struct.pack(">HBB", *layout.version) if layout.info > 60 else b""
    if layout.info > 76:
        head += struct.pack(">QQQ", 1 << 30, 100, 200)
    elif layout.info == 76:
        head += struct.pack(">Q", 1 << 30)
    body = struct.pack(">QQ", total, avail)
    if layout.info in (137, 149, 181, 193, 205):
        body += struct.pack(">Q", avail + 1)
    body += struct.pack(">QLQLL", trash, 3, 4096, 1, s.files + s.directories)
    if layout.info != 52:
        body += struct.pack(">LL", s.directories, s.files)
    body += struct.pack(">L", sum(chunks))
    if layout.info >= 173:
        body += struct.pack(">LL", chunks[0] + chunks[3], chunks[1])
        body += struct.pack(">L", chunks[2]) if layout.info == 205 else b""
    elif layout.info > 60:
        body += struct.pack(">LL", copies, regular)
    else:
        body += struct.pack(">L", 17)
    if layout.info >= 101:
        body += struct.pack(">LLB", *s.saved)
    if layout.info >= 121:
        body += struct.pack(">4B4sLQ", *s.state, ip(s.leader), 1795200000, 4711)
    if layout.info >= 129:
        body += struct.pack(">Q", 0x0123456789ABCDEF)
    if layout.info >= 173:
        body += struct.pack(">QQL", 0xFEDCBA, 4710, 0xABCDEF)
        body += struct.pack(">QQ", copies, 9 * chunks[1])
        body += struct.pack(">Q", 5 * chunks[2]) if layout.info == 205 else b""
        body += struct.pack(">Q", copies + 1)
    if layout.info in (149, 193, 205):
        body += struct.pack(">QL", round((time.time() if s.clock is None else s.clock) * 1000000), 0)
    return head + body


def table(which: int, *parts: Cells, lost_row: Cells | None = None) -> bytes:
    """One table, all (0) or regular (1): the sum of the parts, and ``lost_row`` without its goals."""
    cells = [[0] * 11 for _ in range(11)]
    for part in parts:
        for (goal, copies), counts in part.items():
            cells[goal][copies] += counts[which]
    for (_, copies), counts in (lost_row or {}).items():
        cells[0][copies] += counts[which]
    return struct.pack(">121L", *(n for row in cells for n in row))


def encode_matrix(layout: Layout, s: Scenario, request: bytes = b"") -> bytes | None:
    """The reply to a matrix request, None if this version closes the connection."""
    if len(request) == 2 and layout.version >= (4, 44, 0) and request[0] == 0:
        s = Scenario(cells=s.classes.get(request[1], ("", {}))[1], progress=s.progress)
    elif len(request) == 1 and layout.one_table:
        return table(1, s.cells) if request[0] == 1 and layout.regular else table(0, s.cells if not request[0] else {})
    elif request or not layout.tables:
        return None
    if layout.tables == 1:
        return table(0, s.cells)
    reply = bytes([s.progress])
    reply += b"".join(table(which, s.cells, s.ec8, s.ec4, s.changing) for which in (0, 1))
    if layout.tables > 2:
        reply += b"".join(table(which, s.cells, lost_row=s.changing) for which in (0, 1))
        reply += b"".join(table(which, s.ec8) for which in (0, 1))
    if layout.tables > 6:
        reply += b"".join(table(which, s.ec4) for which in (0, 1))
    return reply


def encode_server(length: int, c: Chunkserver) -> bytes:
    entry = struct.pack(">4B", c.flags, *c.version) if length > 50 else b""
    if length >= 73:
        entry += ip(c.own_address or c.address)
    entry += ip(c.address) + struct.pack(">H", c.port)
    if length >= 64:
        entry += struct.pack(">H", c.csid)
    entry += struct.pack(">QQLQQL", c.used, c.total, c.chunks, c.marked_used, c.marked_total, c.marked_chunks)
    entry += struct.pack(">L", c.errors)
    if length >= 62:
        entry += struct.pack(">LL", c.load, c.grace)
    if length >= 68:
        entry += struct.pack(">L", c.labels)
    if length >= 69:
        entry += bytes([c.removal])
    if length >= 77:
        entry += struct.pack(">L", c.maintenance_left)
    assert len(entry) == length
    return entry


def encode_disk(d: Disk) -> bytes:
    entry = bytes([len(d.path)]) + d.path
    entry += struct.pack(">BQLQQL", d.flags, d.error_chunk, d.error_time, d.used, d.total, d.chunks)
    return struct.pack(">H", len(entry) + d.statistics) + entry + os.urandom(d.statistics)


def encode_classes(s: Scenario) -> bytes:
    """Names alone, as 4.44 sends them. Class 0 is for deleted chunks."""
    names = {0: ("(deleted)", {}), **s.classes}
    return b"".join(
        struct.pack(">BB", number, len(name.encode())) + name.encode() + bytes([bool(cells)])
        for number, (name, cells) in names.items()
    )


class Replica:
    """A server on 127.0.0.N that lives in one thread. Use as a context manager."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0, nops: float | None = None) -> None:
        """nops: after how many idle seconds a connection gets a NOP; real ones send them after 1 or 2."""
        self.host = host
        self.requests: list[int] = []  # the commands seen
        self.connections = 0
        self._nops = nops
        self._listener = socket.create_server((host, port), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self: Itself) -> Itself:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def answer(self, command: int, payload: bytes) -> bytes | None:
        """The reply, which has the next number; None closes the connection."""
        raise NotImplementedError

    def _serve(self) -> None:
        buffers: dict[socket.socket, bytearray] = {}
        idle_since: dict[socket.socket, float] = {}
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            while not self._stop.is_set():
                for key, _ in selector.select(0.02):
                    if key.fileobj is self._listener:
                        client, _ = self._listener.accept()
                        self.connections += 1
                        selector.register(client, selectors.EVENT_READ)
                        buffers[client] = bytearray()
                        idle_since[client] = time.monotonic()
                        continue
                    client = key.fileobj  # type: ignore[assignment]
                    idle_since[client] = time.monotonic()
                    if not self._listen_to(client, buffers[client]):
                        selector.unregister(client)
                        client.close()
                        del buffers[client], idle_since[client]
                for client, since in idle_since.items():
                    if self._nops is not None and time.monotonic() - since >= self._nops:
                        idle_since[client] = time.monotonic()
                        send(client, struct.pack(">LLL", 0, 4, 0))
        for client in buffers:
            client.close()

    def _listen_to(self, client: socket.socket, buffer: bytearray) -> bool:
        try:
            data = client.recv(65536)
        except OSError:
            return False
        buffer += data
        while data and len(buffer) >= 8:
            command, length = struct.unpack_from(">LL", buffer)
            if length > 1000:
                return False
            if len(buffer) < 8 + length:
                break
            payload = bytes(buffer[8 : 8 + length])
            del buffer[: 8 + length]
            self.requests.append(command)
            reply = self.answer(command, payload)
            if reply is None or not send(client, struct.pack(">LL", command + 1, len(reply)) + reply):
                return False
        return bool(data)


def send(client: socket.socket, data: bytes) -> bool:
    try:
        client.sendall(data)
    except OSError:
        return False
    return True


class MasterReplica(Replica):
    """A master of one version: a request that this version does not know, or of another size, closes the connection."""

    def __init__(
        self,
        layout: str = "3.0",
        scenario: Scenario | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        nops: float | None = None,
    ) -> None:
        super().__init__(host, port, nops)
        self.layout = LAYOUTS[layout]
        self.lizardfs = layout.startswith("lizardfs")
        self.scenario = scenario or Scenario()
        self.replace: dict[int, bytes] = {}  # command -> another reply, for layouts nobody knows

    def answer(self, command: int, payload: bytes) -> bytes | None:
        layout, s = self.layout, self.scenario
        moose = (0, 0, 0) if self.lizardfs else layout.version
        if command in self.replace:
            return self.replace[command]
        if command == MATRIX:
            return encode_matrix(layout, s, payload)
        if command == SERVERS and len(payload) <= (moose >= (4, 35, 0)):
            return b"".join(encode_server(layout.server if payload else min(layout.server, 73), c) for c in s.servers)
        if command == FS_TEST and len(payload) <= _since(moose, 66, 19):
            numbers = [*s.fs_test[:5], *((0, 0) if payload else ()), *s.fs_test[5:], len(s.message)]
            return struct.pack(f">{len(numbers)}L", *numbers) + s.message
        if command == MISSING and _since(moose, 66, 19) and len(payload) <= _since(moose, 71, 25):
            return b"".join(struct.pack(">QLLB", *entry)[: 17 if payload == b"\1" else 16] for entry in s.missing)
        if command == CLASSES and payload == b"\x80" and moose >= (4, 44, 0):
            return encode_classes(s)
        if payload:
            return None
        if command == INFO:
            return encode_info(layout, s)
        if command == CHUNK_LOOP:
            return struct.pack(">LL", *s.loop) + bytes(layout.loop - 8)
        if command == METALOGGERS:
            return b"".join(struct.pack(">HBB", *version) + ip(address) for version, address in s.metaloggers)
        return None


def _since(version: tuple[int, int, int], two: int, three: int) -> bool:
    """From 2.0.``two`` and 3.0.``three`` on."""
    return (2, 0, 2 * two) <= version < (3, 0, 0) or version >= (3, 0, 2 * three)


class DiskReplica(Replica):
    """A chunkserver, as far as its disks go."""

    def __init__(
        self,
        disks: list[Disk] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        nops: float | None = None,
    ) -> None:
        super().__init__(host, port, nops)
        self.disks = [Disk()] if disks is None else disks

    def answer(self, command: int, payload: bytes) -> bytes | None:
        return None if command != DISKS or payload else b"".join(map(encode_disk, self.disks))


_REPLY = struct.pack(">LL", INFO + 1, 149)
BEHAVIOURS: dict[str, tuple[bytes, str]] = {
    # what is sent to whoever connects, and what comes then
    "eof": (b"", "close"),
    "silence": (b"", "wait"),
    "stopped": (b"", "never accept"),
    "truncated header": (_REPLY[:4], "wait"),
    "truncated header, eof": (_REPLY[:4], "close"),
    "truncated reply": (_REPLY + bytes(70), "wait"),
    "truncated reply, eof": (_REPLY + bytes(70), "close"),
    "garbage": (bytes(range(251, 1, -3)) * 800, "wait"),
    "nops": (b"", "nops"),
    "nop of 1 GB": (struct.pack(">LL", 0, 1 << 30), "wait"),
    "huge": (struct.pack(">LL", INFO + 1, 0xFFFFFFFF), "wait"),
    "huge, sent": (struct.pack(">LL", INFO + 1, 0xFFFFFFFF), "flood"),
    "another reply": (struct.pack(">LL", MATRIX + 1, 969) + bytes(969), "wait"),
    "unknown layout": (struct.pack(">LL", INFO + 1, 777) + bytes(777), "wait"),
    "empty reply": (struct.pack(">LL", INFO + 1, 0), "wait"),
    "zeros": (_REPLY + bytes(149), "wait"),
    "http": (b"HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "close"),
    "a byte at a time": (_REPLY + struct.pack(">HBB", 3, 0, 234) + bytes(145), "drip"),
}


class Raw(Replica):
    """A server that behaves in one of BEHAVIOURS to whoever has said something."""

    def __init__(self, behaviour: str, *, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host, port)
        self._data, self._then = BEHAVIOURS[behaviour]

    def _serve(self) -> None:
        clients: list[threading.Thread] = []
        self._listener.settimeout(0.02)
        while not self._stop.is_set():
            if self._then == "never accept":
                self._stop.wait()
                break
            try:
                client, _ = self._listener.accept()
            except OSError:
                continue
            self.connections += 1
            clients.append(threading.Thread(target=self._behave, args=(client,), daemon=True))
            clients[-1].start()
        for thread in clients:
            thread.join()

    def _behave(self, client: socket.socket) -> None:
        client.settimeout(0.05)
        with client:
            while not self._stop.is_set():
                try:
                    said = client.recv(65536)
                    break
                except socket.timeout:
                    continue
                except OSError:
                    return
            else:
                return
            if len(said) >= 8:
                self.requests.append(struct.unpack_from(">L", said)[0])
            if self._then == "drip":
                for byte in self._data:
                    if not send(client, bytes([byte])) or self._stop.wait(0.1):
                        return
            elif not send(client, self._data) or self._then == "close":
                return
            more = {"nops": struct.pack(">LLL", 0, 4, 0), "flood": bytes(65536)}.get(self._then, b"")
            while not self._stop.wait(0.02 if self._then == "nops" else 0.001 if more else 0.1):
                if more and not send(client, more):
                    return


def raw(behaviour: str, *, host: str = "127.0.0.1", port: int = 0) -> Raw:
    """A server that misbehaves; see BEHAVIOURS."""
    return Raw(behaviour, host=host, port=port)

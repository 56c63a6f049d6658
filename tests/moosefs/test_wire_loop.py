"""Loops over chunks and files, and every question asked of replicas of every version over a socket."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.mfs_replica import BEHAVIOURS, LAYOUTS, Chunkserver, Disk, DiskReplica, MasterReplica, Scenario, raw

from checks.moosefs.wire.classes import classes_request, parse_classes
from checks.moosefs.wire.disks import DISKS, parse_disks
from checks.moosefs.wire.frames import HEADER, NOP, Request, UnknownLayout, frame, header
from checks.moosefs.wire.info import INFO, parse_info
from checks.moosefs.wire.loop import CHUNK_LOOP, FS_TEST, FileSystemTest, Loop, parse_fs_test, parse_loop
from checks.moosefs.wire.matrix import class_matrix_request, matrix_requests, parse_matrix
from checks.moosefs.wire.missing import missing_request, parse_missing
from checks.moosefs.wire.servers import METALOGGERS, parse_metaloggers, parse_servers, server_list_request

# Of a 3.0.117 master: a finished loop, and no loop over files yet.
REAL_LOOP = bytes.fromhex("6b04c0a36b04c0df") + bytes(40) + bytes.fromhex("0000ea60") + bytes(20)
REAL_FS_TEST = bytes(36)


class Closed(Exception):
    """The server closed the connection."""


class Client:
    """What asks, without any of the code that is tested but the frames."""

    def __init__(self, host: str, port: int) -> None:
        self.nops = 0
        self._socket = socket.create_connection((host, port), 5)

    def ask(self, request: Request) -> bytes:
        self._socket.sendall(frame(request))
        while True:
            kind, length = header(self._receive(HEADER))
            payload = self._receive(length)
            if kind != NOP:
                assert kind == request.reply
                assert length <= request.reply_max
                return payload
            self.nops += 1

    def _receive(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            with contextlib.suppress(ConnectionResetError):
                more = self._socket.recv(length - len(data))
                if more:
                    data += more
                    continue
            raise Closed
        return data

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def client(host: str, port: int) -> Iterator[Client]:
    with contextlib.closing(Client(host, port)) as connected:
        yield connected


@pytest.mark.parametrize("length", [52, 60, 72, 96])
def test_chunk_loop(length: int) -> None:
    loop = parse_loop(struct.pack(">LL", 1795218964, 1795219024).ljust(length, b"\xff"))
    assert loop == Loop(1795218964, 1795219024)
    assert loop.seconds == 60


def test_real_chunk_loop() -> None:
    assert parse_loop(REAL_LOOP) == Loop(1795473571, 1795473631)


def test_no_loop_yet_and_a_clock_that_was_set_back() -> None:
    assert parse_loop(bytes(72)) == Loop(0, 0)
    assert Loop(0, 0).seconds == 0
    assert Loop(100, 90).seconds == 0


@pytest.mark.parametrize("length", [0, 1, 8, 51, 53, 68, 73, 104, 144])
def test_loop_of_another_length(length: int) -> None:
    with pytest.raises(UnknownLayout, match=rf"^its chunk loop has {length} bytes, a layout unknown here$"):
        parse_loop(bytes(length))


def test_file_system_test() -> None:
    numbers = (1795210000, 1795217200, 900, 7, 3, 1000, 8, 4)
    text = b"currently unavailable chunk 0000000000000001 (inode: 5 ; index: 0)\n* a\xff|b\n"
    assert parse_fs_test(struct.pack(">9L", *numbers, len(text)) + text) == FileSystemTest(
        *numbers, "currently unavailable chunk 0000000000000001 (inode: 5 ; index: 0)\n* a\udcff|b\n"
    )
    assert parse_fs_test(REAL_FS_TEST) == FileSystemTest(0, 0, 0, 0, 0, 0, 0, 0, "")


def test_file_system_test_of_another_length() -> None:
    good = struct.pack(">9L", *range(8), 3) + b"abc"
    for length in range(36):
        with pytest.raises(UnknownLayout, match=rf"^its file system test has {length} bytes, a layout unknown here$"):
            parse_fs_test(good[:length])
    for wrong in (good[:-1], good + b"d", good * 2):
        with pytest.raises(
            UnknownLayout, match=rf"^its file system test has {len(wrong)} bytes, but announces a text of 3$"
        ):
            parse_fs_test(wrong)


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    for reply in (data, data[:36], bytes(32) + struct.pack(">L", len(data)) + data):
        for parse in (parse_loop, parse_fs_test):
            with contextlib.suppress(UnknownLayout):
                assert parse(reply).start >= 0


def scenario() -> Scenario:
    return Scenario(
        cells={(2, 1): (3, 5), (2, 2): (9, 7), (3, 0): (1, 1)},
        progress=2,
        servers=[Chunkserver(csid=1), Chunkserver(csid=2, port=9423, flags=1, version=(0, 0, 0), used=0, total=0)],
        metaloggers=[((3, 0, 234), "10.77.0.9")],
        missing=[(77, 5, 0, 1)],
        classes={1: ("1", {}), 3: ("fast", {(3, 0): (1, 1)})},
        fs_test=(1, 2, 900, 0, 1, 13, 3, 1),
        message=b"lost",
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_whole_conversation(layout: str) -> None:
    """No version closes the connection because of what is asked of it, and every reply is understood."""
    with MasterReplica(layout, scenario()) as master, client(master.host, master.port) as asked:
        info = parse_info(asked.ask(INFO))
        servers = parse_servers(info, asked.ask(server_list_request(info)))
        assert [(server.port, server.disconnected) for server in servers] == [
            (9422, False),
            (9423, info.version >= (1, 5, 13)),  # before, servers that are gone are not told apart
        ]
        if matrix_requests(info):
            matrix = parse_matrix(info, [asked.ask(request) for request in matrix_requests(info)])
            assert (matrix.total, matrix.missing, matrix.endangered) == (13, 1, 3)
            assert matrix.lacking == (6 if matrix.regular_known else 4)
            assert matrix.progress == (2 if info.version >= (1, 7, 0) and not info.lizardfs else 0)
        assert parse_loop(asked.ask(CHUNK_LOOP)) == Loop(1795218964, 1795219024)
        assert parse_fs_test(asked.ask(FS_TEST)) == FileSystemTest(1, 2, 900, 0, 1, 13, 3, 1, "lost")
        assert [logger.address for logger in parse_metaloggers(asked.ask(METALOGGERS))] == ["10.77.0.9"]
        missing = missing_request(info)
        if missing is not None:
            found = parse_missing(info, asked.ask(missing))
            assert [(entry.chunk, entry.inode) for entry in found] == [(77, 5)]
        one, names = class_matrix_request(info, 3), classes_request(info)
        if one is not None:
            assert names is not None
            assert {number: name.has_chunks for number, name in parse_classes(info, asked.ask(names)).items()} == {
                0: False,
                1: False,
                3: True,
            }
            assert parse_matrix(info, [asked.ask(one)]).missing == 1
    assert master.connections == 1
    assert master.requests[0] == 510


# What a real 3.0.117 answers to these, None where it closes the connection.
RULES = [
    (510, b"", 149), (510, b"\0", None), (512, b"", 36), (512, b"\0", 44), (512, b"\0\0", None), (514, b"", 72),
    (514, b"\0", None), (516, b"", 969), (516, b"\0", 484), (516, b"\0\0", None), (500, b"", 69), (500, b"\1", None),
    (522, b"", 0), (522, b"\0", None), (544, b"", 0), (544, b"\1", 0), (544, b"\0\0", None), (542, b"\x80", None),
    (9999, b"", None),
]  # fmt: skip


@pytest.mark.parametrize(("command", "payload", "length"), RULES)
def test_the_replica_keeps_the_rules_of_a_real_master(command: int, payload: bytes, length: int | None) -> None:
    with MasterReplica("3.0") as master, client(master.host, master.port) as asked:
        if length is None:
            with pytest.raises(Closed):
                asked.ask(Request(command, command + 1, payload))
        else:
            assert len(asked.ask(Request(command, command + 1, payload))) == length
    assert master.requests == [command]


@pytest.mark.parametrize(
    ("layout", "command", "payload", "accepted"),
    [
        ("1.6", 516, b"", True),
        ("1.6", 516, b"\1", True),
        ("1.6", 544, b"", False),
        ("lizardfs", 544, b"", False),
        ("2.0", 544, b"\1", True),
        ("4.4", 516, b"\0", False),
        ("4.35", 500, b"\1", True),
        ("4.26", 500, b"\1", False),
        ("4.35", 516, b"\0\1", False),
        ("4.44", 516, b"\0\1", True),
        ("4.44", 516, b"\1\1", False),
        ("4.44", 542, b"\x80", True),
        ("4.35", 542, b"\x80", False),
    ],
)
def test_the_replica_keeps_the_rules_of_the_sources(layout: str, command: int, payload: bytes, accepted: bool) -> None:
    with MasterReplica(layout) as master, client(master.host, master.port) as asked:
        request = Request(command, command + 1, payload)
        with contextlib.nullcontext() if accepted else pytest.raises(Closed):
            asked.ask(request)


def test_nops_come_to_idle_connections() -> None:
    with MasterReplica(nops=0.05) as master, client(master.host, master.port) as asked:
        asked.ask(INFO)
        time.sleep(0.4)
        asked.ask(INFO)
    assert asked.nops >= 2


def test_several_masters_on_one_port() -> None:
    with MasterReplica(host="127.0.0.2") as one, MasterReplica(host="127.0.0.3", port=one.port) as other:
        with client("127.0.0.3", one.port) as asked:
            asked.ask(INFO)
        assert (one.connections, other.connections) == (0, 1)


def test_a_scenario_that_goes_on() -> None:
    with MasterReplica() as master, client(master.host, master.port) as asked:
        info = parse_info(asked.ask(INFO))
        for left in (5, 3, 0):
            master.scenario.cells = {(2, 1): (left, left), (2, 2): (9, 9)}
            assert parse_matrix(info, [asked.ask(matrix_requests(info)[0])]).work_left == left


def test_disks_of_a_chunkserver() -> None:
    with DiskReplica([Disk(b"/a/", flags=1), Disk(b"/b/")]) as server, client(server.host, server.port) as asked:
        assert [disk.marked for disk in parse_disks(asked.ask(DISKS))] == [True, False]
        with pytest.raises(Closed):
            asked.ask(INFO)
    assert server.requests == [600, 510]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_misbehaviours(behaviour: str) -> None:
    """They take a connection, and stop at once when they are not needed any more."""
    with raw(behaviour) as server, socket.create_connection((server.host, server.port), 5) as connected:
        connected.sendall(frame(INFO))
        connected.settimeout(0.3)
        with contextlib.suppress(socket.timeout, ConnectionResetError):
            data = connected.recv(65536)
            assert BEHAVIOURS[behaviour][0].startswith(data) or BEHAVIOURS[behaviour][1] in ("nops", "flood")

"""Chunkservers, their disks, metaloggers, missing chunks and storage classes: every layout, real replies, any bytes."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.mfs_replica import LAYOUTS, Chunkserver, Scenario, encode_classes, encode_disk, encode_info, encode_server
from lab.mfs_replica import Disk as DiskEntry

from checks.moosefs.wire.classes import StorageClass, classes_request, parse_classes
from checks.moosefs.wire.disks import Disk, parse_disks
from checks.moosefs.wire.frames import Request, UnknownLayout
from checks.moosefs.wire.info import Info, parse_info
from checks.moosefs.wire.missing import MissingChunk, missing_request, parse_missing
from checks.moosefs.wire.servers import (
    IN_PROGRESS,
    REMOVABLE,
    Metalogger,
    Server,
    parse_metaloggers,
    parse_servers,
    server_list_request,
)

# Of a 3.0.117 master: one of two disks of the first server is marked, the last server but one was killed.
REAL_SERVERS = bytes.fromhex(
    "000300ea0a4d000125310001000000056f197000000000195d96000000000028000000056f197000000000195d9600000000001400000000"
    "00000000000000000000000001010000000a4d00012533000300000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000300ea0a4d0001253200020000000ade32e00000000032bb2c00000000"
    "003c00000000000000000000000000000000000000000000000000000000000000000000000000"
)
# Of that first server.
REAL_DISKS = bytes.fromhex(
    "00f8162f746d702f6d66732d776972652f6469736b312d622f00000000000000000000000000000000056f197000000000195d9600000000"
    "0028000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000000000000000000000000000000000000000000000000000000f8162f746d702f6d66732d776972652f6469736b312d612f0100000000"
    "0000000000000000000000056f197000000000195d9600000000001400000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
)


def info_of(layout: str) -> Info:
    return parse_info(encode_info(LAYOUTS[layout], Scenario()))


ENTRY = Chunkserver(
    "10.77.0.1", 9521, 3, (3, 0, 234), used=40, total=100, chunks=8222, marked_used=30, marked_total=60,
    marked_chunks=1526, errors=2, load=5, grace=90, labels=5, removal=1, maintenance_left=50, own_address="10.9.9.9",
)  # fmt: skip
SERVER = Server(
    (3, 0, 117), "10.77.0.1", 9521, 3, False, False, False, 40, 100, 8222, 30, 60, 1526, 2, 5, False, False, 90, 1, 5,
    None,
)  # fmt: skip
WITHOUT_REMOVAL = SERVER._replace(removal=None)
WITHOUT_LABELS = WITHOUT_REMOVAL._replace(labels=None)
WITHOUT_CSID = WITHOUT_LABELS._replace(csid=None)
EXPECTED = {
    50: WITHOUT_CSID._replace(version=(0, 0, 0), load=None, grace_seconds=0),
    54: WITHOUT_CSID._replace(load=None, grace_seconds=0),
    62: WITHOUT_CSID,
    64: WITHOUT_LABELS,
    68: WITHOUT_REMOVAL,
    69: SERVER,
    73: SERVER,
    77: SERVER,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    length = LAYOUTS[layout].server
    assert parse_servers(info_of(layout), encode_server(length, ENTRY)) == (EXPECTED[length],)
    assert parse_servers(info_of(layout), encode_server(length, ENTRY) * 3) == (EXPECTED[length],) * 3
    assert parse_servers(info_of(layout), b"") == ()


def test_every_length_is_tried() -> None:
    assert {layout.server for layout in LAYOUTS.values()} == set(EXPECTED)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_request(layout: str) -> None:
    payload = b"\1" if LAYOUTS[layout].server == 77 else b""
    assert server_list_request(info_of(layout)) == Request(500, 501, payload, 4 << 20, "list of chunkservers")


def test_lengths_that_several_layouts_divide_are_of_the_version() -> None:
    """69 x 68 bytes are 69 entries of 68 or 68 of 69."""
    assert len(parse_servers(info_of("3.0"), encode_server(69, ENTRY) * 68)) == 68
    assert len(parse_servers(info_of("2.1"), encode_server(68, ENTRY) * 69)) == 69


@pytest.mark.parametrize(("layout", "length"), [("3.0", 68), ("3.0.32", 69), ("2.0", 68), ("4.26", 77), ("4.35", 73)])
def test_another_known_layout_if_the_version_s_own_does_not_fit(layout: str, length: int) -> None:
    assert parse_servers(info_of(layout), encode_server(length, ENTRY)) == (EXPECTED[length],)


@pytest.mark.parametrize(
    ("flags", "disconnected", "maintenance", "temporary"),
    [
        (0, False, False, False),
        (1, True, False, False),
        (2, False, True, False),
        (3, True, True, False),
        (6, False, True, True),
        (7, True, True, True),
    ],
)
def test_flags(flags: int, disconnected: bool, maintenance: bool, temporary: bool) -> None:
    (server,) = parse_servers(info_of("4.35"), encode_server(77, Chunkserver(flags=flags, maintenance_left=50)))
    assert (server.disconnected, server.maintenance, server.temporary_maintenance) == (
        disconnected,
        maintenance,
        temporary,
    )
    assert server.maintenance_left == (50 if maintenance else None)
    assert server.labels == (None if disconnected else 0)


def test_maintenance_without_end() -> None:
    (server,) = parse_servers(info_of("4.35"), encode_server(77, Chunkserver(flags=2, maintenance_left=0xFFFFFFFF)))
    assert (server.maintenance, server.maintenance_left) == (True, None)


def test_the_oldest_know_only_yes_or_no() -> None:
    for layout, length in (("1.6", 54), ("1.6-late", 62)):
        (server,) = parse_servers(info_of(layout), encode_server(length, Chunkserver(flags=6)))
        assert (server.disconnected, server.maintenance) == (True, False)


@pytest.mark.parametrize(
    ("grace", "overloaded", "rebalancing", "seconds"),
    [
        (0, False, False, 0),
        (900, False, False, 900),
        (0x40000000, False, True, 0),
        (0x80000000, False, True, 0),
        (0xC0000000, True, False, 0),
        (0xFFFFFFFF, True, False, 0),
    ],
)
def test_grace(grace: int, overloaded: bool, rebalancing: bool, seconds: int) -> None:
    (server,) = parse_servers(info_of("3.0"), encode_server(69, Chunkserver(grace=grace)))
    assert (server.overloaded, server.rebalancing, server.grace_seconds) == (overloaded, rebalancing, seconds)


def test_removal_is_of_marked_disks() -> None:
    info = info_of("3.0")
    entries = [
        Chunkserver(removal=2),
        Chunkserver(removal=2, marked_total=1),
        Chunkserver(removal=1, marked_chunks=1),
    ]
    servers = parse_servers(info, b"".join(encode_server(69, entry) for entry in entries))
    assert [server.removal for server in servers] == [None, REMOVABLE, IN_PROGRESS]


def test_real_servers() -> None:
    gone = Server((0, 0, 0), "10.77.0.1", 9523, 3, True, False, False, 0, 0, 0, 0, 0, 0, 0, 0, False, False, 0, None,
                  None, None)  # fmt: skip
    version = (3, 0, 117)
    assert parse_servers(info_of("3.0"), REAL_SERVERS) == (
        gone._replace(version=version, port=9521, csid=1, disconnected=False, used=23338774528, total=108944293888,
                      chunks=40, marked_used=23338774528, marked_total=108944293888, marked_chunks=20,
                      removal=IN_PROGRESS, labels=0),
        gone,
        gone._replace(version=version, port=9522, csid=2, disconnected=False, used=46677549056, total=217888587776,
                      chunks=60, labels=0),
    )  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cut_lists(layout: str) -> None:
    good = encode_server(LAYOUTS[layout].server, Chunkserver(port=0)) * 2
    for wrong in (good[:-1], good[1:], good + b"\0", good[:20]):
        with pytest.raises(UnknownLayout, match=rf"^its list of chunkservers has {len(wrong)} bytes, a layout unknown"):
            parse_servers(info_of(layout), wrong)


def test_metaloggers() -> None:
    assert parse_metaloggers(b"") == ()
    real = bytes.fromhex("000300ea0a4d0001")
    assert parse_metaloggers(real + b"\0\1\6\x1b\xc0\xa8\1\2") == (
        Metalogger((3, 0, 117), "10.77.0.1"),
        Metalogger((1, 6, 27), "192.168.1.2"),
    )
    with pytest.raises(UnknownLayout, match=r"^its list of metaloggers has 7 bytes, a layout unknown here$"):
        parse_metaloggers(real[:-1])


def test_disks() -> None:
    entries = [
        DiskEntry(b"/srv/a/", used=30, total=50, chunks=7),
        DiskEntry(b"/srv/b\xff/", flags=1, statistics=144),
        DiskEntry(b"/srv/c/", flags=2, error_chunk=0x1234, error_time=1795218964),
        DiskEntry(b"/srv/d/", flags=5, used=61, total=0, chunks=12),
        DiskEntry(b"/srv/e/", flags=8, used=0, total=0, chunks=0),
        DiskEntry(b"", flags=4, used=1 << 40),
    ]
    gigabytes = (40 << 30, 100 << 30)
    assert parse_disks(b"".join(map(encode_disk, entries))) == (
        Disk("/srv/a/", False, False, False, False, None, 0, 0, 30, 50, 7),
        Disk("/srv/b\udcff/", True, False, False, False, None, 0, 0, *gigabytes, 1000),
        Disk("/srv/c/", False, True, False, False, None, 0x1234, 1795218964, *gigabytes, 1000),
        Disk("/srv/d/", True, False, True, False, 61, 0, 0, 0, 0, 12),
        Disk("/srv/e/", False, False, False, True, None, 0, 0, 0, 0, 0),
        Disk("", False, False, True, False, 100, 0, 0, 0, 0, 1000),
    )
    assert parse_disks(b"") == ()


def test_real_disks() -> None:
    """The server counts its marked disk apart: 40 chunks and 20, not 60 of which 20."""
    disk = Disk("/tmp/mfs-wire/disk1-b/", False, False, False, False, None, 0, 0, 23338774528, 108944293888, 40)
    marked = disk._replace(path="/tmp/mfs-wire/disk1-a/", marked=True, chunks=20)
    assert parse_disks(REAL_DISKS) == (disk, marked)


def test_cut_and_strange_disks() -> None:
    good = encode_disk(DiskEntry())
    for cut in range(1, len(good)):
        with pytest.raises(
            UnknownLayout, match=rf"^its list of disks has {len(good) + cut} bytes, the last entry is cut"
        ):
            parse_disks(good + good[:cut])
    for statistics in (0, 143, 145, 191, 193, 256):
        with pytest.raises(UnknownLayout, match=r"^its list of disks has \d+ bytes, an entry of \d+ is unknown here$"):
            parse_disks(good + encode_disk(DiskEntry(statistics=statistics)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_missing_chunks(layout: str) -> None:
    info = info_of(layout)
    request = missing_request(info)
    if info.lizardfs or info.version < (2, 0, 66):
        assert request is None
        return
    assert request == Request(544, 545, b"\1", 17_000_000, "list of missing chunks")
    reply = struct.pack(">QLLB", 77, 5, 0, 1) + struct.pack(">QLLB", 2**64 - 1, 2**32 - 1, 3, 0)
    assert parse_missing(info, reply) == (MissingChunk(77, 5, 0, 1), MissingChunk(2**64 - 1, 2**32 - 1, 3, 0))
    assert parse_missing(info, b"") == ()
    for wrong in (reply[:-1], reply + b"\0"):
        with pytest.raises(UnknownLayout, match=r"^its list of missing chunks has \d+ bytes, a layout unknown here$"):
            parse_missing(info, wrong)


@pytest.mark.parametrize("version", [(2, 0, 66), (2, 0, 70), (3, 0, 19), (3, 0, 24)])
def test_missing_chunks_without_kinds(version: tuple[int, int, int]) -> None:
    info = info_of("3.0")._replace(version=version)
    request = missing_request(info)
    assert request is not None
    assert request.payload == b""
    assert parse_missing(info, struct.pack(">QLL", 77, 5, 1)) == (MissingChunk(77, 5, 1, None),)


@pytest.mark.parametrize("version", [(1, 6, 27), (2, 0, 65), (3, 0, 0), (3, 0, 18)])
def test_no_list_of_missing_chunks(version: tuple[int, int, int]) -> None:
    assert missing_request(info_of("3.0")._replace(version=version)) is None


def described(number: int, name: bytes, chunks: tuple[int, ...], labels: tuple[int, int, int]) -> bytes:
    """A class as 3.0.75 and later describe it."""
    return (
        struct.pack(">BB", number, len(name))
        + name
        + struct.pack(">LL6QBBH", 9, 3, *chunks, 0, 1, 0)
        + struct.pack(">6B", 3, labels[0], 3, labels[1], 3, labels[2])
        + bytes(18 * sum(labels))
    )


def test_storage_classes_described() -> None:
    info = info_of("3.0")
    assert classes_request(info) == Request(542, 543, b"", 1 << 20, "list of storage classes")
    reply = (
        b"\0\3" + described(1, b"1", (0,) * 6, (1, 1, 1)) + described(10, b"fast\xff", (0, 0, 0, 7, 0, 0), (2, 0, 9))
    )
    assert parse_classes(info, reply) == {1: StorageClass("1", False), 10: StorageClass("fast\udcff", True)}
    assert parse_classes(info, b"\0\0") == {}
    for cut in set(range(len(reply))) - {2, 2 + len(described(1, b"1", (0,) * 6, (1, 1, 1)))}:
        with pytest.raises(
            UnknownLayout, match=rf"^its list of storage classes has {cut} bytes, the last entry is cut"
        ):
            parse_classes(info, reply[:cut])


def test_names_of_storage_classes() -> None:
    info = info_of("4.44")
    assert classes_request(info) == Request(542, 543, b"\x80", 1 << 20, "list of storage classes")
    scenario = Scenario(classes={1: ("1", {}), 12: ("arch\xefve", {(2, 2): (1, 1)})})
    reply = encode_classes(scenario)
    assert parse_classes(info, reply) == {
        0: StorageClass("(deleted)", False),
        1: StorageClass("1", False),
        12: StorageClass("arch\xefve", True),
    }
    assert parse_classes(info, b"") == {}
    for cut in set(range(1, len(reply))) - {12, 16}:
        with pytest.raises(UnknownLayout, match=r"the last entry is cut off$"):
            parse_classes(info, reply[:cut])


@pytest.mark.parametrize("layout", ["1.6", "2.1", "3.0.32", "4.4", "4.35", "lizardfs"])
def test_masters_that_are_not_asked_for_classes(layout: str) -> None:
    assert classes_request(info_of(layout)) is None


PARSERS: list[Callable[[Info, bytes], object]] = [
    parse_servers,
    parse_missing,
    parse_classes,
    lambda _, payload: parse_metaloggers(payload),
    lambda _, payload: parse_disks(payload),
]


@given(st.sampled_from(sorted(LAYOUTS)), st.sampled_from(PARSERS), st.binary(max_size=500))
def test_noise(layout: str, parse: Callable[[Info, bytes], object], data: bytes) -> None:
    info = info_of(layout)
    for payload in (
        data,
        data * 69,
        encode_disk(DiskEntry()) + data,
        b"\0\1" + described(1, b"1", (0,) * 6, (0, 0, 0)) + data,
    ):
        with contextlib.suppress(UnknownLayout):
            assert parse(info, payload) is not None

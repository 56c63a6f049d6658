"""What a master says of itself: every length of every version, a real reply, and any bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.mfs_replica import LAYOUTS, Scenario, encode_info

from checks.moosefs.wire.frames import Request, UnknownLayout, dotted, frame, header, version_of
from checks.moosefs.wire.info import (
    COMMUNITY,
    DEPUTY,
    ELECT,
    FOLLOWER,
    INFO,
    LEADER,
    STATES,
    USURPER,
    Info,
    MetadataSave,
    parse_info,
)

LENGTHS = (52, 60, 68, 76, 101, 121, 129, 137, 149, 173, 181, 193, 205)
SCENARIO = Scenario(
    cells={(2, 2): (1000, 900), (3, 4): (10, 0), (0, 1): (5, 5), (2, 1): (0, 100), (3, 3): (0, 10)},
    ec8={(3, 3): (40, 40)},
    ec4={(2, 2): (30, 30)},
    clock=1795219029.25,
)
OLD = Info(
    52, (1, 4, 0), False, False, 300 << 30, 180 << 30, 5 << 20, 1085, None, None, None, None, None, None, False, None,
    "", None,
)  # fmt: skip
OLDER_THAN_2 = OLD._replace(files=900, directories=90)
LATE_1_6 = OLDER_THAN_2._replace(
    length=101, version=(1, 6, 30), copies=2045, regular_copies=1935, stored=MetadataSave(1795218000, 250.0, 0)
)
PRO_1_7 = LATE_1_6._replace(length=121, version=(1, 7, 31), pro=True, state=COMMUNITY, sync=255)
TWO = PRO_1_7._replace(version=(2, 0, 91), pro=False, stored=MetadataSave(1795218000, 0.25, 0))
FOUR = TWO._replace(length=173, version=(4, 4, 6), copies=2045, regular_copies=None)
EXPECTED = {
    "1.4": OLD,
    "1.5": OLDER_THAN_2._replace(length=60, version=(1, 5, 0)),
    "1.5.13": OLDER_THAN_2._replace(length=68, version=(1, 5, 13), copies=2045, regular_copies=1935),
    "1.6": OLDER_THAN_2._replace(length=76, version=(1, 6, 27), copies=2045, regular_copies=1935),
    "1.6-late": LATE_1_6,
    "1.7": PRO_1_7,
    "2.0": TWO,
    "2.1": TWO._replace(version=(2, 1, 7)),
    "3.0.32": TWO._replace(length=129, version=(3, 0, 32)),
    "3.0.102": TWO._replace(length=137, version=(3, 0, 102)),
    "3.0": TWO._replace(length=149, version=(3, 0, 117), clock=1795219029.25),
    "4.0": TWO._replace(length=149, version=(4, 0, 3), clock=1795219029.25),
    "4.4": FOUR,
    "4.10": FOUR._replace(length=181, version=(4, 10, 0)),
    "4.17": FOUR._replace(length=193, version=(4, 17, 3), clock=1795219029.25),
    "4.26": FOUR._replace(length=205, version=(4, 26, 0), clock=1795219029.25),
    "4.35": FOUR._replace(length=205, version=(4, 35, 1), clock=1795219029.25),
    "4.44": FOUR._replace(length=205, version=(4, 44, 4), clock=1795219029.25),
    "4.59": FOUR._replace(length=205, version=(4, 59, 2), clock=1795219029.25),
    "lizardfs-old": OLDER_THAN_2._replace(
        length=76, version=(1, 6, 28), lizardfs=True, copies=2045, regular_copies=1935
    ),
    "lizardfs": OLDER_THAN_2._replace(length=76, version=(3, 13, 0), lizardfs=True, copies=2045, regular_copies=0),
}
# Captured from a 3.0.117 master with three chunkservers, one disk marked and one server killed.
REAL = bytes.fromhex(
    "000300ea000000001d0e5000000000000022d05400000000002a456c0000004c18c200000000003bcb75b0000000003bcb75b00000000000"
    "00000000000000000000000000000000000000000000003e000000020000003c0000003c0000007800000064000000000000000000ffffff"
    "ff0000000000000000000000000000017752e97cd3d918fb30000660f9725427d400000000"
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    assert parse_info(encode_info(LAYOUTS[layout], SCENARIO)) == EXPECTED[layout]


def test_every_length_is_tried() -> None:
    assert {len(encode_info(layout, SCENARIO)) for layout in LAYOUTS.values()} == set(LENGTHS)


def test_real_reply() -> None:
    assert parse_info(REAL) == Info(
        149, (3, 0, 117), False, False, 326832881664, 256816558080, 0, 60, 60, 2, 120, 100, None, COMMUNITY, False, 255,
        "", 1795474341.50498,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "expected", "changing", "sync"),
    [
        ((1, 1, 1, 1), LEADER, False, 1),
        ((2, 2, 1, 1), ELECT, False, 1),
        ((3, 3, 1, 0), FOLLOWER, False, 0),
        ((3, 2, 1, 2), FOLLOWER, True, 2),
        ((3, 3, 0, 1), FOLLOWER, True, 1),
        ((4, 4, 1, 1), USURPER, False, 1),
        ((5, 5, 1, 1), DEPUTY, False, 1),
        ((0, 0, 0, 0), 0, True, 0),
        ((9, 9, 1, 1), 9, False, 1),
    ],
)
def test_states_of_pro(state: tuple[int, int, int, int], expected: int, changing: bool, sync: int) -> None:
    scenario = Scenario(state=state, leader="10.1.2.3")
    layout = LAYOUTS["4.59"]
    pro = parse_info(encode_info(layout, scenario).replace(b"\0\4\x3b\4", b"\0\4\x3b\5", 1))
    assert (pro.version, pro.pro) == ((4, 59, 2), True)
    assert (pro.state, pro.changing, pro.sync, pro.leader) == (expected, changing, sync, "10.1.2.3")


def test_states_have_words() -> None:
    assert all(STATES[state].isalpha() for state in (0, 1, 2, 3, 4, 5, 255))


@pytest.mark.parametrize(
    ("version", "seconds"), [((2, 0, 26), 1500.0), ((2, 0, 28), 1.5), ((1, 7, 31), 1500.0), ((3, 0, 64), 1.5)]
)
def test_duration_of_a_save_is_in_milliseconds_since_2_0_14(version: tuple[int, int, int], seconds: float) -> None:
    raw = struct.pack(">HBB", *version) + encode_info(LAYOUTS["2.0"], Scenario(saved=(1795218000, 1500, 2)))[4:]
    assert parse_info(raw).stored == MetadataSave(1795218000, seconds, 2)


def test_a_master_that_has_saved_nothing() -> None:
    assert parse_info(encode_info(LAYOUTS["3.0"], Scenario(saved=(0, 0, 0)))).stored is None


@pytest.mark.parametrize(
    ("sent", "version", "pro"),
    [
        ((1, 6, 27), (1, 6, 27), False),
        ((1, 7, 31), (1, 7, 31), True),
        ((2, 0, 182), (2, 0, 91), False),
        ((3, 0, 235), (3, 0, 117), True),
        ((4, 10, 5), (4, 10, 5), False),
        ((4, 11, 5), (4, 11, 2), True),
        ((4, 59, 4), (4, 59, 2), False),
    ],
)
def test_versions(sent: tuple[int, int, int], version: tuple[int, int, int], pro: bool) -> None:
    assert version_of(*sent) == (version, pro)


@pytest.mark.parametrize("length", [length for length in range(260) if length not in LENGTHS])
def test_other_lengths(length: int) -> None:
    with pytest.raises(UnknownLayout, match=rf"^its master information has {length} bytes, a layout unknown here$"):
        parse_info(REAL[:length].ljust(length, b"\0"))


@pytest.mark.parametrize("length", [length for length in LENGTHS if length > 60])
@pytest.mark.parametrize("version", [(0, 0, 0), (1, 5, 12), (100, 0, 0), (0xFFFF, 255, 255)])
def test_a_version_that_cannot_send_this(length: int, version: tuple[int, int, int]) -> None:
    with pytest.raises(UnknownLayout, match=rf"^its master information has {length} bytes, but names version "):
        parse_info(struct.pack(">HBB", *version) + bytes(length - 4))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_cut_and_doubled(layout: str) -> None:
    reply = encode_info(LAYOUTS[layout], SCENARIO)
    for wrong in (reply[:-1], reply + b"\0", reply * 2, b""):
        with pytest.raises(UnknownLayout):
            parse_info(wrong)


@given(st.sampled_from(LENGTHS).flatmap(lambda length: st.binary(min_size=length, max_size=length)) | st.binary())
def test_noise(payload: bytes) -> None:
    for reply in (payload, b"\0\3\0\xea" + payload[4:]):
        try:
            info = parse_info(reply)
        except UnknownLayout:
            continue
        assert info.length == len(reply)
        assert (1, 0, 0) < info.version < (100, 0, 0)


def test_frames() -> None:
    assert (INFO.command, INFO.reply, INFO.payload) == (510, 511, b"")
    assert frame(INFO) == b"\0\0\1\xfe\0\0\0\0"
    assert frame(Request(516, 517, b"\0\7")) == b"\0\0\2\4\0\0\0\2\0\7"
    assert header(b"\0\0\1\xff\0\0\0\x95") == (511, 149)
    assert dotted(b"\x0a\x4d\0\1") == "10.77.0.1"


@pytest.mark.parametrize("length", [0, 4, 7, 9, 16])
def test_a_header_is_8_bytes(length: int) -> None:
    with pytest.raises(UnknownLayout, match=rf"^its header has {length} bytes"):
        header(bytes(length))

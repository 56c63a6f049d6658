"""tcp_info and sock_diag dumps as kernels from 3.x to 6.18 give them, whole, cut short and made up."""

from __future__ import annotations

import random
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import HOSTS

from checks.frame.host import Host
from checks.tcp_window import passive
from checks.tcp_window.sockets import Look, Suspect, dump_request, look, prefix_text
from checks.tcp_window.tcp_info import LEAST, TcpInfo, parse_tcp_info, tcp_info

SAMPLES = Path(__file__).parent / "samples"
OLDER = "linux_6.1_story_server"
# how long tcp_info was when these fields were new, and which fields it then had beside those before
LENGTHS = {
    104: (),
    136: ("bytes_acked", "bytes_received"),
    160: ("notsent", "least_rtt", "segments_in", "segments_out"),
    192: ("busy", "rwnd_limited", "sndbuf_limited"),
    232: ("snd_wnd",),
    236: ("rcv_wnd",),
    280: (),
}
LATE = [field for fields in LENGTHS.values() for field in fields]
DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
HERE, PEER = bytes([192, 0, 2, 1]), bytes([203, 0, 113, 5])


def info(options: int = 7, scales: int = 0x77, size: int = 280, **numbers: int) -> bytes:
    """A tcp_info of a peer in full health, with some numbers (offset_NNN) of its 32-bit fields."""
    content = bytearray(280)
    content[0], content[5], content[6] = 1, options, scales
    for offset, value in {16: 1448, 60: 1500, 84: 1448, 228: 65152}.items():
        struct.pack_into("=I", content, offset, value)
    for name, value in numbers.items():
        struct.pack_into("=I", content, int(name.removeprefix("offset_")), value)
    return bytes(content[:size])


def message(
    content: bytes | None,
    peer: bytes = PEER,
    source: bytes = HERE,
    timer: int = 0,
    queue: int = 0,
    family: int = socket.AF_INET,
    before: bytes = b"",
) -> bytes:
    """One socket of a dump; ``before`` are attributes that come before the tcp_info."""
    body = struct.pack("=BBBB", family, 1, timer, 0) + struct.pack("!HH", 443, 40000)
    body += source.ljust(16, b"\0") + peer.ljust(16, b"\0") + bytes(12)
    body += struct.pack("=5I", 0, 0, queue, 0, 0) + before
    if content is not None:
        body += struct.pack("=HH", 4 + len(content), 2) + content + bytes(-len(content) % 4)
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def captured(tmp_path: Path, *datagrams: bytes, name: str = "tcp") -> Host:
    """A host whose sock_diag answers this."""
    (tmp_path / "netlink").mkdir(exist_ok=True)
    (tmp_path / "netlink" / name).write_text("".join(f"{data.hex()}\n" for data in datagrams))
    return Host(str(tmp_path))


def seen(tmp_path: Path, *datagrams: bytes) -> Look:
    """What a look at these sees."""
    return look(captured(tmp_path, *datagrams), 1, 0.1)


@pytest.mark.parametrize("size", list(LENGTHS))
def test_every_length_a_kernel_has_given(size: int) -> None:
    expected = [field for length, fields in LENGTHS.items() if length <= size for field in fields]
    parsed = parse_tcp_info(info(size=size))._asdict()
    assert [field for field in LATE if parsed[field] is not None] == expected
    whole = parse_tcp_info(info())._asdict()
    assert {field: parsed[field] for field in expected} == {field: whole[field] for field in expected}


@pytest.mark.parametrize("size", range(513))
def test_no_length_is_read_beyond(size: int) -> None:
    data = random.Random(size).randbytes(size)
    if size < LEAST:
        with pytest.raises(ValueError, match="too short"):
            parse_tcp_info(data)
    else:
        assert isinstance(parse_tcp_info(data), TcpInfo)


def test_this_kernels_own(tmp_path: Path) -> None:
    """A connection over loopback: every field that is set by then is what it has to be."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()) as client:
            server, _ = listener.accept()
            with server:
                client.sendall(b"x" * 1000)
                server.recv(1000)
                near, far = tcp_info(client), tcp_info(server)
    assert (near.scaling, far.scaling, near.bare) == (True, True, False)
    assert (near.snd_wscale, near.rcv_wscale) == (far.rcv_wscale, far.snd_wscale)
    assert (far.bytes_received, far.segments_in, near.segments_out) == (1000, 1, 1)
    assert near.full_segment >= near.snd_mss > 1000
    assert far.offered > 0


def test_a_recorded_older_kernel() -> None:
    """Linux 6.1, the server of the story: two looks, 0.8 s apart."""
    looks = []
    for number in (1, 2):
        host = HexHost(SAMPLES / f"{OLDER}.look{number}")
        looks.append(look(host, 1, 0.1))
    first, later = looks
    assert (first.total, first.broken, first.untold, len(first.suspects)) == (2, "", 0, 2)
    for key, suspect in first.suspects.items():
        assert suspect.info.rcv_wnd is None  # 6.2
        assert suspect.info.snd_wnd == 501
        assert (suspect.info.snd_wscale, suspect.info.rcv_wscale) == (0, 7)
        assert passive.is_stuck(suspect, later.suspects[key])


class HexHost(Host):
    """A host whose every netlink answer is one file."""

    def __init__(self, path: Path) -> None:
        super().__init__("/nowhere")
        self._answer = [bytes.fromhex(line) for line in path.read_text().split()]

    def netlink(self, protocol: int, request: bytes, name: str, reserve: float = 0.5):  # type: ignore[no-untyped-def]
        """See Host."""
        return iter(self._answer if name == "tcp" else [DONE])


def test_what_is_counted(tmp_path: Path) -> None:
    v6, mapped = bytes.fromhex("20010db8000100020000000000000005"), bytes(10) + b"\xff\xff" + PEER
    found = seen(
        tmp_path,
        message(info()) * 3 + message(info(options=3, scales=0)),
        message(info(), peer=bytes([198, 51, 100, 9])),
        message(info(options=0, scales=0)),
        message(info(), peer=bytes([127, 0, 0, 1])) + message(info(), peer=HERE),
        message(info(), peer=bytes(15) + b"\1", family=10) + message(info(), peer=v6, family=10),
        message(info(), peer=mapped, family=10) + message(None) + DONE,
    )
    assert {prefix_text(prefix): n for prefix, n in found.connections.items()} == {
        "203.0.113.0/24": 6,
        "198.51.100.0/24": 1,
        "2001:db8:1::/48": 1,
    }
    assert {prefix_text(prefix): n for prefix, n in found.unscaled.items()} == {"203.0.113.0/24": 1}
    assert (found.bare, found.untold, found.total, found.broken) == (1, 1, 8, "")


def test_attributes_may_come_in_any_order_and_length(tmp_path: Path) -> None:
    shutdown = struct.pack("=HHB3x", 5, 8, 0)
    group = struct.pack("=HHQ", 12, 21, 77)
    rows = [
        message(info(3, 0, size), before=before) for size in LENGTHS for before in (b"", shutdown, shutdown + group)
    ]
    found = seen(tmp_path, *rows, DONE)
    assert (found.total, sum(found.unscaled.values()), found.untold, found.broken) == (len(rows), len(rows), 0, "")


def test_the_share_of_what_limits(tmp_path: Path) -> None:
    def sender(rwnd: int, sndbuf: int) -> bytes:
        return message(info(offset_168=1_000_000, offset_176=rwnd, offset_184=sndbuf))

    found = seen(
        tmp_path, sender(900_000, 0) + sender(0, 900_000) + sender(0, 0) + sender(100, 100) + message(info()) + DONE
    )
    assert (found.busy, found.rwnd_limited, found.sndbuf_limited) == (4, 1, 1)


STORY = {"options": 7, "scales": 0x70, "offset_228": 501}


@pytest.mark.parametrize(
    ("changes", "suspicious"),
    [
        ({}, True),
        ({"scales": 0x77}, False),
        ({"offset_228": 0}, False),  # a closed window
        ({"offset_228": 2000}, False),
        ({"options": 3}, True),  # stripped from the SYN-ACK
        ({"options": 0}, False),
        ({"timer": 1}, True),
        ({"timer": 0}, False),
        ({"queue": 0}, False),
    ],
)
def test_what_looks_stuck(changes: dict[str, int], suspicious: bool, tmp_path: Path) -> None:
    numbers = {**STORY, "timer": 4, "queue": 5000, **changes}
    timer, queue = numbers.pop("timer"), numbers.pop("queue")
    found = seen(tmp_path, message(info(**numbers), timer=timer, queue=queue) + DONE)
    assert any(passive.starving(suspect) for suspect in found.suspects.values()) is suspicious


def suspect(timer: int = 4, **changes: int) -> Suspect:
    """A connection of the story."""
    return Suspect("203.0.113.5", 40000, timer, 5000, parse_tcp_info(info(**{**STORY, **changes})))


def test_two_looks_tell_a_misread_window_from_a_peer_that_does_not_read() -> None:
    first = suspect(offset_120=5000, offset_156=20)
    assert passive.is_stuck(first, suspect(offset_120=5000 + 4 * 501, offset_156=24))
    assert passive.is_stuck(first, suspect(offset_120=5000 + 4 * 501, offset_156=23))
    assert not passive.is_stuck(first, first)  # nothing arrives
    assert not passive.is_stuck(first, suspect(offset_120=5000 + 4 * 1448, offset_156=24))
    assert not passive.is_stuck(first, suspect(offset_120=5501, offset_156=21, offset_228=0))
    busy = suspect(timer=1, offset_120=5000, offset_156=20)
    assert not passive.is_stuck(busy, suspect(timer=1, offset_120=7004, offset_156=24))  # neither probing nor waiting
    assert passive.is_stuck(
        busy, suspect(timer=1, offset_120=7004, offset_156=24, offset_168=800_000, offset_176=700_000)
    )
    assert passive.is_stuck(busy, suspect(timer=1, offset_120=7004, offset_156=24, offset_16=63))


def test_before_5_4_nobody_knows_the_window_and_the_timer_has_to_do() -> None:
    def older(timer: int, acked: int, segments: int) -> Suspect:
        content = info(**{**STORY, "offset_120": acked, "offset_156": segments, "size": 224})
        return Suspect("203.0.113.5", 40000, timer, 5000, parse_tcp_info(content))

    assert passive.is_stuck(older(4, 5000, 20), older(4, 7004, 24))
    assert not passive.is_stuck(older(4, 5000, 20), older(4, 5000, 20))
    assert not passive.starving(older(1, 5000, 20))


@pytest.mark.parametrize("host", ["ok", "warning", "critical"])
def test_a_dump_that_is_cut_anywhere_is_not_whole(host: str, tmp_path: Path) -> None:
    lines = (HOSTS / "tcp_window" / host / "netlink" / "tcp").read_text().split()
    whole = bytes.fromhex("".join(lines))
    for cut in (*range(0, 2000, 7), len(whole) - 1, len(whole) - 20, len(whole) - 21):
        found = seen(tmp_path, whole[:cut])
        assert "gave no list that makes sense" in found.broken, cut
        assert found.total <= 12


@given(st.binary(max_size=600), st.integers(0, 700))
def test_garbage_in_a_dump_is_an_error_and_nothing_worse(garbage: bytes, at: int) -> None:
    good = message(info()) + message(info(3, 0), timer=4, queue=9) + DONE
    data = good[:at] + garbage + good[at + len(garbage) :]
    host = HexHost.__new__(HexHost)
    Host.__init__(host, "/nowhere")
    host._answer = [data]
    assert look(host, 1, 0.1).total <= len(data) // 88


def test_what_the_kernel_may_refuse(tmp_path: Path) -> None:
    refused = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -2) + bytes(16)
    assert seen(tmp_path, refused).broken == "gave no list that makes sense: refused by the kernel"
    assert look(Host(str(tmp_path / "empty")), 1, 0.1).broken == "knows no sock_diag for TCP (modprobe tcp_diag)"
    (tmp_path / "netlink" / "tcp").write_text("no hexadecimal\n")
    assert "was not captured as hexadecimal" in look(Host(str(tmp_path)), 1, 0.1).broken


def test_the_request() -> None:
    """As ss sends it: the whole list of a family, with INET_DIAG_INFO."""
    request = dump_request(socket.AF_INET)
    assert len(request) == 72
    assert struct.unpack_from("=IHHII", request) == (72, 20, 0x301, 1, 0)
    assert struct.unpack_from("=BBBxI", request, 16) == (2, 6, 2, 0b101100010010)

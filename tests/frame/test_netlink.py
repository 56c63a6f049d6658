"""Link dumps: the bytes that are asked with, and any bytes as the reply."""

from __future__ import annotations

import errno
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.frame.host import Host
from checks.frame.netlink import Link, NetlinkError, dump_request, messages, parse_links

NEWLINK, DONE, ERROR, NOOP = 16, 3, 2, 1


def attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", len(content) + 4, kind) + content + b"\0" * (-len(content) % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 4711) + body + b"\0" * (-len(body) % 4)


def link(index: int, *attributes: bytes) -> bytes:
    return message(NEWLINK, struct.pack("=BBHiII", 0, 0, 1, index, 0x1043, 0) + b"".join(attributes))


def name(text: bytes) -> bytes:
    return attribute(3, text + b"\0")


def kind_of(text: bytes, data: bytes = b"") -> bytes:
    return attribute(18 | 0x8000, attribute(1, text) + (attribute(2, data) if data else b""))


HARDWARE = link(2, name(b"eth0"), attribute(4, struct.pack("=I", 1400)), attribute(1, b"\x02\xfc\0\0\0\1"))
BRIDGE = link(5, name(b"docker0"), kind_of(b"bridge\0", attribute(1, b"\xdc\5\0\0")))
VETH = link(77, name(b"veth12ab"), attribute(10, struct.pack("=I", 5)), kind_of(b"veth\0"), attribute(37, b"\0\0\0\0"))
ODD = link(78, name(b"x\xff|y"), kind_of(b"veth\xff\0"))
REPLY = HARDWARE + BRIDGE + VETH + ODD
LINKS = [
    Link(2, "eth0", "", False),
    Link(5, "docker0", "bridge", False),
    Link(77, "veth12ab", "veth", True),
    Link(78, "x\udcff|y", "veth\ufffd", False),
]


@pytest.mark.parametrize(
    ("kind", "master", "attributes"),
    [
        ("", None, b""),
        ("bridge", None, struct.pack("=HHHH6sxx", 16, 18, 10, 1, b"bridge")),
        ("", 7, struct.pack("=HHI", 8, 10, 7)),
        ("veth", 7, struct.pack("=HHHH4s", 12, 18, 8, 1, b"veth") + struct.pack("=HHI", 8, 10, 7)),
    ],
)
def test_request(kind: str, master: int | None, attributes: bytes) -> None:
    body = bytes(16) + struct.pack("=HHI", 8, 29, 8) + attributes
    assert dump_request(kind, master) == struct.pack("=IHHII", 16 + len(body), 18, 0x301, 1, 0) + body


def test_reply() -> None:
    assert parse_links(REPLY) == (LINKS, False)
    assert parse_links(REPLY + message(DONE, b"\0\0\0\0") + HARDWARE) == (LINKS, True)
    assert parse_links(message(DONE, b"\0\0\0\0")) == ([], True)
    assert parse_links(message(NOOP, b"") + BRIDGE) == ([LINKS[1]], False)
    assert parse_links(b"") == ([], False)


def test_a_link_without_a_word() -> None:
    assert parse_links(link(9)) == ([Link(9, "", "", False)], False)


@pytest.mark.parametrize(
    ("code", "number"), [(-errno.EPERM, errno.EPERM), (-errno.ENODEV, errno.ENODEV), (-errno.EBUSY, errno.EBUSY)]
)
def test_refusal(code: int, number: int) -> None:
    with pytest.raises(NetlinkError) as refused:
        parse_links(BRIDGE + message(ERROR, struct.pack("=i", code) + bytes(16)))
    assert refused.value.errno == number
    assert refused.value.strerror


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("=IHHII", 15, NEWLINK, 2, 1, 0),
        struct.pack("=IHHII", 0, NEWLINK, 2, 1, 0),
        struct.pack("=IHHII", 0xFFFFFFFF, NEWLINK, 2, 1, 0),
        BRIDGE[:-1],
        link(5, struct.pack("=HH", 3, 3)),
        link(5, struct.pack("=HH", 200, 3)),
        link(5, attribute(18, struct.pack("=HH", 99, 1))),
    ],
)
def test_what_makes_no_sense(data: bytes) -> None:
    with pytest.raises(NetlinkError):
        parse_links(REPLY + data)


@pytest.mark.parametrize("cut", range(len(REPLY)))
def test_a_reply_cut_anywhere_gives_no_invented_link(cut: int) -> None:
    try:
        found, done = parse_links(REPLY[:cut])
    except NetlinkError:
        return
    assert found == LINKS[: len(found)]
    assert not done


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    for reply in (data, BRIDGE + data, link(5, data), link(5, attribute(18, data)), message(ERROR, data)):
        try:
            found, _ = parse_links(reply)
        except NetlinkError:
            continue
        assert all(isinstance(entry, Link) for entry in found)


# --- the messages of any datagram: of links, routes and whatever comes ---


def test_messages_end_with_the_dump() -> None:
    parts = [HARDWARE, message(NOOP, b"abc"), message(DONE, b"\0\0\0\0"), BRIDGE]
    found = list(messages(b"".join(parts)))
    assert [kind for kind, _, _ in found] == [NEWLINK, NOOP, DONE]
    starts = [0, len(HARDWARE), len(HARDWARE) + len(parts[1])]
    assert [start for _, start, _ in found] == [16 + start for start in starts]
    assert found[1][2] - found[1][1] == 3  # without what fills it up to the next one


@pytest.mark.parametrize("length", [0, 1, 15, 17, 1 << 16, 0xFFFFFFFF])
def test_a_message_of_a_wrong_length(length: int) -> None:
    stream = messages(BRIDGE + struct.pack("=IHHII", length, NEWLINK, 2, 1, 0))
    assert next(stream) == (NEWLINK, 16, len(BRIDGE))
    with pytest.raises(NetlinkError, match="truncated message"):
        next(stream)


@pytest.mark.parametrize("cut", range(len(REPLY)))
def test_messages_of_a_datagram_cut_anywhere(cut: int) -> None:
    whole, found = list(messages(REPLY)), []
    try:
        for one in messages(REPLY[:cut]):
            found.append(one)
    except NetlinkError:
        pass
    assert found == whole[: len(found)]
    assert all(end <= cut for _, _, end in found)


@given(st.binary(max_size=300))
def test_messages_of_noise_stay_inside_it(data: bytes) -> None:
    for datagram in (data, BRIDGE + data, message(ERROR, data)):
        last = 0
        try:
            for _, start, end in messages(datagram):
                assert last + 16 <= start <= end <= len(datagram)
                last = end
        except NetlinkError:
            continue


@pytest.mark.parametrize(("body", "number"), [(b"", 0), (b"\1\2", 0), (struct.pack("=i", -errno.EPERM), errno.EPERM)])
def test_a_refusal_of_any_length(body: bytes, number: int) -> None:
    data = struct.pack("=IHHII", 16 + len(body), ERROR, 2, 1, 0) + body
    with pytest.raises(NetlinkError, match="refused by the kernel") as refused:
        list(messages(data))
    assert refused.value.errno == number


def test_this_machine() -> None:
    assert {(entry.ifindex, entry.name) for entry in Host().links()} == set(socket.if_nameindex())


def test_this_machines_links_of_a_kind_are_among_all() -> None:
    everything = Host().links()
    assert Host().links("bridge") == [entry for entry in everything if entry.kind == "bridge"]
    assert Host().links("no-such-kind") == []

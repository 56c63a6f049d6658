"""Routes with metrics, from rtnetlink dumps."""

from __future__ import annotations

import json
import random
import socket
import struct
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.namespaces import Namespace
from support import HOSTS, PROJECT

from checks.frame.host import Host
from checks.frame.netlink import NetlinkError
from checks.tcp_window import routes
from checks.tcp_window.routes import Route, dump_request, parse_routes, read_routes

DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)
RECORDED = [Route("default", 0, 20), Route("192.0.2.0/24", 65535), Route("default (IPv6)")]


def attribute(kind: int, content: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)


def message(
    destination: bytes, bits: int, metrics: dict[int, int], family: int = 2, kind: int = 1, flags: int = 0
) -> bytes:
    body = struct.pack("=BBBBBBBBI", family, bits, 0, 0, 254, 3, 0, kind, flags)
    body += attribute(1, destination) if bits else b""
    body += attribute(8, b"".join(attribute(k, struct.pack("=I", v)) for k, v in metrics.items())) if metrics else b""
    return struct.pack("=IHHII", 16 + len(body), 24, 2, 1, 0) + body


def test_what_counts_is_default_routes_and_metrics() -> None:
    data = b"".join(
        (
            message(b"", 0, {}),
            message(bytes([10, 0, 0, 0]), 8, {}),
            message(bytes([10, 1, 0, 0]), 16, {3: 65535, 11: 40, 14: 60}),
            message(bytes([10, 2, 0, 0]), 16, {2: 1400}),  # a path MTU
            message(bytes([10, 3, 0, 0]), 16, {11: 5}, kind=2),  # local
            message(bytes([10, 4, 0, 0]), 16, {11: 5}, flags=0x200),  # a cached exception
            message(bytes.fromhex("20010db8") + bytes(12), 32, {14: 9}, family=10),
            message(b"\xff", 24, {11: 7}),
            message(bytes(4), 24, {11: 5}, family=99),
        )
    )
    assert parse_routes(data + DONE) == (
        [Route("default"), Route("10.1.0.0/16", 65535, 40, 60), Route("2001:db8::/32", 0, 0, 9), Route("?/24", 0, 7)],
        True,
    )
    assert parse_routes(data)[1] is False


def test_words() -> None:
    assert Route("default", 65535, 40, 60).clamps == "window 65535 initcwnd 40 initrwnd 60"
    assert (Route("default").clamps, Route("default").first_flight, Route("default", 0, 4).first_flight) == ("", 10, 4)


def test_a_recorded_host() -> None:
    found, more = read_routes(Host(str(HOSTS / "tcp_window" / "ok")))
    assert [route for route in found if route.clamps] == RECORDED[:2]
    assert more is False


def test_a_table_that_is_too_long_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_DATAGRAMS_MAX", 3)
    endless = Host("/nowhere")
    monkeypatch.setattr(endless, "netlink", lambda *_: iter([message(b"", 0, {})] * 1000))
    found, more = read_routes(endless)
    assert (len(found), more) == (8, True)


@pytest.mark.parametrize("cut", range(1, len(message(bytes(4), 24, {11: 5}))))
def test_a_message_that_is_cut(cut: int) -> None:
    data = message(bytes(4), 24, {11: 5})[:-cut]
    if len(data) >= 16:
        with pytest.raises(NetlinkError):
            parse_routes(data)


@given(st.binary(max_size=400))
def test_garbage_is_an_error_and_nothing_worse(data: bytes) -> None:
    try:
        found, _ = parse_routes(data)
    except NetlinkError:
        return
    assert len(found) <= len(data) // 28


def test_damage_in_a_recorded_dump() -> None:
    whole = bytes.fromhex((HOSTS / "tcp_window" / "ok" / "netlink" / "routes").read_text().split()[0])
    dice = random.Random(7)
    for _ in range(500):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            parse_routes(bytes(data))
        except NetlinkError:
            continue


@pytest.mark.needs("unshare", "ip")
def test_the_same_as_ip_says() -> None:
    with Namespace() as space:
        space.must("ip", "link", "add", "d0", "type", "veth", "peer", "name", "d1")
        for words in ("link set d0 up", "link set d1 up", "address add 10.7.0.1/24 dev d0"):
            space.must("ip", *words.split())
        for words in (
            "add default via 10.7.0.2 initcwnd 33",
            "add 192.0.2.0/24 via 10.7.0.2 window 65535 initrwnd 44",
            "add 198.51.100.0/24 via 10.7.0.2 mtu 1400",
        ):
            space.must("ip", "route", *words.split())
        said = space.must("ip", "-j", "-4", "route")
        script = "import sys; sys.path.insert(0, sys.argv[1])\nfrom checks.frame.host import Host\n"
        script += "from checks.tcp_window.routes import read_routes\nprint(read_routes(Host())[0])"
        ours = space.must(sys.executable, "-c", script, str(PROJECT))
    with_metrics = {row["dst"]: row["metrics"][0] for row in json.loads(said) if row.get("metrics")}
    assert with_metrics["default"] == {"initcwnd": 33}
    assert with_metrics["192.0.2.0/24"] == {"window": 65535, "initrwnd": 44}
    assert "Route(destination='default', window=0, initcwnd=33, initrwnd=0)" in ours
    assert "Route(destination='192.0.2.0/24', window=65535, initcwnd=0, initrwnd=44)" in ours
    assert "198.51.100.0" not in ours


def test_the_request() -> None:
    assert struct.unpack("=IHHII", dump_request(socket.AF_INET)[:16]) == (28, 26, 0x301, 1, 0)

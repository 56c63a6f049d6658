"""How many addresses and networks are left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker_bridge.addresses import DEFAULT_POOLS, Pool, Subnet, free_pools, is_ipv4, parse_routes, usable, used


@pytest.mark.parametrize(
    ("subnet", "count"),
    [
        (Subnet("10.99.0.0/29"), 5),
        (Subnet("10.99.0.0/29", gateway="10.99.0.6"), 5),
        (Subnet("10.99.0.0/24"), 253),
        (Subnet("10.99.0.0/24", gateway="10.99.0.1/24"), 253),
        (Subnet("172.17.0.0/16"), 65533),
        (Subnet("10.99.0.0/24", ip_range="10.99.0.128/25"), 127),
        (Subnet("10.99.0.0/24", ip_range="10.99.0.0/25"), 126),
        (Subnet("10.99.0.0/24", ip_range="10.99.0.64/26"), 64),
        (Subnet("10.99.0.0/24", ip_range="10.99.0.64/26", gateway="10.99.0.65"), 63),
        (Subnet("10.99.0.0/24", reserved=("10.99.0.9", "10.99.0.10")), 251),
        (Subnet("10.99.0.0/24", reserved=("10.99.0.1", "10.99.0.255", "10.1.1.1")), 253),
        (Subnet("10.99.0.0/24", gateway="10.99.0.254", reserved=("10.99.0.254",)), 253),
        (Subnet("10.99.0.0/30"), 1),
        (Subnet("10.99.0.0/31"), 1),
        (Subnet("10.99.0.0/32"), 1),
        (Subnet("10.99.0.0/29", reserved=tuple(f"10.99.0.{n}" for n in range(8))), 0),
        (Subnet("10.99.0.5/24"), 253),
    ],
)
def test_usable(subnet: Subnet, count: int) -> None:
    assert usable(subnet) == count


@pytest.mark.parametrize("text", ["", "x", "10.0.0.0/33", "fd00::/64", "10.0.0/8/8"])
def test_no_subnet(text: str) -> None:
    assert not is_ipv4(text)
    with pytest.raises(ValueError, match=r"."):
        usable(Subnet(text))


@pytest.mark.parametrize(
    ("subnet", "addresses", "count"),
    [
        (Subnet("10.99.0.0/29"), [], 0),
        (Subnet("10.99.0.0/29"), ["10.99.0.2/29", "10.99.0.3/29", "", "10.98.0.2/29"], 2),
        (Subnet("10.99.0.0/24", "10.99.0.128/25"), ["10.99.0.127/24", "10.99.0.128/24", "10.99.0.255/24"], 2),
    ],
)
def test_used(subnet: Subnet, addresses: list[str], count: int) -> None:
    assert used(subnet, addresses) == count


@given(st.integers(8, 30), st.integers(0, 2**32 - 1))
def test_a_full_subnet_has_nothing_left(prefix: int, base: int) -> None:
    text = ".".join(str(base >> shift & 255) for shift in (24, 16, 8, 0))
    assert usable(Subnet(f"{text}/{prefix}")) == 2 ** (32 - prefix) - 3


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], 31),
        (["172.17.0.0/16"], 30),
        (["172.17.0.0/16", "172.17.0.0/16", "172.17.0.0/255.255.0.0"], 30),
        (["172.18.5.0/24"], 30),
        (["172.16.0.0/12"], 16),
        (["192.168.1.0/24"], 30),
        (["192.168.15.0/24", "192.168.16.0/24"], 29),
        (["192.168.0.0/16"], 15),
        (["172.31.255.255/32", "192.168.0.0/32"], 29),
        (["10.0.0.0/8", "1.2.3.4/32"], 31),
        (["0.0.0.0/0"], 31),
        (["128.0.0.0/1"], 0),
        (["172.16.0.0/12", "192.168.0.0/16"], 0),
    ],
)
def test_free_default_pools(taken: list[str], free: int) -> None:
    assert free_pools(DEFAULT_POOLS, taken) == free


@pytest.mark.parametrize(
    ("pools", "taken", "free"),
    [
        ([Pool("10.10.0.0/16", 24)], [], 256),
        ([Pool("10.10.0.0/16", 24)], ["10.10.7.0/24", "10.10.8.128/25", "172.17.0.0/16"], 254),
        ([Pool("10.10.0.0/16", 24)], ["10.10.0.0/23"], 254),
        ([Pool("10.10.0.0/24", 24), Pool("10.11.0.0/24", 25)], ["10.10.0.0/24"], 2),
        ([Pool("10.0.0.0/8", 32)], [], 4096),
        ([], [], 0),
    ],
)
def test_free_configured_pools(pools: list[Pool], taken: list[str], free: int) -> None:
    assert free_pools(pools, taken) == free


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0000000A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
br-1\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t0101A8C0\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
"""


def test_routes() -> None:
    assert parse_routes(ROUTES) == [
        "10.0.0.0/255.255.0.0",
        "172.17.0.0/255.255.0.0",
        "192.168.1.0/255.255.255.0",
        "192.168.1.1/255.255.255.255",
    ]
    assert free_pools(DEFAULT_POOLS, parse_routes(ROUTES)) == 29
    assert parse_routes("") == parse_routes("Iface\tDestination\n") == []


@pytest.mark.parametrize("line", ["eth0 1 2 3 4 5 6 7", "e 000011A 0 1 0 0 0 0000FFFF", "e zz 0 1 0 0 0 0000FFFF"])
def test_routes_that_are_none(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_routes(f"head\n{line}\n")


@pytest.mark.parametrize("cut", range(len(ROUTES)))
def test_truncated_routes_are_fewer_or_refused(cut: int) -> None:
    try:
        found = parse_routes(ROUTES[:cut])
    except ValueError:
        return
    assert found == parse_routes(ROUTES)[: len(found)]

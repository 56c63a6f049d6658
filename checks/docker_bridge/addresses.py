"""How many addresses and networks Docker can still give out: arithmetic over subnets.

Docker's IPAM keeps a subnet's network and broadcast address and one for the gateway. Its default pools are
172.17.0.0/16 to 172.31.0.0/16 and sixteen /20 of 192.168.0.0/16: 31 networks, docker0's among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from perfdata.record import Record

_NETWORKS_MAX = 4096  # of the pools that are looked at: who has more left needs no counting


class Pool(Record):
    """A range that Docker cuts into networks of one size."""

    base: str  # "192.168.0.0/16"
    size: int  # prefix length of each network


class Subnet(Record):
    """One subnet of a Docker network."""

    subnet: str  # "10.99.0.0/29"
    ip_range: str = ""  # the part that addresses are taken from, "" for all of it
    gateway: str = ""  # "" when Docker chose it
    reserved: tuple[str, ...] = ()  # auxiliary addresses


DEFAULT_POOLS = (*(Pool(f"172.{second}.0.0/16", 16) for second in range(17, 32)), Pool("192.168.0.0/16", 20))


def _address(text: str) -> IPv4Address:
    return IPv4Address(text.partition("/")[0])


def _network(text: str) -> IPv4Network:
    return IPv4Network(text, strict=False)


def is_ipv4(text: str) -> bool:
    """Whether this is an IPv4 subnet; IPv6 ones do not run out of addresses."""
    try:
        _network(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        return False
    return True


def usable(subnet: Subnet) -> int:
    """Addresses that endpoints can get. Raises ValueError for what is no IPv4 subnet."""
    network = _network(subnet.subnet)
    pool = _network(subnet.ip_range) if subnet.ip_range else network
    kept = {network.network_address, network.broadcast_address} if network.prefixlen < 31 else set()
    kept.add(_address(subnet.gateway) if subnet.gateway else network.network_address + 1)
    kept.update(_address(address) for address in subnet.reserved)
    return max(0, pool.num_addresses - sum(1 for address in kept if address in pool))


def used(subnet: Subnet, addresses: Iterable[str]) -> int:
    """How many of these endpoint addresses ("10.99.0.2/29", "" for none) lie in the part that is given out."""
    pool = _network(subnet.ip_range or subnet.subnet)
    first, last = int(pool.network_address), int(pool.broadcast_address)
    return sum(1 for address in addresses if address and first <= int(_address(address)) <= last)


def free_pools(pools: Sequence[Pool], taken: Iterable[str]) -> int:
    """Networks the pools still have, without those that overlap ``taken`` (IPv4 subnets of networks and routes)."""
    occupied = [(int(net.network_address), int(net.broadcast_address)) for net in map(_network, taken) if net.prefixlen]
    free = 0
    for pool in pools:
        base = _network(pool.base)
        size = 1 << (32 - pool.size)
        end = min(int(base.broadcast_address), int(base.network_address) + size * _NETWORKS_MAX)
        for start in range(int(base.network_address), end, size):
            free += not any(start <= last and first < start + size for first, last in occupied)
    return free


def parse_routes(text: str) -> list[str]:
    """Subnets in /proc/net/route (its addresses are little-endian hexadecimal), the default route left out."""
    subnets = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[7] == "00000000":
            continue
        address, mask = (IPv4Address(bytes.fromhex(fields[column])[::-1]) for column in (1, 7))
        subnets.append(f"{address}/{mask}")
    return subnets

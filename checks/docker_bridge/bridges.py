"""Linux bridges as the kernel shows them, and the kernel settings that bite beside the 1023 ports.

A bridge takes exactly 1023 ports (BR_PORT_BITS in net/bridge/br_private.h); the next one fails with EXFULL, without a
line in the kernel's log. Files: /proc/sys/net/core/netdev_max_backlog, /proc/net/stat/arp_cache.
"""

from __future__ import annotations

from checks.frame.host import Host
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from checks.frame.unread import Reader

PORTS_MAX = 1023
BACKLOG, ARP_CACHE = "/proc/sys/net/core/netdev_max_backlog", "/proc/net/stat/arp_cache"


class Bridge(Record):
    """One bridge and how many ports it has."""

    name: str  # as the kernel has it: any bytes but "/", ":" and white space
    ifindex: int
    ports: int


class Neighbours(Record):
    """Kernel limits that large bridges run into; None where this namespace does not have the file."""

    backlog: int | None  # packets, net.core.netdev_max_backlog
    table_fulls: int | None  # ARP table overflows since boot


class Port(Record):
    """One port of a bridge."""

    ifindex: int
    peer_elsewhere: bool  # its other end is in another network namespace, as a container's is


def read_ports(host: Host, bridge: Bridge) -> list[Port]:
    """The ports of a bridge one by one, through netlink. Raises OSError."""
    return [Port(link.ifindex, link.peer_elsewhere) for link in host.links(master=bridge.ifindex)]


def read_neighbours(reader: Reader) -> Neighbours:
    """Never raises: a file that is missing or strange is None, which is said at -v."""

    def parsed(parse: Callable[[str], int], path: str) -> int | None:
        try:
            return parse(reader.text(path))
        except ValueError:
            return None

    return Neighbours(parsed(int, BACKLOG), parsed(parse_table_fulls, ARP_CACHE))


def parse_table_fulls(text: str) -> int:
    """The sum of column table_fulls over all processors; numbers are hexadecimal. Raises ValueError."""
    lines = text.splitlines()
    columns = lines[0].split() if lines else []
    column = columns.index("table_fulls")
    rows = [line.split() for line in lines[1:]]
    if not rows or any(len(row) != len(columns) for row in rows):
        raise ValueError("truncated statistics")
    return sum(int(row[column], 16) for row in rows)

"""Routes with metrics that clamp TCP: rtnetlink RTM_GETROUTE dumps (linux/rtnetlink.h, RTA_METRICS)."""

from __future__ import annotations

import _socket as socket  # see checks/frame/tcp.py
import errno
import struct

from checks.frame.netlink import DONE, NetlinkError, attributes, dump, messages
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.frame.host import Host

_RTM_NEWROUTE, _RTM_GETROUTE = 24, 26
_RTA_DST, _RTA_METRICS = 1, 8
_RTN_UNICAST = 1
_CLONED = 0x200  # RTM_F_CLONED: cached exceptions, as path MTU discovery leaves
_WINDOW, _INITCWND, _INITRWND = 3, 11, 14  # RTAX_*
_ROUTE = struct.Struct("=BBBBBBBBI")
_DATAGRAMS_MAX = 200  # some 30,000 routes: what clamps is set by hand, and is not beyond those of a whole Internet
_KERNELS_INITCWND = 10  # segments, TCP_INIT_CWND


class Route(Record):
    """A unicast route; metrics are 0 where they are not set."""

    destination: str  # "10.0.0.0/8", "default"
    window: int = 0  # bytes
    initcwnd: int = 0  # segments
    initrwnd: int = 0

    @property
    def clamps(self) -> str:
        """The metrics that are set: "window 65535 initcwnd 40"."""
        named = (("window", self.window), ("initcwnd", self.initcwnd), ("initrwnd", self.initrwnd))
        return " ".join(f"{name} {value}" for name, value in named if value)

    @property
    def first_flight(self) -> int:
        """Segments that a new connection sends at once."""
        return self.initcwnd or _KERNELS_INITCWND


def dump_request(family: int) -> bytes:
    """A request for all routes of a family."""
    return dump(_RTM_GETROUTE, _ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0))


def parse_routes(data: bytes) -> tuple[list[Route], bool]:
    """The unicast routes of one datagram that have metrics or are default routes, and whether it is the last.

    Raises NetlinkError.
    """
    routes: list[Route] = []
    for kind, start, end in messages(data):
        if kind == DONE:
            return routes, True
        if kind == _RTM_NEWROUTE and end - start >= _ROUTE.size:
            route = _route(data, start, end)
            if route is not None:
                routes.append(route)
    return routes, False


def _route(data: bytes, start: int, end: int) -> Route | None:
    family, bits, _, _, _, _, _, kind, flags = _ROUTE.unpack_from(data, start)
    if kind != _RTN_UNICAST or flags & _CLONED or family not in (socket.AF_INET, socket.AF_INET6):
        return None
    found = dict(attributes(data, start + _ROUTE.size, end))
    metrics = dict(attributes(found[_RTA_METRICS], 0, len(found[_RTA_METRICS]))) if _RTA_METRICS in found else {}
    window, initcwnd, initrwnd = (_number(metrics.get(metric, b"")) for metric in (_WINDOW, _INITCWND, _INITRWND))
    if bits and not (window or initcwnd or initrwnd):
        return None
    return Route(_destination(family, found.get(_RTA_DST, b""), bits), window, initcwnd, initrwnd)


def _number(content: bytes) -> int:
    return int(struct.unpack("=I", content)[0]) if len(content) == 4 else 0


def _destination(family: int, address: bytes, bits: int) -> str:
    if not bits:
        return "default" if family == socket.AF_INET else "default (IPv6)"
    try:
        return f"{socket.inet_ntop(family, address)}/{bits}"
    except ValueError:
        return f"?/{bits}"


def read_routes(host: Host) -> tuple[list[Route], bool]:
    """Default routes, and those with metrics; and whether there are more than were looked at. Raises OSError."""
    routes: list[Route] = []
    more = False
    for family, name in ((socket.AF_INET, "routes"), (socket.AF_INET6, "routes6")):
        try:
            found, cut = _read_dump(host.netlink(0, dump_request(family), name))
            routes += found
            more |= cut
        except FileNotFoundError:
            if family == socket.AF_INET:
                raise
    return routes, more


def _read_dump(datagrams: Iterator[bytes]) -> tuple[list[Route], bool]:
    routes: list[Route] = []
    for number, data in enumerate(datagrams):
        found, done = parse_routes(data)
        routes += found
        if done or number >= _DATAGRAMS_MAX:
            return routes, not done
    raise NetlinkError(errno.EBADMSG, "the list ended early")

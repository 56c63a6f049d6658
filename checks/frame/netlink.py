"""netlink: the messages of a dump; and link dumps, which interfaces there are in the namespace of *this process*.

sysfs shows the namespace that mounted it, netlink the one the process is in. Formats: linux/netlink.h,
linux/rtnetlink.h and linux/if_link.h.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from perfdata.record import Record

ERROR, DONE = 2, 3  # types of messages: a refusal, and the end of a dump
_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_NLM_F_REQUEST_DUMP = 0x301
_IFLA_IFNAME, _IFLA_MASTER, _IFLA_LINKINFO, _IFLA_EXT_MASK, _IFLA_LINK_NETNSID = 3, 10, 18, 29, 37
_IFLA_INFO_KIND = 1
_SKIP_STATS = 1 << 3  # RTEXT_FILTER_SKIP_STATS: statistics are most of a reply and not wanted
_HEADER = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ATTRIBUTE = struct.Struct("=HH")


class NetlinkError(OSError):
    """The kernel refused the request or its reply makes no sense."""


class Link(Record):
    """One interface of a dump."""

    ifindex: int
    name: str
    kind: str  # "bridge", "veth"; "" for hardware
    peer_elsewhere: bool  # its other end (veth) is in another network namespace


def _attribute(kind: int, content: bytes) -> bytes:
    return _ATTRIBUTE.pack(4 + len(content), kind) + content + bytes(-len(content) % 4)


def dump_request(kind: str = "", master: int | None = None) -> bytes:
    """A request for all links, or those of a kind ("bridge"), or the ports of a master by its index."""
    body = _LINK.pack(0, 0, 0, 0, 0) + _attribute(_IFLA_EXT_MASK, struct.pack("=I", _SKIP_STATS))
    if kind:
        body += _attribute(_IFLA_LINKINFO, _attribute(_IFLA_INFO_KIND, kind.encode()))
    if master is not None:
        body += _attribute(_IFLA_MASTER, struct.pack("=I", master))
    return dump(_RTM_GETLINK, body)


def dump(kind: int, body: bytes) -> bytes:
    """A request of this type for all there are."""
    return _HEADER.pack(_HEADER.size + len(body), kind, _NLM_F_REQUEST_DUMP, 1, 0) + body


def messages(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(type, start of the content, end) of each message of a datagram; DONE is the last one.

    Raises NetlinkError for a message that is cut, and for a refusal.
    """
    offset, size = 0, len(data)
    while offset + _HEADER.size <= size:
        length, kind, _, _, _ = _HEADER.unpack_from(data, offset)
        start, end = offset + _HEADER.size, offset + length
        if end < start or end > size:
            raise NetlinkError("truncated message")
        if kind == ERROR:
            raise refusal(data, start, end)
        yield kind, start, end
        if kind == DONE:
            return
        offset += (length + 3) & ~3


def refusal(data: bytes, start: int, end: int) -> NetlinkError:
    """What the kernel says in a message of type NLMSG_ERROR."""
    code = struct.unpack_from("=i", data, start)[0] if end - start >= 4 else 0
    return NetlinkError(-code, "refused by the kernel")


def attributes(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The attributes (type, content) between two offsets of a message. Raises NetlinkError."""
    while start + 4 <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            raise NetlinkError("truncated attribute")
        yield kind & 0x3FFF, data[start + 4 : start + length]
        start += (length + 3) & ~3


def parse_links(data: bytes) -> tuple[list[Link], bool]:
    """The links of one reply datagram, and whether it ends the dump. Raises NetlinkError."""
    links: list[Link] = []
    for kind, start, end in messages(data):
        if kind == DONE:
            return links, True
        if kind == _RTM_NEWLINK and end - start >= _LINK.size:
            links.append(_link(data, start, end))
    return links, False


def _link(data: bytes, start: int, end: int) -> Link:
    index = _LINK.unpack_from(data, start)[2]
    name, link_kind, elsewhere = "", "", False
    for kind, content in attributes(data, start + _LINK.size, end):
        if kind == _IFLA_IFNAME:
            name = content.rstrip(b"\0").decode("utf-8", "surrogateescape")
        elif kind == _IFLA_LINK_NETNSID:
            elsewhere = True
        elif kind == _IFLA_LINKINFO:
            info = dict(attributes(content, 0, len(content)))
            link_kind = info.get(_IFLA_INFO_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
    return Link(index, name, link_kind, elsewhere)

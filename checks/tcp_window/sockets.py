"""All TCP connections of this network namespace through sock_diag (linux/inet_diag.h): any user gets everybody's.

A server has tens of thousands, so each is asked for a few bytes only; what these make suspicious is decoded in full.
"""

from __future__ import annotations

import _socket as socket  # see checks/frame/tcp.py
import errno
import struct

from checks.frame.netlink import DONE, ERROR, NetlinkError, attributes, dump, refusal
from checks.tcp_window.tcp_info import TcpInfo, parse_tcp_info
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from checks.frame.host import Host

SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
PROBING = 4  # idiag_timer: the peer's window is waited for
_RETRANSMITTING = 1
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_INET_DIAG_INFO = 2
_STATES = 1 << 1 | 1 << 4 | 1 << 8 | 1 << 9 | 1 << 11  # established, and those that still have data to send
_MESSAGE = 88  # bytes: netlink header and inet_diag_msg, before the attributes
_LIMITS = struct.Struct("=QQQ")  # busy_time, rwnd_limited, sndbuf_limited at offset 168
_LIMITS_AT, _LIMITS_END = 168, 192
_BUSY_LEAST = 200_000  # microseconds of sending that make a share meaningful
_SAMPLE, _SAMPLE_EVERY = 1000, 32  # the first ones all, later ones now and then
_SUSPECTS_MAX = 200
_MAPPED = bytes(10) + b"\xff\xff"
_LOOPBACK6 = bytes(15) + b"\x01"
_LITTLE = struct.pack("=H", 1)[0] == 1


class Suspect(Record):
    """A connection that cannot send what it has."""

    address: str
    port: int
    timer: int
    queue: int  # bytes unsent or not acknowledged
    info: TcpInfo

    @property
    def peer(self) -> str:
        """ "203.0.113.5:443"."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Look(Record):
    """What one pass over all connections saw; those to this host itself are left out."""

    connections: dict[bytes, int]  # peer prefix -> how many
    unscaled: dict[bytes, int]  # those that have other options, but no window scaling
    bare: int  # those without any option
    untold: int  # those of which the kernel told nothing
    suspects: dict[bytes, Suspect]  # by identity
    busy: int  # sampled connections that have been sending
    rwnd_limited: int  # those of them that mostly waited for the peer's window
    sndbuf_limited: int  # ... for their own send buffer
    broken: str  # why this is not all; "" when it is

    @property
    def total(self) -> int:
        """Connections to peers elsewhere."""
        return sum(self.connections.values())


def dump_request(family: int) -> bytes:
    """A request for all connections of a family with their tcp_info."""
    body = struct.pack("=BBBxI", family, socket.IPPROTO_TCP, 1 << (_INET_DIAG_INFO - 1), _STATES) + bytes(48)
    return dump(_BY_FAMILY, body)


def prefix_text(prefix: bytes) -> str:
    """ "203.0.113.0/24", "2001:db8:1::/48"."""
    if len(prefix) == 3:
        return f"{prefix[0]}.{prefix[1]}.{prefix[2]}.0/24"
    return f"{socket.inet_ntop(socket.AF_INET6, prefix + bytes(10))}/48"


def _address(family: int, address: bytes) -> str:
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[:4])
    if address.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, address[12:])
    return socket.inet_ntop(socket.AF_INET6, address)


class _Tally:
    """Counts over the datagrams of a dump."""

    def __init__(self) -> None:
        self.connections: dict[bytes, int] = {}
        self.unscaled: dict[bytes, int] = {}
        self.bare = self.untold = self.seen = 0
        self.suspects: dict[bytes, Suspect] = {}
        self.busy = self.rwnd_limited = self.sndbuf_limited = 0
        self._shape(0, 0)

    def _shape(self, at: int, length: int) -> None:
        """Messages of one dump look alike: this is where the next one's tcp_info is expected."""
        self._info_at = at
        self._head = struct.pack("=HH", length, _INET_DIAG_INFO)
        # length, type, family, timer, source, destination, queue, attribute header, backoff, options, scales
        self._fields = struct.Struct(f"=IH10xBxBx4x16s16s20xI8x{max(at - _MESSAGE, 0)}x4s4xBBB")

    def add(self, data: bytes) -> bool:
        """Take a datagram; True when it was the last. Raises NetlinkError."""
        offset, size = 0, len(data)
        while offset + 16 <= size:
            length, kind = struct.unpack_from("=IH", data, offset)
            end = offset + length
            if length < 16 or end > size:
                raise NetlinkError("truncated message")
            if kind == _BY_FAMILY:
                offset = self._add_run(data, offset, size)
                continue
            if kind == DONE:
                return True
            if kind == ERROR:
                raise refusal(data, offset + 16, end)
            offset += (length + 3) & ~3
        return False

    def _add_run(self, data: bytes, offset: int, size: int) -> int:  # noqa: PLR0912 - a call costs as much as it does
        """Take messages about sockets as long as they follow each other; where they end. Raises NetlinkError."""
        connections, unscaled = self.connections, self.unscaled
        sampled = self.seen
        while offset + 16 <= size:
            if offset + self._fields.size <= size:
                length, kind, family, timer, source, peer, queue, head, backoff, options, scales = (
                    self._fields.unpack_from(data, offset)
                )
            else:
                length, kind, head = (*struct.unpack_from("=IH", data, offset), b"")
            if kind != _BY_FAMILY:
                break
            if length < _MESSAGE or offset + length > size:
                raise NetlinkError("truncated message")
            if head != self._head or offset + self._fields.size > offset + length:
                if not self._find_info(data, offset, offset + length):
                    self.untold += 1
                    offset += (length + 3) & ~3
                continue
            if family == 2:  # AF_INET
                key = peer[:3]
                here = peer[0] == 127
            elif peer.startswith(_MAPPED):
                key = peer[12:15]
                here = peer[12] == 127
            else:
                key = peer[:6]
                here = peer == _LOOPBACK6
            if not here and source != peer:
                connections[key] = connections.get(key, 0) + 1
                sampled += 1
                if not options & 4:
                    if options & 3:
                        unscaled[key] = unscaled.get(key, 0) + 1
                    else:
                        self.bare += 1
                if queue and timer and (backoff > 1 or not (scales & 15 if _LITTLE else scales >> 4)):
                    self._suspect(data, offset, family, timer, peer, queue)
                if sampled < _SAMPLE or not sampled % _SAMPLE_EVERY:
                    self._sample(data, offset + self._info_at)
            offset += (length + 3) & ~3
        self.seen = sampled
        return offset

    def _find_info(self, data: bytes, offset: int, end: int) -> bool:
        """Expect the tcp_info where this message has it; False when it has none."""
        at = offset + _MESSAGE
        for kind, content in attributes(data, at, end):
            if kind == _INET_DIAG_INFO and len(content) >= 8:
                self._shape(at - offset, len(content) + 4)
                return True
            at += (len(content) + 7) & ~3
        return False

    def _info(self, data: bytes, at: int) -> bytes:
        return data[at + 4 : at + struct.unpack_from("=H", data, at)[0]]

    def _suspect(self, data: bytes, offset: int, family: int, timer: int, peer: bytes, queue: int) -> None:
        if len(self.suspects) >= _SUSPECTS_MAX:
            return
        try:
            info = parse_tcp_info(self._info(data, offset + self._info_at))
        except ValueError:
            return
        (port,) = struct.unpack_from("!H", data, offset + 22)
        self.suspects[data[offset + 20 : offset + 68]] = Suspect(_address(family, peer), port, timer, queue, info)

    def _sample(self, data: bytes, at: int) -> None:
        if self._head[0] + 256 * self._head[1] < _LIMITS_END + 4 and _LITTLE:
            return
        info = self._info(data, at)
        if len(info) < _LIMITS_END:
            return
        busy, rwnd, sndbuf = _LIMITS.unpack_from(info, _LIMITS_AT)
        if busy >= _BUSY_LEAST:
            self.busy += 1
            self.rwnd_limited += 2 * rwnd > busy
            self.sndbuf_limited += 2 * sndbuf > busy

    def look(self, broken: str) -> Look:
        """The result."""
        return Look(
            self.connections,
            self.unscaled,
            self.bare,
            self.untold,
            self.suspects,
            self.busy,
            self.rwnd_limited,
            self.sndbuf_limited,
            broken,
        )


def look(host: Host, turn: int, reserve: float) -> Look:
    """Pass over all connections; what cannot be read to its end says so. ``turn`` counts from 1."""
    tally = _Tally()
    broken = ""
    for family, kind in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        later = host.captured and turn > 1 and host.exists(f"/netlink/{kind}.{turn}")
        name = f"{kind}.{turn}" if later else kind
        try:
            _read_dump(host.netlink(SOCK_DIAG, dump_request(family), name, reserve), tally)
        except FileNotFoundError:
            if family == socket.AF_INET:
                broken = "knows no sock_diag for TCP (modprobe tcp_diag)"
        except TimeoutError:
            broken = "did not answer in time"
        except OSError as error:
            broken = broken or f"gave no list that makes sense: {error.strerror or error}"
    return tally.look(broken)


def _read_dump(datagrams: Iterator[bytes], tally: _Tally) -> None:
    for data in datagrams:
        if tally.add(data):
            return
    raise NetlinkError(errno.EBADMSG, "it ended early")

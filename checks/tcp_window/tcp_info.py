"""struct tcp_info (include/uapi/linux/tcp.h) of one connection: as much of it as this kernel's has.

It has only ever grown at its end: 104 bytes on 3.x, 232 on 6.1, 280 on 6.18. Every field is read only where it lies
within what was answered; what is beyond is None.
"""

from __future__ import annotations

import _socket as socket  # see checks/frame/tcp.py
import struct

from perfdata.record import Record

TIMESTAMPS, SACK, WSCALE = 1, 2, 4  # bits of options
OPTIONS_AT, SCALES_AT = 5, 6
LEAST = 104  # bytes: what every kernel since 2.6 has
_TCP_INFO = 11  # of getsockopt
_SIZE_MAX = 512
_U32, _U64 = struct.Struct("=I"), struct.Struct("=Q")


class TcpInfo(Record):
    """Times in seconds, windows and counts in bytes; None where this kernel does not tell."""

    retransmits: int  # of the segment that is waited for
    backoff: int
    options: int
    snd_wscale: int  # what the peer announced, as it arrived here
    rcv_wscale: int  # what was announced to the peer
    snd_mss: int
    unacked: int  # segments
    rtt: float
    advmss: int
    rcv_ssthresh: int
    since_received: float  # since the last data
    pmtu: int
    bytes_acked: int | None  # 4.1
    bytes_received: int | None
    notsent: int | None  # 4.6
    least_rtt: float | None  # 4.6
    segments_in: int | None  # with data, 4.6
    segments_out: int | None
    busy: float | None  # 4.9
    rwnd_limited: float | None
    sndbuf_limited: float | None
    snd_wnd: int | None  # 5.4; scaled
    rcv_wnd: int | None  # 6.2

    @property
    def scaling(self) -> bool:
        """Whether both sides of the handshake had the option, as seen from here."""
        return bool(self.options & WSCALE)

    @property
    def bare(self) -> bool:
        """Without any option that a handshake agrees on, as after a SYN cookie without timestamps."""
        return not self.options & (TIMESTAMPS | SACK | WSCALE)

    @property
    def full_segment(self) -> int:
        """What a segment would hold if no window were small: snd_mss is at most half the peer's largest window."""
        return max(self.snd_mss, min(self.advmss, max(self.pmtu - 52, 0)))

    @property
    def offered(self) -> int:
        """The window that this side offers."""
        return self.rcv_ssthresh if self.rcv_wnd is None else self.rcv_wnd


def parse_tcp_info(data: bytes) -> TcpInfo:
    """Raises ValueError for what is too short for any kernel."""
    if len(data) < LEAST:
        raise ValueError("too short for a tcp_info")
    size = len(data)

    def u32(offset: int) -> int:
        return int(_U32.unpack_from(data, offset)[0])

    def late(offset: int) -> int | None:
        return u32(offset) if offset + 4 <= size else None

    def u64(offset: int) -> int | None:
        return int(_U64.unpack_from(data, offset)[0]) if offset + 8 <= size else None

    def span(offset: int) -> float | None:
        value = u64(offset)
        return None if value is None else value / 1e6

    scales = data[SCALES_AT]
    low, high = scales & 15, scales >> 4  # a bit field: its order follows that of bytes
    return TcpInfo(
        data[2],
        data[4],
        data[OPTIONS_AT],
        *((low, high) if _LITTLE else (high, low)),
        u32(16),
        u32(24),
        u32(68) / 1e6,
        u32(84),
        u32(64),
        u32(52) / 1e3,
        u32(60),
        u64(120),
        u64(128),
        late(144),
        _least(late(148)),
        late(152),
        late(156),
        span(168),
        span(176),
        span(184),
        late(228),
        late(232),
    )


def _least(microseconds: int | None) -> float | None:
    """A round trip time; all ones are none at all."""
    return None if microseconds in (None, 0xFFFFFFFF) else (microseconds or 0) / 1e6


_LITTLE = _U32.pack(1)[0] == 1


def tcp_info(connection: socket.socket) -> TcpInfo:
    """That of one of our own connections. Raises OSError."""
    return parse_tcp_info(connection.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _SIZE_MAX))

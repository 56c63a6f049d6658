"""One connection to somebody who may answer anything or nothing: what is sent, received, and seen in its tcp_info.

All of it is bounded: LIMIT bytes or PATIENCE seconds each, whichever comes first.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time

from checks.frame.tcp import REASONS
from checks.tcp_window.faults import Download, Upload, edge_moved_back
from checks.tcp_window.tcp_info import TcpInfo, tcp_info

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 20480  # bytes of a transfer
PATIENCE = 3.0  # seconds of a transfer
UNSCALED_BUFFER = 16384  # the kernel doubles it; with so small a buffer it announces scale 0
_TURN = 0.04  # seconds between two looks
_STARVED = 0.9  # share of the time
_LATE = (TimeoutError, socket.timeout)  # two things before Python 3.10


class NoConnection(Exception):
    """The text says what became of it: it "refused the connection"."""


def reason(error: OSError) -> str:
    """What an error means for the peer."""
    if isinstance(error, _LATE):
        return "did not answer in time"
    code = error.errno or 0
    return REASONS.get(code) or f"cannot be reached ({os.strerror(code) if code else error})"


class Connection:
    """A TCP connection and the peer's first window. Use as a context manager; its end is a reset, not a farewell."""

    def __init__(
        self, address: str, port: int, seconds: float, unscaled: bool = False, patience: float = PATIENCE
    ) -> None:
        """``seconds`` for the handshake, ``patience`` for what follows. Raises NoConnection."""
        self._patience = patience
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            if unscaled:
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNSCALED_BUFFER)
            self.socket.settimeout(seconds)
            self.socket.connect((address, port))
            self.first = tcp_info(self.socket)
        except OSError as error:
            self.socket.close()
            late = isinstance(error, _LATE)
            raise NoConnection(REASONS[errno.ETIMEDOUT] if late else reason(error)) from None
        self.started = time.monotonic()
        self.shrunk = False
        self._last = self.first

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        # with nothing kept for the peer: what it still sends is not wanted
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def info(self) -> TcpInfo:
        """How it is now; what was seen last when the peer has ended it."""
        try:
            self._last = tcp_info(self.socket)
        except (OSError, ValueError):
            return self._last
        self.shrunk |= edge_moved_back(self.first.snd_wnd, self._last.bytes_acked, self._last.snd_wnd)
        return self._last

    def patience(self) -> float:
        """Seconds left for this transfer."""
        return max(0.0, self.started + self._patience - time.monotonic())

    def download(self, read: Callable[[], bytes], wanted: int) -> Download:
        """Take what comes until ``wanted`` bytes; ``read`` gives what is there, and b"" at the end.

        Raises NoConnection when the peer breaks it off before anything came.
        """
        received, ended = 0, False
        while received < wanted and not ended and self.patience():
            self.socket.settimeout(self.patience())
            try:
                data = read()
                received += len(data)
                ended = not data
            except _LATE:
                break
            except OSError as error:
                if not received:
                    raise NoConnection(reason(error)) from None
                ended = True
            self.info()
        info = self.info()
        seconds = max(time.monotonic() - self.started, 1e-6)
        arrived = received if info.bytes_received is None else max(info.bytes_received, received)
        gap = info.since_received if arrived else seconds
        return Download(
            arrived,
            info.segments_in,
            seconds,
            min(gap, seconds),
            max(info.offered >> info.rcv_wscale, 1),
            info.rtt,
            received >= wanted or ended,
            info.rcv_wscale,
        )

    def upload(self, data: bytes, turn: Callable[[], None] = lambda: None) -> Upload:
        """Send ``data`` and wait until it has arrived; ``turn`` is called now and then.

        Raises NoConnection when the peer breaks it off before it took anything.
        """
        before = self.info().bytes_acked or 0
        total, unsent = len(data), data
        acked, seconds, moved, backoff, starving = 0, 0.0, 0.0, 0, False
        promised = self.first.snd_wnd or 0
        info = self._last
        try:
            while self.patience() and acked < total:
                self.socket.settimeout(_TURN)
                if unsent:
                    unsent = self._send_some(unsent)
                else:
                    time.sleep(_TURN)
                turn()
                info = self.info()
                seconds = time.monotonic() - self.started
                if (info.bytes_acked or 0) - before > acked:
                    acked, moved = (info.bytes_acked or 0) - before, seconds
                backoff = max(backoff, info.backoff if info.unacked else 0)
                small = info.snd_wnd is not None and 0 < info.snd_wnd < info.full_segment < promised / 2
                starving |= small and acked < total
        except OSError as error:
            if acked <= 0:
                raise NoConnection(reason(error)) from None
        limited = (info.rwnd_limited or 0.0) >= _STARVED * (info.busy or 1e9)
        return Upload(
            min(acked, total),
            max(seconds, 1e-6),
            acked >= total,
            self.shrunk,
            starving and limited,
            backoff,
            seconds - moved,
        )

    def _send_some(self, data: bytes) -> bytes:
        """What is left to send after a turn."""
        try:
            return data[self.socket.send(data) :]
        except _LATE:
            return data

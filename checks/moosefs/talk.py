"""A conversation in MooseFS' protocol, driven by a script: a generator that yields requests and is sent the replies.

The script does not know of sockets, and this does not know what is asked. See checks/frame/tcp.py for the other side.
"""

from __future__ import annotations

from collections.abc import Generator

from checks.moosefs.wire.frames import HEADER, NOP, Request, UnknownLayout, frame, header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NOPS_MAX = 1000  # a master sends one every second or two
_NOP_LENGTH_MAX = 64


class MooseTalk:
    """See frame.tcp.Talk. ``result`` is what the script returned, else ``problem`` says why there is none."""

    def __init__(self, address: str, port: int, script: Generator[Request, bytes, object]) -> None:
        self.address = address
        self.port = port
        self.over = False
        self.result: Any = None
        self.problem = ""
        self.unknown_layout = False  # the problem: it answers in a way that is not known here
        self.heard = False  # anything at all
        self._script = script
        self._request: Request | None = None
        self._received = bytearray()
        self._nops = 0

    def feed(self, data: bytes) -> bytes:
        """See Talk."""
        if self._request is None:
            return self._go_on(None)
        self.heard = True
        self._received += data
        while not self.over and len(self._received) >= HEADER:
            kind, length = header(bytes(self._received[:HEADER]))
            if not self._acceptable(kind, length) or len(self._received) < HEADER + length:
                break
            payload = bytes(self._received[HEADER : HEADER + length])
            del self._received[: HEADER + length]
            if kind != NOP:
                return self._go_on(payload)
            self._nops += 1
        return b""

    def fail(self, reason: str) -> None:
        """See Talk."""
        self.over = True
        self.problem = reason
        self._script.close()

    def _acceptable(self, kind: int, length: int) -> bool:
        assert self._request is not None
        if kind == NOP:
            if length > _NOP_LENGTH_MAX or self._nops >= _NOPS_MAX:
                self.fail("sent nothing but idle messages")
        elif kind != self._request.reply:
            self.fail("does not speak MooseFS' protocol for clients")
        elif length > self._request.reply_max:
            self.unknown_layout = True
            self.fail(f"announced {length} bytes for {self._request.name}, more than that can be")
        return not self.over

    def _go_on(self, payload: bytes | None) -> bytes:
        try:
            self._request = next(self._script) if payload is None else self._script.send(payload)
            return frame(self._request)
        except StopIteration as stop:
            self.over = True
            self.result = stop.value
        except UnknownLayout as error:
            self.unknown_layout = True
            self.fail(str(error))
        return b""

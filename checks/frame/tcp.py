"""TCP conversations with remote services, side by side under one end of time.

Addresses are literal IPv4: names are resolved before, in a child (a resolver can hang, and no signal ends it).
"""

from __future__ import annotations

import _socket as socket  # what socket adds, enums of 300 constants, is a twentieth of a whole run
import errno
import os
import select
import time
from collections.abc import Callable, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol
else:
    Protocol = object  # typing costs 5 ms

_READ_SIZE = 16384
REASONS = {  # what an error number means for the peer
    errno.ECONNREFUSED: "refused the connection",
    errno.ECONNRESET: "broke the connection off",
    errno.EPIPE: "broke the connection off",
    errno.EHOSTUNREACH: "cannot be reached (no route to host)",
    errno.ENETUNREACH: "cannot be reached (network is unreachable)",
    errno.ETIMEDOUT: "did not take the connection in time",
}


class Talk(Protocol):
    """One conversation: what is to be said, and what becomes of the answers. ``feed`` and ``fail`` never raise."""

    address: str  # dotted
    port: int
    over: bool  # nothing more is to be said or heard

    def feed(self, data: bytes) -> bytes:
        """Take what was received, b"" once connected; return what to send now."""

    def fail(self, reason: str) -> None:
        """The end: it "refused the connection"."""


class _Line:
    """The socket of one talk."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self.connected = False
        self.unsent = b""

    def open(self) -> None:
        """Begin to connect."""
        code = self.socket.connect_ex((self.talk.address, self.talk.port))
        if code not in (0, errno.EINPROGRESS):
            self.talk.fail(_reason(code))

    def events(self) -> int:
        """What to wait for."""
        return select.POLLIN | (select.POLLOUT if self.unsent or not self.connected else 0)

    def advance(self) -> None:
        """Do what can be done without waiting."""
        try:
            if not self.connected:
                code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise OSError(code, "")
                self.connected = True
                self.unsent = self.talk.feed(b"")
            else:
                self._receive()
            if self.unsent and not self.talk.over:
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self.talk.fail(_reason(error.errno))

    def _receive(self) -> None:
        try:
            data = self.socket.recv(_READ_SIZE)
        except BlockingIOError:
            return
        if data:
            self.unsent += self.talk.feed(data)
        else:
            self.talk.fail("closed the connection")

    def give_up(self) -> None:
        """Time is over."""
        self.talk.fail("did not answer in time" if self.connected else _reason(errno.ETIMEDOUT))


def _reason(code: int | None) -> str:
    return REASONS.get(code or 0) or f"cannot be reached ({os.strerror(code or errno.EIO)})"


def converse(talks: Sequence[Talk], seconds: float, enough: Callable[[], bool]) -> None:
    """Hold all these conversations until they are over, ``enough()`` was heard, or time is up."""
    end = time.monotonic() + seconds
    lines: dict[int, _Line] = {}
    try:
        for talk in talks:
            try:
                line = _Line(talk)
            except OSError as error:  # no more file handles: the others are held all the same
                talk.fail(_reason(error.errno))
                continue
            lines[line.socket.fileno()] = line
            line.open()
        active = {number for number, line in lines.items() if not line.talk.over}
        _serve(lines, active, end, enough)
        for number in active:
            if enough():
                lines[number].talk.fail("was not waited for")
            else:
                lines[number].give_up()
    finally:
        for line in lines.values():
            line.socket.close()


def _serve(lines: dict[int, _Line], active: set[int], end: float, enough: Callable[[], bool]) -> None:
    """Advance the ``active`` ones, and take those that are over out of the set."""
    poll = select.poll()
    for number in active:
        poll.register(number, lines[number].events())
    while active and not enough():
        left = end - time.monotonic()
        if left <= 0:
            break
        for number, _ in poll.poll(left * 1000):
            line = lines[number]
            line.advance()
            if line.talk.over:
                poll.unregister(number)
                active.discard(number)
            else:
                poll.modify(number, line.events())


def resolve(name: str, seconds: float) -> tuple[str, ...]:
    """Every IPv4 address of a name, in the resolver's order. Raises OSError with the reason as its text."""
    try:
        socket.inet_pton(socket.AF_INET, name)
        return (name,)
    except (OSError, ValueError):
        pass
    from checks.frame import bounded

    try:
        answer = bounded.call(lambda: _look_up(name), seconds)
    except bounded.HelperTimeout:
        raise OSError("the name servers did not answer in time") from None
    except bounded.HelperOverflow:
        raise OSError("has too many addresses") from None
    if answer.status:
        unreachable = f"[Errno {socket.EAI_AGAIN}]".encode() in answer.output
        raise OSError(
            "the name servers did not answer" if unreachable else "is not known as a host with an IPv4 address"
        )
    return tuple(answer.output.decode("ascii").split())


def _look_up(name: str) -> bytes:
    found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return " ".join(dict.fromkeys(str(address[0]) for *_, address in found)).encode("ascii")

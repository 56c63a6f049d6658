"""HTTP over a local (unix) socket, for services such as Docker's, within one deadline and a size limit.

http.client does the protocol. requests has no adapter for unix sockets and costs three whole checks to import.
"""

from __future__ import annotations

import http.client
import os
import socket
import time

from checks.frame.deadline import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol
else:
    Protocol = object  # typing costs 5 ms


BODY_MAX = 16 << 20
_CHUNK = 1 << 16


class HttpError(Exception):
    """No usable answer: timed out, too large, not HTTP, or an error status; the reason is the text."""


class NotFound(HttpError):
    """Answered with 404: what was listed a moment ago is gone."""


class LocalHttp(Protocol):
    """What a check may do with a local service: read."""

    def get(self, target: str) -> bytes:
        """The body of a GET that was answered with 200. Raises HttpError, NotFound for 404."""

    def close(self) -> None:
        """End the connection."""


class _DeadlineSocket(socket.socket):
    """A socket whose reads all share one deadline: a server that trickles or floods gains nothing."""

    deadline: Deadline
    reserve: float

    def recv_into(self, *arguments: Any, **named: Any) -> int:
        if self.deadline.over(self.reserve):
            raise TimeoutError
        self.settimeout(self.deadline.left(self.reserve))
        return super().recv_into(*arguments, **named)


def _connect(sock: _DeadlineSocket, path: str) -> None:
    """Connect; a service whose queue is full refuses at once, and may take the next try. Raises OSError."""
    while True:
        sock.settimeout(sock.deadline.left(sock.reserve))
        try:
            return sock.connect(path)
        except BlockingIOError:
            if sock.deadline.over(sock.reserve):
                raise TimeoutError from None
            time.sleep(0.02)


class UnixHttp(http.client.HTTPConnection):
    """A connection that is kept for all requests of a run."""

    def __init__(self, path: str, deadline: Deadline, reserve: float) -> None:
        """Connects at once. Raises OSError."""
        super().__init__("localhost")
        sock = _DeadlineSocket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.deadline, sock.reserve = deadline, reserve
        _connect(sock, path)
        self.sock = sock
        self.auto_open = 0

    def get(self, target: str) -> bytes:
        """See LocalHttp."""
        try:
            self.request("GET", target)
            response = self.getresponse()
            body = bytearray()
            while chunk := response.read(_CHUNK):
                body += chunk
                if len(body) > BODY_MAX:
                    raise HttpError(f"answered more than {BODY_MAX >> 20} MiB")
            if response.length:
                raise HttpError("broke off in the middle of its answer")
        except TimeoutError:
            raise HttpError("did not answer in time") from None
        except http.client.HTTPException:
            raise HttpError("did not answer in HTTP") from None
        except OSError as error:
            raise HttpError(f"broke off: {error.strerror or error}") from None
        if response.status == http.client.NOT_FOUND:
            raise NotFound("answered 404 Not Found")
        if response.status != http.client.OK:
            raise HttpError(f"answered {response.status} {response.reason}")
        return bytes(body)


class CapturedHttp:
    """Replies that were recorded in a directory, see Host."""

    def __init__(self, directory: bytes, deadline: Deadline, reserve: float) -> None:
        """Raises FileNotFoundError when the capture has no replies of this socket."""
        self._directory, self._deadline, self._reserve = directory, deadline, reserve
        os.listdir(directory)

    def close(self) -> None:
        """See LocalHttp."""

    def get(self, target: str) -> bytes:
        """See LocalHttp; a recorded silence is waited out."""
        name = target.partition("?")[0].strip("/").replace("/", "_").encode("utf-8", "replace")
        if os.path.exists(b"%s/%s.hang" % (self._directory, name)):
            time.sleep(self._deadline.left(self._reserve))
            raise HttpError("did not answer in time")
        try:
            with open(b"%s/%s.json" % (self._directory, name), "rb") as reply:
                return reply.read(BODY_MAX)
        except OSError:
            raise NotFound("answered 404 Not Found") from None

"""A service on a real unix socket that answers like Docker's, from the replies of a captured host, or misbehaves."""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Callable

from support import HOSTS

Behaviour = Callable[[socket.socket], None]


def _request(connection: socket.socket) -> str:
    """The path of the next request, without its query; "" when there is none."""
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(4096)
        if not data:
            return ""
        received += data
    return received.split(b" ")[1].partition(b"?")[0].decode()


def healthy(connection: socket.socket) -> None:
    """The replies of the healthy captured host."""
    replies = HOSTS / "docker_bridge" / "ok" / "run" / "docker.sock.replies"
    while path := _request(connection):
        file = replies / f"{path.strip('/').replace('/', '_')}.json"
        status, body = ("200 OK", file.read_bytes()) if file.exists() else ("404 Not Found", b"{}")
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def silent(connection: socket.socket) -> None:
    """Takes the request and never answers."""
    _request(connection)
    connection.recv(1)


def endless(connection: socket.socket) -> None:
    """An answer that never ends, as fast as it is taken."""
    _request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n[")
    while True:
        connection.sendall(b'"x",' * 16384)


def trickling(connection: socket.socket) -> None:
    """An answer of which a byte comes every tenth of a second."""
    _request(connection)
    for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


class FakeDocker:
    """Listens until closed; every connection gets the same behaviour, in a thread of its own."""

    def __init__(self, path: Path, behaviour: Behaviour, mode: int = 0o660) -> None:
        self.path = path
        self.asked = 0
        self._behaviour = behaviour
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        os.chmod(path, mode)
        self._listener.listen()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def __enter__(self) -> FakeDocker:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        answering = []
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.asked += 1
                self._open.append(connection)
                answering.append(threading.Thread(target=self._serve, args=(connection,)))
                answering[-1].start()
        for thread in answering:
            thread.join()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._behaviour(connection)

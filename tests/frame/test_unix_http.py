"""HTTP over a local socket, against servers of every temper."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest

from checks.frame import unix_http
from checks.frame.deadline import Deadline
from checks.frame.unix_http import HttpError, NotFound, UnixHttp

Behaviour = Callable[[socket.socket], None]
_SERVER_STOPS = 4.0  # seconds: a client that is not saved by its deadline is saved by this


@contextlib.contextmanager
def server(path: Path, behave: Behaviour) -> Iterator[str]:
    """A server on a real socket whose one connection does as told."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)
    accepted: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            accepted.append(connection)
            with connection, contextlib.suppress(OSError):
                connection.settimeout(_SERVER_STOPS)
                behave(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield str(path)
    finally:
        for connection in (*accepted, listener):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(_SERVER_STOPS + 1)


def request(connection: socket.socket) -> bytes:
    """One request, up to its empty line."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        data = connection.recv(4096)
        if not data:
            break
        received += data
    return received


def answers(*replies: bytes) -> Behaviour:
    """Answers each request with the next reply, then closes."""

    def behave(connection: socket.socket) -> None:
        for reply in replies:
            request(connection)
            connection.sendall(reply)

    return behave


def endless(head: bytes, again: bytes, pause: float = 0.0) -> Behaviour:
    """Answers with a head, then with the same again and again, until the client leaves or the server stops."""

    def behave(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(head)
        end = time.monotonic() + _SERVER_STOPS
        while time.monotonic() < end:
            connection.sendall(again)
            if pause:
                time.sleep(pause)

    return behave


def silent(connection: socket.socket) -> None:
    request(connection)
    connection.recv(1)


def full(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def get(path: Path, behave: Behaviour, seconds: float = 5, reserve: float = 0.0, times: int = 1) -> list[bytes]:
    with server(path, behave) as address, contextlib.closing(UnixHttp(address, Deadline(seconds), reserve)) as http:
        return [http.get("/networks") for _ in range(times)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def test_one_connection_for_all_requests(path: Path) -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        for body in (b"first", b"", b"x" * 200_000):
            seen.append(request(connection))
            connection.sendall(full(body))

    assert get(path, behave, times=3) == [b"first", b"", b"x" * 200_000]
    assert [line.split(b"\r\n")[0] for line in seen] == [b"GET /networks HTTP/1.1"] * 3
    assert b"\r\nHost: localhost\r\n" in seen[0]


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\n !!\r\n0\r\n\r\n", b"hello !!"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + full(b"late"), b"late"),
        (full(bytes(range(256))), bytes(range(256))),
    ],
    ids=["chunked", "until closed", "after 100", "binary"],
)
def test_forms_of_a_body(path: Path, reply: bytes, body: bytes) -> None:
    assert get(path, answers(reply)) == [body]


def test_not_found_is_an_error_of_its_own_and_no_end(path: Path) -> None:
    replies = answers(full(b'{"message":"no"}', b"404 Not Found"), full(b"next"))
    with server(path, replies) as address, contextlib.closing(UnixHttp(address, Deadline(5), 0)) as http:
        with pytest.raises(NotFound, match=r"^answered 404 Not Found$"):
            http.get("/networks/x")
        assert http.get("/networks") == b"next"


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (answers(full(b"{}", b"500 Internal Server Error")), "answered 500 Internal Server Error"),
        (answers(full(b"{}", b"403 Forbidden")), "answered 403 Forbidden"),
        (
            answers(b"HTTP/1.1 301 Moved\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n"),
            "answered 301 Moved",
        ),
        (answers(full(b"", b"204 No Content")), "answered 204 No Content"),
        (answers(b"SSH-2.0-OpenSSH_9.2\r\n"), "did not answer in HTTP"),
        (answers(b"\x00\xff" * 500 + b"\r\n"), "did not answer in HTTP"),
        (answers(b"HTTP/1.1 abc OK\r\n\r\n"), "did not answer in HTTP"),
        (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "did not answer in HTTP"),
        (answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe"), "did not answer in HTTP"),
        (answers(b"HTTP/1.1 200 " + b"x" * 70_000 + b"\r\n\r\n"), "did not answer in HTTP"),
        (answers(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"), "did not answer in HTTP"),
        (answers(b""), "did not answer in HTTP"),
    ],
)
def test_answers_that_are_none(path: Path, behave: Behaviour, reason: str) -> None:
    with pytest.raises(HttpError) as error:
        get(path, behave)
    assert str(error.value) == reason
    assert not isinstance(error.value, NotFound)


def test_closed_at_once(path: Path) -> None:
    with pytest.raises(
        HttpError, match=r"^(did not answer in HTTP|broke off: (Broken pipe|Connection reset by peer))$"
    ):
        get(path, lambda connection: None)


def test_a_body_that_breaks_off_is_no_answer(path: Path) -> None:
    with pytest.raises(HttpError, match=r"^(did not answer in HTTP|broke off)"):
        get(path, answers(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n[]"))


def test_a_length_that_is_no_number_is_not_believed(path: Path) -> None:
    assert get(path, answers(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nbody")) == [b"body"]


HEAD = b"HTTP/1.1 200 OK\r\n"
TRICKLES = {
    "silence": silent,
    "status line": endless(b"", b"H", 0.1),
    "headers": endless(HEAD, b"X", 0.1),
    "body": endless(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", 0.1),
    "body without an end": endless(HEAD + b"\r\n", b"x", 0.1),
    "chunks": endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.1),
    "fast headers": endless(HEAD, b"X", 0.002),
    "fast body": endless(HEAD + b"Content-Length: 100000\r\n\r\n", b"x", 0.002),
    "fast body without an end": endless(HEAD + b"\r\n", b"x", 0.002),
    "fast chunks": endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.002),
    "100 without end": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.002),
    "a flood of 100": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
}


@pytest.mark.parametrize("behave", TRICKLES.values(), ids=TRICKLES.keys())
def test_the_deadline_holds_against_every_pace(path: Path, behave: Behaviour) -> None:
    begin = time.monotonic()
    with server(path, behave) as address, contextlib.closing(UnixHttp(address, Deadline(0.6), 0.2)) as http:
        with pytest.raises(HttpError, match=r"^did not answer in time$"):
            http.get("/networks")
        assert 0.35 < time.monotonic() - begin < 0.8


@pytest.mark.parametrize(
    "head",
    [b"\r\n", b"Content-Length: 99999999999\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n"],
    ids=["no length", "a huge length", "a huge chunk"],
)
def test_an_endless_body_is_bounded(path: Path, head: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_http, "BODY_MAX", 1 << 20)
    begin = time.monotonic()
    with pytest.raises(HttpError, match=r"^answered more than 1 MiB$"):
        get(path, endless(HEAD + head, b"x" * 65536))
    assert time.monotonic() - begin < 2


@pytest.mark.parametrize("reply", [full(b"x" * 1000), HEAD + b"\r\n" + b"x" * 1000])
def test_a_body_of_just_the_limit(path: Path, reply: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unix_http, "BODY_MAX", 1000)
    assert get(path, answers(reply)) == [b"x" * 1000]


def test_no_server(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        UnixHttp(str(path), Deadline(1), 0)
    path.touch()
    with pytest.raises(ConnectionRefusedError):
        UnixHttp(str(path), Deadline(1), 0)


def test_a_server_that_takes_no_connection(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
        listener.bind(str(path))
        listener.listen(0)
        first.connect(str(path))
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            UnixHttp(str(path), Deadline(0.3), 0)
        assert 0.25 < time.monotonic() - begin < 0.6

"""The responder's bounds, on loopback, and what it and the check say to each other."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from support import PLAIN_ENVIRONMENT, command, run

from checks.frame.host import Host
from checks.tcp_window import responder, talk
from checks.tcp_window.faults import End
from checks.tcp_window.responder import Responder

UNDERGOAL = [*command("undergoal"), "tcp-responder"]
AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """One that serves in this process, with short times."""
    monkeypatch.setattr(responder, "IDLE", 0.5)
    monkeypatch.setattr(responder, "TOTAL", 1.5)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    served = Responder(("127.0.0.1", number), 200_000, Host())
    thread = threading.Thread(target=served.serve, args=(60,), daemon=True)
    thread.start()
    yield number
    served.stop()
    thread.join()
    served.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def everything(connection: socket.socket, wanted: int = 1 << 30) -> bytes:
    """What comes until the end, or until there is enough."""
    said = b""
    with suppress(ConnectionError):
        while len(said) < wanted and (data := connection.recv(65536)):
            said += data
    return said


def test_a_download(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"UG1 down 20480\n")
        line, _, data = everything(connection).partition(b"\n")
    report = talk.parse_report(line)
    assert (report.end.scaling, report.end.bare, report.end.offers) == (True, False, True)
    assert report.end.got == report.end.sent
    assert report.sees > 1000
    assert data == b"d" * 20480


def test_an_upload(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"UG1 up 20480\n" + b"u" * 20480)
        said = everything(connection)
    assert talk.parse_report(said.removesuffix(b"\n")).end.scaling


@pytest.mark.parametrize(
    "request_line",
    [
        b"UG1 down 32769\n",
        b"UG1 down 0\n",
        b"UG1 down -1\n",
        b"UG1 sideways 5\n",
        b"GET / HTTP/1.0\r\n",
        b"\n",
        b"\xff\xfe\n",
        b"x" * 100,
        b"UG2 down 5\n",
        b"UG1 down 1e3\n",
    ],
)
def test_who_asks_otherwise_is_told_nothing(request_line: bytes, port: int) -> None:
    with connect(port) as connection:
        connection.sendall(request_line)
        assert everything(connection) == b""


def test_who_says_nothing_is_ended(port: int) -> None:
    start = time.monotonic()
    with connect(port) as connection:
        assert everything(connection) == b""
    assert 0.4 < time.monotonic() - start < 1.4


def test_who_is_slow_is_ended_too(port: int) -> None:
    start = time.monotonic()
    with connect(port) as connection, suppress(ConnectionError):
        connection.sendall(b"UG1 up 20480\n")
        while time.monotonic() - start < 5:
            connection.sendall(b"u")
            time.sleep(0.1)
    assert 1.2 < time.monotonic() - start < 3


def test_an_address_has_four_connections(port: int) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connect(port)) for _ in range(responder.CLIENTS_OF_ADDRESS)]
        time.sleep(0.1)
        with suppress(ConnectionError):  # it may be over before connect() is
            assert everything(stack.enter_context(connect(port))) == b""
        held[0].sendall(b"UG1 down 10\n")
        assert everything(held[0], 30).endswith(b"d" * 10)


def test_an_address_has_so_many_connections_a_minute(port: int) -> None:
    answered = 0
    for _ in range(responder.STARTS_PER_MINUTE + 5):
        with suppress(ConnectionError), connect(port) as connection:
            connection.sendall(b"UG1 down 1\n")
            answered += bool(everything(connection, 2))
    assert answered == responder.STARTS_PER_MINUTE


@pytest.mark.alone
def test_all_together_get_no_more_than_the_rate(port: int) -> None:
    def take() -> None:
        with connect(port) as connection:
            connection.sendall(b"UG1 down 32768\n")
            taken.append(len(everything(connection)))

    taken: list[int] = []
    start = time.monotonic()
    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert min(taken) > 32768
    assert 0.3 < time.monotonic() - start < 2  # 128 KiB at 200 kB/s, a fifth of a second of which at once


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused as root")
def test_it_does_not_run_as_root() -> None:
    done = run(UNDERGOAL)
    assert (done.code, done.output, done.stderr) == (
        3,
        "UNKNOWN - undergoal tcp-responder: does not run as root; sudo -u nobody does; see undergoal tcp-responder"
        " --help\n",
        b"",
    )


def test_it_ends_by_itself_and_when_told() -> None:
    done = run([*AS_NOBODY, *UNDERGOAL, "--listen", "127.0.0.1:58123", "--for", "1"])
    assert (done.code, done.output, done.stderr) == (0, "listening on 127.0.0.1:58123 for 1 s\n", b"")
    assert 0.9 < done.seconds < 3
    argv = [*AS_NOBODY, *UNDERGOAL, "--listen", "127.0.0.1:58123"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=PLAIN_ENVIRONMENT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"listening on 127.0.0.1:58123 for 3600 s\n"
        second = run(argv)
        assert (second.code, second.output) == (
            3,
            "UNKNOWN - undergoal tcp-responder: cannot listen on 127.0.0.1:58123: Address already in use\n",
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(2) == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--listen", "nowhere"],
        ["--listen", "127.0.0.1:80"],
        ["--listen", "127.0.0.1:x"],
        ["--for", "0"],
        ["--rate", "fast"],
        ["stray"],
        ["--bogus"],
    ],
)
def test_wrong_options(options: list[str]) -> None:
    done = run([*AS_NOBODY, *UNDERGOAL, *options])
    assert (done.code, done.stderr, done.output.count("\n")) == (3, b"", 1)
    assert done.output.startswith("UNKNOWN - undergoal tcp-responder: ")
    assert options[0] in done.output


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help(flag: str) -> None:
    done = run([*UNDERGOAL, flag])
    assert (done.code, done.stderr) == (3, b"")
    assert done.output.startswith("usage: undergoal tcp-responder" if flag == "--help" else "undergoal tcp-responder 0")
    assert [line for line in done.output.split("\n") if len(line) > 80] == []


def test_what_is_said_is_understood() -> None:
    assert talk.parse_request(talk.request(talk.UP, 512).rstrip(b"\n")) == talk.Request(talk.UP, 512)
    line = talk.report(7, 0, 10, True, False, 63)
    assert len(line) < 63  # it has to pass a path that lets so much through at a time
    assert talk.parse_report(line.rstrip(b"\n")) == talk.Report(End(True, 10, 0, False, True, False), 63)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"UG1",
        b"UG1 7 7 7 1 0",
        b"UG1 7 7 7 1 0 5 6",
        b"UG1 7 15 7 1 0 5",
        b"UG1 256 7 7 1 0 5",
        b"UG1 7 7 7 1 0 -5",
        b"UG1 7 7 7 1 0 99999999999",
        b"UG2 7 7 7 1 0 5",
        b"\xff",
    ],
)
def test_what_is_no_report(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"report|unpack|decode"):
        talk.parse_report(line)

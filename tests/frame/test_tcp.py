"""TCP conversations side by side, and names: whatever the other side does, in time and with nothing left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conformance.processes import children
from support import PROJECT, TESTS, run

from checks.frame import bounded, tcp
from checks.frame.deadline import Deadline
from checks.frame.host import Host

Behaviour = Callable[[socket.socket], None]


class Note:
    """A talk that says something and waits for so many bytes."""

    def __init__(self, port: int, wanted: int = 4, said: bytes = b"hello", address: str = "127.0.0.1") -> None:
        self.address = address
        self.port = port
        self.over = False
        self.reason = ""
        self.heard = b""
        self.fed: list[bytes] = []
        self._wanted = wanted
        self._said = said

    def feed(self, data: bytes) -> bytes:
        self.fed.append(data)
        self.heard += data
        self.over = len(self.heard) >= self._wanted
        return b"" if data else self._said

    def fail(self, reason: str) -> None:
        assert not self.over
        self.over = True
        self.reason = reason


def never() -> bool:
    return False


def hold(*talks: Note, seconds: float = 5.0, enough: Callable[[], bool] = never) -> float:
    """The seconds that it took; every talk is over then."""
    start = time.monotonic()
    tcp.converse(talks, seconds, enough)
    took = time.monotonic() - start
    assert all(talk.over for talk in talks)
    return took


@contextlib.contextmanager
def server(behave: Behaviour, connections: int = 1, backlog: int = 128) -> Iterator[int]:
    """A server whose connections all do the same; the port."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
    accepted: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.settimeout(5)
            behave(connection)
        connection.close()

    def serve() -> None:
        with contextlib.suppress(OSError):
            for _ in range(connections):
                connection, _ = listener.accept()
                accepted.append(connection)
                threads.append(threading.Thread(target=talk, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=serve, daemon=True)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        for connection in (*accepted, listener):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in (accepting, *threads):
            thread.join(6)


def answers(reply: bytes, pause: float = 0.0) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        time.sleep(pause)
        connection.sendall(reply)
        connection.recv(1)

    return behave


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_an_answer() -> None:
    with server(answers(b"answer")) as port:
        talk = Note(port, 6)
        hold(talk)
    assert (talk.heard, talk.reason, talk.fed[0]) == (b"answer", "", b"")


def test_nothing_to_hold() -> None:
    assert hold() < 1


def test_no_socket_is_left() -> None:
    before = os.listdir("/proc/self/fd")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        hold(Note(port), Note(closed_port()), Note(port, address="255.255.255.255"), seconds=0.1)
    assert os.listdir("/proc/self/fd") == before


def test_refused() -> None:
    talk = Note(closed_port())
    assert hold(talk) < 1
    assert (talk.reason, talk.fed) == ("refused the connection", [])


@pytest.mark.parametrize("said", [b"hello", b""])
def test_closed(said: bytes) -> None:
    with server(lambda connection: connection.shutdown(socket.SHUT_RDWR)) as port:
        talk = Note(port, said=said)
        hold(talk)
    assert talk.reason in ("closed the connection", "broke the connection off")


def test_closed_in_the_middle() -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(b"abc")

    with server(behave) as port:
        talk = Note(port)
        hold(talk)
    assert (talk.heard, talk.reason) == (b"abc", "closed the connection")


def test_broken_off() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(100)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with server(reset) as port:
        talk = Note(port)
        hold(talk)
    assert talk.reason == "broke the connection off"


@pytest.mark.parametrize("pace", ["silent", "dripping", "flooding"])
def test_endless(pace: str) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(100)
        end = time.monotonic() + 1
        while time.monotonic() < end:
            if pace != "silent":
                connection.sendall(b"x" if pace == "dripping" else bytes(65536))
            if pace != "flooding":
                time.sleep(0.01)

    with server(behave) as port:
        talk = Note(port, 1 << 60)
        took = hold(talk, seconds=0.4)
    assert 0.35 < took < 2
    assert talk.reason == "did not answer in time"


def test_nobody_takes_the_connection() -> None:
    """A listener whose backlog is full drops what comes: as a firewall does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        port = listener.getsockname()[1]
        for _ in range(8):
            full = stack.enter_context(socket.socket())
            full.setblocking(False)
            full.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        talk = Note(port)
        took = hold(talk, seconds=0.4)
    assert 0.35 < took < 2
    assert (talk.reason, talk.fed) == ("did not take the connection in time", [])


def test_much_to_say_to_one_who_reads_slowly() -> None:
    heard = bytearray()
    said = os.urandom(4 << 20)

    def behave(connection: socket.socket) -> None:
        while len(heard) < len(said):
            time.sleep(0.001)
            data = connection.recv(60_000)
            if not data:
                return
            heard.extend(data)
        connection.sendall(b"done")

    with server(behave) as port:
        talk = Note(port, 4, said)
        hold(talk, seconds=20)
    assert (talk.heard, talk.reason, bytes(heard) == said) == (b"done", "", True)


def test_an_answer_in_pieces_and_a_question_for_each() -> None:
    class Counting(Note):
        def feed(self, data: bytes) -> bytes:
            super().feed(data)
            return b"q%d" % len(self.heard)

    asked = bytearray()

    def behave(connection: socket.socket) -> None:
        for _ in range(4):
            asked.extend(connection.recv(100))
            connection.sendall(b"x")

    with server(behave) as port:
        talk = Counting(port, 4)
        hold(talk)
    assert (bytes(asked), talk.heard) == (b"q0q1q2q3", b"xxxx")


def test_one_bad_talk_hides_no_other() -> None:
    with server(answers(b"good"), 1) as good, server(answers(b"", 0), 1) as silent:
        talks = [Note(closed_port()), Note(silent), Note(good), Note(9, address="255.255.255.255")]
        took = hold(*talks, seconds=0.5)
    assert took < 2
    assert [talk.heard for talk in talks] == [b"", b"", b"good", b""]
    assert [talk.reason for talk in talks[:3]] == ["refused the connection", "did not answer in time", ""]
    assert talks[3].reason.startswith("cannot be reached (")


def test_many_side_by_side() -> None:
    with server(answers(b"good", 0.3), 100) as port:
        talks = [Note(port) for _ in range(100)]
        took = hold(*talks, seconds=10)
    assert [talk.heard for talk in talks] == [b"good"] * 100
    assert took < 10  # one after the other they would take 30


def test_enough_ends_it_at_once() -> None:
    with server(answers(b"", 0)) as silent, server(answers(b"good")) as good:
        slow, fast = Note(silent), Note(good)
        took = hold(slow, fast, seconds=30, enough=lambda: fast.over)
    assert took < 5
    assert fast.heard == b"good"
    assert slow.over


def test_whoever_was_not_needed_is_not_late() -> None:
    with server(answers(b"", 0)) as silent, server(answers(b"good")) as good:
        slow, fast = Note(silent), Note(good)
        hold(slow, fast, seconds=30, enough=lambda: fast.over)
    assert slow.reason == "was not waited for"


def test_enough_from_the_beginning() -> None:
    with server(answers(b"good")) as port:
        assert hold(Note(port), seconds=30, enough=lambda: True) < 5


def test_no_more_file_handles() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with server(answers(b"good"), 3) as port:
        talks = [Note(port) for _ in range(300)]
        used = max(int(number) for number in os.listdir("/proc/self/fd"))
        # the server's side of each connection needs a handle too
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (used + 12, hard))
            tcp.converse(talks, 0.5, never)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(talk.over for talk in talks)
    assert f"cannot be reached ({os.strerror(errno.EMFILE)})" in {talk.reason for talk in talks}
    assert len({talk.reason for talk in talks}) > 1


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ECONNREFUSED, "refused the connection"),
        (errno.EHOSTUNREACH, "cannot be reached (no route to host)"),
        (errno.ENETUNREACH, "cannot be reached (network is unreachable)"),
        (errno.EACCES, "cannot be reached (Permission denied)"),
        (None, "cannot be reached (Input/output error)"),
    ],
)
def test_reasons(code: int | None, words: str) -> None:
    assert tcp._reason(code) == words


# --- names ---


@pytest.mark.parametrize("address", ["127.0.0.1", "10.77.0.1", "255.255.255.255"])
def test_an_address_is_not_looked_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "call", None)
    assert tcp.resolve(address, 0.01) == (address,)


def test_localhost() -> None:
    assert "127.0.0.1" in tcp.resolve("localhost", 5)
    assert Host(deadline=Deadline(5)).resolve("localhost") == tcp.resolve("localhost", 5)


def test_a_capture_knows_no_names(tmp_path: Path) -> None:
    assert Host(str(tmp_path)).resolve("anything") == ("anything",)


def answering(monkeypatch: pytest.MonkeyPatch, addresses: Sequence[str]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
    monkeypatch.setattr("checks.frame.tcp.socket.getaddrinfo", lambda *_: found)


def test_every_address_once_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, ["10.0.0.9", "10.0.0.1", "10.0.0.9", "10.0.0.5"])
    assert tcp.resolve("mfsmaster", 5) == ("10.0.0.9", "10.0.0.1", "10.0.0.5")


def test_too_many_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, [f"10.{a}.{b}.{c}" for a in range(2) for b in range(250) for c in range(250)])
    with pytest.raises(OSError, match="has too many addresses"):
        tcp.resolve("mfsmaster", 20)


@pytest.mark.parametrize("failure", ["unknown", "hanging"])
def test_names_that_are_not_found(failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(*_: object) -> object:
        if failure == "hanging":
            time.sleep(60)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("checks.frame.tcp.socket.getaddrinfo", look_up)
    words = {
        "unknown": "is not known as a host with an IPv4 address",
        "hanging": "the name servers did not answer in time",
    }[failure]
    before, start = children(), time.monotonic()
    with pytest.raises(OSError, match=f"^{words}$"):
        tcp.resolve("mfsmaster", 0.5 if failure == "hanging" else 10)
    assert time.monotonic() - start < 5
    assert children() == before


# --- real networks ---

LOOK_UP = """
import os, sys, time
from checks.frame import tcp
start = time.monotonic()
try:
    print(" ".join(tcp.resolve("cluster.test", 1.0)))
except OSError as error:
    print(error)
print(time.monotonic() - start < 3, [t.split() for t in [open(f"/proc/self/task/{os.getpid()}/children").read()]])
"""
CONNECT = """
import sys, time
sys.path.insert(0, {tests!r})
from frame.test_tcp import Note
from checks.frame import tcp
talks = [Note(9421, address=address) for address in sys.argv[1:]]
start = time.monotonic()
tcp.converse(talks, 1.0, lambda: False)
for talk in talks:
    print(talk.address, talk.reason)
print(time.monotonic() - start < 3)
"""


def inside(setup: str, program: str, *arguments: str) -> list[str]:
    """The lines that a program prints in a network and mount namespace of its own."""
    ran = run(
        [
            "unshare", "--net", "--mount", "--propagation", "private", "sh", "-e", "-c",
            f'ip link set lo up; {setup}; exec "$@"', "sh", sys.executable, "-c", program, *arguments,
        ],
        cwd=str(PROJECT),
    )  # fmt: skip
    assert (ran.code, ran.stderr) == (0, b"")
    return ran.output.splitlines()


@pytest.mark.needs("unshare", "ip", "mount")
def test_a_name_server_that_is_silent(tmp_path: Path) -> None:
    """A socket that nobody reads: no ICMP tells the resolver that it waits in vain."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.53\noptions timeout:30 attempts:5\n")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    mounts = "; ".join(
        f"mount --bind {tmp_path}/{name} /etc/{name}" for name in ("resolv.conf", "hosts", "nsswitch.conf")
    )
    silent = (
        "import socket\nsilent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nsilent.bind(('127.0.0.53', 53))\n"
    )
    assert inside(mounts, silent + LOOK_UP) == ["the name servers did not answer in time", "True [[]]"]


@pytest.mark.needs("unshare", "ip", "mount")
def test_a_name_with_several_addresses(tmp_path: Path) -> None:
    (tmp_path / "hosts").write_text("".join(f"10.77.0.{number} cluster.test\n" for number in (3, 1, 2)))
    found, *_ = inside(f"mount --bind {tmp_path}/hosts /etc/hosts", LOOK_UP)
    assert sorted(found.split()) == ["10.77.0.1", "10.77.0.2", "10.77.0.3"]


@pytest.mark.needs("unshare", "ip", "mount")
def test_networks() -> None:
    """No route at all, a route that says so, and a neighbour that is not there, as behind a firewall."""
    setup = (
        "ip link add eth9 type veth peer name eth8; ip address add 10.77.0.1/24 dev eth9; ip link set eth9 up;"
        " ip link set eth8 up; ip neighbour add 10.77.0.9 lladdr 02:00:00:00:00:09 dev eth9;"
        " ip route add unreachable 10.78.0.0/16; ip route add prohibit 10.79.0.0/16"
    )
    addresses = ["10.80.0.1", "10.78.0.1", "10.79.0.1", "10.77.0.9", "127.0.0.1"]
    assert inside(setup, CONNECT.format(tests=str(TESTS)), *addresses) == [
        "10.80.0.1 cannot be reached (network is unreachable)",
        "10.78.0.1 cannot be reached (no route to host)",
        "10.79.0.1 cannot be reached (Permission denied)",
        "10.77.0.9 did not take the connection in time",
        "127.0.0.1 refused the connection",
        "True",
    ]

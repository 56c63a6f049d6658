"""undergoal tcp-responder: the other end of a probe, which says what of a handshake arrived there.

Everything is bounded: clients, connections of an address, bytes of a request, bytes per second of all, idle and total
time of a connection, and its own life. It answers only who completed a handshake and asked, never runs as root, and
listens on loopback unless told otherwise.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time

from checks.frame.command import answer_questions, refuse, some_options, write_and_exit
from checks.frame.deadline import answer_signals
from checks.frame.host import Host
from checks.frame.options import Option, UsageError, parse, seconds
from checks.frame.printable import printable
from checks.tcp_window import talk
from checks.tcp_window.settings import Settings, read_settings
from checks.tcp_window.tcp_info import TcpInfo, tcp_info
from perfdata.outcome import OK, UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import SimpleNamespace
    from typing import NoReturn

PORT = 5800
CLIENTS, CLIENTS_OF_ADDRESS = 32, 4
STARTS_PER_MINUTE = 60  # connections of an address
IDLE, TOTAL = 5.0, 20.0  # seconds
_CHUNK = 4096
_TICK = 0.2  # seconds
_PROGRAM = "undergoal tcp-responder"
_DESCRIPTION = (
    "The other end for check_tcp_window --probe HOST:PORT --responder: says which\n"
    f"window scale arrived here, and sends or takes at most {talk.BYTES_MAX} bytes a request.\n"
    f"At most {CLIENTS} clients, {CLIENTS_OF_ADDRESS} of one address, {STARTS_PER_MINUTE} connections a minute and\n"
    f"address, {IDLE:g} s idle, {TOTAL:g} s in all. It sends nothing to anybody who did not\n"
    "connect and ask. It does not run as root: it needs no rights."
)
_EPILOG = (
    "Examples:\n"
    "  undergoal tcp-responder --listen 192.0.2.10:5800 --for 10min\n"
    "  sudo -u nobody undergoal tcp-responder --listen 192.0.2.10\n\n"
    "Exit codes: 0 its time was over or it was stopped, 3 it could not listen (also\n"
    "--help, --version and wrong options)."
)


def _listen(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    try:
        socket.inet_pton(socket.AF_INET, address)
    except (OSError, ValueError):
        raise ValueError(f"'{printable(text)}' is not an IPv4 address, with or without :PORT") from None
    port = port or str(PORT)
    if not (port.isascii() and port.isdigit() and 1024 <= int(port) <= 65535):
        raise ValueError(f"'{printable(text)}' has no port from 1024 to 65535")
    return address, int(port)


def _rate(text: str) -> float:
    from checks.tcp_window.pipe import parse_rate

    return parse_rate(text)


def _options() -> list[Option]:
    return [
        *some_options("--help", "--version"),
        Option(
            ("--listen",),
            f"where to listen (default 127.0.0.1:{PORT})",
            "ADDRESS:PORT",
            _listen,
            ("127.0.0.1", PORT),
        ),
        Option(("--for",), "exit after this time (default 1h)", "TIME", seconds(1, 30 * 86400), 3600.0),
        Option(("--rate",), "bytes sent to all clients together (default 8Mbit)", "RATE", _rate, 1e6),
    ]


class _Client:
    """A connection from its acceptance to its end."""

    def __init__(self, connection: socket.socket, address: str, now: float) -> None:
        self.connection = connection
        self.address = address
        self.started = self.active = now
        self.line = b""
        self.request: talk.Request | None = None
        self.done = 0  # bytes sent or taken, after the line

    @property
    def wants_to_send(self) -> bool:
        """Whether bytes are owed."""
        return self.request is not None and self.request.direction == talk.DOWN and self.done < self.request.size

    @property
    def finished(self) -> bool:
        """Everything that was asked for has been sent or taken."""
        return self.request is not None and self.done >= self.request.size


class Responder:
    """Serves until its time is over."""

    def __init__(self, address: tuple[str, int], rate: float, host: Host) -> None:
        """Raises OSError when it cannot listen there."""
        self._host = host
        self._rate = rate
        self._allowance = rate * _TICK
        self._stopped = False
        self._clients: dict[int, _Client] = {}
        self._starts: dict[str, list[float]] = {}
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(address)
        self._listener.listen(CLIENTS)

    def serve(self, life: float) -> None:
        """For ``life`` seconds."""
        end = time.monotonic() + life
        refilled = time.monotonic()
        while (now := time.monotonic()) < end and not self._stopped:
            self._allowance = min(self._allowance + (now - refilled) * self._rate, self._rate * _TICK + _CHUNK)
            refilled = now
            self._turn(min(_TICK, end - now))
            self._end_late_ones(time.monotonic())

    def stop(self) -> None:
        """Let serve() return soon."""
        self._stopped = True

    def _turn(self, patience: float) -> None:
        can_send = self._allowance >= 1
        senders = [client.connection for client in self._clients.values() if client.wants_to_send and can_send]
        readers: list[socket.socket] = [client.connection for client in self._clients.values()]
        readable, writable, _ = select.select([self._listener, *readers], senders, [], patience)
        if senders == [] and any(client.wants_to_send for client in self._clients.values()):
            time.sleep(0.01)  # the rate is used up, and who waits for it must not spin
        for ready in readable:
            if ready is self._listener:
                self._accept()
            elif ready.fileno() in self._clients:
                self._read(self._clients[ready.fileno()])
        for ready in writable:
            if ready.fileno() in self._clients:
                self._send(self._clients[ready.fileno()])

    def _accept(self) -> None:
        try:
            connection, (address, _) = self._listener.accept()
        except OSError:
            return  # gone again, or no more handles
        now = time.monotonic()
        connection.setblocking(False)
        client = _Client(connection, address, now)
        starts = [at for at in self._starts.get(address, ()) if now - at < 60]
        same = sum(1 for other in self._clients.values() if other.address == address)
        if len(self._clients) >= CLIENTS or same >= CLIENTS_OF_ADDRESS or len(starts) >= STARTS_PER_MINUTE:
            _reset(connection)
            return
        self._starts = {a: s for a, s in self._starts.items() if s and now - s[-1] < 60}
        self._starts[address] = [*starts, now]
        self._clients[connection.fileno()] = client

    def _read(self, client: _Client) -> None:
        try:
            data = client.connection.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end(client)
            return
        client.active = time.monotonic()
        if client.request is None:
            client.line += data
            line, end, rest = client.line.partition(b"\n")
            if len(line) > talk.REQUEST_MAX:
                self._end(client)
            elif end:
                self._answer(client, line, rest)
        elif client.request.direction == talk.UP:
            client.done += len(data)
        if client.finished:
            self._end(client, friendly=True)

    def _answer(self, client: _Client, line: bytes, rest: bytes) -> None:
        try:
            client.request = talk.parse_request(line)
            settings, _ = read_settings(self._host)
            info = tcp_info(client.connection)
            client.connection.send(_report(info, settings, self._cookies_sent()))
        except (ValueError, OSError):
            self._end(client)
            return
        if client.request.direction == talk.UP:
            client.done += len(rest)

    def _cookies_sent(self) -> bool:
        from checks.tcp_window.netstat import cookies_sent

        return bool(cookies_sent(self._host))

    def _send(self, client: _Client) -> None:
        assert client.request is not None
        size = min(_CHUNK, client.request.size - client.done, int(self._allowance))
        if size <= 0:
            return
        try:
            sent = client.connection.send(b"d" * size)
        except BlockingIOError:
            return
        except OSError:
            self._end(client)
            return
        client.done += sent
        self._allowance -= sent
        client.active = time.monotonic()

    def _end_late_ones(self, now: float) -> None:
        for client in tuple(self._clients.values()):
            if now - client.active > IDLE or now - client.started > TOTAL:
                self._end(client)

    def _end(self, client: _Client, friendly: bool = False) -> None:
        """Who asked for bytes ends the connection, so that the last ones arrive; others are reset."""
        if friendly and client.request is not None and client.request.direction == talk.DOWN:
            return
        if self._clients.pop(client.connection.fileno(), None) is not None:
            if friendly:
                client.connection.close()
            else:
                _reset(client.connection)

    def close(self) -> None:
        """End all."""
        for client in tuple(self._clients.values()):
            self._end(client)
        self._listener.close()


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _report(info: TcpInfo, settings: Settings, cookies: bool) -> bytes:
    cookies = cookies or settings.syncookies == 2
    return talk.report(
        info.options, info.snd_wscale, info.rcv_wscale, settings.scaling != 0, cookies, info.snd_wnd or 0
    )


def main(arguments: list[str]) -> NoReturn:
    """The command, with the words after "tcp-responder"."""
    options = _options()
    answer_questions(arguments, _PROGRAM, _DESCRIPTION, _EPILOG, options)
    try:
        settings: SimpleNamespace = parse(options, arguments)
        if os.geteuid() == 0:
            raise UsageError("does not run as root; sudo -u nobody does")
    except UsageError as error:
        refuse(_PROGRAM, error)
    place = f"{settings.listen[0]}:{settings.listen[1]}"
    try:
        responder = Responder(settings.listen, settings.rate, Host())
    except OSError as error:
        line = printable(f"UNKNOWN - {_PROGRAM}: cannot listen on {place}: {error.strerror}", 160)
        write_and_exit(line.encode() + b"\n", UNKNOWN)
    answer_signals(lambda _reason: write_and_exit(b"", OK))
    life = getattr(settings, "for")
    with contextlib.suppress(OSError):
        os.write(1, f"listening on {place} for {life:.0f} s\n".encode())
    responder.serve(life)
    responder.close()
    write_and_exit(b"", OK)

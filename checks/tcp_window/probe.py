"""The active probe: a handshake, and where it was asked for a bounded transfer, from which the path's fault is known.

Bytes in all: at most LIMIT for the upload, and for each of at most two downloads LIMIT plus what is under way when it
is broken off. Nothing is sent to anybody who was not named.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

from checks.tcp_window import talk
from checks.tcp_window.connection import LIMIT, PATIENCE, Connection, NoConnection, reason
from checks.tcp_window.faults import Download, End, Seen, Upload
from checks.tcp_window.settings import Settings
from checks.tcp_window.tcp_info import TcpInfo
from perfdata.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from checks.frame.host import Host

_RESERVE = 0.7  # seconds kept for the verdict
_CONNECT = 3.0  # seconds for a handshake
_SECOND_LOOK = 1.5  # seconds that it needs at least


class Target(Record):
    """What is probed."""

    host: str
    port: int
    url: str = ""  # "" for bytes without HTTP
    responder: bool = False  # undergoal tcp-responder listens there
    download: bool = False
    upload: bool = False

    @property
    def name(self) -> str:
        """ "192.0.2.10:80"."""
        return f"{self.host}:{self.port}"


class Probed(Record):
    """What the probe found."""

    seen: Seen
    rtt: float  # seconds
    sees: int | None  # bytes: our window as the peer understands it, when the responder said so
    own_window: int  # bytes: the window we offered on the connection that showed it
    peer_raw: int | None  # bytes: the peer's window as it is understood here
    peer_first: int | None  # ... and what it was in the handshake
    problem: str = ""  # a transfer that could not be made, and why


class ProbeFailed(Exception):
    """There is nothing to judge; the text says of the target why."""


def _end(info: TcpInfo, settings: Settings) -> End:
    return End(info.scaling, info.rcv_wscale, info.snd_wscale, info.bare, settings.scaling != 0)


class _Trial:
    """One connection and what came of it; run in a thread beside others."""

    def __init__(self, work: Callable[[_Trial], None]) -> None:
        self.work = work
        self.connection: Connection | None = None
        self.info: TcpInfo | None = None
        self.report: talk.Report | None = None
        self.download: Download | None = None
        self.upload: Upload | None = None
        self.failure = ""

    def run(self) -> None:
        """Never raises."""
        try:
            self.work(self)
        except NoConnection as error:
            self.failure = str(error)
        except OSError as error:
            self.failure = reason(error)
        except Exception as error:  # what an HTTP server can say is without end
            self.failure = f"gave an answer that makes no sense ({type(error).__name__})"


class _Prober:
    """All trials against one target."""

    def __init__(self, host: Host, target: Target, settings: Settings, address: str) -> None:
        self._host = host
        self._target = target
        self._settings = settings
        self._address = address

    def open(self, trial: _Trial, unscaled: bool = False) -> Connection:
        """Connect. Raises NoConnection."""
        left = self._host.deadline.left(_RESERVE)
        patience = min(PATIENCE, left)
        trial.connection = Connection(self._address, self._target.port, min(_CONNECT, left), unscaled, patience)
        trial.info = trial.connection.first
        return trial.connection

    def handshake(self, trial: _Trial) -> None:
        """Connect and go."""
        with self.open(trial):
            pass

    def download(self, trial: _Trial, unscaled: bool = False) -> None:
        """Take bytes from the responder, or from a web server."""
        from checks.tcp_window.web import Body

        body = None if self._target.responder else Body(self._target.url)
        with self.open(trial, unscaled) as connection:
            if body is None:
                connection.socket.sendall(talk.request(talk.DOWN, LIMIT))
                reader = _Reports(connection, trial)
                trial.download = connection.download(reader.read, LIMIT)
                trial.info = connection.info()
                return
            trial.download = connection.download(lambda: body.read(connection), LIMIT)
            trial.info = connection.info()
            if body.problem:
                trial.failure = body.problem

    def upload(self, trial: _Trial) -> None:
        """Send bytes to the responder, a web server, or whoever listens."""
        with self.open(trial) as connection:
            if self._target.responder:
                reader = _Reports(connection, trial)
                data = talk.request(talk.UP, LIMIT) + b"u" * LIMIT
                trial.upload = connection.upload(data, reader.poll)
            elif self._target.url:
                from checks.tcp_window.web import post_head

                trial.upload = connection.upload(post_head(self._target.url, LIMIT) + b"u" * LIMIT)
            else:
                trial.upload = connection.upload(b"u" * LIMIT)
            trial.info = connection.info()


class _Reports:
    """The responder's line, then bytes."""

    def __init__(self, connection: Connection, trial: _Trial) -> None:
        self._connection = connection
        self._trial = trial
        self._line = b""

    def read(self) -> bytes:
        """The next bytes after the line. Raises NoConnection for anything else than a responder."""
        data = self._connection.socket.recv(16384)
        if self._trial.report is None:
            self._line += data
            line, end, rest = self._line.partition(b"\n")
            if not end and len(line) <= talk.REPORT_MAX and data:
                return b" " * len(data)
            try:
                self._trial.report = talk.parse_report(line)
            except ValueError:
                raise NoConnection("is no undergoal tcp-responder, or has too many clients") from None
            return rest or b" "
        return data

    def poll(self) -> None:
        """Take the line when it is there."""
        if self._trial.report is None:
            self._connection.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                self.read()


def probe(host: Host, target: Target, settings: Settings) -> Probed:
    """Raises ProbeFailed."""
    host.deadline.stage = f"probing {target.name}"
    try:
        address = host.resolve(target.host, _RESERVE)[0]
    except OSError as error:
        raise ProbeFailed(str(error)) from None
    prober = _Prober(host, target, settings, address)
    down = _Trial(prober.download) if target.download else None
    up = _Trial(prober.upload) if target.upload else None
    trials = [trial for trial in (down, up) if trial] or [_Trial(prober.handshake)]
    _side_by_side(trials)
    made = [trial for trial in trials if trial.info is not None]
    failures = [trial.failure for trial in trials if trial.failure]
    if not made or (failures and not any(trial.download or trial.upload for trial in trials)):
        raise ProbeFailed(failures[0] if failures else "did not answer in time")
    again = _second_look(host, prober, down)
    return _probed(settings, down, up, made, again, failures[0] if failures else "")


def _side_by_side(trials: list[_Trial]) -> None:
    if len(trials) == 1:
        trials[0].run()
        return
    import threading

    threads = [threading.Thread(target=trial.run, daemon=True) for trial in trials]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _second_look(host: Host, prober: _Prober, down: _Trial | None) -> _Trial | None:
    """The download once more with a window that needs no scale: if that is fine, it was the scale."""
    if down is None or down.download is None or not down.download.suspicious:
        return None
    if host.deadline.left(_RESERVE) < _SECOND_LOOK:
        return None
    again = _Trial(lambda trial: prober.download(trial, unscaled=True))
    again.run()
    return again


def _probed(
    settings: Settings, down: _Trial | None, up: _Trial | None, made: list[_Trial], again: _Trial | None, problem: str
) -> Probed:
    first, last = (made[0].connection.first if made[0].connection else made[0].info), made[0].info
    assert first is not None
    assert last is not None
    report = next((trial.report for trial in made if trial.report), None)
    shrunk = next((t for t in made if t.connection and t.connection.shrunk), None)
    showing = (shrunk.info if shrunk else last) or last
    seen = Seen(
        _end(last, settings),
        report.end if report else None,
        shrunk is not None,
        down.download if down else None,
        again.download if again else None,
        up.upload if up else None,
    )
    return Probed(
        seen,
        last.least_rtt or last.rtt,
        report.sees if report else None,
        last.offered,
        showing.snd_wnd,
        (shrunk.connection.first if shrunk and shrunk.connection else first).snd_wnd,
        problem,
    )


def target_from(settings: SimpleNamespace) -> Target | None:
    """What the options name. Raises ValueError."""
    if settings.http:
        host, port = settings.http[:2]
        if settings.responder or settings.probe:
            raise ValueError("--http and --probe are two probes: one at a time")
        if settings.upload and settings.http[2].startswith("https"):
            raise ValueError("--upload needs an http URL: TLS hides where an upload waits")
        return Target(host, port, settings.http[2], False, not settings.upload, settings.upload)
    if settings.probe:
        host, port = settings.probe
        both = settings.responder
        return Target(host, port, "", settings.responder, both, settings.upload or both)
    if settings.upload or settings.responder:
        raise ValueError(f"{'--upload' if settings.upload else '--responder'} needs --probe HOST:PORT or --http URL")
    return None
